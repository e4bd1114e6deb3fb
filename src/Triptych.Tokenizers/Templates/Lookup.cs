namespace Triptych.Tokenizers.Templates;

/// <summary>Attributes and items as the sandbox finds them.</summary>
internal static class Lookup
{
    /// <summary><c>owner.name</c>: an attribute, or else an item.</summary>
    public static object? Attribute(object? owner, string name)
    {
        if (owner is UndefinedValue undefined && !IsSpecial(owner, name))
            throw undefined.Fail();
        if (TryAttribute(owner, name, out object? value))
            return value;
        return owner is DictValue dict && dict.TryGet(name, out value) ? value : UndefinedValue.Member(owner, name);
    }

    /// <summary><c>owner[key]</c>: an item, or else an attribute.</summary>
    public static object? Item(object? owner, object? key)
    {
        if (owner is UndefinedValue undefined)
            throw undefined.Fail();
        if (TryItem(owner, key, out object? value))
            return value;
        return key is string or MarkupValue && TryAttribute(owner, key.ToString()!, out value) ? value : UndefinedValue.Member(owner, key);
    }

    public static bool TryItem(object? owner, object? key, out object? value)
    {
        value = null;
        if (owner is DictValue dict)
            return key is string text ? dict.TryGet(text, out value) : IsHashable(key) && dict.TryGet(key, out value);
        if (!Numbers.TryLong(key, out long index) || Iteration.Length(owner) is not { } length)
            return false;
        index = index < 0 ? index + length : index;
        if (index < 0 || index >= length)
            return false;
        switch (owner)
        {
            case SequenceValue sequence:
                value = sequence.Items[index];
                return true;
            case RangeValue range:
                value = range[index];
                return true;
            case string text:
                value = CodePoints.Slice(text, index, 1, 1);
                return true;
            case MarkupValue markup:
                value = new MarkupValue(CodePoints.Slice(markup.Text, index, 1, 1));
                return true;
            default:
                return false;
        }
    }

    /// <summary>A method or property; those that the sandbox keeps away are undefined values that fail when used.</summary>
    public static bool TryAttribute(object? owner, string name, out object? value)
    {
        if (owner is NamespaceValue space)
        {
            bool found = space.Attributes.TryGet(name, out value);
            if (found && name.StartsWith('_'))
                value = Unsafe(owner, name);
            return found;
        }

        if (name.StartsWith('_'))
        {
            bool exists = IsSpecial(owner, name);
            value = exists ? Unsafe(owner, name) : null;
            return exists;
        }

        if (Members.FindMethod(owner, name) is { } method)
        {
            value = new FunctionValue(method, owner, isMethod: true);
            return true;
        }

        if (Members.IsMutator(owner, name))
        {
            value = Unsafe(owner, name);
            return true;
        }

        return Members.TryProperty(owner, name, out value);
    }

    /// <summary><c>owner[start:stop:step]</c>.</summary>
    public static object? Slice(RenderState state, object? owner, object? start, object? stop, object? step)
    {
        if (owner is UndefinedValue undefined)
            throw undefined.Fail();
        if (owner is not (string or MarkupValue or SequenceValue or RangeValue))
        {
            throw new TemplateError(owner is DictValue
                ? "unhashable type: 'slice'" : $"'{PythonTypes.NameOf(owner)}' object is not subscriptable");
        }

        long length = Iteration.Length(owner)!.Value, by = Index(step) ?? 1;
        if (by == 0)
            throw new TemplateError("slice step cannot be zero");
        long first = Clamp(Index(start), by > 0 ? 0 : length - 1, length, by);
        long last = Clamp(Index(stop), by > 0 ? length : -1, length, by);
        long count = by > 0 ? first < last ? (last - first - 1) / by + 1 : 0
            : first > last ? (first - last - 1) / -Math.Max(by, -long.MaxValue) + 1 : 0;
        if (owner is RangeValue range)
            return SliceRange(range, first, last, by);
        state.Reserve(owner is SequenceValue ? count * 8 : count);
        if (owner is SequenceValue sequence)
        {
            var items = new object?[count];
            for (int i = 0; i < items.Length; i++)
                items[i] = sequence.Items[first + i * by];
            return sequence.Make(items);
        }

        string text = count == 0 ? "" : CodePoints.Slice(owner.ToString()!, first, count, by);
        return owner is MarkupValue ? new MarkupValue(text) : text;
    }

    /// <summary>Whether a value and the bounds of a slice are of the right types; what is undefined fails by itself.</summary>
    public static bool CanSlice(object? owner, params ReadOnlySpan<object?> bounds)
    {
        if (owner is UndefinedValue)
            return true;
        foreach (object? bound in bounds)
        {
            if (bound is not null && !Numbers.IsInteger(bound))
                return false;
        }

        return owner is string or MarkupValue or SequenceValue or RangeValue;
    }

    private static RangeValue SliceRange(RangeValue range, long first, long last, long by)
    {
        try
        {
            return checked(new RangeValue(range.Start + first * range.Step, range.Start + last * range.Step, range.Step * by));
        }
        catch (OverflowException)
        {
            throw new TemplateError("the slice of a range is too large");
        }
    }

    private static long? Index(object? value) => value switch
    {
        null => null,
        UndefinedValue or double or string or SequenceValue => throw NotIndex(),
        System.Numerics.BigInteger big => big.Sign < 0 ? -long.MaxValue : long.MaxValue,
        _ => Numbers.TryLong(value, out long index) ? index : throw NotIndex(),
    };

    private static TemplateError NotIndex() => new("slice indices must be integers or None");

    private static long Clamp(long? index, long otherwise, long length, long step)
    {
        if (index is not { } at)
            return otherwise;
        if (at < 0)
            return Math.Max(at + length, step > 0 ? 0 : -1);
        return Math.Min(at, step > 0 ? length : length - 1);
    }

    private static bool IsHashable(object? key, int depth = 0)
    {
        if (key is not TupleValue tuple)
            return key is not (ListValue or DictValue or DictView { Kind: not DictViewKind.Values });
        Comparison.Descend(depth);
        return tuple.Items.All(item => IsHashable(item, depth + 1));
    }

    private static UndefinedValue Unsafe(object? owner, string name) => UndefinedValue.Because(
        $"access to attribute '{name}' of '{PythonTypes.NameOf(owner)}' object is unsafe.");

    /// <summary>Whether a value has a special attribute of Python's, to which there is no access.</summary>
    private static bool IsSpecial(object? owner, string name) => name is
            "__class__" or "__delattr__" or "__dir__" or "__doc__" or "__eq__" or "__format__" or "__ge__" or "__getattribute__"
            or "__getstate__" or "__gt__" or "__hash__" or "__init__" or "__init_subclass__" or "__le__" or "__lt__" or "__ne__"
            or "__new__" or "__reduce__" or "__reduce_ex__" or "__repr__" or "__setattr__" or "__sizeof__" or "__str__"
            or "__subclasshook__"
        || owner is string or SequenceValue or DictValue or MarkupValue or UndefinedValue && name is
            "__contains__" or "__getitem__" or "__iter__" or "__len__" or "__add__" or "__mul__" or "__rmul__" or "__getnewargs__"
        || owner is MacroValue or FunctionValue or LoopValue && name is "__call__" or "__name__" or "__self__" or "__dict__" or "__module__";
}
