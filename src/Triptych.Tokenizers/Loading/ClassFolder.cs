using System.Text.Json.Nodes;

namespace Triptych.Tokenizers.Loading;

/// <summary>Folders whose tokenizer a class of transformers builds, or that hold a SentencePiece model, a tiktoken file or a tekken.json.</summary>
internal static class ClassFolder
{
    /// <summary>Reads a folder; null where it is of another kind.</summary>
    public static TokenizerFiles? TryRead(string folder, JsonObject config, JsonObject modelConfig, JsonObject specialTokensMap)
    {
        string? name = TokenizerClassNames.Find(config, modelConfig);
        TokenizerClass? kind = name is null ? null : TokenizerClass.Find(name);
        string json = Path.Combine(folder, "tokenizer.json");
        if (File.Exists(json))
        {
            return kind is null ? null
                : Finish(Files(kind).FromJson(json, TokenizerFiles.ReadBytes(json)), kind, json, config, specialTokensMap);
        }

        if (name is MappedFolder.Marian or MappedFolder.M2M100)
            return new MappedFolder(name, folder, config, specialTokensMap).Read();
        string tekken = Path.Combine(folder, TekkenFile.Name);
        if (File.Exists(tekken))
            return TekkenFile.Load(tekken, TokenizerFiles.ReadBytes(tekken));
        if (ClassFiles.ModelOf(kind ?? TokenizerClass.General, folder) is not string path)
            return Tiktoken(folder);
        byte[] content = TokenizerFiles.ReadBytes(path);
        if (TiktokenFile.IsOne(content))
            return Finish(Files(TokenizerClass.Tiktoken).FromTiktoken(path, content), TokenizerClass.Tiktoken, path, config, specialTokensMap);
        // Where nothing says whose tokenizer it is, the model is used as it is.
        if (name is null)
            return SingleFile.Read(path, content);
        if (TokenizerClassNames.IsUnsupported(name))
            throw new TokenizerException(path, $"{name} is not supported without a tokenizer.json: its way to use the file is not known here");
        kind ??= TokenizerClass.General;
        return Finish(Files(kind).FromModel(path, content), kind, path, config, specialTokensMap);

        ClassFiles Files(TokenizerClass of) => new(of, folder, config, specialTokensMap, TokenizerFiles.ReadObject(folder, "added_tokens.json"));
    }

    private static TokenizerFiles? Tiktoken(string folder)
    {
        string[] files = Directory.GetFiles(folder, "*.tiktoken");
        return files.Length == 1 ? SingleFile.Read(files[0], TokenizerFiles.ReadBytes(files[0])) : null;
    }

    private static TokenizerFiles? Finish(
        (byte[] Json, ClassContext Context)? made, TokenizerClass kind, string path, JsonObject config, JsonObject specialTokensMap)
    {
        if (made is not (byte[] json, ClassContext context))
            return null;
        JsonObject settings = config.DeepClone().AsObject();
        settings["tokenizer_class"] = kind == TokenizerClass.Tiktoken ? TokenizerClass.General.Name : kind.Name;
        // The tokenizer.json that can be saved has all of them.
        settings.Remove("added_tokens_decoder");
        if (kind.PadsLeft)
            settings.TryAdd("padding_side", "left");
        return new TokenizerFiles(path, json, settings, context.SpecialTokens, specialTokensMap, isFolder: true) { IsConverted = kind != TokenizerClass.General };
    }
}
