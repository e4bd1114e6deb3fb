using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Triptych.Tensors;

/// <summary>Kernels for the processor.</summary>
internal sealed unsafe partial class CpuBackend : Backend
{
    // Below this many elements handing work to another thread costs more than the work.
    private const long ElementwiseGrain = 16 * 1024;

    // Strided or converted operands pass through buffers of this many elements on the stack.
    private const int Chunk = 512;

    // Spans hold no more; loops over more elements take several.
    private const int MaxSpan = 1 << 30;

    private interface IBinaryFunction
    {
        static abstract void Invoke<T>(ReadOnlySpan<T> left, ReadOnlySpan<T> right, Span<T> result) where T : unmanaged, INumber<T>;

        static abstract void Invoke<T>(ReadOnlySpan<T> left, T right, Span<T> result) where T : unmanaged, INumber<T>;
    }

    private interface IComparison
    {
        static abstract bool Invoke<T>(T left, T right) where T : unmanaged, INumber<T>;
    }

    public override void Copy(Tensor source, Tensor target)
    {
        if (source.DType == target.DType && source.IsContiguous && target.IsContiguous)
        {
            var flat = new FlatCopy { Source = source.Data, Target = target.Data };
            WorkerPool.For(source.DType.BytesOf(source.Count), ElementwiseGrain * sizeof(float), ref flat);
        }
        else if (source.DType.IsQuantized() || target.DType.IsQuantized())
        {
            CopyBlocks(source, target);
        }
        else
        {
            var body = new StridedCopy
            {
                Loop = new StridedLoop(source.Shape, source, target),
                Source = source.Data,
                Target = target.Data,
                From = source.DType,
                To = target.DType,
            };
            WorkerPool.For(source.Count, ElementwiseGrain, ref body);
        }

        GC.KeepAlive(source);
        GC.KeepAlive(target);
    }

    public override void Fill(Tensor target, double value)
    {
        byte* element = stackalloc byte[sizeof(double)];
        StoreDouble(value, element, target.DType);
        switch (target.DType.Size())
        {
            case 1: Fill(target, element); break;
            case 2: Fill(target, (ushort*)element); break;
            case 4: Fill(target, (uint*)element); break;
            default: Fill(target, (ulong*)element); break;
        }
    }

    public override void Binary(BinaryOp op, Tensor left, Tensor right, Tensor result)
    {
        switch (op)
        {
            case BinaryOp.Add: Binary<AddFunction>(left, right, result); break;
            case BinaryOp.Subtract: Binary<SubtractFunction>(left, right, result); break;
            case BinaryOp.Multiply: Binary<MultiplyFunction>(left, right, result); break;
            case BinaryOp.Divide: Binary<DivideFunction>(left, right, result); break;
            case BinaryOp.Maximum: Binary<MaximumFunction>(left, right, result); break;
            case BinaryOp.Minimum: Binary<MinimumFunction>(left, right, result); break;
            default: throw new ArgumentOutOfRangeException(nameof(op), op, null);
        }
    }

    public override void BinaryScalar(BinaryOp op, Tensor x, double scalar, Tensor result)
    {
        switch (op)
        {
            case BinaryOp.Add: BinaryScalar<AddFunction>(x, scalar, result); break;
            case BinaryOp.Subtract: BinaryScalar<SubtractFunction>(x, scalar, result); break;
            case BinaryOp.Multiply: BinaryScalar<MultiplyFunction>(x, scalar, result); break;
            case BinaryOp.Divide: BinaryScalar<DivideFunction>(x, scalar, result); break;
            default: throw new ArgumentOutOfRangeException(nameof(op), op, null);
        }
    }

    public override void Compare(CompareOp op, Tensor left, Tensor right, Tensor result)
    {
        switch (op)
        {
            case CompareOp.Equal: Compare<EqualComparison>(left, right, result); break;
            case CompareOp.NotEqual: Compare<NotEqualComparison>(left, right, result); break;
            case CompareOp.Less: Compare<LessComparison>(left, right, result); break;
            case CompareOp.LessOrEqual: Compare<LessOrEqualComparison>(left, right, result); break;
            case CompareOp.Greater: Compare<LessComparison>(right, left, result); break;
            case CompareOp.GreaterOrEqual: Compare<LessOrEqualComparison>(right, left, result); break;
            default: throw new ArgumentOutOfRangeException(nameof(op), op, null);
        }
    }

