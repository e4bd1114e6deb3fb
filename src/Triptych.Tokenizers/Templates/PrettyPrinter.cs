using System.Text;

namespace Triptych.Tokenizers.Templates;

/// <summary>Python's <c>pprint.pformat</c>: values too wide for a line are broken, and keys of dictionaries are sorted.</summary>
internal sealed class PrettyPrinter(RenderState state)
{
    private const int Width = 80;

    private readonly StringBuilder _text = new();

    public static string Print(RenderState state, object? value)
    {
        var printer = new PrettyPrinter(state);
        printer.Write(printer.Sorted(value, 0), 0, 0, 1);
        return printer._text.ToString();
    }

    private object? Sorted(object? value, int depth)
    {
        Comparison.Descend(depth);
        if (value is SequenceValue sequence)
        {
            state.ReserveItems(sequence.Count);
            return sequence.Make([.. sequence.Items.Select(item => Sorted(item, depth + 1))]);
        }

        if (value is not DictValue dict)
            return value;
        object?[] order = [.. dict.Keys], keys = [.. dict.Keys];
        Comparison.Sort(state, keys, (i, j) => ComesBefore(order[j], order[i]));
        state.ReserveItems(keys.Length * 2L);
        var sorted = new DictValue(keys.Length);
        foreach (object? key in keys)
            sorted.Set(key, Sorted(dict.TryGet(key, out object? item) ? item : null, depth + 1));
        return sorted;
    }

    /// <summary>The order of values, or of the names of their types where they have none.</summary>
    private static bool ComesBefore(object? left, object? right)
    {
        bool areTexts = left is string or MarkupValue && right is string or MarkupValue;
        if (areTexts || Numbers.IsNumber(left) && Numbers.IsNumber(right))
            return Comparison.IsLess(left, right, false, "<");
        return string.CompareOrdinal(PythonTypes.NameOf(left), PythonTypes.NameOf(right)) < 0;
    }

    private void Write(object? value, int indent, int allowance, int level)
    {
        string text = Printer.Repr(state, value);
        state.Reserve(indent + 1L);
        if (CodePoints.Count(text) <= Width - indent - allowance)
            _text.Append(text);
        else if (value is DictValue { Count: > 0 } dict)
            WriteDict(dict, indent + 1, allowance + 1, level);
        else if (value is ListValue { Count: > 0 } list)
            WriteItems('[', list.Items, "]", indent + 1, allowance + 1, level);
        else if (value is TupleValue { Count: > 0 } tuple)
            WriteItems('(', tuple.Items, tuple.Count == 1 ? ",)" : ")", indent + 1, allowance + (tuple.Count == 1 ? 2 : 1), level);
        else if (value is string { Length: > 0 } line)
            WriteText(line, text, indent, allowance, level);
        else
            _text.Append(text);
    }

    private void WriteDict(DictValue dict, int indent, int allowance, int level)
    {
        _text.Append('{');
        for (int i = 0; i < dict.Count; i++)
        {
            if (i > 0)
                _text.Append(",\n").Append(' ', indent);
            string key = Printer.Repr(state, dict.KeyAt(i));
            _text.Append(key).Append(": ");
            Write(dict.ValueAt(i), indent + CodePoints.Count(key) + 2, i == dict.Count - 1 ? allowance : 1, level + 1);
        }

        _text.Append('}');
    }

    private void WriteItems(char open, object?[] items, string close, int indent, int allowance, int level)
    {
        _text.Append(open);
        for (int i = 0; i < items.Length; i++)
        {
            if (i > 0)
                _text.Append(",\n").Append(' ', indent);
            Write(items[i], indent, i == items.Length - 1 ? allowance : 1, level + 1);
        }

        _text.Append(close);
    }

    private void WriteText(string text, string whole, int indent, int allowance, int level)
    {
        if (level == 1)
            (indent, allowance) = (indent + 1, allowance + 1);
        List<string> lines = StringMethods.SplitLines(text, keepEnds: true), chunks = [];
        for (int i = 0; i < lines.Count; i++)
        {
            bool isLast = i == lines.Count - 1;
            string line = PythonText.Repr(lines[i]);
            if (CodePoints.Count(line) <= Width - indent - (isLast ? allowance : 0))
                chunks.Add(line);
            else
                AddParts(chunks, lines[i], Width - indent, isLast ? allowance : 0);
        }

        if (chunks.Count == 1)
        {
            _text.Append(whole);
            return;
        }

        state.Reserve(text.Length * 2L + (long)chunks.Count * indent);
        _text.Append(level == 1 ? "(" : "");
        for (int i = 0; i < chunks.Count; i++)
        {
            if (i > 0)
                _text.Append('\n').Append(' ', indent);
            _text.Append(chunks[i]);
        }

        _text.Append(level == 1 ? ")" : "");
    }

    private static void AddParts(List<string> chunks, string line, int width, int allowance)
    {
        string current = "";
        for (int at = 0; at < line.Length;)
        {
            int end = at;
            while (end < line.Length && !PythonText.IsSpace(line[end]))
                end++;
            while (end < line.Length && PythonText.IsSpace(line[end]))
                end++;
            string part = line[at..end], candidate = current + part;
            bool fits = CodePoints.Count(PythonText.Repr(candidate)) <= width - (end == line.Length ? allowance : 0);
            if (!fits && current.Length > 0)
                chunks.Add(PythonText.Repr(current));
            current = fits ? candidate : part;
            at = end;
        }

        if (current.Length > 0)
            chunks.Add(PythonText.Repr(current));
    }
}
