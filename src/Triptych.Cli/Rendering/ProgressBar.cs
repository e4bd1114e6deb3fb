namespace Triptych.Cli.Rendering;

/// <summary>How far something has come, in characters.</summary>
internal static class ProgressBar
{
    private const int Width = 24;

    public static string Of(long done, long total)
    {
        int filled = total > 0 ? (int)Math.Clamp(Width * done / total, 0, Width) : 0;
        return new string('█', filled) + new string('░', Width - filled);
    }

    /// <summary>Minutes and seconds, with hours where there are any.</summary>
    public static string Time(TimeSpan time) =>
        time.TotalHours >= 1 ? $"{(int)time.TotalHours}:{time.Minutes:00}:{time.Seconds:00}" : $"{time.Minutes}:{time.Seconds:00}";
}
