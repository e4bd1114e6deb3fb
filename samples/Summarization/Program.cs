using Triptych;

using var summarizer = await SummarizationPipeline.CreateAsync();
var summaries = await summarizer.RunAsync(File.ReadAllText(args is [var file] ? file : "article.txt"));
Console.WriteLine(summaries[0].SummaryText);