    public override void Where(Tensor condition, Tensor ifTrue, Tensor ifFalse, Tensor result)
    {
        switch (result.DType.Size())
        {
            case 1: Where<byte>(condition, ifTrue, ifFalse, result); break;
            case 2: Where<ushort>(condition, ifTrue, ifFalse, result); break;
            case 4: Where<uint>(condition, ifTrue, ifFalse, result); break;
            default: Where<ulong>(condition, ifTrue, ifFalse, result); break;
        }
    }

    public override void Unary(UnaryOp op, Tensor x, Tensor result) => Unary(op, x, null, result);

    public override void UnaryGradient(UnaryOp op, Tensor x, Tensor gradient, Tensor result) => Unary(op, x, gradient, result);

    public override void Power(Tensor x, float exponent, Tensor result)
    {
        var body = new PowerBody { X = (float*)x.Data, Exponent = exponent, Result = (float*)result.Data };
        WorkerPool.For(x.Count, ElementwiseGrain, ref body);
        GC.KeepAlive(x);
    }

    public override void DropoutMask(Tensor mask, float probability, ulong key)
    {
        var body = new DropoutBody { Mask = (float*)mask.Data, Key = key, Probability = probability };
        WorkerPool.For(mask.Count, ElementwiseGrain, ref body);
    }

    private static void Binary<TFunction>(Tensor left, Tensor right, Tensor result) where TFunction : IBinaryFunction
    {
        switch (result.DType)
        {
            case DType.Float32: Binary<TFunction, float>(left, right, result); break;
            case DType.Float64: Binary<TFunction, double>(left, right, result); break;
            case DType.Float16: Binary<TFunction, Half>(left, right, result); break;
            case DType.Int64: Binary<TFunction, long>(left, right, result); break;
            case DType.Int32: Binary<TFunction, int>(left, right, result); break;
            case DType.Int8: Binary<TFunction, sbyte>(left, right, result); break;
            case DType.UInt8 or DType.Bool: Binary<TFunction, byte>(left, right, result); break;
            default:
                using (var sum = Tensor.Empty(result.Shape))
                {
                    Binary<TFunction, float>(left.Detach().To(DType.Float32), right.Detach().To(DType.Float32), sum);
                    result.CopyFrom(sum);
                }

                break;
        }
    }

    private static void Binary<TFunction, T>(Tensor left, Tensor right, Tensor result) where TFunction : IBinaryFunction where T : unmanaged, INumber<T>
    {
        var body = new BinaryBody<TFunction, T>
        {
            Loop = new StridedLoop(result.Shape, left, right, result),
            Left = (T*)left.Data,
            Right = (T*)right.Data,
            Result = (T*)result.Data,
        };
        WorkerPool.For(result.Count, ElementwiseGrain, ref body);
        GC.KeepAlive(left);
        GC.KeepAlive(right);
        GC.KeepAlive(result);
    }

    private static void Fill<T>(Tensor target, T* element) where T : unmanaged
    {
        var body = new FillBody<T> { Loop = new StridedLoop(target.Shape, target), Target = (T*)target.Data, Value = *element };
        WorkerPool.For(target.Count, ElementwiseGrain, ref body);
        GC.KeepAlive(target);
    }

    private static void Where<T>(Tensor condition, Tensor ifTrue, Tensor ifFalse, Tensor result) where T : unmanaged
    {
        var body = new WhereBody<T>
        {
            Loop = new StridedLoop(result.Shape, condition, ifTrue, ifFalse, result),
            Condition = condition.Data,
            IfTrue = (T*)ifTrue.Data,
            IfFalse = (T*)ifFalse.Data,
            Result = (T*)result.Data,
        };
        WorkerPool.For(result.Count, ElementwiseGrain, ref body);
        GC.KeepAlive(condition);
        GC.KeepAlive(ifTrue);
        GC.KeepAlive(ifFalse);
    }

