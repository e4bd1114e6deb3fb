namespace Triptych.Tensors.Tests;

/// <summary>The check itself has to notice wrong gradients.</summary>
public sealed class GradientCheckTests
{
    [Fact]
    public void CatchesAMissingTerm() =>
        Assert.ThrowsAny<Xunit.Sdk.XunitException>(() => GradientCheck.Run(t => t[0] * t[0].Detach(), GradientTests.Uniform([3, 5], 1)));

    [Fact]
    public void CatchesHalfAPercent() => Assert.ThrowsAny<Xunit.Sdk.XunitException>(
        () => GradientCheck.Run(t => (t[0] * 0.995f) + (t[0].Detach() * 0.005f), GradientTests.Uniform([3, 5], 2)));
}
