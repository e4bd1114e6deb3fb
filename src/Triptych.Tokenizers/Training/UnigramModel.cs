namespace Triptych.Tokenizers;

/// <summary>A part of the letters of the corpus: a piece of the vocabulary, with its score (a log-probability).</summary>
/// <param name="Start">The place of its first letter.</param>
/// <param name="Length">Its length in letters.</param>
/// <param name="Rank">Its place among all pieces in the order of their letters.</param>
/// <param name="Score">Its score.</param>
internal readonly record struct UnigramPiece(int Start, int Length, int Rank, double Score);

/// <summary>The pieces of one round of Unigram training, ready to cut words with.</summary>
internal sealed class UnigramModel
{
    /// <summary>The piece for a letter that no piece has.</summary>
    public const int Unknown = 0;

    private const double UnknownPenalty = 10;

    public UnigramModel(UnigramCorpus corpus, List<UnigramPiece> pieces)
    {
        Pieces = pieces;
        Trie = new PieceTrie(corpus.Text, corpus.LetterLimit);
        Scores = new double[pieces.Count];
        Update();
    }

    /// <summary>The pieces; never more than there were at first. After a change follows <see cref="Update"/>.</summary>
    public List<UnigramPiece> Pieces { get; }

    public PieceTrie Trie { get; }

    /// <summary>The scores by piece.</summary>
    public double[] Scores { get; }

    public double MinScore { get; private set; }

    public double UnknownScore => MinScore - UnknownPenalty;

    /// <summary>Makes it ready for other pieces, in the memory that it has.</summary>
    public void Update()
    {
        Trie.Build(Pieces);
        for (int i = 0; i < Pieces.Count; i++)
            Scores[i] = Pieces[i].Score;
        MinScore = Pieces.Count > 1 ? Pieces.Skip(1).Min(piece => piece.Score) : 0;
    }
}
