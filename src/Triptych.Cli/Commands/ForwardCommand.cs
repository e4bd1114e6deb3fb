using System.CommandLine;
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
        DefaultValueFactory = _ => GreedyDecoder.DefaultNewTokens,
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
        int newTokens = arguments.GetValue(maxNewTokens);
        using var scope = new TensorScope();
        ForwardRunner.Run(
            arguments.GetRequiredValue(model),
            arguments.GetRequiredValue(inputs),
            arguments.GetRequiredValue(output),
            (network, given) => GreedyDecoder.Decode(network, given, newTokens, cancellationToken));
        return Task.CompletedTask;
    }
}
