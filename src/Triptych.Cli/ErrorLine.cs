using System.Reflection;

namespace Triptych.Cli;

/// <summary>Says what failed and why in one line.</summary>
internal static class ErrorLine
{
    private const int Limit = 2000;

    public static string Of(Exception exception)
    {
        var cause = Unwrap(exception);
        return OneLine(cause switch
        {
            ArgumentException { ParamName: { } parameter } => cause.Message.Replace($" (Parameter '{parameter}')", "", StringComparison.Ordinal),
            OutOfMemoryException => $"not enough memory: {cause.Message}",
            NullReferenceException or IndexOutOfRangeException or InvalidCastException or KeyNotFoundException =>
                $"internal error, please report it with the output of --verbose: {cause.GetType().Name}: {cause.Message}",
            _ => cause.Message,
        });
    }

    private static Exception Unwrap(Exception exception)
    {
        while (exception is AggregateException or TargetInvocationException or TypeInitializationException && exception.InnerException is { } inner)
            exception = inner;
        return exception;
    }

    private static string OneLine(string message)
    {
        string line = string.Join(' ', message.Split(['\r', '\n', '\t'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        line = string.Concat(line.Select(c => char.IsControl(c) ? '\uFFFD' : c));
        return line.Length <= Limit ? line : line[..Limit] + "…";
    }
}
