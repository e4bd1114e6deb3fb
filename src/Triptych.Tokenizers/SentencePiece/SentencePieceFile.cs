namespace Triptych.Tokenizers.SentencePiece;

/// <summary>What a piece is for, under the numbers of sentencepiece_model.proto.</summary>
internal enum PieceType
{
    Normal = 1,
    Unknown = 2,
    Control = 3,
    UserDefined = 4,
    Unused = 5,
    Byte = 6,
}

/// <summary>How a SentencePiece model cuts, under the numbers of sentencepiece_model.proto.</summary>
internal enum SentencePieceAlgorithm
{
    Unigram = 1,
    Bpe = 2,
    Word = 3,
    Char = 4,
}

/// <summary>A piece of the vocabulary; its id is its place.</summary>
internal readonly record struct SentencePieceEntry(string Text, float Score, PieceType Type);

/// <summary>How texts are changed before they are cut (<c>normalizer_spec</c>), or after they are decoded (<c>denormalizer_spec</c>).</summary>
internal sealed record SentencePieceRules
{
    public byte[] CharsMap { get; init; } = [];

    public bool AddDummyPrefix { get; init; } = true;

    public bool RemoveExtraWhitespaces { get; init; } = true;

    public bool EscapeWhitespaces { get; init; } = true;

