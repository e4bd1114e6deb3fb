using Triptych;

using var generator = await TextGenerationPipeline.CreateAsync();
await foreach (string piece in generator.StreamAsync("Once upon a time"))
    Console.Write(piece);
