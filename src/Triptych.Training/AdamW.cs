using System.Numerics;
using System.Runtime.CompilerServices;
using Triptych.Tensors;

namespace Triptych.Training;

/// <summary>The settings of <see cref="AdamW"/>.</summary>
/// <param name="Beta1">How much of the first moment stays at each step.</param>
/// <param name="Beta2">How much of the second moment stays at each step.</param>
/// <param name="Epsilon">Added to the root of the second moment.</param>
/// <param name="WeightDecay">The share of a weight that a step at learning rate 1 would take away.</param>
public readonly record struct AdamWOptions(float Beta1 = 0.9f, float Beta2 = 0.999f, float Epsilon = 1e-8f, float WeightDecay = 0.01f)
{
    /// <summary>The usual settings.</summary>
    public AdamWOptions()
        : this(0.9f)
    {
    }
}

/// <summary>
/// Adam with decoupled weight decay (Loshchilov and Hutter 2019), the same numbers as torch.optim.AdamW. Matrices decay; vectors,
/// which are the biases and the norms' parameters, don't, as in transformers' Trainer.
/// </summary>
public sealed class AdamW
{
    private const int Grain = 16 * 1024;

    private readonly AdamWOptions options;
    private readonly Slot[] slots;

    /// <summary>Makes an optimizer for float32 parameters.</summary>
    /// <param name="parameters">Names, which the saved state refers to, and tensors that require gradients.</param>
    /// <param name="options">The settings.</param>
    /// <exception cref="ArgumentException">A parameter is not contiguous float32.</exception>
    public AdamW(IEnumerable<KeyValuePair<string, Tensor>> parameters, AdamWOptions options)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        this.options = options;
        slots = [.. parameters.Select(pair => new Slot(pair.Key, pair.Value))];
    }

    /// <summary>How many steps were taken.</summary>
    public int StepCount { get; private set; }

    /// <summary>Whether a parameter of this shape decays.</summary>
    public static bool Decays(Shape shape) => shape.Rank > 1;

    /// <summary>Changes each parameter by its <see cref="Tensor.Grad"/>; those without one stay.</summary>
    /// <param name="learningRate">The rate of this step.</param>
    /// <param name="gradientScale">What gradients are multiplied by first, as clipping does.</param>
    public unsafe void Step(double learningRate, float gradientScale = 1)
    {
        StepCount++;
        double correction1 = 1 - Math.Pow(options.Beta1, StepCount), correction2 = 1 - Math.Pow(options.Beta2, StepCount);
        foreach (var slot in slots)
        {
            if (slot.Parameter.Grad is not { } gradient)
                continue;
            var update = new Update
            {
                Parameter = slot.Parameter.Floats(),
                Gradient = gradient.Floats(),
                First = slot.First.Floats(),
                Second = slot.Second.Floats(),
                GradientScale = gradientScale,
                Beta1 = options.Beta1,
                Beta2 = options.Beta2,
                Epsilon = options.Epsilon,
                Keep = (float)(1 - (Decays(slot.Parameter.Shape) ? learningRate * options.WeightDecay : 0)),
                StepSize = (float)(learningRate / correction1),
                SecondScale = (float)(1 / Math.Sqrt(correction2)),
            };
            WorkerPool.For(slot.Parameter.Count, Grain, ref update);
        }
    }

    /// <summary>Forgets the gradients, and frees their memory.</summary>
    public void ZeroGradients()
    {
        foreach (var slot in slots)
        {
            slot.Parameter.Grad?.Dispose();
            slot.Parameter.Grad = null;
        }
    }

    /// <summary>The moments by name, <c>exp_avg.NAME</c> and <c>exp_avg_sq.NAME</c>, to be saved.</summary>
    public IEnumerable<(string Name, Tensor Tensor)> State() => slots.SelectMany(
        slot => new[] { ("exp_avg." + slot.Name, slot.First), ("exp_avg_sq." + slot.Name, slot.Second) });

    /// <summary>Takes over a saved state.</summary>
    /// <param name="stepCount">How many steps had been taken.</param>
    /// <param name="load">Gives the tensor of a name.</param>
    /// <exception cref="ArgumentException">A moment does not fit its parameter.</exception>
    public void Restore(int stepCount, Func<string, Tensor> load)
    {
        ArgumentNullException.ThrowIfNull(load);
        foreach (var (name, target) in State())
        {
            var source = load(name);
            if (source.Shape != target.Shape)
                throw new ArgumentException($"{name} is {source.Shape}, its parameter {target.Shape}", nameof(load));
            target.CopyFrom(source);
        }

        StepCount = stepCount;
    }

    private sealed class Slot
    {
        public Slot(string name, Tensor parameter)
        {
            if (parameter.DType != DType.Float32 || !parameter.IsContiguous)
                throw new ArgumentException($"parameter {name} is {parameter.DType.Name()}{parameter.Shape}; training needs contiguous float32");
            Name = name;
            Parameter = parameter;
            First = Tensor.Zeros(parameter.Shape).Persist();
            Second = Tensor.Zeros(parameter.Shape).Persist();
        }

        public string Name { get; }

        public Tensor Parameter { get; }

        public Tensor First { get; }

        public Tensor Second { get; }
    }

    private unsafe struct Update : IRangeBody
    {
        public float* Parameter, Gradient, First, Second;
        public float GradientScale, Beta1, Beta2, Epsilon, Keep, StepSize, SecondScale;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Invoke(long start, long end)
        {
            long i = start;
            var scale = new Vector<float>(GradientScale);
            var beta1 = new Vector<float>(Beta1);
            var beta2 = new Vector<float>(Beta2);
            var rest1 = new Vector<float>(1 - Beta1);
            var rest2 = new Vector<float>(1 - Beta2);
            var epsilon = new Vector<float>(Epsilon);
            var keep = new Vector<float>(Keep);
            var stepSize = new Vector<float>(StepSize);
            var secondScale = new Vector<float>(SecondScale);
            for (; i <= end - Vector<float>.Count; i += Vector<float>.Count)
            {
                var g = Vector.Load(Gradient + i) * scale;
                var m = (Vector.Load(First + i) * beta1) + (g * rest1);
                var v = (Vector.Load(Second + i) * beta2) + (g * g * rest2);
                Vector.Store(m, First + i);
                Vector.Store(v, Second + i);
                Vector.Store((Vector.Load(Parameter + i) * keep) - (stepSize * m / ((Vector.SquareRoot(v) * secondScale) + epsilon)), Parameter + i);
            }

            // The same operations in the same order: the result does not depend on where a range ends.
            for (; i < end; i++)
            {
                float g = Gradient[i] * GradientScale;
                float m = (First[i] * Beta1) + (g * (1 - Beta1));
                float v = (Second[i] * Beta2) + (g * g * (1 - Beta2));
                First[i] = m;
                Second[i] = v;
                Parameter[i] = (Parameter[i] * Keep) - (StepSize * m / ((MathF.Sqrt(v) * SecondScale) + Epsilon));
            }
        }
    }
}
