namespace Triptych.Tokenizers.Templates;

/// <summary>The filters of Jinja; <c>tojson</c> is that of transformers.</summary>
internal static class Filters
{
    private static readonly Dictionary<string, Builtin> Table = Members.Table([
        ("abs", "/", (_, value, _) => Arithmetic.Absolute(value)),
        ("attr", "name", (_, value, a) => Attribute(value, StringMethods.Text(a[0]))),
        ("count", "/", (_, value, _) => Length(value)),
        ("length", "/", (_, value, _) => Length(value)),
        ("d", "default_value=''; boolean=False", (_, value, a) => Default(value, a)),
        ("default", "default_value=''; boolean=False", (_, value, a) => Default(value, a)),
        ("float", "default=0.0", (_, value, a) => NumberFilters.ToFloat(value, a[0])),
        ("int", "default=0; base=10", (_, value, a) => NumberFilters.ToInteger(value, a[0], a[1])),
        ("round", "precision=0; method='common'", NumberFilters.Round),
        ("filesizeformat", "binary=False", NumberFilters.FileSize),
        ("string", "/", (state, value, _) => value as MarkupValue ?? (object)Printer.ToText(state, value)),
        ("tojson", "ensure_ascii=False; indent=None; separators=None; sort_keys=False", ToJson),
        .. TextFilters.All,
        .. SequenceFilters.All,
        .. SelectionFilters.All,
    ]);

    public static Builtin? Find(string? name) => name is null ? null : Table.GetValueOrDefault(name);

    private static object Length(object? value) => Numbers.Box(Iteration.Length(value)
        ?? throw new TemplateError($"object of type '{PythonTypes.NameOf(value)}' has no len()"));

    private static object? Default(object? value, object?[] arguments) =>
        value is UndefinedValue || Iteration.IsTrue(arguments[1]) && !Iteration.IsTrue(value) ? arguments[0] : value;

    private static object? Attribute(object? value, string name)
    {
        if (value is UndefinedValue undefined)
            throw undefined.Fail();
        return Lookup.TryAttribute(value, name, out object? found) ? found : UndefinedValue.Member(value, name);
    }

    private static object ToJson(RenderState state, object? value, object?[] a)
    {
        string? indent = a[1] switch
        {
            null => null,
            string text => text,
            MarkupValue markup => markup.Text,
            object number => Indent(state, StringMethods.Int(number)),
        };
        (string item, string key) = (indent is null ? ", " : ",", ": ");
        if (a[2] is not null)
        {
            object?[] separators = Iteration.ToArray(state, a[2]);
            if (separators is not [var first, var second])
                throw new TemplateError("separators must be a pair");
            (item, key) = (StringMethods.Text(first), StringMethods.Text(second));
        }

        return new JsonPrinter(state, Iteration.IsTrue(a[0]), indent, item, key, Iteration.IsTrue(a[3])).Print(value);
    }

    private static string Indent(RenderState state, int width)
    {
        state.Reserve(Math.Max(width, 0));
        return new string(' ', Math.Max(width, 0));
    }
}
