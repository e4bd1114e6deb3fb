using System.Text.Json;
using Triptych.Formats;
using Triptych.Models;
using Triptych.Tensors;
using Triptych.TestSupport;
using Triptych.Tokenizers;
using Triptych.Tokenizers.Gguf;

namespace Triptych.Tests;

/// <summary>A GGUF file works wherever a model folder does, and converts to one and back without loss.</summary>
public sealed class GgufTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("triptych").FullName;

    private static string Stories => Fixtures.Path("gguf/stories260K-q8_0.gguf");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void TokenIdsAreThoseOfLlamaCpp()
    {
        Tokenizer tokenizer = AutoTokenizer.Load(Stories);
        using JsonDocument expected = JsonDocument.Parse(File.ReadAllText(Fixtures.Path("gguf/stories.json")));
        tokenizer.Save(In("saved"));
        Tokenizer saved = Tokenizer.Load(In("saved"));
        GgufVocabulary again = GgufVocabulary.Of(saved, tokenizer.VocabSize);
        Tokenizer described = again.ToTokenizer("described");
        foreach (JsonElement text in expected.RootElement.GetProperty("tokenized").EnumerateArray())
        {
            int[] ids = [.. text.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())];
            string content = text.GetProperty("text").GetString()!;
            Assert.Equal(ids, tokenizer.Encode(content).Ids);
            Assert.Equal(ids, saved.Encode(content).Ids);
            Assert.Equal(ids, described.Encode(content).Ids);
            Assert.Equal(content.Replace("<s> <unk> </s>", "   ", StringComparison.Ordinal).Replace('\u2581', ' '), tokenizer.Decode(ids));
        }

        using GgufFile file = GgufFile.Open(Stories);
        GgufVocabulary original = GgufTokenizer.Read(file.Metadata);
        Assert.Equal(original.Tokens, again.Tokens);
        Assert.Equal(original.TokenTypes, again.TokenTypes);
        Assert.Equal((1, 2, 0, true, false, true), (again.BosTokenId, again.EosTokenId, again.UnknownTokenId, again.AddBosToken, again.AddEosToken, again.AddSpacePrefix));
    }

    [Fact]
    public async Task TellsTheStoryThatLlamaCppTells()
    {
        using JsonDocument expected = JsonDocument.Parse(File.ReadAllText(Fixtures.Path("gguf/stories.json")));
        string prompt = expected.RootElement.GetProperty("prompt").GetString()!;
        string story = expected.RootElement.GetProperty("story").GetString()!.TrimEnd();
        var options = new TextGenerationOptions { Generation = new() { MaxNewTokens = 100, DoSample = false } };
        using var pipeline = await TextGenerationPipeline.CreateAsync(Stories, cancellationToken: TestContext.Current.CancellationToken);
        // Later on the best two words are so close that the rounding of 8 bits decides.
        Assert.StartsWith(prompt + story[..story.IndexOf('\n', StringComparison.Ordinal)], pipeline.Run(prompt, options)[0].GeneratedText, StringComparison.Ordinal);

        ModelConverter.Convert(Stories, In("folder"));
        ModelConverter.Convert(In("folder"), In("again.gguf"));
        foreach (string model in (string[])[In("folder"), In("again.gguf")])
        {
            using var other = await TextGenerationPipeline.CreateAsync(model, cancellationToken: TestContext.Current.CancellationToken);
            Assert.Equal(prompt + story, other.Run(prompt, options)[0].GeneratedText);
        }
    }

    [Theory]
    [InlineData("llama2", DType.Float32)]
    [InlineData("llama2", DType.BFloat16)]
    [InlineData("llama3", DType.Float32)]
    [InlineData("llama3", DType.Float16)]
    public void RoundTripKeepsEveryBit(string name, DType dtype)
    {
        string source = Fixtures.Path($"goldens/{name}");
        using (PretrainedModel model = PretrainedModel.Load(source))
            model.Save(In("before"), dtype);
        ModelConverter.Convert(In("before"), In("model.gguf"));
        ModelConverter.Convert(In("model.gguf"), In("after"));

        using Checkpoint before = Checkpoint.Open(In("before")), after = Checkpoint.Open(In("after"));
        Assert.Equal(before.Names.Order(), after.Names.Order());
        foreach (string tensor in before.Names)
        {
            Assert.Equal(dtype, after.Entry(tensor).ElementType);
            Assert.Equal(before.Load(tensor).ToFloats(), after.Load(tensor).ToFloats());
        }

        ModelConfig old = ModelConfig.Load(In("before")), back = ModelConfig.Load(In("after"));
        Assert.Equal(RopeParameters.Read(old.ToJson(), ""), RopeParameters.Read(back.ToJson(), ""));
        Assert.Equal((old.Dimensions, old.VocabSize, old.TieWordEmbeddings, old.DTypeName), (back.Dimensions, back.VocabSize, back.TieWordEmbeddings, back.DTypeName));
        Assert.Equal(GenerationConfig.Load(In("before"))?.EosTokenId, GenerationConfig.Load(In("after"))?.EosTokenId);
    }

    [Theory]
    [InlineData("llama2")]
    [InlineData("llama3")]
    [InlineData("llama-linear")]
    [InlineData("llama-yarn")]
    public void LogitsAreThoseOfTheFolder(string name)
    {
        string source = Fixtures.Path($"goldens/{name}");
        ModelConverter.Convert(source, In("model.gguf"));
        using PretrainedModel model = PretrainedModel.Load(source), converted = PretrainedModel.Load(In("model.gguf"));
        var inputs = new ModelInputs { InputIds = Tensor.From([5L, 17, 32, 3, 27, 8, 30], [1, 7]) };
        float[] expected = model.Forward(inputs).Logits!.ToFloats(), actual = converted.Forward(inputs).Logits!.ToFloats();
        float scale = expected.Max(MathF.Abs);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 2e-6f * scale));

        converted.Save(In("saved"));
        using PretrainedModel saved = PretrainedModel.Load(In("saved"));
        Assert.All(model.Parameters, pair => Assert.Equal(pair.Value.ToFloats(), saved.Parameters[pair.Key].ToFloats()));
    }

    [Theory]
    [InlineData("llama2", GgufVocabulary.SentencePiece, "default")]
    [InlineData("llama3", GgufVocabulary.ByteLevel, "llama-bpe")]
    [InlineData("qwen2", GgufVocabulary.ByteLevel, "qwen2")]
    [InlineData("gpt2", GgufVocabulary.ByteLevel, "gpt-2")]
    public void VocabulariesKeepTheirIds(string name, string model, string pre)
    {
        Tokenizer tokenizer = Tokenizer.Load(Fixtures.Path($"tokenizers/{name}.json"));
        GgufVocabulary vocabulary = GgufVocabulary.Of(tokenizer, tokenizer.VocabSize + 3);
        Assert.Equal((model, pre), (vocabulary.Model, vocabulary.Pre));
        Assert.Equal(GgufTokenType.Unused, vocabulary.TypeOf(tokenizer.VocabSize + 2));
        var metadata = new GgufMetadata();
        GgufTokenizer.Write(vocabulary, metadata);
        Tokenizer copy = GgufTokenizer.Read(metadata).ToTokenizer("copy");
        foreach (string line in File.ReadLines(Fixtures.Path("tokenizers/corpus.txt")).Take(200).Append("Zusatz 12345 it's  \n\n x 日本 😀 <s>"))
            Assert.Equal(tokenizer.Encode(line, addSpecialTokens: false).Ids, copy.Encode(line, addSpecialTokens: false).Ids);
    }

    [Fact]
    public void DescriptionsThatContradictThemselvesAreRefused()
    {
        var sound = new GgufVocabulary { Model = "llama", Tokens = ["a", "b"], Scores = [0, 1] };
        Assert.Equal(2, sound.ToTokenizer("x").VocabSize);
        void Refused(GgufVocabulary vocabulary, string reason) =>
            Assert.Contains(reason, Assert.Throws<TokenizerException>(() => vocabulary.ToTokenizer("x.gguf")).Message, StringComparison.Ordinal);
        Refused(sound with { Model = "rwkv" }, "x.gguf: tokenizer.ggml.model: \"rwkv\" is not known");
        Refused(sound with { Scores = null }, "tokenizer.ggml.scores: is missing");
        Refused(sound with { Scores = [0] }, "1 values for 2 tokens");
        Refused(sound with { TokenTypes = [GgufTokenType.Normal] }, "1 values for 2 tokens");
        Refused(sound with { BosTokenId = 2 }, "tokenizer.ggml.bos_token_id: 2 lies outside");
        Refused(sound with { Tokens = ["a", "a"] }, "comes twice");
        Refused(sound with { Tokens = ["a", new string('b', 300)] }, "300 characters");
        Refused(sound with { Model = "gpt2", Merges = ["a"] }, "is not a pair");
        Refused(sound with { Model = "gpt2" }, "tokenizer.ggml.merges: is missing");
        Refused(sound with { Model = "gpt2", Pre = "unheard-of" }, "tokenizer.ggml.pre: \"unheard-of\" is not known");
        GgufWriter.Write(In("none.gguf"), new GgufMetadata(), []);
        Assert.Contains("no tokenizer", Assert.Throws<TokenizerException>(() => AutoTokenizer.Load(In("none.gguf"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WhatCannotBeConvertedIsSaid()
    {
        Assert.Contains("bert are not known", Assert.Throws<NotSupportedException>(() => ModelConverter.Convert(Fixtures.Path("goldens/bert-mlm"), In("x.gguf"))).Message, StringComparison.Ordinal);
        Assert.Contains("head of LlamaForSequenceClassification", Assert.Throws<NotSupportedException>(() => ModelConverter.Convert(Fixtures.Path("goldens/llama3-seqcls"), In("x.gguf"))).Message, StringComparison.Ordinal);
        Assert.Contains("not converted to q4_0", Assert.Throws<NotSupportedException>(() => ModelConverter.Convert(Stories, In("x"), DType.Q4_0)).Message, StringComparison.Ordinal);
        Assert.Contains("has no q8_0", Assert.Throws<NotSupportedException>(() => ModelConverter.Convert(Stories, In("x"), DType.Q8_0)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => ModelConverter.Convert(Stories, In("x.gguf")));
        Assert.Throws<ArgumentException>(() => ModelConverter.Convert(Fixtures.Path("goldens/llama2"), In("x")));
        var metadata = new GgufMetadata { ["general.architecture"] = "grok" };
        GgufWriter.Write(In("grok.gguf"), metadata, []);
        var error = Assert.Throws<CheckpointException>(() => AutoModelForCausalLM.Load(In("grok.gguf")));
        Assert.Equal("general.architecture", error.Key);
        Assert.Empty(Directory.GetFiles(folder, "x*"));
    }

    [Fact]
    public void SizesThatLieAreRefusedQuicklyAndWithoutMemory()
    {
        using Checkpoint checkpoint = Checkpoint.Open(Stories);
        string[] keys = [.. checkpoint.Gguf!.Entries.Where(entry => entry.Key.StartsWith("llama.", StringComparison.Ordinal) && entry.Value.Type == GgufValueType.UInt32).Select(entry => entry.Key)];
        Assert.Equal(7, keys.Length);
        foreach (string key in keys.Append("llama.attention.key_length"))
        {
            foreach (uint lie in (uint[])[0, 1, 3, 1000, 65536, 1 << 30, int.MaxValue - 1, int.MaxValue, uint.MaxValue])
            {
                var metadata = new GgufMetadata();
                foreach (var (name, value) in checkpoint.Gguf.Entries)
                    metadata[name] = value;
                metadata[key] = lie;
                if (key.EndsWith("key_length", StringComparison.Ordinal))
                    metadata["llama.rope.dimension_count"] = metadata["llama.attention.value_length"] = lie;
                GgufWriter.Write(In("lie.gguf"), metadata, [.. checkpoint.Names.Select(name => TensorSource.Of(name, checkpoint.Load(name)))]);
                long before = GC.GetAllocatedBytesForCurrentThread();
                try
                {
                    using PretrainedModel model = PretrainedModel.Load(In("lie.gguf"));
                    Assert.EndsWith("context_length", key, StringComparison.Ordinal);
                }
                catch (CheckpointException error)
                {
                    Assert.StartsWith(In("lie.gguf"), error.Message, StringComparison.Ordinal);
                }

                Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 32 << 20);
            }
        }
    }

    [Fact]
    public void ReportCountsFormats()
    {
        ArchitectureReport report = ArchitectureReport.Of(Stories);
        Assert.Equal(("llama", 512, 5), (report.ModelType, report.VocabSize, report.Layers));
        Assert.Equal(["float16", "float32", "q8_0"], report.WeightBytesByDType.Keys.Order());
    }

    private string In(string name) => Path.Combine(folder, name);
}
