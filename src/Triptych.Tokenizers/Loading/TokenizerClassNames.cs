using System.Collections.Frozen;
using System.Text.Json.Nodes;

namespace Triptych.Tokenizers.Loading;

/// <summary>Which class of transformers 5 reads a folder's tokenizer.</summary>
internal static class TokenizerClassNames
{
    private const string General = "TokenizersBackend";

    /// <summary>Models whose published files name a class that transformers does not believe; their tokenizer.json is taken as it is.</summary>
    private static readonly FrozenSet<string> Misnamed = """
        arctic chameleon chatlm deepseek_v2 deepseek_v3 deepseek_v32 deepseek_v4 deepseek_vl deepseek_vl_hybrid deepseek_vl_v2 deepseek_ocr deepseek_ocr2 fuyu
        h2ovl_chat hyperclovax_vlm internlm2 jamba janus llava llava_next minicpmv minimax_m2 modernbert molmo molmo2 nemotron nvfp4 opencua openvla phi3 phi3_v
        phimoe qwen2 step3p5 step3_vl vipllava cohere_asr
        """.Split((char[])[' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries).ToFrozenSet(StringComparer.Ordinal);

    /// <summary>The classes of models, where they are known here.</summary>
    private static readonly FrozenDictionary<string, string> ByModel = new Dictionary<string, string>
    {
        ["albert"] = "AlbertTokenizer", ["nystromformer"] = "AlbertTokenizer", ["yoso"] = "AlbertTokenizer", ["barthez"] = "BarthezTokenizer", ["big_bird"] = "BigBirdTokenizer",
        ["bigbird_pegasus"] = "PegasusTokenizer", ["pegasus"] = "PegasusTokenizer", ["pegasus_x"] = "PegasusTokenizer", ["camembert"] = "CamembertTokenizer",
        ["deberta-v2"] = "DebertaV2Tokenizer", ["gemma"] = "GemmaTokenizer", ["gemma2"] = "GemmaTokenizer", ["gemma3"] = "GemmaTokenizer", ["gemma3_text"] = "GemmaTokenizer",
        ["gemma3n"] = "GemmaTokenizer", ["gemma3n_text"] = "GemmaTokenizer", ["recurrent_gemma"] = "GemmaTokenizer", ["shieldgemma2"] = "GemmaTokenizer", ["t5gemma"] = "GemmaTokenizer",
        ["idefics"] = "LlamaTokenizer", ["idefics2"] = "LlamaTokenizer", ["llama"] = "LlamaTokenizer", ["jina_embeddings_v3"] = "XLMRobertaTokenizer", ["kosmos-2"] = "XLMRobertaTokenizer",
        ["metaclip_2"] = "XLMRobertaTokenizer", ["trocr"] = "XLMRobertaTokenizer", ["xlm-roberta"] = "XLMRobertaTokenizer", ["xlm-roberta-xl"] = "XLMRobertaTokenizer",
        ["xmod"] = "XLMRobertaTokenizer", ["m2m_100"] = "M2M100Tokenizer", ["marian"] = "MarianTokenizer", ["mbart"] = "MBartTokenizer", ["mbart50"] = "MBart50Tokenizer",
        ["mt5"] = "T5Tokenizer", ["musicgen"] = "T5Tokenizer", ["musicgen_melody"] = "T5Tokenizer", ["pix2struct"] = "T5Tokenizer", ["switch_transformers"] = "T5Tokenizer",
        ["t5"] = "T5Tokenizer", ["umt5"] = "T5Tokenizer", ["nllb"] = "NllbTokenizer", ["nllb-moe"] = "NllbTokenizer", ["seamless_m4t"] = "SeamlessM4TTokenizer",
        ["seamless_m4t_v2"] = "SeamlessM4TTokenizer", ["xlnet"] = "XLNetTokenizer", ["mistral"] = General, ["mistral3"] = General, ["ministral"] = General, ["ministral3"] = General,
        ["mixtral"] = General, ["pixtral"] = General, ["voxtral"] = General, ["voxtral_realtime"] = General, ["glm"] = General, ["glm4"] = General, ["granite"] = General,
        ["olmo3"] = General,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Classes with rules of their own for a SentencePiece model that are not known here.</summary>
    private static readonly FrozenSet<string> Unsupported = """
        BartphoTokenizer BertGenerationTokenizer BertJapaneseTokenizer CodeLlamaTokenizer CohereTokenizer CpmTokenizer FNetTokenizer GPTSw3Tokenizer LasrTokenizer
        LayoutXLMTokenizer LukeTokenizer MLukeTokenizer ParakeetTokenizer PLBartTokenizer ReformerTokenizer RemBertTokenizer SiglipTokenizer Siglip2Tokenizer
        Speech2TextTokenizer SpeechT5Tokenizer UdopTokenizer XGLMTokenizer
        """.Split((char[])[' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries).ToFrozenSet(StringComparer.Ordinal);

    public static bool IsUnsupported(string name) => Unsupported.Contains(name);

    /// <summary>The class's name without "Fast"; the general one's where none is named that has rules of its own; null where nothing says anything.</summary>
    public static string? Find(JsonObject config, JsonObject modelConfig)
    {
        string? model = TokenizerFiles.Value(modelConfig, "model_type") as string;
        string? named = TokenizerFiles.Value(config, "tokenizer_class") as string ?? TokenizerFiles.Value(modelConfig, "tokenizer_class") as string;
        named = named?.EndsWith("Fast", StringComparison.Ordinal) is true && named != "PreTrainedTokenizerFast" ? named[..^4] : named;
        string? registered = model is null ? null : Misnamed.Contains(model) && !ByModel.ContainsKey(model) ? General : ByModel.GetValueOrDefault(model);
        if (named is null)
            return registered;
        return named == "PreTrainedTokenizerFast" || registered == General ? General : named;
    }
}
