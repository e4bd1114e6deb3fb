namespace Triptych.Cli.Rendering;

/// <summary>Shows on standard error, at a terminal, that a model is being loaded.</summary>
internal sealed class LoadingDisplay : IProgress<LoadingProgress>, IDisposable
{
    private readonly StatusLine status;
    private readonly string name;

    public LoadingDisplay(Terminal terminal, string? model)
    {
        status = new StatusLine(terminal);
        name = model ?? "the model";
        status.Show($"loading {name} …");
    }

    public void Report(LoadingProgress value) => status.Show($"loading {name}: {value.Step}, {value.Fraction:P0}");

    public void Dispose() => status.Dispose();
}
