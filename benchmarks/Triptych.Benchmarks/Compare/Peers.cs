using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Triptych.Benchmarks.Compare;

/// <summary>Starts peers, behind the prefix that their environment needs.</summary>
/// <param name="Prefix">What comes before each command.</param>
/// <param name="Scripts">The folder of the peers' scripts.</param>
/// <param name="Threads">Threads that each peer may use.</param>
/// <param name="DotLlm">The program that drives dotLLM, if there is one.</param>
internal sealed record PeerTools(string[] Prefix, string Scripts, int Threads, string? DotLlm)
{
    /// <summary>A job of worker.py.</summary>
    public IContestant Python(string kind, params (string Name, JsonNode Value)[] settings)
    {
        var job = new JsonObject { ["kind"] = kind, ["threads"] = Threads };
        foreach (var (name, value) in settings)
            job[name] = value;
        return new WorkerPeer(Start([.. Prefix, "python3", Path.Combine(Scripts, "worker.py")]), job);
    }

    /// <summary>Tokens behind a prompt, or the prompt alone, in dotLLM.</summary>
    public IContestant DotLlmWorker(string path, int prompt, int tokens) => new WorkerPeer(
        Start(["dotnet", DotLlm!]), new JsonObject { ["path"] = path, ["prompt"] = prompt, ["tokens"] = tokens, ["threads"] = Threads });

    /// <summary>A command of llama.cpp that prints JSON lines, run anew each time; the model's loading does not count.</summary>
    public IContestant LlamaCpp(Func<JsonElement, double> seconds, params string[] command) => new CommandPeer(this, seconds, command);

    /// <summary>A process of Python that runs a pipeline of transformers once and ends.</summary>
    public IContestant Pipeline(string task, string folder, string text)
    {
        string tokens = task == "text-generation" ? ", max_new_tokens=1" : "";
        string code = $"from transformers import pipeline; pipeline('{task}', model={JsonSerializer.Serialize(folder)})({JsonSerializer.Serialize(text)}{tokens})";
        return new Ours(() =>
        {
            long begin = Stopwatch.GetTimestamp();
            using var process = Start([.. Prefix, "python3", "-c", code]);
            var errors = process.StandardError.ReadToEndAsync();
            process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0
                ? Stopwatch.GetElapsedTime(begin).TotalSeconds
                : throw new InvalidOperationException(LastWords(errors.GetAwaiter().GetResult()));
        });
    }

    public Process Start(string[] line)
    {
        var start = new ProcessStartInfo(line[0], line[1..])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["OMP_NUM_THREADS"] = $"{Threads}";
        start.Environment["HF_HUB_OFFLINE"] = "1";
        return Process.Start(start) ?? throw new InvalidOperationException($"{line[0]} did not start");
    }

    /// <summary>The last lines of what a failed peer said.</summary>
    public static string LastWords(string text) => string.Join(" / ", text.Split('\n', StringSplitOptions.RemoveEmptyEntries).TakeLast(3));
}

/// <summary>A process that runs its job once for each line it is sent.</summary>
internal sealed class WorkerPeer : IContestant
{
    private readonly Process process;
    private readonly Task<string> errors;

    public WorkerPeer(Process process, JsonObject job)
    {
        this.process = process;
        errors = process.StandardError.ReadToEndAsync();
        process.StandardInput.WriteLine(job.ToJsonString());
        process.StandardInput.Flush();
        Answer();
    }

    public double Run()
    {
        process.StandardInput.WriteLine("run");
        process.StandardInput.Flush();
        return Answer().GetProperty("seconds").GetDouble();
    }

    public void Dispose()
    {
        process.StandardInput.Close();
        if (!process.WaitForExit(TimeSpan.FromSeconds(5)))
            process.Kill(entireProcessTree: true);
        process.Dispose();
    }

    private JsonElement Answer() => process.StandardOutput.ReadLine() is { } line
        ? JsonSerializer.Deserialize<JsonElement>(line)
        : throw new InvalidOperationException("the peer stopped: " + PeerTools.LastWords(errors.GetAwaiter().GetResult()));
}

internal sealed class CommandPeer(PeerTools tools, Func<JsonElement, double> seconds, string[] command) : IContestant
{
    public double Run()
    {
        using var process = tools.Start([.. tools.Prefix, .. command]);
        var errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        string line = output.Split('\n').FirstOrDefault(text => text.StartsWith('{'))
            ?? throw new InvalidOperationException($"{command[0]} gave no result: " + PeerTools.LastWords(errors.GetAwaiter().GetResult()));
        return seconds(JsonSerializer.Deserialize<JsonElement>(line));
    }

    public void Dispose()
    {
    }
}
