using System.Diagnostics;
using System.Globalization;
using Triptych.Fuzz;
using Triptych.TestSupport;

// dotnet run -c Release --project benchmarks/Triptych.Fuzz -- [--iterations N] [--seed S] [--only NAME]
// dotnet run -c Release --project benchmarks/Triptych.Fuzz -- --templates N [--seed S]     (chat templates only)
//
// Damages checkpoint and tokenizer files at random and loads what is left. A file is either refused with an error that names it, or used; anything
// else is a failure: another exception, over a second, or memory out of proportion to the file. The exit code is the number of failures.
int iterations = Option("--iterations", 100_000), seed = Option("--seed", 1);
if (Option("--templates", 0) is > 0 and int templates)
    return new TemplateCampaign(seed).Run(templates);
string folder = Directory.CreateTempSubdirectory("triptych-fuzz").FullName;
try
{
    var watch = Stopwatch.StartNew();
    Subject[] subjects = [.. Subjects.Make(folder).Where(subject => subject.Name.Contains(Text("--only") ?? "", StringComparison.Ordinal))];
    int failures = 0;
    foreach (var (index, subject) in subjects.Index())
        failures += new Campaign(subject, folder, new FileMutator(seed + index)).Run(iterations / subjects.Length);
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"{iterations / subjects.Length * subjects.Length:N0} files in {watch.Elapsed.TotalSeconds:F0} s, {failures} failures, peak memory of the process {Process.GetCurrentProcess().PeakWorkingSet64 >> 20} MiB"));
    return failures;
}
finally
{
    Directory.Delete(folder, recursive: true);
}

int Option(string name, int otherwise) => Text(name) is string value ? int.Parse(value, CultureInfo.InvariantCulture) : otherwise;

string? Text(string name)
{
    int at = Array.IndexOf(args, name);
    return at >= 0 && at + 1 < args.Length ? args[at + 1] : null;
}
