using System.Buffers.Binary;
using Triptych.Tokenizers.Loading;
using Triptych.Tokenizers.Models;
using Triptych.Tokenizers.Pipeline;

namespace Triptych.Tokenizers.Tests;

/// <summary>The Unigram model, its trie, its scores, and charsmaps.</summary>
public sealed class UnigramTests
{
    private static readonly Func<string, Exception> Refuse = reason => new TokenizerException("test", reason);

    private static Unigram MakeModel((string Piece, double Score)[] pieces) => new(
        TokenList.Of(pieces.Select((piece, id) => (piece.Piece, id))), [.. pieces.Select(piece => piece.Score)], 0, byteFallback: false, Refuse);

    [Fact]
    public void FindsTheBestOfAllSegmentations()
    {
        var random = new Random(3);
        for (int round = 0; round < 60; round++)
        {
            (string, double)[] pieces = [("<unk>", 0), .. RandomPieces(random).Select(piece => (piece, -random.NextDouble() * 8))];
            var model = MakeModel(pieces);
            for (int i = 0; i < 20; i++)
            {
                string word = RandomWord(random, 12);
                var output = new List<Piece>();
                model.Tokenize(word, output);
                Assert.Equal(0, output[0].Start);
                Assert.All(output.Zip(output.Skip(1)), pair => Assert.Equal(pair.First.End, pair.Second.Start));
                Assert.Equal(Best(word, pieces), Score(output, word, pieces), 9);
            }
        }
    }

    [Fact]
    public void LongWordsAreCutAsShortOnesAre()
    {
        var random = new Random(4);
        (string, double)[] pieces = [("<unk>", 0), .. RandomPieces(random).Select(piece => (piece, -random.NextDouble() * 8)), ("\U0001F600", -3)];
        var model = MakeModel(pieces);
        string word = string.Concat(Enumerable.Range(0, 4000).Select(_ => random.Next(20) == 0 ? "\U0001F600" : RandomWord(random, 2)));
        var output = new List<Piece>();
        model.Tokenize(word, output);
        Assert.Equal(word, string.Concat(output.Select(piece => word[piece.Start..piece.End])));
        Assert.Equal(BestByTable(word, pieces), Score(output, word, pieces), 6);
    }

    [Fact]
    public void TheTrieFindsWhatADictionaryFinds()
    {
        var random = new Random(5);
        for (int round = 0; round < 40; round++)
        {
            (string, int)[] keys = [.. Enumerable.Range(0, random.Next(200)).Select(id => (RandomWord(random, 6) + (random.Next(9) == 0 ? (char)random.Next(0x4E00, 0x9FFF) : ""), id))];
            var trie = new CharTrie(keys, reason => new InvalidOperationException(reason));
            var last = keys.GroupBy(key => key.Item1).ToDictionary(group => group.Key, group => group.Last().Item2);
            for (int i = 0; i < 50; i++)
            {
                string text = RandomWord(random, 9);
                int expected = Enumerable.Range(1, text.Length).LastOrDefault(length => last.ContainsKey(text[..length]));
                Assert.Equal(expected, trie.FindLongest(text, out int value));
                Assert.Equal(expected == 0 ? CharTrie.None : last[text[..expected]], value);
            }
        }
    }

    /// <summary>The values are those that the reference reads.</summary>
    [Theory]
    [InlineData("-2.0122928619384766", -2.012292861938477)]
    [InlineData("-3.9598512649536133", -3.9598512649536137)]
    [InlineData("-7.4370903968811035", -7.437090396881104)]
    [InlineData("0", 0.0)]
    [InlineData("-1e-3", -0.001)]
    [InlineData("12345678901234567890123", 1.2345678901234568e22)]
    [InlineData("1e400", double.PositiveInfinity)]
    [InlineData("1e-400", 0.0)]
    [InlineData("0.00000000000000000000000000001", 1.0000000000000001e-29)]
    public void ScoresAreReadAsTheReferenceReadsThem(string text, double value) => Assert.Equal(value, TokenizerReader.ParseScore(System.Text.Encoding.UTF8.GetBytes(text)));

    [Fact]
    public void UnknownTextIsShownAndMayBecomeBytes()
    {
        const string Vocabulary = """[["<unk>",0],["a",-1],["<0xC3>",0],["<0xA4>",0]]""";
        Tokenizer plain = FromModel($$"""{"type":"Unigram","unk_id":0,"vocab":{{Vocabulary}}}""");
        Assert.Equal(["a", "äö", "a"], plain.Encode("aäöa").Tokens);
        Assert.Equal([1, 0, 1], plain.Encode("aäöa").Ids);
        Tokenizer bytes = FromModel($$"""{"type":"Unigram","unk_id":0,"byte_fallback":true,"vocab":{{Vocabulary}}}""");
        Assert.Equal([1, 2, 3], bytes.Encode("aä").Ids);
        Assert.Equal([0], bytes.Encode("äö").Ids);
        Tokenizer none = FromModel("""{"type":"Unigram","unk_id":null,"vocab":[["a",-1]]}""");
        Assert.Contains("unknown token", Assert.Throws<InvalidOperationException>(() => none.Encode("b")).Message);
    }

