using System.Globalization;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Triptych.Tokenizers.Templates;

// Values of templates are plain objects: null (None), boxed bool, long, BigInteger and double, string, and the classes here.

/// <summary>A list or tuple; its items never change, as the sandbox has it.</summary>
internal abstract class SequenceValue(object?[] items)
{
    public object?[] Items { get; } = items;

    public int Count => Items.Length;

    public abstract SequenceValue Make(object?[] items);
}

internal sealed class ListValue(object?[] items) : SequenceValue(items)
{
    public override SequenceValue Make(object?[] items) => new ListValue(items);
}

internal class TupleValue(object?[] items) : SequenceValue(items)
{
    public static TupleValue Empty { get; } = new([]);

    public override SequenceValue Make(object?[] items) => new TupleValue(items);
}

/// <summary>What <c>groupby</c> yields: a tuple whose two items have names.</summary>
internal sealed class GroupValue(object? grouper, ListValue list) : TupleValue([grouper, list]);

/// <summary>A string that is marked as safe: what is added to it is escaped.</summary>
internal sealed class MarkupValue(string text)
{
    public string Text { get; } = text;

    public override string ToString() => Text;
}

/// <summary>The numbers of <c>range</c>.</summary>
internal sealed class RangeValue(long start, long stop, long step)
{
    public long Start { get; } = start;

    public long Stop { get; } = stop;

    public long Step { get; } = step;

    public long Count { get; } = step > 0
        ? start < stop ? (long)(((Int128)stop - start + step - 1) / step) : 0
        : start > stop ? (long)(((Int128)start - stop - step - 1) / -(Int128)step) : 0;

    public object this[long index] => Numbers.Box(Start + index * Step);
}

internal enum DictViewKind
{
    Keys,
    Values,
    Items,
}

/// <summary>What <c>keys()</c>, <c>values()</c> and <c>items()</c> of a dictionary return.</summary>
internal sealed class DictView(DictValue dict, DictViewKind kind)
{
    public DictValue Dict { get; } = dict;

    public DictViewKind Kind { get; } = kind;

    public object? this[int index] => Kind switch
    {
        DictViewKind.Keys => Dict.KeyAt(index),
        DictViewKind.Values => Dict.ValueAt(index),
        _ => new TupleValue([Dict.KeyAt(index), Dict.ValueAt(index)]),
    };
}

/// <summary>A value that can be gone through once, as generators can.</summary>
internal sealed class IteratorValue(string typeName, IEnumerable<object?> items, string function = "")
{
    private readonly IEnumerator<object?> _items = items.GetEnumerator();
    private bool _ended;

    public string TypeName { get; } = typeName;

    /// <summary>The function of Jinja that makes such a generator.</summary>
    public string Function => function;

    public bool TryNext(out object? item)
    {
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw new TemplateError("the iterators are nested too deeply");
        _ended = _ended || !_items.MoveNext();
        item = _ended ? null : _items.Current;
        return !_ended;
    }
}

/// <summary>A value that is not there: it prints as nothing, counts as false, and most else with it is an error.</summary>
internal sealed class UndefinedValue
{
    private readonly string? _hint;
    private readonly object? _owner;
    private readonly object? _name;
    private readonly bool _isVariable;

    private UndefinedValue(string? hint, object? owner, object? name, bool isVariable)
    {
        _hint = hint;
        _owner = owner;
        _name = name;
        _isVariable = isVariable;
    }

    public static UndefinedValue Because(string hint) => new(hint, null, null, false);

    public static UndefinedValue Variable(string name) => new(null, null, name, true);

    public static UndefinedValue Member(object? owner, object? name) => new(null, owner, name, false);

    public TemplateError Fail() => new(_hint ?? (_isVariable ? $"'{_name}' is undefined" : DescribeMember()));

    private string DescribeMember()
    {
        string owner = _owner is null ? "None" : PythonTypes.NameOf(_owner) + " object";
        return _name is string name ? $"'{owner}' has no attribute {PythonText.Repr(name)}"
            : $"{owner} has no element {PythonTypes.Describe(_name)}";
    }
}

/// <summary>A variable whose attributes can be assigned.</summary>
internal sealed class NamespaceValue(DictValue attributes)
{
    public DictValue Attributes { get; } = attributes;
}

/// <summary>Goes around a list, a step each time it is asked.</summary>
internal sealed class CyclerValue(object?[] items)
{
    private int _at;

    public object?[] Items => items;

    public long At => _at;

    public object? Current => items[_at];

    public object? Next()
    {
        object? current = Current;
        _at = (_at + 1) % items.Length;
        return current;
    }

    public void Reset() => _at = 0;
}

/// <summary>Nothing when called first, a separator from then on.</summary>
internal sealed class JoinerValue(object? separator)
{
    public bool IsUsed { get; private set; }

    public object? Separator => separator;

    public object? Next()
    {
        bool first = !IsUsed;
        IsUsed = true;
        return first ? "" : separator;
    }
}

/// <summary>A function of the language, or a method with the value it belongs to.</summary>
internal sealed class FunctionValue(Builtin builtin, object? self, bool isMethod)
{
    public Builtin Builtin { get; } = builtin;

    public object? Self { get; } = self;

    public bool IsMethod { get; } = isMethod;
}

internal static class PythonTypes
{
    public static string NameOf(object? value) => value switch
    {
        null => "NoneType",
        string => "str",
        bool => "bool",
        long or BigInteger => "int",
        double => "float",
        ListValue => "list",
        GroupValue => "_GroupTuple",
        TupleValue => "tuple",
        DictValue => "dict",
        MarkupValue => "Markup",
        UndefinedValue => "Undefined",
        RangeValue => "range",
        DictView { Kind: DictViewKind.Keys } => "dict_keys",
        DictView { Kind: DictViewKind.Values } => "dict_values",
        DictView => "dict_items",
        IteratorValue iterator => iterator.TypeName,
        NamespaceValue => "Namespace",
        LoopValue => "LoopContext",
        MacroValue => "Macro",
        CyclerValue => "Cycler",
        JoinerValue => "Joiner",
        FunctionValue { IsMethod: true } => "builtin_function_or_method",
        _ => "function",
    };

    /// <summary>A short form of a value for errors.</summary>
    public static string Describe(object? value) => value switch
    {
        string text => PythonText.Repr(text.Length <= 80 ? text : text[..80] + "..."),
        long or BigInteger => string.Create(CultureInfo.InvariantCulture, $"{value}"),
        _ => $"of type {NameOf(value)}",
    };
}
