namespace Triptych.Tokenizers;

/// <summary>Finds all pieces that a text begins with. Children of a node lie together, by letter.</summary>
internal sealed class PieceTrie
{
    public const int None = -1;

    private readonly int[] _root;
    private readonly int[] _letters;
    private readonly int[] _children;
    private readonly int[] _pieces;

    /// <summary>Builds the trie level by level.</summary>
    /// <param name="text">The letters of the corpus, each less than <paramref name="letterCount"/>.</param>
    /// <param name="pieces">The pieces; the first one, for the unknown, has no letters.</param>
    /// <param name="letterCount">The number of letters.</param>
    public PieceTrie(int[] text, IReadOnlyList<UnigramPiece> pieces, int letterCount)
    {
        int[] order = new int[pieces.Count - 1];
        int[] ranks = new int[order.Length];
        for (int i = 0; i < order.Length; i++)
        {
            order[i] = i + 1;
            ranks[i] = pieces[i + 1].Rank;
        }

        Array.Sort(ranks, order);
        var letters = new List<int> { 0 };
        var children = new List<int>();
        var ends = new List<int> { None };
        var level = new List<(int From, int To)> { (0, order.Length) };
        for (int depth = 0; level.Count > 0; depth++)
        {
            var next = new List<(int, int)>();
            foreach ((int from, int to) in level)
            {
                children.Add(letters.Count);
                for (int at = from; at < to;)
                {
                    int piece = order[at];
                    if (pieces[piece].Length == depth)
                    {
                        at++;
                        continue;
                    }

                    int letter = text[pieces[piece].Start + depth];
                    int end = at + 1;
                    while (end < to && text[pieces[order[end]].Start + depth] == letter)
                        end++;
                    letters.Add(letter);
                    ends.Add(pieces[piece].Length == depth + 1 ? piece : None);
                    next.Add((at, end));
                    at = end;
                }
            }

            level = next;
        }

        children.Add(letters.Count);
        (_letters, _children, _pieces) = ([.. letters], [.. children], [.. ends]);
        _root = new int[letterCount];
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
}
