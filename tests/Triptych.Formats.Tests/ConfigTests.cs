using System.Text.Json.Nodes;
using Triptych.TestSupport;

namespace Triptych.Formats.Tests;

public sealed class ConfigTests : IDisposable
{
    private readonly TempFolder folder = new();

    public static TheoryData<string> RopeModels => ["llama3", "gemma2", "gemma3", "deepseek_v3"];

    public static TheoryData<string> GenerationConfigs =>
        [.. Directory.GetFiles(Fixtures.Path("formats/configs"), "*.generation_config.json").Select(file => Path.GetFileName(file))];

    public void Dispose() => folder.Dispose();

    [Theory]
    [MemberData(nameof(RopeModels))]
    public void BothSpellingsReadTheSame(string model)
    {
        JsonObject unified = Config(model + ".config.json");
        JsonObject hub = Config(model + ".config.hub.json");
        Assert.Equal(ConfigSpelling.Unified, RopeParameters.SpellingOf(unified));
        Assert.Equal(ConfigSpelling.Hub, RopeParameters.SpellingOf(hub));
        foreach (string? layer in (string?[])[null, "full_attention", "sliding_attention"])
        {
            if (layer is null && model == "gemma3")
                continue;
            Assert.Equal(RopeParameters.Read(unified, model, layer), RopeParameters.Read(hub, model, layer));
        }

        Assert.Equal("float32", ConfigJson.ReadDTypeName(unified));
        Assert.Equal("float32", ConfigJson.ReadDTypeName(hub));
    }

    [Theory]
    [InlineData("llama3.config.json")]
    [InlineData("llama3.config.hub.json")]
    [InlineData("gemma2.config.json")]
    [InlineData("gemma2.config.hub.json")]
    [InlineData("phi3-longrope.config.json")]
    [InlineData("deepseek_v3.config.hub.json")]
    public void RopeIsWrittenBackInItsSpelling(string name)
    {
        JsonObject config = Config(name);
        JsonNode before = config.DeepClone();
        RopeParameters.Read(config, name).Write(config);
        Assert.True(JsonNode.DeepEquals(before, config), config.ToJsonString());
        ConfigJson.WriteDTypeName(config, "float32");
        Assert.True(JsonNode.DeepEquals(before, config), config.ToJsonString());
    }

    [Theory]
    [InlineData("""{"rope_parameters":{"partial_rotary_factor":0.5,"rope_theta":10000.0,"rope_type":"default"}}""")]
    [InlineData("""{"partial_rotary_factor":0.25,"rope_parameters":{"partial_rotary_factor":0.5,"rope_theta":10000.0,"rope_type":"default"}}""")]
    [InlineData("""{"partial_rotary_factor":0.5,"rope_scaling":{"type":"su","factor":2},"rope_theta":10000,"torch_dtype":"float32"}""")]
    public void FieldsStayWhereTheyAre(string text)
    {
        var config = (JsonObject)JsonNode.Parse(text)!;
        JsonNode before = config.DeepClone();
        RopeParameters rope = RopeParameters.Read(config, "config.json");
        Assert.Equal(0.5, rope.PartialRotaryFactor);
        rope.Write(config);
        Assert.True(JsonNode.DeepEquals(before, config), config.ToJsonString());
        (rope with { PartialRotaryFactor = 0.25 }).Write(config);
        Assert.Equal(0.25, RopeParameters.Read(config, "config.json").PartialRotaryFactor);
    }

