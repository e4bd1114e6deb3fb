using System.Text.Json.Nodes;
using Triptych.Tokenizers;

namespace Triptych.Fuzz;

/// <summary>tokenizer.json with every component, and patterns with texts.</summary>
internal static class TokenizerSubjects
{
    private const string Text = "The little girl, Zoë 😀 e\u0301 [MASK] 12345 can't\n\t<s>  世界 ﬁn";

    private const string Normalizers = """
        {"type":"Sequence","normalizers":[{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":null,"lowercase":true},
        {"type":"NFKD"},{"type":"StripAccents"},{"type":"NFC"},{"type":"Strip","strip_left":true,"strip_right":true},{"type":"Lowercase"},
        {"type":"Replace","pattern":{"Regex":"\\s+|(?<=a)b"},"content":" "},{"type":"Replace","pattern":{"String":"x"},"content":"yy"},{"type":"Prepend","prepend":"_"}]}
        """;

    private const string PreTokenizers = """
        {"type":"Sequence","pretokenizers":[{"type":"WhitespaceSplit"},{"type":"Punctuation","behavior":"MergedWithPrevious"},{"type":"Digits","individual_digits":true},
        {"type":"Split","pattern":{"Regex":"\\p{L}{1,3}|(?i:s)"},"behavior":"Contiguous","invert":false},{"type":"CharDelimiterSplit","delimiter":"|"},
        {"type":"UnicodeScripts"},{"type":"FixedLength","length":7},{"type":"Metaspace","replacement":"_","prepend_scheme":"first","split":true},
        {"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true}]}
        """;

    private const string PostProcessors = """
        {"type":"Sequence","processors":[{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true},{"type":"TemplateProcessing",
        "single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],
        "pair":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}},{"Sequence":{"id":"B","type_id":1}}],
        "special_tokens":{"<s>":{"id":"<s>","ids":[1],"tokens":["<s>"]}}}]}
        """;

    private const string Decoders = """
        {"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"_"},"content":" "},{"type":"ByteFallback"},{"type":"WordPiece","prefix":"##","cleanup":true},
        {"type":"BPEDecoder","suffix":"</w>"},{"type":"CTC","pad_token":"<pad>","word_delimiter_token":"|","cleanup":true},{"type":"Strip","content":" ","start":1,"stop":1},
        {"type":"Metaspace","replacement":"_","prepend_scheme":"always","split":true},{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true},{"type":"Fuse"}]}
        """;

    private static readonly string[] Values =
    [
        "null", "true", "false", "0", "1", "-1", "2147483647", "2147483648", "-9223372036854775808", "1e300", "0.5", "[]", "{}", "[[]]", "\"\"", "\"a\"",
        "\"\\ud83d\\ude00\"", "\"Right\"", "\"Removed\"", "\"Isolated\"", "\"MergedWithNext\"", "\"never\"", "\"always\"", "\"OnlySecond\"", "\"NFC\"", "\"Sequence\"",
        "\"ByteLevel\"", "\"Metaspace\"", "\"Split\"", "\"Replace\"", "\"(a*)*\\\\1b|\\\\p{L}+?\"", "{\"Regex\":\"a{1000}{1000}\"}", "{\"String\":\"\"}", "{\"Fixed\":2147483647}", "[\"a\",1]",
    ];

    private static readonly string[] PatternCases =
    [
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        @"(?x:(?<a>b|\x{63}?)+?\k<a>)|(?>[[:alpha:]&&[^\p{^Lu}]]++\b|\R|^\h{2,}$)|(?<=a|bc)(?<!d)e\K(?:f*)*g{,3}\u0041(?#c)|\A\G\z|[\w-]*?(?=(?:a|aa)+b)",
        @"(?:(?:a*)*b|(a|ab)(c|bcd)(d*)\1|(?:a+)+$|(?>(?:a|ab)*)c){1,3}(?=(?:\w+\s?)*\d)",
    ];

    public static IEnumerable<Subject> Make()
    {
        foreach ((string name, string model) in Models())
        {
            string json = $$"""
                {"version":"1.0","truncation":{"direction":"Right","max_length":64,"strategy":"LongestFirst","stride":2},"padding":{"strategy":{"Fixed":8},
                "direction":"Left","pad_to_multiple_of":4,"pad_id":0,"pad_type_id":0,"pad_token":"<unk>"},"added_tokens":[{"id":0,"content":"<unk>","single_word":false,
                "lstrip":false,"rstrip":false,"normalized":false,"special":true},{"id":900,"content":"[MASK]","single_word":true,"lstrip":true,"rstrip":true,
                "normalized":true,"special":false}],"normalizer":{{Normalizers}},"pre_tokenizer":{{PreTokenizers}},"post_processor":{{PostProcessors}},
                "decoder":{{Decoders}},"model":{{model}}}
                """;
            byte[] content = System.Text.Encoding.UTF8.GetBytes(json);
            yield return new Subject("tokenizer.json, " + name, ".json", content, content.Length, UseTokenizer);
            byte[] edits = [1, 0, 1, 0, 2, 0, 2, 0];
            yield return new Subject("tokenizer.json values, " + name, ".edits", edits, edits.Length, path => UseEdited(json, path));
        }

        foreach ((int index, string pattern) in PatternCases.Index())
        {
            byte[] content = System.Text.Encoding.UTF8.GetBytes(pattern + "\n" + Text + "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaabcbcd ABba aA");
            yield return new Subject($"pattern {index + 1}", ".txt", content, System.Text.Encoding.UTF8.GetByteCount(pattern), UsePattern);
        }
    }

