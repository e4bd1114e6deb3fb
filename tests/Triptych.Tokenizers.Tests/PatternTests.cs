using System.Diagnostics;
using System.IO.Compression;
using System.Text.Json;
using Triptych.TestSupport;
using Triptych.Tokenizers.Patterns;

namespace Triptych.Tokenizers.Tests;

/// <summary>The regular expressions of tokenizer.json, against Oniguruma and against themselves.</summary>
public sealed class PatternTests
{
    [Theory]
    [InlineData(20_000)]
    [InlineData(-100_000)]
    public void MatchesOniguruma(long stepsBeforeMemo)
    {
        int texts = 0;
        foreach (JsonElement line in Lines())
        {
            string source = line.GetProperty("pattern").GetString()!;
            if (line.GetProperty("matches").ValueKind == JsonValueKind.Null)
            {
                Assert.Throws<PatternException>(() => new Pattern(source));
                continue;
            }

            var pattern = new Pattern(source, stepsBeforeMemo);
            foreach ((JsonElement text, JsonElement matches) in line.GetProperty("texts").EnumerateArray().Zip(line.GetProperty("matches").EnumerateArray()))
            {
                string expected = string.Join(' ', matches.EnumerateArray().Select(match => $"{match[0]}-{match[1]}"));
                Assert.Equal((source, text.GetString()!, expected), (source, text.GetString()!, Find(pattern, text.GetString()!)));
                texts++;
            }
        }

        Assert.True(texts > 5_000);
    }

    [Theory]
    [InlineData("(a*)*b")]
    [InlineData("(?:a|aa)+b")]
    [InlineData("(?:a+)+$b")]
    [InlineData("(?:a|a)*?b")]
    [InlineData(@"\w+\d|a+ ")]
    [InlineData("(?=(?:a+)+b)x|(?:aa|a)*c")]
    [InlineData("(?>(?:a|aa)*?b)")]
    [InlineData("(?:(?>a+?)+b|a)+c")]
    [InlineData("(?:(?!a*b)a)*c")]
    [InlineData("(?<=(?:a|b)a)a*a*a*a*b")]
    public void HardPatternsTakeLinearTime(string source)
    {
        var pattern = new Pattern(source);
        Stopwatch watch = Stopwatch.StartNew();
        pattern.FindAll(new string('a', 100_000), []);
        Assert.True(watch.Elapsed.TotalSeconds < 20, $"{watch.Elapsed}");
    }

    [Theory]
    [InlineData(@"(a*)*\1b")]
    [InlineData(@"(?:(a+)+)+\1c")]
    [InlineData(@"(?<=(?:a+)+b)c|(?:(?<=(?:a|aa)+)a)+b")]
    public void WhatCannotBeLinearStopsWithAClearError(string source)
    {
        TokenizerException error = Assert.Throws<TokenizerException>(() => new Pattern(source).FindAll(new string('a', 5_000), []));
        Assert.Contains(source, error.Message);
        Assert.Contains("too many steps", error.Message);
    }

    [Theory]
    [InlineData("a{1000}{1000}{1000}", "too large")]
    [InlineData("(?:ab?){100000}", "too large")]
    [InlineData("(?:(?:(?:(?:ab){99}){99}){99}){99}", "too large")]
    [InlineData("a{100001}", "more than 100000 repetitions")]
    [InlineData("a*******************", "quantifiers follow each other")]
    [InlineData(@"\X", "not supported")]
    [InlineData("(?~a)", "not supported")]
    [InlineData(@"(?<n>a)\g<n>", "not supported")]
    [InlineData(@"(?<=a\1)(b)", "look behind")]
    [InlineData("a\\", "ends with a backslash")]
    [InlineData("(?i", "a group has no end")]
    [InlineData(@"\p{Klingon}", "unknown property \"Klingon\" at position")]
    public void OtherPatternsAreRefused(string source, string reason) =>
        Assert.Contains(reason, Assert.Throws<PatternException>(() => new Pattern(source)).Message);

    [Theory]
    [InlineData('(')]
    [InlineData('[')]
    public void DeepNestingIsRefused(char open)
    {
        Assert.Contains("deep", Assert.Throws<PatternException>(() => new Pattern(new string(open, 30_000))).Message);
        Assert.Contains("more than", Assert.Throws<PatternException>(() => new Pattern(new string(open, 300_000))).Message);
    }

    [Fact]
    public void LongRunsNeedNoStack()
    {
        var pattern = new Pattern(@"(?:\p{L}|\d)+");
        Assert.Equal("0-1000000", Find(pattern, new string('x', 1_000_000)));
    }

    private static string Find(Pattern pattern, string text)
    {
        var matches = new List<TextRange>();
        pattern.FindAll(text, matches);
        return string.Join(' ', matches.Where(match => match.Start < match.End)
            .Select(match => $"{CodePoints(text, match.Start)}-{CodePoints(text, match.End)}"));
    }

    private static int CodePoints(string text, int end) => text.AsSpan(0, end).ToString().EnumerateRunes().Count();

    private static IEnumerable<JsonElement> Lines()
    {
        using var stream = new GZipStream(File.OpenRead(Fixtures.Path("tokenizers/patterns.jsonl.gz")), CompressionMode.Decompress);
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is string line)
            yield return JsonDocument.Parse(line).RootElement;
    }
}
