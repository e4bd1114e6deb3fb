using Triptych.Formats;
using Triptych.Models;
using Triptych.TestSupport;

namespace Triptych.Generation.Tests;

/// <summary>Greedy decoding of every decoder in Fixtures/goldens against transformers: tokens equal, logits close; left-padded
/// batches, with the cache and without.</summary>
[Trait("Category", "Parity")]
public sealed class GreedyGoldenTests
{
    private const float Tolerance = 1e-4f;

    public static TheoryData<string> Folders { get; } =
        [.. Directory.EnumerateDirectories(Fixtures.Path("goldens")).Where(Generates).Select(folder => Path.GetFileName(folder)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Folders))]
    public void TokensAndLogitsAreThoseOfTransformers(string name)
    {
        string folder = Fixtures.Path("goldens/" + name);
        using var golden = SafetensorsFile.Open(Path.Combine(folder, "golden.safetensors"));
        using var model = PretrainedModel.Load(folder);
        foreach (string prefix in (string[])["generate", "generate_batch"])
        {
            foreach (bool useCache in (bool[])[true, false])
            {
                // Frequencies that follow the length change under cached keys: there, only the cache is what transformers does.
                if (!useCache && model.Config is Models.Decoders.LlamaConfig { Rope.RopeType: "dynamic" or "longrope" })
                    continue;
                var expected = golden.Load($"{prefix}.out.new_logits");
                var mask = golden.Entries.ContainsKey($"{prefix}.in.attention_mask") ? golden.Load($"{prefix}.in.attention_mask") : null;
                var result = new TextGenerator(model).Generate(
                    golden.Load($"{prefix}.in.input_ids"), mask,
                    new GenerationOptions { MaxNewTokens = expected.Shape[1], OutputLogits = true, UseCache = useCache }, TestContext.Current.CancellationToken);
                Assert.Equal(Goldens.Rows(golden.Load($"{prefix}.out.sequences")), result.Sequences);
                float[] want = expected.ToFloats(), have = result.NewLogits!.ToFloats();
                float scale = want.Max(MathF.Abs);
                Assert.Equal(want.Length, have.Length);
                Assert.True(want.Zip(have, (a, b) => MathF.Abs(a - b)).Max() <= Tolerance * scale, $"{prefix}: logits differ");
            }
        }
    }

    private static bool Generates(string folder)
    {
        string path = Path.Combine(folder, "golden.safetensors");
        if (!File.Exists(path))
            return false;
        using var file = SafetensorsFile.Open(path);
        return file.Entries.ContainsKey("generate.out.sequences");
    }
}
