using System.Text.Json.Nodes;
using Triptych.Tokenizers.Pipeline;

namespace Triptych.Tokenizers.Gguf;

/// <summary>Describes a tokenizer.json as GGUF files do.</summary>
internal sealed class GgufTokenizerReader(Tokenizer tokenizer)
{
    private readonly JsonObject json = JsonNode.Parse(tokenizer.Files.Json.Span)!.AsObject();

    public GgufVocabulary Read(int vocabSize)
    {
        if (Text(json["model"], "type") is not (null or "BPE"))
            throw new NotSupportedException($"tokenizers of type {Text(json["model"], "type")} have no place in a GGUF file here; BPE has");
        if (tokenizer.VocabSize > vocabSize)
            throw new NotSupportedException($"the tokenizer has {tokenizer.VocabSize} tokens, more than the {vocabSize} of the model");
        bool isSentencePiece = Flag(json["model"], "byte_fallback");
        CheckNormalizer(json["normalizer"], isSentencePiece);
        GgufPre? pre = isSentencePiece ? null : GgufPre.Find(json["pre_tokenizer"], Flag(json["model"], "ignore_merges"))
            ?? throw new NotSupportedException("GGUF has no name for the tokenizer's pre-tokenizer that is known here");
        string[] merges = [.. json["model"]!["merges"]!.AsArray().Select(merge => merge is JsonArray pair ? $"{pair[0]} {pair[1]}" : merge!.GetValue<string>())];
        string[] tokens = [.. Enumerable.Range(0, vocabSize).Select(id => tokenizer.IdToToken(id) ?? $"[PAD{id}]")];
        (int? bos, int? eos) = Frame();
        return new GgufVocabulary
        {
            Model = isSentencePiece ? GgufVocabulary.SentencePiece : GgufVocabulary.ByteLevel,
            Pre = pre?.Names[0] ?? "default",
            Tokens = tokens,
            TokenTypes = [.. Enumerable.Range(0, vocabSize).Select(id => TypeOf(id, isSentencePiece))],
            Scores = isSentencePiece ? Scores(tokens) : null,
            Merges = isSentencePiece ? null : merges,
            BosTokenId = bos ?? tokenizer.BosTokenId,
            EosTokenId = eos ?? tokenizer.EosTokenId,
            UnknownTokenId = tokenizer.UnkTokenId,
            PaddingTokenId = tokenizer.PadTokenId,
            AddBosToken = bos is not null,
            AddEosToken = eos is not null,
            AddSpacePrefix = isSentencePiece ? tokenizer.Encode("a", addSpecialTokens: false).Tokens is [['\u2581', ..], ..] : null,
            ChatTemplate = tokenizer.Files.ChatTemplate,
        };
    }

    /// <summary>The tokens that are put before and behind a text, of which GGUF has one each: that which begins texts, and that which ends them.</summary>
    private (int? Bos, int? Eos) Frame()
    {
        const string Text = "a";
        int[] own = tokenizer.EncodeToIds(Text, addSpecialTokens: false), framed = tokenizer.EncodeToIds(Text);
        int start = framed.AsSpan().IndexOf(own);
        int[] before = start < 0 ? framed : framed[..start], after = start < 0 ? [] : framed[(start + own.Length)..];
        if (before.Length > 1 || after.Length > 1 || !IsOr(tokenizer.BosTokenId, before) || !IsOr(tokenizer.EosTokenId, after))
            throw new NotSupportedException("GGUF has no place for what the tokenizer puts around texts: "
                + string.Join(", ", before.Concat(after).Select(tokenizer.IdToToken)));
        return (before is [int bos] ? bos : null, after is [int eos] ? eos : null);
    }

    /// <summary>Whether what is put there is the token that has the role, where one is known.</summary>
    private static bool IsOr(int? role, int[] put) => put.Length == 0 || role is null || put[0] == role;

    /// <summary>
    /// GGUF says nothing of normalizers: SentencePiece's spaces are understood, and llama.cpp leaves out the NFC of byte-level ones, which
    /// only changes texts that are not in it.
    /// </summary>
    private static void CheckNormalizer(JsonNode? normalizer, bool isSentencePiece)
    {
        IEnumerable<JsonNode?> parts = normalizer?["normalizers"] as JsonArray ?? (normalizer is null ? [] : (IEnumerable<JsonNode?>)[normalizer]);
        foreach (JsonNode? part in parts)
        {
            string? type = Text(part, "type");
            bool understood = !isSentencePiece ? type is "NFC"
                : type is "Prepend" ? Text(part, "prepend") == "\u2581"
                : type is "Replace" && Text(part!["pattern"], "String") == " " && Text(part, "content") == "\u2581";
            if (!understood)
                throw new NotSupportedException($"GGUF has no place for the tokenizer's normalizer {part?.ToJsonString()}");
        }
    }

    private GgufTokenType TypeOf(int id, bool isSentencePiece)
    {
        string? token = tokenizer.IdToToken(id);
        if (token is null)
            return GgufTokenType.Unused;
        if (isSentencePiece && id == tokenizer.UnkTokenId)
            return GgufTokenType.Unknown;
        if (tokenizer.FindAdded(id) is { } added)
            return added.Special ? GgufTokenType.Control : GgufTokenType.UserDefined;
        return isSentencePiece && ByteFallbackDecoder.ByteOf(token) is not null ? GgufTokenType.Byte : GgufTokenType.Normal;
    }

    /// <summary>Minus the number of tokens that are made before; characters, which no merge makes, come last.</summary>
    private float[] Scores(string[] tokens)
    {
        var ranks = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (JsonNode? merge in json["model"]!["merges"]!.AsArray())
            ranks.TryAdd(merge is JsonArray pair ? $"{pair[0]}{pair[1]}" : Joined(merge!.GetValue<string>()), ranks.Count);
        int next = ranks.Count;
        return [.. tokens.Select((token, id) => TypeOf(id, isSentencePiece: true) != GgufTokenType.Normal ? 0f : -(ranks.TryGetValue(token, out int rank) ? rank : next++))];
    }

    private static string Joined(string merge)
    {
        int space = merge.IndexOf(' ', StringComparison.Ordinal);
        return string.Concat(merge.AsSpan(0, space), merge.AsSpan(space + 1));
    }

    private static string? Text(JsonNode? node, string name) => node?[name]?.GetValue<string>();

    private static bool Flag(JsonNode? node, string name) => node?[name]?.GetValue<bool>() ?? false;
}
