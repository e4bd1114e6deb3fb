using System.Buffers;
using System.Globalization;
using System.Text;

namespace Triptych.Tokenizers.Templates;

/// <summary>Filters of texts.</summary>
internal static class TextFilters
{
    /// <summary>By how much a text may be longer before it is truncated.</summary>
    private const int TruncateLeeway = 5;

    private static readonly SearchValues<char> NotInKeys = SearchValues.Create(" \t\n\r\f\v/>=");

    public static readonly (string, string, BuiltinBody)[] All =
    [
        ("upper", "/", (state, value, _) => Change(state, value, "upper")),
        ("lower", "/", (state, value, _) => Change(state, value, "lower")),
        ("capitalize", "/", (state, value, _) => Change(state, value, "capitalize")),
        ("trim", "chars=None", (state, value, a) => Change(state, value, "strip", a[0])),
        ("center", "width=80", (state, value, a) => Change(state, value, "center", a[0])),
        ("title", "/", Title),
        ("replace", "old; new; count=None", Replace),
        ("indent", "width=4; first=False; blank=False", Indent),
        ("truncate", "length=255; killwords=False; end='...'; leeway=None", Truncate),
        ("wordwrap", "width=79; break_long_words=True; wrapstring=None; break_on_hyphens=True", WordWrap.Filter),
        ("wordcount", "/", CountWords),
        ("format", "*", Format),
        ("e", "/", (state, value, _) => Markup.Escape(state, value)),
        ("escape", "/", (state, value, _) => Markup.Escape(state, value)),
        ("forceescape", "/", (state, value, _) => new MarkupValue(Markup.EscapeText(state, Printer.ToText(state, value)))),
        ("safe", "/", (state, value, _) => new MarkupValue(Printer.ToText(state, value))),
        ("striptags", "/", (state, value, _) => Markup.StripTags(state, Printer.ToText(state, value))),
        ("urlencode", "/", UrlEncode),
        ("xmlattr", "autospace=True", XmlAttributes),
        ("pprint", "/", (state, value, _) => PrettyPrinter.Print(state, value)),
    ];

    /// <summary>Calls a method of the text of a value.</summary>
    private static object? Change(RenderState state, object? value, string method, params object?[] arguments)
    {
        object text = value as MarkupValue ?? (object)Printer.ToText(state, value);
        return Members.FindMethod(text, method)!.Invoke(state, text, new Arguments(arguments));
    }

    private static object Wrap(object? original, string text) => original is MarkupValue ? new MarkupValue(text) : text;

    private static object Title(RenderState state, object? value, object?[] arguments)
    {
        string text = Printer.ToText(state, value);
        state.Scan(text.Length * 16L);
        var result = new StringBuilder(text.Length);
        for (int at = 0; at < text.Length;)
        {
            bool isSeparator = IsWordSeparator(text[at]);
            int end = at;
            while (end < text.Length && IsWordSeparator(text[end]) == isSeparator)
                end++;
            int first = at + CodePoints.LengthAt(text, at);
            result.Append(isSeparator ? text[at..end] : CaseMapping.Upper(text[at..first]) + CaseMapping.Lower(text[first..end]));
            at = end;
        }

        state.Reserve(result.Length);
        return result.ToString();
    }

    private static bool IsWordSeparator(char c) => c is '-' or '(' or '{' or '[' or '<' || PythonText.IsSpace(c);

    private static object Replace(RenderState state, object? value, object?[] a)
    {
        int count = a[2] is null ? -1 : StringMethods.Int(a[2]);
        return StringMethods.Replace(
            state, Printer.ToText(state, value), Printer.ToText(state, a[0]), Printer.ToText(state, a[1]), count);
    }

    private static object Indent(RenderState state, object? value, object?[] a)
    {
        if (value is UndefinedValue undefined)
            throw undefined.Fail();
        string indent = a[0] is string or MarkupValue ? a[0]!.ToString()!
            : (string)Arithmetic.Multiply(state, " ", Numbers.Box((long)Math.Max(StringMethods.Int(a[0]), 0)));
        List<string> lines = StringMethods.SplitLines(StringMethods.Text(value) + "\n", keepEnds: false);
        var result = new StringBuilder();
        for (int i = 0; i < lines.Count; i++)
        {
            bool indents = i == 0 ? Iteration.IsTrue(a[1]) : lines[i].Length > 0 || Iteration.IsTrue(a[2]);
            StringMethods.Append(state, result, i == 0 ? "" : "\n", indents ? indent : "");
            StringMethods.Append(state, result, "", lines[i]);
        }

        return Wrap(value, result.ToString());
    }

