using Triptych.Models;

namespace Triptych.Cli;

/// <summary>How people write what the code names.</summary>
internal static class Names
{
    public static string Of(ModelFamily family) => family switch
    {
        ModelFamily.EncoderOnly => "encoder-only",
        ModelFamily.DecoderOnly => "decoder-only",
        ModelFamily.EncoderDecoder => "encoder-decoder",
        _ => throw new ArgumentOutOfRangeException(nameof(family)),
    };
}
