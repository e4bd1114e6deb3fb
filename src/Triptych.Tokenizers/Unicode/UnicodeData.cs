using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Triptych.Tokenizers.Unicode;

/// <summary>The properties of a character that tokenization asks for.</summary>
[Flags]
internal enum CharClass : ushort
{
    None = 0,
    White = 1,
    Control = 2,
    NonSpacingMark = 4,
    Mark = 8,
    Punctuation = 16,
    Numeric = 32,
    Word = 64,
    Letter = 128,
    Number = 256,
    Space = 512,

    /// <summary>NFD changes the character or may move it.</summary>
    Decomposes = 1024,

    /// <summary>The character has a lowercase form.</summary>
    Upper = 2048,
}

/// <summary>
/// Character properties and mappings exactly as Hugging Face tokenizers has them (see make_unicode_data.py). .NET's own
/// tables follow another Unicode version, and <c>string.Normalize</c> does nothing under invariant globalization.
/// </summary>
internal static class UnicodeData
{
    private const int HangulBase = 0xAC00, HangulCount = 11172, LeadBase = 0x1100, VowelBase = 0x1161, TrailBase = 0x11A7;
    private const int LeadCount = 19, VowelCount = 21, TrailCount = 28;

    private static readonly ushort[] Blocks = new ushort[0x110000 >> 8];
    private static readonly CharClass[] Classes;
    private static readonly byte[] CombiningClasses;
    private static readonly Mapping Lowercase, Canonical, Compatible;
    private static readonly Dictionary<long, int> Compositions;

    static UnicodeData()
    {
        using Stream stream = typeof(UnicodeData).Assembly.GetManifestResourceStream("unicode.bin")!;
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        int at = 0;

        var classes = new List<CharClass>();
        var combining = new List<byte>();
        var whole = new Dictionary<(CharClass, byte), ushort>();
        for (int codePoint = 0; codePoint < 0x110000;)
        {
            int end = codePoint + ReadVarint(bytes, ref at);
            var flags = (CharClass)BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(at));
            byte combiningClass = bytes[at + 2];
            at += 3;
            while (codePoint < end)
            {
                int blockEnd = (codePoint | 0xFF) + 1;
                int stop = Math.Min(end, blockEnd);
                bool fills = (codePoint & 0xFF) == 0 && stop == blockEnd;
                if (fills && whole.TryGetValue((flags, combiningClass), out ushort block))
                {
                    Blocks[codePoint >> 8] = block;
                }
                else
                {
                    if ((codePoint & 0xFF) == 0)
                        Blocks[codePoint >> 8] = (ushort)(classes.Count >> 8);
                    if (fills)
                        whole[(flags, combiningClass)] = (ushort)(classes.Count >> 8);
                    for (int i = codePoint; i < stop; i++)
                    {
                        classes.Add(flags);
                        combining.Add(combiningClass);
                    }
                }

                codePoint = stop;
            }
        }

        Classes = [.. classes];
        CombiningClasses = [.. combining];
        Lowercase = Mapping.Read(bytes, ref at);
        Canonical = Mapping.Read(bytes, ref at);
        Compatible = Mapping.Read(bytes, ref at);
        int count = ReadVarint(bytes, ref at);
        Compositions = new Dictionary<long, int>(count);
        for (int i = 0; i < count; i++)
        {
            long first = ReadVarint(bytes, ref at);
            int second = ReadVarint(bytes, ref at);
            Compositions[first << 32 | (uint)second] = ReadVarint(bytes, ref at);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static CharClass ClassOf(int codePoint) => Classes[Blocks[codePoint >> 8] << 8 | codePoint & 0xFF];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Is(int codePoint, CharClass classes) => (ClassOf(codePoint) & classes) != 0;

    public static int CombiningClass(int codePoint) => CombiningClasses[Blocks[codePoint >> 8] << 8 | codePoint & 0xFF];

    /// <summary>The lowercase form, or an empty span where it is the character itself.</summary>
    public static ReadOnlySpan<int> ToLower(int codePoint) => Lowercase.Find(codePoint);

    /// <summary>Appends the full canonical (or compatibility) decomposition of a character.</summary>
    public static void Decompose(int codePoint, bool compatible, List<int> output)
    {
        if (codePoint < 0x80)
        {
            output.Add(codePoint);
            return;
        }

        if ((uint)(codePoint - HangulBase) < HangulCount)
        {
            int index = codePoint - HangulBase;
            output.Add(LeadBase + index / (VowelCount * TrailCount));
            output.Add(VowelBase + index / TrailCount % VowelCount);
            if (index % TrailCount != 0)
                output.Add(TrailBase + index % TrailCount);
            return;
        }

        ReadOnlySpan<int> mapped = compatible ? Compatible.Find(codePoint) : default;
        if (mapped.IsEmpty)
            mapped = Canonical.Find(codePoint);
        if (mapped.IsEmpty)
            output.Add(codePoint);
        else
            output.AddRange(mapped);
    }

    /// <summary>The characters that can compose with one before them.</summary>
    public static IEnumerable<int> SecondsOfCompositions() => Compositions.Keys.Select(pair => (int)(pair & uint.MaxValue))
        .Concat(Enumerable.Range(VowelBase, VowelCount)).Concat(Enumerable.Range(TrailBase + 1, TrailCount - 1));

    /// <summary>The character that two characters compose to, or -1.</summary>
    public static int Compose(int first, int second)
    {
        if ((uint)(first - LeadBase) < LeadCount && (uint)(second - VowelBase) < VowelCount)
            return HangulBase + ((first - LeadBase) * VowelCount + second - VowelBase) * TrailCount;
        if ((uint)(first - HangulBase) < HangulCount && (first - HangulBase) % TrailCount == 0
            && (uint)(second - TrailBase - 1) < TrailCount - 1)
            return first + second - TrailBase;
        return Compositions.GetValueOrDefault((long)first << 32 | (uint)second, -1);
    }

    private static int ReadVarint(byte[] bytes, ref int at)
    {
        int value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte b = bytes[at++];
            value |= (b & 0x7F) << shift;
            if (b < 0x80)
                return value;
        }
    }

    private sealed class Mapping(Dictionary<int, (int Start, int Length)> index, int[] values)
    {
        public ReadOnlySpan<int> Find(int codePoint) =>
            index.TryGetValue(codePoint, out var range) ? values.AsSpan(range.Start, range.Length) : default;

        public static Mapping Read(byte[] bytes, ref int at)
        {
            int count = ReadVarint(bytes, ref at);
            var index = new Dictionary<int, (int, int)>(count);
            var values = new List<int>();
            for (int i = 0, codePoint = 0; i < count; i++)
            {
                codePoint += ReadVarint(bytes, ref at);
                int length = ReadVarint(bytes, ref at);
                index.Add(codePoint, (values.Count, length));
                for (int k = 0; k < length; k++)
                    values.Add(ReadVarint(bytes, ref at));
            }

            return new Mapping(index, [.. values]);
        }
    }
}
