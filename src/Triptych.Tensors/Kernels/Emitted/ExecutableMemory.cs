using System.Runtime.InteropServices;

namespace Triptych.Tensors;

/// <summary>
/// Pages of machine code, never writable and executable at once. They live as long as the process. Where the system refuses,
/// there is no code, and kernels stay with what C# offers.
/// </summary>
internal static unsafe partial class ExecutableMemory
{
    private const int Read = 1, Write = 2, Execute = 4, Private = 2, AnonymousLinux = 0x20, AnonymousMac = 0x1000;
    private const uint CommitReserve = 0x3000, Release = 0x8000, PageReadWrite = 0x04, PageExecuteRead = 0x20;
    private const nint MapFailed = -1;

    /// <summary>Code can be published: tried once with a function that returns.</summary>
    public static bool IsSupported { get; } = RuntimeInformation.ProcessArchitecture == Architecture.X64 && Publish([0xC3]) != null;

    /// <summary>A copy of the code that can be called, 64-byte aligned; null when the system refuses.</summary>
    public static void* Publish(ReadOnlySpan<byte> code)
    {
        try
        {
            if (OperatingSystem.IsWindows())
                return PublishWindows(code);
            return OperatingSystem.IsLinux() || OperatingSystem.IsMacOS() ? PublishUnix(code) : null;
        }
        catch (Exception exception) when (exception is DllNotFoundException or EntryPointNotFoundException)
        {
            return null;
        }
    }

    private static void* PublishUnix(ReadOnlySpan<byte> code)
    {
        nuint size = Pages(code.Length);
        int flags = Private | (OperatingSystem.IsMacOS() ? AnonymousMac : AnonymousLinux);
        void* memory = Map(null, size, Read | Write, flags, -1, 0);
        if ((nint)memory == MapFailed)
            return null;
        code.CopyTo(new Span<byte>(memory, code.Length));
        if (Protect(memory, size, Read | Execute) == 0)
            return memory;
        _ = Unmap(memory, size);
        return null;
    }

    private static void* PublishWindows(ReadOnlySpan<byte> code)
    {
        nuint size = Pages(code.Length);
        void* memory = VirtualAlloc(null, size, CommitReserve, PageReadWrite);
        if (memory == null)
            return null;
        code.CopyTo(new Span<byte>(memory, code.Length));
        if (VirtualProtect(memory, size, PageExecuteRead, out _) != 0)
        {
            _ = FlushInstructionCache(GetCurrentProcess(), memory, size);
            return memory;
        }

        _ = VirtualFree(memory, 0, Release);
        return null;
    }

    private static nuint Pages(int bytes)
    {
        int page = Environment.SystemPageSize;
        return (nuint)((bytes + page - 1) / page * page);
    }

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial void* Map(void* address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect")]
    private static partial int Protect(void* address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(void* address, nuint length);

    [LibraryImport("kernel32")]
    private static partial void* VirtualAlloc(void* address, nuint size, uint type, uint protection);

    [LibraryImport("kernel32")]
    private static partial int VirtualProtect(void* address, nuint size, uint protection, out uint previous);

    [LibraryImport("kernel32")]
    private static partial int VirtualFree(void* address, nuint size, uint type);

    [LibraryImport("kernel32")]
    private static partial nint GetCurrentProcess();

    [LibraryImport("kernel32")]
    private static partial int FlushInstructionCache(nint process, void* address, nuint size);
}
