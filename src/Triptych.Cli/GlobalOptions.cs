using System.CommandLine;

namespace Triptych.Cli;

/// <summary>What every command understands.</summary>
internal sealed class GlobalOptions
{
    public Option<bool> Verbose { get; } = new("--verbose") { Description = "Show the stack trace of a failure.", Recursive = true };

    public Option<bool> Plain { get; } = new("--plain")
    {
        Description = "Plain text without colours, boxes and bars; so it is anyway when the output is not a terminal.",
        Recursive = true,
    };

    public Option<int?> Threads { get; } = new("--threads")
    {
        Description = "Threads to compute with; TRIPTYCH_THREADS or one a processor without it.",
        HelpName = "N",
        Recursive = true,
    };

    public void AddTo(Command root)
    {
        Threads.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int?>() is < 1)
                result.AddError("--threads must be at least 1.");
        });
        root.Add(Verbose);
        root.Add(Plain);
        root.Add(Threads);
    }
}
