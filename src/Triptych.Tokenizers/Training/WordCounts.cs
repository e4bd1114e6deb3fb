namespace Triptych.Tokenizers;

/// <summary>Goes through words in UTF-8 and how often each comes.</summary>
internal abstract class WordReader
{
    /// <summary>The next word, valid until the next call; false at the end.</summary>
    public abstract bool Read(out ReadOnlySpan<byte> word, out long count);
}

/// <summary>The different words of a corpus and how often each comes, in memory or in a file; they can be gone through several times.</summary>
internal abstract class WordCounts : IDisposable
{
    /// <summary>How many different words there are.</summary>
    public abstract long Count { get; }

    public abstract WordReader Read();

    /// <summary>Gives their memory back, or their file.</summary>
    public abstract void Dispose();
}