    private static void BinaryScalar<TFunction>(Tensor x, double scalar, Tensor result) where TFunction : IBinaryFunction
    {
        if (x.DType == DType.Float32 && x.IsContiguous && result.IsContiguous)
        {
            var body = new ScalarBody<TFunction> { X = (float*)x.Data, Scalar = (float)scalar, Result = (float*)result.Data };
            WorkerPool.For(x.Count, ElementwiseGrain, ref body);
            GC.KeepAlive(x);
            GC.KeepAlive(result);
            return;
        }

        using var right = Tensor.Full([], scalar, x.DType);
        Binary<TFunction>(x, right.Expand(x.Shape), result);
    }

    private static void Compare<TComparison>(Tensor left, Tensor right, Tensor result) where TComparison : IComparison
    {
        switch (left.DType)
        {
            case DType.Float32: Compare<TComparison, float>(left, right, result); break;
            case DType.Float64: Compare<TComparison, double>(left, right, result); break;
            case DType.Float16: Compare<TComparison, Half>(left, right, result); break;
            case DType.Int64: Compare<TComparison, long>(left, right, result); break;
            case DType.Int32: Compare<TComparison, int>(left, right, result); break;
            case DType.Int8: Compare<TComparison, sbyte>(left, right, result); break;
            case DType.UInt8 or DType.Bool: Compare<TComparison, byte>(left, right, result); break;
            default: Compare<TComparison, float>(left.Detach().To(DType.Float32), right.Detach().To(DType.Float32), result); break;
        }
    }

    private static void Compare<TComparison, T>(Tensor left, Tensor right, Tensor result)
        where TComparison : IComparison where T : unmanaged, INumber<T>
    {
        var body = new CompareBody<TComparison, T>
        {
            Loop = new StridedLoop(result.Shape, left, right),
            Left = (T*)left.Data,
            Right = (T*)right.Data,
            Result = result.Data,
        };
        WorkerPool.For(result.Count, ElementwiseGrain, ref body);
        GC.KeepAlive(left);
        GC.KeepAlive(right);
    }

    // The function, or with a gradient its derivative times that.
    private static void Unary(UnaryOp op, Tensor x, Tensor? gradient, Tensor result)
    {
        switch (op)
        {
            case UnaryOp.Negate: Unary<NegateFunction>(x, gradient, result); break;
            case UnaryOp.Abs: Unary<AbsFunction>(x, gradient, result); break;
            case UnaryOp.Square: Unary<SquareFunction>(x, gradient, result); break;
            case UnaryOp.Sqrt: Unary<SqrtFunction>(x, gradient, result); break;
            case UnaryOp.Rsqrt: Unary<RsqrtFunction>(x, gradient, result); break;
            case UnaryOp.Exp: Unary<ExpFunction>(x, gradient, result); break;
            case UnaryOp.Log: Unary<LogFunction>(x, gradient, result); break;
            case UnaryOp.Sin: Unary<SinFunction>(x, gradient, result); break;
            case UnaryOp.Cos: Unary<CosFunction>(x, gradient, result); break;
            case UnaryOp.Tanh: Unary<TanhFunction>(x, gradient, result); break;
            case UnaryOp.Sigmoid: Unary<SigmoidFunction>(x, gradient, result); break;
            case UnaryOp.Erf: Unary<ErfFunction>(x, gradient, result); break;
            case UnaryOp.Relu: Unary<ReluFunction>(x, gradient, result); break;
            case UnaryOp.Silu: Unary<SiluFunction>(x, gradient, result); break;
            case UnaryOp.Gelu: Unary<GeluFunction>(x, gradient, result); break;
            case UnaryOp.GeluTanh: Unary<GeluTanhFunction>(x, gradient, result); break;
            case UnaryOp.QuickGelu: Unary<QuickGeluFunction>(x, gradient, result); break;
            default: throw new ArgumentOutOfRangeException(nameof(op), op, null);
        }
    }

    private static void Unary<TFunction>(Tensor x, Tensor? gradient, Tensor result) where TFunction : IUnaryFunction
    {
        if (gradient is null)
        {
            var body = new UnaryBody<TFunction> { X = (float*)x.Data, Result = (float*)result.Data };
            WorkerPool.For(x.Count, ElementwiseGrain, ref body);
        }
        else
        {
            var body = new UnaryGradientBody<TFunction> { X = (float*)x.Data, Gradient = (float*)gradient.Data, Result = (float*)result.Data };
            WorkerPool.For(x.Count, ElementwiseGrain, ref body);
        }

        GC.KeepAlive(x);
        GC.KeepAlive(gradient);
    }

