namespace Triptych.Tokenizers.Templates;

/// <summary>The variable <c>loop</c>.</summary>
internal sealed class LoopValue(RenderState state, object? iterable, Func<object?, int, string>? recurse, int depth0)
{
    private IEnumerator<object?> _items = Iteration.Items(state, iterable).GetEnumerator();
    private long? _length = Iteration.Length(iterable);
    private object? _current = RenderState.Missing;
    private object? _before = RenderState.Missing;
    private object? _after = RenderState.Missing;
    private TupleValue? _lastChanged;

    public long Index0 { get; private set; } = -1;

    public bool TryNext(out object? item)
    {
        if (!TryPeek(out item))
            return false;
        _after = RenderState.Missing;
        Index0++;
        (_before, _current) = (_current, item);
        return true;
    }

    public long GetLength()
    {
        if (_length is { } known)
            return known;
        bool peeked = !ReferenceEquals(_after, RenderState.Missing);
        var rest = new List<object?>();
        while (_items.MoveNext())
        {
            state.ReserveItems(1);
            rest.Add(_items.Current);
        }

        _items = ((IEnumerable<object?>)rest).GetEnumerator();
        _length = rest.Count + Index0 + 1 + (peeked ? 1 : 0);
        return _length.Value;
    }

    public (bool Found, object? Value) Property(string name) => name switch
    {
        "index" => (true, Numbers.Box(Index0 + 1)),
        "index0" => (true, Numbers.Box(Index0)),
        "first" => (true, Numbers.Box(Index0 == 0)),
        "last" => (true, Numbers.Box(!TryPeek(out _))),
        "length" => (true, Numbers.Box(GetLength())),
        "revindex" => (true, Numbers.Box(GetLength() - Index0)),
        "revindex0" => (true, Numbers.Box(GetLength() - Index0 - 1)),
        "depth" => (true, Numbers.Box(depth0 + 1L)),
        "depth0" => (true, Numbers.Box((long)depth0)),
        "previtem" => (true, Index0 == 0 ? UndefinedValue.Because("there is no previous item") : _before),
        "nextitem" => (true, TryPeek(out object? next) ? next : UndefinedValue.Because("there is no next item")),
        _ => (false, null),
    };

    public object? Cycle(object?[] values) => values.Length > 0 ? values[Index0 % values.Length]
        : throw new TemplateError("no items for cycling given");

    public bool Changed(TupleValue values)
    {
        bool same = _lastChanged is not null && Comparison.AreEqual(_lastChanged, values);
        _lastChanged = same ? _lastChanged : values;
        return !same;
    }

    /// <summary>What a loop over the loop itself yields: the items that are left, each with the loop.</summary>
    public IEnumerable<object?> Rest(RenderState rendering)
    {
        while (TryNext(out object? item))
        {
            rendering.Step();
            yield return new TupleValue([item, this]);
        }
    }

    public string Recurse(in Arguments arguments)
    {
        if (recurse is null)
            throw new TemplateError("The loop must have the 'recursive' marker to be called recursively.");
        object? items = arguments is { Positional: [var one], Named: null or { Count: 0 } } ? one
            : arguments is { Positional: [], Named: { Count: 1 } named } && named.TryGet("iterable", out object? value) ? value
            : throw new TemplateError("loop() takes one argument, the items");
        return recurse(items, depth0 + 1);
    }

    private bool TryPeek(out object? item)
    {
        if (ReferenceEquals(_after, RenderState.Missing))
        {
            if (!_items.MoveNext())
            {
                item = null;
                return false;
            }

            _after = _items.Current;
        }

        item = _after;
        return true;
    }
}
