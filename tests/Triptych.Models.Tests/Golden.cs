using Triptych.Formats;
using Triptych.Tensors;
using Triptych.TestSupport;

namespace Triptych.Models.Tests;

/// <summary>A golden folder: a tiny checkpoint with inputs and what transformers made of them.</summary>
internal sealed class Golden : IDisposable
{
    // A key's bias moves all scores of a query alike, so that its true gradient is zero and what is computed is rounding.
    private const double Noise = 1e-5;

    private readonly SafetensorsFile file;

    public Golden(string name)
    {
        Folder = Fixtures.Path("goldens/" + name);
        string path = Path.Combine(Folder, "golden.safetensors");
        file = SafetensorsFile.Open(path);
        Inputs = ForwardRunner.ReadInputs(path);
    }

    public string Folder { get; }

    public IReadOnlyDictionary<string, ModelInputs> Inputs { get; }

    public static IEnumerable<string> Folders()
    {
        string root = Fixtures.Path("goldens");
        return Directory.EnumerateFiles(root, "golden.safetensors", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(root, Path.GetDirectoryName(path)!).Replace('\\', '/')).Order(StringComparer.Ordinal);
    }

    /// <summary>Whether there are a loss and gradients.</summary>
    public static bool HasTraining(string name)
    {
        using var file = SafetensorsFile.Open(Path.Combine(Fixtures.Path("goldens/" + name), "golden.safetensors"));
        return file.Entries.ContainsKey("train.loss") || file.Entries.ContainsKey("step.0.out.loss");
    }

    public IReadOnlyDictionary<string, Tensor> Outputs(string prefix)
    {
        string start = prefix + ".out.";
        return file.Entries.Keys.Where(key => key.StartsWith(start, StringComparison.Ordinal))
            .ToDictionary(key => key[start.Length..], file.Load);
    }

    /// <summary>The loss and the norms of the gradients at the checkpoint's weights: <c>train</c>, or step 0 of a run.</summary>
    public (ModelInputs Inputs, float Loss, Dictionary<string, double> Norms) Training()
    {
        const string Norm = "train.grad_norm.", Gradient = "grad.out.";
        if (Inputs.TryGetValue("train", out var train))
        {
            return (train, file.Load("train.loss").Item<float>(), file.Entries.Keys.Where(key => key.StartsWith(Norm, StringComparison.Ordinal))
                .Select(key => (Name: key[Norm.Length..], Norm: (double)file.Load(key).Item<float>()))
                .Where(pair => pair.Norm > Noise).ToDictionary(pair => pair.Name, pair => pair.Norm));
        }

        return (Inputs["step.0"], file.Load("step.0.out.loss").Item<float>(), file.Entries.Keys.Where(key => key.StartsWith(Gradient, StringComparison.Ordinal))
            .Select(key => (Name: key[Gradient.Length..], Norm: Math.Sqrt(file.Load(key).ToFloats().Sum(x => (double)x * x))))
            .Where(pair => pair.Norm > Noise).ToDictionary(pair => pair.Name, pair => pair.Norm));
    }

    /// <summary>The largest difference, by the largest expected value, where the mask is 1.</summary>
    public static double RelativeError(Tensor expected, Tensor actual, Tensor? mask)
    {
        Assert.Equal(expected.Shape, actual.Shape);
        float[] want = expected.ToFloats(), have = actual.ToFloats();
        long[]? open = mask is not null && expected.Rank >= 2 && mask.Shape == [expected.Shape[0], expected.Shape[1]] ? mask.ToArray<long>() : null;
        int width = open is null ? want.Length : want.Length / open.Length;
        double scale = 0, worst = 0;
        for (int i = 0; i < want.Length; i++)
        {
            if (open is not null && open[i / width] == 0)
                continue;
            Assert.True(float.IsFinite(have[i]), $"element {i} is {have[i]}");
            scale = Math.Max(scale, Math.Abs(want[i]));
            worst = Math.Max(worst, Math.Abs(want[i] - have[i]));
        }

        return worst / scale;
    }

    public void Dispose() => file.Dispose();
}

/// <summary>A folder that goes away with the test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("triptych-").FullName;

    /// <summary>A copy of a model folder without its golden numbers.</summary>
    public static TemporaryFolder CopyOf(string folder)
    {
        var copy = new TemporaryFolder();
        foreach (string file in Directory.EnumerateFiles(folder).Where(file => !file.EndsWith("golden.safetensors", StringComparison.Ordinal)))
            File.Copy(file, System.IO.Path.Combine(copy.Path, System.IO.Path.GetFileName(file)));
        return copy;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
