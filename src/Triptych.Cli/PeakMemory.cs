using System.Diagnostics;
using System.Globalization;

namespace Triptych.Cli;

/// <summary>The most physical memory that this process ever held.</summary>
internal static class PeakMemory
{
    private const string LinuxStatus = "/proc/self/status";
    private const string HighWaterMark = "VmHWM:";

    public static long Bytes()
    {
        string? line = OperatingSystem.IsLinux()
            ? File.ReadLines(LinuxStatus).FirstOrDefault(entry => entry.StartsWith(HighWaterMark, StringComparison.Ordinal))
            : null;
        if (line is not null)
            return long.Parse(line.AsSpan(HighWaterMark.Length).Trim()[..^" kB".Length], CultureInfo.InvariantCulture) << 10;
        using var process = Process.GetCurrentProcess();
        return process.PeakWorkingSet64;
    }
}
