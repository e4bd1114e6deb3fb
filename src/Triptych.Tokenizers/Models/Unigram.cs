using System.Runtime.InteropServices;

namespace Triptych.Tokenizers.Models;

/// <summary>
/// Unigram language model (Kudo, 2018): of all ways to cut a word into pieces the one whose scores have the highest sum, found with the
/// Viterbi algorithm. What no piece covers is unknown; neighbours that are unknown are one token.
/// </summary>
internal sealed class Unigram : TokenizerModel
{
    /// <summary>How much worse than the worst piece an unknown character is.</summary>
    private const double UnknownPenalty = 10;

    private readonly CharTrie _trie;
    private readonly double[] _scores;
    private readonly double _unknownScore;
    private readonly int _unknown;
    private readonly int[]? _byteTokens;

    /// <summary>Makes the model.</summary>
    /// <param name="pieces">The pieces by id; of equal ones the last one counts.</param>
    /// <param name="scores">Their scores.</param>
    /// <param name="unknown">The id of the unknown token, or -1.</param>
    /// <param name="byteFallback">Whether unknown text becomes the tokens of its bytes, where all of them exist.</param>
    /// <param name="refuse">Makes the error for a vocabulary that cannot be used.</param>
    public Unigram(TokenList pieces, double[] scores, int unknown, bool byteFallback, Func<string, Exception> refuse)
        : base(new Vocabulary(pieces, refuse, repeats: true))
    {
        _unknown = unknown;
        _scores = scores;
        _unknownScore = (_scores.Length == 0 ? double.PositiveInfinity : _scores.Min()) - UnknownPenalty;
        _trie = new CharTrie(pieces, refuse);
        if (byteFallback)
            _byteTokens = Vocabulary.FindByteTokens();
    }

    public override string? ContinuingSubwordPrefix => null;

    public override int TextTokenId => _unknown;

    public override void Tokenize(ReadOnlySpan<char> word, List<Piece> output)
    {
        int before = output.Count;
        Span<ViterbiLattice.Node> nodes = stackalloc ViterbiLattice.Node[ViterbiLattice.StackNodes];
        var lattice = new ViterbiLattice(word, nodes, _trie.MaxKeyLength);
        bool hasUnknown = false;
        for (int at = 0; at < word.Length;)
        {
            lattice.MoveTo(at, output);
            double score = lattice.ScoreHere;
            int single = char.IsHighSurrogate(word[at]) && at + 1 < word.Length ? 2 : 1;
            bool hasSingle = false;
            int node = CharTrie.Root;
            for (int end = at; end < word.Length && _trie.TryMove(ref node, word[end], out int id); end++)
            {
                if (id == CharTrie.None)
                    continue;
                hasSingle |= end + 1 - at == single;
                hasUnknown |= id == _unknown;
                lattice.Offer(end + 1, score + _scores[id], id);
            }

            if (!hasSingle)
            {
                if (_unknown < 0)
                    throw new InvalidOperationException("the text needs the unknown token, and the vocabulary names none");
                hasUnknown = true;
                lattice.Offer(at + single, score + _unknownScore, _unknown);
            }

            at += single;
        }

        lattice.Finish(output);
        if (hasUnknown)
            FuseUnknown(word, output, before);
    }

    /// <summary>Joins neighbours that are unknown, and looks for what they are together: a piece after all, or bytes.</summary>
    private void FuseUnknown(ReadOnlySpan<char> word, List<Piece> output, int before)
    {
        Piece[] pieces = CollectionsMarshal.AsSpan(output)[before..].ToArray();
        output.RemoveRange(before, pieces.Length);
        for (int i = 0; i < pieces.Length;)
        {
            Piece piece = pieces[i++];
            if (piece.Id == _unknown)
            {
                while (i < pieces.Length && pieces[i].Id == _unknown)
                    piece = piece with { End = pieces[i++].End };
                ReadOnlySpan<char> text = word[piece.Start..piece.End];
                if (Vocabulary.IdOf(text) is >= 0 and int id)
                    piece = piece with { Id = id };
                else if (_byteTokens is not null && AddBytes(text, piece, output))
                    continue;
            }

            output.Add(piece);
        }
    }

    private bool AddBytes(ReadOnlySpan<char> text, Piece piece, List<Piece> output)
    {
        int before = output.Count;
        Span<byte> bytes = stackalloc byte[4];
        foreach (System.Text.Rune rune in text.EnumerateRunes())
        {
            foreach (byte value in bytes[..rune.EncodeToUtf8(bytes)])
            {
                if (_byteTokens![value] < 0)
                {
                    output.RemoveRange(before, output.Count - before);
                    return false;
                }

                output.Add(piece with { Id = _byteTokens[value] });
            }
        }

        return true;
    }
}
