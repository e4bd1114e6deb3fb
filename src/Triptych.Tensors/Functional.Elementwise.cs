namespace Triptych.Tensors;

/// <summary>
/// The operations on tensors, each with its derivative beside it. Names and semantics are PyTorch's. An operation is recorded
/// for <see cref="Tensor.Backward"/> where an operand requires a gradient.
/// </summary>
public static partial class Functional
{
    /// <summary>|x|.</summary>
    public static Tensor Abs(Tensor x) => Unary(UnaryOp.Abs, x);

    /// <summary>x * x.</summary>
    public static Tensor Square(Tensor x) => Unary(UnaryOp.Square, x);

    /// <summary>The square root.</summary>
    public static Tensor Sqrt(Tensor x) => Unary(UnaryOp.Sqrt, x);

    /// <summary>1 / sqrt(x).</summary>
    public static Tensor Rsqrt(Tensor x) => Unary(UnaryOp.Rsqrt, x);

    /// <summary>e to the power of x.</summary>
    public static Tensor Exp(Tensor x) => Unary(UnaryOp.Exp, x);

    /// <summary>The natural logarithm.</summary>
    public static Tensor Log(Tensor x) => Unary(UnaryOp.Log, x);

    /// <summary>The sine.</summary>
    public static Tensor Sin(Tensor x) => Unary(UnaryOp.Sin, x);

    /// <summary>The cosine.</summary>
    public static Tensor Cos(Tensor x) => Unary(UnaryOp.Cos, x);

    /// <summary>The hyperbolic tangent.</summary>
    public static Tensor Tanh(Tensor x) => Unary(UnaryOp.Tanh, x);

    /// <summary>1 / (1 + exp(-x)).</summary>
    public static Tensor Sigmoid(Tensor x) => Unary(UnaryOp.Sigmoid, x);

    /// <summary>The error function.</summary>
    public static Tensor Erf(Tensor x) => Unary(UnaryOp.Erf, x);

    /// <summary>max(x, 0).</summary>
    public static Tensor Relu(Tensor x) => Unary(UnaryOp.Relu, x);

    /// <summary>x * sigmoid(x), also called swish.</summary>
    public static Tensor Silu(Tensor x) => Unary(UnaryOp.Silu, x);

    /// <summary>x * Phi(x) by the error function (Hendrycks and Gimpel 2016): "gelu" in configs.</summary>
    public static Tensor Gelu(Tensor x) => Unary(UnaryOp.Gelu, x);

    /// <summary>Gelu approximated by tanh: "gelu_new" and "gelu_pytorch_tanh" in configs.</summary>
    public static Tensor GeluTanh(Tensor x) => Unary(UnaryOp.GeluTanh, x);

    /// <summary>x * sigmoid(1.702 x): "quick_gelu" in configs.</summary>
    public static Tensor QuickGelu(Tensor x) => Unary(UnaryOp.QuickGelu, x);

    /// <summary>x to a constant power.</summary>
    public static Tensor Pow(Tensor x, float exponent)
    {
        var input = Single(x, nameof(x)).Detach().Contiguous();
        switch (exponent)
        {
            case 2: return Square(x);
            case 3: return Square(x) * x;
            case 0.5f: return Sqrt(x);
        }

        var result = Tensor.Empty(x.Shape);
        x.Backend.Power(input, exponent, result);
        if (Autograd.Needs(x))
            Autograd.Record(result, x, g => exponent == 0 ? Tensor.Zeros(x.Shape) : g * Pow(input, exponent - 1) * exponent);
        return result;
    }

    /// <summary>The larger of two elements; the gradient of equal ones is halved.</summary>
    public static Tensor Maximum(Tensor left, Tensor right) => Extreme(BinaryOp.Maximum, CompareOp.Greater, left, right);

    /// <summary>The smaller of two elements; the gradient of equal ones is halved.</summary>
    public static Tensor Minimum(Tensor left, Tensor right) => Extreme(BinaryOp.Minimum, CompareOp.Less, left, right);

