using System.Numerics;

namespace Triptych.Tokenizers.Templates;

/// <summary>
/// Jinja evaluates what it can when it compiles a template, and then a slice of what cannot be sliced is undefined, as a missing item is; at
/// any other time it is an error. This finds the slices that are evaluated so: those of expressions whose evaluation meets no
/// variable, call or error and makes a value that Python can write down, or any value where it is printed.
/// </summary>
internal static class ConstantFolding
{
    private static readonly TemplateLimits Limits = new() { MaxSteps = 10_000, MaxAllocation = 100_000, MaxDepth = 10 };
    private static readonly Dictionary<string, object?> NoVariables = [];

    /// <summary>Notes what a new expression has of slices and constants, and folds it.</summary>
    public static void Fold(Expression expression)
    {
        IEnumerable<Expression> parts = expression.Children.OfType<Expression>();
        expression.HasSlices = expression is SliceExpression || parts.Any(part => part.HasSlices);
        // Some may never evaluate all of their parts.
        IEnumerable<Expression> needed = expression is LogicalExpression or ConditionalExpression or ComparisonExpression ? parts.Take(1) : parts;
        expression.MayBeConstant = expression is not CallExpression and not FilterExpression { NeedsContext: true }
            && needed.All(part => part.MayBeConstant);
        if (expression.HasSlices && expression.MayBeConstant && TryEvaluate(expression, out object? value) && CanBeWritten(value))
            Mark(expression);
    }

    /// <summary>Folds an expression that is printed as it is.</summary>
    public static void FoldPrinted(Expression expression)
    {
        if (expression.HasSlices && expression.MayBeConstant && TryEvaluate(expression, out _))
            Mark(expression);
    }

    /// <summary>Whether an expression is evaluated when the template is compiled.</summary>
    public static bool IsConstant(Expression expression) =>
        expression.MayBeConstant && TryEvaluate(expression, out object? value) && CanBeWritten(value);

    /// <summary>Whether an expression is evaluated then and makes a number that is written with a minus.</summary>
    public static bool IsWrittenNegative(Expression expression) => expression.MayBeConstant && TryEvaluate(expression, out object? value)
        && value switch
        {
            long number => number < 0,
            BigInteger number => number.Sign < 0,
            double number => double.IsNegative(number) && double.IsFinite(number),
            _ => false,
        };

    private static bool TryEvaluate(Expression expression, out object? value)
    {
        var state = new RenderState(NoVariables, Limits, TimeProvider.System) { IsFolding = true };
        RenderState? outer = RenderState.Current;
        RenderState.Current = state;
        try
        {
            value = expression.Evaluate(Activation.OfConstants(state));
            return true;
        }
        catch (TemplateError)
        {
            value = null;
            return false;
        }
        finally
        {
            RenderState.Current = outer;
        }
    }

    private static bool CanBeWritten(object? value) => value switch
    {
        null or bool or long or BigInteger or double or string or MarkupValue or RangeValue => true,
        SequenceValue sequence => sequence.Items.All(CanBeWritten),
        DictValue dict => Enumerable.Range(0, dict.Count).All(i => CanBeWritten(dict.KeyAt(i)) && CanBeWritten(dict.ValueAt(i))),
        _ => false,
    };

    private static void Mark(Node node)
    {
        if (node is SliceExpression slice)
            slice.IsFolded = true;
        foreach (Node child in node.Children)
            Mark(child);
    }
}
