using System.Collections.Frozen;

namespace Triptych.Tokenizers.Patterns;

/// <summary>Matching without regard to case: characters that fold together, and one character that folds into several.</summary>
internal static class CaseFolding
{
    private const int MaxFoldedLength = 3;

    /// <summary>Runs of characters that fold into several, such as ssss, have many readings; longer runs than this are cut.</summary>
    private const int MaxCluster = 8;

    private static readonly FrozenDictionary<string, CharSet> ByFolded = UnicodeProperties.Expansions
        .GroupBy(expansion => KeyOf(expansion.Folded), expansion => expansion.CodePoint, StringComparer.Ordinal)
        .ToFrozenDictionary(group => group.Key, group => CharSet.Of(group.Select(c => (c, c + 1))), StringComparer.Ordinal);

    private static readonly FrozenDictionary<int, int[]> Folded =
        UnicodeProperties.Expansions.ToFrozenDictionary(expansion => expansion.CodePoint, expansion => expansion.Folded);

    /// <summary>The set and all characters that differ from its members in case.</summary>
    public static CharSet Close(CharSet set)
    {
        var ranges = new List<(int, int)>(set.Ranges);
        foreach (int codePoint in UnicodeProperties.Cased)
        {
            if (!set.Contains(codePoint))
                continue;
            foreach (int other in UnicodeProperties.CaseGroup(codePoint))
                ranges.Add((other, other + 1));
        }

        return CharSet.Of(ranges);
    }

    /// <summary>A class: its members in either case, and what they fold into.</summary>
    public static PatternNode Class(CharSet set, bool negated)
    {
        CharSet closed = Close(set);
        if (negated)
            return new SetNode(closed.Not());
        List<PatternNode> options = [new SetNode(closed)];
        options.AddRange(UnicodeProperties.Expansions.Where(expansion => set.Contains(expansion.CodePoint))
            .DistinctBy(expansion => KeyOf(expansion.Folded)).Select(expansion => Each(expansion.Folded)));
        return options.Count == 1 ? options[0] : new AlternationNode(options);
    }

    /// <summary>Literal text.</summary>
    public static PatternNode Literal(IReadOnlyList<int> codePoints)
    {
        var parts = new List<PatternNode>();
        for (int at = 0; at < codePoints.Count;)
        {
            int end = ClusterEnd(codePoints, at);
            parts.Add(end == at + 1 ? Character(codePoints[at]) : Cluster(codePoints, at, end));
            at = end;
        }

        return parts.Count == 1 ? parts[0] : new SequenceNode(parts);
    }

    /// <summary>Whether a character and another one are the same but for their case.</summary>
    public static bool Same(int first, int second) => first == second || UnicodeProperties.CaseGroup(first).Contains(second);

    private static int ClusterEnd(IReadOnlyList<int> codePoints, int start)
    {
        int end = start + 1;
        for (int at = start; at < end && at - start < MaxCluster; at++)
        {
            for (int length = 2; length <= MaxFoldedLength && at + length <= codePoints.Count; length++)
            {
                if (Find(codePoints, at, length) is not null)
                    end = Math.Max(end, at + length);
            }
        }

        return end;
    }

    private static PatternNode Cluster(IReadOnlyList<int> codePoints, int start, int end)
    {
        if (start == end)
            return PatternNode.Empty;
        List<PatternNode> options = [new SequenceNode([Character(codePoints[start]), Cluster(codePoints, start + 1, end)])];
        for (int length = 2; length <= MaxFoldedLength && start + length <= end; length++)
        {
            if (Find(codePoints, start, length) is CharSet whole)
                options.Add(new SequenceNode([new SetNode(whole), Cluster(codePoints, start + length, end)]));
        }

        return options.Count == 1 ? options[0] : new AlternationNode(options);
    }

    private static PatternNode Character(int codePoint)
    {
        var set = new SetNode(SetOf(codePoint));
        return Folded.TryGetValue(codePoint, out int[]? folded) ? new AlternationNode([set, Each(folded)]) : set;
    }

    private static SequenceNode Each(int[] codePoints) => new([.. codePoints.Select(codePoint => new SetNode(SetOf(codePoint)))]);

    private static CharSet SetOf(int codePoint)
    {
        ReadOnlySpan<int> group = UnicodeProperties.CaseGroup(codePoint);
        return group.IsEmpty ? CharSet.Of(codePoint) : CharSet.Of(group.ToArray().Select(c => (c, c + 1)));
    }

    private static CharSet? Find(IReadOnlyList<int> codePoints, int start, int length)
    {
        Span<int> part = stackalloc int[MaxFoldedLength];
        for (int i = 0; i < length; i++)
            part[i] = codePoints[start + i];
        return ByFolded.GetValueOrDefault(KeyOf(part[..length]));
    }

    private static string KeyOf(ReadOnlySpan<int> codePoints)
    {
        Span<int> folded = stackalloc int[codePoints.Length];
        for (int i = 0; i < folded.Length; i++)
        {
            ReadOnlySpan<int> group = UnicodeProperties.CaseGroup(codePoints[i]);
            folded[i] = group.IsEmpty ? codePoints[i] : group[0];
        }

        return System.Runtime.InteropServices.MemoryMarshal.Cast<int, char>(folded).ToString();
    }
}