    /// <summary>Whether elements are equal, as Bool.</summary>
    public static Tensor Equal(Tensor left, Tensor right) => Compare(CompareOp.Equal, left, right);

    /// <summary>Whether elements differ, as Bool.</summary>
    public static Tensor NotEqual(Tensor left, Tensor right) => Compare(CompareOp.NotEqual, left, right);

    /// <summary>left &lt; right, as Bool.</summary>
    public static Tensor Less(Tensor left, Tensor right) => Compare(CompareOp.Less, left, right);

    /// <summary>left &lt;= right, as Bool.</summary>
    public static Tensor LessOrEqual(Tensor left, Tensor right) => Compare(CompareOp.LessOrEqual, left, right);

    /// <summary>left &gt; right, as Bool.</summary>
    public static Tensor Greater(Tensor left, Tensor right) => Compare(CompareOp.Greater, left, right);

    /// <summary>left &gt;= right, as Bool.</summary>
    public static Tensor GreaterOrEqual(Tensor left, Tensor right) => Compare(CompareOp.GreaterOrEqual, left, right);

    /// <summary>Takes elements from one tensor where the condition (Bool) holds, from the other elsewhere; all three broadcast.</summary>
    public static Tensor Where(Tensor condition, Tensor ifTrue, Tensor ifFalse)
    {
        ArgumentNullException.ThrowIfNull(condition);
        if (condition.DType is not (DType.Bool or DType.UInt8))
            throw new ArgumentException($"the condition is {condition.DType.Name()}, not bool", nameof(condition));
        CheckSame(ifTrue, ifFalse);
        var shape = Shape.Broadcast(condition.Shape, Shape.Broadcast(ifTrue.Shape, ifFalse.Shape));
        var result = Tensor.Empty(shape, ifTrue.DType);
        condition = condition.Expand(shape);
        result.Backend.Where(condition, Operand(ifTrue, shape), Operand(ifFalse, shape), result);
        if (Autograd.Needs(ifTrue, ifFalse))
        {
            Autograd.Record(result, [ifTrue, ifFalse], g =>
            {
                var zero = Tensor.Zeros([], g.DType);
                return [SumTo(Where(condition, g, zero), ifTrue.Shape), SumTo(Where(condition, zero, g), ifFalse.Shape)];
            });
        }

        return result;
    }

    /// <summary>Sets the elements where the mask (Bool) holds to a value.</summary>
    public static Tensor MaskedFill(Tensor x, Tensor mask, double value) => Where(mask, Tensor.Full([], value, x.DType), x);

    /// <summary>Sets elements to zero with a probability and scales the others by 1 / (1 - probability) (Srivastava et al. 2014).</summary>
    /// <param name="x">Any shape.</param>
    /// <param name="probability">In [0, 1).</param>
    /// <param name="generator">Draws one number a call, the key of the mask.</param>
    public static Tensor Dropout(Tensor x, float probability, Generator generator)
    {
        ArgumentNullException.ThrowIfNull(generator);
        if (probability is < 0 or >= 1)
            throw new ArgumentOutOfRangeException(nameof(probability), probability, "a dropout probability is in [0, 1)");
        if (probability == 0)
            return x;
        var mask = Tensor.Empty(x.Shape);
        x.Backend.DropoutMask(mask, probability, generator.NextUInt64());
        return x * mask;
    }

    internal static Tensor Binary(BinaryOp op, Tensor left, Tensor right)
    {
        CheckSame(left, right);
        if (left.DType == DType.Bool)
            op = Logical(op);
        var shape = Shape.Broadcast(left.Shape, right.Shape);
        var result = Tensor.Empty(shape, left.DType);
        left.Backend.Binary(op, Operand(left, shape), Operand(right, shape), result);
        if (Autograd.Needs(left, right))
        {
            Autograd.Record(result, [left, right], g => op switch
            {
                BinaryOp.Add => [SumTo(g, left.Shape), SumTo(g, right.Shape)],
                BinaryOp.Subtract => [SumTo(g, left.Shape), right.RequiresGrad ? SumTo(-g, right.Shape) : null],
                BinaryOp.Multiply =>
                [
                    left.RequiresGrad ? SumTo(g * right, left.Shape) : null,
                    right.RequiresGrad ? SumTo(g * left, right.Shape) : null,
                ],
                BinaryOp.Divide =>
                [
                    left.RequiresGrad ? SumTo(g / right, left.Shape) : null,
                    right.RequiresGrad ? SumTo(-g * left / (right * right), right.Shape) : null,
                ],
                _ => throw new InvalidOperationException($"{op} is not differentiated here"),
            });
        }

        return result;
    }

