using Triptych.Formats;
using Triptych.Models;
using Triptych.Models.Decoders;
using Triptych.Tensors;
using Triptych.Tokenizers;
using Triptych.Tokenizers.Gguf;

namespace Triptych.Fuzz;

/// <summary>A sound file and what its readers do with it.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Extension">How its name ends.</param>
/// <param name="Content">The file.</param>
/// <param name="HeaderBytes">Its beginning, where damage does most.</param>
/// <param name="Use">Reads all of a file.</param>
internal sealed record Subject(string Name, string Extension, byte[] Content, int HeaderBytes, Action<string> Use);

/// <summary>Small files of every kind that is read.</summary>
internal static class Subjects
{
    private const string Corpus = "Once upon a time there was a little girl named Lily. She loved to play outside in the park with a big red ball.";

    public static Subject[] Make(string folder)
    {
        string model = Path.Combine(folder, "model");
        var config = new LlamaConfig
        {
            VocabSize = 320,
            HiddenSize = 16,
            IntermediateSize = 32,
            NumHiddenLayers = 1,
            NumAttentionHeads = 2,
            NumKeyValueHeads = 1,
            MaxPositionEmbeddings = 64,
            TieWordEmbeddings = true,
        };
        using (PretrainedModel network = ModelRegistry.Create(config, "LlamaForCausalLM"))
            network.Save(model);
        string safetensors = Path.Combine(model, Checkpoint.SingleFileName);
        string types = Types(Path.Combine(folder, "types.gguf"));
        new BpeTrainer { VocabSize = 300, SpecialTokens = SpecialTokens.Gpt2 }.Train([Corpus]).Save(model);
        string byteLevel = Converted(model, Path.Combine(folder, "bytes.gguf"));
        SentencePiece().ToTokenizer("pieces").Save(model);
        string pieces = Converted(model, Path.Combine(folder, "pieces.gguf"));
        return
        [
            Of("gguf types", types, UseGguf),
            Of("gguf llama, byte-level BPE", byteLevel, UseModel),
            Of("gguf llama, SentencePiece", pieces, UseModel),
            Of("safetensors", safetensors, UseSafetensors),
            .. TokenizerSubjects.Make(),
            .. SentencePieceSubjects.Make(),
        ];
    }

    private static Subject Of(string name, string path, Action<string> use)
    {
        using TensorFile file = GgufFile.IsGguf(path) ? GgufFile.Open(path) : SafetensorsFile.Open(path);
        long header = file.Names.Min(tensor => file.Entry(tensor).Offset);
        return new Subject(name, Path.GetExtension(path), File.ReadAllBytes(path), (int)header, use);
    }

    private static string Converted(string folder, string file)
    {
        ModelConverter.Convert(folder, file);
        return file;
    }

    /// <summary>Every type of metadata and the types of tensors that can be made here.</summary>
    private static string Types(string path)
    {
        var metadata = new GgufMetadata
        {
            ["general.architecture"] = "llama", ["general.alignment"] = 64u, ["text"] = "x", ["number"] = -5, ["flag"] = true, ["real"] = 0.5f,
        };
        metadata["texts"] = GgufValue.Array(["a", "", "b"]);
        metadata["ints"] = GgufValue.Array([3, 4]);
        metadata["reals"] = GgufValue.Array([1.5f]);
        Tensor rows = Tensor.Normal([2, 256], new Generator(1));
        DType[] types = [DType.Float32, DType.Float16, DType.BFloat16, DType.Float64, DType.Q8_0, DType.Q4_0];
        GgufWriter.Write(path, metadata, [.. types.Select(type => TensorSource.Of(type.Name(), rows.To(type)))]);
        return path;
    }

    private static GgufVocabulary SentencePiece()
    {
        string[] tokens =
        [
            "<unk>", "<s>", "</s>", .. Enumerable.Range(0, 256).Select(value => $"<0x{value:X2}>"),
            .. Corpus.Distinct().Where(c => c != ' ').Select(c => $"{c}"), "\u2581", "\u2581t", "he", "\u2581the", "\u2581a", "in",
        ];
        return new GgufVocabulary
        {
            Model = GgufVocabulary.SentencePiece,
            Tokens = tokens,
            Scores = [.. tokens.Select((_, id) => -(float)id)],
            TokenTypes = [.. tokens.Select((_, id) => id switch { 0 => GgufTokenType.Unknown, < 3 => GgufTokenType.Control, < 259 => GgufTokenType.Byte, _ => GgufTokenType.Normal })],
            BosTokenId = 1,
            EosTokenId = 2,
            UnknownTokenId = 0,
        };
    }

    private static void UseGguf(string path)
    {
        using var file = GgufFile.Open(path);
        foreach (var (key, value) in file.Metadata.Entries)
        {
            _ = (value.AsInt64(), value.AsDouble(), value.AsBoolean(), value.AsInt64s(), value.AsSingles());
            _ = value.Type == GgufValueType.String ? file.Metadata.GetString(key) : null;
            _ = value.ElementType == GgufValueType.String ? file.Metadata.GetStrings(key) : null;
        }

        Touch(file);
    }

    private static void UseModel(string path)
    {
        UseGguf(path);
        using (PretrainedModel model = ModelRegistry.Load(path))
        using (new TensorScope())
            _ = model.Forward(new ModelInputs { InputIds = Tensor.From([0L], [1, 1]) });
        Tokenizer tokenizer = AutoTokenizer.Load(path);
        Encode(tokenizer);
    }

    /// <summary>A vocabulary that lost its bytes may need an unknown token that it lost too: a clear error of its own.</summary>
    private static void Encode(Tokenizer tokenizer)
    {
        try
        {
            _ = tokenizer.Decode(tokenizer.Encode("The little girl, Zoë 😀\n").Ids);
        }
        catch (InvalidOperationException error) when (error.Message.Contains("unknown token", StringComparison.Ordinal))
        {
        }
    }

    private static void UseSafetensors(string path)
    {
        using var file = SafetensorsFile.Open(path);
        Touch(file);
    }

    private static void Touch(TensorFile file)
    {
        foreach (string name in file.Names)
        {
            if (file.Entry(name).ElementType is null)
                continue;
            using var scope = new TensorScope();
            Tensor tensor = file.Load(name);
            if (tensor.Count > 0)
                _ = tensor.To(DType.Float32).ToFloats();
        }
    }
}
