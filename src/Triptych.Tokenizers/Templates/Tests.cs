namespace Triptych.Tokenizers.Templates;

/// <summary>The tests of Jinja: what follows <c>is</c>.</summary>
internal static class Tests
{
    private static readonly Dictionary<string, Builtin> Table = Members.Table(
        ("defined", "/", (_, value, _) => Numbers.Box(value is not UndefinedValue)),
        ("undefined", "/", (_, value, _) => Numbers.Box(value is UndefinedValue)),
        ("none", "/", (_, value, _) => Numbers.Box(value is null)),
        ("boolean", "/", (_, value, _) => Numbers.Box(value is bool)),
        ("true", "/", (_, value, _) => Numbers.Box(value is true)),
        ("false", "/", (_, value, _) => Numbers.Box(value is false)),
        ("integer", "/", (_, value, _) => Numbers.Box(value is not bool && Numbers.IsInteger(value))),
        ("float", "/", (_, value, _) => Numbers.Box(value is double)),
        ("number", "/", (_, value, _) => Numbers.Box(Numbers.IsNumber(value))),
        ("string", "/", (_, value, _) => Numbers.Box(value is string or MarkupValue)),
        ("mapping", "/", (_, value, _) => Numbers.Box(value is DictValue)),
        ("sequence", "/", (_, value, _) => Numbers.Box(
            value is string or MarkupValue or SequenceValue or DictValue or RangeValue or UndefinedValue)),
        ("iterable", "/", (_, value, _) => Numbers.Box(Iteration.IsIterable(value))),
        ("callable", "/", (_, value, _) => Numbers.Box(
            value is FunctionValue or MacroValue or LoopValue or JoinerValue or UndefinedValue)),
        ("escaped", "/", (_, value, _) => Numbers.Box(value is MarkupValue)),
        ("lower", "/", (state, value, _) => Numbers.Box(CaseMapping.IsAllLower(Printer.ToText(state, value)))),
        ("upper", "/", (state, value, _) => Numbers.Box(CaseMapping.IsAllUpper(Printer.ToText(state, value)))),
        ("odd", "/", (state, value, _) => Numbers.Box(Comparison.AreEqual(Arithmetic.Modulo(state, value, 2L), 1L))),
        ("even", "/", (state, value, _) => Numbers.Box(Comparison.AreEqual(Arithmetic.Modulo(state, value, 2L), 0L))),
        ("divisibleby", "num", (state, value, a) => Numbers.Box(Comparison.AreEqual(Arithmetic.Modulo(state, value, a[0]), 0L))),
        ("sameas", "other", (_, value, a) => Numbers.Box(AreSame(value, a[0]))),
        ("filter", "/", (_, value, _) => Numbers.Box(Filters.Find(NameOf(value)) is not null)),
        ("test", "/", (_, value, _) => Numbers.Box(Find(NameOf(value)) is not null)),
        ("in", "seq", (state, value, a) => Numbers.Box(Iteration.Contains(state, a[0], value))),
        ("eq", "/; other", Compare(ComparisonKind.Equal)),
        ("equalto", "/; other", Compare(ComparisonKind.Equal)),
        ("==", "/; other", Compare(ComparisonKind.Equal)),
        ("ne", "/; other", Compare(ComparisonKind.NotEqual)),
        ("!=", "/; other", Compare(ComparisonKind.NotEqual)),
        ("lt", "/; other", Compare(ComparisonKind.Less)),
        ("lessthan", "/; other", Compare(ComparisonKind.Less)),
        ("<", "/; other", Compare(ComparisonKind.Less)),
        ("le", "/; other", Compare(ComparisonKind.LessOrEqual)),
        ("<=", "/; other", Compare(ComparisonKind.LessOrEqual)),
        ("gt", "/; other", Compare(ComparisonKind.Greater)),
        ("greaterthan", "/; other", Compare(ComparisonKind.Greater)),
        (">", "/; other", Compare(ComparisonKind.Greater)),
        ("ge", "/; other", Compare(ComparisonKind.GreaterOrEqual)),
        (">=", "/; other", Compare(ComparisonKind.GreaterOrEqual)));

    public static Builtin? Find(string? name) => name is null ? null : Table.GetValueOrDefault(name);

    private static string? NameOf(object? value)
    {
        _ = KeyComparer.HashOf(value, 0);
        return value as string ?? (value as MarkupValue)?.Text;
    }

    private static BuiltinBody Compare(ComparisonKind kind) =>
        (state, value, a) => Numbers.Box(ComparisonExpression.Holds(state, kind, value, a[0]));

    /// <summary>Identity: small integers and single characters are always the same objects in Python.</summary>
    private static bool AreSame(object? left, object? right) => ReferenceEquals(left, right) || (left, right) switch
    {
        (bool a, bool b) => a == b,
        (long a, long b) => a == b && a is >= -5 and <= 1024,
        (string a, string b) => a == b && (a.Length == 0 || a is [<= '\xff']),
        (TupleValue { Count: 0 }, TupleValue { Count: 0 }) => true,
        _ => false,
    };
}
