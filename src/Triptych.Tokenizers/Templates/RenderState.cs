using System.Runtime.CompilerServices;
using System.Text;

namespace Triptych.Tokenizers.Templates;

/// <summary>One rendering of a template: its variables, its output, and what it may still use.</summary>
internal sealed class RenderState(IReadOnlyDictionary<string, object?> variables, TemplateLimits limits, TimeProvider time)
{
    /// <summary>Characters that are compared as fast as one step is taken.</summary>
    private const int CharactersPerStep = 256;

    [ThreadStatic]
    private static RenderState? s_current;

    private readonly Dictionary<string, object?> _resolved = new(StringComparer.Ordinal);
    private long _steps = limits.MaxSteps;
    private long _allocation = limits.MaxAllocation;
    private int _depth, _collecting;
    private StringBuilder? _outermost;

    /// <summary>The rendering of this thread, for operations deep inside values.</summary>
    public static RenderState? Current
    {
        get => s_current;
        set => s_current = value;
    }

    /// <summary>Where in the source the renderer is.</summary>
    public int Position { get; set; }

    public TimeProvider Time => time;

    /// <summary>Whether this only finds out what is constant: variables and calls are errors then.</summary>
    public bool IsFolding { get; init; }

    /// <summary>What is written to now: the text itself, or what a macro or block collects.</summary>
    public StringBuilder Output { get; private set; } = new();

    /// <summary>The length of the text so far, whatever is being collected.</summary>
    public int TextLength => (_outermost ?? Output).Length;

    /// <summary>The parts of the text that generation blocks made, or null if nobody asked.</summary>
    public List<TextRange>? Generated { get; init; }

    /// <summary>Variables that the template itself set, for blocks.</summary>
    public Dictionary<string, object?>? Exported { get; init; }

    /// <summary>Takes one step at a place of the source.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Visit(int position)
    {
        Position = position;
        if (--_steps < 0)
            FailSteps();
    }

    public void Step(long count = 1)
    {
        _steps -= count;
        if (_steps < 0)
            FailSteps();
    }

    /// <summary>Accounts for a look at so many characters.</summary>
    public void Scan(long characters) => Step(characters / CharactersPerStep);

    /// <summary>Accounts for a look at a text, where that may take long.</summary>
    public static void ScanLong(int characters)
    {
        if (characters > 1024)
            s_current?.Scan(characters);
    }

    /// <summary>Accounts for a search, which may compare the whole of what is sought at each place.</summary>
    public void Search(int length, int soughtLength) =>
        Step(length / CharactersPerStep + (long)length * Math.Min(length, soughtLength) / (CharactersPerStep * 16));

    /// <summary>Accounts for a value of so many characters before it is made.</summary>
    public void Reserve(long characters)
    {
        _allocation -= characters;
        if (_allocation < 0)
            throw new TemplateError($"the template makes values of more than {limits.MaxAllocation} characters in all");
    }

    public void ReserveItems(long count) => Reserve(count * 8);

    public void Write(string text)
    {
        if (text.Length > limits.MaxOutputLength - Output.Length)
            throw new TemplateError($"the rendered text is longer than {limits.MaxOutputLength} characters");
        if (_outermost is not null)
            Reserve(text.Length);
        Output.Append(text);
    }

    /// <summary>Begins to collect what is written, and returns what was written to before.</summary>
    public StringBuilder Collect()
    {
        StringBuilder outer = Output;
        _outermost ??= outer;
        _collecting++;
        Output = new StringBuilder();
        return outer;
    }

    /// <summary>Ends collecting and returns what was collected.</summary>
    public string EndCollect(StringBuilder outer)
    {
        string text = Output.ToString();
        Output = outer;
        if (--_collecting == 0)
            _outermost = null;
        return text;
    }

    /// <summary>Enters a macro or a recursive loop.</summary>
    public void Enter()
    {
        if (++_depth > limits.MaxDepth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw new TemplateError("macros and loops call each other too deeply");
    }

    public void Leave() => _depth--;

    /// <summary>A variable of the context or a function of the language, or <see cref="Missing"/>.</summary>
    public object? Resolve(string name)
    {
        if (Exported is not null && Exported.TryGetValue(name, out object? value))
            return value;
        if (_resolved.TryGetValue(name, out value))
            return value;
        value = variables.TryGetValue(name, out object? given) ? ValueConverter.ToValue(given, name)
            : Globals.Find(name) ?? Missing;
        _resolved[name] = value;
        return value;
    }

    /// <summary>What a variable holds that is not set.</summary>
    public static readonly object Missing = new();

    private void FailSteps() => throw new TemplateError($"the template takes more than {limits.MaxSteps} steps");
}
