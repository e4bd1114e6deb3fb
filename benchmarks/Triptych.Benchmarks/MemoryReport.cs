using System.Diagnostics;
using System.Globalization;
using Triptych.Generation;
using Triptych.Models.Decoders;
using Triptych.Tensors;

namespace Triptych.Benchmarks;

/// <summary>The most memory that a LLaMA checkpoint takes for a prompt, beside its weights and its key-value cache.</summary>
internal static class MemoryReport
{
    public static int Run(string[] args)
    {
        if (args is not [var path, .. var rest] || rest is not ([] or [_]))
        {
            Console.Error.WriteLine("usage: memory MODEL [TOKENS]");
            return 2;
        }

        int length = rest.Length == 1 ? int.Parse(rest[0], CultureInfo.InvariantCulture) : 4096;
        using var model = AutoModelForCausalLM.Load(path);
        var config = (LlamaConfig)model.Config;
        var generator = new TextGenerator(model);
        double weights = model.Parameters.Values.Distinct().Sum(tensor => (double)tensor.DType.BytesOf(tensor.Count));
        double cache = Compare.Checkpoints.CacheBytes(config, length);
        var ids = Tensor.From([.. Enumerable.Range(0, length).Select(i => (long)(i % config.VocabSize))], [1, length]);
        generator.Generate(ids, null, new GenerationOptions { MaxNewTokens = 1, DoSample = false, NumBeams = 1 });
        using var self = Process.GetCurrentProcess();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{Path.GetFileName(path)}, {length} tokens: weights {weights / 1e6:F0} MB, float16 cache {cache / 1e6:F0} MB, peak {self.PeakWorkingSet64 / 1e6:F0} MB, {self.PeakWorkingSet64 / (weights + cache):F2}x"));
        return 0;
    }
}
