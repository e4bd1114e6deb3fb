using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using Triptych.Tokenizers.Templates;

namespace Triptych.Tokenizers.Tests;

/// <summary>Errors say where they are, and templates cannot use more than their limits.</summary>
public sealed class TemplatesErrorTests
{
    [Theory]
    [InlineData("a\n{{ 1 + }}", "t: line 2, column 8: unexpected 'end of print statement'")]
    [InlineData("\n\n  {% nosuch %}", "t: line 3, column 6: Encountered unknown tag 'nosuch'.")]
    [InlineData("{% if x %}", "t: line 1, column 11: Unexpected end of template. Jinja was looking for the following tags: 'elif' or 'else' or 'endif'. The innermost block that needs to be closed is 'if'.")]
    [InlineData("{{ 'a'|nosuch }}", "t: line 1, column 8: No filter named 'nosuch'.")]
    [InlineData("x\r\n{{ a.b.c }}", "t: line 2, column 5: 'a' is undefined")]
    [InlineData("{{ {}.b.c }}", "t: line 1, column 8: 'dict object' has no attribute 'b'")]
    [InlineData("{{ 1 + 'a' }}", "t: line 1, column 6: unsupported operand type(s) for +: 'int' and 'str'")]
    [InlineData("{% for m in [1] %}\n{{ raise_exception('no ' ~ m) }}{% endfor %}", "t: line 2, column 19: no 1")]
    [InlineData("{% include 'x' %}", "'include' is not supported")]
    [InlineData("{% for x in [1] %}{% set loop = 1 %}{% endfor %}", "Can't assign to special loop variable")]
    [InlineData("{{ [].append(1) }}", "access to attribute 'append' of 'list' object is unsafe.")]
    [InlineData("{{ ''.__class__.__mro__ }}", "access to attribute '__class__' of 'str' object is unsafe.")]
    public void ErrorsNameTheTemplateThePlaceAndTheReason(string template, string message)
    {
        TokenizerException error = Assert.Throws<TokenizerException>(
            () => ChatTemplate.Parse(template, "t").Render(new Dictionary<string, object?>()));
        Assert.Contains(message, error.Message);
        Assert.Equal("t", error.Path);
    }

    /// <summary>What Jinja 3.1 makes of these.</summary>
    [Theory]
    [InlineData("{{ -2 ** n }} {{ (1 - 3) ** n }} {{ -2 ** 2 }} {{ -2 ** n ** 2 }} {{ m ** n }} {{ (-2.5) ** n }} {{ -m ** n }}", "-4 -4 4 16 9 -6.25 9")]
    [InlineData("{{ ('ab'|e)|list }} {{ [('ab'|e)[0], ('ab'|e)|first, ('ab'|e)|last] }} {{ [('ab'|e)|reverse] }}", "['a', 'b'] [Markup('a'), 'a', Markup('b')] [Markup('ba')]")]
    [InlineData("{% for c in x|e %}{{ [c, loop.nextitem] }}{% endfor %}", "['p', 'q']['q', Undefined]")]
    public void CornersOfPythonAndMarkup(string template, string expected) =>
        Assert.Equal(expected, ChatTemplate.Parse(template).Render(new Dictionary<string, object?> { ["n"] = 2, ["m"] = -3, ["x"] = "pq" }));

