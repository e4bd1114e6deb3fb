using System.Runtime.CompilerServices;

namespace Triptych.Tokenizers.Models;

/// <summary>Tokens and their ids, each way; looked up by span without allocating.</summary>
internal sealed class Vocabulary
{
    /// <summary>Beyond this no vocabulary is real, and a table by id would only waste memory.</summary>
    public const int MaxId = 1 << 24;

    private readonly string?[] _tokens;
    private readonly int[] _buckets;
    private readonly int _mask;

    /// <summary>Builds the tables; a token or an id that comes twice is refused through <paramref name="refuse"/>.</summary>
    /// <param name="entries">The tokens and their ids.</param>
    /// <param name="refuse">Makes the error for a vocabulary that cannot be used.</param>
    /// <param name="repeats">Whether a token may come twice: then its last id is found.</param>
    public Vocabulary(IReadOnlyCollection<(string Token, int Id)> entries, Func<string, Exception> refuse, bool repeats = false)
    {
        int top = -1;
        foreach ((string token, int id) in entries)
        {
            if (id is < 0 or >= MaxId)
                throw refuse($"id {id} of token \"{token}\" is out of range");
            top = Math.Max(top, id);
        }

        Count = entries.Count;
        _tokens = new string?[top + 1];
        int size = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Max(4, entries.Count * 2));
        _mask = size - 1;
        _buckets = new int[size];
        foreach ((string token, int id) in entries)
        {
            if (_tokens[id] is string other)
                throw refuse($"tokens \"{other}\" and \"{token}\" have the same id {id}");
            _tokens[id] = token;
            MaxTokenLength = Math.Max(MaxTokenLength, token.Length);
            int slot = Hash(token) & _mask;
            while (_buckets[slot] != 0 && _tokens[_buckets[slot] - 1] != token)
                slot = slot + 1 & _mask;
            if (_buckets[slot] != 0 && !repeats)
                throw refuse($"token \"{token}\" comes twice");

            _buckets[slot] = id + 1;
        }
    }

    public int Count { get; }

    /// <summary>One more than the highest id.</summary>
    public int IdLimit => _tokens.Length;

    public int MaxTokenLength { get; }

    public string? TokenOf(int id) => (uint)id < (uint)_tokens.Length ? _tokens[id] : null;

    /// <summary>The id of a token, or -1.</summary>
    public int IdOf(ReadOnlySpan<char> token)
    {
        for (int slot = Hash(token) & _mask; _buckets[slot] != 0; slot = slot + 1 & _mask)
        {
            int id = _buckets[slot] - 1;
            if (token.SequenceEqual(_tokens[id]))
                return id;
        }

        return -1;
    }

    /// <summary>The ids of <c>&lt;0x00&gt;</c> to <c>&lt;0xFF&gt;</c>, -1 for those that are missing.</summary>
    public int[] FindByteTokens() => [.. Enumerable.Range(0, 256).Select(value => IdOf($"<0x{value:X2}>"))];

    /// <summary>A quick hash; the tables it serves are built once and full of known tokens, or bounded caches.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Hash(ReadOnlySpan<char> text)
    {
        ulong hash = (ulong)text.Length * 0x9E3779B97F4A7C15;
        foreach (char c in text)
            hash = (hash ^ c) * 0x9FB21C651E98DF25 ^ hash >> 29;
        return (int)(hash ^ hash >> 32);
    }
}
