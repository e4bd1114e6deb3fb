using System.Diagnostics;
using System.Globalization;
using Triptych.Tokenizers;

namespace Triptych.Benchmarks;

/// <summary>Training of tokenizers, by turns with Hugging Face's on the same files, and a check that both learned the same.</summary>
internal static class TrainTokenizerReport
{
    private static readonly string[] Kinds = ["bpe", "wordpiece", "unigram", "wordlevel"];

    public static int Run(string[] args)
    {
        string? peers = TokenizerReport.Option(ref args, "--peers"), scripts = TokenizerReport.Option(ref args, "--scripts");
        string? rounds = TokenizerReport.Option(ref args, "--rounds"), size = TokenizerReport.Option(ref args, "--vocab-size"), kind = TokenizerReport.Option(ref args, "--model");
        if (args.Length == 0 || (kind is not null && !Kinds.Contains(kind)))
        {
            Console.Error.WriteLine($"usage: train-tokenizer [--peers \"PREFIX\"] [--scripts benchmarks/peers] [--model {string.Join('|', Kinds)}] [--vocab-size N] [--rounds N] FILE...");
            return 2;
        }

        double megabytes = args.Sum(file => (double)new FileInfo(file).Length) / 1e6;
        int count = int.Parse(rounds ?? "3", CultureInfo.InvariantCulture), tokens = int.Parse(size ?? "16000", CultureInfo.InvariantCulture);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{megabytes:F1} MB, {tokens} tokens; medians of {count}, {Environment.ProcessorCount} cores"));
        Console.WriteLine("| model | s | MB/s | Hugging Face, s | ratio | same tokens |\n|---|---|---|---|---|---|");
        foreach (string name in Kinds.Where(name => kind is null || kind == name))
            Measure(name, args, tokens, count, megabytes, peers?.Split(' '), Path.Combine(scripts ?? "benchmarks/peers", "train_tokenizer.py"));
        return 0;
    }

    private static void Measure(string kind, string[] files, int tokens, int rounds, double megabytes, string[]? peers, string script)
    {
        double[] ours = new double[rounds], theirs = new double[rounds];
        string same = "";
        for (int round = -1; round < rounds; round++)
        {
            long begin = Stopwatch.GetTimestamp();
            Tokenizer tokenizer = TrainerOf(kind, tokens).TrainFiles(files);
            double seconds = Stopwatch.GetElapsedTime(begin).TotalSeconds, other = 0;
            if (peers is not null)
                (other, same) = RunPeer([.. peers, "python3", script, kind, $"{tokens}", .. files], tokenizer.GetVocabulary());
            if (round >= 0)
                (ours[round], theirs[round]) = (seconds, other);
        }

        (double own, double its) = (Compare.Outcome.Median(ours), Compare.Outcome.Median(theirs));
        Console.WriteLine(peers is null
            ? string.Create(CultureInfo.InvariantCulture, $"| {kind} | {own:F2} | {megabytes / own:F1} | | | |")
            : string.Create(CultureInfo.InvariantCulture, $"| {kind} | {own:F2} | {megabytes / own:F1} | {its:F2} | **{its / own:F1}** | {same} |"));
    }

    private static TokenizerTrainer TrainerOf(string kind, int tokens) => kind switch
    {
        "bpe" => new BpeTrainer { VocabSize = tokens, SpecialTokenList = ["<|endoftext|>"] },
        "wordpiece" => new WordPieceTrainer { VocabSize = tokens },
        "unigram" => new UnigramTrainer { VocabSize = tokens },
        _ => new WordLevelTrainer { VocabSize = tokens },
    };

    /// <summary>Seconds that the peer took (its own start does not count), and how many of its tokens are ours too.</summary>
    private static (double Seconds, string Same) RunPeer(string[] line, IReadOnlyDictionary<string, int> vocabulary)
    {
        using Process process = Process.Start(new ProcessStartInfo(line[0], line[1..]) { RedirectStandardOutput = true })!;
        double seconds = double.Parse(process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("the peer ended"), CultureInfo.InvariantCulture);
        string[] tokens = System.Text.Json.JsonSerializer.Deserialize<string[]>(process.StandardOutput.ReadLine() ?? "[]")!;
        process.WaitForExit();
        return (seconds, $"{tokens.Count(vocabulary.ContainsKey)} of {tokens.Length}");
    }
}
