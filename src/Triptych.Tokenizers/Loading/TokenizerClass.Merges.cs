using System.Text.Json.Nodes;
using Triptych.Tokenizers.Pipeline;
using static Triptych.Tokenizers.Loading.StageJson;

namespace Triptych.Tokenizers.Loading;

/// <summary>GPT-2's and its like: byte-pair encoding with the vocabulary of a vocab.json and the merges of a merges.txt.</summary>
internal sealed partial record TokenizerClass
{
    private static TokenizerClass Gpt2() => new()
    {
        Name = "GPT2Tokenizer", Files = VocabularyFiles.Merges, IsBpe = true, Defaults = SpecialTokens.Gpt2, Bpe = _ => new(),
        PreTokenizer = context => Bytes(context), Decoder = _ => ByteLevel(addPrefixSpace: true, trimOffsets: true, useRegex: true),
    };

    private static IEnumerable<TokenizerClass> OfMerges()
    {
        TokenizerClass gpt2 = Gpt2();
        yield return gpt2;
        yield return gpt2 with { Name = "CodeGenTokenizer", KeepsProcessor = true, PostProcessor = ByFlagsOrBytes };
        yield return gpt2 with { Name = "GPTNeoXTokenizer", Defaults = SpecialTokens.Gpt2 with { Pad = "<|padding|>" }, Normalizer = _ => Of("NFC") };
        yield return gpt2 with
        {
            Name = "RobertaTokenizer", Defaults = SpecialTokens.Roberta,
            PostProcessor = context => Roberta(context, "sep_token", "cls_token", context.Flag("add_prefix_space", false), context.Flag("trim_offsets", true)),
        };
        yield return gpt2 with
        {
            // Its class puts tokens around texts with entities alone, which are the caller's.
            Name = "LukeTokenizer", Defaults = SpecialTokens.Roberta, OwnRoles = EntityRoles, Last = EntityTokens, CleansUp = true,
        };
        yield return gpt2 with
        {
            Name = "BlenderbotTokenizer", Defaults = SpecialTokens.Roberta, MaskTakesSpace = true, PreTokenizer = context => Bytes(context, addPrefixSpace: true),
        };
        yield return gpt2 with
        {
            Name = "DebertaTokenizer", Defaults = SpecialTokens.Bert with { Bos = "[CLS]", Eos = "[SEP]" },
            PostProcessor = context =>
            {
                (string cls, string sep) = (context.Role("cls_token", "[CLS]"), context.Role("sep_token", "[SEP]"));
                return Pair(context, $"{cls} $A {sep}", $"{cls} $A {sep} {sep} $B {sep}");
            },
        };
        var qwen2 = gpt2 with
        {
            Name = "Qwen2Tokenizer", Defaults = new() { Eos = "<|endoftext|>", Unk = "<|endoftext|>", Pad = "<|endoftext|>" }, Normalizer = _ => Of("NFC"),
            PreTokenizer = context => BytesOf(context, SplitPatterns.Qwen2),
        };
        yield return qwen2;
        yield return qwen2 with { Name = "Qwen3_5Tokenizer", PreTokenizer = context => BytesOf(context, SplitPatterns.Qwen35) };
        yield return gpt2 with
        {
            Name = "CohereTokenizer", PadsLeft = true, AllAreSpecial = true, Normalizer = _ => Of("NFC"),
            Defaults = new() { Bos = "<BOS_TOKEN>", Eos = "<|END_OF_TURN_TOKEN|>", Unk = "<UNK>", Sep = "<SEP>", Pad = "<PAD>", Cls = "<CLS>", Mask = "<MASK_TOKEN>" },
            PreTokenizer = context => Sequence("pretokenizers", new JsonObject { ["type"] = "Digits", ["individual_digits"] = true }, Bytes(context)),
        };
        yield return gpt2 with
        {
            // Time stamps are taken out of decoded text, special tokens or not.
            Name = "WhisperTokenizer", PostProcessor = WhisperPrompt.Of,
            Decoder = _ => Sequence("decoders", ByteLevel(addPrefixSpace: true, trimOffsets: true, useRegex: true), Replace(@"<\|\d+\.\d+\|>", "", regex: true)),
        };
        yield return gpt2 with
        {
            Name = "CLIPTokenizer", Defaults = new() { Bos = "<|startoftext|>", Eos = "<|endoftext|>", Unk = "<|endoftext|>", Pad = "<|endoftext|>" },
            Bpe = context => new() { UnknownToken = context.Role("unk_token"), EndOfWordSuffix = "</w>" },
            Normalizer = _ => Normalizers(Of("NFC"), Replace(@"\s+", " ", regex: true), Of("Lowercase")),
            PreTokenizer = _ => Sequence("pretokenizers", ClipWords(), ByteLevel(addPrefixSpace: false, trimOffsets: true, useRegex: true)),
            Decoder = _ => Sequence("decoders", ByteLevel(addPrefixSpace: true, trimOffsets: true, useRegex: true), Replace("</w>", " "), Replace(@"\A[\s\x1c-\x1f]+|[\s\x1c-\x1f]+\z", "", regex: true)),
            PostProcessor = context => Roberta(context, "eos_token", "bos_token", addPrefixSpace: false, trimOffsets: false),
        };
        yield return gpt2 with
        {
            Name = "OpenAIGPTTokenizer", Defaults = new() { Unk = "<unk>" }, Bpe = EndOfWord, PreTokenizer = _ => Of("BertPreTokenizer"), Decoder = _ => EndOfWordDecoder(),
            Normalizer = _ => BertNormalizer(lowercase: true, stripAccents: null),
        };
        yield return gpt2 with
        {
            Name = "HerbertTokenizer", Bpe = EndOfWord, PreTokenizer = _ => Of("BertPreTokenizer"), Decoder = _ => EndOfWordDecoder(),
            Defaults = new() { Cls = "<s>", Unk = "<unk>", Pad = "<pad>", Mask = "<mask>", Sep = "</s>" },
            Normalizer = _ => BertNormalizer(lowercase: false, stripAccents: false),
            // The ids of these two do not come from the vocabulary.
            PostProcessor = context => new JsonObject
            {
                ["type"] = "BertProcessing", ["sep"] = new JsonArray(context.Role("sep_token", "</s>"), 2), ["cls"] = new JsonArray(context.Role("cls_token", "<s>"), 0),
            },
        };
    }

