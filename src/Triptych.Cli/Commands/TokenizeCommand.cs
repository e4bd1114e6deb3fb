using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Triptych.Cli.Rendering;
using Triptych.Formats;
using Triptych.Tokenizers;

namespace Triptych.Cli.Commands;

/// <summary>Shows how a text falls into tokens, tokenizes a file of texts into JSON lines, counts tokens, or turns ids back into text.</summary>
internal sealed class TokenizeCommand : CliCommand
{
    public const string Summary = "Turn texts into token ids, and back.";

    /// <summary>Texts that are encoded together; bounds what is held in memory.</summary>
    private const int BatchSize = 1024;

    /// <summary>Backgrounds: green, yellow, blue, magenta, cyan.</summary>
    private static readonly int[] s_colours = [102, 103, 104, 105, 106];

    private readonly Argument<string> tokenizer = new("TOKENIZER") { Description = "A tokenizer.json, a folder with one, a GGUF file, or an embedded model." };
    private readonly Argument<string[]> texts = new("TEXT") { Description = "Texts to tokenize; with --decode, ids.", Arity = ArgumentArity.ZeroOrMore };

    private readonly Option<string?> input = new("--input")
    {
        Description = "Tokenize a file: .jsonl with a JSON string a line, any other with a text a line.",
        HelpName = "FILE",
    };

    private readonly Option<string?> output = new("--out") { Description = "Write JSON lines to a file.", HelpName = "FILE" };
    private readonly Option<bool> json = new("--json") { Description = "Print JSON lines: ids, tokens, offsets (in UTF-16 units)." };
    private readonly Option<bool> count = new("--count") { Description = "Print only the number of tokens of each text." };
    private readonly Option<bool> decode = new("--decode") { Description = "Turn ids into text: each TEXT or line of --input is ids, between commas or spaces." };
    private readonly Option<bool> skipSpecialTokens = new("--skip-special-tokens") { Description = "With --decode: leave special tokens out." };
    private readonly Option<bool> noSpecialTokens = new("--no-special-tokens") { Description = "Don't add special tokens such as [CLS]." };

    public TokenizeCommand()
        : base("tokenize", Summary)
    {
        Add(tokenizer);
        Add(texts);
        Add(input);
        Add(output);
        Add(json);
        Add(noSpecialTokens);
        Add(count);
        Add(decode);
        Add(skipSpecialTokens);
    }

    public override IReadOnlyList<(string CommandLine, string Purpose)> Examples =>
    [
        ("triptych tokenize ./bert-base-uncased \"Tokenization isn't hard.\"", "see the pieces of a text"),
        ("triptych tokenize ./gpt2/tokenizer.json --input texts.txt --out ids.jsonl", "tokenize a file, a text a line"),
        ("triptych tokenize ./gpt2 --decode \"15496, 995\"", "the text of some ids"),
    ];

    public override Task ExecuteAsync(ParseResult arguments, Terminal terminal, CancellationToken cancellationToken)
    {
        string? inputFile = arguments.GetValue(input);
        string[] given = arguments.GetValue(texts) ?? [];
        if (inputFile is null && given.Length == 0)
            throw new UsageException("give a TEXT or --input FILE");
        if (inputFile is not null && given.Length > 0)
            throw new UsageException("give either a TEXT or --input FILE, not both");

        string path = Locate(arguments.GetRequiredValue(tokenizer));
        var loaded = GgufFile.IsGguf(path) ? GgufTokenizer.Load(path) : Tokenizer.Load(path);
        if (arguments.GetValue(decode))
        {
            foreach (string ids in inputFile is null ? given : ReadTexts(inputFile))
                terminal.Out.WriteLine(loaded.Decode(ParseIds(ids), arguments.GetValue(skipSpecialTokens)));
            return Task.CompletedTask;
        }

        var batches = (inputFile is null ? given : ReadTexts(inputFile)).Chunk(BatchSize);
        var options = OptionsFor(loaded, !arguments.GetValue(noSpecialTokens));
        var encodings = batches.SelectMany(batch => loaded.EncodeBatch(batch, options: options, cancellationToken: cancellationToken));
        if (arguments.GetValue(output) is { } outputFile)
        {
            AtomicFile.Write(outputFile, stream =>
            {
                var writer = new StreamWriter(stream, leaveOpen: true);
                WriteJsonLines(writer, encodings);
                writer.Flush();
            });
        }
        else if (arguments.GetValue(count))
        {
            foreach (var encoding in encodings)
                terminal.Out.WriteLine(encoding.Length);
        }
        else if (inputFile is not null || arguments.GetValue(json))
        {
            WriteJsonLines(terminal.Out, encodings);
        }
        else
        {
            foreach (var (text, encoding) in given.Zip(encodings))
                WritePieces(terminal, text, encoding);
        }

        return Task.CompletedTask;
    }

