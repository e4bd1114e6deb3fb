using System.IO.Compression;
using Triptych.Models;
using Triptych.Tokenizers;

namespace Triptych.Training.Tests;

public sealed class RecipeTests : IDisposable
{
    private const string Gpt2 = """{ "model_type": "gpt2", "n_layer": 1, "n_head": 2, "n_embd": 16, "n_positions": 32 }""";

    private readonly string folder = Directory.CreateTempSubdirectory("triptych-recipe-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void ACausalRecipeMakesAModelFolder()
    {
        Write("data/cats.txt", string.Concat(Enumerable.Range(0, 60).Select(i => $"The cat number {i % 7} sat on the mat.\n")));
        string recipe = Write("recipe.json", $$"""
            // A comment.
            {
              "name": "cats", "seed": 3, "dtype": "float16",
              "tokenizer": { "kind": "gpt2", "vocab_size": 300, "max_length": 32 },
              "model": {{Gpt2}},
              "generation": { "do_sample": true, "eos_token_id": 0 },
              "stages": [ {
                "objective": "clm", "max_length": 16,
                "data": { "train": [ { "path": "cats.txt", "repeat": 2 } ], "validation_share": 0.1 },
                "training": { "max_steps": 30, "batch_size": 4, "learning_rate": 1e-2, "log_steps": 10 },
              } ],
            }
            """);
        var reports = new List<TrainingProgress>();
        var result = RecipeRunner.Run(recipe, Options(), new Watcher(reports.Add));
        Assert.True(result.Validation!.Loss < 3, $"the loss is {result.Validation.Loss}");
        Assert.Contains(reports, r => r.Event == TrainingEvent.Done);
        string output = Path.Combine(folder, "out");
        using var model = PretrainedModel.Load(output);
        Assert.Equal("GPT2LMHeadModel", model.ClassName);
        Assert.Equal(Tensors.DType.Float16, model.Parameters.First().Value.DType);
        var tokenizer = Tokenizer.Load(output);
        Assert.Equal(model.Config.VocabSize, tokenizer.VocabSize);
        Assert.Equal("The cat sat.", tokenizer.Decode(tokenizer.Encode("The cat sat.").Ids));
        Assert.True(File.Exists(Path.Combine(output, "generation_config.json")));
        Assert.True(File.Exists(Path.Combine(output, "training", "1-clm", Trainer.MetricsFile)));
        var error = Assert.Throws<TrainingException>(() => RecipeRunner.Run(recipe, Options()));
        Assert.Contains("earlier run", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AClassifierGoesOnWithTheWeightsOfTheStageBefore()
    {
        WriteGzip("data/reviews.tsv.gz", string.Concat(Enumerable.Range(0, 80).Select(i => i % 2 == 0 ? $"a good film {i % 5}\tgood\n" : $"a bad film {i % 5}\tbad\n")));
        string recipe = Write("recipe.json", """
            {
              "name": "reviews", "labels": ["bad", "good"],
              "tokenizer": { "kind": "bert", "vocab_size": 60, "min_frequency": 1 },
              "model": { "model_type": "distilbert", "dim": 16, "n_layers": 1, "n_heads": 2, "hidden_dim": 32, "max_position_embeddings": 16, "dropout": 0.0 },
              "stages": [
                { "objective": "mlm", "max_length": 12,
                  "data": { "train": [ { "path": "reviews.tsv.gz", "format": "tsv" } ] },
                  "training": { "max_steps": 3, "batch_size": 8 } },
                { "objective": "classification", "max_length": 12,
                  "data": { "train": [ { "path": "reviews.tsv.gz", "format": "tsv", "label": "1" } ], "test": [ { "path": "reviews.tsv.gz", "format": "tsv", "label": "1" } ] },
                  "training": { "max_steps": 60, "batch_size": 8, "learning_rate": 1e-2 } }
              ]
            }
            """);
        var result = RecipeRunner.Run(recipe, Options());
        Assert.True(result.Test!.Accuracy > 0.95, $"accuracy {result.Test.Accuracy}");
        using var model = PretrainedModel.Load(Path.Combine(folder, "out"));
        Assert.Equal("DistilBertForSequenceClassification", model.ClassName);
        Assert.Equal("good", model.Config.Id2Label![1]);
    }

    [Fact]
    public void ASummarizerIsTrainedFromJsonLines()
    {
        Write("data/pairs.jsonl", string.Concat(Enumerable.Range(0, 30).Select(i => $$"""{"article": "the {{i % 3}} dogs bark at night", "summary": "{{i % 3}} dogs"}""" + "\n")));
        string recipe = Write("recipe.json", """
            {
              "name": "dogs",
              "tokenizer": { "kind": "roberta", "vocab_size": 300 },
              "model": { "model_type": "bart", "d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2, "decoder_attention_heads": 2,
                "encoder_ffn_dim": 32, "decoder_ffn_dim": 32, "max_position_embeddings": 32 },
              "stages": [
                { "objective": "denoising", "max_length": 24, "data": { "train": [ { "path": "pairs.jsonl", "format": "jsonl", "text": "article" } ] },
                  "training": { "max_steps": 2, "batch_size": 4 } },
                { "objective": "seq2seq", "max_length": 24,
                  "data": { "train": [ { "path": "pairs.jsonl", "format": "jsonl", "text": "article", "target": "summary" } ], "validation_share": 0.1 },
                  "training": { "max_steps": 5, "batch_size": 4, "label_smoothing": 0.1 } }
              ]
            }
            """);
        var result = RecipeRunner.Run(recipe, Options());
        Assert.True(double.IsFinite(result.Validation!.Loss));
        using var model = PretrainedModel.Load(Path.Combine(folder, "out"));
        Assert.Equal("BartForConditionalGeneration", model.ClassName);
        Assert.Equal(2, (int)model.Config.ToJson()["decoder_start_token_id"]!);
    }

    [Fact]
    public void AnInterruptedRecipeResumes()
    {
        Write("data/cats.txt", string.Concat(Enumerable.Range(0, 60).Select(i => $"The cat number {i % 7} sat on the mat.\n")));
        string recipe = Write("recipe.json", $$"""
            { "name": "cats", "tokenizer": { "kind": "gpt2", "vocab_size": 280 }, "model": {{Gpt2}},
              "stages": [ { "objective": "clm", "max_length": 16, "data": { "train": [ { "path": "cats.txt" } ] },
                "training": { "max_steps": 6, "batch_size": 4, "log_steps": 1 } } ] }
            """);
        using var cancel = new CancellationTokenSource();
        var stop = new Watcher(p =>
        {
            if (p is { Event: TrainingEvent.Step, Step: 3 })
                cancel.Cancel();
        });
        Assert.Throws<OperationCanceledException>(() => RecipeRunner.Run(recipe, Options(), stop, cancel.Token));
        RecipeRunner.Run(recipe, Options() with { Resume = true });
        RecipeRunner.Run(recipe, new RecipeOptions(Path.Combine(folder, "straight")) { DataFolder = Path.Combine(folder, "data") });
        Assert.Equal(File.ReadAllBytes(Path.Combine(folder, "straight", "model.safetensors")), File.ReadAllBytes(Path.Combine(folder, "out", "model.safetensors")));
    }

    [Theory]
    [InlineData("""{ "name": "x", "stagess": [] }""", "stagess")]
    [InlineData("""{ "name": "x" }""", "stages")]
    [InlineData("""{ "name": "x", "stages": [ { "objective": "clm", "data": { "train": [ { "path": "a" } ] }, "training": { "max_stepz": 3 } } ] }""", "max_stepz")]
    [InlineData("""{ "name": "x", "stages": [ { "objective": "clmm", "data": { "train": [] }, "training": {} } ] }""", "objective")]
    [InlineData("""{ "name": "x", "model": { "model_type": "gpt2" }, "tokenizer": {}, "stages": [ { "objective": "clm", "data": { "train": [ { "path": "a" } ] }, "training": { "batch_size": 0 } } ] }""", "batch_size")]
    [InlineData("""{ "name": "x", "model": { "model_type": "gpt2" }, "tokenizer": {}, "stages": [ { "objective": "classification", "data": { "train": [ { "path": "a" } ] }, "training": {} } ] }""", "labels")]
    [InlineData("""{ "name": "x", "model": {}, "tokenizer": {}, "stages": [ { "objective": "clm", "data": { "train": [ { "path": "a" } ] }, "training": {} } ] }""", "model_type")]
    [InlineData("""{ "name": "x", "model": { "model_type": "gpt2" }, "tokenizer": {}, "stages": [ { "objective": "clm", "data": { "train": [ { "path": "no-such-file" } ] }, "training": {} } ] }""", "no-such-file")]
    [InlineData("""{ "name": """, "line 1")]
    public void WrongRecipesAreNamed(string json, string named)
    {
        string recipe = Write("recipe.json", json);
        var error = Assert.Throws<TrainingException>(() => RecipeRunner.Run(recipe, Options()));
        Assert.Contains("recipe.json", error.Message, StringComparison.Ordinal);
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AHeadThatTheArchitectureLacksIsNamed()
    {
        Write("data/a.txt", "some text\n");
        string recipe = Write("recipe.json", $$"""
            { "name": "x", "tokenizer": { "kind": "gpt2", "vocab_size": 270 }, "model": {{Gpt2}},
              "stages": [ { "objective": "mlm", "data": { "train": [ { "path": "a.txt" } ] }, "training": {} } ] }
            """);
        var error = Assert.Throws<TrainingException>(() => RecipeRunner.Run(recipe, Options()));
        Assert.Contains("gpt2", error.Message, StringComparison.Ordinal);
        Assert.Contains("fill-mask", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void DataErrorsNameFileAndLine()
    {
        Write("data/a.tsv", "one\t1\ntwo\n");
        Assert.Contains("a.tsv, line 2", Throws(new DataSource { Path = "data/a.tsv", Format = DataFormat.Tsv, Label = "1" }), StringComparison.Ordinal);
        Write("data/b.jsonl", "{\"text\": \"a\"}\n{\"text\"");
        Assert.Contains("b.jsonl, line 2", Throws(new DataSource { Path = "data/b.jsonl", Format = DataFormat.Jsonl }), StringComparison.Ordinal);
        Assert.Contains("'body'", Throws(new DataSource { Path = "data/b.jsonl", Format = DataFormat.Jsonl, Text = "body" }), StringComparison.Ordinal);
        File.WriteAllBytes(Path.Combine(folder, "data", "c.txt"), [(byte)'a', (byte)'\n', 0xFF, 0xFE, (byte)'\n']);
        Assert.Contains("invalid UTF-8", Throws(new DataSource { Path = "data/c.txt" }), StringComparison.Ordinal);
        File.WriteAllBytes(Path.Combine(folder, "data", "d.txt.gz"), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]);
        Assert.Contains("d.txt.gz", Throws(new DataSource { Path = "data/d.txt.gz" }), StringComparison.Ordinal);
        Write("data/e.txt", "\n\n");
        Assert.Contains("no texts", Throws(new DataSource { Path = "data/e.txt" }), StringComparison.Ordinal);
    }

    [Fact]
    public void SourcesAreReadInEveryFormat()
    {
        Write("data/p.txt", "one\ntwo\n\n\nthree\n");
        Assert.Equal(["one two", "three"], Read(new DataSource { Path = "data/p.txt", Format = DataFormat.Paragraphs }));
        Assert.Equal(["one", "two"], Read(new DataSource { Path = "data/p.txt", Limit = 2 }));
        Write("data/q.txt", "three\ntwo\ntwo\nfour");
        Assert.Equal(["four"], Read(new DataSource { Path = "data/q.txt", Exclude = [new DataSource { Path = "data/p.txt" }] }));
        Assert.Equal(["three", "two", "four"], Read(new DataSource { Path = "data/q.txt", Distinct = true }));
        Write("data/named.tsv", "label\tsentence\n1\tgood\n");
        Assert.Equal(["good"], Read(new DataSource { Path = "data/named.tsv", Format = DataFormat.Tsv, Text = "sentence", Label = "label" }));
        string zip = Path.Combine(folder, "data", "z.zip");
        using (var archive = ZipFile.Open(zip, ZipArchiveMode.Create))
        {
            using var writer = new StreamWriter(archive.CreateEntry("in/a.txt").Open());
            writer.Write("zipped\n");
        }

        Assert.Equal(["zipped"], Read(new DataSource { Path = "data/z.zip", Entry = "in/a.txt" }));
        Assert.Contains("in/a.txt", Throws(new DataSource { Path = "data/z.zip", Entry = "b" }), StringComparison.Ordinal);
        Write("data/quotes.txt", "\u201CIt\u2019s\u201D _so_ \u00E2\u20AC\u0153here\u00E2\u20AC");
        Assert.Equal(["\"It's\" so \"here\""], Read(new DataSource { Path = "data/quotes.txt", PlainPunctuation = true }));
    }

    [Fact]
    public void BooksLoseTheirLicence()
    {
        string story = string.Concat(Enumerable.Repeat("Once there was a king.\nHe had a horse.\n\n", 12));
        Write("data/book.txt", "Title: A Book\n\n*** START OF THIS PROJECT GUTENBERG EBOOK A BOOK ***\n\n\n\nCONTENTS\n\n\n\n" + story + "\n\n\n" + story + "\n\n\nEnd of Project Gutenberg's A Book\nlicence\n");
        string[] texts = Read(new DataSource { Path = "data/book.txt", Format = DataFormat.Book });
        Assert.Equal(2, texts.Length);
        Assert.All(texts, text => Assert.StartsWith("Once there was a king. He had a horse.\n\nOnce", text, StringComparison.Ordinal));
    }

    private RecipeOptions Options() => new(Path.Combine(folder, "out")) { DataFolder = Path.Combine(folder, "data") };

    private string[] Read(DataSource source) => [.. source.Read(path => Path.Combine(folder, path)).Select(r => r.Text)];

    private string Throws(DataSource source) => Assert.Throws<TrainingException>(() => Read(source)).Message;

    private string Write(string name, string content)
    {
        string path = Path.Combine(folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, content);
        return path;
    }

    private void WriteGzip(string name, string content)
    {
        string path = Path.Combine(folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using var stream = new GZipStream(File.Create(path), CompressionLevel.Fastest);
        stream.Write(System.Text.Encoding.UTF8.GetBytes(content));
    }

    private sealed class Watcher(Action<TrainingProgress> action) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => action(value);
    }
}