    private static void StoreDouble(double value, byte* target, DType dtype)
    {
        switch (dtype)
        {
            case DType.Float32: *(float*)target = (float)value; break;
            case DType.Float64: *(double*)target = value; break;
            case DType.Float16: *(Half*)target = (Half)value; break;
            case DType.BFloat16: *(BFloat16*)target = (BFloat16)(float)value; break;
            case DType.Int64: *(long*)target = (long)value; break;
            case DType.Int32: *(int*)target = (int)value; break;
            case DType.Int8: *(sbyte*)target = (sbyte)value; break;
            case DType.UInt8: *target = (byte)value; break;
            case DType.Bool: *target = value != 0 ? (byte)1 : (byte)0; break;
            default: throw new ArgumentOutOfRangeException(nameof(dtype), dtype, null);
        }
    }

    private readonly struct AddFunction : IBinaryFunction
    {
        public static void Invoke<T>(ReadOnlySpan<T> left, ReadOnlySpan<T> right, Span<T> result) where T : unmanaged, INumber<T> =>
            TensorPrimitives.Add(left, right, result);

        public static void Invoke<T>(ReadOnlySpan<T> left, T right, Span<T> result) where T : unmanaged, INumber<T> =>
            TensorPrimitives.Add(left, right, result);
    }

    private readonly struct SubtractFunction : IBinaryFunction
    {
        public static void Invoke<T>(ReadOnlySpan<T> left, ReadOnlySpan<T> right, Span<T> result) where T : unmanaged, INumber<T> =>
            TensorPrimitives.Subtract(left, right, result);

        public static void Invoke<T>(ReadOnlySpan<T> left, T right, Span<T> result) where T : unmanaged, INumber<T> =>
            TensorPrimitives.Subtract(left, right, result);
    }

    private readonly struct MultiplyFunction : IBinaryFunction
    {
        public static void Invoke<T>(ReadOnlySpan<T> left, ReadOnlySpan<T> right, Span<T> result) where T : unmanaged, INumber<T> =>
            TensorPrimitives.Multiply(left, right, result);

        public static void Invoke<T>(ReadOnlySpan<T> left, T right, Span<T> result) where T : unmanaged, INumber<T> =>
            TensorPrimitives.Multiply(left, right, result);
    }

    private readonly struct DivideFunction : IBinaryFunction
    {
        public static void Invoke<T>(ReadOnlySpan<T> left, ReadOnlySpan<T> right, Span<T> result) where T : unmanaged, INumber<T> =>
            TensorPrimitives.Divide(left, right, result);

        public static void Invoke<T>(ReadOnlySpan<T> left, T right, Span<T> result) where T : unmanaged, INumber<T> =>
            TensorPrimitives.Divide(left, right, result);
    }

    private readonly struct MaximumFunction : IBinaryFunction
    {
        public static void Invoke<T>(ReadOnlySpan<T> left, ReadOnlySpan<T> right, Span<T> result) where T : unmanaged, INumber<T> =>
            TensorPrimitives.Max(left, right, result);

        public static void Invoke<T>(ReadOnlySpan<T> left, T right, Span<T> result) where T : unmanaged, INumber<T> =>
            TensorPrimitives.Max(left, right, result);
    }

    private readonly struct MinimumFunction : IBinaryFunction
    {
        public static void Invoke<T>(ReadOnlySpan<T> left, ReadOnlySpan<T> right, Span<T> result) where T : unmanaged, INumber<T> =>
            TensorPrimitives.Min(left, right, result);

        public static void Invoke<T>(ReadOnlySpan<T> left, T right, Span<T> result) where T : unmanaged, INumber<T> =>
            TensorPrimitives.Min(left, right, result);
    }

    private readonly struct EqualComparison : IComparison
    {
        public static bool Invoke<T>(T left, T right) where T : unmanaged, INumber<T> => left == right;
    }

    private readonly struct NotEqualComparison : IComparison
    {
        public static bool Invoke<T>(T left, T right) where T : unmanaged, INumber<T> => left != right;
    }