    [Theory]
    [InlineData("""{"type":"Unigram","unk_id":1,"vocab":[["a",-1]]}""", "model.unk_id: is not the id of one of 1 pieces")]
    [InlineData("""{"type":"Unigram","vocab":{"a":0}}""", "expected an array")]
    [InlineData("""{"type":"Unigram","vocab":[["a",1e999]]}""", "model.vocab[0]: the score is out of range")]
    [InlineData("""{"type":"Unigram","vocab":[["a","b"]]}""", "model.vocab[0]: expected a piece and its score")]
    public void BrokenModelsAreRefused(string model, string reason) =>
        Assert.Contains(reason, Assert.Throws<TokenizerException>(() => FromModel(model)).Message);

    [Fact]
    public void BrokenCharsMapsAreRefused()
    {
        static byte[] Map(params uint[] units)
        {
            byte[] bytes = new byte[4 + 4 * units.Length + 2];
            BinaryPrimitives.WriteInt32LittleEndian(bytes, 4 * units.Length);
            for (int i = 0; i < units.Length; i++)
                BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(4 + 4 * i), units[i]);
            bytes[^2] = (byte)'x';
            return bytes;
        }

        string Fail(byte[] bytes) => Assert.Throws<TokenizerException>(() => new CharsMap(bytes, Refuse)).Message;
        Assert.Contains("cannot have an array", Fail([]));
        Assert.Contains("cannot have an array", Fail([8, 0, 0, 0, 1]));
        Assert.Contains("leads to unit", Fail(Map(0, 1 << 8 | 500 << 10)));
        Assert.Contains("no text of 2 bytes begins", Fail(Map(0, 1 << 8 | 3 << 10, 1u << 31 | 77)));
        // Each byte leads back to the beginning: a cycle, which ends where keys end.
        uint[] cycle = [.. Enumerable.Range(0, 256).Select(i => (uint)(i | i << 10))];
        var map = new CharsMap(Map(cycle), Refuse);
        Assert.Equal(0, map.FindLongest(new string('a', 100_000), out _));
        Assert.Contains("not base64", Assert.Throws<TokenizerException>(() => FromModel("""{"type":"Unigram","vocab":[]}""", """{"type":"Precompiled","precompiled_charsmap":"?"}""")).Message);
    }

    [Fact]
    public void NmtCleansWhiteSpace()
    {
        Tokenizer tokenizer = FromModel("""{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0],["a",-1],[" ",-1]]}""", """{"type":"Nmt"}""");
        Assert.Equal(["a", " ", "a", " ", " ", "a"], tokenizer.Encode("a\u0001\ta\u200B\uFEFFa").Tokens);
    }

    private static Tokenizer FromModel(string model, string normalizer = "null") =>
        Tokenizer.FromJson(System.Text.Encoding.UTF8.GetBytes($$"""{"version":"1.0","normalizer":{{normalizer}},"model":{{model}}}"""));

    private static HashSet<string> RandomPieces(Random random) => [.. Enumerable.Range(0, 30).Select(_ => RandomWord(random, 4))];

    private static string RandomWord(Random random, int longest) =>
        string.Concat(Enumerable.Range(0, random.Next(1, longest + 1)).Select(_ => "abcdé"[random.Next(5)]));

    private static double Score(List<Piece> output, string word, (string Piece, double Score)[] pieces)
    {
        var scores = pieces.ToDictionary(piece => piece.Piece, piece => piece.Score);
        double unknown = pieces.Min(piece => piece.Score) - 10;
        return output.Sum(piece => piece.Id == 0 ? unknown * word[piece.Start..piece.End].EnumerateRunes().Count() : scores[word[piece.Start..piece.End]]);
    }

    private static double Best(string word, (string Piece, double Score)[] pieces)
    {
        if (word.Length == 0)
            return 0;
        double best = pieces.Min(piece => piece.Score) - 10 + Best(word[1..], pieces);
        foreach ((string piece, double score) in pieces.Skip(1).Where(piece => word.StartsWith(piece.Piece, StringComparison.Ordinal)))
            best = piece.Length == 1 ? Math.Max(best, score + Best(word[1..], pieces)) : Math.Max(best, score + Best(word[piece.Length..], pieces));
        return best;
    }

    private static double BestByTable(string word, (string Piece, double Score)[] pieces)
    {
        double[] best = new double[word.Length + 1];
        double unknown = pieces.Min(piece => piece.Score) - 10;
        for (int at = word.Length - 1; at >= 0; at--)
        {
            int single = char.IsHighSurrogate(word[at]) ? 2 : 1;
            best[at] = char.IsLowSurrogate(word[at]) ? double.NegativeInfinity : unknown + best[at + single];
            foreach ((string piece, double score) in pieces.Skip(1))
            {
                if (word.AsSpan(at).StartsWith(piece, StringComparison.Ordinal))
                    best[at] = Math.Max(best[at], score + best[at + piece.Length]);
            }
        }

        return best[0];
    }
}
