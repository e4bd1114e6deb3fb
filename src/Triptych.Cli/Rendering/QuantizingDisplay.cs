using Triptych.Formats;
using Triptych.Tensors;

namespace Triptych.Cli.Rendering;

/// <summary>Shows on standard error, at a terminal, how far a quantization is.</summary>
internal sealed class QuantizingDisplay(Terminal terminal) : IProgress<QuantizationProgress>, IDisposable
{
    private const int BarWidth = 20;

    private readonly StatusLine status = new(terminal);

    public void Report(QuantizationProgress value)
    {
        int filled = (int)(value.Fraction * BarWidth);
        string bar = new string('█', filled) + new string('░', BarWidth - filled);
        status.Show($"{bar} {value.Fraction:P0}  {value.Tensor.Name}: {value.Tensor.From.Name()} -> {value.Tensor.To.Name()}");
    }

    public void Dispose() => status.Dispose();
}
