using System.Text;

namespace Triptych.Tokenizers.Templates;

/// <summary>Filters of lists and other values with items.</summary>
internal static class SequenceFilters
{
    public static readonly (string, string, BuiltinBody)[] All =
    [
        ("list", "/", (state, value, _) => Iteration.ToList(state, value)),
        ("first", "/", First),
        ("last", "/", Last),
        ("random", "/", Random),
        ("join", "d=''; attribute=None", Join),
        ("sort", "reverse=False; case_sensitive=False; attribute=None", Sort),
        ("dictsort", "case_sensitive=False; by='key'; reverse=False", DictSort),
        ("unique", "case_sensitive=False; attribute=None", (state, value, a) => new IteratorValue("generator", Unique(state, value, a), "sync_do_unique")),
        ("reverse", "/", Reverse),
        ("sum", "attribute=None; start=0", Sum),
        ("min", "case_sensitive=False; attribute=None", (state, value, a) => Extreme(state, value, a, isMax: false)),
        ("max", "case_sensitive=False; attribute=None", (state, value, a) => Extreme(state, value, a, isMax: true)),
        ("batch", "linecount; fill_with=None", (state, value, a) => new IteratorValue("generator", Batch(state, value, a), "do_batch")),
        ("slice", "slices; fill_with=None", (state, value, a) => new IteratorValue("generator", Slice(state, value, a), "sync_do_slice")),
        ("groupby", "attribute; default=None; case_sensitive=False", GroupBy),
        ("items", "/", (state, value, _) => new IteratorValue("generator", Pairs(state, value), "do_items")),
    ];

    private static object? First(RenderState state, object? value, object?[] arguments)
    {
        foreach (object? item in Iteration.Items(state, value))
            return item;
        return UndefinedValue.Because("No first item, sequence was empty.");
    }

    private static object? Last(RenderState state, object? value, object?[] arguments)
    {
        if (value is SequenceValue { Count: > 0 } sequence)
            return sequence.Items[^1];
        IteratorValue reversed = Iteration.Reversed(state, value)
            ?? throw new TemplateError($"'{PythonTypes.NameOf(value)}' object is not reversible");
        return reversed.TryNext(out object? item) ? item : UndefinedValue.Because("No last item, sequence was empty.");
    }

    private static object? Random(RenderState state, object? value, object?[] arguments)
    {
        if (Iteration.Length(value) is not { } length)
            throw new TemplateError($"object of type '{PythonTypes.NameOf(value)}' has no len()");
        if (length == 0)
            return UndefinedValue.Because("No random item, sequence was empty.");
        object at = Numbers.Box(System.Random.Shared.NextInt64(length));
        return Lookup.TryItem(value, at, out object? item) ? item : throw new TemplateError("the value has no items by number");
    }

    private static object Join(RenderState state, object? value, object?[] a)
    {
        string separator = Printer.ToText(state, a[0]);
        Func<object?, object?> get = Getter(a[1]);
        var result = new StringBuilder();
        bool first = true;
        foreach (object? item in Iteration.Items(state, value))
        {
            StringMethods.Append(state, result, first ? "" : separator, Printer.ToText(state, get(item)));
            first = false;
        }

        return result.ToString();
    }

    private static object Sort(RenderState state, object? value, object?[] a)
    {
        object?[] items = [.. Iteration.ToList(state, value).Items];
        Func<object?, object?>[] getters = a[2] is string names ? [.. names.Split(',').Select(name => Getter(name))] : [Getter(a[2])];
        bool sensitive = Iteration.IsTrue(a[1]);
        object? Key(object? item, int i) => Cased(getters[i](item), sensitive);
        state.ReserveItems((long)items.Length * getters.Length);
        object?[] keys = Array.ConvertAll(items, item => (object?)new ListValue([.. getters.Select((_, i) => Key(item, i))]));
        Comparison.Sort(state, keys, items, Iteration.IsTrue(a[0]));
        return new ListValue(items);
    }

