using Triptych;

using var classifier = await TextClassificationPipeline.CreateAsync();
var labels = await classifier.RunAsync("This movie was absolutely fantastic!");
Console.WriteLine($"{labels[0].Label} {labels[0].Score:P1}");
