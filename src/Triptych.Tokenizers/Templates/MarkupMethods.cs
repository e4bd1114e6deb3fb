namespace Triptych.Tokenizers.Templates;

/// <summary>
/// The methods of strings that are marked as safe: those of strings, with results that are marked too, and texts that go in escaped.
/// </summary>
internal static class MarkupMethods
{
    public static readonly Dictionary<string, Builtin> Table = Make();

    private static Dictionary<string, Builtin> Make()
    {
        var table = new Dictionary<string, Builtin>(StringComparer.Ordinal);
        foreach ((string name, Builtin builtin) in StringMethods.Table)
        {
            table.Add(name, new Builtin(name, "*", (state, self, a) => Wrap(builtin.Invoke(
                state, ((MarkupValue)self!).Text, new Arguments(Prepare(state, name, ((TupleValue)a[0]!).Items), (DictValue)a[1]!)))));
        }

        table["format"] = new Builtin("format", "*", (state, self, a) => new MarkupValue(new BraceFormat(
            state, ((TupleValue)a[0]!).Items, (DictValue)a[1]!, escape: true).Format(((MarkupValue)self!).Text)));
        table["format_map"] = new Builtin("format_map", "/; mapping", (state, self, a) => new MarkupValue(new BraceFormat(
            state, [], a[0] as DictValue ?? throw new TemplateError("format_map() takes a mapping"), escape: true)
            .Format(((MarkupValue)self!).Text)));
        table["striptags"] = new Builtin("striptags", "/", (state, self, _) => Markup.StripTags(state, ((MarkupValue)self!).Text));
        table["unescape"] = new Builtin("unescape", "/", (state, self, _) => System.Net.WebUtility.HtmlDecode(((MarkupValue)self!).Text));
        return table;
    }

    private static object?[] Prepare(RenderState state, string name, object?[] arguments)
    {
        int escaped = name is "replace" or "center" or "ljust" or "rjust" ? 1 : -1;
        if (name == "join" && arguments is [var items])
            return [new ListValue([.. Iteration.Items(state, items).Select(item => Markup.Escape(state, item))])];
        return escaped < 0 || escaped >= arguments.Length ? arguments
            : [.. arguments.Select((argument, i) => i == escaped ? Markup.Escape(state, argument) : argument)];
    }

    private static object? Wrap(object? value) => value switch
    {
        string text => new MarkupValue(text),
        SequenceValue sequence => sequence.Make([.. sequence.Items.Select(Wrap)]),
        _ => value,
    };
}
