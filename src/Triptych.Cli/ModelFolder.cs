namespace Triptych.Cli;

internal static class ModelFolder
{
    public static string Resolve(string model) => model;
}
