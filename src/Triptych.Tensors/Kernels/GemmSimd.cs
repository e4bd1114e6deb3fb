using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Triptych.Tensors;

/// <summary>The width of the vectors that the matrix kernels use.</summary>
internal enum SimdPath
{
    Vector128,
    Vector256,
    Vector512,
}

/// <summary>The few vector operations that a matrix kernel needs, for one register width; everything inlines.</summary>
internal unsafe interface ISimd<TVector>
    where TVector : struct
{
    /// <summary>Floats in a vector.</summary>
    static abstract int Width { get; }

    /// <summary>Rows of a register tile, which has two vectors of columns: what fits the registers without spills.</summary>
    static abstract int PanelRows { get; }

    /// <summary>Rows of A in a tile of dot products.</summary>
    static abstract int DotRows { get; }

    /// <summary>Lines of B in a tile of dot products that has more than four rows; at most four otherwise.</summary>
    static abstract int DotLines(int rows);

    static abstract TVector Load(float* source);

    static abstract TVector Load<TElement>(byte* source)
        where TElement : struct, IElement;

    /// <summary>Two vectors of elements that lie together, in the order that <see cref="PairOrder.Slot"/> gives.</summary>
    static abstract void LoadPair<TElement>(byte* source, out TVector first, out TVector second)
        where TElement : struct, IElement;

    static abstract void Store(TVector value, float* target);

    static abstract TVector Broadcast(float value);

    static abstract TVector Add(TVector left, TVector right);

    /// <summary>left * right + addend, fused where the processor can.</summary>
    static abstract TVector MultiplyAdd(TVector left, TVector right, TVector addend);

    static abstract float Sum(TVector value);

    /// <summary>The sums of four vectors, in a vector.</summary>
    static abstract Vector128<float> Sums(TVector v0, TVector v1, TVector v2, TVector v3);

    /// <summary>Writes the sums of eight vectors.</summary>
    static abstract void StoreSums(TVector v0, TVector v1, TVector v2, TVector v3, TVector v4, TVector v5, TVector v6, TVector v7, float* target);
}

internal readonly unsafe struct Simd512 : ISimd<Vector512<float>>
{
    public static int Width
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 16;
    }

    public static int PanelRows
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 12;
    }

    public static int DotRows
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 8;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int DotLines(int rows) => rows > 4 ? 3 : 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(float* source) => Vector512.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load<TElement>(byte* source)
        where TElement : struct, IElement => TElement.Load512(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadPair<TElement>(byte* source, out Vector512<float> first, out Vector512<float> second)
        where TElement : struct, IElement => TElement.Pair512(source, out first, out second);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<float> value, float* target) => value.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Broadcast(float value) => Vector512.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Add(Vector512<float> left, Vector512<float> right) => left + right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> MultiplyAdd(Vector512<float> left, Vector512<float> right, Vector512<float> addend) =>
        Vector512.MultiplyAddEstimate(left, right, addend);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector512<float> value) => Vector512.Sum(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Sums(Vector512<float> v0, Vector512<float> v1, Vector512<float> v2, Vector512<float> v3) =>
        Simd256.Sums(v0.GetLower() + v0.GetUpper(), v1.GetLower() + v1.GetUpper(), v2.GetLower() + v2.GetUpper(), v3.GetLower() + v3.GetUpper());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreSums(Vector512<float> v0, Vector512<float> v1, Vector512<float> v2, Vector512<float> v3,
        Vector512<float> v4, Vector512<float> v5, Vector512<float> v6, Vector512<float> v7, float* target)
    {
        // Quarters of four sums in each 128 bits, then halves of eight, then the sums: three steps for each, not seven.
        Vector512<float> lower = Quarters(v0, v1, v2, v3), upper = Quarters(v4, v5, v6, v7);
        Vector512<float> halves = Avx512F.Shuffle4x128(lower, upper, 0b01_00_01_00) + Avx512F.Shuffle4x128(lower, upper, 0b11_10_11_10);
        halves = Avx512F.Shuffle4x128(halves, halves, 0b11_01_10_00);
        (halves.GetLower() + halves.GetUpper()).Store(target);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Quarters(Vector512<float> v0, Vector512<float> v1, Vector512<float> v2, Vector512<float> v3)
    {
        Vector512<double> first = (Avx512F.UnpackLow(v0, v1) + Avx512F.UnpackHigh(v0, v1)).AsDouble();
        Vector512<double> second = (Avx512F.UnpackLow(v2, v3) + Avx512F.UnpackHigh(v2, v3)).AsDouble();
        return Avx512F.UnpackLow(first, second).AsSingle() + Avx512F.UnpackHigh(first, second).AsSingle();
    }
}

internal readonly unsafe struct Simd256 : ISimd<Vector256<float>>
{
    public static int Width
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 8;
    }

    public static int PanelRows
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 6;
    }

    public static int DotRows
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 4;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int DotLines(int rows) => rows > 2 ? 2 : 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(float* source) => Vector256.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load<TElement>(byte* source)
        where TElement : struct, IElement => TElement.Load256(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadPair<TElement>(byte* source, out Vector256<float> first, out Vector256<float> second)
        where TElement : struct, IElement => TElement.Pair256(source, out first, out second);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector256<float> value, float* target) => value.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Broadcast(float value) => Vector256.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Add(Vector256<float> left, Vector256<float> right) => left + right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> MultiplyAdd(Vector256<float> left, Vector256<float> right, Vector256<float> addend) =>
        Vector256.MultiplyAddEstimate(left, right, addend);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector256<float> value) => Vector256.Sum(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Sums(Vector256<float> v0, Vector256<float> v1, Vector256<float> v2, Vector256<float> v3) =>
        Simd128.Sums(v0.GetLower() + v0.GetUpper(), v1.GetLower() + v1.GetUpper(), v2.GetLower() + v2.GetUpper(), v3.GetLower() + v3.GetUpper());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreSums(Vector256<float> v0, Vector256<float> v1, Vector256<float> v2, Vector256<float> v3,
        Vector256<float> v4, Vector256<float> v5, Vector256<float> v6, Vector256<float> v7, float* target)
    {
        Sums(v0, v1, v2, v3).Store(target);
        Sums(v4, v5, v6, v7).Store(target + 4);
    }
}

