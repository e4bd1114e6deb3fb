using System.Runtime.CompilerServices;

namespace Triptych.Tokenizers.Patterns;

/// <summary>A set of code points: sorted ranges, and a bitmap of the basic plane whose pages of 256 are made once for each content.</summary>
internal sealed class CharSet
{
    /// <summary>One more than the highest code point.</summary>
    public const int Limit = 0x110000;

    private readonly int[] _ends;
    private readonly ulong _ascii0;
    private readonly ulong _ascii1;
    private readonly byte[] _pageOf;
    private readonly ulong[] _pages;

    /// <summary>Takes ends of ranges, ascending: [ends[0], ends[1]) is in the set, [ends[1], ends[2]) is not, and so on.</summary>
    private CharSet(int[] ends)
    {
        _ends = ends;
        (_pageOf, _pages) = MakePages(ends);
        _ascii0 = _pages[_pageOf[0] * 4];
        _ascii1 = _pages[_pageOf[0] * 4 + 1];
    }

    public static CharSet Empty { get; } = new([]);

    public static CharSet All { get; } = new([0, Limit]);

    public bool IsEmpty => _ends.Length == 0;

    /// <summary>The only member, or -1.</summary>
    public int Single => _ends.Length == 2 && _ends[1] == _ends[0] + 1 ? _ends[0] : -1;

    /// <summary>The ranges, each from its first code point to one past its last.</summary>
    public IEnumerable<(int Start, int End)> Ranges
    {
        get
        {
            for (int i = 0; i < _ends.Length; i += 2)
                yield return (_ends[i], _ends[i + 1]);
        }
    }

    public static CharSet Of(int codePoint) => new([codePoint, codePoint + 1]);

    public static CharSet Of(IEnumerable<(int Start, int End)> ranges)
    {
        var ends = new List<int>();
        foreach ((int start, int end) in ranges.Where(range => range.Start < range.End).OrderBy(range => range.Start))
        {
            if (ends.Count > 0 && start <= ends[^1])
                ends[^1] = Math.Max(ends[^1], end);
            else
                ends.AddRange([start, end]);
        }

        return ends.Count == 0 ? Empty : new CharSet([.. ends]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Contains(int codePoint)
    {
        if (codePoint < 128)
            return ((codePoint < 64 ? _ascii0 : _ascii1) >> (codePoint & 63) & 1) != 0;
        return codePoint < 0x10000
            ? (_pages[_pageOf[codePoint >> 8] * 4 + (codePoint >> 6 & 3)] >> (codePoint & 63) & 1) != 0
            : ContainsBeyond(codePoint);
    }

    public CharSet Union(CharSet other) => Of(Ranges.Concat(other.Ranges));

    public CharSet Not()
    {
        int from = _ends is [0, ..] ? 1 : 0;
        int to = _ends is [.., Limit] ? _ends.Length - 1 : _ends.Length;
        int[] ends = [.. from == 0 ? [0] : (int[])[], .. _ends[from..to], .. to == _ends.Length ? [Limit] : (int[])[]];
        return ends.Length == 0 ? Empty : new CharSet(ends);
    }

    public CharSet Intersect(CharSet other) => Not().Union(other.Not()).Not();

    public bool Overlaps(CharSet other)
    {
        for (int i = 0, k = 0; i < _ends.Length && k < other._ends.Length;)
        {
            if (_ends[i + 1] <= other._ends[k])
                i += 2;
            else if (other._ends[k + 1] <= _ends[i])
                k += 2;
            else
                return true;
        }

        return false;
    }

    public bool SameAs(CharSet other) => _ends.AsSpan().SequenceEqual(other._ends);

    private bool ContainsBeyond(int codePoint)
    {
        int low = 0;
        int high = _ends.Length;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (_ends[middle] <= codePoint)
                low = middle + 1;
            else
                high = middle;
        }

        return (low & 1) != 0;
    }

    private static void Fill(Span<ulong> page, int start, int end)
    {
        for (int c = start; c < end; c++)
            page[c >> 6 & 3] |= 1UL << (c & 63);
    }

    private static (byte[] PageOf, ulong[] Pages) MakePages(int[] ends)
    {
        byte[] pageOf = new byte[256];
        var pages = new List<ulong>();
        var known = new Dictionary<(ulong, ulong, ulong, ulong), byte>();
        Span<ulong> page = stackalloc ulong[4];
        int at = 0;
        for (int p = 0; p < 256; p++)
        {
            page.Clear();
            int last = (p << 8) + 256;
            while (at < ends.Length && ends[at] < last)
            {
                int stop = Math.Min(ends[at + 1], last);
                if (ends[at] <= p << 8 && stop == last)
                    page.Fill(ulong.MaxValue);
                else
                    Fill(page, Math.Max(ends[at], p << 8), stop);
                if (ends[at + 1] > last)
                    break;
                at += 2;
            }

            var key = (page[0], page[1], page[2], page[3]);
            if (!known.TryGetValue(key, out pageOf[p]))
            {
                pageOf[p] = (byte)(pages.Count / 4);
                known.Add(key, pageOf[p]);
                pages.AddRange(page);
            }
        }

        return (pageOf, [.. pages]);
    }
}
