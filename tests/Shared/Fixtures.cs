using System.Runtime.CompilerServices;

namespace Triptych.TestSupport;

/// <summary>Finds files under tests/Fixtures from wherever a test assembly runs.</summary>
internal static class Fixtures
{
    /// <summary>The folder tests/Fixtures of the checkout that the test was built from.</summary>
    public static string Root { get; } = Locate();

    /// <summary>The full path of a fixture, such as <c>goldens/gpt2/model.safetensors</c>.</summary>
    public static string Path(string relative)
    {
        string path = System.IO.Path.Combine(Root, relative);
        return System.IO.Path.Exists(path) ? path : throw new FileNotFoundException($"fixture {relative} is missing", path);
    }

    private static string Locate([CallerFilePath] string source = "")
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string candidate = System.IO.Path.Combine(folder.FullName, "tests", "Fixtures");
            if (Directory.Exists(candidate))
                return candidate;
        }

        string beside = System.IO.Path.GetFullPath(System.IO.Path.Combine(System.IO.Path.GetDirectoryName(source)!, "..", "Fixtures"));
        return Directory.Exists(beside) ? beside : throw new DirectoryNotFoundException("tests/Fixtures not found");
    }
}
