using System.Globalization;
using System.Text;

namespace Triptych.Tokenizers.Templates;

/// <summary>Python's <c>str.format</c>; attributes and items are looked up with the rules of the sandbox.</summary>
internal sealed class BraceFormat(RenderState state, object?[] positional, DictValue named, bool escape)
{
    private const int MaxNesting = 2;

    private int _next;
    private bool _isNumbered;

    public string Format(string format) => Format(format, MaxNesting);

    private string Format(string format, int nesting)
    {
        if (nesting < 0)
            throw new TemplateError("Max string recursion exceeded");
        var result = new StringBuilder();
        for (int at = 0; at < format.Length;)
        {
            char c = format[at];
            if (c is '{' or '}' && at + 1 < format.Length && format[at + 1] == c)
            {
                result.Append(c);
                at += 2;
            }
            else if (c == '}')
            {
                throw new TemplateError("Single '}' encountered in format string");
            }
            else if (c == '{')
            {
                int end = FieldEnd(format, at);
                result.Append(FormatField(format[(at + 1)..end], nesting));
                at = end + 1;
            }
            else
            {
                int next = format.AsSpan(at).IndexOfAny('{', '}');
                int length = next < 0 ? format.Length - at : next;
                result.Append(format, at, length);
                at += length;
            }

            state.Step();
        }

        state.Reserve(result.Length);
        return result.ToString();
    }

    private static int FieldEnd(string format, int start)
    {
        int depth = 0;
        bool inIndex = false;
        for (int at = start; at < format.Length; at++)
        {
            char c = format[at];
            if (c == '[' && depth == 1)
                inIndex = true;
            else if (c == ']')
                inIndex = false;
            else if (c == '{' && !inIndex)
                depth++;
            else if (c == '}' && !inIndex && --depth == 0)
                return at;
        }

        throw new TemplateError(start + 1 == format.Length
            ? "Single '{' encountered in format string" : "expected '}' before end of string");
    }

    private string FormatField(string field, int nesting)
    {
        int nameEnd = 0;
        for (bool inIndex = false; nameEnd < field.Length && (inIndex || field[nameEnd] is not ('!' or ':')); nameEnd++)
            inIndex = field[nameEnd] == '[' || inIndex && field[nameEnd] != ']';
        object? value = Find(field[..nameEnd]);
        string spec = "";
        char conversion = '\0';
        if (nameEnd < field.Length && field[nameEnd] == '!')
        {
            if (nameEnd + 1 >= field.Length)
                throw new TemplateError("end of string while looking for conversion specifier");
            conversion = field[nameEnd + 1];
            nameEnd += 2;
            if (nameEnd < field.Length && field[nameEnd] != ':')
                throw new TemplateError("expected ':' after conversion specifier");
        }

        if (nameEnd < field.Length)
            spec = Format(field[(nameEnd + 1)..], nesting - 1);
        value = conversion switch
        {
            '\0' => value,
            's' => Printer.ToText(state, value),
            'r' => Printer.Repr(state, value),
            'a' => Printer.Repr(state, value, asciiOnly: true),
            _ => throw new TemplateError($"Unknown conversion specifier {conversion}"),
        };
        if (escape && value is MarkupValue markup)
            return spec.Length == 0 ? markup.Text : throw new TemplateError("Unsupported format specification for Markup.");
        string text = FormatSpec.Format(state, value, spec);
        return escape ? Markup.EscapeText(state, text) : text;
    }

    private object? Find(string name)
    {
        int end = name.AsSpan().IndexOfAny('.', '[');
        string first = end < 0 ? name : name[..end];
        object? value = FindFirst(first);
        for (int at = first.Length; at < name.Length;)
        {
            if (name[at] == '.')
            {
                int stop = name.AsSpan(at + 1).IndexOfAny('.', '[') is >= 0 and int length ? at + 1 + length : name.Length;
                if (stop == at + 1)
                    throw new TemplateError("Empty attribute in format string");
                value = Lookup.Attribute(value, name[(at + 1)..stop]);
                at = stop;
            }
            else
            {
                int stop = name[at] == '[' ? name.IndexOf(']', at) : -1;
                if (stop < 0)
                    throw new TemplateError(name[at] == '[' ? "Missing ']' in format string"
                        : "Only '.' or '[' may follow ']' in format field specifier");
                if (stop == at + 1)
                    throw new TemplateError("Empty attribute in format string");
                string key = name[(at + 1)..stop];
                value = Lookup.Item(value, long.TryParse(key, NumberStyles.None, CultureInfo.InvariantCulture, out long index)
                    ? Numbers.Box(index) : key);
                at = stop + 1;
            }
        }

        return value;
    }

    private object? FindFirst(string name)
    {
        if (name.Length == 0)
        {
            if (_isNumbered)
                throw new TemplateError("cannot switch from manual field specification to automatic field numbering");
            return At(_next++);
        }

        if (int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int index))
        {
            if (_next > 0)
                throw new TemplateError("cannot switch from automatic field numbering to manual field specification");
            _isNumbered = true;
            return At(index);
        }

        return named.TryGet(name, out object? value) ? value : throw new TemplateError($"there is no {PythonText.Repr(name)} for the format");
    }

    private object? At(int index) => index < positional.Length ? positional[index]
        : throw new TemplateError("Replacement index out of range for positional args tuple");
}
