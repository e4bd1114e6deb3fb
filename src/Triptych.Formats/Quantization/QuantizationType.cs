namespace Triptych.Formats;

/// <summary>
/// What the weights of a GGUF file are mostly stored as, under the numbers of <c>general.file_type</c>. A name that ends in S, M or L
/// (small, medium, large) is a mix: the tensors that lose most have more bits.
/// </summary>
public enum QuantizationType
{
    /// <summary>float32.</summary>
    F32 = 0,

    /// <summary>float16.</summary>
    F16 = 1,

    /// <summary>4 bits and a scale for 32 numbers: 4.5 bits a weight.</summary>
    Q4_0 = 2,

    /// <summary>4 bits, a scale and a minimum for 32 numbers: 5 bits a weight.</summary>
    Q4_1 = 3,

    /// <summary>8 bits and a scale for 32 numbers: 8.5 bits a weight, nearly without loss.</summary>
    Q8_0 = 7,

    /// <summary>5 bits and a scale for 32 numbers: 5.5 bits a weight.</summary>
    Q5_0 = 8,

    /// <summary>5 bits, a scale and a minimum for 32 numbers: 6 bits a weight.</summary>
    Q5_1 = 9,

    /// <summary>Mostly 2 bits, about 3 a weight: for models that fit no other way.</summary>
    Q2_K = 10,

    /// <summary>3 bits, 3.4 a weight.</summary>
    Q3_K_S = 11,

    /// <summary>3 to 5 bits, about 3.9 a weight.</summary>
    Q3_K_M = 12,

    /// <summary>3 to 5 bits, about 4.2 a weight.</summary>
    Q3_K_L = 13,

    /// <summary>4 bits, more in the first layers, about 4.6 a weight.</summary>
    Q4_K_S = 14,

    /// <summary>4 and 6 bits, about 4.8 a weight: what most people use.</summary>
    Q4_K_M = 15,

    /// <summary>5 bits, 5.5 a weight.</summary>
    Q5_K_S = 16,

    /// <summary>5 and 6 bits, about 5.7 a weight.</summary>
    Q5_K_M = 17,

    /// <summary>6 bits, 6.6 a weight.</summary>
    Q6_K = 18,

    /// <summary>4 bits with uneven steps for 32 numbers, 4.5 a weight.</summary>
    IQ4_NL = 25,

    /// <summary>4 bits with uneven steps for 256 numbers, 4.3 a weight.</summary>
    IQ4_XS = 30,

    /// <summary>bfloat16.</summary>
    BF16 = 32,

    /// <summary>Experts as 4-bit floats, all else as Q8_0.</summary>
    MXFP4_MOE = 38,
}

/// <summary>Names of <see cref="QuantizationType"/>.</summary>
public static class QuantizationTypes
{
    /// <summary>The name in lower case, such as <c>q4_k_m</c>.</summary>
    public static string Name(this QuantizationType type) => type.ToString().ToLowerInvariant();

    /// <summary>Reads a name in any case; <c>q3_k</c>, <c>q4_k</c> and <c>q5_k</c> mean the medium mixes.</summary>
    /// <exception cref="ArgumentException">There is no such type; the message lists those that there are.</exception>
    public static QuantizationType Parse(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        string full = name.ToUpperInvariant() is "Q3_K" or "Q4_K" or "Q5_K" ? name + "_M" : name;
        foreach (var type in Enum.GetValues<QuantizationType>())
        {
            if (type.Name().Equals(full, StringComparison.OrdinalIgnoreCase))
                return type;
        }

        string known = string.Join(", ", Enum.GetValues<QuantizationType>().Select(Name));
        throw new ArgumentException($"there is no quantization '{name}'; there are {known}", nameof(name));
    }
}
