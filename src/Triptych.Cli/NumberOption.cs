using System.CommandLine;
using System.Globalization;

namespace Triptych.Cli;

/// <summary>Options that take a number of at least some value.</summary>
internal static class NumberOption
{
    /// <summary>A whole number.</summary>
    public static Option<int?> Count(string name, string description, int least) => Checked(new Option<int?>(name) { HelpName = "N" }, description, least);

    /// <summary>A finite number.</summary>
    public static Option<double?> Number(string name, string description, double least) =>
        Checked(new Option<double?>(name) { HelpName = "X" }, description, least);

    private static Option<T> Checked<T>(Option<T> option, string description, double least)
    {
        option.Description = description;

        // What is no number at all is the parser's own complaint.
        option.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && double.TryParse(token.Value, CultureInfo.InvariantCulture, out double value)
                && !(double.IsFinite(value) && value >= least))
                result.AddError($"{option.Name} has to be a number of at least {least}.");
        });
        return option;
    }
}
