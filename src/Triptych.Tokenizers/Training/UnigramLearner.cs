using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using System.Text;

namespace Triptych.Tokenizers;

/// <summary>
/// Unigram training (Kudo, 2018): starts from many frequent substrings, estimates their probabilities by
/// expectation-maximization, and drops those without which the corpus stays about as likely, until few enough are left.
/// Steps, thresholds and order are those of Hugging Face tokenizers; sums are made in a fixed order.
/// </summary>
internal sealed class UnigramLearner(UnigramCorpus corpus, CancellationToken cancellationToken)
{
    private const double LeastExpected = 0.5;
    private const double MissingLetterStep = 0.0001;
    private const double Keep = double.PositiveInfinity;
    private const double Drop = double.NegativeInfinity;
    private const int MaxParts = 16;
    private const int LeastPart = 256;

    // Used again in each round: sums of a million pieces are large, and so is the lattice of a long word.
    private readonly ConcurrentBag<UnigramLattice> _lattices = [];
    private double[][] _sums = [];

    public required int VocabSize { get; init; }

    public required int MaxPieceLength { get; init; }

    public required int SubIterations { get; init; }

    public required double ShrinkingFactor { get; init; }

    public required int SeedSize { get; init; }

    /// <summary>Pruning stops a little above the size that is wanted, since estimation drops pieces too.</summary>
    private int DesiredSize => (int)(VocabSize * 11L / 10);

    /// <summary>How many parts so many words are worked on in, by as many threads at most.</summary>
    public static int PartsOf(long words) => (int)Math.Clamp(words / LeastPart, 1, MaxParts);

    /// <summary>Learns the pieces; the first one stands for the unknown.</summary>
    public UnigramModel Learn(IProgress<TokenizerTrainingProgress>? progress)
    {
        progress?.Report(new TokenizerTrainingProgress("find pieces", 0, corpus.WordCount));
        UnigramModel model = Seed();
        progress?.Report(new TokenizerTrainingProgress("find pieces", corpus.WordCount, corpus.WordCount));
        double loops = (Math.Log(DesiredSize) - Math.Log(model.Pieces.Count)) / Math.Log(ShrinkingFactor);
        long total = ((long)Math.Max(0, loops) + 1) * SubIterations;
        long done = 0;
        while (true)
        {
            for (int i = 0; i < SubIterations; i++)
            {
                Maximize(model, Expect(model));
                progress?.Report(new TokenizerTrainingProgress("estimate pieces", ++done, Math.Max(total, done)));
            }

            if (model.Pieces.Count <= DesiredSize)
                return model;
            List<UnigramPiece> kept = Prune(model);
            if (kept.Count == model.Pieces.Count)
                return model;
            model.Pieces.Clear();
            model.Pieces.AddRange(kept);
            model.Update();
        }
    }

    /// <summary>
    /// The vocabulary: letters, whether or not they were kept, then the pieces as far as there is room, by score.
    /// </summary>
    public List<(string Token, double Score)> Finish(UnigramModel model, IEnumerable<Rune> required, int size, IEnumerable<string> special)
    {
        var scores = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (UnigramPiece piece in model.Pieces.Skip(1).Where(piece => piece.Length == 1))
            scores[corpus.TextOf(piece)] = piece.Score;
        var taken = new HashSet<string>(special, StringComparer.Ordinal) { "<UNK>" };
        var pieces = new List<(string Token, double Score)>();
        int missing = 0;
        foreach (Rune letter in required)
        {
            string token = letter.ToString();
            if (taken.Add(token))
                pieces.Add((token, scores.TryGetValue(token, out double score) ? score : model.MinScore + missing++ * MissingLetterStep));
        }

        foreach (UnigramPiece piece in model.Pieces.Skip(1))
        {
            if (pieces.Count >= size)
                break;
            string token = corpus.TextOf(piece);
            if (taken.Add(token))
                pieces.Add((token, piece.Score));
        }

        return [.. pieces.OrderByDescending(piece => piece.Score)];
    }

    private UnigramModel Seed()
    {
        // Letters are in their order, and the last of equals comes first.
        List<Seed> seeds = [.. corpus.CountLetters().Select((letter, i) => new Seed(letter.Start, 1, letter.Count, i))];
        seeds.Sort();
        seeds.AddRange(new SeedPieces(corpus.Text, corpus.LetterLimit, MaxPieceLength, Math.Max(1, SeedSize - seeds.Count), cancellationToken).Find());

        double total = Math.Log(seeds.Sum(seed => seed.Cover));
        int[] ranks = Ranks(seeds);
        List<UnigramPiece> pieces = new(seeds.Count + 1) { new UnigramPiece(0, 0, -1, double.NaN) };
        pieces.AddRange(seeds.Select((seed, i) => new UnigramPiece(seed.Start, seed.Length, ranks[i], Math.Log(seed.Cover) - total)));
        return new UnigramModel(corpus, pieces);
    }

    private int[] Ranks(List<Seed> seeds)
    {
        int[] order = [.. Enumerable.Range(0, seeds.Count)];
        Array.Sort(order, (a, b) => corpus.Text.AsSpan(seeds[a].Start, seeds[a].Length)
            .SequenceCompareTo(corpus.Text.AsSpan(seeds[b].Start, seeds[b].Length)));
        int[] ranks = new int[order.Length];
        for (int i = 0; i < order.Length; i++)
            ranks[order[i]] = i;
        return ranks;
    }

    /// <summary>How often each piece is expected in the corpus.</summary>
    private double[] Expect(UnigramModel model) => Sum(model,
        (lattice, word, expected) => lattice.AddExpected(model, corpus.Word(word), corpus.Weights[word], expected));

