using System.Diagnostics;

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
    /// <summary>Managed bytes that a decode step of the three-layer GPT-2 may allocate: the objects that describe its tensors.</summary>
    private const long AllocatedBytesPerStep = 64 * 1024;

    /// <summary>What the process may grow by after the warm-up: noise of the runtime, far below one step's activations times the steps.</summary>
    private const long GrowthBytes = 8 << 20;

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
        long before = Memory(), allocated = GC.GetAllocatedBytesForCurrentThread();
        Run(Steps);
        long perStep = (GC.GetAllocatedBytesForCurrentThread() - allocated) / Steps, growth = Memory() - before;
        TestContext.Current.TestOutputHelper?.WriteLine($"{perStep} managed bytes a step, {growth / 1024} KiB growth");
        Assert.InRange(perStep, 0, AllocatedBytesPerStep);
        Assert.InRange(growth, long.MinValue, GrowthBytes);
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
