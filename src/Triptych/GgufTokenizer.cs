using Triptych.Formats;
using Triptych.Models;
using Triptych.Tokenizers;
using Triptych.Tokenizers.Gguf;

namespace Triptych;

/// <summary>The tokenizer in the metadata of GGUF files.</summary>
public static class GgufTokenizer
{
    private const string Prefix = "tokenizer.ggml.";
    private const string ChatTemplate = "tokenizer.chat_template";

    /// <summary>Reads the tokenizer of a file.</summary>
    /// <exception cref="CheckpointException">The file is damaged, or a value has the wrong type.</exception>
    /// <exception cref="TokenizerException">The tokenizer is incomplete, or of a kind that is not known.</exception>
    public static Tokenizer Load(string path)
    {
        using var file = GgufFile.Open(path);
        return IsIn(file.Metadata) ? Read(file.Metadata).ToTokenizer(path) : throw new TokenizerException(path, "the file has no tokenizer");
    }

    /// <summary>Says that a file has no tokenizer, and which tokens begin and end texts.</summary>
    internal static void WriteNone(ModelConfig config, int[] ends, GgufMetadata metadata)
    {
        metadata[Prefix + "model"] = "none";
        if (config.BosTokenId is { } bos)
            metadata[Prefix + "bos_token_id"] = (uint)bos;
        if (ends.Length > 0)
            metadata[Prefix + "eos_token_id"] = (uint)ends[0];
        if (config.PadTokenId is { } pad)
            metadata[Prefix + "padding_token_id"] = (uint)pad;
    }

    /// <summary>Whether metadata describe a tokenizer.</summary>
    public static bool IsIn(GgufMetadata metadata)
    {
        ArgumentNullException.ThrowIfNull(metadata);
        return metadata.Entries.ContainsKey(Prefix + "tokens");
    }

    /// <summary>Reads the description of a tokenizer.</summary>
    /// <exception cref="CheckpointException">A value is missing or has the wrong type.</exception>
    public static GgufVocabulary Read(GgufMetadata metadata)
    {
        ArgumentNullException.ThrowIfNull(metadata);
        return new GgufVocabulary
        {
            Model = metadata.Require(Prefix + "model", metadata.GetString(Prefix + "model")),
            Pre = metadata.GetString(Prefix + "pre"),
            Tokens = metadata.Require(Prefix + "tokens", metadata.GetStrings(Prefix + "tokens")),
            Scores = metadata.GetSingles(Prefix + "scores"),
            TokenTypes = metadata.GetInt64s(Prefix + "token_type") is { } types ? Array.ConvertAll(types, type => (GgufTokenType)type) : null,
            Merges = metadata.GetStrings(Prefix + "merges"),
            BosTokenId = metadata.GetTokenId("bos"),
            EosTokenId = metadata.GetTokenId("eos"),
            UnknownTokenId = metadata.GetTokenId("unknown"),
            PaddingTokenId = metadata.GetTokenId("padding"),
            ClassifierTokenId = metadata.GetTokenId("cls"),
            // The key is spelled so.
            SeparatorTokenId = metadata.GetTokenId("seperator"),
            MaskTokenId = metadata.GetTokenId("mask"),
            AddBosToken = metadata.GetBoolean(Prefix + "add_bos_token"),
            AddEosToken = metadata.GetBoolean(Prefix + "add_eos_token"),
            AddSepToken = metadata.GetBoolean(Prefix + "add_sep_token"),
            RemoveExtraWhitespaces = metadata.GetBoolean(Prefix + "remove_extra_whitespaces"),
            PrecompiledCharsMap = metadata.GetInt64s(Prefix + "precompiled_charsmap") is { } map ? ToBytes(map, metadata.Path) : null,
            Lowercase = metadata.GetBoolean(Prefix + "normalizer.lowercase"),
            StripAccents = metadata.GetBoolean(Prefix + "normalizer.strip_accents"),
            AddSpacePrefix = metadata.GetBoolean(Prefix + "add_space_prefix"),
            ChatTemplate = metadata.GetString(ChatTemplate),
        };
    }

    /// <summary>Bytes, which some files have as signed numbers.</summary>
    private static byte[] ToBytes(long[] values, string path) => Array.TrueForAll(values, value => value is >= sbyte.MinValue and <= byte.MaxValue)
        ? Array.ConvertAll(values, value => (byte)value)
        : throw new CheckpointException(path, Prefix + "precompiled_charsmap", "is not an array of bytes");

    /// <summary>Adds the description of a tokenizer to metadata.</summary>
    public static void Write(GgufVocabulary vocabulary, GgufMetadata metadata)
    {
        ArgumentNullException.ThrowIfNull(vocabulary);
        ArgumentNullException.ThrowIfNull(metadata);
        void Set(string key, GgufValue? value)
        {
            if (value is not null)
                metadata[key] = value;
        }

        Set(Prefix + "model", vocabulary.Model);
        Set(Prefix + "pre", vocabulary.Pre is { } pre ? pre : (GgufValue?)null);
        Set(Prefix + "tokens", GgufValue.Array(vocabulary.Tokens));
        Set(Prefix + "scores", vocabulary.Scores is { } scores ? GgufValue.Array([.. scores]) : null);
        Set(Prefix + "token_type", vocabulary.TokenTypes is { } types ? GgufValue.Array([.. types.Select(type => (int)type)]) : null);
        Set(Prefix + "merges", vocabulary.Merges is { } merges ? GgufValue.Array(merges) : null);
        Set(Prefix + "bos_token_id", vocabulary.BosTokenId is { } bos ? (uint)bos : null);
        Set(Prefix + "eos_token_id", vocabulary.EosTokenId is { } eos ? (uint)eos : null);
        Set(Prefix + "unknown_token_id", vocabulary.UnknownTokenId is { } unknown ? (uint)unknown : null);
        Set(Prefix + "padding_token_id", vocabulary.PaddingTokenId is { } padding ? (uint)padding : null);
        Set(Prefix + "add_bos_token", vocabulary.AddBosToken is { } addBos ? addBos : null);
        Set(Prefix + "add_eos_token", vocabulary.AddEosToken is { } addEos ? addEos : null);
        Set(Prefix + "add_space_prefix", vocabulary.AddSpacePrefix is { } addSpace ? addSpace : null);
        Set(ChatTemplate, vocabulary.ChatTemplate is { } template ? template : (GgufValue?)null);
    }
}