    [Theory]
    [InlineData("{{ 'a' * 10**9 }}")]
    [InlineData("{{ [0] * 10**9 }}")]
    [InlineData("{{ range(10**12)|list }}")]
    [InlineData("{{ 10 ** (10 ** 10) }}")]
    [InlineData("{{ 2 ** 100000 }}")]
    [InlineData("{{ '%1000000000d' % 1 }}")]
    [InlineData("{{ '{:1000000000}'.format(1) }}")]
    [InlineData("{{ 'x'|center(10**9) }}")]
    [InlineData("{{ 'x'.ljust(10**12) }}")]
    [InlineData("{{ 'x'|indent(10**9, true) }}")]
    [InlineData("{{ [1]|tojson(indent=10**9) }}")]
    [InlineData("{{ [1]|batch(10**9, 0)|list }}")]
    [InlineData("{{ []|slice(10**9)|list }}")]
    [InlineData("{{ '\t'.expandtabs(10**9) }}")]
    [InlineData("{{ ('a' * 10**6).replace('a', 'b' * 10**6) }}")]
    [InlineData("{{ ('a' * 10**6)|list|join('b' * 10**6) }}")]
    [InlineData("{% set ns = namespace(s='aaaaaaaa') %}{% for i in range(100) %}{% set ns.s = ns.s + ns.s %}{% endfor %}")]
    [InlineData("{% set ns = namespace(s='aaaaaaaa') %}{% for i in range(100) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}")]
    [InlineData("{% set ns = namespace(l=[1]) %}{% for i in range(100) %}{% set ns.l = ns.l + ns.l %}{% endfor %}")]
    [InlineData("{% set ns = namespace(l=[1]) %}{% for i in range(100) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}")]
    [InlineData("{% set ns = namespace(a=[1], b=[1]) %}{% for i in range(100) %}{% set ns.a = [ns.a, ns.a] %}{% set ns.b = [ns.b, ns.b] %}{% endfor %}{{ ns.a == ns.b }}")]
    [InlineData("{% set ns = namespace(a=(1,)) %}{% for i in range(100) %}{% set ns.a = (ns.a, ns.a) %}{% endfor %}{{ {ns.a: 1} }}")]
    [InlineData("{% set ns = namespace(a=(1,)) %}{% for i in range(100) %}{% set ns.a = (ns.a, ns.a) %}{% endfor %}{{ {}[ns.a] }}")]
    [InlineData("{% set ns = namespace(l=[]) %}{% for i in range(100000) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l }}")]
    [InlineData("{% set ns = namespace(l=[]) %}{% for i in range(100000) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l|tojson }}")]
    [InlineData("{% set ns = namespace(l='a') %}{% for i in range(100000) %}{% set ns.l = ns.l|map('upper') %}{% endfor %}{{ ns.l|list }}")]
    [InlineData("{% set r = range(100000) %}{% for a in r %}{% for b in r %}{% endfor %}{% endfor %}")]
    [InlineData("{% set r = range(100000) %}{% for a in r %}{{ r|sum }}{% endfor %}")]
    [InlineData("{% set s = 'a' * 10**7 %}{% for a in range(100000) %}{{ s == s ~ '' }}{% endfor %}")]
    [InlineData("{% set s = 'a' * 10**7 %}{% for a in range(100000) %}{{ ('b' in s)|length }}{% endfor %}")]
    [InlineData("{% set s = 'a' * 10**6 %}{% for a in range(100000) %}{% if s.find('a' * 1000 ~ 'b') > 0 %}{% endif %}{% endfor %}")]
    [InlineData("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}")]
    [InlineData("{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}")]
    [InlineData("{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}")]
    [InlineData("{% block a %}{{ self.a() }}{% endblock %}")]
    [InlineData("{% for a in range(100000) %}{{ 'a' * 10000 }}{% endfor %}")]
    public void LimitsStopGreedyTemplates(string template)
    {
        var watch = Stopwatch.StartNew();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<TokenizerException>(() => ChatTemplate.Parse(template).Render(new Dictionary<string, object?>()));
        Assert.True(watch.Elapsed.TotalSeconds < 20, $"took {watch.Elapsed}");
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 4L << 30);
    }

    [Theory]
    [InlineData("{{ ", "(", "1", ")", " }}")]
    [InlineData("{{ ", "[", "1", "]", " }}")]
    [InlineData("{{ ", "{1:", "1", "}", " }}")]
    [InlineData("{{ ", "-", "1", "", " }}")]
    [InlineData("{{ ", "a[", "1", "]", " }}")]
    [InlineData("{{ ", "f(", "1", ")", " }}")]
    [InlineData("{{ ", "1 if 1 else ", "1", "", " }}")]
    [InlineData("{{ 1", " - 1", "", "", " }}")]
    [InlineData("{{ 'a'", "|upper", "", "", " }}")]
    [InlineData("{{ a", ".a", "", "", " }}")]
    [InlineData("{{ a", "()", "", "", " }}")]
    [InlineData("{{ 1", " and 1", "", "", " }}")]
    [InlineData("", "{% if 1 %}", "", "{% endif %}", "")]
    [InlineData("", "{% for x in a %}", "", "{% endfor %}", "")]
    [InlineData("", "{% macro m() %}", "", "{% endmacro %}", "")]
    [InlineData("{% set ", "(", "a", ")", " = 1 %}")]
    public void DeepNestingIsRefused(string start, string open, string middle, string close, string end)
    {
        string template = start + string.Concat(Enumerable.Repeat(open, 10_000)) + middle + string.Concat(Enumerable.Repeat(close, 10_000)) + end;
        Assert.Throws<TokenizerException>(() => ChatTemplate.Parse(template).Render(new Dictionary<string, object?>()));
    }

    [Fact]
    public void LongSumsAndTextsAreFine()
    {
        string sum = "{{ 'a'" + string.Concat(Enumerable.Repeat(" + 'b'", 10_000)) + " }}" + string.Concat(Enumerable.Repeat("{{ 1 }}{# c #}", 10_000));
        Assert.Equal(20_001, ChatTemplate.Parse(sum).Render(new Dictionary<string, object?>()).Length);
    }

    [Fact]
    public void LimitsCanBeSet()
    {
        ChatTemplate template = ChatTemplate.Parse("{% for i in range(1000) %}{{ 'x' * 10 }}{% endfor %}");
        var none = new Dictionary<string, object?>();
        Assert.Equal(10_000, template.Render(none).Length);
        Assert.Contains("steps", Assert.Throws<TokenizerException>(() => template.Render(none, new TemplateLimits { MaxSteps = 1000 })).Message);
        Assert.Contains("longer", Assert.Throws<TokenizerException>(() => template.Render(none, new TemplateLimits { MaxOutputLength = 1000 })).Message);
        Assert.Contains("in all", Assert.Throws<TokenizerException>(() => template.Render(none, new TemplateLimits { MaxAllocation = 1000 })).Message);
    }

    [Fact]
    public void VariablesAreConvertedOrRefused()
    {
        ChatTemplate template = ChatTemplate.Parse("{{ v }}");
        string Render(object? value) => template.Render(new Dictionary<string, object?> { ["v"] = value });
        Assert.Equal("1", Render((byte)1));
        Assert.Equal("1.0", Render(1f));
        Assert.Equal("18446744073709551615", Render(ulong.MaxValue));
        Assert.Equal("['a', None, True]", Render(new object?[] { "a", null, true }));
        Assert.Equal("{'a': [1]}", Render(new Dictionary<string, int[]> { ["a"] = [1] }));
        Assert.Equal("{'a': 1.0, 'b': 1, 'c': 100000000000000000000}", Render(JsonNode.Parse("""{"a":1.0,"b":1,"c":100000000000000000000}""")));
        Assert.Equal("[1.0, 2, 'x']", Render(new JsonArray(1.0, 2, "x")));
        Assert.Equal("{'a': 'é'}", Render(JsonDocument.Parse("""{"a":"\u00e9"}""").RootElement));
        Assert.Throws<ArgumentException>(() => Render(new Version(1, 0)));
        Assert.Throws<ArgumentException>(() => Render(JsonDocument.Parse("""["\ud800"]""").RootElement));
        var cycle = new List<object?>();
        cycle.Add(cycle);
        Assert.Throws<ArgumentException>(() => Render(cycle));
    }

    [Fact]
    public void OneTemplateRendersOnManyThreads()
    {
        ChatTemplate template = ChatTemplate.Parse("{% set x %}{% for i in range(n) %}{{ i }}{% endfor %}{% endset %}{% macro m() %}{{ x }}{% endmacro %}{{ m()|upper }}");
        Parallel.For(0, 200, n => Assert.Equal(
            string.Concat(Enumerable.Range(0, n)), template.Render(new Dictionary<string, object?> { ["n"] = n })));
    }
}
