using System.Numerics;
using System.Runtime.CompilerServices;
using Triptych.Tokenizers.Models;

namespace Triptych.Tokenizers.Segments;

/// <summary>
/// Which characters stand beside each other in a token of a vocabulary: exactly for ASCII, by a hash for others, where a pair may seem to
/// be there that is not. Characters that are no token themselves seem to stand beside all, unless they become bytes that are never merged;
/// halves of pairs of surrogates always do.
/// </summary>
internal sealed class PairTable
{
    private const int Ascii = 0x80, FirstSurrogate = 0xD800, Surrogates = 0x800;

    private readonly ulong[] _ascii = new ulong[2 * Ascii];
    private readonly ulong[] _known;
    private readonly ulong[] _tokens = new ulong[(char.MaxValue + 1) / 64];
    private readonly ulong[] _others;
    private readonly int _shift;
    private readonly char _space;

    /// <param name="model">Has the tokens.</param>
    /// <param name="space">What stands for a space in them.</param>
    public PairTable(Bpe model, char space)
    {
        Vocabulary vocabulary = model.Vocabulary;
        _space = space;
        int bits = Math.Clamp(BitOperations.Log2((uint)vocabulary.IdLimit + 1) + 4, 14, 22);
        _shift = 32 - bits;
        _others = new ulong[1 << (bits - 6)];
        for (int id = 0; id < vocabulary.IdLimit; id++)
        {
            ReadOnlySpan<char> token = vocabulary.SpanOf(id);
            if (token is [var single] && !char.IsSurrogate(single))
                Set(_tokens, single);
            for (int i = 1; i < token.Length; i++)
                Set(_others, Hash(token[i - 1], token[i]));
        }

        _known = _tokens;
        if (model.BytesStayAlone)
        {
            _known = new ulong[_tokens.Length];
            _known.AsSpan().Fill(ulong.MaxValue);
            _known.AsSpan(FirstSurrogate / 64, Surrogates / 64).Clear();
        }

        for (int i = 0; i < Ascii * Ascii; i++)
        {
            if (MayJoinMarked(Marked((char)(i / Ascii)), Marked((char)(i % Ascii))))
                Set(_ascii, i);
        }
    }

    /// <summary>Whether a token may reach across two characters of a text.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool MayJoin(char left, char right) => (left | right) < Ascii
        ? Has(_ascii, left * Ascii + right)
        : MayJoinMarked(Marked(left), Marked(right));

    /// <summary>Whether one of two characters that do not join is the space, or no token.</summary>
    public bool EndsStretch(char left, char right) => right == ' ' || right == _space || !Has(_tokens, Marked(left)) || !Has(_tokens, Marked(right));

    private bool MayJoinMarked(char left, char right) => Has(_others, Hash(left, right)) || !Has(_known, left) || !Has(_known, right);

    private char Marked(char c) => c == ' ' ? _space : c;

    private int Hash(char left, char right) => (int)(((uint)left << 16 | right) * 0x9E3779B1u >> _shift);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Has(ulong[] bits, int index) => (bits[index >> 6] >> index & 1) != 0;

    private static void Set(ulong[] bits, int index) => bits[index >> 6] |= 1UL << index;
}
