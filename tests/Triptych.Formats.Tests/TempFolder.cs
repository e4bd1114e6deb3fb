namespace Triptych.Formats.Tests;

/// <summary>A folder that goes away with the test.</summary>
internal sealed class TempFolder : IDisposable
{
    public string Root { get; } = Directory.CreateTempSubdirectory("triptych").FullName;

    public string this[string name] => Path.Combine(Root, name);

    public string[] Names => [.. Directory.EnumerateFiles(Root).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];

    public string Put(string name, byte[] content)
    {
        File.WriteAllBytes(this[name], content);
        return this[name];
    }

    public string Put(string name, string content)
    {
        File.WriteAllText(this[name], content);
        return this[name];
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
