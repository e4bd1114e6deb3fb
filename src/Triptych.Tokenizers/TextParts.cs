using Triptych.Tokenizers.Models;

namespace Triptych.Tokenizers;

/// <summary>What the arrays of an encoding of one text are made from, when somebody asks for them.</summary>
/// <param name="Vocabulary">The tokens by id.</param>
/// <param name="Words">The word of each token.</param>
/// <param name="Sequence">Which text it is, 0 or 1.</param>
/// <param name="TypeId">Its segment.</param>
internal sealed record TextParts(Vocabulary Vocabulary, int[] Words, int Sequence, int TypeId)
{
    /// <summary>How added tokens were found in the text, by their place among the tokens.</summary>
    public IReadOnlyDictionary<int, string>? Found { get; init; }

    public string[] Tokens(Encoding encoding)
    {
        string[] tokens = new string[encoding.Length];
        for (int i = 0; i < tokens.Length; i++)
            tokens[i] = Token(encoding, i);
        return tokens;
    }

    public string Token(Encoding encoding, int at) =>
        Found is not null && Found.TryGetValue(at, out string? found) ? found : Vocabulary.TokenOf(encoding.Ids[at])!;
}
