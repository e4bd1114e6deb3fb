using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Triptych.Cli.Rendering;
using Triptych.Generation;
using Triptych.Models;
using Triptych.Tensors;
using Triptych.Tokenizers;
using static Triptych.Cli.NumberOption;

namespace Triptych.Cli.Commands;

/// <summary>Measures how well a language model predicts a text, and how far it is from another model.</summary>
internal sealed class PerplexityCommand : CliCommand
{
    public const string Summary = "Measure how well a language model predicts a text.";

    private readonly Argument<string> model = new("MODEL") { Description = "A model folder, a GGUF file or an embedded model." };
    private readonly Argument<string> file = new("FILE") { Description = "The text, UTF-8." };
    private readonly Option<int?> context = Count("--context", "Tokens of a piece of text; 512, or the model's context, without it.", least: 2);
    private readonly Option<int?> stride = Count("--stride", "Tokens from piece to piece, which are predicted; without it pieces lie side by side, and the second half of each is predicted.", least: 1);
    private readonly Option<int?> chunks = Count("--chunks", "The most pieces to measure.", least: 1);

    private readonly Option<string?> compare = new("--compare")
    {
        Description = "Compare with the predictions of another model of the same vocabulary, such as the unquantized one.",
        HelpName = "MODEL",
    };

    private readonly Option<DType?> cacheType = CacheTypeOption.Create("Read keys and values from a cache of this type; no cache without it.");
    private readonly Option<bool> json = new("--json") { Description = "Print a JSON object." };

    public PerplexityCommand()
        : base("perplexity", Summary)
    {
        Add(model);
        Add(file);
        Add(context);
        Add(stride);
        Add(chunks);
        Add(compare);
        Add(cacheType);
        Add(json);
    }

    public override IReadOnlyList<(string CommandLine, string Purpose)> Examples =>
    [
        ("triptych perplexity gpt2-stories README.md", "how well a model predicts a text"),
        ("triptych perplexity ./llama-q4_k_m.gguf wiki.txt --compare ./llama-f32.gguf", "what quantization has changed"),
        ("triptych perplexity gpt2-stories README.md --cache-type q8_0 --compare gpt2-stories", "what a narrow cache changes"),
    ];

    public override Task ExecuteAsync(ParseResult arguments, Terminal terminal, CancellationToken cancellationToken)
    {
        string path = EmbeddedModels.Resolve(arguments.GetRequiredValue(model));
        string text = TextInput.ReadFile(arguments.GetRequiredValue(file));
        var tokenizer = AutoTokenizer.Load(path);
        using var network = PretrainedModel.Load(path);
        using var reference = arguments.GetValue(compare) is { } other ? PretrainedModel.Load(EmbeddedModels.Resolve(other)) : null;
        var options = new PerplexityOptions
        {
            Context = arguments.GetValue(context),
            Stride = arguments.GetValue(stride),
            MaxChunks = arguments.GetValue(chunks),
            BosTokenId = Beginning(tokenizer, network.Config),
            CacheType = arguments.GetValue(cacheType),
        };

        using var display = new PerplexityDisplay(terminal);
        var result = Perplexity.Measure(network, tokenizer.Encode(text).Ids, options, reference, display, cancellationToken);
        display.Dispose();
        if (arguments.GetValue(json))
            JsonLine.Write(terminal.Out, writer => Write(writer, result));
        else
            Show(terminal, result);
        return Task.CompletedTask;
    }

    /// <summary>The token that begins every text, if the tokenizer puts one there.</summary>
    private static int? Beginning(Tokenizer tokenizer, ModelConfig config) =>
        tokenizer.Encode("").Ids is [var first, ..] && first == config.BosTokenId ? first : null;

    private static void Show(Terminal terminal, PerplexityResult result)
    {
        terminal.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"perplexity {result.Perplexity:F4} ± {result.StandardError:F4} ({result.Tokens:N0} tokens, {result.Chunks} pieces of {result.Context}, {result.TokensPerSecond:F0} tokens/s)"));
        if (result.Difference is not { } difference)
            return;
        terminal.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"the other model: {difference.ReferencePerplexity:F4}, ratio {result.Perplexity / difference.ReferencePerplexity:F5}"));
        terminal.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"KL divergence from it {difference.MeanDivergence:G4} ± {difference.DivergenceError:G2} a token, at most {difference.MaxDivergence:G3}"));
        terminal.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"same most likely token {difference.SameTop:P2}, largest difference of a logit {difference.MaxLogitDifference:G3}"));
    }

    private static void Write(Utf8JsonWriter json, PerplexityResult result)
    {
        json.WriteStartObject();
        json.WriteNumber("perplexity", result.Perplexity);
        json.WriteNumber("standard_error", result.StandardError);
        json.WriteNumber("tokens", result.Tokens);
        json.WriteNumber("chunks", result.Chunks);
        json.WriteNumber("context", result.Context);
        json.WriteNumber("tokens_per_second", result.TokensPerSecond);
        if (result.Difference is { } difference)
        {
            json.WriteStartObject("compare");
            json.WriteNumber("perplexity", difference.ReferencePerplexity);
            json.WriteNumber("kl_divergence", difference.MeanDivergence);
            json.WriteNumber("kl_divergence_error", difference.DivergenceError);
            json.WriteNumber("kl_divergence_max", difference.MaxDivergence);
            json.WriteNumber("same_top", difference.SameTop);
            json.WriteNumber("logit_difference_max", difference.MaxLogitDifference);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    /// <summary>A bar at a terminal, nothing elsewhere.</summary>
    private sealed class PerplexityDisplay(Terminal terminal) : IProgress<PerplexityProgress>, IDisposable
    {
        private readonly StatusLine status = new(terminal);

        public void Report(PerplexityProgress value)
        {
            var left = value.Elapsed / value.Chunk * (value.Chunks - value.Chunk);
            status.Show(string.Create(
                CultureInfo.InvariantCulture,
                $"{ProgressBar.Of(value.Chunk, value.Chunks)} piece {value.Chunk}/{value.Chunks}  perplexity {value.Perplexity:F4}  {ProgressBar.Time(left)} left"));
        }

        public void Dispose() => status.Dispose();
    }
}