    [Fact]
    public void RopeValuesAreRead()
    {
        RopeParameters llama = RopeParameters.Read(Config("llama3.config.hub.json"), "llama3");
        Assert.Equal(("llama3", 500.0, 8.0, 1.0, 4.0, 32), (llama.RopeType, llama.RopeTheta, llama.Factor, llama.LowFreqFactor, llama.HighFreqFactor, llama.OriginalMaxPositionEmbeddings));
        RopeParameters phi = RopeParameters.Read(Config("phi3-longrope.config.json"), "phi3");
        Assert.Equal([1.0, 1.7, 2.4, 3.0999999999999996, 3.8, 4.5], phi.LongFactor!);
        Assert.Equal(1_000_000, RopeParameters.Read(Config("gemma3.config.hub.json"), "g", "full_attention").RopeTheta);
        Assert.Equal(10_000, RopeParameters.Read(Config("gemma3.config.hub.json"), "g", "sliding_attention").RopeTheta);
        var error = Assert.Throws<CheckpointException>(() => RopeParameters.Read(new JsonObject { ["rope_scaling"] = new JsonObject { ["factor"] = "x" } }, "c.json"));
        Assert.Equal("c.json: rope_scaling.factor: is not a number", error.Message);
    }

    [Theory]
    [MemberData(nameof(GenerationConfigs))]
    public void GenerationConfigsRoundTrip(string name)
    {
        File.Copy(Fixtures.Path("formats/configs/" + name), folder[GenerationConfig.FileName]);
        JsonObject before = JsonFile.ReadObject(folder[GenerationConfig.FileName]);
        GenerationConfig.Load(folder.Root)!.Save(folder.Root);
        Assert.True(JsonNode.DeepEquals(before, JsonFile.ReadObject(folder[GenerationConfig.FileName])));
    }

    [Fact]
    public void GenerationConfigKeepsWhatItCannotName()
    {
        folder.Put(GenerationConfig.FileName, """{"eos_token_id":[2,3],"bos_token_id":0,"max_length":20.0,"early_stopping":"never","temperature":1e-05,"odd":{"a":[1]},"bad_words_ids":[[1,2]]}""");
        GenerationConfig config = GenerationConfig.Load(folder.Root)!;
        Assert.Equal([2, 3], config.EosTokenId!.Ids);
        Assert.Equal((20, EarlyStopping.Never, 1e-5), (config.MaxLength, config.EarlyStopping, config.Temperature));
        (config with { EarlyStopping = EarlyStopping.FirstCandidates }).Save(folder.Root);
        JsonObject written = JsonFile.ReadObject(folder[GenerationConfig.FileName]);
        Assert.Equal("""{"bad_words_ids":[[1,2]],"bos_token_id":0,"early_stopping":true,"eos_token_id":[2,3],"max_length":20,"odd":{"a":[1]},"temperature":1E-05}""", written.ToJsonString());
    }

    [Theory]
    [InlineData("", "empty")]
    [InlineData("[1]", "not a JSON object")]
    [InlineData("{\"a\":1,\"a\":2}", "not valid")]
    [InlineData("{\"a\":\"\\ud800\"}", "not valid")]
    [InlineData("{\"a\":1} x", "not valid")]
    [InlineData("{", "not valid")]
    public void BadJsonNamesTheFile(string content, string reason)
    {
        string path = folder.Put("config.json", content);
        string message = Assert.Throws<CheckpointException>(() => JsonFile.ReadObject(path)).Message;
        Assert.StartsWith(path, message, StringComparison.Ordinal);
        Assert.Contains(reason, message, StringComparison.Ordinal);
    }

    [Fact]
    public void TypedErrorsNameTheKey()
    {
        folder.Put(GenerationConfig.FileName, """{"max_length":1.5}""");
        var error = Assert.Throws<CheckpointException>(() => GenerationConfig.Load(folder.Root));
        Assert.Equal("$.max_length", error.Key);
        File.WriteAllBytes(folder[GenerationConfig.FileName], [(byte)'{', 0xFF]);
        Assert.Contains("UTF-8", Assert.Throws<CheckpointException>(() => GenerationConfig.Load(folder.Root)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WritesSortedIndentedUnescapedJson()
    {
        JsonFile.Write(folder["c.json"], new JsonObject { ["b"] = "größe", ["a"] = new JsonArray(1, null) });
        Assert.Equal("{\n  \"a\": [\n    1,\n    null\n  ],\n  \"b\": \"größe\"\n}\n", File.ReadAllText(folder["c.json"]));
    }

    private static JsonObject Config(string name) => JsonFile.ReadObject(Fixtures.Path("formats/configs/" + name));
}
