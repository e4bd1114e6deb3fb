using Triptych.Tokenizers.Models;
using Triptych.Tokenizers.Pipeline;

namespace Triptych.Tokenizers.Loading;

/// <summary>
/// Tokens of bytes whose rank is their id, as tiktoken and Tekken have them; the bytes are written in <see cref="ByteAlphabet"/>. Of all
/// neighbours those are joined that make the token of the lowest rank.
/// </summary>
internal sealed class RankedTokens(IReadOnlyList<(string Token, int Rank)> tokens, string path)
{
    /// <summary>Far beyond any real token; all ways to cut a token in two are looked at.</summary>
    public const int MaxTokenBytes = 512;

    public IReadOnlyList<(string Token, int Rank)> Tokens => tokens;

    public string Path => path;

    /// <summary>The bytes of base64 text in the alphabet of visible characters.</summary>
    public static string TokenOf(ReadOnlySpan<char> base64, Func<string, Exception> refuse)
    {
        // Whisper's file has an empty token, which is written so.
        if (base64 is "=")
            return "";
        Span<byte> bytes = stackalloc byte[MaxTokenBytes];
        if (base64.Length > MaxTokenBytes * 4 / 3 + 4)
            throw refuse($"a token is longer than {MaxTokenBytes} bytes");
        if (!Convert.TryFromBase64Chars(base64, bytes, out int length) || length == 0)
            throw refuse($"\"{base64[..Math.Min(base64.Length, 40)]}\" is not base64");
        Span<char> chars = stackalloc char[length];
        for (int i = 0; i < length; i++)
            chars[i] = ByteAlphabet.CharOf(bytes[i]);
        return new string(chars);
    }

    /// <summary>The stages for texts in which no special token is looked for.</summary>
    /// <param name="split">How texts are cut into words.</param>
    /// <param name="offset">The id of rank 0.</param>
    /// <param name="special">Special tokens by id, for decoding.</param>
    public TokenizerParts ToParts(Splitter split, int offset, IEnumerable<(string Token, int Id)> special)
    {
        var vocabulary = new Vocabulary([.. tokens.Select(token => (token.Token, token.Rank + offset))], Fail);
        foreach (char c in ByteAlphabet.All)
        {
            if (vocabulary.IdOf([c]) < 0)
                throw Fail($"there is no token for byte {ByteAlphabet.ByteOf(c)}");
        }

        var merges = new List<Merge>();
        foreach ((string token, int rank) in tokens)
            AddSplits(vocabulary, token, (left, right) => merges.Add(new Merge(left, right, rank + offset)));
        var added = new AddedVocabulary(
            special.Select(token => new AddedToken { Content = token.Token, Id = token.Id, Special = true }), normalizer: null, isFound: _ => false);
        var cuts = new SequencePreTokenizer([new PatternPreTokenizer(split), new ByteLevelPreTokenizer(addPrefixSpace: false, useRegex: false)]);
        return new TokenizerParts(null, cuts, new Bpe(vocabulary, new MergeTable([.. merges], ranksAreIds: true), new BpeOptions { IgnoreMerges = true }), null, new ByteLevelDecoder(), added, null, null);
    }

    /// <summary>The merges as transformers lists them: by the rank of what they make, then by the ranks of their parts.</summary>
    public IEnumerable<(string Left, string Right)> ToMerges()
    {
        var vocabulary = new Vocabulary(tokens, Fail);
        var splits = new List<(int Left, int Right)>();
        foreach ((string token, _) in tokens.OrderBy(token => token.Rank))
        {
            splits.Clear();
            AddSplits(vocabulary, token, (left, right) => splits.Add((left, right)));
            splits.Sort();
            foreach ((int left, int right) in splits)
                yield return (vocabulary.TokenOf(left)!, vocabulary.TokenOf(right)!);
        }
    }

    private static void AddSplits(Vocabulary vocabulary, string token, Action<int, int> add)
    {
        for (int cut = 1; cut < token.Length; cut++)
        {
            int left = vocabulary.IdOf(token.AsSpan(0, cut));
            int right = left < 0 ? -1 : vocabulary.IdOf(token.AsSpan(cut));
            if (right >= 0)
                add(left, right);
        }
    }

    private TokenizerException Fail(string reason) => new(path, reason);
}
