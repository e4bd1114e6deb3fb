using Triptych.Training;

namespace Triptych.Cli.Rendering;

/// <summary>
/// Shows training on standard error: one line that is redrawn at a terminal, with step, loss, tokens a second and the time left; a
/// line for each report otherwise. Evaluations and checkpoints get a line of their own that stays.
/// </summary>
internal sealed class TrainingDisplay(Terminal terminal) : IProgress<TrainingProgress>, IDisposable
{
    private readonly StatusLine status = new(terminal);

    public void Report(TrainingProgress value)
    {
        string stage = value.Stage is null ? "" : $"{value.Stage}: ";
        switch (value.Event)
        {
            case TrainingEvent.Step when terminal.IsErrorLive:
                status.Show($"{stage}{ProgressBar.Of(value.Step, value.TotalSteps)} {Figures(value)}");
                break;
            case TrainingEvent.Step:
                status.Log($"{stage}{Figures(value)}");
                break;
            case TrainingEvent.Evaluation when value.Evaluation is { } evaluation:
                status.Log($"{stage}step {value.Step}: {value.Message ?? "validation"} loss {evaluation.Loss:F4}, accuracy {evaluation.Accuracy:P1}");
                break;
            case TrainingEvent.Checkpoint:
                status.Log($"{stage}step {value.Step}: checkpoint {value.Message}");
                break;
            default:
                if (value.Message is not null)
                    status.Log($"{stage}{value.Message}");
                break;
        }
    }

    public void Dispose() => status.Dispose();

    private static string Figures(TrainingProgress value) =>
        $"step {value.Step}/{value.TotalSteps}  epoch {value.Epoch:F2}  loss {value.Loss:F4}  lr {value.LearningRate:0.##E+0}  " +
        $"{value.TokensPerSecond:N0} tokens/s  {ProgressBar.Time(value.Elapsed)} elapsed, {(value.Remaining is { } left ? ProgressBar.Time(left) : "?")} left";
}
