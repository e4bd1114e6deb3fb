namespace Triptych.Tokenizers;

/// <summary>
/// What stands on one side of the tokens that a merge makes: by token, how often, and in which words. It is in arrays by token
/// while one pair is joined in all its words, since neighbours are few and come again and again.
/// </summary>
internal sealed class Neighbours
{
    private readonly List<int> _lost = [];
    private readonly List<int> _gained = [];
    private readonly List<(int Token, int Word)> _places = [];
    private long[] _losses = [];
    private Tally[] _gains = [];
    private int[] _words = [];

    /// <summary>Makes room for tokens up to a number.</summary>
    public void Reserve(int tokens)
    {
        if (_losses.Length >= tokens)
            return;
        int size = Math.Max(tokens, _losses.Length * 2);
        Array.Resize(ref _losses, size);
        Array.Resize(ref _gains, size);
    }

    /// <summary>A token stands no longer beside the one that is joined.</summary>
    public void Lose(int token, long weight)
    {
        ref long loss = ref _losses[token];
        if (loss == 0)
            _lost.Add(token);
        loss += weight;
    }

    /// <summary>A token stands beside the new one in a word.</summary>
    public void Gain(int token, long weight, int word)
    {
        ref Tally gain = ref _gains[token];
        gain.Weight += weight;
        if (gain.Count == 0)
            _gained.Add(token);
        else if (gain.LastWord == word)
            return;
        gain.Count++;
        gain.LastWord = word;
        _places.Add((token, word));
    }

    /// <summary>Takes what was lost since the last time.</summary>
    public IEnumerable<(int Token, long Weight)> TakeLost()
    {
        foreach (int token in _lost)
        {
            yield return (token, _losses[token]);
            _losses[token] = 0;
        }

        _lost.Clear();
    }

    /// <summary>What was gained since the last time.</summary>
    public IEnumerable<(int Token, long Weight)> Gained()
    {
        foreach (int token in _gained)
            yield return (token, _gains[token].Weight);
    }

    /// <summary>Takes what was gained since the last time, with the words where that was.</summary>
    public IEnumerable<(int Token, ReadOnlyMemory<int> Words)> TakeGained()
    {
        if (_words.Length < _places.Count)
            _words = new int[Math.Max(_places.Count, _words.Length * 2)];
        int end = 0;
        foreach (int token in _gained)
            (_gains[token].End, end) = (end, end + _gains[token].Count);
        foreach ((int token, int word) in _places)
            _words[_gains[token].End++] = word;
        foreach (int token in _gained)
        {
            Tally gain = _gains[token];
            _gains[token] = default;
            yield return (token, _words.AsSpan(gain.End - gain.Count, gain.Count).ToArray());
        }

        _gained.Clear();
        _places.Clear();
    }

    private struct Tally
    {
        public long Weight;
        public int Count;
        public int LastWord;
        public int End;
    }
}
