using System.Diagnostics;

namespace Triptych.Fuzz;

/// <summary>The time that a case takes; not that in which other processes keep it waiting.</summary>
internal readonly struct CaseClock
{
    private readonly long _start;
    private readonly TimeSpan _used;

    private CaseClock(long start, TimeSpan used) => (_start, _used) = (start, used);

    public static CaseClock Start() => new(Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);

    public TimeSpan Elapsed
    {
        get
        {
            TimeSpan wall = Stopwatch.GetElapsedTime(_start), processor = Environment.CpuUsage.TotalTime - _used;
            return wall < processor ? wall : processor;
        }
    }
}
