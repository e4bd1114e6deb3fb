namespace Triptych.Tokenizers.Templates;

/// <summary>A dictionary in the order of insertion; equal keys are what Python calls equal: 1, 1.0 and True are one key.</summary>
internal sealed class DictValue(int capacity = 4)
{
    private const int LinearLimit = 8;

    private object?[] _keys = new object?[capacity];
    private object?[] _values = new object?[capacity];
    private Dictionary<object, int>? _index;

    public int Count { get; private set; }

    public object? KeyAt(int index) => _keys[index];

    public object? ValueAt(int index) => _values[index];

    public ReadOnlySpan<object?> Keys => _keys.AsSpan(0, Count);

    public bool TryGet(string key, out object? value)
    {
        int at = _index is null ? FindText(key) : _index.GetValueOrDefault(key, -1);
        value = at < 0 ? null : _values[at];
        return at >= 0;
    }

    /// <exception cref="TemplateError">The key is of a type that has no hash.</exception>
    public bool TryGet(object? key, out object? value)
    {
        if (key is string text)
            return TryGet(text, out value);
        int at = Find(key);
        value = at < 0 ? null : _values[at];
        return at >= 0;
    }

    public bool Contains(object? key) => TryGet(key, out _);

    public void Set(object? key, object? value)
    {
        int at = key is string text && _index is null ? FindText(text) : Find(key);
        if (at >= 0)
        {
            _values[at] = value;
            return;
        }

        if (Count == _keys.Length)
        {
            Array.Resize(ref _keys, Math.Max(4, Count * 2));
            Array.Resize(ref _values, Math.Max(4, Count * 2));
        }

        (_keys[Count], _values[Count]) = (key, value);
        _index?.Add(Key(key), Count);
        Count++;
        if (Count > LinearLimit && _index is null)
            BuildIndex();
    }

    private void BuildIndex()
    {
        _index = new Dictionary<object, int>(Count * 2, KeyComparer.Instance);
        for (int i = 0; i < Count; i++)
            _index.Add(Key(_keys[i]), i);
    }

    private int FindText(string key)
    {
        for (int i = 0; i < Count; i++)
        {
            if (_keys[i] is string text ? text == key : _keys[i] is MarkupValue markup && markup.Text == key)
                return i;
        }

        return -1;
    }

    private int Find(object? key)
    {
        int hash = KeyComparer.HashOf(key, 0);
        if (_index is not null)
            return _index.GetValueOrDefault(Key(key), -1);
        for (int i = 0; i < Count; i++)
        {
            if (KeyComparer.HashOf(_keys[i], 0) == hash && Comparison.AreEqual(_keys[i], key))
                return i;
        }

        return -1;
    }

    private static object Key(object? key) => key ?? KeyComparer.None;
}

/// <summary>Python's equality and hash of dictionary keys.</summary>
internal sealed class KeyComparer : IEqualityComparer<object>
{
    public static readonly KeyComparer Instance = new();

    /// <summary>Stands for None, which a <see cref="Dictionary{TKey, TValue}"/> does not take.</summary>
    public static readonly object None = new();

    /// <summary>The hash of a value.</summary>
    /// <exception cref="TemplateError">Values of its type have none.</exception>
    public static int HashOf(object? value, int depth) => value switch
    {
        null => 7,
        string text => HashOf(text),
        MarkupValue markup => HashOf(markup.Text),
        bool flag => (flag ? 1L : 0L).GetHashCode(),
        long number => number.GetHashCode(),
        double number => Numbers.AsInteger(number) is { } whole ? Numbers.Box(whole).GetHashCode() : number.GetHashCode(),
        UndefinedValue => 11,
        TupleValue tuple => HashOf(tuple, depth),
        ListValue or DictValue or DictView { Kind: not DictViewKind.Values } =>
            throw new TemplateError($"unhashable type: '{PythonTypes.NameOf(value)}'"),
        _ => value.GetHashCode(),
    };

    bool IEqualityComparer<object>.Equals(object? x, object? y) => Comparison.AreEqual(Value(x), Value(y));

    int IEqualityComparer<object>.GetHashCode(object obj) => HashOf(Value(obj), 0);

    private static object? Value(object? key) => ReferenceEquals(key, None) ? null : key;

    private static int HashOf(string text)
    {
        RenderState.ScanLong(text.Length);
        return string.GetHashCode(text);
    }

    private static int HashOf(TupleValue tuple, int depth)
    {
        Comparison.Descend(depth);
        var hash = new HashCode();
        foreach (object? item in tuple.Items)
            hash.Add(HashOf(item, depth + 1));
        return hash.ToHashCode();
    }
}
