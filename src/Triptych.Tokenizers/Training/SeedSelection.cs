namespace Triptych.Tokenizers;

/// <summary>A substring: where it is once, its length, how much of the text it covers, and its place among all in the order of letters.</summary>
internal readonly record struct Seed(int Start, int Length, double Cover, long Order) : IComparable<Seed>
{
    /// <summary>The best first, and the last of equals.</summary>
    public int CompareTo(Seed other) => Cover != other.Cover ? other.Cover.CompareTo(Cover) : other.Order.CompareTo(Order);
}

/// <summary>The best substrings of a text, of which there may be many more than are wanted; threads add to them in any order.</summary>
internal sealed class SeedSelection(int limit)
{
    private readonly List<Seed> _seeds = [];
    private Seed? _worst;

    /// <summary>The best ones in order.</summary>
    public List<Seed> Take()
    {
        Shrink();
        return _seeds;
    }

    private void Add(ReadOnlySpan<Seed> seeds)
    {
        lock (_seeds)
        {
            foreach (Seed seed in seeds)
            {
                if (_worst is not Seed worst || seed.CompareTo(worst) < 0)
                    _seeds.Add(seed);
            }

            if (_seeds.Count >= 2L * limit)
                Shrink();
        }
    }

    private void Shrink()
    {
        _seeds.Sort();
        if (_seeds.Count < limit)
            return;
        _seeds.RemoveRange(limit, _seeds.Count - limit);
        _worst = _seeds[^1];
    }

    /// <summary>What one thread finds among the substrings that begin with the same letter, in their order.</summary>
    internal sealed class Part(SeedSelection all, int letter)
    {
        private readonly Seed[] _found = new Seed[1 << 8];
        private int _count;
        private long _order = (long)letter << 32;

        public void Add(int start, int length, int count)
        {
            _found[_count++] = new Seed(start, length, (double)count * length, _order++);
            if (_count == _found.Length)
                Flush();
        }

        public void Flush()
        {
            all.Add(_found.AsSpan(0, _count));
            _count = 0;
        }
    }
}
