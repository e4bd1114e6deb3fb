namespace Triptych.Tokenizers.Loading;

/// <summary>The codes that multilingual models have tokens for, in the order of their ids.</summary>
internal static class LanguageCodes
{
    /// <summary>Whisper; the hundredth came with its third large model.</summary>
    public static IReadOnlyList<string> Whisper { get; } = Split("""
        en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta no th ur hr bg lt la mi ml cy sk te fa lv bn sr az sl kn
        et mk br eu is hy ne mn bs kk sq sw gl mr pa si km sn yo so af oc ka be tg sd gu am yi lo uz fo ht ps tk nn mt sa lb my bo tl mg as tt haw ln ha
        ba jw su yue
        """);

    private static string[] Split(string codes) => codes.Split((char[])[' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries);
}
