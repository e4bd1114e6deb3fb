using System.Runtime.CompilerServices;

namespace Triptych.Tokenizers.Templates;

/// <summary>Python's comparisons.</summary>
internal static class Comparison
{
    /// <summary>How deep values may be nested that are compared or printed.</summary>
    public const int MaxDepth = 200;

    public static bool AreEqual(object? left, object? right, int depth = 0)
    {
        if (ReferenceEquals(left, right))
            return !Numbers.IsNaN(left);
        if (left is string a && right is string b)
        {
            if (a.Length == b.Length)
                RenderState.ScanLong(a.Length);
            return a == b;
        }

        if (left is null || right is null)
            return false;
        if (Numbers.IsNumber(left))
            return Numbers.IsNumber(right) && !Numbers.IsNaN(left) && !Numbers.IsNaN(right) && Numbers.Compare(left, right) == 0;
        if (left is string or MarkupValue)
            return right is string or MarkupValue && string.Equals(left.ToString(), right.ToString(), StringComparison.Ordinal);
        Descend(depth);
        return (left, right) switch
        {
            (UndefinedValue, UndefinedValue) => true,
            (ListValue or TupleValue, SequenceValue other) =>
                left is ListValue == other is ListValue && AreEqual((SequenceValue)left, other, depth),
            (DictValue one, DictValue other) => AreEqual(one, other, depth),
            (RangeValue one, RangeValue other) => one.Count == other.Count
                && (one.Count == 0 || one.Start == other.Start && (one.Count == 1 || one.Step == other.Step)),
            (DictView one, DictView other) => AreEqual(one, other),
            (FunctionValue one, FunctionValue other) => one.Builtin == other.Builtin && ReferenceEquals(one.Self, other.Self),
            _ => false,
        };
    }

    /// <summary>Whether the left comes before the right, or with it where <paramref name="orEqual"/> is set.</summary>
    /// <param name="left">A value.</param>
    /// <param name="right">Another.</param>
    /// <param name="orEqual">Whether equal values count.</param>
    /// <param name="sign">The operator, for errors.</param>
    /// <param name="depth">How deep inside other values these are.</param>
    /// <exception cref="TemplateError">Values of these types have no order.</exception>
    public static bool IsLess(object? left, object? right, bool orEqual, string sign, int depth = 0)
    {
        if (left is string a && right is string b)
            return Order(CompareText(a, b), orEqual);
        if (left is not null && right is not null && Numbers.IsNumber(left) && Numbers.IsNumber(right))
            return !Numbers.IsNaN(left) && !Numbers.IsNaN(right) && Order(Numbers.Compare(left, right), orEqual);
        if (left is UndefinedValue undefined || (undefined = (right as UndefinedValue)!) is not null)
            throw undefined.Fail();
        if (left is string or MarkupValue && right is string or MarkupValue)
            return Order(CompareText(left.ToString()!, right.ToString()!), orEqual);
        if (left is SequenceValue one && right is SequenceValue other && one is ListValue == other is ListValue)
            return IsLess(one, other, orEqual, sign, depth);
        throw new TemplateError(
            $"'{sign}' not supported between instances of '{PythonTypes.NameOf(left)}' and '{PythonTypes.NameOf(right)}'");
    }

    /// <summary>
    /// Accounts for a look into a value. Values can hold another many times over, so that they are far larger than what was made.
    /// </summary>
    public static void Descend(int depth)
    {
        CheckDepth(depth);
        RenderState.Current?.Step();
    }

