using System.Globalization;
using Triptych.Formats;
using Triptych.TestSupport;
using Triptych.Tokenizers;

namespace Triptych.Fuzz;

/// <summary>Damages one file many times and watches what its readers do.</summary>
internal sealed class Campaign(Subject subject, string folder, FileMutator mutator)
{
    /// <summary>Beyond what any of the small files should take on a busy machine.</summary>
    private static readonly TimeSpan SlowCase = TimeSpan.FromSeconds(1);

    /// <summary>Managed memory of one case: the readers' tables and errors, and a fixed multiple of the file.</summary>
    private const long AllowedBytes = 64L << 20;

    private const int FailuresShown = 5;

    private int failures;

    public int Run(int iterations)
    {
        int used = 0, refused = 0;
        long mostBytes = 0;
        TimeSpan longest = TimeSpan.Zero;
        string path = Path.Combine(folder, "case" + subject.Extension);
        for (int round = 0; round < iterations; round++)
        {
            byte[] content = mutator.Mutate(subject.Content, subject.HeaderBytes);
            File.WriteAllBytes(path, content);
            long before = GC.GetTotalAllocatedBytes();
            CaseClock clock = CaseClock.Start();
            try
            {
                subject.Use(path);
                used++;
            }
            catch (Exception error) when (error is CheckpointException or TokenizerException)
            {
                refused++;
                if (!error.Message.Contains(path, StringComparison.Ordinal))
                    Fail(round, content, "an error that does not name the file: " + error.Message);
            }
            catch (Exception error)
            {
                Fail(round, content, error.ToString());
            }

            TimeSpan time = clock.Elapsed;
            long bytes = GC.GetTotalAllocatedBytes() - before;
            (longest, mostBytes) = (time > longest ? time : longest, Math.Max(mostBytes, bytes));
            // The first case pays for compiling.
            if (round > 0 && time > SlowCase)
                Fail(round, content, $"took {time.TotalSeconds:F1} s");
            if (bytes > AllowedBytes)
                Fail(round, content, $"allocated {bytes >> 20} MiB");
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{subject.Name,-28} {iterations,9:N0} files of {subject.Content.Length,7:N0} bytes: {used,7:N0} used, {refused,7:N0} refused, {failures} failures; at most {longest.TotalMilliseconds:F0} ms and {mostBytes / 1e6:F1} MB a file"));
        return failures;
    }

    private void Fail(int round, byte[] content, string reason)
    {
        if (failures++ >= FailuresShown)
            return;
        string kept = Path.Combine(Path.GetTempPath(), $"triptych-fuzz-{subject.Name.Replace(' ', '-')}-{round}{subject.Extension}");
        File.WriteAllBytes(kept, content);
        Console.WriteLine($"{subject.Name}, file {round}, kept as {kept}: {reason}");
    }
}
