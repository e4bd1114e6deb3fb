using System.Diagnostics;
using Triptych.Models;
using Triptych.Models.Decoders;
using Triptych.Tensors;

namespace Triptych.Generation.Tests;

/// <summary>Tests that measure the whole process run alone.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public static class Alone
{
    public const string Name = nameof(Alone);
}

/// <summary>Contract 3: memory is flat over 10,000 decode steps.</summary>
[Collection(Alone.Name)]
public sealed class MemoryTests
{
    /// <summary>Managed bytes that a decode step of the three-layer GPT-2 may allocate (29,135 measured): the objects that describe its tensors.</summary>
    private const long AllocatedBytesPerStep = 40 * 1024;

    /// <summary>What the process may grow by after the warm-up: the runtime's own noise (recompiled code, heap regions) of up to 10 MB was
    /// measured over windows of 10,000 steps, with tensor memory and managed heap constant; one step's tensors are over 100 KB.</summary>
    private const long GrowthBytes = 32 << 20;

    private const long ManagedGrowthBytes = 1 << 20;

    [Fact]
    public void TenThousandDecodeStepsKeepMemoryFlat()
    {
        const int Steps = 10_000, StepsOfOne = 50;
        var generator = new TextGenerator(Goldens.Model("gpt2"));
        var options = new GenerationOptions { EosTokenIds = [], MaxNewTokens = StepsOfOne };
        int[][] prompts = [[5, 17, 33, 9]];
        void Run(int steps)
        {
            for (int done = 0; done < steps; done += StepsOfOne)
                generator.Generate(prompts, options, TestContext.Current.CancellationToken);
        }

        Run(2000);
        long before = Memory(), managed = GC.GetTotalMemory(forceFullCollection: true), rented = NativePool.RentedBytes, retained = NativePool.RetainedBytes;
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        Run(Steps);
        long perStep = (GC.GetAllocatedBytesForCurrentThread() - allocated) / Steps, growth = Memory() - before;
        TestContext.Current.TestOutputHelper?.WriteLine($"{perStep} managed bytes a step, {growth / 1024} KiB growth");
        Assert.InRange(perStep, 0, AllocatedBytesPerStep);
        Assert.Equal(rented, NativePool.RentedBytes);
        Assert.Equal(retained, NativePool.RetainedBytes);
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - managed, long.MinValue, ManagedGrowthBytes);
        Assert.InRange(growth, long.MinValue, GrowthBytes);
    }

    /// <summary>Weights stay in the mapped file, in whatever type: what the process holds beside them is the cache and what a step needs.</summary>
    [Theory]
    [InlineData(DType.Float32)]
    [InlineData(DType.BFloat16)]
    public void LoadedWeightsAreMappedNotCopied(DType dtype)
    {
        string folder = Directory.CreateTempSubdirectory("triptych-").FullName;
        try
        {
            var config = new LlamaConfig
            {
                VocabSize = 8192, HiddenSize = 512, IntermediateSize = 1536, NumHiddenLayers = 3, NumAttentionHeads = 8, NumKeyValueHeads = 2, EosTokenId = null,
            };
            using (var fresh = ModelRegistry.Create(config, "LlamaForCausalLM"))
                fresh.Save(folder, dtype);
            NativePool.Trim();
            long before = NativePool.RentedBytes + NativePool.RetainedBytes;
            using var model = PretrainedModel.Load(folder);
            new TextGenerator(model).Generate([[5, 6, 7, 8]], new GenerationOptions { MaxNewTokens = 8 }, TestContext.Current.CancellationToken);
            long weights = model.Parameters.Values.Sum(parameter => parameter.DType.BytesOf(parameter.Count));
            Assert.InRange(NativePool.RentedBytes + NativePool.RetainedBytes - before, 0, weights * 15 / 100);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static long Memory()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }
}
