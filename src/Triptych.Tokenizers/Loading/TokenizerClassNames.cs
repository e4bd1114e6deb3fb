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

    /// <summary>The classes, each with the models whose folders it reads; an indented line goes on with the one before.</summary>
    private const string Registered = """
        AlbertTokenizer albert nystromformer yoso
        BarthezTokenizer barthez
        BartphoTokenizer bartpho
        BertGenerationTokenizer bert-generation
        BertJapaneseTokenizer bert-japanese
        BertTokenizer align bark bert blip bros chinese_clip convbert distilbert electra ernie flava git grounding-dino layoutlm lxmert
            megatron-bert mm-grounding-dino mobilebert nezha nomic_bert qdqbert realm retribert squeezebert tvp vilt visual_bert
        BertweetTokenizer bertweet
        BigBirdTokenizer big_bird
        BioGptTokenizer biogpt
        BlenderbotSmallTokenizer blenderbot-small
        BlenderbotTokenizer blenderbot
        ByT5Tokenizer byt5
        CLIPTokenizer aimv2 clip clipseg groupvit omdet-turbo oneformer owlv2 owlvit sam3 sam3_video xclip
        CTRLTokenizer ctrl
        CamembertTokenizer camembert
        CanineTokenizer canine
        ClvpTokenizer clvp
        CodeLlamaTokenizer code_llama
        CohereTokenizer aya_vision cohere cohere2
        CpmAntTokenizer cpmant
        CpmTokenizer cpm
        DPRQuestionEncoderTokenizer dpr
        DebertaTokenizer deberta
        DebertaV2Tokenizer deberta-v2
        DiaTokenizer dia
        EsmTokenizer esm
        FNetTokenizer fnet
        FSMTTokenizer fsmt
        FlaubertTokenizer flaubert
        FunnelTokenizer funnel
        GPT2Tokenizer blip-2 codegen dbrx emu3 flex_olmo gpt2 gpt_bigcode gpt_neo gptj instructblip instructblipvideo jais2 opt phi starcoder2
        GPTNeoXJapaneseTokenizer gpt_neox_japanese
        GPTNeoXTokenizer falcon_mamba gpt_neox mamba mamba2 mpt olmo olmo2 olmoe rwkv stablelm xlstm
        GPTSw3Tokenizer gpt-sw3
        GemmaTokenizer diffusion_gemma gemma gemma2 gemma3 gemma3_text gemma3n gemma3n_text recurrent_gemma shieldgemma2 t5gemma
        HerbertTokenizer herbert
        LasrTokenizer lasr_ctc lasr_encoder
        LayoutLMv2Tokenizer layoutlmv2
        LayoutLMv3Tokenizer layoutlmv3
        LayoutXLMTokenizer layoutxlm
        LlamaTokenizer idefics idefics2
        LukeTokenizer luke
        M2M100Tokenizer m2m_100
        MBart50Tokenizer mbart50
        MBartTokenizer mbart
        MLukeTokenizer mluke
        MPNetTokenizer mpnet
        MarianTokenizer marian
        MarkupLMTokenizer markuplm
        MgpstrTokenizer mgp-str
        MyT5Tokenizer myt5
        NllbTokenizer nllb nllb-moe
        NougatTokenizer nougat pp_formulanet
        OpenAIGPTTokenizer openai-gpt
        PLBartTokenizer plbart
        ParakeetTokenizer parakeet_ctc parakeet_rnnt parakeet_tdt
        PegasusTokenizer bigbird_pegasus pegasus pegasus_x
        PerceiverTokenizer perceiver
        PhobertTokenizer phobert
        ProphetNetTokenizer prophetnet
        Qwen2Tokenizer audioflamingo3 colqwen2 cosmos3_omni internvl lighton_ocr ovis2 qianfan_ocr qwen2 qwen2_5_omni qwen2_5_vl qwen2_audio qwen2_moe
            qwen2_vl qwen3 qwen3_moe qwen3_next qwen3_omni_moe qwen3_vl qwen3_vl_moe
        Qwen3_5Tokenizer qwen3_5 qwen3_5_moe
        RagTokenizer rag
        ReformerTokenizer reformer
        RemBertTokenizer rembert
        RoCBertTokenizer roc_bert
        RoFormerTokenizer roformer
        RobertaTokenizer bart bridgetower clap data2vec-text florence2 ibert led lilt longformer mega mra mvp roberta roberta-prelayernorm
        SeamlessM4TTokenizer seamless_m4t seamless_m4t_v2
        Siglip2Tokenizer siglip2
        SiglipTokenizer siglip
        Speech2TextTokenizer speech_to_text
        SpeechT5Tokenizer speecht5
        SplinterTokenizer splinter
        T5Tokenizer mt5 musicgen musicgen_melody pix2struct switch_transformers t5 umt5
        TapasTokenizer tapas
        UdopTokenizer udop
        VitsTokenizer vits
        Wav2Vec2CTCTokenizer data2vec-audio hubert unispeech unispeech-sat wav2vec2 wav2vec2-bert wav2vec2-conformer
        Wav2Vec2PhonemeCTCTokenizer wav2vec2_phoneme
        WhisperTokenizer whisper
        XGLMTokenizer xglm
        XLMRobertaTokenizer jina_embeddings_v3 kosmos-2 metaclip_2 trocr xlm-roberta xlm-roberta-xl xmod
        XLMTokenizer xlm
        XLNetTokenizer xlnet
        TokenizersBackend glm glm4 glm4_moe glm4_moe_lite glm4v glm4v_moe glm_image glmasr got_ocr2 granite granitemoe granitemoehybrid granitemoeshared
            minicpmv4_6 ministral ministral3 mistral mistral3 mixtral olmo3 olmo_hybrid pixtral voxtral voxtral_realtime
        """;

    /// <summary>Other names of classes.</summary>
    private static readonly FrozenDictionary<string, string> Aliases = new Dictionary<string, string>
    {
        ["BartTokenizer"] = "RobertaTokenizer", ["LEDTokenizer"] = "RobertaTokenizer", ["LongformerTokenizer"] = "RobertaTokenizer", ["MvpTokenizer"] = "RobertaTokenizer",
        ["ElectraTokenizer"] = "BertTokenizer", ["LayoutLMTokenizer"] = "BertTokenizer", ["LxmertTokenizer"] = "BertTokenizer", ["MobileBertTokenizer"] = "BertTokenizer",
        ["SqueezeBertTokenizer"] = "BertTokenizer", ["Phi3Tokenizer"] = "LlamaTokenizer", ["BloomTokenizer"] = General, ["PreTrainedTokenizerFast"] = General,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private static readonly FrozenDictionary<string, string> ByModel = ReadRegistered();

    /// <summary>Whether transformers has the class, and it is not known here how it works.</summary>
    public static bool IsUnsupported(string name) => name != General && TokenizerClass.Find(name) is null && ByModel.Values.Contains(name);

    /// <summary>What is said of such a class.</summary>
    public static string WhyUnsupported(string name) => name switch
    {
        "RagTokenizer" => "RagTokenizer is two tokenizers: load the folders question_encoder_tokenizer and generator_tokenizer in it, each by itself",
        "BioGptTokenizer" or "FSMTTokenizer" or "XLMTokenizer" or "FlaubertTokenizer" =>
            $"{name} is not supported without a tokenizer.json: the rules of Moses, in the package sacremoses, cut its words, and they are not known here",
        "RoFormerTokenizer" or "CpmTokenizer" or "CpmAntTokenizer" =>
            $"{name} is not supported without a tokenizer.json: Jieba, in the package rjieba, finds its words with a dictionary of Chinese, which is not here",
        _ => $"{name} is not supported without a tokenizer.json: its way to use the files is not known here",
    };

    /// <summary>The class's name without "Fast"; null where nothing says anything.</summary>
    public static string? Find(JsonObject config, JsonObject modelConfig)
    {
        string? model = TokenizerFiles.Value(modelConfig, "model_type") as string;
        string? named = TokenizerFiles.Value(config, "tokenizer_class") as string ?? TokenizerFiles.Value(modelConfig, "tokenizer_class") as string;
        named = named?.EndsWith("Fast", StringComparison.Ordinal) is true && !Aliases.ContainsKey(named) ? named[..^4] : named;
        named = named is null ? null : Aliases.GetValueOrDefault(named, named);
        bool isMisnamed = model is not null && Misnamed.Contains(model);
        string? registered = model is null ? null : ByModel.GetValueOrDefault(model) ?? (isMisnamed ? General : null);
        return named is null || registered == General || isMisnamed ? registered ?? named : named;
    }

    private static FrozenDictionary<string, string> ReadRegistered()
    {
        var classes = new Dictionary<string, string>(StringComparer.Ordinal);
        string name = "";
        foreach (string line in Registered.Split('\n'))
        {
            string[] words = line.Split((char[])[' ', '\r'], StringSplitOptions.RemoveEmptyEntries);
            bool goesOn = line.StartsWith(' ');
            name = goesOn ? name : words[0];
            foreach (string model in goesOn ? words : words[1..])
                classes.Add(model, name);
        }

        return classes.ToFrozenDictionary(StringComparer.Ordinal);
    }
}
