using Triptych.Tokenizers.Pipeline;
using Triptych.Tokenizers.Unicode;

namespace Triptych.Tokenizers.Segments;

/// <summary>
/// The letters that may stand beside a cut where a normalizer follows rules of its own: those that form no cluster with a space, and that
/// become something without white space at its ends. Found out when they first occur.
/// </summary>
internal sealed class EdgeTable(Normalizer normalizer)
{
    private const int BlockBits = 8;

    private readonly bool[]?[] _blocks = new bool[]?[(char.MaxValue + 1) >> BlockBits];

    public bool IsSafe(char c) => (_blocks[c >> BlockBits] ??= Fill(c >> BlockBits))[c & (1 << BlockBits) - 1];

    /// <summary>Whether nothing is left of a cluster; at the beginning of a text that shifts all places behind it.</summary>
    public bool Vanishes(ReadOnlySpan<char> cluster) => normalizer.Normalize(cluster.ToString()).Length == 0;

    private bool[] Fill(int block)
    {
        var safe = new bool[1 << BlockBits];
        for (int i = 0; i < safe.Length; i++)
        {
            char c = (char)(block << BlockBits | i);
            if (char.IsSurrogate(c) || Graphemes.ClassOf(c) is GraphemeClass.Control or GraphemeClass.Extend or GraphemeClass.Linker or GraphemeClass.Prepend)
                continue;
            string normalized = normalizer.Normalize(c.ToString());
            safe[i] = normalized.Length > 0 && IsInk(normalized[0]) && IsInk(normalized[^1]);
        }

        return safe;
    }

    private static bool IsInk(char c) => c < 0x80 ? c is > ' ' and < '\u007F' : UnicodeData.Is(c, CharClass.Letter | CharClass.Number | CharClass.Mark);
}