    private static object DictSort(RenderState state, object? value, object?[] a)
    {
        if (value is UndefinedValue undefined)
            throw undefined.Fail();
        int at = a[1] switch
        {
            "key" => 0,
            "value" => 1,
            _ => throw new TemplateError("You can only sort by either \"key\" or \"value\""),
        };
        if (value is not DictValue dict)
            throw new TemplateError($"'{PythonTypes.NameOf(value)}' object has no attribute 'items'");
        object?[] items = Iteration.ToArray(state, new DictView(dict, DictViewKind.Items));
        object?[] keys = Array.ConvertAll(items, item => Cased(((TupleValue)item!).Items[at], Iteration.IsTrue(a[0])));
        Comparison.Sort(state, keys, items, Iteration.IsTrue(a[2]));
        return new ListValue(items);
    }

    private static IEnumerable<object?> Unique(RenderState state, object? value, object?[] a)
    {
        Func<object?, object?> get = Getter(a[1]);
        var seen = new HashSet<object>(KeyComparer.Instance);
        foreach (object? item in Iteration.Items(state, value))
        {
            state.ReserveItems(1);
            if (seen.Add(Cased(get(item), Iteration.IsTrue(a[0])) ?? KeyComparer.None))
                yield return item;
        }
    }

    private static object? Reverse(RenderState state, object? value, object?[] arguments)
    {
        if (value is string or MarkupValue)
        {
            string text = value.ToString()!;
            state.Reserve(text.Length);
            return value is MarkupValue ? new MarkupValue(CodePoints.Reverse(text)) : CodePoints.Reverse(text);
        }

        if (Iteration.Reversed(state, value) is { } reversed)
            return reversed;
        if (!Iteration.IsIterable(value))
            throw new TemplateError("argument must be iterable");
        object?[] items = Iteration.ToList(state, value).Items;
        Array.Reverse(items);
        return new ListValue(items);
    }

    private static object? Sum(RenderState state, object? value, object?[] a)
    {
        Func<object?, object?> get = Getter(a[0]);
        object? sum = a[1];
        if (sum is string or MarkupValue)
            throw new TemplateError("sum() can't sum strings [use ''.join(seq) instead]");
        double correction = 0;
        bool isExact = true;
        foreach (object? item in Iteration.Items(state, value))
        {
            object? next = get(item);
            if (isExact && sum is double total && Numbers.IsNumber(next))
            {
                sum = AddFloat(total, Numbers.ToDouble(next!), ref correction);
                continue;
            }

            isExact &= sum is not double && Numbers.IsNumber(next);
            sum = Arithmetic.Add(state, sum is double part ? part + correction : sum, next);
            correction = 0;
        }

        return sum is double result && correction != 0 && double.IsFinite(correction) ? result + correction : sum;
    }

    /// <summary>Adds as Python's <c>sum</c> does: what rounding loses is kept and added in the end (Neumaier 1974).</summary>
    private static double AddFloat(double total, double next, ref double correction)
    {
        double sum = total + next;
        correction += Math.Abs(total) >= Math.Abs(next) ? total - sum + next : next - sum + total;
        return sum;
    }

    private static object? Extreme(RenderState state, object? value, object?[] a, bool isMax)
    {
        Func<object?, object?> get = Getter(a[1]);
        bool any = false;
        object? best = null, bestKey = null;
        foreach (object? item in Iteration.Items(state, value))
        {
            object? key = Cased(get(item), Iteration.IsTrue(a[0]));
            if (any && !(isMax ? Comparison.IsLess(bestKey, key, false, ">") : Comparison.IsLess(key, bestKey, false, "<")))
                continue;
            (any, best, bestKey) = (true, item, key);
        }

        return any ? best : UndefinedValue.Because("No aggregated item, sequence was empty.");
    }

