namespace Triptych.Tokenizers.Models;

/// <summary>A token of a part of the text: its id and its place in that part, in UTF-16 units.</summary>
internal readonly record struct Piece(int Id, int Start, int End);

/// <summary>The third stage: cuts a word into tokens of the vocabulary.</summary>
internal abstract class TokenizerModel(Vocabulary vocabulary)
{
    public Vocabulary Vocabulary { get; } = vocabulary;

    /// <summary>What tokens begin with that continue a word.</summary>
    public abstract string? ContinuingSubwordPrefix { get; }

    /// <summary>Whether a word always has the same tokens.</summary>
    public virtual bool IsDeterministic => true;

    /// <summary>The id whose tokens are shown as the text that they stand for, or -1.</summary>
    public virtual int TextTokenId => -1;

    /// <summary>Appends the tokens of one word. Safe to call from many threads.</summary>
    public abstract void Tokenize(ReadOnlySpan<char> word, List<Piece> output);

    /// <summary>The same for a word that the caller remembers.</summary>
    public virtual void TokenizeNew(ReadOnlySpan<char> word, List<Piece> output) => Tokenize(word, output);
}

/// <summary>The token for what the vocabulary lacks. Files may name one that is not there, as long as it is not needed.</summary>
internal sealed class UnknownToken(Vocabulary vocabulary, string token)
{
    private readonly int _id = vocabulary.IdOf(token);

    public int Id => _id >= 0 ? _id
        : throw new InvalidOperationException($"the text needs the unknown token \"{token}\", which is not in the vocabulary");
}
