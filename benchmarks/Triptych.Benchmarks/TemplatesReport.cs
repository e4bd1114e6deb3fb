using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Triptych.Tokenizers;
using Triptych.Tokenizers.Templates;

namespace Triptych.Benchmarks;

/// <summary>
/// Chat templates: renderings a second of a chat of four messages on one thread, for each template of a folder. With <c>--render</c>, the
/// cases of a JSON file rendered into another, for tests/Fixtures/templates/compare_jinja.py.
/// </summary>
internal static class TemplatesReport
{
    private const string Messages = """
        [{"role":"system","content":"You are a helpful assistant."},{"role":"user","content":"What is the capital of France?"},
         {"role":"assistant","content":"The capital of France is Paris."},{"role":"user","content":"And of Italy?"}]
        """;

    private static readonly Dictionary<string, object?> Tokens = new() { ["bos_token"] = "<s>", ["eos_token"] = "</s>" };

    public static int Run(string[] args)
    {
        if (args is ["--render", var input, var output])
            return Render(input, output);
        if (args is not ([] or [_]))
        {
            Console.Error.WriteLine("usage: templates [FOLDER] | templates --render CASES.json OUT.json");
            return 2;
        }

        JsonArray chat = JsonNode.Parse(Messages)!.AsArray();
        foreach (string path in Directory.EnumerateFiles(args.Length == 1 ? args[0] : Fixtures(), "*.jinja").Order(StringComparer.Ordinal))
        {
            string source = File.ReadAllText(path);
            double parse = SecondsOf(() => ChatTemplate.Parse(source));
            ChatTemplate template = ChatTemplate.Parse(source, Path.GetFileName(path));
            var options = new ChatOptions { AddGenerationPrompt = true, Variables = Tokens };
            try
            {
                double render = SecondsOf(() => template.RenderChat(chat, options));
                long before = GC.GetAllocatedBytesForCurrentThread();
                _ = template.RenderChat(chat, options);
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{Path.GetFileNameWithoutExtension(path),-24} {1 / render,9:N0} chats/s, {(GC.GetAllocatedBytesForCurrentThread() - before) / 1e3,6:F1} kB each, parsed in {parse * 1e6,5:F0} us"));
            }
            catch (TokenizerException error)
            {
                Console.WriteLine($"{Path.GetFileNameWithoutExtension(path),-24} refuses the chat: {error.Reason}");
            }
        }

        return 0;
    }

    private static double SecondsOf(Action action)
    {
        var best = double.PositiveInfinity;
        for (int round = 0; round < 7; round++)
        {
            long start = Stopwatch.GetTimestamp();
            int count = 0;
            while (Stopwatch.GetElapsedTime(start).TotalMilliseconds < 100)
            {
                for (int i = 0; i < 20; i++, count++)
                    action();
            }

            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds / count);
        }

        return best;
    }

    private static int Render(string input, string output)
    {
        var results = new JsonArray();
        foreach (JsonNode? item in JsonNode.Parse(File.ReadAllText(input))!.AsArray())
        {
            var result = new JsonObject();
            try
            {
                result["output"] = ChatTemplate.Parse(item!["template"]!.GetValue<string>()).Render(
                    item["context"]!.AsObject().ToDictionary(pair => pair.Key, pair => (object?)pair.Value));
            }
            catch (Exception error) when (error is TokenizerException or ArgumentException)
            {
                result["error"] = error.Message;
            }

            results.Add(result);
        }

        File.WriteAllText(output, results.ToJsonString());
        return 0;
    }

    private static string Fixtures()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string found = Path.Combine(folder.FullName, "tests", "Fixtures", "templates", "chats");
            if (Directory.Exists(found))
                return found;
        }

        throw new DirectoryNotFoundException("tests/Fixtures/templates/chats not found; name a folder");
    }
}