    internal static Tensor BinaryScalar(BinaryOp op, Tensor x, double scalar)
    {
        ArgumentNullException.ThrowIfNull(x);
        CheckScalar(x.DType, scalar);
        var result = Tensor.Empty(x.Shape, x.DType);
        x.Backend.BinaryScalar(op, x, scalar, result);
        if (Autograd.Needs(x))
        {
            Autograd.Record(result, x, g => op switch
            {
                BinaryOp.Multiply or BinaryOp.Divide => BinaryScalar(op, g, scalar),
                _ => g,
            });
        }

        return result;
    }

    internal static Tensor Unary(UnaryOp op, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.DType != DType.Float32)
        {
            return x.DType.IsFloatingPoint()
                ? Unary(op, x.To(DType.Float32)).To(x.DType)
                : throw new ArgumentException($"{op} of a tensor of {x.DType.Name()}", nameof(x));
        }

        var input = x.Detach().Contiguous();
        var result = Tensor.Empty(x.Shape);
        x.Backend.Unary(op, input, result);
        if (Autograd.Needs(x))
        {
            Autograd.Record(result, x, g =>
            {
                var gradient = Tensor.Empty(g.Shape);
                g.Backend.UnaryGradient(op, input, g.Contiguous(), gradient);
                return gradient;
            });
        }

        return result;
    }

    /// <summary>The adjoint of <see cref="Tensor.Expand"/>: sums over the dimensions that were added or repeated.</summary>
    internal static Tensor SumTo(Tensor x, Shape shape)
    {
        if (x.Shape == shape)
            return x;
        int added = x.Rank - shape.Rank;
        if (added > 0)
        {
            var sizes = x.Shape.ToArray();
            Shape lead = sizes[..added], kept = sizes[added..];
            var sum = Reduce(ReduceOp.Sum, x.Reshape(checked((int)lead.Count), checked((int)kept.Count)), 0, keepDim: false);
            return SumTo(sum.Reshape(kept), shape);
        }

        for (int i = 0; i < shape.Rank; i++)
        {
            if (shape[i] == 1 && x.Shape[i] != 1)
                x = Sum(x, i, keepDim: true);
        }

        return x;
    }

    internal static void CheckSame(Tensor left, Tensor right)
    {
        ArgumentNullException.ThrowIfNull(left);
        ArgumentNullException.ThrowIfNull(right);
        if (left.DType != right.DType)
            throw new ArgumentException($"operands of {left.DType.Name()} and {right.DType.Name()}; convert one with To()");
    }

    internal static void CheckScalar(DType dtype, double scalar)
    {
        if (!dtype.IsFloatingPoint() && (dtype == DType.Bool || scalar != Math.Truncate(scalar)))
            throw new ArgumentException($"{scalar} with a tensor of {dtype.Name()}; convert it with To()", nameof(scalar));
    }

    internal static Tensor Single(Tensor x, string name)
    {
        ArgumentNullException.ThrowIfNull(x, name);
        return x.DType == DType.Float32 ? x : throw new ArgumentException($"float32 is needed, not {x.DType.Name()}", name);
    }

    private static Tensor Operand(Tensor x, Shape shape) => x.Shape == shape ? x : x.Detach().Expand(shape);

    // Of truth values, as in PyTorch: + is or, * is and.
    private static BinaryOp Logical(BinaryOp op) => op switch
    {
        BinaryOp.Add => BinaryOp.Maximum,
        BinaryOp.Subtract or BinaryOp.Divide => throw new ArgumentException($"{op} of tensors of bool; convert them with To()"),
        _ => op,
    };

    private static Tensor Compare(CompareOp op, Tensor left, Tensor right)
    {
        CheckSame(left, right);
        var shape = Shape.Broadcast(left.Shape, right.Shape);
        var result = Tensor.Empty(shape, DType.Bool);
        left.Backend.Compare(op, Operand(left, shape), Operand(right, shape), result);
        return result;
    }

    private static Tensor Extreme(BinaryOp op, CompareOp wins, Tensor left, Tensor right)
    {
        CheckSame(left, right);
        var shape = Shape.Broadcast(left.Shape, right.Shape);
        var result = Tensor.Empty(shape, left.DType);
        left.Backend.Binary(op, Operand(left, shape), Operand(right, shape), result);
        if (Autograd.Needs(left, right))
        {
            Autograd.Record(result, [left, right], g =>
            {
                var share = Compare(wins, left, right).To(g.DType) + (Equal(left, right).To(g.DType) * 0.5f);
                return [SumTo(g * share, left.Shape), SumTo(g * (1f - share), right.Shape)];
            });
        }

        return result;
    }
}

