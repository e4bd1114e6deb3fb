namespace Triptych.Tokenizers.Templates;

/// <summary>Filters that apply a filter or a test to each item.</summary>
internal static class SelectionFilters
{
    public static readonly (string, string, BuiltinBody)[] All =
    [
        ("map", "*", (state, value, a) => new IteratorValue("generator", Map(state, value, a), "sync_do_map")),
        ("select", "*", (state, value, a) => new IteratorValue("generator", Select(state, value, a, wanted: true, byAttribute: false), "select_or_reject")),
        ("reject", "*", (state, value, a) => new IteratorValue("generator", Select(state, value, a, wanted: false, byAttribute: false), "select_or_reject")),
        ("selectattr", "*", (state, value, a) => new IteratorValue("generator", Select(state, value, a, wanted: true, byAttribute: true), "select_or_reject")),
        ("rejectattr", "*", (state, value, a) => new IteratorValue("generator", Select(state, value, a, wanted: false, byAttribute: true), "select_or_reject")),
    ];

    private static IEnumerable<object?> Map(RenderState state, object? value, object?[] a)
    {
        if (!Iteration.IsTrue(value))
            yield break;
        Func<object?, object?> change = Mapping(state, ((TupleValue)a[0]!).Items, (DictValue)a[1]!);
        foreach (object? item in Iteration.Items(state, value))
            yield return change(item);
    }

    private static Func<object?, object?> Mapping(RenderState state, object?[] positional, DictValue named)
    {
        if (positional.Length == 0 && named.TryGet("attribute", out object? attribute))
        {
            for (int i = 0; i < named.Count; i++)
            {
                if (named.KeyAt(i) is not ("attribute" or "default"))
                    throw new TemplateError($"Unexpected keyword argument '{named.KeyAt(i)}'");
            }

            return SequenceFilters.Getter(attribute, named.TryGet("default", out object? otherwise) ? otherwise : null);
        }

        if (positional.Length == 0)
            throw new TemplateError("map requires a filter argument");
        Builtin? filter = null;
        var arguments = new Arguments(positional[1..], named.Count > 0 ? named : null);
        return item => (filter ??= Named(positional[0], "filter", Filters.Find)).Invoke(state, item, arguments);
    }

    private static IEnumerable<object?> Select(RenderState state, object? value, object?[] a, bool wanted, bool byAttribute)
    {
        if (!Iteration.IsTrue(value))
            yield break;
        object?[] positional = ((TupleValue)a[0]!).Items;
        var named = (DictValue)a[1]!;
        if (byAttribute && positional.Length == 0)
            throw new TemplateError("Missing parameter for attribute name");
        Func<object?, object?> get = SequenceFilters.Getter(byAttribute ? positional[0] : null);
        object?[] rest = byAttribute ? positional[1..] : positional;
        Builtin? test = null;
        var arguments = new Arguments(rest.Length == 0 ? [] : rest[1..], named.Count > 0 ? named : null);
        foreach (object? item in Iteration.Items(state, value))
        {
            object? examined = get(item);
            if (rest.Length > 0)
                examined = (test ??= Named(rest[0], "test", Tests.Find)).Invoke(state, examined, arguments);
            if (Iteration.IsTrue(examined) == wanted)
                yield return item;
        }
    }

    private static Builtin Named(object? name, string kind, Func<string?, Builtin?> find)
    {
        _ = KeyComparer.HashOf(name, 0);
        return find(name as string ?? (name as MarkupValue)?.Text)
            ?? throw new TemplateError($"No {kind} named {PythonTypes.Describe(name)}.");
    }
}
