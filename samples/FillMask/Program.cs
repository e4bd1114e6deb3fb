using Triptych;

// The folder of a checkpoint with a masked-language-model head, such as bert-base-uncased.
using var filler = await FillMaskPipeline.CreateAsync(args[0], new() { TopK = 3 });
foreach (var filled in await filler.RunAsync($"Paris is the {filler.MaskToken} of France."))
    Console.WriteLine($"{filled.Score:P1}  {filled.TokenStr,-12} {filled.Sequence}");
