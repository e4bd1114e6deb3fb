using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Triptych.Cli.Rendering;
using Triptych.Models;
using Triptych.Tensors;
using static Triptych.Cli.NumberOption;

namespace Triptych.Cli.Commands;

/// <summary>Measures how fast a model reads a prompt (prefill) and writes tokens (decode).</summary>
internal sealed class BenchCommand : CliCommand
{
    public const string Summary = "Measure the speed and the memory of a model.";

    private const int DefaultPrefill = 512;
    private const int DefaultDecode = 64;
    private const int DefaultRepeats = 5;

    // The JIT recompiles what runs often in the background; before it is done, a short run measures the JIT.
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(1.5);

    private readonly Argument<string> model = new("MODEL") { Description = "A model folder or an embedded model." };
    private readonly Option<int?> prefill = Count("--prefill", $"Tokens of the prompt; {DefaultPrefill}, or what the context has room for.", least: 1);
    private readonly Option<int?> decode = Count("--decode", $"Tokens to write after it; {DefaultDecode}, or what the context has room for.", least: 1);
    private readonly Option<int?> batch = Count("--batch", "Rows that run together; 1 without it.", least: 1);
    private readonly Option<int?> repeat = Count("--repeat", $"Measured runs, after a second and a half of warming up; {DefaultRepeats} without it.", least: 1);
    private readonly Option<DType?> cacheType = CacheTypeOption.Create();
    private readonly Option<bool> json = new("--json") { Description = "Print a JSON object." };

    public BenchCommand()
        : base("bench", Summary)
    {
        Add(model);
        Add(prefill);
        Add(decode);
        Add(batch);
        Add(repeat);
        Add(cacheType);
        Add(json);
    }

    public override IReadOnlyList<(string CommandLine, string Purpose)> Examples =>
        [("triptych bench ./gpt2 --prefill 512 --decode 64 --batch 1 --json", "measure prefill and decode, as JSON")];

    public override Task ExecuteAsync(ParseResult arguments, Terminal terminal, CancellationToken cancellationToken)
    {
        var watch = Stopwatch.StartNew();
        using var network = PretrainedModel.Load(EmbeddedModels.Resolve(arguments.GetRequiredValue(model)));
        double loadSeconds = watch.Elapsed.TotalSeconds;
        var sizes = Sizes(network, arguments.GetValue(prefill), arguments.GetValue(decode));
        int rows = arguments.GetValue(batch) ?? 1;

        using var noGrad = Autograd.NoGrad();
        var run = new BenchRun(network, rows, sizes.Prefill, sizes.Decode, arguments.GetValue(cacheType));
        var first = run.Measure(cancellationToken);
        for (var warm = Stopwatch.StartNew(); warm.Elapsed < WarmUp;)
            run.Measure(cancellationToken);
        var times = new List<BenchTimes>();
        for (int i = 0; i < (arguments.GetValue(repeat) ?? DefaultRepeats); i++)
            times.Add(run.Measure(cancellationToken));

        var result = new BenchResult(
            Speed.Of([.. times.Select(time => rows * sizes.Prefill / time.PrefillSeconds)]),
            sizes.Decode == 0 ? null : Speed.Of([.. times.Select(time => rows * sizes.Decode / time.DecodeSeconds)]),
            loadSeconds,
            first.PrefillSeconds,
            PeakMemory.Bytes());
        if (arguments.GetValue(json))
            JsonLine.Write(terminal.Out, result.Write);
        else
            Show(terminal, network, sizes, rows, result);
        return Task.CompletedTask;
    }

    /// <summary>The lengths to measure with: those asked for, else what fits.</summary>
    private static (int Prefill, int Decode) Sizes(PretrainedModel network, int? prefill, int? decode)
    {
        var dimensions = network.Config.Dimensions;
        int context = dimensions.HasPositionTable ? dimensions.ContextLength : int.MaxValue;
        bool isEncoderDecoder = network.Architecture.Family is ModelFamily.EncoderDecoder;
        if (!BenchRun.Generates(network))
            return (Fit("--prefill", prefill, DefaultPrefill, context), 0);
        if (isEncoderDecoder)
            return (Fit("--prefill", prefill, DefaultPrefill, context), Fit("--decode", decode, DefaultDecode, context - 1));
        int tokens = Fit("--prefill", prefill, DefaultPrefill, context - Math.Min(decode ?? DefaultDecode, context / 2));
        return (tokens, Fit("--decode", decode, DefaultDecode, context - tokens));

        int Fit(string option, int? asked, int preferred, int room)
        {
            if (asked <= room || asked is null)
                return asked ?? Math.Min(preferred, room);
            throw new ArgumentException($"{option} {asked}: the model's context of {context} tokens has room for {Math.Max(room, 0)}");
        }
    }

    private static void Show(Terminal terminal, PretrainedModel network, (int Prefill, int Decode) sizes, int rows, BenchResult result)
    {
        var table = new Table(("", Align.Left), ("tokens", Align.Right), ("median", Align.Right), ("best", Align.Right), ("worst", Align.Right));
        Add("prefill", sizes.Prefill, result.Prefill);
        if (result.Decode is { } speed)
            Add("decode", sizes.Decode, speed);
        terminal.Out.WriteLine($"{network.ClassName}, {network.ParameterCount:N0} parameters, batch {rows}, tokens a second:");
        table.Write(terminal);
        terminal.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"load {result.LoadSeconds:F2} s, first token {result.FirstTokenSeconds:F2} s, peak memory {result.PeakMemoryBytes / (double)(1 << 20):F0} MiB"));

        void Add(string name, int tokens, Speed speed) => table.Add(name, $"{rows * tokens}", $"{speed.Median:F1}", $"{speed.Best:F1}", $"{speed.Worst:F1}");
    }
}

/// <summary>What a benchmark found, tokens a second.</summary>
internal sealed record BenchResult(Speed Prefill, Speed? Decode, double LoadSeconds, double FirstTokenSeconds, long PeakMemoryBytes)
{
    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        WriteSpeed(json, "prefill_tokens_per_second", Prefill);
        WriteSpeed(json, "decode_tokens_per_second", Decode);
        json.WriteNumber("load_seconds", LoadSeconds);
        json.WriteNumber("first_token_seconds", FirstTokenSeconds);
        json.WriteNumber("peak_memory_bytes", PeakMemoryBytes);
        json.WriteEndObject();
    }

    private static void WriteSpeed(Utf8JsonWriter json, string name, Speed? speed)
    {
        if (speed is null)
        {
            json.WriteNull(name);
            return;
        }

        json.WriteStartObject(name);
        json.WriteNumber("median", speed.Median);
        json.WriteNumber("best", speed.Best);
        json.WriteNumber("worst", speed.Worst);
        json.WriteNumber("n", speed.Runs);
        json.WriteEndObject();
    }
}

/// <summary>The speeds of several runs, tokens a second.</summary>
internal sealed record Speed(double Median, double Best, double Worst, int Runs)
{
    public static Speed Of(double[] values)
    {
        Array.Sort(values);
        int middle = values.Length / 2;
        double median = values.Length % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
        return new(median, values[^1], values[0], values.Length);
    }
}