    /// <summary>How often each piece comes when every word is cut the best way.</summary>
    private double[] CountBest(UnigramModel model) => Sum(model,
        (lattice, word, counts) => lattice.AddBest(model, corpus.Word(word), corpus.Weights[word], counts));

    /// <summary>Sums over words in parts that depend on the corpus alone, so that threads change nothing.</summary>
    private double[] Sum(UnigramModel model, Action<UnigramLattice, int, double[]> add)
    {
        int parts = PartsOf(corpus.WordCount);
        int count = model.Pieces.Count;
        if (_sums.Length < parts || _sums[0].Length < count)
            _sums = [.. Enumerable.Range(0, parts).Select(_ => new double[count])];
        InParallel(parts, part =>
        {
            double[] sum = _sums[part];
            Array.Clear(sum, 0, count);
            UnigramLattice lattice = _lattices.TryTake(out UnigramLattice? used) ? used : new UnigramLattice();
            int end = (int)((long)corpus.WordCount * (part + 1) / parts);
            for (int word = (int)((long)corpus.WordCount * part / parts); word < end; word++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                add(lattice, word, sum);
            }

            _lattices.Add(lattice);
        });
        double[] total = new double[count];
        foreach (double[] sum in _sums)
        {
            for (int i = 0; i < count; i++)
                total[i] += sum[i];
        }

        return total;
    }

    /// <summary>New scores with a sparse prior: digamma in place of the logarithm. Pieces that hardly come are dropped.</summary>
    private static void Maximize(UnigramModel model, double[] expected)
    {
        List<UnigramPiece> pieces = model.Pieces;
        int kept = 1;
        double sum = 0;
        for (int i = 1; i < expected.Length; i++)
        {
            if (expected[i] < LeastExpected)
                continue;
            pieces[kept++] = pieces[i] with { Score = expected[i] };
            sum += expected[i];
        }

        pieces.RemoveRange(kept, pieces.Count - kept);
        double logSum = Digamma(sum);
        for (int i = 1; i < kept; i++)
            pieces[i] = pieces[i] with { Score = Digamma(pieces[i].Score) - logSum };
        model.Update();
    }

    private List<UnigramPiece> Prune(UnigramModel model)
    {
        double[] counts = CountBest(model);
        double[] losses = Losses(model, counts);
        List<UnigramPiece> kept = [model.Pieces[UnigramModel.Unknown]];
        var candidates = new List<int>();
        for (int i = 1; i < losses.Length; i++)
        {
            if (losses[i] == Keep)
                kept.Add(model.Pieces[i]);
            else if (losses[i] != Drop)
                candidates.Add(i);
        }

        int size = Math.Max(DesiredSize, (int)(model.Pieces.Count * ShrinkingFactor));
        candidates.Sort((a, b) => losses[a] != losses[b] ? losses[b].CompareTo(losses[a]) : a.CompareTo(b));
        kept.AddRange(candidates.Take(Math.Max(0, size - kept.Count)).Select(i => model.Pieces[i]));
        return kept;
    }

    /// <summary>
    /// What the corpus's log-likelihood loses without each piece, taking it that the second best way to cut the piece
    /// replaces it everywhere.
    /// </summary>
    private double[] Losses(UnigramModel model, double[] counts)
    {
        double sum = counts.Sum();
        double words = corpus.Weights.Sum();
        double[] losses = new double[counts.Length];
        int parts = PartsOf(counts.Length);
        InParallel(parts, part =>
        {
            var lattice = new UnigramLattice();
            var instead = new List<int>();
            int end = (int)((long)counts.Length * (part + 1) / parts);
            for (int i = Math.Max(1, (int)((long)counts.Length * part / parts)); i < end; i++)
            {
                UnigramPiece piece = model.Pieces[i];
                bool replaceable = lattice.TrySecondBest(model, corpus.Text.AsSpan(piece.Start, piece.Length), instead, out bool whole);
                if (!replaceable || !whole)
                {
                    losses[i] = counts[i] == 0 && replaceable ? Drop : Keep;
                    continue;
                }

                losses[i] = counts[i] == 0 ? Drop : Loss(counts, instead, counts[i], sum) * counts[i] / words;
            }
        });
        return losses;
    }

    /// <summary>
    /// The sum afterwards grows by the count for each further piece; SentencePiece counts those that replace, Hugging Face
    /// tokenizers all there are, and its vocabularies are to come out here.
    /// </summary>
    private static double Loss(double[] counts, List<int> instead, double count, double sum)
    {
        double logSum = Math.Log(sum + count * (counts.Length - 1));
        double alternative = 0;
        foreach (int piece in instead)
            alternative += Math.Log(counts[piece] + count) - logSum;
        return Math.Log(count) - Math.Log(sum) - alternative;
    }

    private void InParallel(int parts, Action<int> work)
    {
        try
        {
            Parallel.For(0, parts, new ParallelOptions { CancellationToken = cancellationToken }, work);
        }
        catch (AggregateException e)
        {
            ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
        }
    }

    /// <summary>The derivative of the logarithm of the gamma function, by recurrence and then by its asymptotic series.</summary>
    private static double Digamma(double x)
    {
        double shift = 0;
        for (; x < 7; x++)
            shift += 1 / x;
        x -= 0.5;
        double square = 1 / (x * x);
        double fourth = square * square;
        return Math.Log(x) + square / 24 - 7 * fourth / 960 + 31 * fourth * square / 8064 - 127 * fourth * fourth / 30720 - shift;
    }
}
