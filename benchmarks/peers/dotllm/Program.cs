using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using DotLLM.Core.Configuration;
using DotLLM.Engine.KvCache;
using DotLLM.Models;

// A peer that works on demand, as worker.py is: one JSON line with path, prompt, tokens and threads, then a line for each run.
using var job = JsonDocument.Parse(Console.ReadLine()!);
int prompt = job.RootElement.GetProperty("prompt").GetInt32(), tokens = job.RootElement.GetProperty("tokens").GetInt32();
int threads = job.RootElement.GetProperty("threads").GetInt32();
var (model, file, config) = ModelLoader.LoadFromGguf(job.RootElement.GetProperty("path").GetString()!, new ThreadingConfig(threads, threads));
var random = new Random(0);
int[] ids = [.. Enumerable.Range(0, prompt).Select(_ => random.Next(3, 30000))];
Measure();
Console.WriteLine("""{"ready": true}""");
while (Console.ReadLine() is not null)
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $$"""{"seconds": {{Measure()}}}"""));
model.Dispose();
file.Dispose();

// Seconds of the prompt where no tokens are asked for, else of the tokens behind it.
double Measure()
{
    using var cache = new SimpleKvCache(config.NumLayers, config.NumKvHeads, config.HeadDim, prompt + tokens);
    long begin = Stopwatch.GetTimestamp();
    model.Forward(ids, [.. Enumerable.Range(0, prompt)], -1, cache).Dispose();
    if (tokens == 0)
        return Stopwatch.GetElapsedTime(begin).TotalSeconds;
    begin = Stopwatch.GetTimestamp();
    for (int i = 0; i < tokens; i++)
        model.Forward([ids[i % prompt]], [prompt + i], -1, cache).Dispose();
    return Stopwatch.GetElapsedTime(begin).TotalSeconds;
}
