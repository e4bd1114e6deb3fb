using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Triptych.Tokenizers;
using Triptych.Tokenizers.Templates;

namespace Triptych.Fuzz;

/// <summary>
/// Chat templates made of pieces of others, with pieces lost, doubled and put elsewhere. Each renders or is refused with an error that
/// names it; anything else is a failure: another exception, over a second, or more memory than its limits allow.
/// </summary>
internal sealed class TemplateCampaign(int seed)
{
    private const int FailuresShown = 5;

    private const long AllowedBytes = 128L << 20;

    private static readonly TimeSpan SlowCase = TimeSpan.FromSeconds(1);

    private static readonly TemplateLimits Limits = new() { MaxSteps = 500_000, MaxAllocation = 8 << 20, MaxOutputLength = 4 << 20 };

    private static readonly string[] Corpus =
    [
        "{% for m in messages %}{{ loop.index }}{{ m['role'] + ': ' + m.content | trim }}\n{% endfor %}",
        "{%- if tools is defined and tools %}{{- tools | tojson(indent=2) }}{%- elif x %}{{ x }}{% else %}none{% endif -%}",
        "{% set ns = namespace(a=1, l=[]) %}{% for i in range(20) %}{% set ns.a = ns.a + i %}{% set ns.l = ns.l + [i] %}{% endfor %}{{ ns.a ~ ns.l }}",
        "{% macro m(a, b=2) %}<{{ a }}{{ b }}{{ caller() if caller else varargs }}{{ kwargs }}>{% endmacro %}{% call(q) m(1, c=3) %}{{ q }}{% endcall %}{{ m(1, 2, 3) }}",
        "{% for x in nested recursive %}{{ loop.depth }}{{ loop(x) if x is iterable and x is not string and x is not mapping else x }}{% else %}-{% endfor %}",
        "{% set t | upper %}a{{ 1 + 2 * 3 // 2 ** 2 % 5 - 1 }}{% endset %}{% filter replace('a', 'bb') %}{{ t }}{% endfilter %}",
        "{% with a = text, b = number %}{{ a[1:-1:2] }}{{ a[::-1] }}{{ b / 3 }}{{ '%5.2f|%s' % (b, a) }}{{ '{:>9}{!r}'.format(b, a) }}{% endwith %}",
        "{{ [3, 1, 2] | sort | map('string') | join(',') }}{{ messages | map(attribute='role') | unique | list }}{{ messages | selectattr('role', 'eq', 'user') | first }}",
        "{{ text.split(' ', 1) }}{{ text | wordwrap(5) | indent(2, true) }}{{ text | truncate(6, leeway=0) }}{{ text.title().center(30, '*') }}{{ text | pprint }}",
        "{% generation %}{{ messages[-1].content }}{% endgeneration %}{% raw %}{{ x }}{% endraw %}{# comment #}{% for i in numbers %}{% if i == 1 %}{% break %}{% else %}{% continue %}{% endif %}{% endfor %}",
        "{% block a scoped %}{{ self.a }}{% endblock %}{{ messages | groupby('role') }}{{ {'b': 1, 'a': none} | dictsort }}{{ 'a' in 'abc' and 1 < 2 <= 3 or not true }}",
        "{{ '<b>' | e ~ ('<i>' | safe) }}{{ numbers | batch(2, 0) | list }}{{ numbers | slice(3) | list }}{{ numbers | sum }}{{ numbers | max }}{{ -numbers[0] | abs }}{{ 'é🙂' | urlencode }}",
    ];

