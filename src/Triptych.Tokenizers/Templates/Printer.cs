using System.Globalization;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Text;

namespace Triptych.Tokenizers.Templates;

/// <summary>Python's <c>str</c> and <c>repr</c>.</summary>
internal static class Printer
{
    /// <summary><c>str</c> of a value.</summary>
    public static string ToText(RenderState state, object? value) => value switch
    {
        string text => text,
        null => "None",
        bool flag => flag ? "True" : "False",
        long number => number.ToString(CultureInfo.InvariantCulture),
        double number => Numbers.ToText(number),
        MarkupValue markup => markup.Text,
        UndefinedValue => "",
        _ => Repr(state, value),
    };

    /// <summary><c>repr</c> of a value.</summary>
    public static string Repr(RenderState state, object? value, bool asciiOnly = false)
    {
        var writer = new Writer(state, asciiOnly);
        writer.Write(value, 0);
        return writer.ToString();
    }

    private sealed class Writer(RenderState state, bool asciiOnly)
    {
        private readonly StringBuilder _text = new();
        private List<NamespaceValue>? _open;
        private int _charged;

        public override string ToString() => _text.ToString();

        public void Write(object? value, int depth)
        {
            Comparison.CheckDepth(depth);
            switch (value)
            {
                case string text:
                    PythonText.AppendRepr(_text, text, asciiOnly);
                    break;
                case MarkupValue markup:
                    PythonText.AppendRepr(_text.Append("Markup("), markup.Text, asciiOnly);
                    _text.Append(')');
                    break;
                case ListValue list:
                    WriteItems('[', list.Items, "]", depth);
                    break;
                case TupleValue tuple:
                    WriteItems('(', tuple.Items, tuple.Count == 1 ? ",)" : ")", depth);
                    break;
                case DictValue dict:
                    Write(dict, depth);
                    break;
                case NamespaceValue space:
                    Write(space, depth);
                    break;
                case DictView view:
                    Write(view, depth);
                    break;
                case RangeValue range:
                    _text.Append(CultureInfo.InvariantCulture, $"range({range.Start}, {range.Stop}");
                    _text.Append(range.Step == 1 ? ")" : string.Create(CultureInfo.InvariantCulture, $", {range.Step})"));
                    break;
                default:
                    _text.Append(Simple(value));
                    break;
            }

            state.Reserve(_text.Length - _charged);
            _charged = _text.Length;
        }

        private string Simple(object? value) => value switch
        {
            null or bool or long or double => ToText(state, value),
            BigInteger number => Numbers.ToText(number),
            UndefinedValue => "Undefined",
            MacroValue macro => macro.Name is null ? "<Macro anonymous>" : $"<Macro {PythonText.Repr(macro.Name)}>",
            LoopValue loop => string.Create(CultureInfo.InvariantCulture, $"<LoopContext {loop.Index0 + 1}/{loop.GetLength()}>"),
            FunctionValue { IsMethod: true, Builtin.Name: "format" or "format_map", Self: string or MarkupValue } method =>
                $"<function str.{method.Builtin.Name} at {Address(method)}>",
            FunctionValue { IsMethod: true } method =>
                $"<built-in method {method.Builtin.Name} of {PythonTypes.NameOf(method.Self)} object at {Address(method)}>",
            BlocksValue => "<TemplateReference None>",
            FunctionValue { Builtin.TypeName: { } type } => $"<class '{type}'>",
            FunctionValue function => $"<function {function.Builtin.Name} at {Address(function)}>",
            CyclerValue or JoinerValue => $"<jinja2.utils.{PythonTypes.NameOf(value)} object at {Address(value)}>",
            IteratorValue { Function.Length: > 0 } iterator => $"<generator object {iterator.Function} at {Address(iterator)}>",
            _ => $"<{PythonTypes.NameOf(value)} object at {Address(value)}>",
        };

        private static string Address(object value) => string.Create(
            CultureInfo.InvariantCulture, $"0x7f{RuntimeHelpers.GetHashCode(value):x10}");

        private void WriteItems(char open, object?[] items, string close, int depth)
        {
            _text.Append(open);
            for (int i = 0; i < items.Length; i++)
            {
                if (i > 0)
                    _text.Append(", ");
                Write(items[i], depth + 1);
            }

            _text.Append(close);
        }

        private void Write(DictValue dict, int depth)
        {
            _text.Append('{');
            for (int i = 0; i < dict.Count; i++)
            {
                if (i > 0)
                    _text.Append(", ");
                Write(dict.KeyAt(i), depth + 1);
                _text.Append(": ");
                Write(dict.ValueAt(i), depth + 1);
            }

            _text.Append('}');
        }

        private void Write(NamespaceValue space, int depth)
        {
            _text.Append("<Namespace ");
            _open ??= [];
            if (_open.Contains(space))
            {
                _text.Append("{...}>");
                return;
            }

            _open.Add(space);
            Write(space.Attributes, depth);
            _open.Remove(space);
            _text.Append('>');
        }

        private void Write(DictView view, int depth)
        {
            _text.Append(PythonTypes.NameOf(view)).Append("([");
            for (int i = 0; i < view.Dict.Count; i++)
            {
                if (i > 0)
                    _text.Append(", ");
                Write(view[i], depth + 1);
            }

            _text.Append("])");
        }
    }
}