    private static IEnumerable<(string Name, string Model)> Models()
    {
        string letters = string.Join(',', "abcdefghijklmnopqrstuvwxyz_Ġ".Select((c, i) => $"\"{c}\":{i + 2}"));
        const string Options = """
            "unk_token":"<unk>","continuing_subword_prefix":null,"end_of_word_suffix":null,"fuse_unk":true,"byte_fallback":true,"ignore_merges":true,
            """;
        string vocabulary = $"\"vocab\":{{\"<unk>\":0,\"<s>\":1,{letters},\"th\":40,\"the\":41,\"<0xC3>\":42,\"<0xAB>\":43,\"##a\":50}}";
        yield return ("BPE", $"{{\"type\":\"BPE\",\"dropout\":0.1,{Options}{vocabulary},\"merges\":[\"t h\",[\"th\",\"e\"]]}}");
        yield return ("WordPiece",
            $"{{\"type\":\"WordPiece\",\"unk_token\":\"<unk>\",\"continuing_subword_prefix\":\"##\",\"max_input_chars_per_word\":100,{vocabulary}}}");
        string pieces = string.Join(',', "abcdefghijklmnopqrstuvwxyz_Ġ".Select((c, i) => $"[\"{c}\",{-i}.25e0]"));
        yield return ("Unigram", $$"""{"type":"Unigram","unk_id":0,"byte_fallback":true,"vocab":[["<unk>",0],["<s>",0.0],{{pieces}},["th",-2.5e-1],["\u0065\u0301",-3],["é",-4]]}""");
        yield return ("WordLevel", $"{{\"type\":\"WordLevel\",\"unk_token\":\"<unk>\",{vocabulary}}}");
    }

    private static void UseTokenizer(string path) => Use(() => Tokenizer.Load(path));

    /// <summary>Files that are JSON still: four bytes of the case choose a place in it and what comes there.</summary>
    private static void UseEdited(string json, string path)
    {
        JsonNode root = JsonNode.Parse(json)!;
        foreach (byte[] edit in File.ReadAllBytes(path).Chunk(4).Where(edit => edit.Length == 4).Take(3))
        {
            JsonNode[] places = [.. Descendants(root)];
            JsonNode place = places[BitConverter.ToUInt16(edit) % places.Length];
            int choice = BitConverter.ToUInt16(edit, 2) % (Values.Length + places.Length);
            JsonNode? value = choice < Values.Length ? JsonNode.Parse(Values[choice]) : places[choice - Values.Length].DeepClone();
            if (place.Parent is JsonArray array)
                array[array.IndexOf(place)] = value;
            else
                place.Parent!.AsObject()[place.GetPropertyName()] = value;
        }

        Use(() => Tokenizer.FromJson(System.Text.Encoding.UTF8.GetBytes(root.ToJsonString()), path));
    }

    private static IEnumerable<JsonNode> Descendants(JsonNode node)
    {
        IEnumerable<JsonNode?> children = node switch
        {
            JsonObject members => members.Select(member => member.Value),
            JsonArray items => items,
            _ => [],
        };
        foreach (JsonNode child in children.OfType<JsonNode>())
        {
            yield return child;
            foreach (JsonNode below in Descendants(child))
                yield return below;
        }
    }

    private static void UsePattern(string path)
    {
        string[] parts = System.Text.Encoding.UTF8.GetString(File.ReadAllBytes(path)).Split('\n', 2);
        var json = new JsonObject
        {
            ["model"] = new JsonObject { ["type"] = "WordLevel", ["vocab"] = new JsonObject { ["<unk>"] = 0 }, ["unk_token"] = "<unk>" },
            ["pre_tokenizer"] = new JsonObject
            {
                ["type"] = "Split", ["pattern"] = new JsonObject { ["Regex"] = parts[0] }, ["behavior"] = "MergedWithNext", ["invert"] = false,
            },
        };
        Use(() => Tokenizer.FromJson(System.Text.Encoding.UTF8.GetBytes(json.ToJsonString()), path), parts[^1]);
    }

    /// <summary>What a file leaves may still fail on a text: for want of an unknown token, of room beside special tokens, or of steps.</summary>
    private static void Use(Func<Tokenizer> load, string text = Text)
    {
        Tokenizer tokenizer = load();
        try
        {
            Triptych.Tokenizers.Encoding encoding = tokenizer.Encode(text, "a pair");
            _ = (tokenizer.Decode(encoding.Ids), encoding.ToUtf8Offsets(text, "a pair"));
        }
        catch (Exception error) when (error is InvalidOperationException && error.Message.Contains("token", StringComparison.Ordinal)
            || error is ArgumentException { ParamName: "truncation" }
            || error is TokenizerException && error.Message.Contains("on this text", StringComparison.Ordinal))
        {
        }
    }
}