    private static readonly string[] Pieces =
    [
        "{{", "}}", "{%", "%}", "{#", "#}", "-", "+", "(", ")", "[", "]", "{", "}", "|", ".", ",", ":", "~", "=", "'", "\"", "\\", "\n", " ",
        "for ", "endfor", "if ", "endif", "else", "in ", "not ", "is ", "set ", "recursive", "loop", "ns", "range(", "10**", "*9999999",
        "**", "//", "==", "messages", "text", "nested", "x", "'a'", "1", "-1", "1e308", "99999999999999999999", "none", "true", "|list", "|map(",
        "|tojson", "|string", "|length", "|join(text)", ".format(", "%d", "%s", "{}", "🙂", "\u00df", "|reverse", "|batch(", "|indent(", "|center(",
        "macro m()", "endmacro", "call m()", "endcall", "break", "caller()", "m()", "loop(", "|sort", "|int", "|float", "|round(", "|xmlattr",
    ];

    private static readonly Dictionary<string, object?> Variables = new()
    {
        ["messages"] = JsonNode.Parse("""[{"role":"system","content":"S"},{"role":"user","content":"a b c"},{"role":"assistant","content":null}]"""),
        ["tools"] = JsonNode.Parse("""[{"type":"function","function":{"name":"f","parameters":{"a":[1,2.5,true,null]}}}]"""),
        ["nested"] = JsonNode.Parse("""[[1,[2,["x"]]],{"a":{"b":[]}}]"""),
        ["text"] = "Hello, Wörld 🙂 two",
        ["number"] = 2.5,
        ["numbers"] = new[] { 3, 1, 2 },
    };

    private readonly Random random = new(seed);

    private int failures;

    public int Run(int iterations)
    {
        int rendered = 0, refused = 0;
        long mostBytes = 0;
        TimeSpan longest = TimeSpan.Zero;
        var watch = Stopwatch.StartNew();
        for (int round = 0; round < iterations; round++)
        {
            string template = Mutate();
            long before = GC.GetAllocatedBytesForCurrentThread();
            CaseClock clock = CaseClock.Start();
            try
            {
                _ = ChatTemplate.Parse(template, "case").Render(Variables, Limits);
                rendered++;
            }
            catch (TokenizerException error)
            {
                refused++;
                if (!error.Message.StartsWith("case: line ", StringComparison.Ordinal))
                    Fail(template, "an error that does not say where: " + error.Message);
            }
            catch (Exception error)
            {
                Fail(template, error.ToString());
            }

            TimeSpan time = clock.Elapsed;
            long bytes = GC.GetAllocatedBytesForCurrentThread() - before;
            (longest, mostBytes) = (time > longest ? time : longest, Math.Max(mostBytes, bytes));
            if (round > 100 && time > SlowCase)
                Fail(template, $"took {time.TotalSeconds:F1} s");
            if (bytes > AllowedBytes)
                Fail(template, $"allocated {bytes >> 20} MiB");
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{iterations:N0} templates in {watch.Elapsed.TotalSeconds:F0} s: {rendered:N0} rendered, {refused:N0} refused, {failures} failures; at most {longest.TotalMilliseconds:F0} ms and {mostBytes / 1e6:F1} MB a template"));
        return failures;
    }

    private string Mutate()
    {
        var text = new StringBuilder(Pick(Corpus));
        if (random.Next(3) == 0)
            text.Append(Pick(Corpus));
        for (int changes = random.Next(4); changes > 0; changes--)
        {
            int at = random.Next(text.Length + 1), length = Math.Min(random.Next(1, 12), text.Length - at);
            string other = Pick(Corpus);
            int from = random.Next(other.Length);
            _ = random.Next(5) switch
            {
                0 => text.Remove(at, length),
                1 => text.Insert(at, text.ToString(at, length)),
                2 => text.Insert(at, other.AsSpan(from, Math.Min(random.Next(1, 40), other.Length - from))),
                3 when text.Length > 0 => text.Remove(Math.Min(at, text.Length - 1), 1).Insert(Math.Min(at, text.Length), (char)random.Next(1, 0x2FF)),
                _ => text.Insert(at, Pick(Pieces)),
            };
        }

        return text.ToString();
    }

    private string Pick(string[] texts) => texts[random.Next(texts.Length)];

    private void Fail(string template, string reason)
    {
        if (failures++ < FailuresShown)
            Console.WriteLine($"{template}\n  {reason}");
    }
}
