using System.Globalization;
using System.Text;
using Triptych.Tokenizers.Loading;

namespace Triptych.Tokenizers.Models;

/// <summary>Rules that put bytes in place of others, the longest that fits first, and the way back.</summary>
internal sealed class ByteRules
{
    private readonly Node _forward = new();
    private readonly Node _back = new();

    private ByteRules()
    {
        for (int value = 0; value < 256; value++)
        {
            _forward.Add([(byte)value], [(byte)value]);
            _back.Add([(byte)value], [(byte)value]);
        }
    }

    /// <summary>Reads an object of bytes, such as <c>"61 62": "c0"</c>.</summary>
    public static ByteRules Read(JsonValue json)
    {
        var rules = new ByteRules();
        foreach ((string from, JsonValue to) in json.Members())
        {
            byte[] source = Parse(from, to), target = Parse(to.AsString(), to);
            rules._forward.Add(source, target);
            rules._back.Add(target, source);
        }

        return rules;
    }

    public static string NameOf(int value) => value.ToString("x2", CultureInfo.InvariantCulture);

    /// <summary>The byte that a token names, or -1.</summary>
    public static int ValueOf(string token) => token.Length == 2 && char.IsAsciiHexDigitLower(token[0]) && char.IsAsciiHexDigitLower(token[1])
        ? int.Parse(token, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture) : -1;

    /// <summary>Rewrites bytes; each that comes of others has the place of the first and of the last of them. Below 0 are no bytes.</summary>
    public List<(int Value, int First, int Last)> Rewrite(List<(int Value, int First, int Last)> bytes, bool back)
    {
        var output = new List<(int, int, int)>(bytes.Count);
        for (int start = 0, end; start < bytes.Count; start = end)
        {
            Node node = back ? _back : _forward;
            byte[]? leaf = null;
            end = start + 1;
            for (int at = start; at < bytes.Count && bytes[at].Value >= 0 && node.Find((byte)bytes[at].Value) is Node next; at++)
            {
                node = next;
                if (node.Leaf is not null)
                    (leaf, end) = (node.Leaf, at + 1);
            }

            if (leaf is null)
                output.Add(bytes[start]);
            foreach (byte value in leaf ?? [])
                output.Add((value, bytes[start].First, bytes[end - 1].Last));
        }

        return output;
    }

    private static byte[] Parse(string bytes, JsonValue json) =>
        [.. bytes.Split(' ').Select(name => ValueOf(name) is >= 0 and int value ? (byte)value : throw json.Fail($"\"{bytes}\" are not bytes as two digits each"))];

    private sealed class Node
    {
        private Dictionary<byte, Node>? _next;

        public byte[]? Leaf { get; private set; }

        public Node? Find(byte value) => _next?.GetValueOrDefault(value);

        public void Add(byte[] path, byte[] leaf)
        {
            Node node = this;
            foreach (byte value in path)
            {
                node._next ??= [];
                if (!node._next.TryGetValue(value, out Node? next))
                    node._next[value] = next = new Node();
                node = next;
            }

            node.Leaf = leaf;
        }
    }
}

/// <summary>Bytes as MyT5 has them (Limisiewicz et al., 2024): those of UTF-8 taken apart, then those of frequent morphemes put together.</summary>
internal sealed class RewrittenBytes(Vocabulary vocabulary, int first, IReadOnlyList<ByteRules> rules) : TokenizerModel(vocabulary)
{
    public override string? ContinuingSubwordPrefix => null;

    public override void Tokenize(ReadOnlySpan<char> word, List<Piece> output)
    {
        var bytes = new List<(int Value, int First, int Last)>(word.Length);
        Span<byte> units = stackalloc byte[4];
        for (int at = 0, length; at < word.Length; at += length)
        {
            Rune.DecodeFromUtf16(word[at..], out Rune rune, out length);
            foreach (byte value in units[..rune.EncodeToUtf8(units)])
                bytes.Add((value, at, at + length));
        }

        foreach (ByteRules rule in rules)
            bytes = rule.Rewrite(bytes, back: false);
        foreach ((int value, int start, int end) in bytes)
            output.Add(new Piece(first + value, start, end));
    }
}
