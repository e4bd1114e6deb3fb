namespace Triptych.Tokenizers.Templates;

internal sealed class ConstantExpression : Expression
{
    public ConstantExpression(int position, object? value) : base(position)
    {
        Value = value;
        MayBeConstant = true;
    }

    public object? Value { get; }

    public override object? Evaluate(Activation activation) => Value;
}

internal sealed class NameExpression(int position, string name) : Expression(position)
{
    private VariableReference _variable;

    public string Name { get; } = name;

    public override object? Evaluate(Activation activation)
    {
        object? value = _variable.Get(activation);
        if (!ReferenceEquals(value, RenderState.Missing))
            return value;
        return activation.State.IsFolding ? throw new TemplateError($"'{Name}' is no constant") : UndefinedValue.Variable(Name);
    }

    public override void Declare(SymbolTable symbols) => symbols.Read(Name);

    public override void Resolve(Scope scope) => _variable = scope.Find(Name, Position);
}

/// <summary>A reference to a namespace's attribute; it can only be assigned to.</summary>
internal sealed class NamespaceReference(int position, string name, string attribute) : Expression(position)
{
    public Target ToTarget() => new NamespaceTarget(Position, name, attribute);

    public override object? Evaluate(Activation activation) =>
        throw new TemplateError($"cannot read '{name}.{attribute}' here", Position);
}

/// <summary>A tuple or list.</summary>
internal sealed class SequenceExpression(int position, Expression[] items, bool isTuple) : Expression(position)
{
    public Expression[] Items { get; } = items;

    public bool IsTuple { get; } = isTuple;

    public override IEnumerable<Node> Children => Items;

    public override object? Evaluate(Activation activation)
    {
        activation.State.ReserveItems(Items.Length);
        var values = new object?[Items.Length];
        for (int i = 0; i < values.Length; i++)
            values[i] = Items[i].Evaluate(activation);
        return IsTuple ? new TupleValue(values) : new ListValue(values);
    }
}

internal sealed class DictExpression(int position, (Expression Key, Expression Value)[] items) : Expression(position)
{
    public override IEnumerable<Node> Children => items.SelectMany(item => (Node[])[item.Key, item.Value]);

    public override object? Evaluate(Activation activation)
    {
        activation.State.ReserveItems(items.Length * 2);
        var dict = new DictValue(items.Length);
        foreach ((Expression key, Expression value) in items)
        {
            object? name = key.Evaluate(activation);
            object? given = value.Evaluate(activation);
            activation.State.Visit(Position);
            dict.Set(name, given);
        }

        return dict;
    }
}

internal sealed class AttributeExpression(int position, Expression owner, string name) : Expression(position)
{
    public Expression Owner { get; } = owner;

    public string Name { get; } = name;

    public override IEnumerable<Node> Children => [Owner];

    public override object? Evaluate(Activation activation)
    {
        object? value = Owner.Evaluate(activation);
        activation.State.Visit(Position);
        return Lookup.Attribute(value, Name);
    }
}

internal sealed class ItemExpression(int position, Expression owner, Expression key) : Expression(position)
{
    public override IEnumerable<Node> Children => [owner, key];

    public override object? Evaluate(Activation activation)
    {
        object? value = owner.Evaluate(activation), at = key.Evaluate(activation);
        activation.State.Visit(Position);
        return Lookup.Item(value, at);
    }
}

internal sealed class SliceExpression(int position, Expression owner, Expression? start, Expression? stop, Expression? step)
    : Expression(position)
{
    /// <summary>Whether it is evaluated like an item that may be missing.</summary>
    public bool IsFolded { get; set; }

    public override IEnumerable<Node> Children => ((Expression?[])[owner, start, stop, step]).OfType<Node>();

    public override object? Evaluate(Activation activation)
    {
        object? value = owner.Evaluate(activation), first = start?.Evaluate(activation), last = stop?.Evaluate(activation);
        object? by = step?.Evaluate(activation);
        activation.State.Visit(Position);
        if ((IsFolded || activation.State.IsFolding) && !Lookup.CanSlice(value, first, last, by))
            return UndefinedValue.Because("the value cannot be sliced");
        return Lookup.Slice(activation.State, value, first, last, by);
    }
}

internal sealed class ConditionalExpression(int position, Expression test, Expression value, Expression? otherwise) : Expression(position)
{
    public override IEnumerable<Node> Children => otherwise is null ? [test, value] : [test, value, otherwise];

    public override object? Evaluate(Activation activation)
    {
        if (Iteration.IsTrue(test.Evaluate(activation)))
            return value.Evaluate(activation);
        if (otherwise is not null)
            return otherwise.Evaluate(activation);
        return activation.State.IsFolding ? throw new TemplateError("there is no else") : UndefinedValue.Because("the inline if-expression evaluated to false and no else section was defined.");
    }

    public override void Resolve(Scope scope) => base.Resolve(scope.Conditional());
}

internal sealed class LogicalExpression(int position, Expression left, Expression right, bool isAnd) : Expression(position)
{
    public override IEnumerable<Node> Children => [left, right];

    public override object? Evaluate(Activation activation)
    {
        object? value = left.Evaluate(activation);
        return Iteration.IsTrue(value) == isAnd ? right.Evaluate(activation) : value;
    }
}

internal sealed class NotExpression(int position, Expression operand) : Expression(position)
{
    public override IEnumerable<Node> Children => [operand];

    public override object? Evaluate(Activation activation) => Numbers.Box(!Iteration.IsTrue(operand.Evaluate(activation)));
}

