using Triptych.Tokenizers.Models;

namespace Triptych.Tokenizers.SentencePiece;

/// <summary>What the models of SentencePiece have in common: how pieces that are unknown come out.</summary>
internal abstract class SentencePieceModel : TokenizerModel
{
    private readonly int[]? _byteTokens;

    protected SentencePieceModel(SentencePieceFile file)
        : base(MakeVocabulary(file))
    {
        for (int id = 0; id < file.Pieces.Count; id++)
        {
            if (file.Pieces[id].Type == PieceType.Unknown)
                Unknown = id;
        }

        if (file.Training.ByteFallback)
            _byteTokens = Vocabulary.FindByteTokens();
        UserDefined = UserDefinedOf(file);
    }

    public override string? ContinuingSubwordPrefix => null;

    public override int TextTokenId => Unknown;

    protected int Unknown { get; }

    /// <summary>The symbols that are never cut, or null.</summary>
    protected CharTrie? UserDefined { get; }

    public static CharTrie? UserDefinedOf(SentencePieceFile file)
    {
        (string, int)[] symbols = [.. file.Pieces.Select((piece, id) => (piece, id))
            .Where(entry => entry.piece.Type == PieceType.UserDefined).Select(entry => (entry.piece.Text, entry.id))];
        return symbols.Length == 0 ? null : new CharTrie(symbols, file.Fail);
    }

    public static SentencePieceModel Create(SentencePieceFile file) => file.Training.Algorithm switch
    {
        SentencePieceAlgorithm.Bpe => new SentencePieceBpe(file),
        SentencePieceAlgorithm.Word => new SentencePieceWords(file),
        SentencePieceAlgorithm.Char => new SentencePieceChars(file),
        _ => new SentencePieceUnigram(file),
    };

    /// <summary>Appends a piece; unknown ones become bytes, or join those before them.</summary>
    protected void Add(ReadOnlySpan<char> text, Piece piece, int before, List<Piece> output)
    {
        if (piece.Id != Unknown)
            output.Add(piece);
        else if (_byteTokens is not null)
            AddBytes(text, piece, output);
        else if (output.Count > before && output[^1].Id == Unknown)
            output[^1] = output[^1] with { End = piece.End };
        else
            output.Add(piece);
    }

    protected int IdOrUnknown(ReadOnlySpan<char> piece) => Vocabulary.IdOf(piece) is >= 0 and int id ? id : Unknown;

    /// <summary>The length of the symbol that a text begins with: one that a user has defined, or a character.</summary>
    protected int SymbolLength(ReadOnlySpan<char> text, out bool defined)
    {
        int length = UserDefined is null ? 0 : UserDefined.FindLongest(text, out _);
        defined = length > 0;
        return defined ? length : char.IsHighSurrogate(text[0]) && text.Length > 1 ? 2 : 1;
    }

    /// <summary>Pieces of text, and then those that are found before them where they have the same name.</summary>
    private static Vocabulary MakeVocabulary(SentencePieceFile file)
    {
        static bool IsText(PieceType type) => type is PieceType.Normal or PieceType.UserDefined or PieceType.Unused;
        var entries = file.Pieces.Select((piece, id) => (piece.Text, id)).OrderBy(entry => !IsText(file.Pieces[entry.id].Type));
        return new Vocabulary([.. entries], file.Fail, repeats: true);
    }

    private void AddBytes(ReadOnlySpan<char> text, Piece piece, List<Piece> output)
    {
        Span<byte> bytes = stackalloc byte[4];
        foreach (System.Text.Rune rune in text[piece.Start..piece.End].EnumerateRunes())
        {
            foreach (byte value in bytes[..rune.EncodeToUtf8(bytes)])
                output.Add(piece with { Id = _byteTokens![value] });
        }
    }
}

/// <summary>
/// SentencePiece's Unigram model: as <see cref="Models.Unigram"/>, but with sums in single precision over the whole text, which decide
/// between segmentations of equal worth.
/// </summary>
internal sealed class SentencePieceUnigram : SentencePieceModel
{
    private const float UnknownPenalty = 10;

    private readonly CharTrie _trie;
    private readonly float[] _scores;
    private readonly float _unknownScore;

    public SentencePieceUnigram(SentencePieceFile file)
        : base(file)
    {
        float lowest = float.MaxValue;
        var keys = new List<(string, int)>();
        for (int id = 0; id < file.Pieces.Count; id++)
        {
            (string text, float score, PieceType type) = file.Pieces[id];
            if (type == PieceType.Normal)
                lowest = Math.Min(lowest, score);
            if (type is PieceType.Normal or PieceType.UserDefined)
                keys.Add((text, id));
        }

        _unknownScore = lowest - UnknownPenalty;
        _trie = new CharTrie(keys, file.Fail);
        // What a user has defined has no cost in the files that training makes, so that it is always chosen.
        _scores = [.. file.Pieces.Select(piece => piece.Score)];
    }

    public override void Tokenize(ReadOnlySpan<char> word, List<Piece> output)
    {
        int before = output.Count;
        Span<ViterbiLattice.Node> nodes = stackalloc ViterbiLattice.Node[ViterbiLattice.StackNodes];
        var lattice = new ViterbiLattice(word, nodes, _trie.MaxKeyLength);
        bool hasUnknown = false;
        for (int at = 0; at < word.Length;)
        {
            lattice.MoveTo(at, output);
            float score = (float)lattice.ScoreHere;
            int single = char.IsHighSurrogate(word[at]) && at + 1 < word.Length ? 2 : 1;
            bool hasSingle = false;
            int node = CharTrie.Root;
            for (int end = at; end < word.Length && _trie.TryMove(ref node, word[end], out int id); end++)
            {
                if (id == CharTrie.None)
                    continue;
                hasSingle |= end + 1 - at == single;
                lattice.Offer(end + 1, _scores[id] + score, id);
            }

            if (!hasSingle)
            {
                hasUnknown = true;
                lattice.Offer(at + single, _unknownScore + score, Unknown);
            }

            at += single;
        }

        lattice.Finish(output);
        if (hasUnknown)
            Rewrite(word, output, before);
    }

    private void Rewrite(ReadOnlySpan<char> word, List<Piece> output, int before)
    {
        Piece[] pieces = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(output)[before..].ToArray();
        output.RemoveRange(before, pieces.Length);
        foreach (Piece piece in pieces)
            Add(word, piece, before, output);
    }
}

/// <summary>Whole words, each with the mark before it.</summary>
internal sealed class SentencePieceWords(SentencePieceFile file) : SentencePieceModel(file)
{
    public override void Tokenize(ReadOnlySpan<char> word, List<Piece> output)
    {
        int before = output.Count;
        for (int start = 0; start < word.Length;)
        {
            int next = word[(start + 1)..].IndexOf(SentencePieceNormalizer.Mark);
            int end = next < 0 ? word.Length : start + 1 + next;
            Add(word, new Piece(IdOrUnknown(word[start..end]), start, end), before, output);
            start = end;
        }
    }
}

/// <summary>Single characters, and what a user has defined.</summary>
internal sealed class SentencePieceChars(SentencePieceFile file) : SentencePieceModel(file)
{
    public override void Tokenize(ReadOnlySpan<char> word, List<Piece> output)
    {
        int before = output.Count;
        for (int start = 0; start < word.Length;)
        {
            int end = start + SymbolLength(word[start..], out _);
            Add(word, new Piece(IdOrUnknown(word[start..end]), start, end), before, output);
            start = end;
        }
    }
}
