namespace Triptych.Tokenizers;

/// <summary>
/// Finds all pieces that a text begins with. Children of a node lie together, by letter. It is built anew for the pieces of each
/// round in the same memory.
/// </summary>
/// <param name="text">The letters of the corpus, each less than <paramref name="letterCount"/>.</param>
/// <param name="letterCount">The number of letters.</param>
internal sealed class PieceTrie(int[] text, int letterCount)
{
    public const int None = -1;

    private readonly int[] _root = new int[letterCount];
    private int[] _order = [];
    private int[] _ranks = [];
    private List<(int From, int To)> _level = [];
    private List<(int From, int To)> _next = [];
    private int[] _letters = [];
    private int[] _children = [];
    private int[] _pieces = [];
    private int _count;

    /// <summary>Builds the trie level by level.</summary>
    /// <param name="pieces">The pieces; the first one, for the unknown, has no letters.</param>
    public void Build(IReadOnlyList<UnigramPiece> pieces)
    {
        int count = pieces.Count - 1;
        if (_order.Length < count)
            (_order, _ranks) = (new int[count], new int[count]);
        for (int i = 0; i < count; i++)
        {
            _order[i] = i + 1;
            _ranks[i] = pieces[i + 1].Rank;
        }

        Array.Sort(_ranks, _order, 0, count);
        _count = 0;
        Add(0, None);
        _level.Clear();
        _level.Add((0, count));
        int parent = 0;
        for (int depth = 0; _level.Count > 0; depth++)
        {
            _next.Clear();
            foreach ((int from, int to) in _level)
            {
                _children[parent++] = _count;
                AddChildren(pieces, from, to, depth);
            }

            (_level, _next) = (_next, _level);
        }

        _children[parent] = _count;
        Array.Clear(_root);
        for (int node = _children[0]; node < _children[1]; node++)
            _root[_letters[node]] = node;
    }

    /// <summary>The node of a text's first letter, or 0.</summary>
    public int First(int letter) => _root[letter];

    /// <summary>The node of the next letter, or 0.</summary>
    public int Next(int node, int letter)
    {
        int[] letters = _letters;
        int low = _children[node];
        int high = _children[node + 1];
        while (high - low > 4)
        {
            int middle = low + high >>> 1;
            if (letters[middle] <= letter)
                low = middle;
            else
                high = middle;
        }

        for (; low < high; low++)
        {
            if (letters[low] == letter)
                return low;
        }

        return 0;
    }

    /// <summary>The piece that ends at a node, or <see cref="None"/>.</summary>
    public int PieceAt(int node) => _pieces[node];

    private void AddChildren(IReadOnlyList<UnigramPiece> pieces, int from, int to, int depth)
    {
        for (int at = from; at < to;)
        {
            int piece = _order[at];
            if (pieces[piece].Length == depth)
            {
                at++;
                continue;
            }

            int letter = text[pieces[piece].Start + depth];
            int end = at + 1;
            while (end < to && text[pieces[_order[end]].Start + depth] == letter)
                end++;
            Add(letter, pieces[piece].Length == depth + 1 ? piece : None);
            _next.Add((at, end));
            at = end;
        }
    }

    private void Add(int letter, int piece)
    {
        // There is always room for the end of the last node's children.
        if (_count + 1 >= _letters.Length)
        {
            int size = Math.Max(64, _letters.Length * 2);
            Array.Resize(ref _letters, size);
            Array.Resize(ref _children, size);
            Array.Resize(ref _pieces, size);
        }

        (_letters[_count], _pieces[_count]) = (letter, piece);
        _count++;
    }
}
