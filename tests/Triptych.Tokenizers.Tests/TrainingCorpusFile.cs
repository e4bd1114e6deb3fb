namespace Triptych.Tokenizers.Tests;

/// <summary>A corpus on disk, for as long as a test needs it.</summary>
internal sealed class TrainingCorpusFile : IDisposable
{
    public TrainingCorpusFile(byte[] content) => File.WriteAllBytes(Path, content);

    public string Path { get; } = System.IO.Path.GetTempFileName();

    public void Dispose() => File.Delete(Path);
}
