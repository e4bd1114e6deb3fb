namespace Triptych.Generation;

/// <summary>The tokens of all rows so far, each row with room for its greatest length.</summary>
internal sealed class TokenBuffer
{
    private readonly int[] ids;

    public TokenBuffer(int rows, int capacity, int fill = 0)
    {
        Rows = rows;
        Capacity = capacity;
        ids = new int[rows * capacity];
        Array.Fill(ids, fill);
    }

    public int Rows { get; }

    public int Capacity { get; }

    /// <summary>Tokens of every row.</summary>
    public int Length { get; set; }

    public ReadOnlySpan<int> this[int row] => Whole(row)[..Length];

    /// <summary>A row with its free places.</summary>
    public Span<int> Whole(int row) => ids.AsSpan(row * Capacity, Capacity);

    public int Last(int row) => ids[(row * Capacity) + Length - 1];
}
