using System.Runtime.CompilerServices;

namespace Triptych.Tokenizers.Models;

/// <summary>From merges as text to the ids of their tokens.</summary>
/// <param name="vocabulary">Has both tokens of each pair, and the one that they make.</param>
/// <param name="prefix">What the right token loses when it is joined.</param>
internal sealed class MergeResolver(Vocabulary vocabulary, string prefix)
{
    private readonly int _prefix = prefix.Length;

    /// <summary>The merge of two tokens; the token that they make is -1 where it or one of them is missing.</summary>
    /// <param name="pair">Both tokens, side by side.</param>
    /// <param name="length">The length of the left one.</param>
    /// <param name="expected">The token that the merge before this one makes.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public Merge Resolve(ReadOnlySpan<char> pair, int length, int expected)
    {
        int left = vocabulary.IdOf(pair[..length]), right = vocabulary.IdOf(pair[length..]);
        if ((left | right) < 0)
            return new Merge(left, right, -1);
        if (_prefix > 0)
            return new Merge(left, right, Joined(pair, length));
        // Training numbers tokens in the order of merges; where files list all merges of a token, they stand together.
        int id = vocabulary.Is(expected, pair) ? expected : vocabulary.Is(expected + 1, pair) ? expected + 1 : vocabulary.IdOf(pair);
        return new Merge(left, right, id);
    }

    /// <summary>The merges of a list.</summary>
    /// <param name="pairs">The pairs.</param>
    /// <param name="refuse">Makes the error for a pair that cannot be.</param>
    public Merge[] ResolveAll(IEnumerable<(string Left, string Right)> pairs, Func<string, Exception> refuse)
    {
        var merges = new List<Merge>();
        int expected = -1;
        foreach ((string left, string right) in pairs)
        {
            Merge merge = Resolve(left + right, left.Length, expected);
            expected = merge.Id;
            merges.Add(expected >= 0 ? merge : throw refuse(Fault(left, right, merges.Count)));
        }

        return [.. merges];
    }

    private int Joined(ReadOnlySpan<char> pair, int length) => pair.Length - length < _prefix ? -1
        : vocabulary.IdOf(string.Concat(pair[..length], pair[(length + _prefix)..]));

    private string Fault(string left, string right, int rank)
    {
        if (vocabulary.IdOf(left) < 0 || vocabulary.IdOf(right) < 0)
            return $"merge {rank} names \"{(vocabulary.IdOf(left) < 0 ? left : right)}\", which is not in the vocabulary";
        return right.Length < _prefix ? $"merge {rank}: \"{right}\" is shorter than the continuation prefix"
            : $"merge {rank} makes \"{left}{right[_prefix..]}\", which is not in the vocabulary";
    }
}
