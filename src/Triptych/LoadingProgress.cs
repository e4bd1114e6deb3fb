namespace Triptych;

/// <summary>How far loading a pipeline has come.</summary>
/// <param name="Step">What was just done: <c>tokenizer</c> or <c>weights</c>; <c>ready</c> at the end.</param>
/// <param name="Fraction">From 0 to 1.</param>
public readonly record struct LoadingProgress(string Step, double Fraction);
