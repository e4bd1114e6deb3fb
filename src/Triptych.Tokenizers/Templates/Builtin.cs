using System.Globalization;

namespace Triptych.Tokenizers.Templates;

/// <summary>The body of a filter, test, function or method.</summary>
/// <param name="state">The rendering.</param>
/// <param name="self">The value that is filtered or tested, or that the method belongs to.</param>
/// <param name="arguments">The arguments by the order of the signature, defaults filled in; arguments beyond come last.</param>
internal delegate object? BuiltinBody(RenderState state, object? self, object?[] arguments);

/// <summary>The arguments of a call.</summary>
/// <param name="Positional">Those without names.</param>
/// <param name="Named">Those with names, or null.</param>
internal readonly record struct Arguments(object?[] Positional, DictValue? Named = null);

/// <summary>A filter, test, function or method with its parameters.</summary>
internal sealed class Builtin
{
    private static readonly object Required = new();

    private readonly BuiltinBody _body;
    private readonly string[] _names;
    private readonly object?[] _defaults;
    private readonly bool _positionalOnly;
    private readonly int _required;

    /// <summary>Describes a function.</summary>
    /// <param name="name">Its name, for errors.</param>
    /// <param name="signature">Parameters with a semicolon between, such as <c>width; fill=' '</c>; <c>/</c> first if they have no
    /// names for callers; <c>*</c> for a function that takes all arguments as they come: see <see cref="Invoke"/>.</param>
    /// <param name="body">What it does.</param>
    /// <param name="typeName">The name of the type that the function makes, for printing.</param>
    public Builtin(string name, string signature, BuiltinBody body, string? typeName = null)
    {
        Name = name;
        TypeName = typeName;
        _body = body;
        TakesAll = signature == "*";
        string[] parameters = TakesAll ? [] : signature.Split("; ", StringSplitOptions.RemoveEmptyEntries);
        _positionalOnly = parameters is ["/", ..];
        if (_positionalOnly)
            parameters = parameters[1..];
        _names = [.. parameters.Select(parameter => parameter.Split('=')[0])];
        _defaults = [.. parameters.Select(parameter => Default(parameter.Split('=', 2)))];
        _required = _defaults.Count(value => value == Required);
    }

    public string Name { get; }

    public string? TypeName { get; }

    /// <summary>Whether the body gets two arguments: all positional ones in a tuple, and a dictionary of the named ones.</summary>
    private bool TakesAll { get; }

    public object? Invoke(RenderState state, object? self, in Arguments arguments)
    {
        if (TakesAll)
            return _body(state, self, [new TupleValue(arguments.Positional), arguments.Named ?? new DictValue(0)]);
        return _body(state, self, arguments.Named is null && arguments.Positional.Length == _names.Length
            ? arguments.Positional : Bind(arguments));
    }

    private object?[] Bind(in Arguments arguments)
    {
        object?[] given = arguments.Positional;
        if (given.Length > _names.Length)
            throw new TemplateError($"{Name}() takes at most {_names.Length} argument(s) ({given.Length} given)");
        object?[] bound = [.. _defaults];
        given.CopyTo(bound, 0);
        if (arguments.Named is { Count: > 0 } named)
        {
            for (int i = 0; i < named.Count; i++)
                BindNamed((string)named.KeyAt(i)!, named.ValueAt(i), given.Length, bound);
        }

        int missing = given.Length < _required ? Array.IndexOf(bound, Required) : -1;
        return missing < 0 ? bound : throw new TemplateError($"{Name}() missing a required argument: '{_names[missing]}'");
    }

    private void BindNamed(string name, object? value, int positional, object?[] bound)
    {
        int at = _positionalOnly ? -1 : Array.IndexOf(_names, name);
        if (at < 0)
            throw new TemplateError($"{Name}() got an unexpected keyword argument '{name}'");
        if (at < positional)
            throw new TemplateError($"{Name}() got multiple values for argument '{name}'");
        bound[at] = value;
    }

    private static object? Default(string[] parameter) => parameter is not [_, string value] ? Required : value switch
    {
        "None" => null,
        "True" => Numbers.True,
        "False" => Numbers.False,
        ['\'', .. string text, '\''] => text,
        _ when value.Contains('.') => double.Parse(value, CultureInfo.InvariantCulture),
        _ => Numbers.Box(long.Parse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture)),
    };
}
