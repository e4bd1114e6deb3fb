using System.Text.RegularExpressions;
using Triptych.Tokenizers.Pipeline;

namespace Triptych.Tokenizers.Tests;

public sealed class Gpt2SplitterTests
{
    private static readonly Regex Pattern =
        new(@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", RegexOptions.CultureInvariant);

    [Fact]
    public void EqualsTheRegexOnRandomText()
    {
        const string Alphabet = "  \t\n\r'''sstrevmld aZéßжЯ世界한שم012٣½Ⅷ.,!?-_—€©\u00a0\u3000\u0301\u200b";
        var random = new Random(7);
        for (int i = 0; i < 20_000; i++)
        {
            string text = string.Concat(Enumerable.Range(0, random.Next(1, 24)).Select(_ => Alphabet[random.Next(Alphabet.Length)]));
            Assert.Equal(Pattern.Matches(text).Select(match => match.Value), Cut(text));
        }
    }

    [Theory]
    [InlineData("𝒻𝒶𝓃𝒸𝓎 text", "𝒻𝒶𝓃𝒸𝓎", " text")]
    [InlineData("a𠀀b 😀😀 𐐀", "a𠀀b", " 😀😀", " 𐐀")]
    [InlineData("1𝟏x", "1𝟏", "x")]
    [InlineData("a  b", "a", " ", " b")]
    [InlineData("a \n b  ", "a", " \n", " b", "  ")]
    [InlineData("'tis 's", "'t", "is", " '", "s")]
    public void KeepsCharactersWhole(string text, params string[] words) => Assert.Equal(words, Cut(text));

    private static IEnumerable<string> Cut(string text)
    {
        var splits = new List<Split>();
        Gpt2Splitter.Split(text, 0, splits);
        return splits.Select(split => text[split.Start..split.End]);
    }
}
