namespace Triptych.Training;

/// <summary>How the learning rate goes on after the warm-up.</summary>
public enum ScheduleKind
{
    /// <summary>Down to zero in a straight line.</summary>
    Linear,

    /// <summary>Down to zero along half a cosine (Loshchilov and Hutter 2017).</summary>
    Cosine,

    /// <summary>It stays.</summary>
    Constant,
}

/// <summary>
/// The learning rate of each step, by the formulas of transformers' schedulers: it rises from 0 in a straight line during
/// the warm-up, so that the first step of a warm-up changes nothing, then follows <paramref name="Kind"/>.
/// </summary>
/// <param name="Kind">How it goes on after the warm-up.</param>
/// <param name="Peak">The highest rate.</param>
/// <param name="WarmupSteps">Steps of the warm-up.</param>
/// <param name="TotalSteps">All steps, the warm-up included.</param>
public sealed record LearningRateSchedule(ScheduleKind Kind, double Peak, int WarmupSteps, int TotalSteps)
{
    /// <summary>The rate of a step, which are counted from 0.</summary>
    public double At(int step)
    {
        if (step < WarmupSteps)
            return Peak * step / Math.Max(1, WarmupSteps);
        double rest = Math.Max(1, TotalSteps - WarmupSteps);
        return Kind switch
        {
            ScheduleKind.Linear => Peak * Math.Max(0, (TotalSteps - step) / rest),
            ScheduleKind.Cosine => Peak * Math.Max(0, 0.5 * (1 + Math.Cos(Math.PI * (step - WarmupSteps) / rest))),
            _ => Peak,
        };
    }
}
