namespace Triptych.Training;

/// <summary>Training can't start or go on: a recipe or its data is wrong, or the loss is no number any more.</summary>
public sealed class TrainingException : Exception
{
    /// <summary>Creates the error.</summary>
    /// <param name="message">What is wrong, and where.</param>
    /// <param name="inner">The error behind it, if any.</param>
    public TrainingException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
