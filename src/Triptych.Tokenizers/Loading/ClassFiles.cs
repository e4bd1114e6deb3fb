using System.Text.Json;
using System.Text.Json.Nodes;
using Triptych.Tokenizers.Models;
using Triptych.Tokenizers.SentencePiece;

namespace Triptych.Tokenizers.Loading;

/// <summary>Makes a tokenizer.json of a SentencePiece model, or anew of a tokenizer.json, as a class of transformers does.</summary>
internal sealed class ClassFiles(TokenizerClass kind, string folder, JsonObject config, JsonObject specialTokensMap, JsonObject addedTokens)
{
    /// <summary>Longer pieces are no words of any language; all ways to cut a piece in two are looked at.</summary>
    private const int MaxPieceLength = 512;

    private static readonly string[] ModelFiles = ["tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "spm.model", "sentencepiece.model"];

    /// <summary>The SentencePiece model of a folder: that of the class, or one under another usual name; null where there is none.</summary>
    public static string? ModelOf(TokenizerClass kind, string folder) => ModelFiles.Prepend(kind.ModelFile)
        .Select(name => Path.Combine(folder, name)).FirstOrDefault(File.Exists);

    /// <summary>The class's tokenizer.json of a SentencePiece model.</summary>
    public (byte[] Json, ClassContext Context) FromModel(string path, byte[] content)
    {
        SentencePieceFile file = SentencePieceFile.Read(content, path);
        bool isBpe = kind.IsGeneral ? file.Training.Algorithm != SentencePieceAlgorithm.Unigram : kind.IsBpe;
        var context = new ClassContext(kind, config, specialTokensMap, path)
        {
            FromModel = true,
            UnknownId = file.Training.UnkId,
            HasBytes = file.Training.ByteFallback,
            Vocabulary = [.. file.Pieces.Select(piece => (piece.Text, (double)piece.Score))],
            CharsMap = file.Normalizer.CharsMap.Length == 0 ? null : Convert.ToBase64String(file.Normalizer.CharsMap),
        };
        foreach (SentencePieceEntry piece in file.Pieces.Where(piece => piece.Type is PieceType.Control or PieceType.UserDefined))
            context.Additional.Add(ClassContext.Token(piece.Text, special: piece.Type == PieceType.Control));
        if (kind.IsGeneral)
            NameTokens(context, file);
        if (isBpe)
            context.Merges = MergesOf(context.Vocabulary, file);
        kind.Reorder?.Invoke(context);
        return (Write(context, isBpe, [], null), context);
    }

    /// <summary>The class's tokenizer.json of vocab.txt, or of vocab.json and merges.txt.</summary>
    public (byte[] Json, ClassContext Context) FromVocabulary()
    {
        string path = Require(kind.Files == VocabularyFiles.Words ? VocabularyTexts.Words : VocabularyTexts.Vocabulary);
        var context = new ClassContext(kind, config, specialTokensMap, path) { FromModel = true };
        IReadOnlyDictionary<string, int> ids;
        if (kind.Files == VocabularyFiles.Words)
        {
            ids = VocabularyTexts.ReadWords(path);
        }
        else
        {
            string merges = Require(VocabularyTexts.Merges);
            ids = VocabularyTexts.ReadVocabulary(path);
            context.Merges = VocabularyTexts.ReadMerges(merges);
        }

        (string Token, int Id)[] entries = [.. ids.Select(entry => (entry.Key, entry.Value)).OrderBy(entry => entry.Value)];
        context.Vocabulary = [.. entries.Select(entry => (entry.Token, 0.0))];
        context.Ids = [.. entries.Select(entry => entry.Id)];
        return (Write(context, kind.IsBpe, [], null), context);
    }

    /// <summary>
    /// Makes a tokenizer.json the class's: vocabulary and merges stay, the stages become those of the class. Null where the file is of another
    /// kind, and is taken as it is.
    /// </summary>
    public (TokenizerDocument Document, ClassContext Context)? FromJson(string path, TokenizerDocument document)
    {
        using JsonDocument rest = JsonValue.Parse(document.Rest, path);
        var root = new JsonValue(rest.RootElement, path, "");
        JsonValue model = root.Required("model");
        JsonValue vocabulary = model.Required("vocab");
        bool isUnigram = kind.Files == VocabularyFiles.SentencePiece && !kind.IsBpe;
        if (kind.IsGeneral || vocabulary.IsArray != isUnigram || kind.IsBpe && model.Member("merges") is null
            || kind.Files == VocabularyFiles.SentencePiece && IsByteLevel(root))
            return null;
        if (isUnigram)
            return FromPieces(path, document);
        Vocabulary kept = document.FindVocabulary(vocabulary.Fail) ?? new Vocabulary(vocabulary.Members().Select(member => (member.Name, member.Value.AsId())), vocabulary.Fail);
        var context = new ClassContext(kind, config, specialTokensMap, path) { CharsMap = CharsMapOf(root), Kept = kept };
        try
        {
            context.AddTokens(addedTokens, AddedTokensOf(root));
            JsonObject changed = JsonObject.Create(root.Element)!;
            if (new ClassStages(kind, context).Apply(changed, Processor))
                document.Change(changed);
        }
        catch (Exception e) when (FolderFiles.IsOfContent(e))
        {
            throw FolderFiles.Unusable(folder, e);
        }

        return (document, context);
    }

    private (TokenizerDocument Document, ClassContext Context) FromPieces(string path, TokenizerDocument document)
    {
        using JsonDocument whole = JsonValue.Parse(document.Json, path);
        var root = new JsonValue(whole.RootElement, path, "");
        var context = new ClassContext(kind, config, specialTokensMap, path)
        {
            CharsMap = CharsMapOf(root), Vocabulary = [.. root.Required("model").Required("vocab").Items().Select(TokenizerReader.ReadExactPiece)],
        };
        JsonNode? processor = root.Member("post_processor") is JsonValue stage ? JsonNode.Parse(stage.Element.GetRawText()) : null;
        return (new TokenizerDocument(Write(context, isBpe: false, AddedTokensOf(root), processor)), context);
    }

    /// <summary>The tokenizer.json of a tiktoken file.</summary>
    public (byte[] Json, ClassContext Context) FromTiktoken(string path, byte[] content)
    {
        RankedTokens ranked = TiktokenFile.Read(content, path);
        var context = new ClassContext(kind, config, specialTokensMap, path) { FromModel = true, Merges = [.. ranked.ToMerges()] };
        int next = 0;
        foreach ((string token, int rank) in ranked.Tokens.OrderBy(token => token.Rank))
        {
            if (rank != next++)
                throw new TokenizerException(path, $"rank {next - 1} is missing, or rank {rank} comes twice");
            context.Vocabulary.Add((token, 0));
        }

        return (Write(context, isBpe: true, [], null), context);
    }

    private string Require(string name) => FolderFiles.Require(folder, name, kind.Name, orJson: true);

    private static JsonObject[] AddedTokensOf(JsonValue root) => root.Member("added_tokens") is not JsonValue list ? []
        : [.. list.Items().Select(token => JsonNode.Parse(token.Element.GetRawText()) as JsonObject ?? throw token.Fail("expected an object"))];

    private static bool IsByteLevel(JsonValue root) => root.Member("decoder") is JsonValue decoder && decoder.IsObject && decoder.OptionalString("type") == "ByteLevel";

    private static string? CharsMapOf(JsonValue root)
    {
        if (root.Member("normalizer") is not JsonValue normalizer)
            return null;
        IEnumerable<JsonValue> stages = normalizer.OptionalString("type") == "Sequence" ? normalizer.Required("normalizers").Items() : [normalizer];
        return stages.FirstOrDefault(stage => stage.OptionalString("type") == "Precompiled") is { Element.ValueKind: JsonValueKind.Object } found
            ? found.OptionalString("precompiled_charsmap") : null;
    }

    /// <summary>The general class takes the names of its tokens from the model, where the files have none.</summary>
    private static void NameTokens(ClassContext context, SentencePieceFile file)
    {
        SpecialTokens tokens = SentencePieceReader.SpecialTokensOf(file);
        foreach ((string role, string? token) in (ReadOnlySpan<(string, string?)>)[("bos_token", tokens.Bos), ("eos_token", tokens.Eos), ("unk_token", tokens.Unk)])
        {
            if (token is not null && !context.Config.ContainsKey(role))
                context.Config[role] = token;
        }
    }

    /// <summary>
    /// For each piece every pair of pieces that makes it is a merge: in the order of the pieces, then of the lengths of the parts, then of
    /// their ids.
    /// </summary>
    private static List<(string Left, string Right)> MergesOf(IReadOnlyList<(string Piece, double)> vocabulary, SentencePieceFile file)
    {
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int id = 0; id < vocabulary.Count; id++)
            ids[vocabulary[id].Piece] = id;
        var lookup = ids.GetAlternateLookup<ReadOnlySpan<char>>();
        var merges = new List<(string, string)>();
        var local = new List<(int Length, int RestLength, int Left, int Right)>();
        for (int id = 0; id < vocabulary.Count; id++)
        {
            string piece = vocabulary[id].Piece;
            if (piece.Length > MaxPieceLength)
                throw file.Fail($"piece {id} has {piece.Length} characters, over the limit of {MaxPieceLength}");
            if (ids[piece] != id)
                continue;
            local.Clear();
            for (int cut = 1; cut < piece.Length; cut++)
            {
                if (!char.IsLowSurrogate(piece[cut]) && lookup.TryGetValue(piece.AsSpan(0, cut), out int left) && lookup.TryGetValue(piece.AsSpan(cut), out int right))
                    local.Add((CountChars(piece.AsSpan(0, cut)), CountChars(piece.AsSpan(cut)), left, right));
            }

            local.Sort();
            merges.AddRange(local.Select(pair => (vocabulary[pair.Left].Piece, vocabulary[pair.Right].Piece)));
        }

        return merges;
    }