    private static IEnumerable<object?> Batch(RenderState state, object? value, object?[] a)
    {
        var row = new List<object?>();
        foreach (object? item in Iteration.Items(state, value))
        {
            if (Comparison.AreEqual(Numbers.Box((long)row.Count), a[0]))
            {
                yield return new ListValue([.. row]);
                row.Clear();
            }

            state.ReserveItems(1);
            row.Add(item);
        }

        if (row.Count == 0)
            yield break;
        if (a[1] is not null && Comparison.IsLess(Numbers.Box((long)row.Count), a[0], false, "<"))
        {
            int missing = StringMethods.Int(a[0]) - row.Count;
            state.ReserveItems(missing);
            row.AddRange(Enumerable.Repeat(a[1], missing));
        }

        yield return new ListValue([.. row]);
    }

    private static IEnumerable<object?> Slice(RenderState state, object? value, object?[] a)
    {
        object?[] items = Iteration.ToArray(state, value);
        int slices = StringMethods.Int(a[0]);
        if (slices == 0)
            throw new TemplateError("integer division or modulo by zero");
        int size = slices < 0 ? 0 : items.Length / slices, extra = slices < 0 ? 0 : items.Length % slices;
        for (int i = 0, start = 0; i < slices; i++)
        {
            int end = start + size + (i < extra ? 1 : 0);
            state.ReserveItems(end - start + 1L);
            yield return a[1] is not null && i >= extra
                ? new ListValue([.. items[start..end], a[1]]) : new ListValue(items[start..end]);
            start = end;
        }
    }

    private static object GroupBy(RenderState state, object? value, object?[] a)
    {
        bool sensitive = Iteration.IsTrue(a[2]);
        Func<object?, object?> get = Getter(a[0], a[1]);
        object?[] items = [.. Iteration.ToList(state, value).Items];
        object?[] keys = Array.ConvertAll(items, item => Cased(get(item), sensitive));
        state.ReserveItems(items.Length * 4L);
        Comparison.Sort(state, keys, items, reverse: false);
        var groups = new List<object?>();
        for (int start = 0, end; start < items.Length; start = end)
        {
            object? key = Cased(get(items[start]), sensitive);
            end = start + 1;
            while (end < items.Length && Comparison.AreEqual(key, Cased(get(items[end]), sensitive)))
                end++;
            groups.Add(new GroupValue(sensitive ? key : get(items[start]), new ListValue(items[start..end])));
        }

        return new ListValue([.. groups]);
    }

    private static IEnumerable<object?> Pairs(RenderState state, object? value)
    {
        if (value is UndefinedValue)
            yield break;
        if (value is not DictValue dict)
            throw new TemplateError("Can only get item pairs from a mapping.");
        foreach (object? pair in Iteration.Items(state, new DictView(dict, DictViewKind.Items)))
            yield return pair;
    }

    /// <summary>Looks up an attribute such as <c>address.city</c> or <c>tags.0</c>; the value itself if there is none.</summary>
    public static Func<object?, object?> Getter(object? attribute) => Getter(attribute, null);

    public static Func<object?, object?> Getter(object? attribute, object? otherwise)
    {
        object?[] parts = attribute switch
        {
            null => [],
            string or MarkupValue => [.. attribute.ToString()!.Split('.').Select(
                part => part.Length > 0 && !part.AsSpan().ContainsAnyExceptInRange('0', '9')
                    ? Numbers.Box(Numbers.ParseDigits(part, 10) ?? throw new TemplateError("the attribute has too many digits")) : part)],
            _ => [attribute],
        };
        return item =>
        {
            foreach (object? part in parts)
            {
                item = Lookup.Item(item, part);
                if (otherwise is not null && item is UndefinedValue)
                    item = otherwise;
            }

            return item;
        };
    }

    private static object? Cased(object? value, bool sensitive) =>
        sensitive || value is not (string or MarkupValue) ? value : CaseMapping.Lower(value.ToString()!);
}