public sealed partial class Tensor
{
    /// <summary>The elementwise sum, broadcast.</summary>
    public static Tensor operator +(Tensor left, Tensor right) => Functional.Binary(BinaryOp.Add, left, right);

    /// <summary>The elementwise difference, broadcast.</summary>
    public static Tensor operator -(Tensor left, Tensor right) => Functional.Binary(BinaryOp.Subtract, left, right);

    /// <summary>The elementwise product, broadcast.</summary>
    public static Tensor operator *(Tensor left, Tensor right) => Functional.Binary(BinaryOp.Multiply, left, right);

    /// <summary>The elementwise quotient, broadcast.</summary>
    public static Tensor operator /(Tensor left, Tensor right) => Functional.Binary(BinaryOp.Divide, left, right);

    /// <summary>Adds a number to each element.</summary>
    public static Tensor operator +(Tensor left, float right) => Functional.BinaryScalar(BinaryOp.Add, left, right);

    /// <summary>Subtracts a number from each element.</summary>
    public static Tensor operator -(Tensor left, float right) => Functional.BinaryScalar(BinaryOp.Subtract, left, right);

    /// <summary>Multiplies each element by a number.</summary>
    public static Tensor operator *(Tensor left, float right) => Functional.BinaryScalar(BinaryOp.Multiply, left, right);

    /// <summary>Divides each element by a number.</summary>
    public static Tensor operator /(Tensor left, float right) => Functional.BinaryScalar(BinaryOp.Divide, left, right);

    /// <summary>Adds a number to each element.</summary>
    public static Tensor operator +(float left, Tensor right) => right + left;

    /// <summary>Subtracts each element from a number.</summary>
    public static Tensor operator -(float left, Tensor right) => -right + left;

    /// <summary>Multiplies each element by a number.</summary>
    public static Tensor operator *(float left, Tensor right) => right * left;

    /// <summary>Divides a number by each element.</summary>
    public static Tensor operator /(float left, Tensor right)
    {
        ArgumentNullException.ThrowIfNull(right);
        Functional.CheckScalar(right.DType, left);
        return Full([], left, right.DType) / right;
    }

    /// <summary>The elements with the other sign.</summary>
    public static Tensor operator -(Tensor x) => x.DType == DType.Float32 ? Functional.Unary(UnaryOp.Negate, x) : x * -1;

    /// <summary>Adds another tensor to this one, in this one's memory. Not recorded.</summary>
    /// <returns>This tensor.</returns>
    public Tensor AddInPlace(Tensor other)
    {
        Functional.CheckSame(this, other);
        Backend.Binary(BinaryOp.Add, this, other.Detach().Expand(Shape), this);
        return this;
    }

    /// <summary>Multiplies by a number, in this tensor's memory. Not recorded.</summary>
    /// <returns>This tensor.</returns>
    public Tensor MulInPlace(float factor)
    {
        Functional.CheckScalar(DType, factor);
        Backend.BinaryScalar(BinaryOp.Multiply, this, factor, this);
        return this;
    }
}