    private readonly struct LessComparison : IComparison
    {
        public static bool Invoke<T>(T left, T right) where T : unmanaged, INumber<T> => left < right;
    }

    private readonly struct LessOrEqualComparison : IComparison
    {
        public static bool Invoke<T>(T left, T right) where T : unmanaged, INumber<T> => left <= right;
    }

    private struct FlatCopy : IRangeBody
    {
        public byte* Source;
        public byte* Target;

        public readonly void Invoke(long start, long end) => Buffer.MemoryCopy(Source + start, Target + start, end - start, end - start);
    }

    private struct FillBody<T> : IRangeBody where T : unmanaged
    {
        public StridedLoop Loop;
        public T* Target;
        public T Value;

        public readonly void Invoke(long start, long end)
        {
            for (long at = start; at < end;)
            {
                long count = Math.Min(end - at, Loop.RowLength - (at % Loop.RowLength)), step = Loop.RowStep(0);
                T* row = Target + Loop.Offset(0, at);
                if (step == 1)
                {
                    count = Math.Min(count, MaxSpan);
                    new Span<T>(row, (int)count).Fill(Value);
                }
                else
                {
                    for (long i = 0; i < count; i++)
                        row[i * step] = Value;
                }

                at += count;
            }
        }
    }

    private struct StridedCopy : IRangeBody
    {
        public StridedLoop Loop;
        public byte* Source;
        public byte* Target;
        public DType From;
        public DType To;

        public readonly void Invoke(long start, long end)
        {
            int fromSize = From.Size(), toSize = To.Size();
            long fromStep = Loop.RowStep(0), toStep = Loop.RowStep(1);
            for (long at = start; at < end;)
            {
                long count = Math.Min(end - at, Loop.RowLength - (at % Loop.RowLength));
                byte* from = Source + (Loop.Offset(0, at) * fromSize), to = Target + (Loop.Offset(1, at) * toSize);
                if (From != To)
                    Conversion.Run(from, From, fromStep, to, To, toStep, count);
                else if (fromStep == 1 && toStep == 1)
                    Buffer.MemoryCopy(from, to, count * toSize, count * toSize);
                else
                    Conversion.Move(from, fromStep, to, toStep, count, fromSize);
                at += count;
            }
        }
    }

    private struct BinaryBody<TFunction, T> : IRangeBody where TFunction : IBinaryFunction where T : unmanaged, INumber<T>
    {
        public StridedLoop Loop;
        public T* Left;
        public T* Right;
        public T* Result;

        [SkipLocalsInit]
        public readonly void Invoke(long start, long end)
        {
            T* leftBuffer = stackalloc T[Chunk];
            T* rightBuffer = stackalloc T[Chunk];
            T* resultBuffer = stackalloc T[Chunk];
            long leftStep = Loop.RowStep(0), rightStep = Loop.RowStep(1), resultStep = Loop.RowStep(2);
            bool direct = leftStep == 1 && rightStep is 0 or 1 && resultStep == 1;
            for (long at = start; at < end;)
            {
                long count = Math.Min(end - at, Loop.RowLength - (at % Loop.RowLength));
                count = Math.Min(count, direct ? MaxSpan : Chunk);
                T* left = Load(Left + Loop.Offset(0, at), leftStep, count, leftBuffer);
                T* right = Right + Loop.Offset(1, at);
                T* result = Result + Loop.Offset(2, at);
                T* target = resultStep == 1 ? result : resultBuffer;
                var values = new ReadOnlySpan<T>(left, (int)count);
                if (rightStep == 0)
                    TFunction.Invoke(values, *right, new Span<T>(target, (int)count));
                else
                    TFunction.Invoke(values, new ReadOnlySpan<T>(Load(right, rightStep, count, rightBuffer), (int)count), new Span<T>(target, (int)count));
                if (resultStep != 1)
                {
                    for (long i = 0; i < count; i++)
                        result[i * resultStep] = target[i];
                }

                at += count;
            }
        }

        private static T* Load(T* source, long step, long count, T* buffer)
        {
            if (step == 1)
                return source;
            if (step == 0)
            {
                new Span<T>(buffer, (int)count).Fill(*source);
                return buffer;
            }

            for (long i = 0; i < count; i++)
                buffer[i] = source[i * step];
            return buffer;
        }
    }

