namespace Triptych.Cli.Rendering;

/// <summary>Shows on standard error, at a terminal, how much of a model is written.</summary>
internal sealed class ConversionDisplay(Terminal terminal) : IProgress<long>, IDisposable
{
    private readonly StatusLine status = new(terminal);

    public void Report(long value) => status.Show($"{value / 1e6:N0} MB written");

    public void Dispose() => status.Dispose();
}
