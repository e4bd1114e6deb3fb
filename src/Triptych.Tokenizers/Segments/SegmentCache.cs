using System.Runtime.CompilerServices;

namespace Triptych.Tokenizers.Segments;

/// <summary>A token of a segment; places and word count from the segment's beginning.</summary>
internal readonly record struct SegmentToken(int Id, ushort Start, ushort End, ushort Word);

/// <summary>What a segment becomes.</summary>
internal sealed record SegmentTokens(ulong Hash, string Text, SegmentToken[] Tokens, int Words)
{
    /// <summary>Tokens that are shown as the text they stand for, by their place among the tokens.</summary>
    public IReadOnlyDictionary<int, string>? Found { get; init; }
}

/// <summary>
/// Segments that came before, a bounded number of short ones. Entries are immutable and a reference is written at once, so threads may
/// race here without harm: at worst one does again what another has done.
/// </summary>
internal sealed class SegmentCache
{
    /// <summary>Longer segments rarely come again.</summary>
    public const int MaxLength = 32;

    private const int Bits = 15;

    private readonly SegmentTokens?[] _slots = new SegmentTokens?[1 << Bits];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public SegmentTokens? Find(ReadOnlySpan<char> text, ulong hash)
    {
        SegmentTokens? entry = _slots[hash >> (64 - Bits)];
        return entry is not null && entry.Hash == hash && text.SequenceEqual(entry.Text) ? entry : null;
    }

    public void Store(SegmentTokens entry) => _slots[entry.Hash >> (64 - Bits)] = entry;
}
