using System.CommandLine;
using Triptych.Formats;
using Triptych.Generation;
using Triptych.Models;
using Triptych.Tensors;

namespace Triptych.Cli.Commands;

/// <summary>
/// Runs a checkpoint on tensors from a file. The inputs are named <c>PREFIX.in.NAME</c>; each prefix is a case. <c>train</c> gives the
/// loss and the norm of each gradient, <c>generate…</c> the greedy continuation, any other prefix the outputs of a forward pass.
/// </summary>
internal sealed class ForwardCommand : CliCommand
{
    public const string Summary = "Run a checkpoint on tensors from a safetensors file.";

    private const string InputMark = ".in.";
    private const int DefaultNewTokens = 16;

    private readonly Argument<string> model = new("MODEL") { Description = "A model folder; nothing but its checkpoint is read." };
    private readonly Option<string> inputs = new("--inputs") { Description = "Tensors named PREFIX.in.NAME.", HelpName = "FILE", Required = true };

    private readonly Option<string> output = new("--out")
    {
        Description = "Where to write PREFIX.out.FIELD, train.loss and train.grad_norm.NAME.",
        HelpName = "FILE",
        Required = true,
    };

    private readonly Option<int> maxNewTokens = new("--max-new-tokens")
    {
        Description = "Tokens to generate for the prefixes that begin with generate.",
        HelpName = "N",
        DefaultValueFactory = _ => DefaultNewTokens,
    };

    public ForwardCommand()
        : base("forward", Summary)
    {
        Add(model);
        Add(inputs);
        Add(output);
        Add(maxNewTokens);
    }

    public override IReadOnlyList<(string CommandLine, string Purpose)> Examples =>
        [("triptych forward ./bert-base-uncased --inputs in.safetensors --out out.safetensors", "compute logits and hidden states for single.in.input_ids")];

    public override Task ExecuteAsync(ParseResult arguments, Terminal terminal, CancellationToken cancellationToken)
    {
        string path = arguments.GetRequiredValue(inputs);
        using var scope = new TensorScope();
        using var file = SafetensorsFile.Open(path);
        var cases = file.Entries.Keys
            .Where(key => key.Contains(InputMark, StringComparison.Ordinal))
            .GroupBy(key => key[..key.IndexOf(InputMark, StringComparison.Ordinal)])
            .OrderBy(group => group.Key, StringComparer.Ordinal)
            .ToList();
        if (cases.Count == 0)
            throw new CheckpointException(path, null, "has no tensor named PREFIX.in.NAME");

        using var network = PretrainedModel.Load(
            arguments.GetRequiredValue(model), new LoadOptions { Trainable = cases.Exists(c => c.Key == "train") });
        var results = new List<KeyValuePair<string, Tensor>>();
        foreach (var group in cases)
        {
            cancellationToken.ThrowIfCancellationRequested();
            results.AddRange(Run(network, group.Key, ReadInputs(file, group), arguments.GetValue(maxNewTokens), cancellationToken)
                .Select(field => KeyValuePair.Create($"{group.Key}.{field.Name}", field.Value)));
        }

        SafetensorsWriter.Write(arguments.GetRequiredValue(output), results, cancellationToken: cancellationToken);
        return Task.CompletedTask;
    }

    private static ModelInputs ReadInputs(SafetensorsFile file, IEnumerable<string> keys)
    {
        var inputs = new ModelInputs { OutputHiddenStates = true };
        foreach (string key in keys)
        {
            try
            {
                inputs = inputs.With(key[(key.IndexOf(InputMark, StringComparison.Ordinal) + InputMark.Length)..], file.Load(key));
            }
            catch (ArgumentException e)
            {
                throw new CheckpointException(file.Path, key, ErrorLine.Of(e), e);
            }
        }

        return inputs;
    }

    private static IEnumerable<(string Name, Tensor Value)> Run(
        PretrainedModel network, string prefix, ModelInputs inputs, int newTokens, CancellationToken cancellationToken)
    {
        if (prefix == "train")
            return Train(network, inputs);
        using (Autograd.NoGrad())
        {
            return prefix.StartsWith("generate", StringComparison.Ordinal)
                ? Generate(network, inputs, newTokens, cancellationToken)
                : network.Forward(inputs).Fields().Select(field => ($"out.{field.Name}", field.Tensor)).ToList();
        }
    }

    private static List<(string Name, Tensor Value)> Train(PretrainedModel network, ModelInputs inputs)
    {
        var loss = network.Forward(inputs).Loss ?? throw new ArgumentException("train.in has no labels for a loss");
        loss.Backward();
        return
        [
            ("loss", loss),
            .. network.Parameters.Where(parameter => parameter.Value.Grad is not null)
                .Select(parameter => ($"grad_norm.{parameter.Key}", Norm(parameter.Value.Grad!))),
        ];
    }

    private static Tensor Norm(Tensor gradient) =>
        Tensor.Scalar((float)Math.Sqrt(gradient.ToFloats().Sum(value => (double)value * value)));

    private static List<(string Name, Tensor Value)> Generate(
        PretrainedModel network, ModelInputs inputs, int newTokens, CancellationToken cancellationToken)
    {
        var options = new GenerationOptions { MaxNewTokens = newTokens, DoSample = false, NumBeams = 1, OutputLogits = true };
        var result = new TextGenerator(network).Generate(
            inputs.InputIds ?? throw new ArgumentException("generate.in has no input_ids"), inputs.AttentionMask, options, cancellationToken);
        int length = result.Sequences[0].Length;
        var sequences = Tensor.From([.. result.Sequences.SelectMany(row => row).Select(id => (long)id)], [result.Sequences.Count, length]);
        return [("out.sequences", sequences), ("out.new_logits", result.NewLogits!)];
    }
}
