using System.Text.Json.Nodes;

namespace Triptych.Tokenizers.Loading;

/// <summary>Folders whose tokenizer a class of transformers builds, or that hold a SentencePiece model, a tiktoken file or a tekken.json.</summary>
internal static class ClassFolder
{
    /// <summary>Reads a folder; null where its tokenizer.json is taken as it is. That has not been changed then.</summary>
    public static TokenizerFiles? TryRead(
        string folder, JsonObject config, JsonObject modelConfig, JsonObject specialTokensMap, Lazy<TokenizerDocument> document)
    {
        string? name = TokenizerClassNames.Find(config, modelConfig);
        TokenizerClass? kind = name is null ? null : TokenizerClass.Find(name);
        if (PythonFolder.TryRead(name, folder, config, specialTokensMap) is TokenizerFiles ofPython)
            return ofPython;
        string json = Path.Combine(folder, "tokenizer.json");
        if (File.Exists(json))
            return kind is null ? null : Finish(Files(kind).FromJson(json, document.Value), kind, json, config, specialTokensMap);

        if (name is MappedFolder.Marian or MappedFolder.M2M100)
            return new MappedFolder(name, folder, config, specialTokensMap).Read();
        string tekken = Path.Combine(folder, TekkenFile.Name);
        if (File.Exists(tekken))
            return TekkenFile.Load(tekken, TokenizerFiles.ReadBytes(tekken));
        if (name is not null && TokenizerClassNames.IsUnsupported(name))
            throw new TokenizerException(folder, TokenizerClassNames.WhyUnsupported(name));
        if (kind is { Files: not VocabularyFiles.SentencePiece })
            return FromVocabulary(kind);
        if (ClassFiles.ModelOf(kind ?? TokenizerClass.General, folder) is not string path)
            return Tiktoken(folder) ?? FromVocabulary(kind is null ? Guess(folder, name, modelConfig) : throw FolderFiles.Missing(folder, $"no {kind.ModelFile} for {kind.Name}"));
        byte[] content = TokenizerFiles.ReadBytes(path);
        if (TiktokenFile.IsOne(content))
            return Finish(Files(TokenizerClass.Tiktoken).FromTiktoken(path, content), TokenizerClass.Tiktoken, path, config, specialTokensMap);
        // Where nothing says whose tokenizer it is, the model is used as it is.
        if (name is null)
            return SingleFile.Read(path, content);
        kind ??= TokenizerClass.General;
        return Finish(Files(kind).FromModel(path, content), kind, path, config, specialTokensMap);

        ClassFiles Files(TokenizerClass of) => new(of, folder, config, specialTokensMap, TokenizerFiles.ReadObject(folder, "added_tokens.json"));
        TokenizerFiles? FromVocabulary(TokenizerClass of)
        {
            (byte[] Json, ClassContext Context) made = Files(of).FromVocabulary();
            return Finish(made, of, made.Context.Path, config, specialTokensMap);
        }
    }

    /// <summary>The class of a folder whose files do not say it: BERT's for a vocab.txt, GPT-2's for merges.</summary>
    private static TokenizerClass Guess(string folder, string? name, JsonObject modelConfig)
    {
        bool Has(string file) => File.Exists(Path.Combine(folder, file));
        string? model = name ?? TokenizerFiles.Value(modelConfig, "model_type") as string;
        if (model is not null)
            throw FolderFiles.Missing(folder, $"nothing else that is known to be read for {model}");
        return Has(VocabularyTexts.Words) ? TokenizerClass.Find("BertTokenizer")! : Has(VocabularyTexts.Vocabulary) && Has(VocabularyTexts.Merges)
            ? TokenizerClass.Find("GPT2Tokenizer")! : throw FolderFiles.Missing(folder, "no other file of a tokenizer");
    }

    private static TokenizerFiles? Tiktoken(string folder)
    {
        string[] files = Directory.GetFiles(folder, "*.tiktoken");
        return files.Length == 1 ? SingleFile.Read(files[0], TokenizerFiles.ReadBytes(files[0])) : null;
    }

    private static TokenizerFiles Finish(
        (byte[] Json, ClassContext Context) made, TokenizerClass kind, string path, JsonObject config, JsonObject specialTokensMap) =>
        Finish((new TokenizerDocument(made.Json), made.Context), kind, path, config, specialTokensMap)!;

    private static TokenizerFiles? Finish(
        (TokenizerDocument Document, ClassContext Context)? made, TokenizerClass kind, string path, JsonObject config, JsonObject specialTokensMap)
    {
        if (made is not (TokenizerDocument document, ClassContext context))
            return null;
        JsonObject settings = config.DeepClone().AsObject();
        settings["tokenizer_class"] = kind.SavesAsGeneral ? TokenizerClass.General.Name : kind.Name;
        // The tokenizer.json that can be saved has all of them.
        settings.Remove("added_tokens_decoder");
        if (kind.PadsLeft)
            settings.TryAdd("padding_side", "left");
        if (kind.CleansUp)
            settings.TryAdd("clean_up_tokenization_spaces", true);
        if (kind.MaxLength is int length)
            settings.TryAdd("model_max_length", length);
        return new TokenizerFiles(path, document, settings, context.SpecialTokens, specialTokensMap, isFolder: true, ChatTemplateFiles.Read(Path.GetDirectoryName(path)!))
        {
            IsConverted = !kind.IsGeneral, Languages = kind.Languages?.Invoke(context), GroupsRepeats = kind.GroupsRepeats,
        };
    }
}
