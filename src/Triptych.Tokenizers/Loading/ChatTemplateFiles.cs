using System.Text;
using System.Text.Json.Nodes;

namespace Triptych.Tokenizers.Loading;

/// <summary>The chat templates of a model folder: those of files of their own, or else those of tokenizer_config.json.</summary>
internal sealed class ChatTemplateFiles
{
    public const string Default = "default";

    private const string FileName = "chat_template.jinja";
    private const string FolderName = "additional_chat_templates";
    private const string Extension = ".jinja";

    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    private ChatTemplateFiles(SortedDictionary<string, string> sources, bool isSingle, bool areFiles)
    {
        Sources = sources;
        IsSingle = isSingle;
        AreFiles = areFiles;
    }

    /// <summary>The templates by name.</summary>
    public SortedDictionary<string, string> Sources { get; }

    /// <summary>Whether there is one template without a name, which is <see cref="Default"/> here; names do not choose it.</summary>
    public bool IsSingle { get; }

    /// <summary>Whether they lie in files of their own.</summary>
    public bool AreFiles { get; }

    /// <summary>The files of a folder, or null if there are none.</summary>
    public static ChatTemplateFiles? Read(string folder)
    {
        var sources = new SortedDictionary<string, string>(StringComparer.Ordinal);
        string additional = Path.Combine(folder, FolderName);
        if (File.Exists(Path.Combine(folder, FileName)))
            sources[Default] = ReadText(Path.Combine(folder, FileName));
        bool isSingle = sources.Count == 1;
        foreach (string path in Directory.Exists(additional) ? Directory.EnumerateFiles(additional, "*" + Extension) : [])
        {
            sources[Path.GetFileName(path)[..^Extension.Length]] = ReadText(path);
            isSingle = false;
        }

        return sources.Count == 0 ? null : new ChatTemplateFiles(sources, isSingle, areFiles: true);
    }

    /// <summary>The templates of tokenizer_config.json: one, or a list of objects with name and template.</summary>
    public static ChatTemplateFiles FromConfig(JsonNode? node, string path)
    {
        try
        {
            return FromConfig(node) ?? throw new TokenizerException(
                path, "chat_template: expected a text, or a list of objects with \"name\" and \"template\"");
        }
        catch (InvalidOperationException e)
        {
            throw new TokenizerException(path, $"chat_template: invalid text: {e.Message}", e);
        }
    }

    private static ChatTemplateFiles? FromConfig(JsonNode? node)
    {
        var sources = new SortedDictionary<string, string>(StringComparer.Ordinal);
        if (Text(node) is { } single)
        {
            sources[Default] = single;
            return new ChatTemplateFiles(sources, isSingle: true, areFiles: false);
        }

        IEnumerable<(string? Name, string? Template)> items = node switch
        {
            null => [],
            JsonArray list => list.Select(item => (Text(Member(item, "name")), Text(Member(item, "template")))),
            JsonObject named => named.Select(pair => ((string?)pair.Key, Text(pair.Value))),
            _ => [(null, null)],
        };
        foreach ((string? name, string? template) in items)
        {
            if (name is null || template is null)
                return null;
            sources[name] = template;
        }

        return new ChatTemplateFiles(sources, isSingle: false, areFiles: false);
    }

    /// <summary>What errors call a template.</summary>
    public string NameOf(string name, string tokenizerPath)
    {
        string folder = Path.GetDirectoryName(tokenizerPath) ?? "";
        return !AreFiles ? $"{tokenizerPath}: chat_template{(IsSingle ? "" : $" \"{name}\"")}"
            : name == Default ? Path.Combine(folder, FileName) : Path.Combine(folder, FolderName, name + Extension);
    }

    /// <summary>Writes the templates that lie in files.</summary>
    public void Save(string folder)
    {
        foreach ((string name, string source) in AreFiles ? Sources : [])
        {
            string target = name == Default ? folder : Path.Combine(folder, FolderName);
            Directory.CreateDirectory(target);
            TokenizerFiles.WriteAtomically(
                Path.Combine(target, name == Default ? FileName : name + Extension), Strict.GetBytes(source));
        }
    }

    private static JsonNode? Member(JsonNode? node, string name) => node is JsonObject json ? json[name] : null;

    private static string? Text(JsonNode? node) =>
        node?.GetValueKind() == System.Text.Json.JsonValueKind.String ? node.GetValue<string>() : null;

    private static string ReadText(string path)
    {
        try
        {
            string text = Strict.GetString(TokenizerFiles.ReadBytes(path));
            return Templates.SourceText.Normalize(text);
        }
        catch (ArgumentException e)
        {
            throw new TokenizerException(path, "invalid UTF-8", e);
        }
    }
}
