using System.Text;
using Triptych.Tokenizers.Loading;
using Triptych.Tokenizers.Unicode;

namespace Triptych.Tokenizers.Pipeline;

/// <summary>
/// SentencePiece's rules as Hugging Face tokenizers applies them: to each grapheme cluster of less than six bytes, and where that has
/// no rule to each character by itself. A cluster becomes what the shortest rule makes of its beginning.
/// </summary>
internal sealed class PrecompiledNormalizer(CharsMap map) : Normalizer
{
    private const int MaxClusterBytes = 5;
    private const int KeptChanges = 1 << 20;

    [ThreadStatic]
    private static List<Change>? s_changes;

    private readonly bool[] _isPlain = FindPlain(map);

    public CharsMap Map => map;

    public override void Normalize(NormalizedString text)
    {
        if (FirstCandidate(text.Chars) < 0 || !Collect(text.Chars, null))
            return;
        List<Change> changes = s_changes ??= [];
        changes.Clear();
        if (text.Length > KeptChanges)
            LargeMemory.Reserve(changes, text.Length);
        Collect(text.Chars, changes);
        text.Transform(changes);
        if (changes.Capacity > KeptChanges)
            s_changes = null;
    }

    private int FirstCandidate(ReadOnlySpan<char> text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (!IsPlain(text, i) && map.MayBegin(text[i]))
                return i;
        }

        return -1;
    }

    /// <summary>Whether a character is a cluster by itself for which there is no rule, found out quickly.</summary>
    private bool IsPlain(ReadOnlySpan<char> text, int at) =>
        text[at] < _isPlain.Length && _isPlain[text[at]] && (at + 1 == text.Length || text[at + 1] < _isPlain.Length);

    /// <summary>ASCII without rules; a carriage return may form a cluster with what follows.</summary>
    private static bool[] FindPlain(CharsMap map)
    {
        bool[] plain = new bool[0x80];
        Span<byte> character = stackalloc byte[1];
        for (int c = 0; c < plain.Length; c++)
        {
            character[0] = (byte)c;
            plain[c] = c != '\r' && !map.TryFindShortest(character, out _);
        }

        return plain;
    }

    /// <summary>Whether the rules change a text, and how; without a list it is enough to know that they do.</summary>
    private bool Collect(ReadOnlySpan<char> text, List<Change>? changes)
    {
        bool modified = false;
        Span<byte> utf8 = stackalloc byte[MaxClusterBytes + 3];
        for (int at = 0; at < text.Length;)
        {
            if (IsPlain(text, at))
            {
                changes?.Add(new Change(text[at], 0));
                at++;
                continue;
            }

            int end = Graphemes.ClusterEnd(text, at);
            ReadOnlySpan<char> cluster = text[at..end];
            at = end;
            if (cluster.Length > 1 && cluster.Length <= MaxClusterBytes && map.MayBegin(cluster[0])
                && System.Text.Encoding.UTF8.GetByteCount(cluster) <= MaxClusterBytes
                && map.TryFindShortest(utf8[..System.Text.Encoding.UTF8.GetBytes(cluster, utf8)], out ReadOnlySpan<char> whole))
            {
                if (changes is null)
                    return true;
                modified = true;
                Replace(changes, CountChars(cluster), whole);
                continue;
            }

            foreach (Rune rune in cluster.EnumerateRunes())
            {
                bool candidate = !rune.IsBmp || map.MayBegin((char)rune.Value);
                if (candidate && map.TryFindShortest(utf8[..rune.EncodeToUtf8(utf8)], out ReadOnlySpan<char> single))
                {
                    if (changes is null)
                        return true;
                    modified = true;
                    Replace(changes, 1, single);
                }
                else
                {
                    changes?.Add(new Change(rune.Value, 0));
                }
            }
        }

        return modified;
    }

    /// <summary>Some characters become others: the last of more are inserted, the last of fewer swallows what is left.</summary>
    private static void Replace(List<Change> changes, int oldCount, ReadOnlySpan<char> replacement)
    {
        int difference = CountChars(replacement) - oldCount;
        int start = changes.Count;
        foreach (Rune rune in replacement.EnumerateRunes())
            changes.Add(new Change(rune.Value, changes.Count - start >= oldCount ? 1 : 0));
        // Where nothing came before, what is taken away is lost, as it is in the reference.
        if (difference < 0 && changes.Count > 0)
            changes[^1] = changes[^1] with { Delta = changes[^1].Delta + difference };
    }

    private static int CountChars(ReadOnlySpan<char> text)
    {
        int count = text.Length;
        foreach (char c in text)
            count -= char.IsLowSurrogate(c) ? 1 : 0;
        return count;
    }
}

/// <summary>The cleaning of Google's neural translation: control characters vanish, other white space becomes a space.</summary>
internal sealed class NmtNormalizer : Normalizer
{
    public override void Normalize(NormalizedString text)
    {
        text.Filter(static codePoint => codePoint is not ((>= 0x01 and <= 0x08) or 0x0B or (>= 0x0E and <= 0x1F) or 0x7F or 0x8F or 0x9F));
        foreach (ref char c in text.MutableChars)
        {
            if (c is '\t' or '\n' or '\f' or '\r' or '\u1680' or (>= '\u200B' and <= '\u200F') or '\u2028' or '\u2029' or '\u2581' or '\uFEFF' or '\uFFFD')
                c = ' ';
        }
    }
}
