namespace Triptych.Tokenizers.Unicode;

/// <summary>What extended grapheme clusters (UAX #29) need to know of a character; the numbers are those of graphemes.bin.</summary>
internal enum GraphemeClass : byte
{
    Other,
    Control,
    Extend,
    Prepend,
    Pictographic,
    Consonant,
    Linker,
}

/// <summary>Grapheme clusters as Hugging Face tokenizers sees them (see make_graphemes.py).</summary>
internal static class Graphemes
{
    private const char FirstExtending = '\u0300';
    private const char ZeroWidthJoiner = '\u200D';

    private static readonly Lazy<byte[]> s_classes = new(Read);

    public static GraphemeClass ClassOf(int codePoint) => (GraphemeClass)s_classes.Value[codePoint];

    /// <summary>The end of the cluster that begins at a place. Flags of two letters count as two clusters.</summary>
    public static int ClusterEnd(ReadOnlySpan<char> text, int at)
    {
        char first = text[at];
        int end = at + 1;
        if (first < FirstExtending && (end == text.Length || text[end] < FirstExtending))
            return first == '\r' && end < text.Length && text[end] == '\n' ? end + 1 : end;
        byte[] classes = s_classes.Value;
        int previous = CodePointAt(text, at, out int units);
        var before = (GraphemeClass)classes[previous];
        var state = new ClusterState(before);
        end = at + units;
        while (before != GraphemeClass.Control && end < text.Length)
        {
            int next = CodePointAt(text, end, out units);
            var kind = (GraphemeClass)classes[next];
            bool joins = kind is GraphemeClass.Extend or GraphemeClass.Linker
                || (before == GraphemeClass.Prepend && kind != GraphemeClass.Control)
                || (kind == GraphemeClass.Pictographic && previous == ZeroWidthJoiner && state.Pictographic)
                || (kind == GraphemeClass.Consonant && state.Conjunct)
                || HangulJoins(previous, next);
            if (!joins)
                break;
            state.Add(kind);
            (previous, before) = (next, kind);
            end += units;
        }

        return end;
    }

    private static int CodePointAt(ReadOnlySpan<char> text, int at, out int units) => Pipeline.NormalizedString.CodePointAt(text, at, out units);

    private static bool HangulJoins(int before, int after)
    {
        if (before < 0x1100)
            return false;
        bool syllable = before is >= 0xAC00 and <= 0xD7A3;
        bool open = syllable && (before - 0xAC00) % 28 == 0;
        bool vowelAfter = IsVowel(after);
        return IsLead(before) ? IsLead(after) || vowelAfter || after is >= 0xAC00 and <= 0xD7A3
            : open || IsVowel(before) ? vowelAfter || IsTrail(after)
            : (syllable || IsTrail(before)) && IsTrail(after);
    }

    private static bool IsLead(int codePoint) => codePoint is >= 0x1100 and <= 0x115F or >= 0xA960 and <= 0xA97C;

    private static bool IsVowel(int codePoint) => codePoint is >= 0x1160 and <= 0x11A7 or >= 0xD7B0 and <= 0xD7C6;

    private static bool IsTrail(int codePoint) => codePoint is >= 0x11A8 and <= 0x11FF or >= 0xD7CB and <= 0xD7FB;

    private static byte[] Read()
    {
        using Stream stream = typeof(Graphemes).Assembly.GetManifestResourceStream("graphemes.bin")!;
        var classes = new byte[0x110000];
        for (int codePoint = 0; codePoint < classes.Length;)
        {
            int length = 0;
            int part = 0x80;
            for (int shift = 0; part >= 0x80; shift += 7)
            {
                part = stream.ReadByte();
                length |= (part & 0x7F) << shift;
            }

            classes.AsSpan(codePoint, length).Fill((byte)stream.ReadByte());
            codePoint += length;
        }

        return classes;
    }

    /// <summary>Whether the cluster so far lets an emoji or a consonant follow.</summary>
    private struct ClusterState(GraphemeClass first)
    {
        private bool _consonant = first == GraphemeClass.Consonant;
        private bool _linker;

        public bool Pictographic { get; private set; } = first == GraphemeClass.Pictographic;

        public readonly bool Conjunct => _consonant && _linker;

        public void Add(GraphemeClass kind)
        {
            switch (kind)
            {
                case GraphemeClass.Linker:
                    _linker = true;
                    break;
                case GraphemeClass.Extend:
                    break;
                default:
                    Pictographic = kind == GraphemeClass.Pictographic;
                    _consonant = kind == GraphemeClass.Consonant;
                    _linker = false;
                    break;
            }
        }
    }
}
