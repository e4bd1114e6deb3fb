using System.Globalization;

namespace Triptych.Tokenizers.Templates;

/// <summary>The functions that templates can call.</summary>
internal static class Globals
{
    /// <summary>The most numbers of a range, as in Jinja's sandbox.</summary>
    private const int MaxRange = 100_000;

    private static readonly Dictionary<string, FunctionValue> Table = new[]
    {
        new Builtin("safe_range", "/; start; stop=None; step=1", (_, _, a) => Range(a)),
        new Builtin("dict", "*", (state, _, a) => MakeDict(state, a), typeName: "dict"),
        new Builtin("namespace", "*", (state, _, a) => new NamespaceValue(MakeDict(state, a)), typeName: "jinja2.utils.Namespace"),
        new Builtin("cycler", "*", (_, _, a) => MakeCycler(a), typeName: "jinja2.utils.Cycler"),
        new Builtin("joiner", "sep=', '", (_, _, a) => new JoinerValue(a[0]), typeName: "jinja2.utils.Joiner"),
        new Builtin("lipsum", "*", (_, _, _) => throw new TemplateError("lipsum is not supported")),
        new Builtin("raise_exception", "message", (state, _, a) => throw new TemplateError(Printer.ToText(state, a[0]))),
        new Builtin("strftime_now", "format", (state, _, a) => TimeFormat.Format(state, StringMethods.Text(a[0]))),
    }.ToDictionary(builtin => builtin.Name == "safe_range" ? "range" : builtin.Name, builtin => new FunctionValue(builtin, null, isMethod: false), StringComparer.Ordinal);

    public static FunctionValue? Find(string name) => Table.GetValueOrDefault(name);

    public static DictValue CopyOf(RenderState state, DictValue dict)
    {
        state.ReserveItems(dict.Count * 2L);
        var copy = new DictValue(dict.Count);
        for (int i = 0; i < dict.Count; i++)
            copy.Set(dict.KeyAt(i), dict.ValueAt(i));
        return copy;
    }

    private static RangeValue Range(object?[] arguments)
    {
        long first = IndexOf(arguments[0]);
        RangeValue range = arguments[1] is null && ReferenceEquals(arguments[2], Numbers.Box(1L)) ? new RangeValue(0, first, 1)
            : new RangeValue(first, IndexOf(arguments[1]), IndexOf(arguments[2]) is not 0 and long step
                ? step : throw new TemplateError("range() arg 3 must not be zero"));
        return range.Count <= MaxRange ? range : throw new TemplateError(string.Create(CultureInfo.InvariantCulture,
            $"Range too big. The sandbox blocks ranges larger than MAX_RANGE ({MaxRange})."));
    }

    private static long IndexOf(object? value) => Numbers.TryLong(value, out long number) ? number
        : value is UndefinedValue undefined ? throw undefined.Fail()
        : value is System.Numerics.BigInteger ? throw new TemplateError("the number for range is too large")
        : throw new TemplateError($"'{PythonTypes.NameOf(value)}' object cannot be interpreted as an integer");

    private static DictValue MakeDict(RenderState state, object?[] arguments)
    {
        object?[] positional = ((TupleValue)arguments[0]!).Items;
        var named = (DictValue)arguments[1]!;
        if (positional.Length > 1)
            throw new TemplateError($"dict expected at most 1 argument, got {positional.Length}");
        var dict = new DictValue();
        if (positional is [UndefinedValue undefined])
            throw undefined.Fail();
        if (positional is [DictValue given])
            dict = CopyOf(state, given);
        else if (positional is [var pairs])
            AddPairs(state, dict, pairs);
        state.ReserveItems(named.Count * 2L);
        for (int i = 0; i < named.Count; i++)
            dict.Set(named.KeyAt(i), named.ValueAt(i));
        return dict;
    }

    private static void AddPairs(RenderState state, DictValue dict, object? pairs)
    {
        foreach (object? pair in Iteration.Items(state, pairs))
        {
            if (!Iteration.IsIterable(pair) || Iteration.ToArray(state, pair) is not [var key, var value])
                throw new TemplateError("dictionary update sequence elements must be pairs");
            state.ReserveItems(2);
            dict.Set(key, value);
        }
    }

    private static CyclerValue MakeCycler(object?[] arguments)
    {
        if (((DictValue)arguments[1]!).Count > 0)
            throw new TemplateError("cycler() takes no keyword arguments");
        object?[] items = ((TupleValue)arguments[0]!).Items;
        return items.Length > 0 ? new CyclerValue(items) : throw new TemplateError("at least one item has to be provided");
    }
}
