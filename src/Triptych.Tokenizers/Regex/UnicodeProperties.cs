using System.IO.Compression;
using System.Text;

namespace Triptych.Tokenizers.Patterns;

/// <summary>The character properties and case folding of Oniguruma, and the scripts of Hugging Face's UnicodeScripts (see make_properties.py).</summary>
internal static class UnicodeProperties
{
    private static readonly Lazy<Tables> Data = new(Read);

    /// <summary>\w outside of brackets.</summary>
    public static CharSet Word { get; } = Escape('w', inClass: false)!;

    /// <summary>\w, \d, \s or \h by their letter, which some are other sets within brackets; null for other letters.</summary>
    public static CharSet? Escape(char letter, bool inClass) =>
        Data.Value.Named.GetValueOrDefault(inClass ? $"[\\{letter}]" : $"\\{letter}");

    /// <summary>The set of a POSIX bracket such as [:alpha:], or null.</summary>
    public static CharSet? Posix(string name) => Data.Value.Named.GetValueOrDefault($"[[:{name}:]]");

    /// <summary>The set of a name as \p{...} has it (case, spaces, hyphens and underscores don't count), or null.</summary>
    public static CharSet? Find(string name)
    {
        var key = new StringBuilder(name.Length);
        foreach (char c in name)
        {
            if (c is not (' ' or '-' or '_'))
                key.Append(char.ToLowerInvariant(c));
        }

        return Data.Value.Named.GetValueOrDefault(key.ToString());
    }

    /// <summary>The characters that are the same but for their case, the character itself among them.</summary>
    public static ReadOnlySpan<int> CaseGroup(int codePoint) => Data.Value.Groups.GetValueOrDefault(codePoint);

    /// <summary>All characters that differ from another in case only.</summary>
    public static IEnumerable<int> Cased => Data.Value.Groups.Keys;

    /// <summary>Characters that fold into several, such as the sharp s, each with what it folds into.</summary>
    public static IReadOnlyList<(int CodePoint, int[] Folded)> Expansions => Data.Value.Expansions;

    /// <summary>The script that UnicodeScripts cuts by; 0 for characters that go with any.</summary>
    public static int ScriptOf(int codePoint) => Data.Value.Scripts[codePoint];

    private static Tables Read()
    {
        using Stream stream = typeof(UnicodeProperties).Assembly.GetManifestResourceStream("properties.bin")!;
        using var inflated = new DeflateStream(stream, CompressionMode.Decompress);
        using var reader = new BinaryReader(inflated);
        var sets = new CharSet[reader.Read7BitEncodedInt()];
        for (int i = 0; i < sets.Length; i++)
            sets[i] = ReadSet(reader);

        var named = new Dictionary<string, CharSet>(StringComparer.Ordinal);
        for (int i = reader.Read7BitEncodedInt(); i > 0; i--)
        {
            string name = System.Text.Encoding.ASCII.GetString(reader.ReadBytes(reader.Read7BitEncodedInt()));
            named.Add(name, sets[reader.Read7BitEncodedInt()]);
        }

        var groups = new Dictionary<int, int[]>();
        for (int i = reader.Read7BitEncodedInt(); i > 0; i--)
        {
            int[] group = ReadInts(reader);
            foreach (int codePoint in group)
                groups[codePoint] = group;
        }

        var expansions = new (int, int[])[reader.Read7BitEncodedInt()];
        for (int i = 0; i < expansions.Length; i++)
            expansions[i] = (reader.Read7BitEncodedInt(), ReadInts(reader));

        byte[] scripts = new byte[CharSet.Limit];
        for (int at = 0; at < scripts.Length;)
        {
            int length = reader.Read7BitEncodedInt();
            scripts.AsSpan(at, length).Fill((byte)reader.Read7BitEncodedInt());
            at += length;
        }

        return new Tables(named, groups, expansions, scripts);
    }

    private static CharSet ReadSet(BinaryReader reader)
    {
        var ranges = new (int, int)[reader.Read7BitEncodedInt()];
        int at = 0;
        for (int i = 0; i < ranges.Length; i++)
        {
            int start = at + reader.Read7BitEncodedInt();
            at = start + reader.Read7BitEncodedInt();
            ranges[i] = (start, at);
        }

        return CharSet.Of(ranges);
    }

    private static int[] ReadInts(BinaryReader reader)
    {
        int[] values = new int[reader.Read7BitEncodedInt()];
        for (int i = 0; i < values.Length; i++)
            values[i] = reader.Read7BitEncodedInt();
        return values;
    }

    private sealed record Tables(
        Dictionary<string, CharSet> Named, Dictionary<int, int[]> Groups, (int, int[])[] Expansions, byte[] Scripts);
}
