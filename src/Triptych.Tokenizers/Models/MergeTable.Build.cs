namespace Triptych.Tokenizers.Models;

internal sealed partial class MergeTable
{
    /// <summary>Merges that one thread looks up; fewer are not worth another.</summary>
    private const int Chunk = 1 << 14;

    /// <summary>The table of a list of merges.</summary>
    /// <param name="vocabulary">Has both tokens of each pair, and the one that they make.</param>
    /// <param name="merges">The pairs.</param>
    /// <param name="prefix">What the right token loses when it is joined.</param>
    /// <param name="refuse">Makes the error for a pair that cannot be.</param>
    public static MergeTable Build(Vocabulary vocabulary, MergeList merges, string prefix, Func<string, Exception> refuse)
    {
        var table = new MergeTable(merges.Count);
        var found = new (int Left, int Right, int Joined)[merges.Count];
        int chunks = (merges.Count + Chunk - 1) / Chunk;
        void LookUp(int chunk) => MergeTable.LookUp(vocabulary, merges, prefix.Length, found, chunk * Chunk, Math.Min(merges.Count, (chunk + 1) * Chunk));
        if (chunks > 1)
            Parallel.For(0, chunks, LookUp);
        else if (chunks == 1)
            LookUp(0);
        for (int rank = 0; rank < found.Length; rank++)
        {
            (int left, int right, int joined) = found[rank];
            if ((left | right | joined) < 0)
                throw refuse(Fault(vocabulary, merges, prefix, rank));
            table.Set(left, right, rank, joined);
        }

        return table;
    }

    private static void LookUp(Vocabulary vocabulary, MergeList merges, int prefix, (int Left, int Right, int Joined)[] found, int rank, int end)
    {
        char[] joined = prefix > 0 ? new char[2 * vocabulary.MaxTokenLength] : [];
        int expected = -1;
        for (; rank < end; rank++)
        {
            ReadOnlySpan<char> left = merges.Left(rank), right = merges.Right(rank), both = merges.Both(rank);
            int leftId = vocabulary.IdOf(left), rightId = vocabulary.IdOf(right);
            if (leftId < 0 || rightId < 0 || right.Length < prefix)
            {
                found[rank] = (-1, -1, -1);
                continue;
            }

            if (prefix > 0)
            {
                left.CopyTo(joined);
                right[prefix..].CopyTo(joined.AsSpan(left.Length));
                both = joined.AsSpan(0, both.Length - prefix);
            }

            // Training numbers tokens in the order of merges.
            int id = both.SequenceEqual(vocabulary.TokenOf(expected)) ? expected : vocabulary.IdOf(both);
            expected = id + 1;
            found[rank] = (leftId, rightId, id);
        }
    }

    private static string Fault(Vocabulary vocabulary, MergeList merges, string prefix, int rank)
    {
        string left = merges.Left(rank).ToString(), right = merges.Right(rank).ToString();
        if (vocabulary.IdOf(left) < 0 || vocabulary.IdOf(right) < 0)
            return $"merge {rank} names \"{(vocabulary.IdOf(left) < 0 ? left : right)}\", which is not in the vocabulary";
        return right.Length < prefix.Length ? $"merge {rank}: \"{right}\" is shorter than the continuation prefix"
            : $"merge {rank} makes \"{left}{right[prefix.Length..]}\", which is not in the vocabulary";
    }
}
