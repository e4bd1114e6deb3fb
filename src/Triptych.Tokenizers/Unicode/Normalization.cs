using System.Runtime.InteropServices;

namespace Triptych.Tokenizers.Unicode;

/// <summary>
/// A character on its way through a rewriting: 0 stands for the next character of the source, 1 is inserted after the one
/// before it, -n stands for the next character and swallows the n that follow it.
/// </summary>
internal readonly record struct Change(int CodePoint, int Delta);

/// <summary>Unicode normalization forms (UAX #15), each result with the change that made it.</summary>
internal static class Normalization
{
    /// <summary>NFD, or NFKD where <paramref name="compatible"/>.</summary>
    public static List<Change> Decompose(ReadOnlySpan<int> source, bool compatible)
    {
        var output = new List<Change>(source.Length + 16);
        var parts = new List<int>();
        int starter = 0;
        foreach (int codePoint in source)
        {
            parts.Clear();
            UnicodeData.Decompose(codePoint, compatible, parts);
            for (int i = 0; i < parts.Count; i++)
            {
                if (UnicodeData.CombiningClass(parts[i]) == 0)
                {
                    SortMarks(output, starter);
                    output.Add(new Change(parts[i], i == 0 ? 0 : 1));
                    starter = output.Count;
                }
                else
                {
                    output.Add(new Change(parts[i], i == 0 ? 0 : 1));
                }
            }
        }

        SortMarks(output, starter);
        return output;
    }

    /// <summary>NFC, or NFKC where <paramref name="compatible"/>.</summary>
    public static List<Change> Compose(ReadOnlySpan<int> source, bool compatible)
    {
        List<Change> decomposed = Decompose(source, compatible);
        var output = new List<Change>(decomposed.Count);
        int composee = -1;
        int lastClass = -1;
        foreach (Change next in decomposed)
        {
            int combiningClass = UnicodeData.CombiningClass(next.CodePoint);
            if (composee >= 0 && lastClass < combiningClass | lastClass < 0)
            {
                int composed = UnicodeData.Compose(output[composee].CodePoint, next.CodePoint);
                if (composed >= 0)
                {
                    output[composee] = new Change(composed, output[composee].Delta + next.Delta - 1);
                    continue;
                }
            }

            if (combiningClass == 0)
            {
                composee = output.Count;
                lastClass = -1;
            }
            else
            {
                lastClass = combiningClass;
            }

            output.Add(next);
        }

        return output;
    }

    private static void SortMarks(List<Change> output, int from)
    {
        Span<Change> marks = CollectionsMarshal.AsSpan(output)[from..];
        if (marks.Length > 32)
        {
            marks.ToArray().OrderBy(mark => UnicodeData.CombiningClass(mark.CodePoint)).ToArray().CopyTo(marks);
            return;
        }

        for (int i = 1; i < marks.Length; i++)
        {
            Change mark = marks[i];
            int combiningClass = UnicodeData.CombiningClass(mark.CodePoint);
            int k = i;
            for (; k > 0 && UnicodeData.CombiningClass(marks[k - 1].CodePoint) > combiningClass; k--)
                marks[k] = marks[k - 1];
            marks[k] = mark;
        }
    }
}
