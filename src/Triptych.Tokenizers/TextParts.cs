using Triptych.Tokenizers.Models;

namespace Triptych.Tokenizers;

/// <summary>What the arrays of an encoding of one text are made from, when somebody asks for them.</summary>
/// <param name="Vocabulary">The tokens by id.</param>
/// <param name="Words">The word of each of the text's tokens.</param>
/// <param name="Sequence">Which text it is, 0 or 1.</param>
/// <param name="TypeId">Its segment.</param>
internal sealed record TextParts(Vocabulary Vocabulary, int[] Words, int Sequence, int TypeId)
{
    /// <summary>How added tokens were found in the text, by their place among its tokens.</summary>
    public IReadOnlyDictionary<int, string>? Found { get; init; }

    /// <summary>What was inserted before the text.</summary>
    public Encoding Before { get; init; } = Encoding.Empty;

    /// <summary>What was inserted after it.</summary>
    public Encoding After { get; init; } = Encoding.Empty;

    public string[] Tokens(ReadOnlySpan<int> ids)
    {
        string[] tokens = Framed(encoding => encoding.Tokens, out Span<string> own);
        ids = ids.Slice(Before.Length, own.Length);
        for (int i = 0; i < own.Length; i++)
            own[i] = Token(ids[i], i);
        return tokens;
    }

    /// <summary>A token by its id and its place among the text's tokens.</summary>
    public string Token(int id, int at) => Found is not null && Found.TryGetValue(at, out string? found) ? found : Vocabulary.TokenOf(id)!;

    public int?[] WordIds()
    {
        int?[] words = Framed(encoding => encoding.WordIds, out Span<int?> own);
        for (int i = 0; i < own.Length; i++)
            own[i] = Words[i];
        return words;
    }

    /// <summary>An array with one value for all of the text's own tokens.</summary>
    public T[] Filled<T>(Func<Encoding, T[]> field, T value)
    {
        T[] array = Framed(field, out Span<T> own);
        own.Fill(value);
        return array;
    }

    private T[] Framed<T>(Func<Encoding, T[]> field, out Span<T> own)
    {
        var array = new T[Before.Length + Words.Length + After.Length];
        field(Before).CopyTo(array, 0);
        field(After).CopyTo(array, Before.Length + Words.Length);
        own = array.AsSpan(Before.Length, Words.Length);
        return array;
    }
}