    /// <summary>A file or folder, else an embedded model.</summary>
    private static string Locate(string name) => Path.Exists(name) ? name : EmbeddedModels.Find(name) ?? name;

    /// <summary>The file's own truncation and padding; padding to the longest of a batch means nothing line by line.</summary>
    private static EncodeOptions OptionsFor(Tokenizer tokenizer, bool addSpecialTokens) => tokenizer.Defaults with
    {
        AddSpecialTokens = addSpecialTokens,
        Padding = tokenizer.Defaults.Padding is { Length: not null } padding ? padding : null,
    };

    private static IEnumerable<string> ReadTexts(string path)
    {
        var lines = TextInput.Lines(TextInput.ReadFile(path));
        return path.EndsWith(".jsonl", StringComparison.OrdinalIgnoreCase)
            ? lines.Select((line, index) => (line, number: index + 1))
                .Where(entry => !string.IsNullOrWhiteSpace(entry.line))
                .Select(entry => ParseString(path, entry.line, entry.number))
            : lines;
    }

    private static string ParseString(string path, string line, int number)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            return document.RootElement.GetString() ?? throw new InvalidDataException($"{path}: line {number}: null, not a JSON string");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"{path}: line {number}: not a JSON string: {e.Message}", e);
        }
    }

    private static int[] ParseIds(string text)
    {
        string[] parts = text.Trim().TrimStart('[').TrimEnd(']').Split([',', ' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
        return Array.ConvertAll(parts, part => int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int id)
            ? id : throw new UsageException($"'{part}' is not a token id"));
    }

    private static void WriteJsonLines(TextWriter writer, IEnumerable<Encoding> encodings)
    {
        foreach (var encoding in encodings)
            JsonLine.Write(writer, json => WriteEncoding(json, encoding));
    }

    private static void WriteEncoding(Utf8JsonWriter json, Encoding encoding)
    {
        json.WriteStartObject();
        json.WriteStartArray("ids");
        foreach (int id in encoding.Ids)
            json.WriteNumberValue(id);
        json.WriteEndArray();
        json.WriteStartArray("tokens");
        foreach (string token in encoding.Tokens)
            json.WriteStringValue(token);
        json.WriteEndArray();
        json.WriteStartArray("offsets");
        foreach (var (start, end) in encoding.Offsets)
        {
            json.WriteStartArray();
            json.WriteNumberValue(start);
            json.WriteNumberValue(end);
            json.WriteEndArray();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WritePieces(Terminal terminal, string text, Encoding encoding)
    {
        WriteColoured(terminal, text, encoding);
        var table = new Table(("token", Align.Left), ("id", Align.Right), ("from", Align.Right), ("to", Align.Right), ("text", Align.Left));
        for (int i = 0; i < encoding.Length; i++)
        {
            var (start, end) = encoding.Offsets[i];
            table.Add(encoding.Tokens[i], $"{encoding.Ids[i]}", $"{start}", $"{end}", text[start..end]);
        }

        table.Write(terminal);
        terminal.Out.WriteLine($"{encoding.Length} tokens");
    }

    /// <summary>The text with a colour for each token, where the terminal has colours.</summary>
    private static void WriteColoured(Terminal terminal, string text, Encoding encoding)
    {
        if (!terminal.IsDecorated)
            return;
        int done = 0;
        for (int i = 0; i < encoding.Length; i++)
        {
            var (start, end) = encoding.Offsets[i];
            if (end <= done)
                continue;
            start = Math.Max(start, done);
            terminal.Out.Write($"{text[done..start]}\e[30;{s_colours[i % s_colours.Length]}m{text[start..end]}\e[0m");
            done = end;
        }

        terminal.Out.WriteLine(text[done..]);
    }
}
