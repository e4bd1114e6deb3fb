namespace Triptych.Tokenizers.Templates;

/// <summary>Going through values, and asking how many there are.</summary>
internal static class Iteration
{
    public static bool IsTrue(object? value) => value switch
    {
        null or UndefinedValue => false,
        bool flag => flag,
        string text => text.Length > 0,
        long number => number != 0,
        double number => number != 0,
        MarkupValue markup => markup.Text.Length > 0,
        SequenceValue sequence => sequence.Count > 0,
        DictValue dict => dict.Count > 0,
        DictView view => view.Dict.Count > 0,
        RangeValue range => range.Count > 0,
        LoopValue loop => loop.GetLength() > 0,
        _ => true,
    };

    /// <summary>The length of a value, or null if it has none.</summary>
    public static long? Length(object? value) => value switch
    {
        string text => CodePoints.Count(text),
        MarkupValue markup => CodePoints.Count(markup.Text),
        SequenceValue sequence => sequence.Count,
        DictValue dict => dict.Count,
        DictView view => view.Dict.Count,
        RangeValue range => range.Count,
        UndefinedValue => 0,
        LoopValue loop => loop.GetLength(),
        _ => null,
    };

    public static bool IsIterable(object? value) =>
        value is string or MarkupValue or SequenceValue or DictValue or DictView or RangeValue or UndefinedValue or IteratorValue or LoopValue;

    public static TemplateError NotIterable(object? value) => new($"'{PythonTypes.NameOf(value)}' object is not iterable");

    /// <summary>Goes through a value; each item is a step.</summary>
    /// <exception cref="TemplateError">Before the first item: the value cannot be gone through.</exception>
    public static IEnumerable<object?> Items(RenderState state, object? value) => value switch
    {
        SequenceValue sequence => Counted(state, sequence.Count, index => sequence.Items[index]),
        DictValue dict => Counted(state, dict.Count, dict.KeyAt),
        DictView view => Counted(state, view.Dict.Count, index => view[index]),
        RangeValue range => Counted(state, (int)range.Count, index => range[index]),
        string or MarkupValue => Characters(state, value.ToString()!),
        UndefinedValue => [],
        IteratorValue iterator => Rest(state, iterator),
        LoopValue loop => loop.Rest(state),
        _ => throw NotIterable(value),
    };

    /// <summary>The items of a value as an array, which may be the value's own.</summary>
    public static object?[] ToArray(RenderState state, object? value)
    {
        if (value is SequenceValue sequence)
            return sequence.Items;
        var items = new List<object?>();
        foreach (object? item in Items(state, value))
        {
            state.ReserveItems(1);
            items.Add(item);
        }

        return [.. items];
    }

    public static ListValue ToList(RenderState state, object? value)
    {
        object?[] items = ToArray(state, value);
        state.ReserveItems(items.Length);
        return new ListValue(value is SequenceValue ? [.. items] : items);
    }

    /// <summary>The items from the last to the first, or null where that is not possible.</summary>
    public static IteratorValue? Reversed(RenderState state, object? value)
    {
        string? type = value switch
        {
            ListValue => "list_reverseiterator",
            TupleValue or string or MarkupValue or UndefinedValue => "reversed",
            DictValue or DictView => "dict_reversekeyiterator",
            RangeValue => "range_iterator",
            _ => null,
        };
        return type is null ? null : new IteratorValue(type, Backwards(state, value));
    }

    private static IEnumerable<object?> Backwards(RenderState state, object? value)
    {
        object?[] items = ToArray(state, value);
        for (int i = items.Length - 1; i >= 0; i--)
        {
            state.Step();
            yield return value is MarkupValue ? new MarkupValue((string)items[i]!) : items[i];
        }
    }

    private static IEnumerable<object?> Counted(RenderState state, int count, Func<int, object?> item)
    {
        for (int i = 0; i < count; i++)
        {
            state.Step();
            yield return item(i);
        }
    }

    /// <summary>Characters are plain texts, those of markup too, of which only indexing makes markup.</summary>
    private static IEnumerable<object?> Characters(RenderState state, string text)
    {
        for (int at = 0; at < text.Length;)
        {
            state.Step();
            int length = CodePoints.LengthAt(text, at);
            yield return length == 1 ? CodePoints.Single(text[at]) : text.Substring(at, length);
            at += length;
        }
    }

    private static IEnumerable<object?> Rest(RenderState state, IteratorValue iterator)
    {
        while (iterator.TryNext(out object? item))
        {
            state.Step();
            yield return item;
        }
    }

    /// <summary>Whether a container holds a value.</summary>
    public static bool Contains(RenderState state, object? container, object? value)
    {
        if (container is string or MarkupValue)
        {
            string text = container.ToString()!;
            if (value is not (string or MarkupValue))
                throw new TemplateError($"'in <string>' requires string as left operand, not {PythonTypes.NameOf(value)}");
            string sought = value.ToString()!;
            state.Search(text.Length, sought.Length);
            return text.Contains(sought, StringComparison.Ordinal);
        }

        switch (container)
        {
            case DictValue dict:
                return dict.Contains(value);
            case DictView { Kind: DictViewKind.Keys } keys:
                return keys.Dict.Contains(value);
            case RangeValue range when Numbers.TryLong(value, out long number):
                long distance = range.Step > 0 ? number - range.Start : range.Start - number;
                return range.Count > 0 && distance >= 0 && distance % Math.Abs(range.Step) == 0
                    && distance / Math.Abs(range.Step) < range.Count;
            case SequenceValue or DictView or RangeValue or IteratorValue or UndefinedValue or LoopValue:
                foreach (object? item in Items(state, container))
                {
                    if (ReferenceEquals(item, value) || Comparison.AreEqual(item, value))
                        return true;
                }

                return false;
            default:
                throw new TemplateError($"argument of type '{PythonTypes.NameOf(container)}' is not iterable");
        }
    }
}