    private static object? Truncate(RenderState state, object? value, object?[] a)
    {
        int length = StringMethods.Int(a[0]), leeway = a[3] is null ? TruncateLeeway : StringMethods.Int(a[3]);
        string end = StringMethods.Text(a[2]);
        int endLength = CodePoints.Count(end);
        if (length < endLength)
            throw new TemplateError($"expected length >= {endLength}, got {length}");
        if (leeway < 0)
            throw new TemplateError($"expected leeway >= 0, got {leeway}");
        if (Iteration.Length(value) <= length + leeway)
            return value;
        string text = StringMethods.Text(value);
        string start = text[..CodePoints.OffsetOf(text, length - endLength)];
        if (!Iteration.IsTrue(a[1]) && start.LastIndexOf(' ') is >= 0 and int space)
            start = start[..space];
        state.Reserve(start.Length + end.Length);
        return Wrap(value, start + (value is MarkupValue ? Markup.Escape(state, a[2]).Text : end));
    }

    private static object CountWords(RenderState state, object? value, object?[] arguments)
    {
        string text = Printer.ToText(state, value);
        state.Scan(text.Length * 16L);
        long count = 0;
        bool inWord = false;
        foreach (Rune rune in text.EnumerateRunes())
        {
            bool isWord = PythonText.IsWordCharacter(rune);
            count += isWord && !inWord ? 1 : 0;
            inWord = isWord;
        }

        return Numbers.Box(count);
    }

    private static object Format(RenderState state, object? value, object?[] a)
    {
        var positional = (TupleValue)a[0]!;
        var named = (DictValue)a[1]!;
        if (positional.Count > 0 && named.Count > 0)
            throw new TemplateError("can't handle positional and keyword arguments at the same time");
        object text = value as MarkupValue ?? (object)Printer.ToText(state, value);
        return Arithmetic.Modulo(state, text, named.Count > 0 ? named : positional);
    }

    private static object UrlEncode(RenderState state, object? value, object?[] arguments)
    {
        if (value is string or MarkupValue || !Iteration.IsIterable(value))
            return Quote(state, value, forQuery: false);
        var result = new StringBuilder();
        object? pairs = value is DictValue dict ? new DictView(dict, DictViewKind.Items) : value;
        foreach (object? pair in Iteration.Items(state, pairs))
        {
            if (!Iteration.IsIterable(pair) || Iteration.ToArray(state, pair) is not [var key, var item])
                throw new TemplateError("urlencode takes a text, a dictionary, or pairs");
            StringMethods.Append(state, result, result.Length > 0 ? "&" : "", Quote(state, key, forQuery: true) + "=");
            StringMethods.Append(state, result, "", Quote(state, item, forQuery: true));
        }

        return result.ToString();
    }

    private static string Quote(RenderState state, object? value, bool forQuery)
    {
        string text = Printer.ToText(state, value);
        state.Reserve(text.Length * 3L);
        var result = new StringBuilder(text.Length);
        byte[] bytes;
        try
        {
            bytes = new UTF8Encoding(false, throwOnInvalidBytes: true).GetBytes(text);
        }
        catch (EncoderFallbackException)
        {
            throw new TemplateError("urlencode: the text has unpaired surrogates");
        }

        foreach (byte b in bytes)
        {
            char c = (char)b;
            if (char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-' or '~' || c == '/' && !forQuery)
                result.Append(c);
            else if (c == ' ' && forQuery)
                result.Append('+');
            else
                result.Append('%').Append(b.ToString("X2", CultureInfo.InvariantCulture));
        }

        return result.ToString();
    }

    private static object XmlAttributes(RenderState state, object? value, object?[] a)
    {
        if (value is UndefinedValue undefined)
            throw undefined.Fail();
        if (value is not DictValue dict)
            throw new TemplateError($"'{PythonTypes.NameOf(value)}' object has no attribute 'items'");
        var result = new StringBuilder();
        for (int i = 0; i < dict.Count; i++)
        {
            if (dict.ValueAt(i) is null or UndefinedValue)
                continue;
            string key = StringMethods.Text(dict.KeyAt(i));
            if (key.AsSpan().ContainsAny(NotInKeys))
                throw new TemplateError($"Invalid character in attribute name: {PythonText.Repr(key)}");
            string text = Markup.Escape(state, dict.ValueAt(i)).Text;
            StringMethods.Append(state, result, result.Length > 0 ? " " : "", $"{Markup.Escape(state, dict.KeyAt(i)).Text}=\"{text}\"");
        }

        return result.Length > 0 && Iteration.IsTrue(a[0]) ? result.Insert(0, ' ').ToString() : result.ToString();
    }
}
