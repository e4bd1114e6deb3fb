using System.Text.Json;
using System.Text.Json.Nodes;
using Triptych.Tokenizers.Gguf;

namespace Triptych.Tokenizers.Tests;

/// <summary>Tokenizers as GGUF files describe them; the ids are those of llama.cpp.</summary>
public sealed class GgufVocabularyTests
{
    private const int FirstPiece = 259;

    private static readonly (string Token, float Score, GgufTokenType Type)[] Pieces =
    [
        ("bé", 0, GgufTokenType.Normal), ("▁bé", -1, GgufTokenType.Normal), ("aé", -2, GgufTokenType.Normal), ("▁béb", -3, GgufTokenType.UserDefined),
        ("ab", -4, GgufTokenType.Unused), ("a", -1000, GgufTokenType.Normal), ("b", -1000, GgufTokenType.Normal), ("▁", -1000, GgufTokenType.Normal),
        ("é", -1000, GgufTokenType.Normal),
    ];

    [Theory]
    [InlineData("a béb bé", "266 264 262 260")]
    [InlineData("béb", "262")]
    [InlineData("ab", "266 263")]
    public void WhateverIsTextIsJoined(string text, string expected)
    {
        string[] tokens = ["<unk>", "<s>", "</s>", .. Enumerable.Range(0, 256).Select(value => $"<0x{value:X2}>"), .. Pieces.Select(piece => piece.Token)];
        GgufTokenType[] types = [GgufTokenType.Unknown, GgufTokenType.Control, GgufTokenType.Control, .. Enumerable.Repeat(GgufTokenType.Byte, 256), .. Pieces.Select(piece => piece.Type)];
        var vocabulary = new GgufVocabulary
        {
            Model = GgufVocabulary.SentencePiece, Tokens = tokens, TokenTypes = types, Scores = [.. new float[FirstPiece], .. Pieces.Select(piece => piece.Score)],
            BosTokenId = 1, EosTokenId = 2, UnknownTokenId = 0,
        };
        Assert.Equal(expected, string.Join(' ', vocabulary.ToTokenizer("test.gguf").EncodeToIds(text, addSpecialTokens: false)));
    }

