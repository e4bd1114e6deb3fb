using Triptych.Formats;
using Triptych.Models;
using Triptych.TestSupport;

namespace Triptych.Tests;

/// <summary>Auto classes choose by model_type, embedded models are found by name, reports say what a checkpoint is.</summary>
public sealed class AutoClassTests
{
    private static string Folder(string name) => Fixtures.Path($"pipelines/{name}");

    public static TheoryData<string, Func<string, PretrainedModel>, string> Classes => new()
    {
        { "distilbert-sentiment", model => AutoModel.Load(model), "DistilBertModel" },
        { "distilbert-sentiment", model => AutoModelForSequenceClassification.Load(model), "DistilBertForSequenceClassification" },
        { "bert-mask", model => AutoModelForMaskedLM.Load(model), "BertForMaskedLM" },
        { "roberta-mask", model => AutoModelForMaskedLM.Load(model), "RobertaForMaskedLM" },
        { "bert-ner", model => AutoModelForTokenClassification.Load(model), "BertForTokenClassification" },
        { "distilbert-qa", model => AutoModelForQuestionAnswering.Load(model), "DistilBertForQuestionAnswering" },
        { "gpt2-stories", model => AutoModelForCausalLM.Load(model), "GPT2LMHeadModel" },
        { "bart-summary", model => AutoModelForSeq2SeqLM.Load(model), "BartForConditionalGeneration" },
        { "bert-mask", model => AutoModelForMultipleChoice.Load(model, new LoadOptions { InitializeMissing = true }), "BertForMultipleChoice" },
        { "bert-mask", model => AutoModelForNextSentencePrediction.Load(model, new LoadOptions { InitializeMissing = true }), "BertForNextSentencePrediction" },
        { "bert-mask", model => AutoModelForPreTraining.Load(model, new LoadOptions { InitializeMissing = true }), "BertForPreTraining" },
    };

    [Theory]
    [MemberData(nameof(Classes))]
    public void ClassIsChosenByTypeAndTask(string name, Func<string, PretrainedModel> load, string expected)
    {
        using var model = load(Folder(name));
        Assert.Equal(expected, model.ClassName);
    }

    [Fact]
    public async Task ArchitectureWithoutTheHeadSaysWhatItHas()
    {
        var error = Assert.Throws<NotSupportedException>(() => AutoModelForCausalLM.Load(Folder("distilbert-qa")));
        Assert.Contains("DistilBertForQuestionAnswering", error.Message, StringComparison.Ordinal);
        using var model = await AutoModel.LoadAsync(Folder("distilbert-qa"), cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal("distilbert", AutoConfig.Load(Folder("distilbert-qa")).ModelType);
        Assert.NotNull((await AutoTokenizer.LoadAsync(Folder("distilbert-qa"), TestContext.Current.CancellationToken)).ClsTokenId);
    }

    [Theory]
    [InlineData("../pipelines/bert-mask")]
    [InlineData("..")]
    [InlineData("/etc")]
    [InlineData("a/b")]
    [InlineData("nothing-of-that-name")]
    public void NamesDoNotLeadOutOfTheModelsFolder(string name) => Assert.Null(EmbeddedModels.Find(name));

    [Fact]
    public void MissingModelIsNamed()
    {
        var error = Assert.Throws<CheckpointException>(() => EmbeddedModels.Resolve("no-such-model"));
        Assert.Contains("no-such-model", error.Message, StringComparison.Ordinal);
        error = Assert.Throws<CheckpointException>(() => EmbeddedModels.Resolve(Fixtures.Path("pipelines/cases.json")));
        Assert.Contains("is a file", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ReportOfADecoder()
    {
        var report = ArchitectureReport.Of(Folder("gpt2-stories"));
        using var model = AutoModelForCausalLM.Load(Folder("gpt2-stories"));
        Assert.Equal("decoder-only", report.Family);
        Assert.Equal(model.ParameterCount, report.Parameters);
        Assert.Equal(report.Parameters * sizeof(float), report.WeightBytes);
        Assert.Equal(report.WeightBytes, report.WeightBytesByDType["float32"]);
        // keys and values, 2 layers, 16 wide, float32
        Assert.Equal(2 * 2 * 16 * 4, report.CacheBytesPerToken);
        Assert.Equal(0, report.CrossCacheBytesPerInputToken);
        Assert.True(report.Tasks.Single(t => t.Task == "text-generation").IsSupported);
        Assert.False(report.Tasks.Single(t => t.Task == "fill-mask").IsSupported);
    }

    [Fact]
    public void ReportOfAnEncoderAndOfAnEncoderDecoder()
    {
        var bert = ArchitectureReport.Of(Folder("bert-mask"));
        Assert.Equal("encoder-only", bert.Family);
        Assert.Equal(0, bert.CacheBytesPerToken);
        Assert.Contains("directions", bert.Tasks.Single(t => t.Task == "text-generation").Reason, StringComparison.Ordinal);
        var bart = ArchitectureReport.Of(Folder("bart-summary"));
        Assert.Equal("encoder-decoder", bart.Family);
        Assert.Equal(2 * 2 * 16 * 4, bart.CacheBytesPerToken);
        Assert.Equal(2 * 2 * 16 * 4, bart.CrossCacheBytesPerInputToken);
        string json = System.Text.Json.JsonSerializer.Serialize(bart, PipelineJson.Default.ArchitectureReport);
        Assert.Contains("\"model_type\":\"bart\"", json, StringComparison.Ordinal);
        Assert.Contains("\"is_supported\":true", json, StringComparison.Ordinal);
    }
}

/// <summary>Changes the environment of the process, so nothing runs beside it.</summary>
[Collection(Name)]
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class EmbeddedModelTests : IDisposable
{
    private const string Name = nameof(EmbeddedModelTests);

    public EmbeddedModelTests() => Environment.SetEnvironmentVariable(EmbeddedModels.EnvironmentVariable, Fixtures.Path("pipelines"));

    public void Dispose() => Environment.SetEnvironmentVariable(EmbeddedModels.EnvironmentVariable, null);

    [Fact]
    public async Task EmbeddedModelsAreFoundByNameAndByTask()
    {
        Assert.Contains("gpt2-stories", EmbeddedModels.Names);
        Assert.Equal(Fixtures.Path("pipelines/bart-summary"), EmbeddedModels.Find("bart-summary"));
        using var classifier = await TextClassificationPipeline.CreateAsync(cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal("distilbert", classifier.Model.Config.ModelType);
        using var generator = await Pipeline.CreateAsync("text-generation", cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal("gpt2", generator.Model.Config.ModelType);
    }

    [Fact]
    public async Task TaskWithoutAnEmbeddedModelAsksForAFolder()
    {
        var error = await Assert.ThrowsAsync<ArgumentException>(() => FillMaskPipeline.CreateAsync(cancellationToken: TestContext.Current.CancellationToken));
        Assert.Contains("fill-mask", error.Message, StringComparison.Ordinal);
    }
}
