using System.Text.Json.Nodes;
using Triptych.Models;
using Triptych.TestSupport;
using Triptych.Tokenizers;

namespace Triptych.Cli.Tests;

/// <summary>Model folders with random weights, as small as they get, with tokenizers.</summary>
internal static class TinyModels
{
    public const int Context = 64;

    /// <summary>A DistilBERT classifier of NEGATIVE and POSITIVE.</summary>
    public static void SaveClassifier(string folder)
    {
        var tokenizer = Tokenizer.Load(Fixtures.Path("tokenizers/bert-uncased.json"));
        Save(folder, "DistilBertForSequenceClassification", tokenizer, $$"""
            { "model_type": "distilbert", "vocab_size": {{tokenizer.VocabSize}}, "dim": 16, "hidden_dim": 32, "n_heads": 2, "n_layers": 2,
              "max_position_embeddings": {{Context}}, "pad_token_id": 0,
              "id2label": { "0": "NEGATIVE", "1": "POSITIVE" }, "label2id": { "NEGATIVE": 0, "POSITIVE": 1 } }
            """);
    }

    /// <summary>A GPT-2.</summary>
    public static void SaveGenerator(string folder)
    {
        var tokenizer = Tokenizer.Load(Fixtures.Path("tokenizers/gpt2.json"));
        Save(folder, "GPT2LMHeadModel", tokenizer, $$"""
            { "model_type": "gpt2", "vocab_size": {{tokenizer.VocabSize}}, "n_embd": 16, "n_head": 2, "n_layer": 2, "n_positions": {{Context}},
              "bos_token_id": 0, "eos_token_id": 0 }
            """);
    }

    /// <summary>A BART.</summary>
    public static void SaveSummarizer(string folder)
    {
        var tokenizer = Tokenizer.Load(Fixtures.Path("tokenizers/gpt2.json"));
        Save(folder, "BartForConditionalGeneration", tokenizer, $$"""
            { "model_type": "bart", "vocab_size": {{tokenizer.VocabSize}}, "d_model": 16, "encoder_layers": 1, "decoder_layers": 1,
              "encoder_attention_heads": 2, "decoder_attention_heads": 2, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32,
              "max_position_embeddings": {{Context}}, "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2, "decoder_start_token_id": 2 }
            """);
    }

    private static void Save(string folder, string className, Tokenizer tokenizer, string config)
    {
        Directory.CreateDirectory(folder);
        using var model = ModelRegistry.Create(ModelConfig.Parse(JsonNode.Parse(config)!.AsObject()), className, seed: 1);
        model.Save(folder);
        tokenizer.Save(folder);
    }
}