    private static int CountChars(ReadOnlySpan<char> text)
    {
        int count = text.Length;
        foreach (char c in text)
            count -= char.IsLowSurrogate(c) ? 1 : 0;
        return count;
    }

    private byte[] Write(ClassContext context, bool isBpe, IEnumerable<JsonObject> added, JsonNode? processor)
    {
        try
        {
            context.AddTokens(addedTokens, added);
            using var stream = new MemoryStream();
            using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Encoder = TokenizerFiles.Indented.Encoder }))
                Write(json, context, isBpe, processor);
            return stream.ToArray();
        }
        catch (Exception e) when (FolderFiles.IsOfContent(e))
        {
            throw FolderFiles.Unusable(folder, e);
        }
    }

    private void Write(Utf8JsonWriter json, ClassContext context, bool isBpe, JsonNode? processor)
    {
        json.WriteStartObject();
        json.WriteString("version", "1.0");
        json.WriteNull("truncation");
        json.WriteNull("padding");
        json.WriteStartArray("added_tokens");
        foreach (JsonObject token in context.Added.Values)
            token.WriteTo(json);
        json.WriteEndArray();
        WriteStage(json, "normalizer", kind.Normalizer(context));
        WriteStage(json, "pre_tokenizer", kind.PreTokenizer(context));
        WriteStage(json, "post_processor", Processor(context, processor));
        WriteStage(json, "decoder", kind.Decoder(context));
        json.WriteStartObject("model");
        if (kind.Files == VocabularyFiles.Words)
            WriteWordPiece(json, context);
        else if (isBpe)
            WriteBpe(json, context);
        else
            WriteUnigram(json, context);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    /// <summary>The class's post-processor, or that of the file.</summary>
    private JsonNode Processor(ClassContext context, JsonNode? ofFile) => (kind.KeepsProcessor ? ofFile : null)
        ?? kind.PostProcessor?.Invoke(context) ?? LanguageProcessor(context) ?? ofFile ?? ByFlags(context);

    private JsonObject? LanguageProcessor(ClassContext context)
    {
        if (kind.Languages?.Invoke(context) is not LanguageRules rules)
            return null;
        string token = rules.TokenOf(rules.Source);
        string shown = rules.ShowsUnknown && context.Find(token) < 0 ? context.Role("unk_token", token) : token;
        return (rules with { TokenOf = _ => shown }).Processor(rules.Source, isTarget: false, context.IdOf);
    }

    private static void WriteStage(Utf8JsonWriter json, string name, JsonNode? stage)
    {
        json.WritePropertyName(name);
        if (stage is null)
            json.WriteNullValue();
        else
            stage.WriteTo(json);
    }

    /// <summary>The tokens around a text that add_bos_token and add_eos_token ask for; beside a tokenizer.json they count for nothing.</summary>
    public static JsonObject ByFlags(ClassContext context, bool addsBos = false)
    {
        string? bos = (context.FromModel ? context.Flag("add_bos_token", addsBos) : addsBos) ? context.Role("bos_token") : null;
        string? eos = context.FromModel && context.Flag("add_eos_token", false) ? context.Role("eos_token") : null;
        return TokenizerJson.Template(bos, bos is null ? null : context.IdOf(bos), eos, eos is null ? null : context.IdOf(eos));
    }

    private void WriteUnigram(Utf8JsonWriter json, ClassContext context)
    {
        json.WriteString("type", "Unigram");
        int unknown = kind.Unknown?.Invoke(context) ?? context.UnknownId;
        if (unknown < 0 || unknown >= context.Vocabulary.Count)
            throw new TokenizerException(context.Path, $"the unknown token has the id {unknown}, which none of {context.Vocabulary.Count} pieces has");
        json.WriteNumber("unk_id", unknown);
        json.WriteStartArray("vocab");
        foreach ((string piece, double score) in context.Vocabulary)
        {
            json.WriteStartArray();
            json.WriteStringValue(piece);
            json.WriteNumberValue(score);
            json.WriteEndArray();
        }

        json.WriteEndArray();
        json.WriteBoolean("byte_fallback", kind.IsGeneral && context.HasBytes);
    }

    private void WriteBpe(Utf8JsonWriter json, ClassContext context)
    {
        WriteOptions(json, context);
        WriteVocabulary(json, context);
        json.WriteStartArray("merges");
        foreach ((string left, string right) in context.Merges)
        {
            json.WriteStartArray();
            json.WriteStringValue(left);
            json.WriteStringValue(right);
            json.WriteEndArray();
        }

        json.WriteEndArray();
    }

    private void WriteWordPiece(Utf8JsonWriter json, ClassContext context)
    {
        WriteOptions(json, context);
        WriteVocabulary(json, context);
    }

    private void WriteOptions(Utf8JsonWriter json, ClassContext context)
    {
        foreach ((string name, JsonNode? value) in new ClassStages(kind, context).ModelOptions())
            WriteStage(json, name, value);
    }

    private static void WriteVocabulary(Utf8JsonWriter json, ClassContext context)
    {
        json.WriteStartObject("vocab");
        var written = new HashSet<string>(StringComparer.Ordinal);
        for (int i = 0; i < context.Vocabulary.Count; i++)
        {
            if (written.Add(context.Vocabulary[i].Piece))
                json.WriteNumber(context.Vocabulary[i].Piece, context.IdAt(i));
        }

        json.WriteEndObject();
    }
}
