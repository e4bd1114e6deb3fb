namespace Triptych.Tensors;

/// <summary>How a recorded operation sends the gradient of its result back to its inputs.</summary>
/// <param name="inputs">The operands.</param>
/// <param name="backward">From the result's gradient to the operands' gradients; null for those that need none.</param>
internal sealed class GradientNode(Tensor[] inputs, Func<Tensor, Tensor?[]> backward)
{
    public Tensor[] Inputs { get; } = inputs;

    public Func<Tensor, Tensor?[]> Backward { get; } = backward;
}

/// <summary>Reverse-mode differentiation. Operations are recorded only where an operand requires a gradient.</summary>
public static class Autograd
{
    [ThreadStatic]
    private static int disabled;

    /// <summary>Whether operations on this thread are recorded.</summary>
    public static bool IsEnabled => disabled == 0;

    /// <summary>Stops recording on this thread until the result is disposed.</summary>
    public static IDisposable NoGrad()
    {
        disabled++;
        return new Restore();
    }

    internal static bool Needs(Tensor a) => a.RequiresGrad && IsEnabled;

    internal static bool Needs(Tensor a, Tensor? b) => (a.RequiresGrad || b is { RequiresGrad: true }) && IsEnabled;

    internal static bool Needs(Tensor a, Tensor? b, Tensor? c) => Needs(a, b) || (c is { RequiresGrad: true } && IsEnabled);

    internal static void Record(Tensor result, Tensor input, Func<Tensor, Tensor> backward) =>
        result.Record(new GradientNode([input], g => [backward(g)]));

    internal static void Record(Tensor result, Tensor[] inputs, Func<Tensor, Tensor?[]> backward) =>
        result.Record(new GradientNode(inputs, backward));

    internal static void Run(Tensor root, Tensor gradient)
    {
        using var noGrad = NoGrad();
        var pending = new Dictionary<Tensor, Tensor>(ReferenceEqualityComparer.Instance) { [root] = gradient };
        foreach (var tensor in ReverseOrder(root))
        {
            if (!pending.Remove(tensor, out var incoming))
                continue;
            if (tensor.Node is null)
            {
                Accumulate(tensor, incoming);
                continue;
            }

            using var scope = new TensorScope();
            var gradients = tensor.Node.Backward(incoming);
            for (int i = 0; i < gradients.Length; i++)
            {
                var input = tensor.Node.Inputs[i];
                if (!input.RequiresGrad || gradients[i] is not { } g)
                    continue;
                pending[input] = scope.Keep(pending.TryGetValue(input, out var sum) ? sum + g : g);
            }
        }
    }

    private static void Accumulate(Tensor leaf, Tensor gradient)
    {
        if (leaf.Grad is null)
        {
            leaf.Grad = gradient.Clone().Persist();
            return;
        }

        leaf.Grad.AddInPlace(gradient);
    }

    // Depth first without recursion (graphs are thousands of operations deep), then reversed: each tensor before its inputs.
    private static List<Tensor> ReverseOrder(Tensor root)
    {
        var order = new List<Tensor>();
        var seen = new HashSet<Tensor>(ReferenceEqualityComparer.Instance) { root };
        var stack = new Stack<(Tensor Tensor, int Next)>();
        stack.Push((root, 0));
        while (stack.TryPop(out var top))
        {
            var inputs = top.Tensor.Node?.Inputs ?? [];
            if (top.Next == inputs.Length)
            {
                order.Add(top.Tensor);
                continue;
            }

            stack.Push((top.Tensor, top.Next + 1));
            var input = inputs[top.Next];
            if (input.RequiresGrad && seen.Add(input))
                stack.Push((input, 0));
        }

        order.Reverse();
        return order;
    }

    private sealed class Restore : IDisposable
    {
        private bool done;

        public void Dispose()
        {
            if (done)
                return;
            done = true;
            disabled--;
        }
    }
}

public sealed partial class Tensor
{
    /// <summary>Adds to <see cref="Grad"/> of every tensor that requires one the derivative of this tensor by it.</summary>
    /// <param name="gradient">The gradient of this tensor, of its shape; may be left out for a single number.</param>
    /// <exception cref="InvalidOperationException">No recorded operation led here, or the gradient is missing.</exception>
    public void Backward(Tensor? gradient = null)
    {
        if (!RequiresGrad)
            throw new InvalidOperationException("nothing that led to this tensor requires a gradient");
        if (gradient is null && Count != 1)
            throw new InvalidOperationException($"Backward() of a tensor of shape {Shape} needs the gradient to start from");
        if (gradient is not null && gradient.Shape != Shape)
            throw new ArgumentException($"a gradient of shape {gradient.Shape} for a tensor of shape {Shape}", nameof(gradient));
        Autograd.Run(this, gradient ?? Ones(Shape));
    }
}
