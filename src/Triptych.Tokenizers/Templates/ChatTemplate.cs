namespace Triptych.Tokenizers.Templates;

/// <summary>
/// A chat template in the Jinja language, as transformers renders it: Jinja 3.1 in its immutable sandbox, with <c>trim_blocks</c>,
/// <c>lstrip_blocks</c>, loop controls, the <c>generation</c> tag, and the functions <c>raise_exception</c> and
/// <c>strftime_now</c>. Parsed once; safe to use from many threads.
/// </summary>
public sealed class ChatTemplate
{
    private readonly SourceText _source;
    private readonly Statement[] _body;
    private readonly FunctionScope _function;
    private readonly ScopeEntry _entry;
    private readonly VariableReference? _self;
    private readonly TemplateBlocks _blocks;

    private ChatTemplate(string source, SourceText text)
    {
        Source = source;
        _source = text;
        (_body, _blocks) = Parser.Run(text);
        Scope scope = Scope.Root(_blocks, isTopLevel: true);
        bool usesSelf = Node.FindReads(_body, "self").Count > 0;
        if (usesSelf)
            scope.Symbols.DeclareParameter("self");
        Node.DeclareAll(_body, scope.Symbols);
        _function = scope.Function;
        _entry = scope.Entry();
        _self = usesSelf ? scope.Find("self", 0) : null;
        Node.ResolveAll(_body, scope);
    }

    /// <summary>What errors call the template.</summary>
    public string Name => _source.Name;

    /// <summary>The template as it was given.</summary>
    public string Source { get; }

    /// <summary>Reads a template.</summary>
    /// <param name="source">The template.</param>
    /// <param name="name">What errors call it.</param>
    /// <exception cref="TokenizerException">It is no valid template; the message says where and why.</exception>
    public static ChatTemplate Parse(string source, string name = "chat_template")
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(name);
        var text = new SourceText(source, name);
        try
        {
            return new ChatTemplate(source, text);
        }
        catch (TemplateError e)
        {
            throw text.Fail(e.Message, Math.Max(e.Position, 0), e);
        }
    }

    /// <summary>Renders the template.</summary>
    /// <param name="variables">Its variables: strings, numbers, truth values, lists and dictionaries of them, and JSON
    /// (<see cref="System.Text.Json.Nodes.JsonNode"/>, <see cref="System.Text.Json.JsonElement"/>).</param>
    /// <param name="limits">What the template may use; null for <see cref="TemplateLimits.Default"/>.</param>
    /// <param name="time">The clock of <c>strftime_now</c>; null for the system's.</param>
    /// <exception cref="TokenizerException">The template fails: by itself, by <c>raise_exception</c>, or beyond its limits.</exception>
    /// <exception cref="ArgumentException">A variable is of a kind that templates do not know.</exception>
    public string Render(
        IReadOnlyDictionary<string, object?> variables, TemplateLimits? limits = null, TimeProvider? time = null)
    {
        ArgumentNullException.ThrowIfNull(variables);
        return Render(variables, limits, time, null);
    }

    internal string Render(
        IReadOnlyDictionary<string, object?> variables, TemplateLimits? limits, TimeProvider? time, List<TextRange>? generated)
    {
        var state = new RenderState(variables, limits ?? TemplateLimits.Default, time ?? TimeProvider.System)
        {
            Generated = generated,
            Exported = _blocks.ByName.Count > 0 ? new Dictionary<string, object?>(StringComparer.Ordinal) : null,
        };
        RenderState? outer = RenderState.Current;
        RenderState.Current = state;
        try
        {
            var activation = new Activation(state, _function, null);
            _entry.Enter(activation);
            _self?.Set(activation, new BlocksValue(_blocks));
            Statement.ExecuteAll(_body, activation);
            return state.Output.ToString();
        }
        catch (TemplateError e)
        {
            throw _source.Fail(e.Message, e.Position < 0 ? state.Position : e.Position, e);
        }
        finally
        {
            RenderState.Current = outer;
        }
    }

    /// <summary>Renders a chat, with the variables that transformers passes: <c>messages</c>, <c>tools</c>, <c>documents</c> and
    /// <c>add_generation_prompt</c>.</summary>
    /// <param name="messages">The messages: JSON objects, dictionaries or <see cref="ChatMessage"/>s.</param>
    /// <param name="options">Tools, the generation prompt, further variables.</param>
    /// <exception cref="TokenizerException">The template fails.</exception>
    /// <exception cref="ArgumentException">The messages or options are of no use, or contradict each other.</exception>
    public ChatRendering RenderChat(IEnumerable<object?> messages, ChatOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(messages);
        return ChatRenderer.Render(this, messages, options ?? new ChatOptions(), withGenerated: options?.ContinueFinalMessage is null);
    }
}
