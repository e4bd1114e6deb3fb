using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Triptych.Tokenizers;

namespace Triptych.Benchmarks;

/// <summary>
/// Tokenizers by turns with Hugging Face's (and tiktoken's, for its files) on the same documents: ids and offsets with one thread and
/// with all, and ids alone.
/// </summary>
internal static class TokenizerReport
{
    private const int DocumentLength = 1000, LoadRounds = 5, LongText = 10_000_000;

    public static int Run(string[] args)
    {
        string? peers = Option(ref args, "--peers"), rounds = Option(ref args, "--rounds"), scripts = Option(ref args, "--scripts"), theirs = Option(ref args, "--theirs");
        if (args is not [var text, .. var tokenizers] || tokenizers.Length == 0)
        {
            Console.Error.WriteLine("usage: tokenizers [--peers \"PREFIX\"] [--scripts benchmarks/peers] [--theirs TOKENIZER.json] [--rounds N] TEXT TOKENIZER...");
            return 2;
        }

        string[] documents = Documents(text);
        double megabytes = documents.Sum(document => System.Text.Encoding.UTF8.GetByteCount(document)) / 1e6;
        string file = Path.Combine(Path.GetTempPath(), $"triptych-documents-{Environment.ProcessId}.json");
        File.WriteAllText(file, JsonSerializer.Serialize(documents));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{Path.GetFileName(text)}: {documents.Length} documents, {megabytes:F1} MB; medians of {rounds ?? "5"}, {Environment.ProcessorCount} cores"));
        Console.WriteLine("| tokenizer | work | MB/s | peer | its MB/s | ratio |\n|---|---|---|---|---|---|");
        try
        {
            foreach (string path in tokenizers)
                Measure(path, documents, megabytes, file, int.Parse(rounds ?? "5", CultureInfo.InvariantCulture), peers?.Split(' '), scripts ?? "benchmarks/peers", theirs);
        }
        finally
        {
            File.Delete(file);
        }

        return 0;
    }

    private static void Measure(string path, string[] documents, double megabytes, string file, int rounds, string[]? peers, string scripts, string? reference)
    {
        double loading = Load(path, out Tokenizer tokenizer), again = Compare.Outcome.Median([.. Enumerable.Range(0, LoadRounds).Select(_ => Load(path, out Tokenizer _))]);
        bool isTiktoken = path.EndsWith(".tiktoken", StringComparison.Ordinal);
        string name = Path.GetFileName(Directory.Exists(path) ? path : Path.GetExtension(path) == ".json" ? Path.GetDirectoryName(path)! : path);
        string hf = reference ?? (Directory.Exists(path) ? Path.Combine(path, "tokenizer.json") : path);
        var options = new EncodeOptions();
        int[] buffer = new int[documents.Max(document => (4 * document.Length) + 16)];
        Row[] rows =
        [
            new("ids, offsets, 1 thread", "hf", 1, () => documents.Sum(document => tokenizer.Encode(document, null, options).Length)),
            new($"ids, offsets, {Environment.ProcessorCount} threads", "hf", Environment.ProcessorCount, () => tokenizer.EncodeBatch(documents, options: options).Sum(encoding => encoding.Length)),
            new("ids, 1 thread", isTiktoken ? "tiktoken" : "hf-ids", 1, () => documents.Sum(document => tokenizer.EncodeToIds(document, buffer, addSpecialTokens: !isTiktoken))),
        ];
        foreach (Row row in rows)
        {
            if (isTiktoken && row.Kind != "tiktoken")
                continue;
            using Process? peer = peers is null ? null : Start(peers, Path.Combine(scripts, "tokenizers_worker.py"), row, isTiktoken ? path : hf, file);
            (double peerLoading, double peerAgain) = peer is null ? (0, 0) : Numbers(peer);
            double[] ours = new double[rounds], theirs = new double[rounds];
            for (int round = -1; round < rounds; round++)
            {
                long start = Stopwatch.GetTimestamp();
                long count = row.Work();
                double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds, other = 0;
                if (peer is not null)
                {
                    peer.StandardInput.WriteLine();
                    (other, long otherCount) = Answer(peer);
                    if (otherCount != count)
                        throw new InvalidOperationException($"{name}: {count} tokens, {row.Kind} has {otherCount}");
                }

                if (round >= 0)
                    (ours[round], theirs[round]) = (seconds, other);
            }

            double rate = megabytes / Compare.Outcome.Median(ours), otherRate = megabytes / Compare.Outcome.Median(theirs);
            Console.WriteLine(peer is null
                ? string.Create(CultureInfo.InvariantCulture, $"| {name} | {row.Name} | {rate:F1} | | | |")
                : string.Create(CultureInfo.InvariantCulture, $"| {name} | {row.Name} | {rate:F1} | {row.Kind} | {otherRate:F1} | **{rate / otherRate:F2}** |"));
            if (peer is not null && row == rows[0])
            {
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {name} | loading, first | {loading * 1e3:F0} ms | hf | {peerLoading * 1e3:F0} ms | **{peerLoading / loading:F2}** |"));
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {name} | loading, again | {again * 1e3:F0} ms | hf | {peerAgain * 1e3:F0} ms | **{peerAgain / again:F2}** |"));
            }

            peer?.Kill(entireProcessTree: true);
        }

        if (MicrosoftTokenizers.TryCreate(hf) is Func<string, IReadOnlyList<int>> microsoft)
            CompareWithMicrosoft(name, documents, megabytes, rounds, text => tokenizer.EncodeToIds(text, addSpecialTokens: false), microsoft);
        CompareWithoutSpaces(name, documents, rounds, tokenizer);
    }