    private struct ScalarBody<TFunction> : IRangeBody where TFunction : IBinaryFunction
    {
        public float* X;
        public float Scalar;
        public float* Result;

        public readonly void Invoke(long start, long end)
        {
            for (long at = start; at < end; at += MaxSpan)
            {
                int count = (int)Math.Min(end - at, MaxSpan);
                TFunction.Invoke(new ReadOnlySpan<float>(X + at, count), Scalar, new Span<float>(Result + at, count));
            }
        }
    }

    private struct PowerBody : IRangeBody
    {
        public float* X;
        public float Exponent;
        public float* Result;

        public readonly void Invoke(long start, long end)
        {
            for (long at = start; at < end; at += MaxSpan)
            {
                int count = (int)Math.Min(end - at, MaxSpan);
                TensorPrimitives.Pow(new ReadOnlySpan<float>(X + at, count), Exponent, new Span<float>(Result + at, count));
            }
        }
    }

    private struct CompareBody<TComparison, T> : IRangeBody where TComparison : IComparison where T : unmanaged, INumber<T>
    {
        public StridedLoop Loop;
        public T* Left;
        public T* Right;
        public byte* Result;

        public readonly void Invoke(long start, long end)
        {
            long leftStep = Loop.RowStep(0), rightStep = Loop.RowStep(1);
            for (long at = start; at < end;)
            {
                long count = Math.Min(end - at, Loop.RowLength - (at % Loop.RowLength));
                T* left = Left + Loop.Offset(0, at), right = Right + Loop.Offset(1, at);
                for (long i = 0; i < count; i++)
                    Result[at + i] = TComparison.Invoke(left[i * leftStep], right[i * rightStep]) ? (byte)1 : (byte)0;
                at += count;
            }
        }
    }

    private struct WhereBody<T> : IRangeBody where T : unmanaged
    {
        public StridedLoop Loop;
        public byte* Condition;
        public T* IfTrue;
        public T* IfFalse;
        public T* Result;

        public readonly void Invoke(long start, long end)
        {
            long conditionStep = Loop.RowStep(0), aStep = Loop.RowStep(1), bStep = Loop.RowStep(2), resultStep = Loop.RowStep(3);
            for (long at = start; at < end;)
            {
                long count = Math.Min(end - at, Loop.RowLength - (at % Loop.RowLength));
                byte* condition = Condition + Loop.Offset(0, at);
                T* a = IfTrue + Loop.Offset(1, at), b = IfFalse + Loop.Offset(2, at), result = Result + Loop.Offset(3, at);
                for (long i = 0; i < count; i++)
                    result[i * resultStep] = condition[i * conditionStep] != 0 ? a[i * aStep] : b[i * bStep];
                at += count;
            }
        }
    }

    private struct UnaryBody<TFunction> : IRangeBody where TFunction : IUnaryFunction
    {
        public float* X;
        public float* Result;

        public readonly void Invoke(long start, long end)
        {
            for (long i = start; i < end; i += Vector512<float>.Count)
                VectorMath.Store(TFunction.Value(VectorMath.Load(X + i, end - i)), Result + i, end - i);
        }
    }

    private struct UnaryGradientBody<TFunction> : IRangeBody where TFunction : IUnaryFunction
    {
        public float* X;
        public float* Gradient;
        public float* Result;

        public readonly void Invoke(long start, long end)
        {
            for (long i = start; i < end; i += Vector512<float>.Count)
            {
                var slope = TFunction.Derivative(VectorMath.Load(X + i, end - i));
                VectorMath.Store(slope * VectorMath.Load(Gradient + i, end - i), Result + i, end - i);
            }
        }
    }

    private struct DropoutBody : IRangeBody
    {
        public float* Mask;
        public ulong Key;
        public float Probability;

        // Each element hashes its own number, so the mask does not depend on how the work is split.
        public readonly void Invoke(long start, long end)
        {
            float scale = 1 / (1 - Probability);
            uint threshold = (uint)(Probability * (1 << 24));
            for (long i = start; i < end; i++)
            {
                ulong state = Key + ((ulong)i * 0x9E3779B97F4A7C15);
                Mask[i] = (uint)(Generator.Mix(ref state) >> 40) < threshold ? 0 : scale;
            }
        }
    }
}