    public static SentencePieceRules Read(ReadOnlySpan<byte> message, string file)
    {
        var rules = new SentencePieceRules();
        var reader = new ProtobufReader(message, file);
        while (reader.TryReadField(out int field))
        {
            switch (field)
            {
                case 2:
                    rules = rules with { CharsMap = reader.ReadBytes().ToArray() };
                    break;
                case 3:
                    rules = rules with { AddDummyPrefix = reader.ReadBool() };
                    break;
                case 4:
                    rules = rules with { RemoveExtraWhitespaces = reader.ReadBool() };
                    break;
                case 5:
                    rules = rules with { EscapeWhitespaces = reader.ReadBool() };
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        return rules;
    }
}

/// <summary>The part of <c>trainer_spec</c> that matters for use.</summary>
internal sealed record SentencePieceTraining
{
    public SentencePieceAlgorithm Algorithm { get; init; } = SentencePieceAlgorithm.Unigram;

    public bool TreatWhitespaceAsSuffix { get; init; }

    public bool AllowWhitespaceOnlyPieces { get; init; }

    public bool ByteFallback { get; init; }

    public int UnkId { get; init; }

    public int BosId { get; init; } = 1;

    public int EosId { get; init; } = 2;

    public int PadId { get; init; } = -1;

    public string UnkPiece { get; init; } = "<unk>";

    public string UnkSurface { get; init; } = " \u2047 ";

    public static SentencePieceTraining Read(ReadOnlySpan<byte> message, string file)
    {
        var training = new SentencePieceTraining();
        var reader = new ProtobufReader(message, file);
        while (reader.TryReadField(out int field))
        {
            switch (field)
            {
                case 3:
                    training = training with { Algorithm = (SentencePieceAlgorithm)reader.ReadInt32() };
                    break;
                case 24:
                    training = training with { TreatWhitespaceAsSuffix = reader.ReadBool() };
                    break;
                case 26:
                    training = training with { AllowWhitespaceOnlyPieces = reader.ReadBool() };
                    break;
                case 35:
                    training = training with { ByteFallback = reader.ReadBool() };
                    break;
                case 40:
                    training = training with { UnkId = reader.ReadInt32() };
                    break;
                case 41:
                    training = training with { BosId = reader.ReadInt32() };
                    break;
                case 42:
                    training = training with { EosId = reader.ReadInt32() };
                    break;
                case 43:
                    training = training with { PadId = reader.ReadInt32() };
                    break;
                case 44:
                    training = training with { UnkSurface = reader.ReadString() };
                    break;
                case 45:
                    training = training with { UnkPiece = reader.ReadString() };
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        return Enum.IsDefined(training.Algorithm) ? training
            : throw new TokenizerException(file, $"model type {(int)training.Algorithm} is not known");
    }
}

/// <summary>A SentencePiece model (<c>*.model</c>, <c>*.spm</c>; Kudo and Richardson, 2018).</summary>
internal sealed record SentencePieceFile(
    IReadOnlyList<SentencePieceEntry> Pieces,
    SentencePieceTraining Training,
    SentencePieceRules Normalizer,
    SentencePieceRules? Denormalizer,
    string Path)
{
    /// <summary>Reads a file's content.</summary>
    /// <exception cref="TokenizerException">It is not a model, or contradicts itself.</exception>
    public static SentencePieceFile Read(ReadOnlySpan<byte> content, string path)
    {
        var pieces = new List<SentencePieceEntry>();
        var training = new SentencePieceTraining();
        var normalizer = new SentencePieceRules();
        SentencePieceRules? denormalizer = null;
        var reader = new ProtobufReader(content, path);
        while (reader.TryReadField(out int field))
        {
            switch (field)
            {
                case 1:
                    pieces.Add(ReadPiece(reader.ReadBytes(), path, pieces.Count));
                    break;
                case 2:
                    training = SentencePieceTraining.Read(reader.ReadBytes(), path);
                    break;
                case 3:
                    normalizer = SentencePieceRules.Read(reader.ReadBytes(), path);
                    break;
                case 5:
                    denormalizer = SentencePieceRules.Read(reader.ReadBytes(), path);
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        var file = new SentencePieceFile(pieces, training, normalizer, denormalizer, path);
        file.Check();
        return file;
    }

    public TokenizerException Fail(string reason) => new(Path, $"not a usable SentencePiece model: {reason}");

    private static SentencePieceEntry ReadPiece(ReadOnlySpan<byte> message, string path, int id)
    {
        string text = "";
        float score = 0;
        var type = PieceType.Normal;
        var reader = new ProtobufReader(message, path);
        while (reader.TryReadField(out int field))
        {
            switch (field)
            {
                case 1:
                    text = reader.ReadString();
                    break;
                case 2:
                    score = reader.ReadFloat();
                    break;
                case 3:
                    type = (PieceType)reader.ReadInt32();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        string? reason = id >= Models.Vocabulary.MaxId ? "there are too many"
            : text.Length == 0 ? "it is empty"
            : !float.IsFinite(score) ? "its score is not a finite number"
            : !Enum.IsDefined(type) ? $"its type {(int)type} is not known" : null;
        return reason is null ? new SentencePieceEntry(text, score, type)
            : throw new TokenizerException(path, $"not a usable SentencePiece model: piece {id}: {reason}");
    }

    private void Check()
    {
        if (Pieces.Count == 0)
            throw Fail("there are no pieces");
        var texts = new HashSet<(string, bool)>();
        bool hasUnknown = false;
        int bytes = 0;
        for (int id = 0; id < Pieces.Count; id++)
        {
            (string text, _, PieceType type) = Pieces[id];
            if (!texts.Add((text, type is PieceType.Normal or PieceType.UserDefined or PieceType.Unused)))
                throw Fail($"piece {id}: \"{text}\" comes twice");
            if (type == PieceType.Unknown && hasUnknown)
                throw Fail($"piece {id}: there is another one for the unknown");
            hasUnknown |= type == PieceType.Unknown;
            if (type != PieceType.Byte)
                continue;
            if (!Training.ByteFallback || Pipeline.ByteFallbackDecoder.ByteOf(text) is null)
                throw Fail($"piece {id}: \"{text}\" cannot be a byte");
            bytes++;
        }

        if (!hasUnknown)
            throw Fail("there is no piece for the unknown");
        if (Training.ByteFallback && bytes != byte.MaxValue + 1)
            throw Fail($"there are {bytes} pieces for bytes in place of 256");
    }
}
