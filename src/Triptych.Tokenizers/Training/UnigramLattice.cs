namespace Triptych.Tokenizers;

/// <summary>All ways to cut one word into pieces: sums over them, the best one, the second best. For one thread.</summary>
internal sealed class UnigramLattice
{
    private Edge[] _edges = new Edge[64];
    private int _edgeCount;
    private int[] _heads = [];
    private double[] _values = [];
    private double[] _second = [];
    private int[] _bestEdges = [];
    private Step[] _secondSteps = [];

    /// <summary>Adds to each piece how often it is expected in the word, over all ways to cut it (forward-backward).</summary>
    public void AddExpected(UnigramModel model, ReadOnlySpan<int> word, double weight, double[] expected)
    {
        Reserve(word.Length + 1);
        double[] alpha = _values;
        alpha[0] = 0;
        for (int begin = 0; begin < word.Length; begin++)
        {
            if (begin > 0)
                alpha[begin] = Normalize(begin);
            AddEdges(model, word, begin);
            for (int i = _edgeCount - 1; i >= 0 && _edges[i].Begin == begin; i--)
                _edges[i].Value += alpha[begin];
        }

        Normalize(word.Length);

        // An edge's value is now the probability that a cut through its end came along it; gamma that of a cut there.
        double[] gamma = _second;
        Array.Clear(gamma, 0, word.Length);
        gamma[word.Length] = 1;
        for (int i = _edgeCount - 1; i >= 0; i--)
        {
            ref Edge edge = ref _edges[i];
            double probability = gamma[edge.End] * edge.Value;
            gamma[edge.Begin] += probability;
            expected[edge.Piece] += weight * probability;
        }
    }

    /// <summary>Adds the word's weight to each piece of the best way to cut it.</summary>
    public void AddBest(UnigramModel model, ReadOnlySpan<int> word, double weight, double[] frequencies)
    {
        Reserve(word.Length + 1);
        double[] best = _values;
        best[0] = 0;
        Array.Fill(_bestEdges, -1, 0, word.Length + 1);
        for (int begin = 0; begin < word.Length; begin++)
        {
            int first = _edgeCount;
            AddEdges(model, word, begin);
            for (int i = first; i < _edgeCount; i++)
            {
                int end = _edges[i].End;
                double value = best[begin] + _edges[i].Value;
                if (_bestEdges[end] < 0 || value > best[end])
                    (best[end], _bestEdges[end]) = (value, i);
            }
        }

        for (int at = word.Length; at > 0; at = _edges[_bestEdges[at]].Begin)
            frequencies[_edges[_bestEdges[at]].Piece] += weight;
    }

    /// <summary>The second best way to cut a word, and whether the best one is a single piece.</summary>
    /// <returns>False where there is only one way.</returns>
    public bool TrySecondBest(UnigramModel model, ReadOnlySpan<int> word, List<int> pieces, out bool bestIsOnePiece)
    {
        const double Never = double.NegativeInfinity;
        Reserve(word.Length + 1);
        (double[] best, double[] second) = (_values, _second);
        Array.Fill(best, Never, 0, word.Length + 1);
        Array.Fill(second, Never, 0, word.Length + 1);
        best[0] = 0;
        for (int begin = 0; begin < word.Length; begin++)
        {
            int first = _edgeCount;
            AddEdges(model, word, begin);
            for (int i = first; i < _edgeCount; i++)
            {
                Offer(i, best[begin] + _edges[i].Value, fromSecond: false);
                if (second[begin] > Never)
                    Offer(i, second[begin] + _edges[i].Value, fromSecond: true);
            }
        }

        pieces.Clear();
        bestIsOnePiece = _edges[_bestEdges[word.Length]].Begin == 0;
        if (second[word.Length] == Never)
            return false;
        Step step = _secondSteps[word.Length];
        while (true)
        {
            ref Edge edge = ref _edges[step.Edge];
            pieces.Add(edge.Piece);
            if (edge.Begin == 0)
                break;
            step = step.FromSecond ? _secondSteps[edge.Begin] : new Step(_bestEdges[edge.Begin], FromSecond: false);
        }

        pieces.Reverse();
        return true;
    }

    private void Offer(int edge, double value, bool fromSecond)
    {
        int end = _edges[edge].End;
        if (!fromSecond && value > _values[end])
        {
            (_second[end], _secondSteps[end]) = (_values[end], new Step(_bestEdges[end], FromSecond: false));
            (_values[end], _bestEdges[end]) = (value, edge);
        }
        else if (value > _second[end])
        {
            (_second[end], _secondSteps[end]) = (value, new Step(edge, fromSecond));
        }
    }

    /// <summary>Turns the values of the edges that end at a place into probabilities; the logarithm of their sum.</summary>
    private double Normalize(int end)
    {
        double most = double.NegativeInfinity;
        for (int i = _heads[end]; i >= 0; i = _edges[i].NextOfEnd)
            most = Math.Max(most, _edges[i].Value);
        double sum = 0;
        for (int i = _heads[end]; i >= 0; i = _edges[i].NextOfEnd)
            sum += _edges[i].Value = _edges[i].Value == most ? 1 : Math.Exp(_edges[i].Value - most);
        if (sum == 1)
            return most;
        for (int i = _heads[end]; i >= 0; i = _edges[i].NextOfEnd)
            _edges[i].Value /= sum;
        return most + Math.Log(sum);
    }

    private void AddEdges(UnigramModel model, ReadOnlySpan<int> word, int begin)
    {
        PieceTrie trie = model.Trie;
        bool single = false;
        int node = trie.First(word[begin]);
        for (int end = begin + 1; node != 0; node = trie.Next(node, word[end++]))
        {
            int piece = trie.PieceAt(node);
            if (piece != PieceTrie.None)
            {
                Add(begin, end, piece, model.Scores[piece]);
                single |= end == begin + 1;
            }

            if (end == word.Length)
                break;
        }

        if (!single)
            Add(begin, begin + 1, UnigramModel.Unknown, model.UnknownScore);
    }

    private void Add(int begin, int end, int piece, double score)
    {
        if (_edgeCount == _edges.Length)
            Array.Resize(ref _edges, _edgeCount * 2);
        _edges[_edgeCount] = new Edge { Begin = begin, End = end, Piece = piece, NextOfEnd = _heads[end], Value = score };
        _heads[end] = _edgeCount++;
    }

    private void Reserve(int places)
    {
        if (_heads.Length < places)
        {
            int size = Math.Max(places, 64);
            (_heads, _bestEdges) = (new int[size], new int[size]);
            (_values, _second, _secondSteps) = (new double[size], new double[size], new Step[size]);
        }

        Array.Fill(_heads, -1, 0, places);
        _edgeCount = 0;
    }

    private readonly record struct Step(int Edge, bool FromSecond);

    private struct Edge
    {
        public int Begin;
        public int End;
        public int Piece;
        public int NextOfEnd;
        public double Value;
    }
}
