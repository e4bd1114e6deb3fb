using System.CommandLine;
using Triptych.Tensors;

namespace Triptych.Cli;

/// <summary>The option <c>--cache-type</c>: in which type keys and values are kept.</summary>
internal static class CacheTypeOption
{
    private static readonly (string Name, DType Type)[] s_types =
        [("f32", DType.Float32), ("f16", DType.Float16), ("bf16", DType.BFloat16), ("q8_0", DType.Q8_0)];

    public static Option<DType?> Create(string description = "The type of cached keys and values; f32 for float32 weights, else f16.")
    {
        var names = string.Join('|', s_types.Select(type => type.Name));
        return new("--cache-type")
        {
            Description = description,
            HelpName = names,
            CustomParser = result =>
            {
                foreach (var (name, type) in s_types)
                {
                    if (result.Tokens is [var token] && token.Value == name)
                        return type;
                }

                result.AddError($"--cache-type takes one of {names}.");
                return null;
            },
        };
    }
}
