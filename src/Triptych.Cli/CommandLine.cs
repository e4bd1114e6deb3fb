using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Runtime.InteropServices;
using Triptych.Cli.Commands;

namespace Triptych.Cli;

/// <summary>Parses a command line, runs its command and turns every outcome into an exit code.</summary>
internal static class CommandLine
{
    private static readonly (string Name, string Summary, Func<CliCommand> Create)[] Commands =
    [
        ("demo", DemoCommand.Summary, () => new DemoCommand()),
        ("run", RunCommand.Summary, () => new RunCommand()),
        ("inspect", InspectCommand.Summary, () => new InspectCommand()),
        ("models", ModelsCommand.Summary, () => new ModelsCommand()),
        ("train", TrainCommand.Summary, () => new TrainCommand()),
        ("train-tokenizer", TrainTokenizerCommand.Summary, () => new TrainTokenizerCommand()),
        ("generate", GenerateCommand.Summary, () => new GenerateCommand()),
        ("tokenize", TokenizeCommand.Summary, () => new TokenizeCommand()),
        ("convert", ConvertCommand.Summary, () => new ConvertCommand()),
        ("quantize", QuantizeCommand.Summary, () => new QuantizeCommand()),
        ("forward", ForwardCommand.Summary, () => new ForwardCommand()),
        ("perplexity", PerplexityCommand.Summary, () => new PerplexityCommand()),
        ("bench", BenchCommand.Summary, () => new BenchCommand()),
        ("version", VersionCommand.Summary, () => new VersionCommand()),
    ];

    /// <summary>The names of the commands.</summary>
    public static IEnumerable<string> Names => Commands.Select(command => command.Name);

    /// <summary>Runs one command line.</summary>
    /// <returns>One of <see cref="ExitCodes"/>.</returns>
    public static async Task<int> RunAsync(
        IReadOnlyList<string> arguments, Terminal terminal, CancellationToken cancellationToken = default)
    {
        using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupt);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Interrupt);
        var options = new GlobalOptions();
        var parsed = Parse(arguments, options);
        string name = parsed.CommandResult.Command is CliCommand meant ? $"triptych {meant.Name}" : "triptych";
        try
        {
            int code = await RunAsync(parsed, options, terminal, cancellation.Token).ConfigureAwait(false);
            terminal.Out.Flush();
            return code;
        }
        catch (UsageException e)
        {
            return Fail(ExitCodes.Usage, $"{ErrorLine.Of(e)} (see {name} --help)");
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return Fail(ExitCodes.Cancelled, "cancelled");
        }
        catch (Exception e)
        {
            int code = Fail(ExitCodes.Failed, ErrorLine.Of(e));
            if (parsed.GetValue(options.Verbose))
                terminal.Error.WriteLine(e);
            return code;
        }

        int Fail(int code, string message)
        {
            terminal.TryFlush();
            terminal.Error.WriteLine($"triptych: {message}");
            return code;
        }

        // The first signal asks the command to stop; the second one ends the process at once.
        void Interrupt(PosixSignalContext context)
        {
            if (cancellation.IsCancellationRequested)
                return;
            context.Cancel = true;
            cancellation.Cancel();
        }
    }

    /// <summary>Parses; only the command that is meant is built with its options, the others are there for the help text.</summary>
    public static ParseResult Parse(IReadOnlyList<string> arguments, GlobalOptions options)
    {
        var root = new RootCommand("Transformers for .NET: load Hugging Face checkpoints, run, train and explain them.");
        root.Directives.Clear();
        foreach (var (name, summary, create) in Commands)
            root.Add(arguments.Contains(name) ? create() : new Command(name, summary));
        options.AddTo(root);
        HelpText.AddTo(root);

        // Texts are arguments: neither "@name" nor "-abc" may mean anything else.
        return root.Parse(arguments, new() { ResponseFileTokenReplacer = null, EnablePosixBundling = false });
    }

    private static async Task<int> RunAsync(
        ParseResult parsed, GlobalOptions options, Terminal terminal, CancellationToken cancellationToken)
    {
        if (parsed.GetValue(options.Plain))
            terminal.MakePlain();
        if (parsed.Action is ParseErrorAction)
            throw new UsageException(Complaint(parsed));
        if (UnknownOption(parsed) is { } unknown)
            throw new UsageException($"There is no option {unknown}; a text that begins so goes after --.");
        if (parsed.Action is not null)
        {
            var configuration = new InvocationConfiguration { Output = terminal.Out, Error = terminal.Error };
            return await parsed.InvokeAsync(configuration, cancellationToken).ConfigureAwait(false);
        }

        var command = (CliCommand)parsed.CommandResult.Command;
        if (parsed.GetValue(options.Threads) is { } threads)
            Environment.SetEnvironmentVariable("TRIPTYCH_THREADS", $"{threads}");
        BundledModels.Prepare();
        await command.ExecuteAsync(parsed, terminal, cancellationToken).ConfigureAwait(false);
        return ExitCodes.Done;
    }

    /// <summary>The parser takes a misspelt option for a text, which would be classified or continued silently.</summary>
    private static string? UnknownOption(ParseResult parsed)
    {
        var beforeDoubleDash = parsed.Tokens.TakeWhile(token => token.Type is not TokenType.DoubleDash).ToHashSet(ReferenceEqualityComparer.Instance);
        return parsed.CommandResult.Children.OfType<ArgumentResult>()
            .SelectMany(argument => argument.Tokens)
            .Where(token => token.Value is ['-', '-', >= 'a' and <= 'z', ..] && !token.Value.Contains(' ') && beforeDoubleDash.Contains(token))
            .Select(token => token.Value)
            .FirstOrDefault();
    }

    private static string Complaint(ParseResult parsed)
    {
        if (parsed.CommandResult.Command is CliCommand)
            return string.Join(" ", parsed.Errors.Select(error => error.Message));
        if (parsed.UnmatchedTokens is not [string unknown, ..])
            return "Name a command.";
        string nearest = Commands.MinBy(command => EditDistance(command.Name, unknown)).Name;
        return $"There is no command '{unknown}'" + (EditDistance(nearest, unknown) <= 2 ? $"; did you mean '{nearest}'?" : ".");
    }

    /// <summary>Levenshtein's distance: insertions, deletions and substitutions that turn one word into the other.</summary>
    private static int EditDistance(string from, string to)
    {
        int[] row = [.. Enumerable.Range(0, to.Length + 1)];
        for (int i = 1; i <= from.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= to.Length; j++)
            {
                int substituted = diagonal + (from[i - 1] == to[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(substituted, 1 + Math.Min(row[j], row[j - 1]));
            }
        }

        return row[to.Length];
    }
}
