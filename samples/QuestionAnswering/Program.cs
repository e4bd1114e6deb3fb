using Triptych;

// The folder of a checkpoint with a question-answering head, such as distilbert-base-cased-distilled-squad.
using var reader = await QuestionAnsweringPipeline.CreateAsync(args[0]);
var answers = await reader.RunAsync("Who wrote the first program?", "Ada Lovelace wrote the first program in 1843.");
Console.WriteLine($"{answers[0].Text} ({answers[0].Score:P1}, characters {answers[0].Start} to {answers[0].End})");
