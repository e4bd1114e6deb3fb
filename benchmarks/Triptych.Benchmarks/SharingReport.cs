using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using Triptych.Generation;
using Triptych.Tensors;

namespace Triptych.Benchmarks;

/// <summary>
/// What is left of a model's speed while another process keeps a core busy, and while a second model of the same process works:
/// the pool is one, so that two models do not have twice the threads.
/// </summary>
internal static class SharingReport
{
    private const int PromptTokens = 128, Tokens = 24;

    public static int Run(string[] args)
    {
        if (args is ["spin"])
            return Spin();
        if (args is not [var path, .. var rest] || rest is not ([] or ["--rounds", _]))
        {
            Console.Error.WriteLine("usage: sharing MODEL [--rounds N]");
            return 2;
        }

        int rounds = rest.Length == 2 ? int.Parse(rest[1], CultureInfo.InvariantCulture) : 5;
        using var first = AutoModelForCausalLM.Load(path);
        using var second = AutoModelForCausalLM.Load(path);
        TextGenerator one = new(first), two = new(second);
        var works = new (string Name, int Tokens, Action<TextGenerator> Run)[]
        {
            ("prefill", PromptTokens, generator => Generate(generator, PromptTokens, 1)),
            ("decode", Tokens, generator => Generate(generator, 1, Tokens)),
        };
        Console.WriteLine($"{Path.GetFileName(path)}, {Environment.ProcessorCount} cores, medians of {rounds}; tokens a second, share of what it is alone");
        foreach (var (name, tokens, run) in works)
        {
            double[] alone = new double[rounds], busy = new double[rounds], both = new double[rounds];
            for (int round = -1; round < rounds; round++)
            {
                double rate = tokens / DecodeReport.Seconds(() => run(one)), rateBusy = tokens / Busy(() => DecodeReport.Seconds(() => run(one)));
                double rateBoth = 2 * tokens / DecodeReport.Seconds(() => Parallel.Invoke(() => run(one), () => run(two)));
                if (round >= 0)
                    (alone[round], busy[round], both[round]) = (rate, rateBusy, rateBoth);
            }

            Print(name, "alone", alone, alone);
            Print(name, "beside a process that keeps a core busy", busy, alone);
            Print(name, "two models at once, in all", both, alone);
        }

        return 0;
    }

    private static void Print(string work, string where, double[] rates, double[] alone)
    {
        double rate = Compare.Outcome.Median(rates), share = Compare.Outcome.Median([.. rates.Select((value, i) => value / alone[i])]);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {work,-8} {where,-40} {rate,8:F1} {share,8:P0}"));
    }

    private static void Generate(TextGenerator generator, int promptTokens, int newTokens)
    {
        var ids = Tensor.From([.. Enumerable.Range(1, promptTokens).Select(id => (long)id)], [1, promptTokens]);
        generator.Generate(ids, null, new GenerationOptions { MaxNewTokens = newTokens, MinNewTokens = newTokens, DoSample = false, NumBeams = 1 });
    }

    /// <summary>Runs the work while a process of its own, on a single thread, spins.</summary>
    private static double Busy(Func<double> work)
    {
        string dll = Assembly.GetExecutingAssembly().Location;
        bool isHost = Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet";
        ProcessStartInfo start = new(Environment.ProcessPath!) { RedirectStandardOutput = true, RedirectStandardInput = true };
        foreach (string argument in isHost ? (string[])[dll, "sharing", "spin"] : ["sharing", "spin"])
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        try
        {
            process.StandardOutput.ReadLine();
            return work();
        }
        finally
        {
            process.Kill();
            process.WaitForExit();
        }
    }

    /// <summary>Spins until it is killed, or its parent is gone.</summary>
    private static int Spin()
    {
        Console.WriteLine("spinning");
        Task<int> parent = Task.Run(Console.In.Read);
        while (!parent.IsCompleted)
            Thread.SpinWait(1000);
        return 0;
    }
}
