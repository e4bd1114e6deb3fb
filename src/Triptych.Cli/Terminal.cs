using System.Text;
using Spectre.Console;

namespace Triptych.Cli;

/// <summary>
/// Where a command reads and writes: results to <see cref="Out"/>, logs and progress to <see cref="Error"/>. Results are
/// decorated (colours, boxes) only for a person at a terminal; redirected output is plain text.
/// </summary>
internal sealed class Terminal
{
    private const int PlainWidth = 100;
    private readonly Lazy<IAnsiConsole> console;
    private readonly Func<Stream> openInput;

    public Terminal(Func<Stream> openInput, TextWriter output, TextWriter error, bool isDecorated = false, bool isErrorLive = false, int? width = null)
    {
        this.openInput = openInput;
        Out = output;
        Error = error;
        IsDecorated = isDecorated;
        IsErrorLive = isErrorLive;
        Width = width ?? PlainWidth;
        console = new(CreateConsole);
    }

    /// <summary>Standard output: results.</summary>
    public TextWriter Out { get; }

    /// <summary>Standard error: logs, progress, the one line of a failure.</summary>
    public TextWriter Error { get; }

    /// <summary>Whether results may have colours, boxes and bars.</summary>
    public bool IsDecorated { get; private set; }

    /// <summary>Whether progress may redraw its line.</summary>
    public bool IsErrorLive { get; private set; }

    /// <summary>Columns to write in.</summary>
    public int Width { get; }

    /// <summary>Spectre's console over <see cref="Out"/>, made (and its assembly loaded) when first drawn on.</summary>
    public IAnsiConsole Console => console.Value;

    /// <summary>The terminal of this process.</summary>
    public static Terminal OfProcess()
    {
        if (OperatingSystem.IsWindows())
            System.Console.OutputEncoding = Encoding.UTF8;
        var encoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        bool dumb = Environment.GetEnvironmentVariable("TERM") is "dumb" || Environment.GetEnvironmentVariable("NO_COLOR") is { Length: > 0 };
        bool decorated = !System.Console.IsOutputRedirected && !dumb;
        return new Terminal(
            System.Console.OpenStandardInput,
            new StreamWriter(System.Console.OpenStandardOutput(), encoding, 16 << 10),
            new StreamWriter(System.Console.OpenStandardError(), encoding) { AutoFlush = true },
            decorated,
            !System.Console.IsErrorRedirected && !dumb,
            decorated ? Math.Max(40, System.Console.WindowWidth) : null);
    }

    /// <summary>Opens standard input, as bytes: text is decoded strictly by who reads it.</summary>
    public Stream OpenInput() => openInput();

    /// <summary>Writes a title for what follows.</summary>
    public void WriteHeading(string title)
    {
        if (IsDecorated)
            Console.Write(new Rule(Markup.Escape(title)) { Justification = Justify.Left, Style = new Style(Color.Blue) });
        else
            Out.WriteLine($"== {title}");
    }

    /// <summary>Writes text that stands out, without a line end.</summary>
    public void WriteEmphasized(string text)
    {
        if (IsDecorated)
            Out.Write($"\e[1m{text}\e[0m");
        else
            Out.Write(text);
    }

    /// <summary>Writes plain text from here on, whatever is at the other end.</summary>
    public void MakePlain() => IsDecorated = IsErrorLive = false;

    /// <summary>Writes out what is buffered; a failure is not reported, because one is being reported already.</summary>
    public void TryFlush()
    {
        try
        {
            Out.Flush();
        }
        catch (IOException)
        {
        }
    }

    private IAnsiConsole CreateConsole()
    {
        var created = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(Out),
            Ansi = AnsiSupport.Yes,
            Interactive = InteractionSupport.No,
        });
        created.Profile.Width = Width;
        created.Profile.Capabilities.Unicode = true;
        return created;
    }
}
