using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;
using Triptych.Tokenizers;

namespace Triptych.Fuzz;

/// <summary>SentencePiece models with a charsmap, tiktoken files and tekken.json.</summary>
internal static class SentencePieceSubjects
{
    private const string Text = "The ｌittle girl, Zoë 😀 e\u0301\u200B <sym> 12345 can't\n\t<s>  世界 ﬁn";

    public static IEnumerable<Subject> Make()
    {
        foreach ((string name, int algorithm) in ((string, int)[])[("unigram", 1), ("BPE", 2), ("words", 3), ("characters", 4)])
        {
            byte[] model = Model(algorithm);
            yield return new Subject($"SentencePiece {name}", ".model", model, model.Length, Use);
        }

        byte[] ranks = Ranks();
        yield return new Subject("tiktoken", ".tiktoken", ranks, ranks.Length, path => Use(Tokenizer.LoadTiktoken(path, @"\p{L}+|\s|[^\p{L}\s]+")));
        byte[] tekken = Tekken();
        yield return new Subject("tekken", ".json", tekken, tekken.Length, Use);
    }

    private static void Use(string path) => Use(Tokenizer.Load(path));

    private static void Use(Tokenizer tokenizer)
    {
        try
        {
            _ = tokenizer.Decode(tokenizer.Encode(Text).Ids, skipSpecialTokens: false);
        }
        catch (InvalidOperationException error) when (error.Message.Contains("unknown token", StringComparison.Ordinal))
        {
        }
    }

    private static byte[] Model(int algorithm)
    {
        using var stream = new MemoryStream();
        string[] pieces = ["<unk>", "<s>", "</s>", "<sym>", "\u2581", "\u2581The", "l", "i", "t", "e", "le", "it", "th", "世", "é", "a", "n", "an"];
        for (int id = 0; id < pieces.Length; id++)
            Bytes(stream, 1, Piece(pieces[id], -id, id == 0 ? 2 : id < 3 ? 3 : id == 3 ? 4 : 1));
        for (int value = 0; value < 256; value++)
            Bytes(stream, 1, Piece($"<0x{value:X2}>", 0, 6));
        using var training = new MemoryStream();
        Number(training, 3, algorithm);
        Number(training, 35, 1);
        Bytes(stream, 2, training.ToArray());
        using var rules = new MemoryStream();
        Bytes(rules, 2, CharsMap());
        Bytes(stream, 3, rules.ToArray());
        return stream.ToArray();
    }

    private static byte[] Piece(string text, float score, int type)
    {
        using var stream = new MemoryStream();
        Bytes(stream, 1, System.Text.Encoding.UTF8.GetBytes(text));
        stream.WriteByte(2 << 3 | 5);
        Span<byte> bits = stackalloc byte[sizeof(float)];
        BinaryPrimitives.WriteSingleLittleEndian(bits, score);
        stream.Write(bits);
        Number(stream, 3, type);
        return stream.ToArray();
    }

    /// <summary>Rules for a tab and for "e" with an acute accent: each node has a block of 256 places of its own.</summary>
    private static byte[] CharsMap()
    {
        var units = new uint[5 * 256];
        units[0] = 256u << 10;
        units[256 ^ '\t'] = '\t' | 1u << 8 | (uint)(256 ^ '\t' ^ 512) << 10;
        units[512] = 1u << 31;
        units[256 ^ 'e'] = 'e' | (uint)(256 ^ 'e' ^ 768) << 10;
        units[768 ^ 0xCC] = 0xCC | (uint)(768 ^ 0xCC ^ 1024) << 10;
        units[1024 ^ 0x81] = 0x81 | 1u << 8 | (uint)(1024 ^ 0x81 ^ 513) << 10;
        units[513] = 1u << 31 | 2;
        byte[] bytes = new byte[sizeof(uint) * (units.Length + 1)];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, sizeof(uint) * units.Length);
        for (int i = 0; i < units.Length; i++)
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(sizeof(uint) * (i + 1)), units[i]);
        return [.. bytes, .. " \0é\0"u8];
    }

    private static byte[] Ranks()
    {
        var lines = new StringBuilder();
        foreach ((byte[] token, int rank) in Tokens())
            lines.Append(Convert.ToBase64String(token)).Append(' ').Append(rank).Append('\n');
        return System.Text.Encoding.ASCII.GetBytes(lines.ToString());
    }

    private static byte[] Tekken() => System.Text.Encoding.UTF8.GetBytes(new JsonObject
    {
        ["config"] = new JsonObject { ["pattern"] = @"\p{L}+|\s|[^\p{L}\s]+", ["default_vocab_size"] = 300, ["default_num_special_tokens"] = 20 },
        ["vocab"] = new JsonArray([.. Tokens().Select(token => (JsonNode)new JsonObject { ["rank"] = token.Rank, ["token_bytes"] = Convert.ToBase64String(token.Bytes) })]),
        ["special_tokens"] = new JsonArray(new JsonObject { ["rank"] = 1, ["token_str"] = "<s>", ["is_control"] = true }),
    }.ToJsonString());

    private static IEnumerable<(byte[] Bytes, int Rank)> Tokens() => Enumerable.Range(0, 256).Select(value => (byte[])[(byte)value])
        .Concat(((string[])["Th", "he", "The", "li", "tt", "le"]).Select(System.Text.Encoding.ASCII.GetBytes)).Select((bytes, rank) => (bytes, rank));

    private static void Number(Stream stream, int field, int value)
    {
        Varint(stream, (uint)field << 3);
        Varint(stream, (uint)value);
    }

    private static void Bytes(Stream stream, int field, byte[] value)
    {
        Varint(stream, (uint)field << 3 | 2);
        Varint(stream, (uint)value.Length);
        stream.Write(value);
    }

    private static void Varint(Stream stream, uint value)
    {
        for (; value >= 0x80; value >>= 7)
            stream.WriteByte((byte)(value | 0x80));
        stream.WriteByte((byte)value);
    }
}
