using System.Text.Json.Nodes;
using static Triptych.Tokenizers.Loading.StageJson;

namespace Triptych.Tokenizers.Loading;

/// <summary>The classes of models that read pages: the tokens of their words; boxes and tags of a page are not the tokenizer's.</summary>
internal sealed partial record TokenizerClass
{
    /// <summary>Punctuation and its runs. Nougat's class gives it as a string, so that it is looked for as it is written.</summary>
    private const string NougatPunctuation = @"[\(\)\[\]\{\}]|([!\""#\$%\&'\*\+,\-\./:;<=>\?\\\^_`\|\~])\1*";

    private static IEnumerable<TokenizerClass> OfDocuments()
    {
        TokenizerClass gpt2 = Gpt2();
        yield return Bert() with { Name = "LayoutLMv2Tokenizer", MaxLength = 512 };
        yield return gpt2 with
        {
            Name = "LayoutLMv3Tokenizer", Defaults = SpecialTokens.Roberta, PreTokenizer = context => Bytes(context, addPrefixSpace: true),
            PostProcessor = context => Roberta(context, "sep_token", "cls_token", context.Flag("add_prefix_space", true), trimOffsets: true),
        };
        yield return gpt2 with
        {
            Name = "MarkupLMTokenizer", Defaults = SpecialTokens.Roberta, MaskTakesSpace = true,
            PostProcessor = context =>
            {
                (string cls, string sep) = (context.Role("cls_token", "<s>"), context.Role("sep_token", "</s>"));
                return Pair(context, $"{cls} $A {sep}", $"{cls} $A {sep} $B {sep}");
            },
        };
        yield return new()
        {
            Name = "LayoutXLMTokenizer", Defaults = Fairseq, MaskTakesSpace = true, Unknown = _ => 3,
            Reorder = context => Fairseqs(context, "bos_token", [context.Role("mask_token", "<mask>")]),
            Normalizer = _ => Normalizers(Strip(left: false, right: true), Replace(" {2,}", Mark, regex: true)), PreTokenizer = context => Metaspace(Scheme(context)),
            PostProcessor = context =>
            {
                (string cls, string sep) = (context.Role("cls_token", "<s>"), context.Role("sep_token", "</s>"));
                return Pair(context, $"{cls} $A {sep}", $"{cls} $A {sep} {sep} $B {sep}");
            },
        };
        yield return new()
        {
            Name = "UdopTokenizer", ModelFile = "spiece.model", Defaults = new() { Eos = "</s>", Unk = "<unk>", Sep = "</s>", Pad = "<pad>" },
            Unknown = context => context.Vocabulary.FindIndex(entry => entry.Piece == context.Role("unk_token", "<unk>")) is >= 0 and int id ? id : 2,
            PreTokenizer = _ => Words("always"), Decoder = _ => Metaspace("always"), PostProcessor = context => Pair(context, "$A </s>", "$A </s> $B </s>"),
        };
        yield return gpt2 with
        {
            Name = "NougatTokenizer", Defaults = new() { Bos = "<s>", Eos = "</s>", Unk = "<unk>", Pad = "<pad>" }, Normalizer = _ => Of("NFKC"),
            PreTokenizer = _ => Sequence("pretokenizers", Split(new JsonObject { ["String"] = "SPL1T-TH1S-Pl3A5E" }, "Removed"),
                new JsonObject { ["type"] = "Digits", ["individual_digits"] = true }, Split(new JsonObject { ["String"] = NougatPunctuation }, "Isolated"),
                Split(new JsonObject { ["String"] = "\n" }, "Isolated"), ByteLevel(addPrefixSpace: false, trimOffsets: true, useRegex: true)),
            PostProcessor = context => Pair(context, $"{context.Role("bos_token", "<s>")} $A {context.Role("eos_token", "</s>")}", "$A $B:1"),
        };
    }
}
