using System.Buffers;
using Triptych.Tokenizers.Loading;

namespace Triptych.Tokenizers.Models;

/// <summary>An array for a while, of whatever is in memory; a large one is not kept for later.</summary>
internal readonly ref struct Scratch<T>
    where T : unmanaged
{
    private const int KeptLength = 1 << 20;

    private readonly T[] _array;
    private readonly bool _rented;

    /// <summary>Takes an array; give it back with <see cref="Dispose"/>.</summary>
    public Scratch(int length)
    {
        _rented = length <= KeptLength;
        _array = _rented ? ArrayPool<T>.Shared.Rent(length) : LargeMemory.Allocate<T>(length);
        Span = _array.AsSpan(0, length);
    }

    /// <summary>As much of it as was asked for.</summary>
    public Span<T> Span { get; }

    public void Dispose()
    {
        if (_rented)
            ArrayPool<T>.Shared.Return(_array);
    }
}