    private static double Load(string path, out Tokenizer tokenizer)
    {
        long begin = Stopwatch.GetTimestamp();
        tokenizer = Tokenizer.Load(path);
        return Stopwatch.GetElapsedTime(begin).TotalSeconds;
    }

    /// <summary>By turns with Microsoft.ML.Tokenizers, in this process; how many documents get the same ids is part of the row.</summary>
    private static void CompareWithMicrosoft(
        string name, string[] documents, double megabytes, int rounds, Func<string, int[]> ours, Func<string, IReadOnlyList<int>> theirs)
    {
        int same = documents.Count(document => ours(document).SequenceEqual(theirs(document)));
        double[] mine = new double[rounds], other = new double[rounds];
        for (int round = -1; round < rounds; round++)
        {
            double first = Time(() => documents.Sum(document => ours(document).Length)), second = Time(() => documents.Sum(document => theirs(document).Count));
            if (round >= 0)
                (mine[round], other[round]) = (first, second);
        }

        double rate = megabytes / Compare.Outcome.Median(mine), otherRate = megabytes / Compare.Outcome.Median(other);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"| {name} | ids, {100.0 * same / documents.Length:F1} % of documents equal | {rate:F1} | Microsoft.ML | {otherRate:F1} | **{rate / otherRate:F2}** |"));
    }

    /// <summary>Ten megabytes in one piece: the text itself, its letters without anything between, and random letters.</summary>
    private static void CompareWithoutSpaces(string name, string[] documents, int rounds, Tokenizer tokenizer)
    {
        string whole = string.Concat(documents);
        var random = new Random(1);
        (string Name, string Text)[] texts =
        [
            ("normal", Repeat(whole)), ("letters of it alone", Repeat(string.Concat(whole.Where(char.IsLetter)))),
            ("random letters", string.Create(LongText, random, (span, source) => { foreach (ref char c in span) c = (char)('a' + source.Next(26)); })),
            ("one letter", new string('a', LongText)),
        ];
        int[] buffer = new int[LongText * 4];
        double[][] times = [.. texts.Select(_ => new double[rounds])];
        for (int round = -1; round < rounds; round++)
        {
            for (int i = 0; i < texts.Length; i++)
            {
                double seconds = Time(() => tokenizer.EncodeToIds(texts[i].Text, buffer));
                if (round >= 0)
                    times[i][round] = seconds / System.Text.Encoding.UTF8.GetByteCount(texts[i].Text) * 1e9;
            }
        }

        double normal = Compare.Outcome.Median(times[0]);
        for (int i = 0; i < texts.Length; i++)
        {
            double time = Compare.Outcome.Median(times[i]);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {name} | 10 MB in one piece: {texts[i].Name} | {time:F0} ns a byte | normal | {normal:F0} ns | **{time / normal:F2}** |"));
        }
    }

    private static string Repeat(string text) => string.Concat(Enumerable.Repeat(text, LongText / text.Length + 1))[..LongText];

    private static double Time(Func<long> work)
    {
        long start = Stopwatch.GetTimestamp();
        work();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static Process Start(string[] prefix, string script, Row row, string tokenizer, string documents)
    {
        var start = new ProcessStartInfo(prefix[0], [.. prefix[1..], "python3", Path.GetFullPath(script), row.Kind, Path.GetFullPath(tokenizer), documents, $"{row.Threads}"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        return Process.Start(start)!;
    }

    private static (double Seconds, long Count) Answer(Process peer)
    {
        (double seconds, double count) = Numbers(peer);
        return (seconds, (long)count);
    }

    private static (double First, double Second) Numbers(Process peer)
    {
        string[] words = (peer.StandardOutput.ReadLine() ?? throw new InvalidOperationException("the peer ended")).Split(' ');
        return (double.Parse(words[0], CultureInfo.InvariantCulture), double.Parse(words[1], CultureInfo.InvariantCulture));
    }

    /// <summary>The lines of a file, put together to documents of a thousand characters or more.</summary>
    private static string[] Documents(string path)
    {
        List<string> documents = [];
        var document = new StringBuilder();
        foreach (string line in File.ReadLines(path))
        {
            document.Append(line).Append('\n');
            if (document.Length < DocumentLength)
                continue;
            documents.Add(document.ToString());
            document.Clear();
        }

        if (document.Length > 0)
            documents.Add(document.ToString());
        return [.. documents];
    }

    internal static string? Option(ref string[] args, string name)
    {
        int at = Array.IndexOf(args, name);
        if (at < 0 || at + 1 >= args.Length)
            return null;
        string value = args[at + 1];
        args = [.. args[..at], .. args[(at + 2)..]];
        return value;
    }

    private sealed record Row(string Name, string Kind, int Threads, Func<long> Work);
}
