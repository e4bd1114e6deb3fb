using System.CommandLine;

namespace Triptych.Cli.Commands;

/// <summary>Runs a task on texts.</summary>
internal sealed class RunCommand : CliCommand
{
    public const string Summary = "Run a task: classify, generate, summarize, …";

    private const string StandardInput = "-";

    private readonly Argument<string> task = new("TASK") { Description = $"One of {string.Join(", ", TaskRun.Tasks.Keys)}." };
    private readonly Argument<string[]> inputs = new("INPUT") { Description = "Texts; - is standard input.", Arity = ArgumentArity.ZeroOrMore };

    private readonly Option<string?> model = new("--model", "-m")
    {
        Description = "A model folder or an embedded model; the task's embedded model without it.",
        HelpName = "DIR|NAME",
    };

    private readonly Option<string[]> files = new("--file", "-f") { Description = "A text file; all of it is one input.", HelpName = "FILE" };
    private readonly Option<bool> lines = new("--lines") { Description = "Take each line of files and of standard input as an input." };
    private readonly Option<bool> json = new("--json") { Description = "Print JSON with the fields of Hugging Face's pipelines." };
    private readonly Option<bool> truncation = new("--truncation") { Description = "Cut texts to what the model reads; otherwise a longer one is an error." };
    private readonly Option<string?> question = new("--question") { Description = "question-answering: the question.", HelpName = "TEXT" };
    private readonly Option<string?> context = new("--context") { Description = "question-answering: the text that holds the answer.", HelpName = "TEXT" };
    private readonly Option<string[]> candidates = new("--candidate") { Description = "fill-mask: a word to choose from; may be repeated.", HelpName = "WORD" };

    private readonly Option<AggregationStrategy> aggregation = new("--aggregation")
    {
        Description = "token-classification: how tokens join to entities.",
    };

    private readonly Option<Pooling> pooling = new("--pooling") { Description = "feature-extraction: how tokens become one vector." };
    private readonly Option<bool> normalize = new("--normalize") { Description = "feature-extraction: scale vectors to length 1." };
    private readonly GenerationArguments generation = new();

    public RunCommand()
        : base("run", Summary)
    {
        task.AcceptOnlyFromAmong([.. TaskRun.Tasks.Keys]);
        Add(task);
        Add(inputs);
        Add(model);
        Add(files);
        Add(lines);
        Add(json);
        Add(truncation);
        Add(question);
        Add(context);
        Add(candidates);
        Add(aggregation);
        Add(pooling);
        Add(normalize);
        generation.AddTo(this);
    }

    public override IReadOnlyList<(string CommandLine, string Purpose)> Examples =>
    [
        ("triptych run text-classification \"This movie was absolutely fantastic!\"", "classify with the embedded model"),
        ("triptych run text-generation \"Once upon a time\" --max-new-tokens 50 --temperature 0.7", "stream a story"),
        ("triptych run summarization --file article.txt --max-length 60 --min-length 20", "summarize a file"),
        ("triptych run text-classification --file reviews.txt --lines --json", "classify each line, as JSON"),
        ("triptych run fill-mask \"Paris is the [MASK] of France.\" --model ./bert-base-uncased --top-k 3", "fill a gap with a checkpoint of yours"),
        ("triptych run question-answering --question \"Who?\" --context \"Ada wrote it.\" --model ./roberta-squad2", "find an answer"),
        ("cat article.txt | triptych run summarization -", "read standard input"),
    ];

    public override async Task ExecuteAsync(ParseResult arguments, Terminal terminal, CancellationToken cancellationToken)
    {
        var run = new TaskRun
        {
            Terminal = terminal,
            Inputs = [.. ReadInputs(arguments, terminal)],
            Generation = generation.Read(arguments),
            Model = arguments.GetValue(model),
            IsJson = arguments.GetValue(json),
            Truncation = arguments.GetValue(truncation),
            Question = arguments.GetValue(question),
            Candidates = arguments.GetValue(candidates) is { Length: > 0 } words ? words : null,
            Aggregation = arguments.GetValue(aggregation),
            Pooling = arguments.GetValue(pooling),
            Normalize = arguments.GetValue(normalize),
        };
        if (run.Inputs.Count == 0)
            throw new UsageException("give an INPUT, --file FILE, or - for standard input");
        for (int i = 0; i < run.Inputs.Count; i++)
        {
            if (run.Inputs[i].Length == 0)
                throw new ArgumentException(run.Inputs.Count == 1 ? "the input is empty" : $"input {i + 1} is empty");
        }

        await TaskRun.Tasks[arguments.GetRequiredValue(task)](run, cancellationToken).ConfigureAwait(false);
    }

    private IEnumerable<string> ReadInputs(ParseResult arguments, Terminal terminal)
    {
        bool byLine = arguments.GetValue(lines);
        var given = (arguments.GetValue(inputs) ?? []).SelectMany(input => input == StandardInput ? Split(TextInput.ReadStandardInput(terminal)) : [input]);
        var read = (arguments.GetValue(files) ?? []).SelectMany(file => Split(TextInput.ReadFile(file)));
        string[] asked = arguments.GetValue(context) is { } text ? [text] : [];
        return [.. given, .. read, .. asked];

        IEnumerable<string> Split(string content) => byLine ? TextInput.Lines(content) : [content];
    }
}
