using System.Runtime.CompilerServices;

namespace Triptych.Tokenizers.Segments;

/// <summary>
/// Segments that came before, a bounded number of short ones. Entries are immutable and a reference is written at once, so threads may
/// race here without harm: at worst one does again what another has done.
/// </summary>
internal sealed class SegmentCache
{
    /// <summary>Longer segments rarely come again.</summary>
    public const int MaxLength = 32;

    private const int Bits = 15, Ways = 2;

    private readonly SegmentTokens[] _slots = new SegmentTokens[Ways << Bits];

    /// <summary>Half of the hash of each of a place's two segments, so that most new ones are told without a look at these.</summary>
    private readonly ulong[] _tags = new ulong[1 << Bits];

    /// <summary>Bits of the hashes of segments that were met once.</summary>
    private readonly ushort[] _met = new ushort[1 << Bits];

    /// <summary>The texts that tokens of a slot's segment are shown as, for the few that have some.</summary>
    private ShownTexts?[]? _texts;

    /// <summary>Appends the tokens of a segment if it is known.</summary>
    /// <param name="text">The segment.</param>
    /// <param name="hash">Its hash.</param>
    /// <param name="sink">Receives the tokens.</param>
    /// <param name="offset">Where the segment begins.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryAdd(ReadOnlySpan<char> text, ulong hash, TokenSink sink, int offset)
    {
        ulong tags = _tags[hash >> (64 - Bits)];
        int slot = FirstSlot(hash);
        if ((uint)tags != (uint)hash)
        {
            if ((uint)(tags >> 32) != (uint)hash)
                return false;
            slot++;
        }

        SegmentTokens entry = _slots[slot];
        if (!entry.AreOf(text, hash))
            return false;
        if (!entry.ShowsTexts)
            sink.Add(entry, offset);
        else if (_texts?[slot] is ShownTexts texts && texts.Tokens.Is(entry))
            sink.Add(entry, offset, texts.Found);
        else
            return false;
        return true;
    }

    /// <summary>Whether a segment was probably met before; from now on it was.</summary>
    public bool Meet(ulong hash)
    {
        ref ushort met = ref _met[hash >> (64 - Bits)];
        ushort tag = (ushort)hash;
        bool known = met == tag;
        met = tag;
        return known;
    }

    /// <summary>Remembers the tokens of a segment; the older one of two that share a place goes.</summary>
    public SegmentTokens Store(ReadOnlySpan<char> text, ulong hash, TokenSink sink)
    {
        int slot = FirstSlot(hash);
        var entry = new SegmentTokens(text, hash, sink);
        if (sink.Found is not null)
        {
            ShownTexts?[] texts = _texts ??= new ShownTexts?[_slots.Length];
            (texts[slot], texts[slot + 1]) = (new ShownTexts(entry, sink.Found), texts[slot]);
        }

        ref ulong tags = ref _tags[hash >> (64 - Bits)];
        tags = tags << 32 | (uint)hash;
        _slots[slot + 1] = _slots[slot];
        _slots[slot] = entry;
        return entry;
    }

    private static int FirstSlot(ulong hash) => (int)(hash >> (64 - Bits)) * Ways;

    private sealed record ShownTexts(SegmentTokens Tokens, IReadOnlyDictionary<int, string> Found);
}