internal readonly unsafe struct Simd128 : ISimd<Vector128<float>>
{
    public static int Width
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 4;
    }

    public static int PanelRows
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => AdvSimd.Arm64.IsSupported ? 12 : 6;
    }

    public static int DotRows
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => AdvSimd.Arm64.IsSupported ? 8 : 4;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int DotLines(int rows) => AdvSimd.Arm64.IsSupported ? (rows > 4 ? 3 : 4) : rows > 2 ? 2 : 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load(float* source) => Vector128.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load<TElement>(byte* source)
        where TElement : struct, IElement => TElement.Load128(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadPair<TElement>(byte* source, out Vector128<float> first, out Vector128<float> second)
        where TElement : struct, IElement => TElement.Pair128(source, out first, out second);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector128<float> value, float* target) => value.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Broadcast(float value) => Vector128.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Add(Vector128<float> left, Vector128<float> right) => left + right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> MultiplyAdd(Vector128<float> left, Vector128<float> right, Vector128<float> addend) =>
        Vector128.MultiplyAddEstimate(left, right, addend);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector128<float> value) => Vector128.Sum(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Sums(Vector128<float> v0, Vector128<float> v1, Vector128<float> v2, Vector128<float> v3)
    {
        if (Sse3.IsSupported)
            return Sse3.HorizontalAdd(Sse3.HorizontalAdd(v0, v1), Sse3.HorizontalAdd(v2, v3));
        if (AdvSimd.Arm64.IsSupported)
            return AdvSimd.Arm64.AddPairwise(AdvSimd.Arm64.AddPairwise(v0, v1), AdvSimd.Arm64.AddPairwise(v2, v3));
        return Vector128.Create(Sum(v0), Sum(v1), Sum(v2), Sum(v3));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreSums(Vector128<float> v0, Vector128<float> v1, Vector128<float> v2, Vector128<float> v3,
        Vector128<float> v4, Vector128<float> v5, Vector128<float> v6, Vector128<float> v7, float* target)
    {
        Sums(v0, v1, v2, v3).Store(target);
        Sums(v4, v5, v6, v7).Store(target + 4);
    }
}

/// <summary>How elements of a weight matrix in memory become float32.</summary>
internal unsafe interface IElement
{
    /// <summary>Bytes an element.</summary>
    static abstract int Size { get; }

    static abstract float Load1(byte* source);

    static abstract Vector128<float> Load128(byte* source);

    static abstract Vector256<float> Load256(byte* source);

    static abstract Vector512<float> Load512(byte* source);

    static abstract void Pair128(byte* source, out Vector128<float> first, out Vector128<float> second);

    static abstract void Pair256(byte* source, out Vector256<float> first, out Vector256<float> second);

    static abstract void Pair512(byte* source, out Vector512<float> first, out Vector512<float> second);
}

internal readonly unsafe struct Float32Element : IElement
{
    public static int Size
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 4;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Load1(byte* source) => *(float*)source;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load128(byte* source) => Vector128.Load((float*)source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load256(byte* source) => Vector256.Load((float*)source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load512(byte* source) => Vector512.Load((float*)source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Pair128(byte* source, out Vector128<float> first, out Vector128<float> second)
    {
        first = Vector128.Load((float*)source);
        second = Vector128.Load((float*)source + Vector128<float>.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Pair256(byte* source, out Vector256<float> first, out Vector256<float> second)
    {
        first = Vector256.Load((float*)source);
        second = Vector256.Load((float*)source + Vector256<float>.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Pair512(byte* source, out Vector512<float> first, out Vector512<float> second)
    {
        first = Vector512.Load((float*)source);
        second = Vector512.Load((float*)source + Vector512<float>.Count);
    }
}

internal readonly unsafe struct BFloat16Element : IElement
{
    public static int Size
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 2;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Load1(byte* source) => BitConverter.UInt32BitsToSingle((uint)*(ushort*)source << 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load128(byte* source) => (Widen.To128(source) << 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load256(byte* source) => (Widen.To256(source) << 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load512(byte* source) => (Widen.To512(source) << 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Pair128(byte* source, out Vector128<float> first, out Vector128<float> second)
    {
        Vector128<uint> both = Vector128.Load((uint*)source);
        first = (both << 16).AsSingle();
        second = (both & Vector128.Create(0xffff0000u)).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Pair256(byte* source, out Vector256<float> first, out Vector256<float> second)
    {
        Vector256<uint> both = Vector256.Load((uint*)source);
        first = (both << 16).AsSingle();
        second = (both & Vector256.Create(0xffff0000u)).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Pair512(byte* source, out Vector512<float> first, out Vector512<float> second)
    {
        Vector512<uint> both = Vector512.Load((uint*)source);
        first = (both << 16).AsSingle();
        second = (both & Vector512.Create(0xffff0000u)).AsSingle();
    }
}

/// <summary>IEEE half: exponent and fraction move to float's place, 2^112 mends the bias (also of subnormals); infinities and NaNs keep theirs.</summary>
internal readonly unsafe struct Float16Element : IElement
{
    private const uint Magnitude = 0x7fff;
    private const uint Sign = 0x8000;
    private const int SignAndMagnitude = unchecked((int)0x8fffe000);
    private const uint Infinite = 0x7c00u << 13;
    private const uint FloatInfinity = 0x7f800000;
    private const float BiasScale = 5.192296858534828e33f;

    public static int Size
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 2;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Load1(byte* source) => (float)*(Half*)source;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load128(byte* source)
    {
        Vector128<uint> bits = Widen.To128(source);
        Vector128<uint> shifted = (bits & Vector128.Create(Magnitude)) << 13;
        Vector128<uint> special = Vector128.GreaterThanOrEqual(shifted.AsInt32(), Vector128.Create((int)Infinite)).AsUInt32();
        return ((shifted.AsSingle() * BiasScale).AsUInt32() | (special & Vector128.Create(FloatInfinity))
            | ((bits & Vector128.Create(Sign)) << 16)).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load256(byte* source)
    {
        Vector256<uint> bits = Widen.To256(source);
        Vector256<uint> shifted = (bits & Vector256.Create(Magnitude)) << 13;
        Vector256<uint> special = Vector256.GreaterThanOrEqual(shifted.AsInt32(), Vector256.Create((int)Infinite)).AsUInt32();
        return ((shifted.AsSingle() * BiasScale).AsUInt32() | (special & Vector256.Create(FloatInfinity))
            | ((bits & Vector256.Create(Sign)) << 16)).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load512(byte* source) => Widen512(Widen.To512(source));

    /// <summary>Halves in the lower 16 bits, the upper ones zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Widen512(Vector512<uint> bits)
    {
        Vector512<uint> shifted = (bits & Vector512.Create(Magnitude)) << 13;
        Vector512<uint> special = Vector512.GreaterThanOrEqual(shifted.AsInt32(), Vector512.Create((int)Infinite)).AsUInt32();
        return ((shifted.AsSingle() * BiasScale).AsUInt32() | (special & Vector512.Create(FloatInfinity))
            | ((bits & Vector512.Create(Sign)) << 16)).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Pair128(byte* source, out Vector128<float> first, out Vector128<float> second)
    {
        Vector128<int> both = Vector128.Load((int*)source);
        first = Upper(both << 16);
        second = Upper(both);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Pair256(byte* source, out Vector256<float> first, out Vector256<float> second)
    {
        Vector256<int> both = Vector256.Load((int*)source);
        first = Upper(both << 16);
        second = Upper(both);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Pair512(byte* source, out Vector512<float> first, out Vector512<float> second)
    {
        Vector512<int> both = Vector512.Load((int*)source);
        first = Upper(both << 16);
        second = Upper(both);
    }

    /// <summary>Halves in the upper 16 bits, moved down with their sign copied; the copies and what came from below are cut off.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Upper(Vector128<int> halves)
    {
        Vector128<int> moved = (halves >> 3) & Vector128.Create(SignAndMagnitude);
        Vector128<int> special = Vector128.Equals(moved & Vector128.Create((int)Infinite), Vector128.Create((int)Infinite));
        Vector128<int> value = (moved.AsSingle() * BiasScale).AsInt32();
        return Vector128.ConditionalSelect(special, value | Vector128.Create((int)FloatInfinity), value).AsSingle();
    }

    /// <summary>Halves in the upper 16 bits, moved down with their sign copied; the copies and what came from below are cut off.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Upper(Vector256<int> halves)
    {
        Vector256<int> moved = (halves >> 3) & Vector256.Create(SignAndMagnitude);
        Vector256<int> special = Vector256.Equals(moved & Vector256.Create((int)Infinite), Vector256.Create((int)Infinite));
        Vector256<int> value = (moved.AsSingle() * BiasScale).AsInt32();
        return Vector256.ConditionalSelect(special, value | Vector256.Create((int)FloatInfinity), value).AsSingle();
    }

    /// <summary>Halves in the upper 16 bits, moved down with their sign copied; the copies and what came from below are cut off.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Upper(Vector512<int> halves)
    {
        Vector512<int> moved = (halves >> 3) & Vector512.Create(SignAndMagnitude);
        Vector512<int> special = Vector512.Equals(moved & Vector512.Create((int)Infinite), Vector512.Create((int)Infinite));
        Vector512<int> value = (moved.AsSingle() * BiasScale).AsInt32();
        return Vector512.ConditionalSelect(special, value | Vector512.Create((int)FloatInfinity), value).AsSingle();
    }
}

/// <summary>
/// Where an element of a pair of vectors goes. A vector of 16-bit elements is widened fastest into its even and its odd
/// elements; what it is multiplied with, or added up in, follows that order.
/// </summary>
internal static class PairOrder
{
    public static int Slot<TElement>(int element, int width)
        where TElement : struct, IElement => TElement.Size == 2 ? ((element & 1) * width) + (element >> 1) : element;
}

/// <summary>Loads 16-bit elements into 32-bit lanes.</summary>
internal static unsafe class Widen
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> To128(byte* source) =>
        Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(ulong*)source).AsUInt16());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> To256(byte* source) => Avx2.IsSupported
        ? Avx2.ConvertToVector256Int32((ushort*)source).AsUInt32()
        : Vector256.WidenLower(Vector256.Create(Vector128.Load((ushort*)source), default));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> To512(byte* source) => Avx512F.IsSupported
        ? Avx512F.ConvertToVector512Int32(Vector256.Load((ushort*)source)).AsUInt32()
        : Vector512.WidenLower(Vector512.Create(Vector256.Load((ushort*)source), default));
}

/// <summary>A number known to the JIT: one text gives a spill-free body for each tile height and width.</summary>
internal interface ICount
{
    static abstract int Value { get; }
}

internal readonly struct One : ICount
{
    public static int Value
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 1;
    }
}

internal readonly struct Two : ICount
{
    public static int Value
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 2;
    }
}

internal readonly struct Three : ICount
{
    public static int Value
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 3;
    }
}

internal readonly struct Four : ICount
{
    public static int Value
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 4;
    }
}

internal readonly struct Six : ICount
{
    public static int Value
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 6;
    }
}

internal readonly struct Eight : ICount
{
    public static int Value
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 8;
    }
}

internal readonly struct Twelve : ICount
{
    public static int Value
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 12;
    }
}
