using Triptych.Tokenizers.Loading;
using Triptych.Tokenizers.Pipeline;

namespace Triptych.Tokenizers.SentencePiece;

/// <summary>A SentencePiece model by itself, used as the sentencepiece library does: no special tokens, none found in the text.</summary>
internal static class SentencePieceReader
{
    public static TokenizerParts Read(SentencePieceFile file)
    {
        return new TokenizerParts(
            NormalizerOf(file), null, SentencePieceModel.Create(file), null, DecoderOf(file), new AddedVocabulary([], null), null, null);
    }

    public static SentencePieceNormalizer NormalizerOf(SentencePieceFile file) =>
        new(file.Normalizer, MapOf(file.Normalizer, file.Fail), SentencePieceModel.UserDefinedOf(file), file.Training.TreatWhitespaceAsSuffix);

    public static SentencePieceDecoder DecoderOf(SentencePieceFile file) => new(file, file.Denormalizer is { CharsMap.Length: > 0 } rules
        ? new SentencePieceNormalizer(rules, MapOf(rules, file.Fail), null, whitespaceAsSuffix: false) : null);

    /// <summary>The special tokens that the model names.</summary>
    public static SpecialTokens SpecialTokensOf(SentencePieceFile file)
    {
        string? PieceOf(int id) => id >= 0 && id < file.Pieces.Count ? file.Pieces[id].Text : null;
        return new SpecialTokens
        {
            Bos = PieceOf(file.Training.BosId),
            Eos = PieceOf(file.Training.EosId),
            Unk = PieceOf(file.Training.UnkId),
            Pad = PieceOf(file.Training.PadId),
        };
    }

    private static CharsMap? MapOf(SentencePieceRules rules, Func<string, Exception> refuse) =>
        rules.CharsMap.Length == 0 ? null : new CharsMap(rules.CharsMap, refuse);
}
