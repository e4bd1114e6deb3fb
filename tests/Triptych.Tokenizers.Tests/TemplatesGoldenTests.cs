using System.IO.Compression;
using System.Text.Json.Nodes;
using Triptych.TestSupport;
using Triptych.Tokenizers.Templates;

namespace Triptych.Tokenizers.Tests;

/// <summary>What jinja2 and transformers make of small templates and of whole chats: the same text, or an error of ours where they fail.</summary>
public sealed class TemplatesGoldenTests
{
    [Fact]
    public void SnippetsMatchJinja()
    {
        JsonNode golden = Read("snippets.golden.json.gz");
        Dictionary<string, object?>[] contexts = [.. golden["contexts"]!.AsArray().Select(Variables)];
        var wrong = new List<string>();
        int cases = 0;
        foreach (JsonNode? row in golden["cases"]!.AsArray())
        {
            string template = row!["template"]!.GetValue<string>();
            Compare(wrong, template, row, () => ChatTemplate.Parse(template).Render(contexts[row["context"]!.GetValue<int>()]));
            cases++;
        }

        Assert.True(cases > 1700);
        Assert.True(wrong.Count == 0, string.Join("\n", wrong));
    }

    [Fact]
    public void ChatsMatchTransformers()
    {
        JsonNode given = JsonNode.Parse(File.ReadAllText(Fixtures.Path("templates/conversations.json")))!;
        Dictionary<string, object?> variables = Variables(given["variables"]);
        var templates = new Dictionary<string, ChatTemplate>();
        var wrong = new List<string>();
        int cases = 0;
        foreach (JsonNode? row in Read("chats.golden.json.gz").AsArray())
        {
            string file = row!["template"]!.GetValue<string>(), name = row["conversation"]!.GetValue<string>();
            if (!templates.TryGetValue(file, out ChatTemplate? template))
                templates[file] = template = ChatTemplate.Parse(File.ReadAllText(Fixtures.Path($"templates/chats/{file}")), file);
            JsonNode chat = given["conversations"]![name]!;
            var options = new ChatOptions
            {
                Tools = chat["tools"]?.AsArray(),
                Documents = chat["documents"]?.AsArray(),
                AddGenerationPrompt = row["prompt"]!.GetValue<bool>(),
                ContinueFinalMessage = row["continue"]?.GetValue<string>(),
                Variables = variables,
            };
            ChatRendering? rendering = null;
            Compare(wrong, $"{file}, {name}", row, () => (rendering = template.RenderChat(chat["messages"]!.AsArray(), options)).Text);
            if (row["generated"] is JsonArray { Count: > 0 } generated)
                Assert.Equal(generated.Select(range => new TextRange(range![0]!.GetValue<int>(), range[1]!.GetValue<int>())), rendering!.Generated);
            cases++;
        }

        Assert.True(cases > 400);
        Assert.True(wrong.Count == 0, string.Join("\n", wrong));
    }

    private static void Compare(List<string> wrong, string name, JsonNode row, Func<string> render)
    {
        string? expected = row["output"]?.GetValue<string>();
        try
        {
            string actual = render();
            if (actual != expected)
                wrong.Add($"{name}\n  expected {expected ?? row["error"]!.ToString()}\n  actual   {actual}");
        }
        catch (Exception e) when (e is TokenizerException or ArgumentException)
        {
            if (expected is not null)
                wrong.Add($"{name}\n  expected {expected}\n  actual   {e.Message}");
        }
    }

    private static Dictionary<string, object?> Variables(JsonNode? json) =>
        json!.AsObject().ToDictionary(pair => pair.Key, pair => (object?)pair.Value);

    private static JsonNode Read(string name)
    {
        using var stream = new GZipStream(File.OpenRead(Fixtures.Path($"templates/{name}")), CompressionMode.Decompress);
        return JsonNode.Parse(stream)!;
    }
}
