using System.Text.Json.Nodes;
using static Triptych.Tokenizers.Loading.StageJson;

namespace Triptych.Tokenizers.Loading;

/// <summary>BERT's and its like: WordPiece with the vocabulary of a vocab.txt.</summary>
internal sealed partial record TokenizerClass
{
    private static TokenizerClass Bert() => new()
    {
        Name = "BertTokenizer", Files = VocabularyFiles.Words, Defaults = SpecialTokens.Bert, Normalizer = context => BertNormalizer(context),
        PreTokenizer = _ => Of("BertPreTokenizer"), Decoder = _ => WordPieceDecoder(), PostProcessor = ClsSepTyped,
    };

    private static IEnumerable<TokenizerClass> OfWords()
    {
        TokenizerClass bert = Bert();
        foreach (string name in (string[])["BertTokenizer", "ConvBertTokenizer", "DistilBertTokenizer"])
            yield return bert with { Name = name, KeepsStages = name == "ConvBertTokenizer" };
        // These take do_lower_case for themselves and never tell BERT's about it.
        foreach (string name in (string[])["DPRContextEncoderTokenizer", "DPRQuestionEncoderTokenizer", "DPRReaderTokenizer"])
            yield return bert with { Name = name, Normalizer = context => BertNormalizer(context, lowercase: true) };
        yield return bert with
        {
            Name = "MPNetTokenizer", MaskTakesSpace = true,
            Defaults = SpecialTokens.Roberta with { Unk = "[UNK]" },
            PostProcessor = context =>
            {
                (string cls, string sep) = (context.Role("cls_token", "<s>"), context.Role("sep_token", "</s>"));
                return Pair(context, $"{cls}:0 $A:0 {sep}:0", $"{cls}:0 $A:0 {sep}:0 {sep}:0 $B:1 {sep}:1");
            },
        };
        yield return bert with
        {
            Name = "FunnelTokenizer",
            Defaults = new() { Bos = "<s>", Eos = "</s>", Unk = "<unk>", Sep = "<sep>", Pad = "<pad>", Cls = "<cls>", Mask = "<mask>" },
            Normalizer = context => BertNormalizer(context, cleans: context.Flag("clean_text", true)),
            Decoder = context => WordPieceDecoder(context.Text("wordpieces_prefix") ?? "##"),
            PostProcessor = context =>
            {
                (string cls, string sep) = (context.Role("cls_token", "<cls>"), context.Role("sep_token", "<sep>"));
                return Pair(context, $"{cls}:2 $A:0 {sep}:0", $"{cls}:2 $A:0 {sep}:0 $B:1 {sep}:1");
            },
        };
        yield return bert with { Name = "SplinterTokenizer", Further = context => [Question(context)], PostProcessor = SplinterPair };
    }

    private static string Question(ClassContext context) => context.Text("question_token") ?? "[QUESTION]";

    private static JsonObject SplinterPair(ClassContext context)
    {
        (string cls, string sep, string question) = (context.Role("cls_token", "[CLS]"), context.Role("sep_token", "[SEP]"), Question(context));
        return Pair(context, $"{cls}:0 $A:0 {sep}:0", context.Text("padding_side") == "left"
            ? $"{cls}:0 $A:0 {sep}:0 $B:1 {question} . {sep}:1" : $"{cls}:0 $A:0 {question} . {sep}:0 $B:1 {sep}:1");
    }

    private static JsonObject BertNormalizer(ClassContext context, bool? lowercase = null, bool cleans = true) => new()
    {
        ["type"] = "BertNormalizer",
        ["clean_text"] = cleans,
        ["handle_chinese_chars"] = context.Flag("tokenize_chinese_chars", true),
        ["strip_accents"] = TokenizerFiles.Value(context.Config, "strip_accents") as bool?,
        ["lowercase"] = lowercase ?? context.Flag("do_lower_case", true),
    };

    private static JsonObject WordPieceDecoder(string prefix = "##") => new() { ["type"] = "WordPiece", ["prefix"] = prefix, ["cleanup"] = true };
}
