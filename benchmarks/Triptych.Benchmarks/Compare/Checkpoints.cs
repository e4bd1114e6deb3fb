using System.Diagnostics;
using System.Text.Json.Nodes;
using Triptych.Models;
using Triptych.Models.Decoders;
using Triptych.Models.EncoderDecoders;
using Triptych.Models.Encoders;
using Triptych.Tensors;

namespace Triptych.Benchmarks.Compare;

/// <summary>Checkpoints of published sizes with random weights, made once.</summary>
/// <param name="Folder">Where they lie.</param>
/// <param name="Tool">The command-line tool, which converts and quantizes.</param>
internal sealed record Checkpoints(string Folder, string Tool)
{
    public static LlamaConfig TinyLlama { get; } = new()
    {
        VocabSize = 32000, HiddenSize = 2048, IntermediateSize = 5632, NumHiddenLayers = 22, NumAttentionHeads = 32, NumKeyValueHeads = 4,
        MaxPositionEmbeddings = 16384, RmsNormEps = 1e-5, TieWordEmbeddings = false,
    };

    /// <summary>The shape of SmolLM-135M.</summary>
    public static LlamaConfig SmallLlama { get; } = new()
    {
        VocabSize = 49152, HiddenSize = 576, IntermediateSize = 1536, NumHiddenLayers = 30, NumAttentionHeads = 9, NumKeyValueHeads = 3,
        MaxPositionEmbeddings = 2048, RmsNormEps = 1e-5, TieWordEmbeddings = false,
    };

    /// <summary>Weights of the matrices in all layers.</summary>
    public static double LayerWeights(LlamaConfig config)
    {
        double width = config.HiddenSize, keys = width / config.NumAttentionHeads * config.NumKeyValueHeads!.Value;
        return config.NumHiddenLayers * ((2 * width * width) + (2 * width * keys) + (3 * width * config.IntermediateSize));
    }

    /// <summary>Bytes of a float16 cache.</summary>
    public static double CacheBytes(LlamaConfig config, int tokens) =>
        2.0 * 2 * tokens * config.NumHiddenLayers * config.HiddenSize / config.NumAttentionHeads * config.NumKeyValueHeads!.Value;

    public string BertBase() => Made("bert-base", new BertConfig(), "BertForMaskedLM", DType.Float32);

    public string DistilBertBase() => Made("distilbert-base", new DistilBertConfig(), "DistilBertForMaskedLM", DType.Float32);

    public string Gpt2() => Made("gpt2", new Gpt2Config(), "GPT2LMHeadModel", DType.Float32);

    public string BartBase()
    {
        var config = new BartConfig
        {
            DModel = 768, EncoderLayers = 6, DecoderLayers = 6, EncoderAttentionHeads = 12, DecoderAttentionHeads = 12, EncoderFfnDim = 3072,
            DecoderFfnDim = 3072, ForcedEosTokenId = null,
        };
        return Made("bart-base", config, "BartForConditionalGeneration", DType.Float32);
    }

    /// <summary>A GGUF file of a Llama, its matrices in a format that `triptych quantize` knows, or bf16.</summary>
    public string Gguf(string name, LlamaConfig config, string format)
    {
        string path = Path.Combine(Folder, $"{name}-{format}.gguf");
        if (File.Exists(path))
            return path;
        string source = Path.Combine(Folder, $"{name}-bf16.gguf");
        if (!File.Exists(source))
        {
            string folder = Made(name, config, "LlamaForCausalLM", DType.BFloat16);
            WriteTokenizer(folder, config.VocabSize);
            Run("convert", folder, source);
        }

        if (path != source)
            Run("quantize", source, "--to", format, "--output", path);
        return path;
    }

    private string Made(string name, ModelConfig config, string className, DType type)
    {
        string folder = Path.Combine(Folder, name);
        if (File.Exists(Path.Combine(folder, "model.safetensors")))
            return folder;
        Console.Error.WriteLine($"making {folder}");
        using var model = ModelRegistry.Create(config, className);
        model.Save(folder, type);
        return folder;
    }

    // A byte-fallback vocabulary of the right size: llama.cpp loads no model without one.
    private static void WriteTokenizer(string folder, int size)
    {
        var vocabulary = new JsonObject { ["<unk>"] = 0, ["<s>"] = 1, ["</s>"] = 2 };
        for (int i = 0; i < 256; i++)
            vocabulary[$"<0x{i:X2}>"] = 3 + i;
        while (vocabulary.Count < size)
            vocabulary[$"\u2581t{vocabulary.Count}"] = vocabulary.Count;
        var special = new JsonArray();
        foreach (var (id, content) in (ReadOnlySpan<(int, string)>)[(0, "<unk>"), (1, "<s>"), (2, "</s>")])
        {
            special.Add(new JsonObject
            {
                ["id"] = id, ["content"] = content, ["single_word"] = false, ["lstrip"] = false, ["rstrip"] = false, ["normalized"] = false,
                ["special"] = true,
            });
        }

        var tokenizer = new JsonObject
        {
            ["version"] = "1.0",
            ["added_tokens"] = special,
            ["normalizer"] = JsonNode.Parse("""
                {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "\u2581"}, {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]}
                """),
            ["pre_tokenizer"] = null,
            ["post_processor"] = JsonNode.Parse("""
                {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                 "pair": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "<s>", "type_id": 1}}, {"Sequence": {"id": "B", "type_id": 1}}],
                 "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}}
                """),
            ["decoder"] = JsonNode.Parse("""
                {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}
                """),
            ["model"] = new JsonObject
            {
                ["type"] = "BPE", ["unk_token"] = "<unk>", ["fuse_unk"] = true, ["byte_fallback"] = true, ["vocab"] = vocabulary, ["merges"] = new JsonArray(),
            },
        };
        File.WriteAllText(Path.Combine(folder, "tokenizer.json"), tokenizer.ToJsonString());
    }

    private void Run(params string[] arguments)
    {
        Console.Error.WriteLine("triptych " + string.Join(' ', arguments));
        using var process = Process.Start(new ProcessStartInfo(Tool, arguments))!;
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"triptych {arguments[0]} failed");
    }
}
