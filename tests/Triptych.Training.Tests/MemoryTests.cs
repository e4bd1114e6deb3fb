using Triptych.Tensors;

namespace Triptych.Training.Tests;

/// <summary>Alone, since other tests would add to what is measured.</summary>
[CollectionDefinition(nameof(MemoryTests), DisableParallelization = true)]
public sealed class MemoryCollection;

[Collection(nameof(MemoryTests))]
public sealed class MemoryTests
{
    private const int Steps = 60;
    private const long ManagedSlack = 200_000;
    private const long NativeSlack = 16 << 20;

    [Fact]
    public void TrainingStepsDoNotGrowTheProcess()
    {
        using var model = TrainerTests.Gpt2(dropout: 0.1);
        var training = new TrainingStep(model, new LearningRateSchedule(ScheduleKind.Constant, 1e-3, 0, 1000), new TrainingOptions());
        var collator = new CausalCollator(0);
        var generator = new Generator(1);
        var examples = TrainerTests.Sentences(8);
        (long Managed, long Native) Run()
        {
            for (int i = 0; i < Steps; i++)
            {
                using var scope = new TensorScope();
                training.Take(collator.Collate(examples, generator));
            }

            return (GC.GetTotalMemory(forceFullCollection: true), Environment.WorkingSet);
        }

        Run();
        var warm = Run();
        var after = Run();
        Assert.InRange(after.Managed, 0, warm.Managed + ManagedSlack);
        Assert.InRange(after.Native, 0, warm.Native + NativeSlack);
    }
}
