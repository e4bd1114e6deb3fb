using System.CommandLine;

namespace Triptych.Cli.Commands;

/// <summary>Shows the tool at work with the embedded models, offline: each step is a command line that anyone can repeat.</summary>
internal sealed class DemoCommand() : CliCommand("demo", Summary)
{
    public const string Summary = "See it at work with the embedded models, offline.";

    private const string Classifier = "distilbert-sentiment";
    private const string Generator = "gpt2-stories";
    private const string Summarizer = "bart-summary";
    private const string Article = "article.txt";

    public override IReadOnlyList<(string CommandLine, string Purpose)> Examples =>
    [
        ("triptych demo", "classify, write, summarize and inspect"),
        ("triptych demo --plain", "the same without colours and boxes"),
    ];

    public override async Task ExecuteAsync(ParseResult arguments, Terminal terminal, CancellationToken cancellationToken)
    {
        string article = Path.Combine(EmbeddedModels.Resolve(Summarizer), Article);
        (string Title, string[] Arguments)[] steps =
        [
            ("An encoder classifies: DistilBERT, fine-tuned for sentiment",
            [
                "run", "text-classification", "This movie was absolutely fantastic!", "A dull plot, wooden acting and no ending.",
                "The first half is charming, the second drags.",
            ]),
            ("A decoder writes: GPT-2, trained on stories",
                ["run", "text-generation", "Once upon a time", "--max-new-tokens", "50", "--temperature", "0.7"]),
            ("An encoder-decoder summarizes: BART",
                ["run", "summarization", "--file", Path.GetRelativePath(Environment.CurrentDirectory, article), "--max-length", "60", "--min-length", "20"]),
            ("The architecture check: what each of them is, and what it can and cannot do",
                ["inspect", Classifier, Generator, Summarizer]),
        ];
        for (int i = 0; i < steps.Length; i++)
        {
            var (title, commandLine) = steps[i];
            terminal.WriteHeading($"{i + 1}. {title}");
            terminal.WriteEmphasized($"$ triptych {string.Join(' ', commandLine.Select(Quoted))}");
            await terminal.Out.WriteLineAsync().ConfigureAwait(false);
            await terminal.Out.FlushAsync(cancellationToken).ConfigureAwait(false);
            var parsed = CommandLine.Parse(commandLine, new GlobalOptions());
            await ((CliCommand)parsed.CommandResult.Command).ExecuteAsync(parsed, terminal, cancellationToken).ConfigureAwait(false);
            await terminal.Out.WriteLineAsync().ConfigureAwait(false);
        }
    }

    private static string Quoted(string argument) => argument.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.' or '/')) ? $"\"{argument}\"" : argument;
}
