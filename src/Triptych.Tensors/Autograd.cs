using System.Diagnostics.CodeAnalysis;

namespace Triptych.Tensors;

/// <summary>How a recorded operation sends the gradient of its result back to its inputs.</summary>
/// <param name="inputs">The operands.</param>
/// <param name="backward">From the result's gradient to the operands' gradients; null for those that need none.</param>
/// <param name="part">For a result that is a part of its one operand: that part of a tensor like the operand. The gradients of
/// several parts are then added up in one tensor, not each in one that is zero elsewhere.</param>
internal sealed class GradientNode(Tensor[] inputs, Func<Tensor, Tensor?[]> backward, Func<Tensor, Tensor>? part = null)
{
    public Func<Tensor, Tensor>? Part { get; } = part;

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

    internal static void RecordPart(Tensor result, Tensor input, Func<Tensor, Tensor> part)
    {
        var shape = input.Shape;
        result.Record(new GradientNode(
            [input],
            g =>
            {
                var whole = Tensor.Zeros(shape, g.DType);
                part(whole).CopyFrom(g);
                return [whole];
            },
            part));
    }

    internal static void Run(Tensor root, Tensor gradient)
    {
        using var noGrad = NoGrad();
        var pending = new PendingGradients();
        pending.Add(root, gradient, scope: null);
        foreach (var tensor in ReverseOrder(root))
        {
            if (!pending.Take(tensor, out var incoming))
                continue;
            if (tensor.Node is null)
            {
                if (tensor.Grad is { } sum)
                    sum.AddInPlace(incoming.To(sum.DType));
                else if (incoming.IsContiguous && pending.Surrender(incoming.Storage))
                    tensor.Grad = incoming.Owner().Persist();
                else
                    tensor.Grad = incoming.Clone().Persist();
            }
            else if (tensor.Node.Part is null || !pending.AddToPart(tensor.Node.Inputs[0], incoming, tensor.Node.Part))
            {
                using var scope = new TensorScope();
                var gradients = tensor.Node.Backward(incoming);
                for (int i = 0; i < gradients.Length; i++)
                {
                    if (tensor.Node.Inputs[i].RequiresGrad && gradients[i] is { } g)
                        pending.Add(tensor.Node.Inputs[i], g, scope);
                }
            }

            pending.Release(incoming.Storage);
        }
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

    /// <summary>Gradients on their way. Those that the pass itself made are freed or summed in place once nobody else looks at
    /// them, so that the memory of a backward pass is that of the gradients under way, not of all.</summary>
    private sealed class PendingGradients
    {
        private readonly Dictionary<Tensor, Tensor> gradients = new(ReferenceEqualityComparer.Instance);
        private readonly Dictionary<Storage, int> users = new(ReferenceEqualityComparer.Instance);

        public void Add(Tensor input, Tensor gradient, TensorScope? scope)
        {
            bool made = scope is not null && gradient.Storage.Scope == scope;
            if (gradients.TryGetValue(input, out var sum))
            {
                gradient = gradient.To(sum.DType);
                if (IsOwn(sum, gradient))
                {
                    sum.AddInPlace(gradient);
                    return;
                }

                gradients.Remove(input);
                gradient = sum + gradient;
                made = true;
                Drop(sum.Storage);
            }

            gradients[input] = gradient;
            scope?.Keep(gradient);
            if (made || users.ContainsKey(gradient.Storage))
                users[gradient.Storage] = users.GetValueOrDefault(gradient.Storage) + 1;
        }

        /// <summary>Adds to a part of a gradient that is under way, if there is one that only the pass uses.</summary>
        public bool AddToPart(Tensor input, Tensor gradient, Func<Tensor, Tensor> part)
        {
            if (!gradients.TryGetValue(input, out var sum) || !IsOwn(sum, gradient))
                return false;
            part(sum).AddInPlace(gradient.To(sum.DType));
            return true;
        }

        /// <summary>Takes a gradient out; its memory stays until <see cref="Release"/>.</summary>
        public bool Take(Tensor tensor, [NotNullWhen(true)] out Tensor? gradient) => gradients.Remove(tensor, out gradient);

        /// <summary>Ends the use of a gradient that was taken out.</summary>
        public void Release(Storage storage) => Drop(storage);

        /// <summary>Gives up memory if the gradient that was taken out is all that uses it.</summary>
        public bool Surrender(Storage storage) => users.GetValueOrDefault(storage) == 1 && users.Remove(storage);

        private bool IsOwn(Tensor sum, Tensor other) =>
            sum.IsContiguous && sum.Storage != other.Storage && users.GetValueOrDefault(sum.Storage) == 1;

        private void Drop(Storage storage)
        {
            if (!users.TryGetValue(storage, out int count))
                return;
            if (count > 1)
            {
                users[storage] = count - 1;
                return;
            }

            users.Remove(storage);
            storage.Dispose();
        }
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
        if (gradient is not null && gradient.DType != DType)
            throw new ArgumentException($"a gradient of {gradient.DType.Name()} for a tensor of {DType.Name()}", nameof(gradient));
        Autograd.Run(this, gradient ?? Ones(Shape, DType));
    }
}
