using System.CommandLine;
using Triptych.Cli.Rendering;
using Triptych.Formats;
using Triptych.Tensors;

namespace Triptych.Cli.Commands;

/// <summary>Converts between folders of safetensors and GGUF files.</summary>
internal sealed class ConvertCommand : CliCommand
{
    public const string Summary = "Convert a model folder to a GGUF file, or back.";

    private static readonly Dictionary<string, DType> Types = new(StringComparer.OrdinalIgnoreCase)
    {
        ["f32"] = DType.Float32,
        ["f16"] = DType.Float16,
        ["bf16"] = DType.BFloat16,
        ["q8_0"] = DType.Q8_0,
    };

    private readonly Argument<string> model = new("IN") { Description = "A model folder, a GGUF file or an embedded model." };
    private readonly Argument<string> output = new("OUT") { Description = "The .gguf file or the folder to write." };
    private readonly Option<string?> to = new("--to") { Description = $"The type of the weights: {string.Join(", ", Types.Keys)}; theirs without it.", HelpName = "TYPE" };

    public ConvertCommand()
        : base("convert", Summary)
    {
        Add(model);
        Add(output);
        Add(to);
        to.AcceptOnlyFromAmong([.. Types.Keys]);
    }

    public override IReadOnlyList<(string CommandLine, string Purpose)> Examples =>
    [
        ("triptych convert ./TinyLlama-1.1B tinyllama.gguf", "write a GGUF file for llama.cpp, weights as they are"),
        ("triptych convert ./TinyLlama-1.1B tinyllama-q8_0.gguf --to q8_0", "the same with weights of 8 bits"),
        ("triptych convert tinyllama.gguf ./TinyLlama-1.1B", "write a folder for transformers"),
    ];

    public override Task ExecuteAsync(ParseResult arguments, Terminal terminal, CancellationToken cancellationToken)
    {
        string target = arguments.GetRequiredValue(output);
        using var display = new ConversionDisplay(terminal);
        ModelConverter.Convert(
            arguments.GetRequiredValue(model), target, arguments.GetValue(to) is { } type ? Types[type] : null, display, cancellationToken);
        display.Dispose();
        using var written = Checkpoint.Open(target);
        terminal.Out.WriteLine($"{target}: {written.Names.Count} tensors, {written.TotalBytes / 1e6:N1} MB");
        return Task.CompletedTask;
    }
}
