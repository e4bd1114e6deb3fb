using System.Collections.Concurrent;
using System.Text.Json;
using Triptych.Formats;
using Triptych.Generation;
using Triptych.TestSupport;

namespace Triptych.Tests;

/// <summary>Batches, streaming, cancellation, and texts that nobody expects.</summary>
public sealed class PipelineTests
{
    private static readonly string[] Texts =
        ["The movie was absolutely fantastic!", "Boring.", "Lily and Tom found a big red ball in the park, and they played all day.", "", "A waste of time."];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static string Model(string name) => Fixtures.Path($"pipelines/{name}");

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(16)]
    public async Task BatchesGiveWhatSingleTextsGive(int batchSize)
    {
        using var pipeline = await TextClassificationPipeline.CreateAsync(Model("distilbert-sentiment"), new() { TopK = 2, BatchSize = batchSize }, cancellationToken: Token);
        var together = await pipeline.RunAsync(Texts, cancellationToken: Token);
        for (int i = 0; i < Texts.Length; i++)
        {
            var alone = pipeline.Run(Texts[i], cancellationToken: Token);
            Assert.Equal(alone.Select(r => r.Label), together[i].Select(r => r.Label));
            Assert.Equal(alone[0].Score, together[i][0].Score, 1e-5f);
        }
    }

    [Fact]
    public async Task GenerationOfABatchIsThatOfSinglePrompts()
    {
        using var pipeline = await TextGenerationPipeline.CreateAsync(Model("gpt2-stories"), cancellationToken: Token);
        var options = new TextGenerationOptions { Generation = new() { DoSample = false, MaxNewTokens = 10 } };
        string[] prompts = ["Once upon a time", "The movie", "Lily and Tom found a big red ball"];
        var together = await pipeline.RunAsync(prompts, options, Token);
        for (int i = 0; i < prompts.Length; i++)
            Assert.Equal(pipeline.Run(prompts[i], options, Token)[0], together[i][0]);
    }

    [Fact]
    public async Task StreamedPiecesAreWholeCharactersAndJoinToTheResult()
    {
        using var pipeline = await TextGenerationPipeline.CreateAsync(Model("gpt2-stories"), cancellationToken: Token);
        for (ulong seed = 0; seed < 10; seed++)
        {
            // A random model at a high temperature emits broken bytes as well.
            var options = new TextGenerationOptions { Generation = new() { DoSample = true, Temperature = 3, TopK = 0, Seed = seed, MaxNewTokens = 40, EosTokenIds = [] }, ReturnFullText = false };
            List<string> pieces = [];
            await foreach (string piece in pipeline.StreamAsync("Once upon a time", options, Token))
                pieces.Add(piece);
            Assert.Equal(pipeline.Run("Once upon a time", options, Token)[0].GeneratedText, string.Concat(pieces));
            Assert.All(pieces, piece => Assert.False(char.IsHighSurrogate(piece[^1]) || char.IsLowSurrogate(piece[0])));
        }
    }

    [Fact]
    public async Task SamplingIsTheDefaultAsInHuggingFace()
    {
        using var pipeline = await TextGenerationPipeline.CreateAsync(Model("gpt2-stories"), cancellationToken: Token);
        var options = new TextGenerationOptions { Generation = new() { MaxNewTokens = 12, Temperature = 5, TopK = 0 } };
        Assert.True(Enumerable.Range(0, 4).Select(_ => pipeline.Run("The movie", options, Token)[0].GeneratedText).Distinct().Count() > 1);
    }

    [Fact]
    public async Task StopStringEndsTheText()
    {
        using var pipeline = await TextGenerationPipeline.CreateAsync(Model("gpt2-stories"), cancellationToken: Token);
        var options = new GenerationOptions { DoSample = false, MaxNewTokens = 20, RepetitionPenalty = 1.5 };
        string text = pipeline.Run("Once upon a time", new() { Generation = options, ReturnFullText = false }, Token)[0].GeneratedText;
        string stop = text.Substring(8, 2);
        string cut = pipeline.Run("Once upon a time", new() { Generation = options with { StopStrings = [stop] }, ReturnFullText = false }, Token)[0].GeneratedText;
        Assert.StartsWith(cut, text, StringComparison.Ordinal);
        Assert.Contains(stop, cut, StringComparison.Ordinal);
        Assert.True(cut.Length < text.Length);
    }

    [Fact]
    public async Task TextOverTheLimitIsCutWithAWarningOrRefused()
    {
        string text = string.Join(' ', Enumerable.Repeat("the movie was fantastic", 100));
        var warnings = new List<string>();
        using var pipeline = await TextClassificationPipeline.CreateAsync(Model("distilbert-sentiment"), new() { OnWarning = warnings.Add }, cancellationToken: Token);
        Assert.Single(pipeline.Run(text, cancellationToken: Token));
        Assert.Contains("64 tokens", Assert.Single(warnings), StringComparison.Ordinal);
        var error = Assert.Throws<ArgumentException>(() => pipeline.Run(text, new() { Truncation = false }, Token));
        Assert.Contains("64", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TenMegabytesOfTextAreSummarizedAndClassified()
    {
        string text = string.Concat(Enumerable.Repeat("Shares rose by three percent on Monday. ", 10_000_000 / 40));
        using (var classifier = await TextClassificationPipeline.CreateAsync(Model("distilbert-sentiment"), cancellationToken: Token))
            Assert.Single(classifier.Run(text, cancellationToken: Token));
        var warnings = new List<string>();
        using var summarizer = await SummarizationPipeline.CreateAsync(Model("bart-summary"), new() { OnWarning = warnings.Add }, cancellationToken: Token);
        Assert.Single(summarizer.Run(text, cancellationToken: Token));
        Assert.Single(warnings);
    }

    [Fact]
    public async Task PromptOverTheLimitIsAnError()
    {
        using var pipeline = await TextGenerationPipeline.CreateAsync(Model("gpt2-stories"), cancellationToken: Token);
        var error = Assert.Throws<ArgumentException>(() => pipeline.Run(string.Concat(Enumerable.Repeat("the movie ", 1000)), cancellationToken: Token));
        Assert.Contains("the model reads 64", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task EmptyTextsGiveAResultOrOneClearError()
    {
        using (var generator = await TextGenerationPipeline.CreateAsync(Model("gpt2-stories"), cancellationToken: Token))
            Assert.Single(generator.Run("", new() { Generation = new() { MaxNewTokens = 3 } }, Token));
        using (var features = await FeatureExtractionPipeline.CreateAsync(Model("distilbert-sentiment"), cancellationToken: Token))
            Assert.Equal(2, features.Run("", cancellationToken: Token).Length);
        using (var tagger = await TokenClassificationPipeline.CreateAsync(Model("bert-ner"), cancellationToken: Token))
            Assert.Empty(tagger.Run("", cancellationToken: Token));
        using (var summarizer = await SummarizationPipeline.CreateAsync(Model("bart-summary"), cancellationToken: Token))
            Assert.Contains("empty", Assert.Throws<ArgumentException>(() => summarizer.Run(" ", cancellationToken: Token)).Message, StringComparison.Ordinal);
        using var reader = await QuestionAnsweringPipeline.CreateAsync(Model("distilbert-qa"), cancellationToken: Token);
        Assert.Contains("question", Assert.Throws<ArgumentException>(() => reader.Run(new QuestionInput("", "x"), cancellationToken: Token)).Message, StringComparison.Ordinal);
        Assert.Contains("context", Assert.Throws<ArgumentException>(() => reader.Run(new QuestionInput("x", ""), cancellationToken: Token)).Message, StringComparison.Ordinal);
        string longQuestion = string.Concat(Enumerable.Repeat("what ", 200));
        Assert.Contains("room", Assert.Throws<ArgumentException>(() => reader.Run(new QuestionInput(longQuestion, "x"), cancellationToken: Token)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task NullIsNamed()
    {
        using var pipeline = await FillMaskPipeline.CreateAsync(Model("bert-mask"), cancellationToken: Token);
        Assert.Throws<ArgumentNullException>(() => pipeline.Run((string)null!, cancellationToken: Token));
        Assert.Contains("input 1", Assert.Throws<ArgumentException>(() => pipeline.Run(["a [MASK]", null!], cancellationToken: Token)).Message, StringComparison.Ordinal);
        Assert.Empty(pipeline.Run([], cancellationToken: Token));
    }

    [Fact]
    public async Task TextWithoutAMaskIsAnError()
    {
        using var pipeline = await FillMaskPipeline.CreateAsync(Model("bert-mask"), cancellationToken: Token);
        Assert.Contains("[MASK]", Assert.Throws<ArgumentException>(() => pipeline.Run("Paris is big.", cancellationToken: Token)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PoolingGivesOneVectorOfLengthOne()
    {
        using var pipeline = await FeatureExtractionPipeline.CreateAsync(Model("distilbert-sentiment"), cancellationToken: Token);
        float[][] tokens = pipeline.Run(Texts[0], cancellationToken: Token);
        float[] mean = Assert.Single(pipeline.Run(Texts[0], new() { Pooling = Pooling.Mean }, Token));
        float[] cls = Assert.Single(pipeline.Run(Texts[0], new() { Pooling = Pooling.Cls, Normalize = true }, Token));
        Assert.Equal(tokens.Average(t => t[3]), mean[3], 1e-5f);
        Assert.Equal(1, cls.Sum(x => x * x), 1e-5f);
        Assert.Equal(tokens[0][5] / MathF.Sqrt(tokens[0].Sum(x => x * x)), cls[5], 1e-5f);
    }

    [Fact]
    public async Task CancelledWorkThrows()
    {
        using var pipeline = await TextClassificationPipeline.CreateAsync(Model("distilbert-sentiment"), cancellationToken: Token);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pipeline.RunAsync(Texts, cancellationToken: new CancellationToken(true)));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Pipeline.CreateAsync("fill-mask", Model("bert-mask"), cancellationToken: new CancellationToken(true)));
    }

    [Fact]
    public async Task ManyThreadsShareAPipeline()
    {
        using var pipeline = await TextClassificationPipeline.CreateAsync(Model("distilbert-sentiment"), cancellationToken: Token);
        var alone = Texts.Select(text => pipeline.Run(text, cancellationToken: Token)[0]).ToArray();
        var results = new ConcurrentBag<(int Text, ClassificationResult Result)>();
        await Parallel.ForEachAsync(Enumerable.Range(0, 60), Token, async (i, token) =>
            results.Add((i % Texts.Length, (await pipeline.RunAsync(Texts[i % Texts.Length], cancellationToken: token))[0])));
        Assert.Equal(60, results.Count);
        Assert.All(results, item => Assert.Equal(alone[item.Text], item.Result));
    }

    [Fact]
    public async Task LoadingReportsProgress()
    {
        var reports = new ConcurrentQueue<LoadingProgress>();
        using var pipeline = await TextClassificationPipeline.CreateAsync(Model("distilbert-sentiment"), progress: new Sync(reports), cancellationToken: Token);
        Assert.Equal(["ready", "tokenizer", "weights"], reports.Select(r => r.Step).Order());
        Assert.Equal(1, reports.Last().Fraction);
    }

    [Theory]
    [InlineData("sentiment-analysis", "distilbert-sentiment", typeof(TextClassificationPipeline))]
    [InlineData("fill-mask", "roberta-mask", typeof(FillMaskPipeline))]
    [InlineData("ner", "bert-ner", typeof(TokenClassificationPipeline))]
    [InlineData("question-answering", "distilbert-qa", typeof(QuestionAnsweringPipeline))]
    [InlineData("feature-extraction", "gpt2-stories", typeof(FeatureExtractionPipeline))]
    [InlineData("text-generation", "gpt2-stories", typeof(TextGenerationPipeline))]
    [InlineData("summarization", "bart-summary", typeof(SummarizationPipeline))]
    public async Task PipelinesAreMadeByTask(string task, string model, Type type)
    {
        using var pipeline = await Pipeline.CreateAsync(task, Model(model), cancellationToken: Token);
        Assert.IsType(type, pipeline);
    }

    [Fact]
    public async Task UnknownTaskNamesTheTasks()
    {
        var error = await Assert.ThrowsAsync<ArgumentException>(() => Pipeline.CreateAsync("translate", Model("bert-mask"), cancellationToken: Token));
        Assert.Contains("text-generation", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ModelThatCannotDoTheTaskSaysWhy()
    {
        var error = await Assert.ThrowsAsync<NotSupportedException>(() => TextGenerationPipeline.CreateAsync(Model("bert-mask"), cancellationToken: Token));
        Assert.Contains("bert cannot do text-generation", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task HeadThatTheCheckpointLacksNamesTheWeights()
    {
        var error = await Assert.ThrowsAsync<CheckpointException>(() => TokenClassificationPipeline.CreateAsync(Model("bert-mask"), cancellationToken: Token));
        Assert.Contains("classifier.weight", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ResultsHaveHuggingFacesFieldNames()
    {
        Assert.Equal("""[{"label":"POSITIVE","score":0.5}]""", JsonSerializer.Serialize<ClassificationResult[]>([new("POSITIVE", 0.5f)]));
        Assert.Equal("""[{"generated_text":"x"}]""", JsonSerializer.Serialize<TextGenerationResult[]>([new("x")]));
        Assert.Equal("""[{"summary_text":"x"}]""", JsonSerializer.Serialize<SummarizationResult[]>([new("x")]));
        Assert.Equal("""{"score":0.5,"start":1,"end":2,"answer":"x"}""", JsonSerializer.Serialize(new Answer(0.5f, 1, 2, "x")));
        Assert.Equal("""{"entity_group":"PER","score":0.5,"word":"x","start":1,"end":2}""",
            JsonSerializer.Serialize(new Entity { EntityGroup = "PER", Score = 0.5f, Word = "x", Start = 1, End = 2 }));
        var mask = new FilledMask(0.5f, 7, "dog", "a dog");
        string json = JsonSerializer.Serialize(new FillMaskResult([[mask], [mask]]));
        Assert.Equal(2, JsonSerializer.Deserialize<FillMaskResult>(json)!.Masks.Count);
    }

    private sealed class Sync(ConcurrentQueue<LoadingProgress> reports) : IProgress<LoadingProgress>
    {
        public void Report(LoadingProgress value) => reports.Enqueue(value);
    }
}
