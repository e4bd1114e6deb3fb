namespace Triptych.Benchmarks.Compare;

/// <summary>What does a piece of work again and again and says how long it took.</summary>
internal interface IContestant : IDisposable
{
    /// <summary>Seconds of one run.</summary>
    double Run();
}

/// <summary>A contestant in this process.</summary>
internal sealed class Ours(Func<double> run, params IDisposable?[] owned) : IContestant
{
    public double Run() => run();

    public void Dispose()
    {
        foreach (var resource in owned)
            resource?.Dispose();
    }
}

/// <summary>One row of the table: a piece of work, who does it, and what is asked.</summary>
/// <param name="Work">What is done.</param>
/// <param name="Peer">Who else does it.</param>
/// <param name="Amount">How much of the unit a run does.</param>
/// <param name="Unit">Tokens, floating-point operations.</param>
/// <param name="Asked">The ratio to reach.</param>
/// <param name="Limit">What the machine could do at most, in units a second; 0 where nothing is measured against it.</param>
/// <param name="Ours">Makes our contestant.</param>
/// <param name="Theirs">Makes the peers'; the fastest of them counts.</param>
internal sealed record Row(
    string Work, string Peer, double Amount, string Unit, double Asked, Func<double> Limit, Func<IContestant> Ours, params Func<IContestant>[] Theirs);

/// <summary>The seconds of both sides, run by turns, and the limit as it was in each round.</summary>
internal sealed record Outcome(double[] Ours, double[] Theirs, double[] Limits)
{
    // Threads of the side that just ran may still spin.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(150);

    /// <summary>Seconds of work below which it is repeated.</summary>
    private const double ShortWork = 0.15;

    public double Ratio => Median(Theirs) / Median(Ours);

    /// <summary>The lowest and the highest ratio of a round.</summary>
    public (double Low, double High) Spread
    {
        get
        {
            var ratios = Ours.Zip(Theirs, (ours, theirs) => theirs / ours).ToList();
            return (ratios.Min(), ratios.Max());
        }
    }

    public static Outcome Of(Row row, int rounds)
    {
        using var ours = row.Ours();
        var peers = row.Theirs.Select(make => make()).ToList();
        try
        {
            WarmUp(ours);
            var ourSeconds = new double[rounds];
            var limits = new double[rounds];
            var theirs = peers.Select(_ => new double[rounds]).ToList();
            for (int round = 0; round < rounds; round++)
            {
                if (round % 2 == 0)
                    ourSeconds[round] = Timed(ours);
                for (int peer = 0; peer < peers.Count; peer++)
                    theirs[peer][round] = Timed(peers[peer]);
                if (round % 2 == 1)
                    ourSeconds[round] = Timed(ours);
                limits[round] = row.Limit();
            }

            return new Outcome(ourSeconds, theirs.MinBy(Median)!, limits);
        }
        finally
        {
            peers.ForEach(peer => peer.Dispose());
        }
    }

    public static double Median(double[] values)
    {
        double[] sorted = [.. values.Order()];
        int middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    // Short work is repeated: the first run after a pause waits for threads to wake, which systems may let take milliseconds.
    private static double Timed(IContestant contestant)
    {
        Thread.Sleep(Pause);
        List<double> seconds = [contestant.Run()];
        while (seconds.Sum() < ShortWork)
            seconds.Add(contestant.Run());
        return Median([.. seconds]);
    }

    // Code is compiled in tiers: the first runs are slower.
    private static void WarmUp(IContestant contestant)
    {
        for (var begin = DateTime.UtcNow; DateTime.UtcNow - begin < TimeSpan.FromSeconds(2);)
            contestant.Run();
    }
}
