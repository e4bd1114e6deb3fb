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

        Assert.True(texts > 9_000);
    }

    [Fact]
    public void RepeatedNothingIsWrittenOutOnce()
    {
        Stopwatch watch = Stopwatch.StartNew();
        for (int i = 0; i < 20; i++)
            Assert.Contains("too large", Assert.Throws<PatternException>(() => new Pattern("(?:(?:){100000,}){100000,}")).Message);
        Assert.True(watch.Elapsed.TotalSeconds < 20, $"{watch.Elapsed}");
    }

    [Theory]
    [InlineData(@"(?:\b(?:.|b*?)){2,3}", "aa", "")]
    [InlineData(@"(?:(?:(?:a*b*)|\w)){2,3}(?:(c*+)|(?<=\p{L}))[ab]", "1ba1", "0-3")]
    [InlineData(@"(?:(?:(?:\G|(?i:s))(a?)+){2}){3,}", "abb", "")]
    [InlineData(@"(?:(?:ab)?\b){2}", "ab", "0-2")]
    public void TurnsThatMatchNothingEndCountedRepetitions(string source, string text, string expected)
    {
        foreach (long stepsBeforeMemo in (long[])[20_000, -100_000])
            Assert.Equal(expected, Find(new Pattern(source, stepsBeforeMemo), text));
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
    // Counted repetitions have many memos: where each began is part of what is remembered.
    [InlineData("(?:a?|aa|(?:a|b?)){2,}c", 10_000)]
    [InlineData("(?:(?:a??|b|c|(?:a|b?)+){2,3}a*){3,}d", 10_000)]
    [InlineData("(?>(?:(?:a|b?|c?){2,7}?a)+b|a)*c", 10_000)]
    public void HardPatternsTakeLinearTime(string source, int length = 100_000)
    {
        var pattern = new Pattern(source);
        Stopwatch watch = Stopwatch.StartNew();
        pattern.FindAll(new string('a', length), []);
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