    private static JsonObject Bytes(ClassContext context, bool addPrefixSpace = false, bool useRegex = true) =>
        ByteLevel(context.Flag("add_prefix_space", addPrefixSpace), trimOffsets: true, useRegex);

    private static JsonObject BytesOf(ClassContext context, string pattern) =>
        Sequence("pretokenizers", Split(new JsonObject { ["Regex"] = pattern }, "Isolated"), Bytes(context, useRegex: false));

    private static JsonObject ByFlagsOrBytes(ClassContext context) => context.FromModel && (context.Config.ContainsKey("add_bos_token") || context.Config.ContainsKey("add_eos_token"))
        ? ClassFiles.ByFlags(context) : ByteLevel(addPrefixSpace: true, trimOffsets: false, useRegex: true);

    private static JsonObject Roberta(ClassContext context, string sepRole, string clsRole, bool addPrefixSpace, bool trimOffsets)
    {
        JsonArray Token(string role) => context.Role(role) is string token ? new JsonArray(token, context.IdOf(token))
            : throw new TokenizerException(context.Path, $"{context.Kind.Name} needs a {role}");
        return new JsonObject
        {
            ["type"] = "RobertaProcessing", ["sep"] = Token(sepRole), ["cls"] = Token(clsRole), ["trim_offsets"] = trimOffsets, ["add_prefix_space"] = addPrefixSpace,
        };
    }

    private static JsonObject ClipWords()
    {
        JsonObject words = Split(new JsonObject { ["Regex"] = SplitPatterns.Clip }, "Removed");
        words["invert"] = true;
        return words;
    }

    private static Models.BpeOptions EndOfWord(ClassContext context) => new() { UnknownToken = context.Role("unk_token"), EndOfWordSuffix = "</w>" };

    private static JsonObject EndOfWordDecoder() => new() { ["type"] = "BPEDecoder", ["suffix"] = "</w>" };

    private static JsonObject BertNormalizer(bool lowercase, bool? stripAccents) => new()
    {
        ["type"] = "BertNormalizer", ["clean_text"] = true, ["handle_chinese_chars"] = true, ["strip_accents"] = stripAccents, ["lowercase"] = lowercase,
    };
}
