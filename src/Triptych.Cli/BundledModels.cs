using System.Reflection;

namespace Triptych.Cli;

/// <summary>
/// The models that a single-file build carries inside. A file is mapped into memory from a folder, so they are unpacked once, into
/// the user's cache, under a name that changes with the build.
/// </summary>
internal static class BundledModels
{
    private const string Prefix = "models/";

    /// <summary>Unpacks them if that is not done, and tells the library where they are. Other builds carry none: nothing happens.</summary>
    public static void Prepare()
    {
        var assembly = typeof(BundledModels).Assembly;
        string[] names = [.. assembly.GetManifestResourceNames().Where(name => name.StartsWith(Prefix, StringComparison.Ordinal))];
        if (names.Length == 0 || Environment.GetEnvironmentVariable(EmbeddedModels.EnvironmentVariable) is { Length: > 0 })
            return;
        string target = Path.Combine(CacheFolder(), assembly.ManifestModule.ModuleVersionId.ToString("N"));
        if (!Directory.Exists(target))
            Unpack(assembly, names, target);
        Environment.SetEnvironmentVariable(EmbeddedModels.EnvironmentVariable, target);
    }

    private static string CacheFolder()
    {
        string? home = OperatingSystem.IsWindows() || OperatingSystem.IsMacOS()
            ? Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData)
            : Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache
                ? cache
                : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
        try
        {
            return Directory.CreateDirectory(Path.Combine(home, "triptych", "models")).FullName;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Directory.CreateTempSubdirectory("triptych-").FullName;
        }
    }

    /// <summary>Unpacks beside the target and renames, so that the target is complete or not there, whoever else is unpacking.</summary>
    private static void Unpack(Assembly assembly, string[] names, string target)
    {
        string partial = $"{target}.{Environment.ProcessId}";
        foreach (string name in names)
        {
            string path = Path.Combine(partial, name[Prefix.Length..]);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            using var content = assembly.GetManifestResourceStream(name)!;
            using var file = File.Create(path);
            content.CopyTo(file);
        }

        try
        {
            Directory.Move(partial, target);
        }
        catch (IOException) when (Directory.Exists(target))
        {
            Directory.Delete(partial, recursive: true);
        }
    }
}
