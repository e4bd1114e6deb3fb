using Triptych;

// The folder of a checkpoint with a token-classification head, such as dslim/bert-base-NER.
using var tagger = await TokenClassificationPipeline.CreateAsync(args[0], new() { AggregationStrategy = AggregationStrategy.Simple });
foreach (var entity in await tagger.RunAsync("Ada Lovelace worked with Charles Babbage in London."))
    Console.WriteLine($"{entity.EntityGroup,-6} {entity.Word} ({entity.Score:P1})");
