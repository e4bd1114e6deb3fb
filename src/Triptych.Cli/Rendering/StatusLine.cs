namespace Triptych.Cli.Rendering;

/// <summary>A line on standard error that is redrawn at a terminal; elsewhere nothing but the log lines are written.</summary>
internal sealed class StatusLine(Terminal terminal) : IDisposable
{
    private const string EraseLine = "\r\e[K";
    private bool isShown;

    /// <summary>Shows the status until the next one.</summary>
    public void Show(string text)
    {
        if (!terminal.IsErrorLive)
            return;
        terminal.Error.Write(EraseLine + (text.Length < terminal.Width ? text : text[..(terminal.Width - 1)]));
        terminal.Error.Flush();
        isShown = true;
    }

    /// <summary>Writes a line that stays.</summary>
    public void Log(string text)
    {
        Dispose();
        terminal.Error.WriteLine(text);
    }

    /// <summary>Takes the status away.</summary>
    public void Dispose()
    {
        if (isShown)
            terminal.Error.Write(EraseLine);
        isShown = false;
    }
}
