using Triptych.Training;

// Trains the model of a recipe, such as models/gpt2-stories/recipe.json: recipe, data folder, output folder.
var progress = new ConsoleProgress();
var result = RecipeRunner.Run(args[0], new RecipeOptions(args[2]) { DataFolder = args[1] }, progress);
Console.WriteLine($"{result.Output}: {result.Parameters:N0} parameters, validation loss {result.Validation?.Loss:F3}");

internal sealed class ConsoleProgress : IProgress<TrainingProgress>
{
    public void Report(TrainingProgress value)
    {
        if (value.Event is TrainingEvent.Step)
            Console.WriteLine($"{value.Step}/{value.TotalSteps}  loss {value.Loss:F3}  {value.TokensPerSecond:N0} tokens/s  {value.Remaining:hh\\:mm\\:ss} left");
    }
}
