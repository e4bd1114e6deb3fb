using System.Text;

namespace Triptych.Tokenizers.Templates;

/// <summary>A loop, with a condition, an else part, or recursion.</summary>
internal sealed class ForStatement(
    int position, Target target, Expression items, Statement[] body, Statement[] otherwise, Expression? test, bool isRecursive)
    : Statement(position)
{
    private readonly Target? _testTarget = test is null ? null : target.Copy();
    private ScopeEntry _bodyEntry = null!, _elseEntry = null!, _testEntry = null!;
    private FunctionScope _recursion = null!, _testFunction = null!;
    private VariableReference? _loop;

    public override IEnumerable<Node> Children => test is null
        ? [target, items, .. body, .. otherwise] : [target, items, .. body, .. otherwise, test];

    public override Flow Execute(Activation activation)
    {
        RenderState state = activation.State;
        object? iterable = items.Evaluate(activation);
        state.Visit(Position);
        if (!isRecursive)
            return Run(activation, activation, iterable, null, 0);
        state.Write(Recurse(activation, iterable, 0));
        return Flow.Next;
    }

    private string Recurse(Activation outer, object? iterable, int depth)
    {
        RenderState state = outer.State;
        state.Enter();
        int at = state.Position;
        StringBuilder output = state.Collect();
        Run(outer, new Activation(state, _recursion, outer), iterable, (inner, level) => Recurse(outer, inner, level), depth);
        state.Leave();
        state.Position = at;
        return state.EndCollect(output);
    }

    private Flow Run(Activation outer, Activation activation, object? iterable, Func<object?, int, string>? recurse, int depth)
    {
        RenderState state = activation.State;
        if (!Iteration.IsIterable(iterable))
            throw Iteration.NotIterable(iterable);
        if (test is not null)
            iterable = new IteratorValue("generator", Chosen(outer, iterable));
        bool any = _loop is { } variable
            ? RunWithLoop(activation, new LoopValue(state, iterable, recurse, depth), variable)
            : RunPlain(activation, iterable);
        _bodyEntry.Leave(activation);
        if (any || otherwise.Length == 0)
            return Flow.Next;
        _elseEntry.Enter(activation);
        Flow flow = ExecuteAll(otherwise, activation);
        _elseEntry.Leave(activation);
        return flow;
    }

    /// <summary>Runs the turns and tells whether one came to its end: after others, the else part is run too.</summary>
    private bool RunWithLoop(Activation activation, LoopValue loop, VariableReference variable)
    {
        bool any = false;
        while (loop.TryNext(out object? item))
        {
            variable.Set(activation, loop);
            Flow flow = RunBody(activation, item);
            any |= flow == Flow.Next;
            if (flow == Flow.Break)
                break;
        }

        return any;
    }

    private bool RunPlain(Activation activation, object? iterable)
    {
        bool any = false;
        if (iterable is SequenceValue sequence)
        {
            foreach (object? item in sequence.Items)
            {
                Flow flow = RunBody(activation, item);
                any |= flow == Flow.Next;
                if (flow == Flow.Break)
                    break;
            }

            return any;
        }

        foreach (object? item in Iteration.Items(activation.State, iterable))
        {
            Flow flow = RunBody(activation, item);
            any |= flow == Flow.Next;
            if (flow == Flow.Break)
                break;
        }

        return any;
    }

    private Flow RunBody(Activation activation, object? item)
    {
        activation.State.Visit(Position);
        target.Assign(activation, item);
        _bodyEntry.Enter(activation);
        return ExecuteAll(body, activation);
    }

    private IEnumerable<object?> Chosen(Activation outer, object? iterable)
    {
        var activation = new Activation(outer.State, _testFunction, outer);
        _testEntry.Enter(activation);
        foreach (object? item in Iteration.Items(outer.State, iterable))
        {
            _testTarget!.Assign(activation, item);
            if (Iteration.IsTrue(test!.Evaluate(activation)))
                yield return _testTarget.Read(activation);
        }
    }

    public override void Declare(SymbolTable symbols) => items.Declare(symbols);

    public override void Resolve(Scope scope)
    {
        Scope loop = isRecursive ? scope.InnerFunction() : scope.Inner();
        Scope last = scope.InnerIn(loop.Function);
        bool usesLoop = isRecursive || FindReads(body, "loop").Count > 0 || Children.Any(HasScopedBlock);
        if (usesLoop)
            loop.Symbols.DeclareParameter("loop");
        target.Declare(loop.Symbols);
        DeclareAll(body, loop.Symbols);
        DeclareAll(otherwise, last.Symbols);
        if (test is not null)
            ResolveTest(scope);
        _loop = usesLoop ? loop.Find("loop", Position) : null;
        _recursion = loop.Function;
        _bodyEntry = loop.Entry();
        _elseEntry = last.Entry();
        target.Resolve(loop);
        items.Resolve(scope);
        ResolveAll(body, loop);
        ResolveAll(otherwise, last);
    }

    private static bool HasScopedBlock(Node node) => node is BlockStatement { IsScoped: true } || node.Children.Any(HasScopedBlock);

    private void ResolveTest(Scope scope)
    {
        Scope inner = scope.InnerFunction();
        _testTarget!.Declare(inner.Symbols);
        test!.Declare(inner.Symbols);
        _testFunction = inner.Function;
        _testEntry = inner.Entry();
        _testTarget.Resolve(inner);
        test.Resolve(inner);
    }
}