    public static void CheckDepth(int depth)
    {
        if (depth > MaxDepth || (depth & 15) == 15 && !RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw new TemplateError("the value is nested too deeply");
    }

    /// <summary>A stable sort; only the order of two values is asked for, as in Python.</summary>
    public static void Sort(RenderState state, object?[] keys, object?[] items, bool reverse) =>
        Sort(state, items, (i, j) => reverse ? IsLess(keys[i], keys[j], false, "<") : IsLess(keys[j], keys[i], false, "<"));

    /// <summary>A stable sort by whether the item of a number comes after that of another.</summary>
    public static void Sort(RenderState state, object?[] items, Func<int, int, bool> comesAfter)
    {
        var order = new int[items.Length];
        for (int i = 0; i < order.Length; i++)
            order[i] = i;
        MergeSort(order, new int[order.Length], 0, order.Length, (i, j) =>
        {
            state.Step();
            return comesAfter(i, j);
        });
        object?[] copy = [.. items];
        for (int i = 0; i < order.Length; i++)
            items[i] = copy[order[i]];
    }

    private static void MergeSort(int[] order, int[] space, int start, int end, Func<int, int, bool> comesAfter)
    {
        if (end - start < 2)
            return;
        int middle = (start + end) / 2;
        MergeSort(order, space, start, middle, comesAfter);
        MergeSort(order, space, middle, end, comesAfter);
        order.AsSpan(start, end - start).CopyTo(space.AsSpan(start));
        for (int at = start, left = start, right = middle; at < end; at++)
        {
            bool takeRight = left == middle || right < end && comesAfter(space[left], space[right]);
            order[at] = takeRight ? space[right++] : space[left++];
        }
    }

    private static bool Order(int comparison, bool orEqual) => orEqual ? comparison <= 0 : comparison < 0;

    /// <summary>Compares by code points: surrogates come after all other characters of the basic plane.</summary>
    private static int CompareText(string a, string b)
    {
        RenderState.ScanLong(Math.Min(a.Length, b.Length));
        int at = a.AsSpan().CommonPrefixLength(b);
        if (at == a.Length || at == b.Length)
            return a.Length.CompareTo(b.Length);
        bool aIsSurrogate = char.IsSurrogate(a[at]), bIsSurrogate = char.IsSurrogate(b[at]);
        return aIsSurrogate == bIsSurrogate ? a[at].CompareTo(b[at]) : aIsSurrogate ? 1 : -1;
    }

    private static bool AreEqual(SequenceValue left, SequenceValue right, int depth)
    {
        if (left.Count != right.Count)
            return false;
        for (int i = 0; i < left.Count; i++)
        {
            if (!ReferenceEquals(left.Items[i], right.Items[i]) && !AreEqual(left.Items[i], right.Items[i], depth + 1))
                return false;
        }

        return true;
    }

    private static bool AreEqual(DictValue left, DictValue right, int depth)
    {
        if (left.Count != right.Count)
            return false;
        for (int i = 0; i < left.Count; i++)
        {
            if (!right.TryGet(left.KeyAt(i), out object? other)
                || !ReferenceEquals(left.ValueAt(i), other) && !AreEqual(left.ValueAt(i), other, depth + 1))
                return false;
        }

        return true;
    }

    private static bool AreEqual(DictView left, DictView right)
    {
        if (left.Kind != right.Kind || left.Kind == DictViewKind.Values || left.Dict.Count != right.Dict.Count)
            return false;
        for (int i = 0; i < left.Dict.Count; i++)
        {
            if (!right.Dict.TryGet(left.Dict.KeyAt(i), out object? other)
                || left.Kind == DictViewKind.Items && !AreEqual(left.Dict.ValueAt(i), other, 1))
                return false;
        }

        return true;
    }

    private static bool IsLess(SequenceValue left, SequenceValue right, bool orEqual, string sign, int depth)
    {
        Descend(depth);
        int common = Math.Min(left.Count, right.Count);
        for (int i = 0; i < common; i++)
        {
            if (!ReferenceEquals(left.Items[i], right.Items[i]) && !AreEqual(left.Items[i], right.Items[i], depth + 1))
                return IsLess(left.Items[i], right.Items[i], orEqual, sign, depth + 1);
        }

        return Order(left.Count.CompareTo(right.Count), orEqual);
    }
}
