using Triptych.Tokenizers;

namespace Triptych.Cli.Rendering;

/// <summary>Shows on standard error, at a terminal, how far the training of a tokenizer is.</summary>
internal sealed class TokenizerTrainingDisplay(Terminal terminal) : IProgress<TokenizerTrainingProgress>, IDisposable
{
    private readonly Lock gate = new();
    private readonly StatusLine status = new(terminal);
    private bool isDone;

    public void Report(TokenizerTrainingProgress value)
    {
        // Words are counted by several threads.
        lock (gate)
        {
            if (!isDone)
                status.Show(value.Total is long total ? $"{ProgressBar.Of(value.Done, total)} {value.Stage}" : $"{value.Stage}: {value.Done:N0}");
        }
    }

    public void Dispose()
    {
        lock (gate)
        {
            isDone = true;
            status.Dispose();
        }
    }
}
