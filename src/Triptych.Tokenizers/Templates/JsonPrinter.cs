using System.Globalization;
using System.Numerics;
using System.Text;

namespace Triptych.Tokenizers.Templates;

/// <summary>Python's <c>json.dumps</c>.</summary>
internal sealed class JsonPrinter(RenderState state, bool ensureAscii, string? indent, string itemSeparator, string keySeparator, bool sortKeys)
{
    private readonly StringBuilder _text = new();
    private int _charged;

    public string Print(object? value)
    {
        Write(value, 0);
        return _text.ToString();
    }

    private void Write(object? value, int depth)
    {
        Comparison.CheckDepth(depth);
        switch (value)
        {
            case string text:
                WriteText(text);
                break;
            case MarkupValue markup:
                WriteText(markup.Text);
                break;
            case null or bool or long or BigInteger or double:
                _text.Append(Scalar(value));
                break;
            case SequenceValue sequence:
                WriteSequence(sequence, depth);
                break;
            case DictValue dict:
                WriteDict(dict, depth);
                break;
            default:
                throw new TemplateError($"Object of type {PythonTypes.NameOf(value)} is not JSON serializable");
        }

        state.Reserve(_text.Length - _charged);
        _charged = _text.Length;
    }

    private static string Scalar(object? value) => value switch
    {
        null => "null",
        bool flag => flag ? "true" : "false",
        long number => number.ToString(CultureInfo.InvariantCulture),
        BigInteger number => Numbers.ToText(number),
        double number when double.IsFinite(number) => Numbers.ToText(number),
        double number => double.IsNaN(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity",
        _ => throw new TemplateError($"keys must be str, int, float, bool or None, not {PythonTypes.NameOf(value)}"),
    };

    private void WriteSequence(SequenceValue sequence, int depth)
    {
        if (sequence.Count == 0)
        {
            _text.Append("[]");
            return;
        }

        _text.Append('[');
        for (int i = 0; i < sequence.Count; i++)
        {
            StartItem(i, depth + 1);
            Write(sequence.Items[i], depth + 1);
        }

        EndItems(depth);
        _text.Append(']');
    }

    private void WriteDict(DictValue dict, int depth)
    {
        if (dict.Count == 0)
        {
            _text.Append("{}");
            return;
        }

        object?[] keys = [.. dict.Keys], values = new object?[dict.Count];
        for (int i = 0; i < values.Length; i++)
            values[i] = dict.ValueAt(i);
        if (sortKeys)
        {
            object?[] order = [.. keys];
            Comparison.Sort(state, order, values, reverse: false);
            Comparison.Sort(state, order, keys, reverse: false);
        }

        _text.Append('{');
        for (int i = 0; i < keys.Length; i++)
        {
            StartItem(i, depth + 1);
            WriteText(keys[i] is string or MarkupValue ? keys[i]!.ToString()! : Scalar(keys[i]));
            _text.Append(keySeparator);
            Write(values[i], depth + 1);
        }

        EndItems(depth);
        _text.Append('}');
    }

    private void StartItem(int index, int depth)
    {
        if (index > 0)
            _text.Append(itemSeparator);
        NewLine(depth);
    }

    private void EndItems(int depth) => NewLine(depth);

    private void NewLine(int depth)
    {
        if (indent is null)
            return;
        state.Reserve((long)indent.Length * depth);
        _text.Append('\n');
        for (int i = 0; i < depth; i++)
            _text.Append(indent);
    }

    private void WriteText(string text)
    {
        _text.Append('"');
        int start = 0;
        for (int at = 0; at < text.Length; at++)
        {
            char c = text[at];
            if (c >= ' ' && c != '"' && c != '\\' && !(ensureAscii && c > '~'))
                continue;
            _text.Append(text, start, at - start).Append(Escape(c));
            start = at + 1;
        }

        _text.Append(text, start, text.Length - start).Append('"');
    }

    private static string Escape(char c) => c switch
    {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        '\b' => "\\b",
        '\f' => "\\f",
        _ => string.Create(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
    };
}
