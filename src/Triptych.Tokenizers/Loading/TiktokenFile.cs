using System.Globalization;
using Triptych.Tokenizers.Patterns;
using Triptych.Tokenizers.Pipeline;

namespace Triptych.Tokenizers.Loading;

/// <summary>
/// tiktoken's files: a token in base64 and its rank on each line. How texts are cut and which special tokens there are, a file does not
/// say; it is known for those that are published.
/// </summary>
internal static class TiktokenFile
{
    private const string EndOfText = "<|endoftext|>";

    // What tiktoken's own patterns mean there is not what they would mean in a tokenizer.json.
    private const string Cl100k =
        @"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s";

    private const string R50k = @"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s";

    private static readonly Splitter Cl100kSplit = new Cl100kSplitter(maxDigits: 3, takesRest: true).Split;

    private static readonly Encoding[] Published =
    [
        new("r50k_base", 50256, SplitPatterns.Gpt2, [(EndOfText, 50256)]),
        new("p50k_base", 50280, SplitPatterns.Gpt2, [(EndOfText, 50256)]),
        new("gpt2", 50256, SplitPatterns.Gpt2, [(EndOfText, 50256)]),
        new("multilingual", 50257, SplitPatterns.Gpt2, Whisper(50257)),
        new("cl100k_base", 100256, Cl100k, [(EndOfText, 100257), ("<|fim_prefix|>", 100258), ("<|fim_middle|>", 100259), ("<|fim_suffix|>", 100260), ("<|endofprompt|>", 100276)]),
        new("o200k_base", 199998, SplitPatterns.O200k, [(EndOfText, 199999), ("<|endofprompt|>", 200018)]),
        new("qwen", 151643, SplitPatterns.Qwen2, [(EndOfText, 151643), ("<|im_start|>", 151644), ("<|im_end|>", 151645)]),
        new("llama3", 128000, SplitPatterns.Llama3, Llama3()),
    ];

    /// <summary>Whether a file begins as these do.</summary>
    public static bool IsOne(ReadOnlySpan<byte> content)
    {
        int end = content.IndexOf((byte)'\n');
        ReadOnlySpan<byte> line = (end < 0 ? content : content[..end]).TrimEnd((byte)'\r');
        int space = line.IndexOf((byte)' ');
        return space > 0 && space + 1 < line.Length && !line[(space + 1)..].ContainsAnyExceptInRange((byte)'0', (byte)'9')
            && System.Buffers.Text.Base64.IsValid(line[..space]);
    }

    public static RankedTokens Read(byte[] content, string path)
    {
        if (!System.Text.Ascii.IsValid(content))
            throw new TokenizerException(path, "not a tiktoken file: there are characters beyond ASCII");
        var tokens = new List<(string, int)>();
        int number = 0;
        foreach (ReadOnlySpan<char> line in System.Text.Encoding.ASCII.GetString(content).AsSpan().EnumerateLines())
        {
            number++;
            if (line.IsEmpty)
                continue;
            int lineNumber = number;
            Func<string, Exception> refuse = reason => new TokenizerException(path, $"line {lineNumber}: {reason}");
            int space = line.IndexOf(' ');
            if (space <= 0 || !int.TryParse(line[(space + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out int rank))
                throw refuse("expected a token in base64 and its rank");
            tokens.Add((RankedTokens.TokenOf(line[..space], refuse), rank));
        }

        return new RankedTokens(tokens, path);
    }

    /// <summary>A file by itself: which encoding it is show its name, or the number of its tokens.</summary>
    public static TokenizerFiles Load(string path, byte[] content)
    {
        RankedTokens ranked = Read(content, path);
        string name = Path.GetFileNameWithoutExtension(path);
        Encoding encoding = Array.Find(Published, known => name.StartsWith(known.Name, StringComparison.OrdinalIgnoreCase))
            ?? Array.Find(Published, known => known.Count == ranked.Tokens.Count)
            ?? throw new TokenizerException(path, $"a tiktoken file does not say how texts are cut, and no encoding with {ranked.Tokens.Count} tokens is known: "
                + $"give its pattern to {nameof(Tokenizer)}.{nameof(Tokenizer.LoadTiktoken)}");
        return Make(ranked, content, SplitterOf(encoding.Pattern), encoding.Special);
    }

    /// <summary>A file whose pattern and special tokens are given.</summary>
    public static TokenizerFiles Load(string path, byte[] content, string pattern, IReadOnlyDictionary<string, int> special) =>
        Make(Read(content, path), content, SplitterOf(pattern), [.. special.Select(token => (token.Key, token.Value))]);

    /// <summary>Cuts as a pattern does: by hand where it is known, else with the pattern engine.</summary>
    public static Splitter SplitterOf(string pattern)
    {
        if (pattern is Cl100k)
            return Cl100kSplit;
        if (SplitPatterns.Find(pattern is R50k ? SplitPatterns.Gpt2 : pattern) is Splitter known)
            return known;
        try
        {
            var cuts = new SplitPreTokenizer(TextPattern.Regex(new Pattern(pattern)), DelimiterBehavior.Removed, invert: true);
            return cuts.Cut;
        }
        catch (PatternException e)
        {
            throw new ArgumentException($"the pattern cannot be used: {e.Message}", nameof(pattern), e);
        }
    }

    /// <summary>Whisper's special tokens that follow the vocabulary: control tokens, languages and tasks, timestamps.</summary>
    private static (string, int)[] Whisper(int first)
    {
        const int Timestamps = 1501;
        string[] names =
        [
            EndOfText, "<|startoftranscript|>", .. LanguageCodes.Whisper.Take(99).Select(code => $"<|{code}|>"), "<|translate|>", "<|transcribe|>",
            "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>",
            .. Enumerable.Range(0, Timestamps).Select(i => string.Create(CultureInfo.InvariantCulture, $"<|{i * 0.02:F2}|>")),
        ];
        return [.. names.Select((name, i) => (name, first + i))];
    }

    private static (string, int)[] Llama3()
    {
        const int First = 128000, Count = 256;
        Dictionary<int, string> named = new()
        {
            [0] = "<|begin_of_text|>", [1] = "<|end_of_text|>", [6] = "<|start_header_id|>", [7] = "<|end_header_id|>", [9] = "<|eot_id|>",
        };
        int[] reserved = [.. Enumerable.Range(0, Count).Where(i => !named.ContainsKey(i))];
        return [.. Enumerable.Range(0, Count).Select(i => (named.GetValueOrDefault(i, $"<|reserved_special_token_{Array.IndexOf(reserved, i)}|>"), First + i))];
    }

    private static TokenizerFiles Make(RankedTokens ranked, byte[] content, Splitter split, (string Token, int Id)[] special)
    {
        HashSet<int> ranks = [.. ranked.Tokens.Select(token => token.Rank)];
        foreach ((string token, int id) in special)
        {
            if (ranks.Contains(id))
                throw new TokenizerException(ranked.Path, $"the special token \"{token}\" has the id {id} of another token");
        }

        bool Has(string token) => Array.Exists(special, known => known.Token == token);
        var roles = new SpecialTokens
        {
            Bos = Has("<|begin_of_text|>") ? "<|begin_of_text|>" : null,
            Eos = Has(EndOfText) ? EndOfText : Has("<|end_of_text|>") ? "<|end_of_text|>" : null,
        };
        return new TokenizerFiles(ranked.Path, ranked.ToParts(split, 0, special), roles, [(Path.GetFileName(ranked.Path), content)]);
    }

    private sealed record Encoding(string Name, int Count, string Pattern, (string Token, int Id)[] Special);
}
