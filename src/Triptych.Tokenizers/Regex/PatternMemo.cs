namespace Triptych.Tokenizers.Patterns;

/// <summary>What is known of an instruction at a position.</summary>
internal enum PatternOutcome
{
    Unknown,

    /// <summary>Nothing matches from here.</summary>
    Fails,

    /// <summary>The atomic group around it matches from here, but what follows does not.</summary>
    FailsBehindAtomic,

    /// <summary>The look around it holds from here.</summary>
    Holds,
}

/// <summary>Outcomes, two bits each, in pages that are made as they are needed.</summary>
internal sealed class PatternMemo
{
    private const int PageBits = 10;
    private const long MaxBytes = 256L << 20;

    private byte[]?[] _pages = [];
    private int _memos;
    private long _bytes;

    public bool IsActive { get; private set; }

    public void Reset()
    {
        if (IsActive)
            (_pages, IsActive, _bytes) = ([], false, 0);
    }

    public void Activate(int memos, int textLength)
    {
        (_memos, IsActive) = (memos, true);
        _pages = new byte[]?[(textLength >> PageBits) + 1];
    }

    public PatternOutcome Get(int memo, int position)
    {
        byte[]? page = _pages[position >> PageBits];
        if (page is null)
            return PatternOutcome.Unknown;
        (int at, int shift) = Place(memo, position);
        return (PatternOutcome)(page[at] >> shift & 3);
    }

    public void Set(int memo, int position, PatternOutcome outcome)
    {
        ref byte[]? page = ref _pages[position >> PageBits];
        if (page is null)
        {
            int size = (_memos << PageBits >> 2) + 1;
            if ((_bytes += size) > MaxBytes)
                throw new PatternException("it needs too much memory on this text");
            page = new byte[size];
        }

        (int at, int shift) = Place(memo, position);
        page[at] = (byte)(page[at] & ~(3 << shift) | (int)outcome << shift);
    }

    private (int At, int Shift) Place(int memo, int position)
    {
        int index = (position & (1 << PageBits) - 1) * _memos + memo;
        return (index >> 2, (index & 3) << 1);
    }
}
