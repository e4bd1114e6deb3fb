using System.Buffers;
using System.Runtime.CompilerServices;
using Triptych.Tokenizers.Models;

namespace Triptych.Tokenizers.Loading;

/// <summary>
/// The long lists of a tokenizer.json, vocabulary and merges, read side by side, and the rest of the file without them: a document of all
/// the file's values takes many times as long. Whatever is out of the ordinary is left to the document, and its errors.
/// </summary>
internal sealed class ModelScan
{
    /// <summary>In shorter files a second thread does not pay.</summary>
    private const int LongFile = 1 << 18;

    private readonly ReadOnlyMemory<byte> _json;
    private readonly List<(string Name, Range Text)> _cuts = [];
    private readonly Worker<MergeScan?>? _ahead;
    private readonly int _aheadStart;

    private ModelScan(ReadOnlyMemory<byte> json)
    {
        _json = json;
        if (json.Length >= LongFile && FindMerges(json.Span) is > 0 and int start)
        {
            _aheadStart = start;
            _ahead = Worker<MergeScan?>.Start(() => MergeScan.Find(json, start));
        }
    }

    /// <summary>Whether making a model of the lists takes longer than starting a thread.</summary>
    public bool IsLong => _json.Length >= LongFile;

    /// <summary>The model's <c>vocab</c>.</summary>
    public TokenList? Vocabulary { get; private set; }

    /// <summary>The numbers in the model's <c>vocab</c> as they are written, where it is an array of pieces and scores.</summary>
    public List<Range>? Scores { get; private set; }

    /// <summary>The model's <c>merges</c>.</summary>
    public MergeScan? Merges { get; private set; }

    /// <summary>The file with empty lists in their place.</summary>
    public ReadOnlyMemory<byte> Rest { get; private set; }

    /// <summary>Text of the file.</summary>
    public ReadOnlySpan<byte> this[Range range] => _json.Span[range];

    /// <summary>Where a list of the model stands in the file; null where it is not one that was found.</summary>
    public Range? TextOf(string name)
    {
        int at = _cuts.FindIndex(cut => cut.Name == name);
        return at < 0 ? null : _cuts[at].Text;
    }

    /// <summary>Reads a file; null where the document must be asked.</summary>
    public static ModelScan? TryRead(ReadOnlyMemory<byte> json)
    {
        if (json.Span.StartsWith("\uFEFF"u8))
            json = json[3..];
        var scan = new ModelScan(json);
        if (!scan.ReadRoot())
            return null;
        scan.Rest = scan.WithoutLists();
        return scan;
    }

    private bool ReadRoot()
    {
        var scanner = new JsonScanner(_json.Span, 0);
        if (!scanner.TryTake((byte)'{'))
            return false;
        bool seen = false;
        do
        {
            if (!scanner.TryTakeName(out ReadOnlySpan<byte> name) || !scanner.TryTake((byte)':'))
                return false;
            bool isModel = name.SequenceEqual("model"u8);
            if (isModel ? seen || !ReadModel(ref scanner) : !scanner.TrySkip())
                return false;
            seen |= isModel;
        }
        while (scanner.TryTake((byte)','));
        return scanner.TryTake((byte)'}') && scanner.Peek() == 0 && Vocabulary is not null;
    }

    private bool ReadModel(ref JsonScanner scanner)
    {
        if (!scanner.TryTake((byte)'{'))
            return false;
        do
        {
            if (!scanner.TryTakeName(out ReadOnlySpan<byte> name) || !scanner.TryTake((byte)':'))
                return false;
            byte open = scanner.Peek();
            int start = scanner.At;
            bool isVocabulary = name.SequenceEqual("vocab"u8), isList = isVocabulary || open == '[' && name.SequenceEqual("merges"u8);
            if (!isList)
            {
                if (!scanner.TrySkip())
                    return false;
                continue;
            }

            if (isVocabulary ? !ReadVocabulary(ref scanner) : !TakeMerges(ref scanner))
                return false;
            _cuts.Add((isVocabulary ? "vocab" : "merges", start..scanner.At));
        }
        while (scanner.TryTake((byte)','));
        return scanner.TryTake((byte)'}');
    }

    private bool ReadVocabulary(ref JsonScanner scanner)
    {
        if (Vocabulary is not null)
            return false;
        Vocabulary = new TokenList(_json.Length >> 2, _json.Length >> 5);
        if (scanner.Peek() == '{')
            return ReadIds(ref scanner, Vocabulary);
        Scores = [];
        return scanner.Peek() == '[' && ReadPieces(ref scanner, Vocabulary, Scores);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static bool ReadIds(ref JsonScanner scanner, TokenList vocabulary)
    {
        scanner.TryTake((byte)'{');
        if (scanner.TryTake((byte)'}'))
            return true;
        do
        {
            if (!TryTakeToken(ref scanner, vocabulary, out int length) || !scanner.TryTake((byte)':') || !scanner.TryTakeId(out int id)
                || id >= Models.Vocabulary.MaxId)
                return false;
            vocabulary.Add(length, id);
        }
        while (scanner.TryTake((byte)','));
        return scanner.TryTake((byte)'}');
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static bool ReadPieces(ref JsonScanner scanner, TokenList vocabulary, List<Range> scores)
    {
        scanner.TryTake((byte)'[');
        if (scanner.TryTake((byte)']'))
            return true;
        do
        {
            if (!scanner.TryTake((byte)'[') || !TryTakeToken(ref scanner, vocabulary, out int length) || !scanner.TryTake((byte)',')
                || !scanner.TryTakeNumber(out Range number) || !scanner.TryTake((byte)']') || scores.Count == Models.Vocabulary.MaxId)
                return false;
            vocabulary.Add(length, scores.Count);
            scores.Add(number);
        }
        while (scanner.TryTake((byte)','));
        return scanner.TryTake((byte)']');
    }

    private static bool TryTakeToken(ref JsonScanner scanner, TokenList vocabulary, out int length)
    {
        int room = 1 << 7;
        while (!scanner.TryTakeString(vocabulary.Room(room), out length))
        {
            if (length >= 0)
                return false;
            room = checked(room * 4);
        }

        return true;
    }

    private bool TakeMerges(ref JsonScanner scanner)
    {
        if (Merges is not null)
            return false;
        Merges = _ahead is not null && _aheadStart == scanner.At ? _ahead.Wait() : MergeScan.Find(_json, scanner.At);
        scanner = new JsonScanner(_json.Span, Merges?.End ?? 0);
        return Merges is not null;
    }

    /// <summary>Where the merges probably begin: reading them need not wait until that is certain.</summary>
    private static int FindMerges(ReadOnlySpan<byte> json)
    {
        ReadOnlySpan<byte> name = "\"merges\""u8;
        for (int at = json.Length; (at = json[..at].LastIndexOf(name)) >= 0;)
        {
            var scanner = new JsonScanner(json, at + name.Length);
            if (scanner.TryTake((byte)':') && scanner.Peek() == '[')
                return scanner.At;
        }

        return -1;
    }

    private byte[] WithoutLists()
    {
        ReadOnlySpan<byte> json = _json.Span;
        var output = new ArrayBufferWriter<byte>();
        int done = 0;
        foreach ((_, Range text) in _cuts)
        {
            output.Write(json[done..text.Start.Value]);
            output.Write(json[text.Start.Value] == '{' ? "{}"u8 : "[]"u8);
            done = text.End.Value;
        }

        output.Write(json[done..]);
        return output.WrittenSpan.ToArray();
    }
}
