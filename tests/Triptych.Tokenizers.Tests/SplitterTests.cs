using System.Text;
using Triptych.Tokenizers.Patterns;
using Triptych.Tokenizers.Pipeline;

namespace Triptych.Tokenizers.Tests;

/// <summary>Every splitter by hand cuts as its pattern does.</summary>
public sealed class SplitterTests
{
    private const string Alphabet = "  \t\n\r'''sStTrReEvVmMlLdD aZéßжЯ世界한かカーשم012٣½Ⅷ９.,!?-_/—€©+$\u00a0\u3000\u0301\u0903\u200b\u0085\u2028\u017f\u212a\ufffd…。(|<>";

    private static readonly string[] Pieces =
        ["𝒻", "𠀀", "😀", "👍🏽", "𝟏", "𐐀", "\U000E0100", "'ll", "'Ve", "<|endoftext|>", "<|startoftext|>", " \n", "\r\n\r\n", "  x", "e\u0301", "123", "!ab", "/**", "\u001f", "\U0001D165"];

    public static TheoryData<string> Patterns =>
    [
        SplitPatterns.Gpt2, SplitPatterns.Llama3, SplitPatterns.Qwen2, SplitPatterns.DeepSeek3,
        // DeepSeek-V3's other two, DeepSeek Coder's, Falcon's and BLOOM's.
        @"\p{N}{1,3}", "[一-龥\u3040-ゟ゠-ヿ]+", @"[\r\n]", @"\s?\p{L}+", @"\s?\p{P}+", "[一-龥ࠀ-一가-퟿]+", @"\p{N}", "[0-9][0-9][0-9]",
        @" ?[^(\s|[.,!?…。，、।۔،])]+", @"\p{N}+", @"a{2,4}", @"\s?\s+", @"(?i)k+",
    ];

    [Theory]
    [MemberData(nameof(Patterns))]
    public void CutsAsThePatternDoes(string source)
    {
        Splitter splitter = SplitPatterns.Find(source) ?? RunSplitter.Find(source)!.Split;
        var pattern = new Pattern(source);
        foreach (string text in Texts(5_000))
            Assert.Equal(Parts(text, pattern, keepRest: true), Cut(text, splitter));
    }

    [Fact]
    public void ClipKeepsTheMatchesAlone()
    {
        var pattern = new Pattern(SplitPatterns.Clip);
        foreach (string text in Texts(5_000))
            Assert.Equal(Parts(text, pattern, keepRest: false), Cut(text, SplitPatterns.FindMatches(SplitPatterns.Clip)!));
    }

    [Theory]
    [InlineData("a+b")]
    [InlineData("a*")]
    [InlineData("a??b+")]
    [InlineData("(a)+")]
    [InlineData("a+?")]
    public void OtherShapesAreLeftToTheEngine(string source) => Assert.Null(RunSplitter.Find(source));

    private static IEnumerable<string> Texts(int count)
    {
        var random = new Random(11);
        for (int i = 0; i < count; i++)
        {
            var text = new StringBuilder();
            for (int length = random.Next(1, 20); length > 0; length--)
            {
                if (random.Next(6) == 0)
                    text.Append(Pieces[random.Next(Pieces.Length)]);
                else
                    text.Append(Alphabet[random.Next(Alphabet.Length)]);
            }

            yield return text.ToString();
        }
    }

    private static List<string> Parts(string text, Pattern pattern, bool keepRest)
    {
        var matches = new List<TextRange>();
        pattern.FindAll(text, matches);
        var parts = new List<string>();
        int done = 0;
        foreach ((int start, int end) in matches)
        {
            if (keepRest && done < start)
                parts.Add(text[done..start]);
            parts.Add(text[start..end]);
            done = end;
        }

        if (keepRest && done < text.Length)
            parts.Add(text[done..]);
        return parts;
    }

    private static List<string> Cut(string text, Splitter splitter)
    {
        var splits = new List<Split>();
        splitter(text, 0, splits);
        return splits.ConvertAll(split => text[split.Start..split.End]);
    }
}
