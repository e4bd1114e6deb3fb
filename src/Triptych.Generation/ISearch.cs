namespace Triptych.Generation;

/// <summary>A way to choose tokens, one step at a time.</summary>
internal interface ISearch
{
    /// <summary>Adds one token to every row; whether any row goes on.</summary>
    bool Step();

    GenerationResult Result();
}
