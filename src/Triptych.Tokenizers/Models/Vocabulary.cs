using System.Numerics;
using System.Runtime.CompilerServices;

namespace Triptych.Tokenizers.Models;

/// <summary>Tokens and their ids, each way; looked up by span without allocating.</summary>
internal sealed class Vocabulary
{
    /// <summary>Beyond this no vocabulary is real, and a table by id would only waste memory.</summary>
    public const int MaxId = (1 << 24) - 1;

    /// <summary>The bits of a bucket that hold one more than an id; those above are of the token's hash.</summary>
    private const uint IdBits = (1 << 25) - 1;

    private const int Missing = -1;

    private readonly char[] _text;

    /// <summary>Where the token of an id begins and ends, two numbers for each, where ids are not in the order of the text.</summary>
    private readonly int[]? _places;

    private readonly int[] _starts;
    private readonly string?[] _strings;
    private readonly uint[] _buckets;
    private readonly int _shift;

    public Vocabulary(IEnumerable<(string Token, int Id)> tokens, Func<string, Exception> refuse, bool repeats = false)
        : this(TokenList.Of(tokens), refuse, repeats)
    {
    }

    /// <summary>Builds the tables; a token or an id that comes twice is refused through <paramref name="refuse"/>.</summary>
    /// <param name="tokens">The tokens and their ids; nothing may be added to them afterwards.</param>
    /// <param name="refuse">Makes the error for a vocabulary that cannot be used.</param>
    /// <param name="repeats">Whether a token may come twice: then its last id is found.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public Vocabulary(TokenList tokens, Func<string, Exception> refuse, bool repeats = false)
    {
        _text = tokens.Text;
        _starts = tokens.Starts;
        Count = tokens.Count;
        IdLimit = tokens.IsInOrder && Count < MaxId ? Count : FindLimit(tokens, refuse);
        if (!tokens.IsInOrder)
        {
            _places = new int[2 * IdLimit];
            Array.Fill(_places, Missing);
        }

        _strings = new string?[IdLimit];
        int bits = BitOperations.Log2(BitOperations.RoundUpToPowerOf2((uint)Math.Max(4, Count + (Count >> 1))));
        _shift = 64 - bits;
        _buckets = new uint[1 << bits];
        for (int i = 0; i < tokens.Count; i++)
        {
            int id = tokens.Id(i);
            ReadOnlySpan<char> token = tokens[i];
            if (_places is not null)
            {
                if (_places[2 * id] != Missing)
                    throw SameId(id, token, refuse);
                (_places[2 * id], _places[2 * id + 1]) = (_starts[i], _starts[i + 1]);
            }

            MaxTokenLength = Math.Max(MaxTokenLength, token.Length);
            ref uint bucket = ref FindBucket(token, out uint tag);
            if (bucket != 0 && !repeats)
                throw Repeated(token, refuse);
            bucket = tag | (uint)(id + 1);
        }
    }

    public int Count { get; }

    /// <summary>One more than the highest id.</summary>
    public int IdLimit { get; }

    public int MaxTokenLength { get; }

    /// <summary>The token of an id, or null. Made when it is first asked for.</summary>
    public string? TokenOf(int id) => !Has(id) ? null : _strings[id] ??= SpanOf(id).ToString();

    /// <summary>The text of an id's token; empty where there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ReadOnlySpan<char> SpanOf(int id) => !Has(id) ? default
        : _places is null ? _text.AsSpan(_starts[id].._starts[id + 1]) : _text.AsSpan(_places[2 * id].._places[2 * id + 1]);

    /// <summary>Whether an id's token is a text.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Is(int id, ReadOnlySpan<char> text) => Has(id) && text.SequenceEqual(SpanOf(id));

    /// <summary>The id of a token, or -1.</summary>
    /// <remarks>Compiled once and for good: loading calls it hundreds of thousands of times, from code that inlining would make long to compile.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public int IdOf(ReadOnlySpan<char> token) => (int)(FindBucket(token, out _) & IdBits) - 1;

    /// <summary>The ids of <c>&lt;0x00&gt;</c> to <c>&lt;0xFF&gt;</c>, -1 for those that are missing.</summary>
    public int[] FindByteTokens() => [.. Enumerable.Range(0, 256).Select(value => IdOf($"<0x{value:X2}>"))];

    /// <summary>A token's bucket, empty where the token is not there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref uint FindBucket(ReadOnlySpan<char> token, out uint tag)
    {
        ulong hash = TextHash.Of(token);
        tag = (uint)hash & ~IdBits;
        for (int slot = (int)(hash >> _shift); ; slot = slot + 1 & _buckets.Length - 1)
        {
            ref uint bucket = ref _buckets[slot];
            if (bucket == 0)
                return ref bucket;
            if (((bucket ^ tag) & ~IdBits) != 0)
                continue;
            if (token.SequenceEqual(SpanOf((int)(bucket & IdBits) - 1)))
                return ref bucket;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool Has(int id) => (uint)id < (uint)IdLimit && (_places is null || _places[2 * id] != Missing);

    private Exception SameId(int id, ReadOnlySpan<char> token, Func<string, Exception> refuse) =>
        refuse($"tokens \"{TokenOf(id)}\" and \"{token}\" have the same id {id}");

    private static Exception Repeated(ReadOnlySpan<char> token, Func<string, Exception> refuse) => refuse($"token \"{token}\" comes twice");

    private static int FindLimit(TokenList tokens, Func<string, Exception> refuse)
    {
        int top = -1;
        for (int i = 0; i < tokens.Count; i++)
        {
            int id = tokens.Id(i);
            if (id is < 0 or >= MaxId)
                throw refuse($"id {id} of token \"{tokens[i]}\" is out of range");
            top = Math.Max(top, id);
        }

        return top + 1;
    }
}
