using System.Numerics;

namespace Triptych.Tensors;

/// <summary>A seeded source of random numbers (xoshiro256**, Blackman and Vigna 2018) that is the same on every machine.
/// Not for use by several threads at once.</summary>
public sealed class Generator
{
    private ulong s0, s1, s2, s3;

    /// <summary>Starts the sequence of a seed.</summary>
    public Generator(ulong seed = 0)
    {
        // SplitMix64 spreads seeds that differ by little.
        s0 = Mix(ref seed);
        s1 = Mix(ref seed);
        s2 = Mix(ref seed);
        s3 = Mix(ref seed);
    }

    /// <summary>The place in the sequence, four numbers; set it to continue from there.</summary>
    /// <exception cref="ArgumentException">Not four numbers, or all zero.</exception>
    public IReadOnlyList<ulong> State
    {
        get => [s0, s1, s2, s3];
        set
        {
            if (value is not { Count: 4 } || value.All(x => x == 0))
                throw new ArgumentException("the state is four numbers, not all zero", nameof(value));
            (s0, s1, s2, s3) = (value[0], value[1], value[2], value[3]);
        }
    }

    /// <summary>64 random bits.</summary>
    public ulong NextUInt64()
    {
        ulong result = BitOperations.RotateLeft(s1 * 5, 7) * 9;
        ulong t = s1 << 17;
        s2 ^= s0;
        s3 ^= s1;
        s1 ^= s2;
        s0 ^= s3;
        s2 ^= t;
        s3 = BitOperations.RotateLeft(s3, 45);
        return result;
    }

    /// <summary>A number in [0, 1) with 24 random bits.</summary>
    public float NextSingle() => (NextUInt64() >> 40) * (1f / (1 << 24));

    /// <summary>A number in [0, 1) with 53 random bits.</summary>
    public double NextDouble() => (NextUInt64() >> 11) * (1.0 / (1L << 53));

    /// <summary>A whole number in [0, end).</summary>
    /// <exception cref="ArgumentOutOfRangeException">The end is not positive.</exception>
    public int NextInt32(int end)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(end);
        return (int)Math.BigMul(NextUInt64(), (ulong)end, out _);
    }

    /// <summary>A normally distributed number with mean 0 and variance 1 (Box and Muller 1958).</summary>
    public float NextGaussian()
    {
        double u = 1 - NextDouble(), v = NextDouble();
        return (float)(Math.Sqrt(-2 * Math.Log(u)) * Math.Cos(2 * Math.PI * v));
    }

    /// <summary>Puts the items in a random order (Fisher and Yates).</summary>
    public void Shuffle<T>(Span<T> items)
    {
        for (int i = items.Length - 1; i > 0; i--)
        {
            int j = NextInt32(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }

    internal static ulong Mix(ref ulong state)
    {
        ulong z = state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