    [Theory]
    [InlineData(null, null, "2 4 8 5 7 4 5 1 3")]
    [InlineData(false, null, "2 1 7 1 1 3")]
    [InlineData(null, false, "4 8 5 7 4 5 1")]
    public void WordPieceHasMarksBeforeWords(bool? lowercase, bool? frame, string expected)
    {
        var vocabulary = new GgufVocabulary
        {
            Model = GgufVocabulary.WordPiece, Tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "\u2581un", "able", "\u2581able", "\u2581,", "aff", "[unused0]"],
            TokenTypes = [.. Enumerable.Repeat(GgufTokenType.Control, 4), .. Enumerable.Repeat(GgufTokenType.Normal, 6)],
            UnknownTokenId = 1, ClassifierTokenId = 2, SeparatorTokenId = 3, PaddingTokenId = 0, Lowercase = lowercase, AddBosToken = frame, AddSepToken = frame,
        };
        Tokenizer tokenizer = vocabulary.ToTokenizer("test.gguf");
        Assert.Equal(expected, string.Join(' ', tokenizer.EncodeToIds("Unaffable, \u00FCnable X")));
        if (frame is null)
            Assert.Equal([0, 0, 0, 1, 1], tokenizer.Encode("able", "able").TypeIds);
        var twice = vocabulary with { Tokens = [.. vocabulary.Tokens.SkipLast(1), "aff"] };
        Assert.Contains("##aff", Assert.Throws<TokenizerException>(() => twice.ToTokenizer("test.gguf")).Message);
    }

    [Theory]
    [InlineData(true, null, "5 6 4 1")]
    [InlineData(false, null, "3 3 5 3 6 4 3 1")]
    [InlineData(true, true, "2 5 6 4 1")]
    public void UnigramTakesTheBestPieces(bool removesSpaces, bool? bos, string expected)
    {
        var vocabulary = new GgufVocabulary
        {
            Model = GgufVocabulary.Unigram, Tokens = ["<unk>", "</s>", "<s>", "\u2581", "b", "\u2581a", "\u2581ab"], Scores = [0, 0, 0, -3, -4, -2, -5],
            TokenTypes = [GgufTokenType.Unknown, GgufTokenType.Control, GgufTokenType.Control, .. Enumerable.Repeat(GgufTokenType.Normal, 4)],
            UnknownTokenId = 0, EosTokenId = 1, BosTokenId = 2, AddBosToken = bos, RemoveExtraWhitespaces = removesSpaces,
        };
        Assert.Equal(expected, string.Join(' ', vocabulary.ToTokenizer("test.gguf").EncodeToIds("  a  abb ")));
        Assert.Contains("scores", Assert.Throws<TokenizerException>(() => (vocabulary with { Scores = null }).ToTokenizer("test.gguf")).Message);
    }

    [Fact]
    public void WhatATemplatePutsAroundTextsIsKeptWithoutASetting()
    {
        Tokenizer tokenizer = ByteLevel(Special("<s>"), Text, Special("</s>"));
        GgufVocabulary vocabulary = GgufVocabulary.Of(tokenizer, tokenizer.VocabSize);
        Assert.Equal((256, true, 257, true), (vocabulary.BosTokenId, vocabulary.AddBosToken, vocabulary.EosTokenId, vocabulary.AddEosToken));
        Assert.Equal(tokenizer.EncodeToIds("a b"), vocabulary.ToTokenizer("test.gguf").EncodeToIds("a b"));
    }

    [Fact]
    public void WhatGgufCannotSayIsRefused()
    {
        Tokenizer framed = ByteLevel(Special("<s>"), Special("</s>"), Text);
        Assert.Contains("<s>, </s>", Assert.Throws<NotSupportedException>(() => GgufVocabulary.Of(framed, framed.VocabSize)).Message);
        foreach (string normalizer in (string[])["""{"type":"Replace","pattern":{"String":"a"},"content":"b"}""", """{"type":"Prepend","prepend":"x"}"""])
        {
            string json = $$$"""{"normalizer":{{{normalizer}}},"model":{"type":"BPE","byte_fallback":true,"unk_token":"u","vocab":{"u":0,"a":1},"merges":[]}}""";
            Tokenizer tokenizer = Tokenizer.FromJson(System.Text.Encoding.UTF8.GetBytes(json));
            Assert.Contains("normalizer", Assert.Throws<NotSupportedException>(() => GgufVocabulary.Of(tokenizer, tokenizer.VocabSize)).Message);
        }
    }

    private static JsonNode Text => new JsonObject { ["Sequence"] = new JsonObject { ["id"] = "A", ["type_id"] = 0 } };

    private static JsonNode Special(string token) => new JsonObject { ["SpecialToken"] = new JsonObject { ["id"] = token, ["type_id"] = 0 } };

    private static Tokenizer ByteLevel(params JsonNode[] template)
    {
        var letters = new JsonObject(Pipeline.ByteAlphabet.All.Select((c, id) => KeyValuePair.Create(c.ToString(), (JsonNode?)id)));
        var ids = new JsonObject(((string[])["<s>", "</s>"]).Select((token, i) => KeyValuePair.Create(token, (JsonNode?)new JsonObject
        {
            ["id"] = token, ["ids"] = new JsonArray(256 + i), ["tokens"] = new JsonArray(token),
        })));
        var json = new JsonObject
        {
            ["added_tokens"] = new JsonArray(TokenOf(256, "<s>"), TokenOf(257, "</s>")),
            ["pre_tokenizer"] = new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = true, ["use_regex"] = true },
            ["post_processor"] = new JsonObject { ["type"] = "TemplateProcessing", ["single"] = new JsonArray(template), ["pair"] = new JsonArray(), ["special_tokens"] = ids },
            ["model"] = new JsonObject { ["type"] = "BPE", ["vocab"] = letters, ["merges"] = new JsonArray() },
        };
        return Tokenizer.FromJson(JsonSerializer.SerializeToUtf8Bytes(json));
    }

    private static JsonNode TokenOf(int id, string content) => new JsonObject { ["id"] = id, ["content"] = content, ["special"] = true };
}
