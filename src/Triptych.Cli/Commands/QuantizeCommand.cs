using System.CommandLine;
using System.Text.Json;
using Triptych.Cli.Rendering;
using Triptych.Formats;
using Triptych.Tensors;

namespace Triptych.Cli.Commands;

/// <summary>Writes a model's weights in fewer bits.</summary>
internal sealed class QuantizeCommand : CliCommand
{
    public const string Summary = "Make a GGUF file with the weights in fewer bits.";

    private readonly Argument<string> model = new("MODEL") { Description = "A model folder, a .gguf file in float32, float16 or bfloat16, or an embedded model." };
    private readonly Option<string> to = new("--to")
    {
        Description = $"One of {string.Join(", ", Enum.GetValues<QuantizationType>().Select(type => type.Name()))}.",
        HelpName = "TYPE",
        Required = true,
    };
    private readonly Option<string?> output = new("--output", "-o") { Description = "The file to write; MODEL-TYPE.gguf beside the model without it.", HelpName = "FILE" };
    private readonly Option<bool> pure = new("--pure") { Description = "All tensors in one format, none with more bits." };
    private readonly Option<bool> json = new("--json") { Description = "Print the result as a JSON object." };

    public QuantizeCommand()
        : base("quantize", Summary)
    {
        Add(model);
        Add(to);
        Add(output);
        Add(pure);
        Add(json);
    }

    public override IReadOnlyList<(string CommandLine, string Purpose)> Examples =>
    [
        ("triptych quantize llama-bf16.gguf --to q4_k_m", "write llama-q4_k_m.gguf, about 4.8 bits a weight"),
        ("triptych quantize ./TinyLlama-1.1B --to q8_0 --output small.gguf", "from a folder of safetensors, nearly without loss"),
    ];

    public override Task ExecuteAsync(ParseResult arguments, Terminal terminal, CancellationToken cancellationToken)
    {
        string source = arguments.GetRequiredValue(model);
        QuantizationType type = ParseType(arguments.GetRequiredValue(to));
        string target = arguments.GetValue(output) ?? DefaultOutput(source, type);
        using var display = new QuantizingDisplay(terminal);
        var options = new QuantizerOptions { Pure = arguments.GetValue(pure), Progress = display };
        var tensors = Quantizer.Quantize(source, target, type, options, cancellationToken);
        display.Dispose();
        if (arguments.GetValue(json))
            JsonLine.Write(terminal.Out, writer => WriteResult(writer, target, tensors));
        else
            WriteTable(terminal, target, tensors);
        return Task.CompletedTask;
    }

    private static QuantizationType ParseType(string name)
    {
        try
        {
            return QuantizationTypes.Parse(name);
        }
        catch (ArgumentException error)
        {
            throw new UsageException(ErrorLine.Of(error));
        }
    }

    /// <summary>llama-bf16.gguf becomes llama-q4_k_m.gguf.</summary>
    private static string DefaultOutput(string model, QuantizationType type)
    {
        string full = Path.GetFullPath(model.TrimEnd(Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar));
        string name = full.EndsWith(GgufFile.Extension, StringComparison.OrdinalIgnoreCase) ? full[..^GgufFile.Extension.Length] : full;
        string? precision = Array.Find(["-f32", "-f16", "-bf16"], ending => name.EndsWith(ending, StringComparison.OrdinalIgnoreCase));
        return Path.GetRelativePath(".", $"{name[..^(precision?.Length ?? 0)]}-{type.Name()}{GgufFile.Extension}");
    }

    private static IEnumerable<(DType Type, int Tensors, long Weights, long Bytes)> ByType(IReadOnlyList<QuantizedTensor> tensors) =>
        tensors.GroupBy(tensor => tensor.To)
            .Select(group => (group.Key, group.Count(), group.Sum(tensor => tensor.Shape.Count), Bytes: group.Sum(tensor => tensor.Bytes)))
            .OrderByDescending(row => row.Bytes);

    private static void WriteTable(Terminal terminal, string target, IReadOnlyList<QuantizedTensor> tensors)
    {
        var table = new Table(("format", Align.Left), ("tensors", Align.Right), ("weights", Align.Right), ("MB", Align.Right));
        foreach (var (type, count, weights, bytes) in ByType(tensors))
            table.Add(type.Name(), $"{count:N0}", $"{weights:N0}", $"{bytes / 1e6:N1}");
        table.Write(terminal);
        long before = tensors.Sum(tensor => tensor.BytesBefore), after = tensors.Sum(tensor => tensor.Bytes);
        double bits = 8.0 * after / Math.Max(tensors.Sum(tensor => tensor.Shape.Count), 1);
        terminal.Out.WriteLine($"{target}: {before / 1e6:N1} MB -> {after / 1e6:N1} MB, {bits:F2} bits a weight");
    }

    private static void WriteResult(Utf8JsonWriter json, string target, IReadOnlyList<QuantizedTensor> tensors)
    {
        json.WriteStartObject();
        json.WriteString("output", target);
        json.WriteNumber("weights", tensors.Sum(tensor => tensor.Shape.Count));
        json.WriteNumber("bytes_before", tensors.Sum(tensor => tensor.BytesBefore));
        json.WriteNumber("bytes", tensors.Sum(tensor => tensor.Bytes));
        json.WriteStartObject("formats");
        foreach (var (type, count, _, _) in ByType(tensors))
            json.WriteNumber(type.Name(), count);
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
