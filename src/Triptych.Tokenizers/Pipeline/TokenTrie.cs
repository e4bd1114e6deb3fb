using System.Buffers;

namespace Triptych.Tokenizers.Pipeline;

/// <summary>
/// Finds the leftmost of many tokens, and of those that begin there the longest. At each place where one may begin it walks a trie; where
/// that takes long, as with a token of thousands of letters in a text of the same letter, it reads the text once from the right with an
/// automaton for the reversed tokens (Aho and Corasick, 1975), so that the time is linear whatever tokens and text are.
/// </summary>
internal sealed class TokenTrie
{
    private const int NoToken = -1;
    private const int StepsPerUnit = 16;
    private const int FreeSteps = 4096;

    private readonly List<(string Content, int Id)> _contents = [];
    private readonly Nodes _nodes = new();
    private readonly Lazy<Automaton> _backwards;
    private SearchValues<char> _starts = SearchValues.Create("");

    public TokenTrie() => _backwards = new Lazy<Automaton>(() => new Automaton(_contents));

    public bool IsEmpty => _contents.Count == 0;

    /// <summary>Adds a token; of two with the same content the later one counts.</summary>
    public void Add(string content, int id)
    {
        if (content.Length == 0)
            return;
        _contents.Add((content, id));
        int node = 0;
        foreach (char c in content)
            node = _nodes.Child(node, c);
        _nodes.Tokens[node] = _contents.Count - 1;
    }

    /// <summary>No token is added any more.</summary>
    public void Freeze() => _starts = SearchValues.Create(new string([.. _contents.Select(token => token.Content[0]).Distinct()]));

    public bool OccursIn(ReadOnlySpan<char> text)
    {
        var search = new Search(text.Length);
        return FindNext(text, 0, ref search, out _, out _, out _);
    }

    public bool FindNext(ReadOnlySpan<char> text, int from, ref Search search, out int start, out int end, out int id)
    {
        for (start = from; ; start++)
        {
            int skip = text[start..].IndexOfAny(_starts);
            if (skip < 0)
                break;
            start += skip;
            int token = search.Longest is int[] longest ? longest[start] : Walk(text, start, ref search);
            if (token == NoToken)
                continue;
            (string content, id) = _contents[token];
            end = start + content.Length;
            return true;
        }

        end = id = NoToken;
        return false;
    }

    private int Walk(ReadOnlySpan<char> text, int start, ref Search search)
    {
        int token = NoToken;
        int node = 0;
        int at = start;
        for (; at < text.Length && _nodes.Edges.TryGetValue((node, text[at]), out node); at++)
        {
            if (_nodes.Tokens[node] != NoToken)
                token = _nodes.Tokens[node];
        }

        search.Steps -= at - start;
        if (search.Steps < 0)
            search.Longest = _backwards.Value.LongestAtEach(text);
        return token;
    }

    /// <summary>How far one text has been searched.</summary>
    public struct Search(int length)
    {
        internal long Steps = FreeSteps + (long)StepsPerUnit * length;

        internal int[]? Longest;
    }

    private sealed class Nodes
    {
        public Dictionary<(int Node, char Next), int> Edges { get; } = [];

        public List<int> Tokens { get; } = [NoToken];

        public int Child(int node, char c)
        {
            if (!Edges.TryGetValue((node, c), out int child))
            {
                child = Tokens.Count;
                Edges.Add((node, c), child);
                Tokens.Add(NoToken);
            }

            return child;
        }
    }

    /// <summary>The tokens read from the right: where one ends there, it begins in the text.</summary>
    private sealed class Automaton
    {
        private readonly Nodes _nodes = new();
        private readonly int[] _fallbacks;

        public Automaton(List<(string Content, int Id)> contents)
        {
            for (int token = 0; token < contents.Count; token++)
            {
                int node = 0;
                for (int i = contents[token].Content.Length - 1; i >= 0; i--)
                    node = _nodes.Child(node, contents[token].Content[i]);
                _nodes.Tokens[node] = token;
            }

            _fallbacks = new int[_nodes.Tokens.Count];
            // Children are numbered after their parents, but fallbacks need all shorter nodes first.
            var depths = new int[_nodes.Tokens.Count];
            var edges = _nodes.Edges.OrderBy(edge => edge.Value).ToList();
            foreach (((int parent, _), int child) in edges)
                depths[child] = depths[parent] + 1;
            foreach (((int parent, char c), int child) in edges.OrderBy(edge => depths[edge.Value]))
            {
                _fallbacks[child] = parent == 0 ? 0 : Next(_fallbacks[parent], c);
                if (_nodes.Tokens[child] == NoToken)
                    _nodes.Tokens[child] = _nodes.Tokens[_fallbacks[child]];
            }
        }

        public int[] LongestAtEach(ReadOnlySpan<char> text)
        {
            int[] longest = new int[text.Length];
            int node = 0;
            for (int i = text.Length - 1; i >= 0; i--)
            {
                node = Next(node, text[i]);
                longest[i] = _nodes.Tokens[node];
            }

            return longest;
        }

        private int Next(int node, char c)
        {
            int next;
            while (!_nodes.Edges.TryGetValue((node, c), out next) && node != 0)
                node = _fallbacks[node];
            return next;
        }
    }
}