internal sealed class SignExpression(int position, Expression operand, bool isMinus) : Expression(position)
{
    public override IEnumerable<Node> Children => [operand];

    public override object? Evaluate(Activation activation)
    {
        object? value = operand.Evaluate(activation);
        activation.State.Visit(Position);
        return isMinus ? Arithmetic.Negate(value) : Arithmetic.Plus(value);
    }
}

/// <summary>Operands with plus signs between; strings are joined at once.</summary>
internal sealed class SumExpression(int position, List<Expression> operands) : Expression(position)
{
    public List<Expression> Operands { get; } = operands;

    public override IEnumerable<Node> Children => Operands;

    public override object? Evaluate(Activation activation)
    {
        RenderState state = activation.State;
        object? sum = Operands[0].Evaluate(activation);
        int at = 1;
        if (sum is string && Operands.Count > 2)
            sum = JoinTexts((string)sum, activation, ref at);
        for (; at < Operands.Count; at++)
        {
            object? next = Operands[at].Evaluate(activation);
            state.Visit(Position);
            sum = Arithmetic.Add(state, sum, next);
        }

        return sum;
    }

    /// <summary>Joins texts up to the first operand that is none, which is added too.</summary>
    private object JoinTexts(string first, Activation activation, ref int at)
    {
        var texts = new string[Operands.Count];
        texts[0] = first;
        for (; at < texts.Length; at++)
        {
            object? next = Operands[at].Evaluate(activation);
            activation.State.Visit(Position);
            if (next is string text)
            {
                texts[at] = text;
                continue;
            }

            string before = Concat(activation.State, texts.AsSpan(0, at));
            at++;
            return Arithmetic.Add(activation.State, before, next);
        }

        return Concat(activation.State, texts);
    }

    private static string Concat(RenderState state, ReadOnlySpan<string> texts)
    {
        long length = 0;
        foreach (string text in texts)
            length += text.Length;
        state.Reserve(length);
        return string.Concat(texts);
    }
}

internal sealed class ArithmeticExpression(int position, TokenKind operation, Expression left, Expression right) : Expression(position)
{
    /// <summary>Whether it is a power of a negative constant: Jinja writes the constant down, and Python then takes the sign for that of the power.</summary>
    public bool NegatesPower { get; set; }

    public override IEnumerable<Node> Children => [left, right];

    public override object? Evaluate(Activation activation)
    {
        object? a = left.Evaluate(activation), b = right.Evaluate(activation);
        activation.State.Visit(Position);
        if (NegatesPower)
            return Arithmetic.Negate(Arithmetic.Power(Arithmetic.Negate(a), b));
        return operation switch
        {
            TokenKind.Subtract => Arithmetic.Subtract(a, b),
            TokenKind.Multiply => Arithmetic.Multiply(activation.State, a, b),
            TokenKind.Divide => Arithmetic.Divide(a, b),
            TokenKind.FloorDivide => Arithmetic.FloorDivide(a, b),
            TokenKind.Modulo => Arithmetic.Modulo(activation.State, a, b),
            _ => Arithmetic.Power(a, b),
        };
    }
}

/// <summary>Operands with <c>~</c> between: their texts, joined.</summary>
internal sealed class ConcatExpression(int position, Expression[] operands) : Expression(position)
{
    public override IEnumerable<Node> Children => operands;

    public override object? Evaluate(Activation activation)
    {
        var texts = new string[operands.Length];
        long length = 0;
        for (int i = 0; i < texts.Length; i++)
        {
            texts[i] = Printer.ToText(activation.State, operands[i].Evaluate(activation));
            length += texts[i].Length;
        }

        activation.State.Visit(Position);
        activation.State.Reserve(length);
        return string.Concat(texts);
    }
}

internal enum ComparisonKind
{
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
}

/// <summary>Comparisons, which may form a chain: <c>a &lt; b &lt; c</c>.</summary>
internal sealed class ComparisonExpression(int position, Expression first, (ComparisonKind Kind, Expression Operand)[] rest)
    : Expression(position)
{
    public override IEnumerable<Node> Children => [first, .. rest.Select(item => item.Operand)];

    public override object? Evaluate(Activation activation)
    {
        object? left = first.Evaluate(activation);
        foreach ((ComparisonKind kind, Expression operand) in rest)
        {
            object? right = operand.Evaluate(activation);
            activation.State.Visit(Position);
            if (!Holds(activation.State, kind, left, right))
                return Numbers.False;
            left = right;
        }

        return Numbers.True;
    }

    public static bool Holds(RenderState state, ComparisonKind kind, object? left, object? right)
    {
        if (left is string text && right is string)
            state.Scan(text.Length);
        else if (left is SequenceValue sequence)
            state.Step(sequence.Count);
        return kind switch
        {
            ComparisonKind.Equal => Comparison.AreEqual(left, right),
            ComparisonKind.NotEqual => !Comparison.AreEqual(left, right),
            ComparisonKind.Less => Comparison.IsLess(left, right, false, "<"),
            ComparisonKind.LessOrEqual => Comparison.IsLess(left, right, true, "<="),
            ComparisonKind.Greater => Comparison.IsLess(right, left, false, ">"),
            ComparisonKind.GreaterOrEqual => Comparison.IsLess(right, left, true, ">="),
            ComparisonKind.In => Iteration.Contains(state, right, left),
            _ => !Iteration.Contains(state, right, left),
        };
    }
}
