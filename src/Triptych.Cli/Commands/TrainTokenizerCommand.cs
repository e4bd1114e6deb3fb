using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Triptych.Cli.Rendering;
using Triptych.Tokenizers;

namespace Triptych.Cli.Commands;

/// <summary>Learns a tokenizer's vocabulary from text files.</summary>
internal sealed class TrainTokenizerCommand : CliCommand
{
    public const string Summary = "Learn a tokenizer from text files.";

    private static readonly string[] Kinds = ["bpe", "wordpiece", "unigram", "wordlevel"];

    private static readonly string[] BertTokens = [.. SpecialTokens.Bert.Roles().Select(role => role.Token).OrderBy(token => token != "[PAD]")];

    private readonly Argument<string[]> files = new("FILE") { Description = "Files of UTF-8 text; each line is a text.", Arity = ArgumentArity.OneOrMore };
    private readonly Option<string?> model = new("--model") { Description = $"One of {string.Join(", ", Kinds)}; bpe without it.", HelpName = "KIND" };
    private readonly Option<string?> from = new("--from") { Description = "Train into the pipeline of this tokenizer, with its special tokens.", HelpName = "TOKENIZER" };
    private readonly Option<int?> vocabSize = NumberOption.Count("--vocab-size", "Tokens to learn, special ones included; 30000 without it, 8000 for unigram.", 1);
    private readonly Option<int?> minFrequency = NumberOption.Count("--min-frequency", "How often a pair or word must come; not for unigram.", 0);
    private readonly Option<int?> limitAlphabet = NumberOption.Count("--limit-alphabet", "Characters to keep, the most frequent ones; for bpe and wordpiece.", 1);
    private readonly Option<int?> minWordCount = NumberOption.Count("--min-word-count", "Leave out words that come less often; 1 without it.", 1);
    private readonly Option<int?> maxWords = NumberOption.Count("--max-words", "Stop with an error at more different words than this.", 1);
    private readonly Option<int?> memory = NumberOption.Count("--memory", "The memory to take, about, in MB; half of what there is without it. Counts of words beyond half of it go to a temporary file.", 16);
    private readonly Option<string?> temporary = new("--temp") { Description = "The folder for temporary files.", HelpName = "FOLDER" };
    private readonly Option<string[]> special = new("--special")
    {
        Description = "Special tokens, in the order of their ids.",
        HelpName = "TOKEN",
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<string[]> lstrip = Attribute("--lstrip", "Of these, those that swallow the white space on their left, as <mask> does for RoBERTa.");
    private readonly Option<string[]> rstrip = Attribute("--rstrip", "Of these, those that swallow the white space on their right.");
    private readonly Option<string[]> singleWord = Attribute("--single-word", "Of these, those that are only found where no word character is beside them.");
    private readonly Option<string[]> normalized = Attribute("--normalized", "Of these, those that are looked for in the normalized text.");
    private readonly Option<string?> unknown = new("--unk") { Description = "The special token for what the vocabulary lacks.", HelpName = "TOKEN" };
    private readonly Option<bool> characters = new("--characters") { Description = "Let bpe learn from characters in place of bytes." };
    private readonly Option<bool> cased = new("--cased") { Description = "Let wordpiece keep capital letters and accents." };
    private readonly Option<string> output = new("--output", "-o") { Description = "The folder to save the tokenizer in.", HelpName = "FOLDER", Required = true };
    private readonly Option<bool> json = new("--json") { Description = "Print the result as a JSON object." };

    public TrainTokenizerCommand()
        : base("train-tokenizer", Summary)
    {
        Add(files);
        foreach (Option option in (Option[])[model, from, vocabSize, minFrequency, limitAlphabet, minWordCount, maxWords, memory, temporary, special, lstrip, rstrip, singleWord, normalized, unknown, characters, cased, output, json])
            Add(option);
    }

    public override IReadOnlyList<(string CommandLine, string Purpose)> Examples =>
    [
        ("triptych train-tokenizer corpus.txt --vocab-size 8000 --special \"<|endoftext|>\" --output ./tokenizer", "byte-level BPE, as GPT-2 has it"),
        ("triptych train-tokenizer *.txt --model wordpiece --output ./tokenizer", "as BERT has it, uncased"),
        ("triptych train-tokenizer corpus.txt --from ./roberta-base --vocab-size 20000 --output ./tokenizer", "the pipeline of another tokenizer, a vocabulary of its own"),
    ];

    public override Task ExecuteAsync(ParseResult arguments, Terminal terminal, CancellationToken cancellationToken)
    {
        var trainer = MakeTrainer(arguments);
        string folder = arguments.GetRequiredValue(output);
        using var display = new TokenizerTrainingDisplay(terminal);
        var tokenizer = trainer.TrainFiles(arguments.GetRequiredValue(files), display, cancellationToken);
        tokenizer.Save(folder);
        display.Dispose();
        if (arguments.GetValue(json))
            JsonLine.Write(terminal.Out, writer => WriteResult(writer, folder, tokenizer));
        else
            terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{folder}: {tokenizer.VocabSize:N0} tokens"));
        return Task.CompletedTask;
    }

    private TokenizerTrainer MakeTrainer(ParseResult arguments)
    {
        var pipeline = arguments.GetValue(from) is { } source
            ? Tokenizer.Load(Path.Exists(source) ? source : EmbeddedModels.Find(source) ?? source) : null;
        string kind = KindOf(arguments.GetValue(model), pipeline);
        int? size = arguments.GetValue(vocabSize);
        int least = arguments.GetValue(minFrequency) ?? 0;
        int? alphabet = arguments.GetValue(limitAlphabet);
        int? words = arguments.GetValue(maxWords);
        int rare = arguments.GetValue(minWordCount) ?? 1;
        long? bytes = arguments.GetValue(memory) * (1L << 20);
        string? folder = arguments.GetValue(temporary);
        Complain(folder is not null && !Directory.Exists(folder), $"--temp: there is no folder {folder}");
        AddedToken[] tokens = Tokens(arguments, kind == "wordpiece" && pipeline is null ? BertTokens : []);
        var roles = new SpecialTokens { Unk = arguments.GetValue(unknown) };
        Complain(kind == "unigram" && arguments.GetValue(minFrequency) is not null, "--min-frequency means nothing to unigram");
        Complain(kind is "unigram" or "wordlevel" && alphabet is not null, $"--limit-alphabet means nothing to {kind}");
        Complain(arguments.GetValue(characters) && (kind != "bpe" || pipeline is not null), "--characters is for bpe without --from");
        Complain(arguments.GetValue(cased) && (kind != "wordpiece" || pipeline is not null), "--cased is for wordpiece without --from");
        return kind switch
        {
            "bpe" => new BpeTrainer
            {
                Pipeline = pipeline, VocabSize = size ?? 30_000, MinFrequency = least, LimitAlphabet = alphabet,
                MaxDistinctWords = words, MinWordCount = rare, MaxMemory = bytes, TemporaryFolder = folder,
                SpecialTokenList = tokens, SpecialTokens = roles, ByteLevel = !arguments.GetValue(characters),
            },
            "wordpiece" when pipeline is null => new WordPieceTrainer
            {
                VocabSize = size ?? 30_000, MinFrequency = least, LimitAlphabet = alphabet,
                MaxDistinctWords = words, MinWordCount = rare, MaxMemory = bytes, TemporaryFolder = folder,
                SpecialTokenList = tokens, Lowercase = !arguments.GetValue(cased),
            },
            "wordpiece" => new WordPieceTrainer
            {
                Pipeline = pipeline, VocabSize = size ?? 30_000, MinFrequency = least, LimitAlphabet = alphabet,
                MaxDistinctWords = words, MinWordCount = rare, MaxMemory = bytes, TemporaryFolder = folder,
                SpecialTokenList = tokens, SpecialTokens = roles,
            },
            "unigram" => new UnigramTrainer
            {
                Pipeline = pipeline, VocabSize = size ?? 8_000,
                MaxDistinctWords = words, MinWordCount = rare, MaxMemory = bytes, TemporaryFolder = folder,
                SpecialTokenList = tokens, SpecialTokens = UnknownOr(roles, pipeline),
            },
            _ => new WordLevelTrainer
            {
                Pipeline = pipeline, VocabSize = size ?? 30_000, MinFrequency = least,
                MaxDistinctWords = words, MinWordCount = rare, MaxMemory = bytes, TemporaryFolder = folder,
                SpecialTokenList = tokens, SpecialTokens = UnknownOr(roles, pipeline),
            },
        };
    }

    private static Option<string[]> Attribute(string name, string description) =>
        new(name) { Description = description, HelpName = "TOKEN", AllowMultipleArgumentsPerToken = true };

    /// <summary>The special tokens with their attributes.</summary>
    private AddedToken[] Tokens(ParseResult arguments, IEnumerable<string> first)
    {
        string[] tokens = [.. first, .. arguments.GetValue(special) ?? []];
        HashSet<string> Chosen(Option<string[]> option)
        {
            string[] chosen = arguments.GetValue(option) ?? [];
            string? other = chosen.FirstOrDefault(token => !tokens.Contains(token));
            Complain(other is not null, $"{option.Name}: \"{other}\" is not among the special tokens (--special)");
            return [.. chosen];
        }

        HashSet<string> left = Chosen(lstrip), right = Chosen(rstrip), alone = Chosen(singleWord), normal = Chosen(normalized);
        return
        [
            .. tokens.Select(token => new AddedToken
            {
                Content = token, Special = true, LStrip = left.Contains(token), RStrip = right.Contains(token),
                SingleWord = alone.Contains(token), Normalized = normal.Contains(token),
            }),
        ];
    }

    private static SpecialTokens UnknownOr(SpecialTokens roles, Tokenizer? pipeline) =>
        pipeline is null && roles.Unk is null ? new SpecialTokens { Unk = "<unk>" } : roles;

    private static string KindOf(string? kind, Tokenizer? pipeline)
    {
        if (kind is not null && !Kinds.Contains(kind))
            throw new UsageException($"--model has to be one of {string.Join(", ", Kinds)}");
        if (pipeline is null)
            return kind ?? Kinds[0];
        string own = TokenizerTrainer.For(pipeline, 1) switch
        {
            BpeTrainer => "bpe",
            WordPieceTrainer => "wordpiece",
            UnigramTrainer => "unigram",
            _ => "wordlevel",
        };
        Complain(kind is not null && kind != own, $"--from is a tokenizer of kind {own}, not {kind}");
        return own;
    }

    private static void Complain(bool wrong, string message)
    {
        if (wrong)
            throw new UsageException(message);
    }

    private static void WriteResult(Utf8JsonWriter json, string folder, Tokenizer tokenizer)
    {
        json.WriteStartObject();
        json.WriteString("output", folder);
        json.WriteNumber("vocab_size", tokenizer.VocabSize);
        json.WriteEndObject();
    }
}
