using System.Text.Json.Nodes;

namespace Triptych.Tokenizers.Loading;

/// <summary>What Whisper's texts begin with: language, task and whether there are time stamps, as tokenizer_config.json says.</summary>
internal static class WhisperPrompt
{
    public static JsonObject Of(ClassContext context)
    {
        List<string> prompt = [Known(context, "<|startoftranscript|>")];
        if (context.Text("language") is string language)
            prompt.Add(LanguageToken(context, language));
        if (context.Text("task") is string task)
            prompt.Add(task is "transcribe" or "translate" ? Known(context, $"<|{task}|>") : throw Fail(context, $"task \"{task}\" is neither transcribe nor translate"));
        if (!context.Flag("predict_timestamps", false))
            prompt.Add(Known(context, "<|notimestamps|>"));
        string eos = context.Role("eos_token", "<|endoftext|>");
        string before = string.Join(' ', prompt.Select(token => token + ":0"));
        return StageJson.Template($"{before} $A:0 {eos}:0", $"{before} $A:0 $B:1 {eos}:1", context.IdOf);
    }

    private static string LanguageToken(ClassContext context, string language)
    {
        string code = LanguageCodes.WhisperCode(language.ToLowerInvariant()) ?? throw Fail(context, $"language \"{language}\" is none of Whisper's");
        string token = $"<|{code}|>";
        return context.Find(token) >= 0 ? token : throw Fail(context, $"there is no token for the language \"{language}\"");
    }

    private static string Known(ClassContext context, string token) => context.Find(token) >= 0 ? token : context.Role("unk_token", token);

    private static TokenizerException Fail(ClassContext context, string reason) => new(context.Path, $"tokenizer_config.json: {reason}");
}
