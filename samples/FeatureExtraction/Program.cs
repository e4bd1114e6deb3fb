using System.Numerics.Tensors;
using Triptych;

// Texts become vectors; similar texts have a cosine near 1. A model trained for it, such as all-MiniLM-L6-v2, does best.
using var encoder = await FeatureExtractionPipeline.CreateAsync(
    args is [var folder] ? folder : null, new() { Pooling = Pooling.Mean, Normalize = true });
string[] texts = ["A wonderful film.", "I loved this movie.", "The train leaves at nine."];
var vectors = await encoder.RunAsync(texts);
for (int i = 1; i < texts.Length; i++)
    Console.WriteLine($"{TensorPrimitives.Dot<float>(vectors[0][0], vectors[i][0]):F3}  {texts[0]} / {texts[i]}");
