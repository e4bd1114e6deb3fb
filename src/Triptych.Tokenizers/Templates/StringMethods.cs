using System.Text;

namespace Triptych.Tokenizers.Templates;

/// <summary>The methods of Python's strings.</summary>
internal static partial class StringMethods
{
    public static readonly Dictionary<string, Builtin> Table = Members.Table(
        ("upper", "/", (state, self, _) => Made(state, CaseMapping.Upper(Self(state, self)))),
        ("lower", "/", (state, self, _) => Made(state, CaseMapping.Lower(Self(state, self)))),
        ("casefold", "/", (state, self, _) => Made(state, CaseMapping.Fold(Self(state, self)))),
        ("swapcase", "/", (state, self, _) => Made(state, CaseMapping.SwapCase(Self(state, self)))),
        ("title", "/", (state, self, _) => Made(state, CaseMapping.Title(Self(state, self)))),
        ("capitalize", "/", (state, self, _) => Made(state, CaseMapping.Capitalize(Self(state, self)))),
        ("strip", "/; chars=None", (state, self, a) => Strip(state, self, a[0], left: true, right: true)),
        ("lstrip", "/; chars=None", (state, self, a) => Strip(state, self, a[0], left: true, right: false)),
        ("rstrip", "/; chars=None", (state, self, a) => Strip(state, self, a[0], left: false, right: true)),
        ("split", "sep=None; maxsplit=-1", (state, self, a) => Split(state, self, a[0], a[1], fromEnd: false)),
        ("rsplit", "sep=None; maxsplit=-1", (state, self, a) => Split(state, self, a[0], a[1], fromEnd: true)),
        ("splitlines", "keepends=False", (state, self, a) => List(state, SplitLines(Self(state, self), Iteration.IsTrue(a[0])))),
        ("join", "/; iterable", (state, self, a) => Join(state, (string)self!, a[0])),
        ("replace", "old; new; count=-1", (state, self, a) => Replace(state, (string)self!, Text(a[0]), Text(a[1]), Int(a[2]))),
        ("startswith", "/; prefix; start=0; end=None", (state, self, a) => Affix(state, self, a, atEnd: false)),
        ("endswith", "/; suffix; start=0; end=None", (state, self, a) => Affix(state, self, a, atEnd: true)),
        ("removeprefix", "/; prefix", (state, self, a) => RemoveAffix(state, self, Text(a[0]), atEnd: false)),
        ("removesuffix", "/; suffix", (state, self, a) => RemoveAffix(state, self, Text(a[0]), atEnd: true)),
        ("find", "/; sub; start=0; end=None", (state, self, a) => Numbers.Box((long)Find(state, self, a, last: false))),
        ("rfind", "/; sub; start=0; end=None", (state, self, a) => Numbers.Box((long)Find(state, self, a, last: true))),
        ("index", "/; sub; start=0; end=None", (state, self, a) => Index(state, self, a, last: false)),
        ("rindex", "/; sub; start=0; end=None", (state, self, a) => Index(state, self, a, last: true)),
        ("count", "/; sub; start=0; end=None", Count),
        ("partition", "/; sep", (state, self, a) => Partition(state, self, Text(a[0]), last: false)),
        ("rpartition", "/; sep", (state, self, a) => Partition(state, self, Text(a[0]), last: true)),
        ("center", "/; width; fillchar=' '", (state, self, a) => Pad(state, self, a[0], a[1], Alignment.Center)),
        ("ljust", "/; width; fillchar=' '", (state, self, a) => Pad(state, self, a[0], a[1], Alignment.Left)),
        ("rjust", "/; width; fillchar=' '", (state, self, a) => Pad(state, self, a[0], a[1], Alignment.Right)),
        ("zfill", "/; width", ZFill),
        ("expandtabs", "tabsize=8", ExpandTabs),
        ("format", "*", (state, self, a) => new BraceFormat(
            state, ((TupleValue)a[0]!).Items, (DictValue)a[1]!, escape: false).Format(Self(state, self))),
        ("format_map", "/; mapping", (state, self, a) => new BraceFormat(
            state, [], a[0] as DictValue ?? throw new TemplateError("format_map() takes a mapping"), escape: false).Format(Self(state, self))),
        ("translate", "/; table", Translate),
        ("isdigit", "/", (state, self, _) => Numbers.Box(PythonText.All(Self(state, self), PythonText.IsDigit))),
        ("isdecimal", "/", (state, self, _) => Numbers.Box(PythonText.All(Self(state, self), PythonText.IsDecimal))),
        ("isnumeric", "/", (state, self, _) => Numbers.Box(PythonText.All(Self(state, self), PythonText.IsNumeric))),
        ("isalpha", "/", (state, self, _) => Numbers.Box(PythonText.All(Self(state, self), PythonText.IsLetter))),
        ("isalnum", "/", (state, self, _) => Numbers.Box(PythonText.All(
            Self(state, self), rune => PythonText.IsLetter(rune) || PythonText.IsNumeric(rune)))),
        ("isspace", "/", (state, self, _) => Numbers.Box(PythonText.All(
            Self(state, self), rune => rune.IsBmp && PythonText.IsSpace((char)rune.Value)))),
        ("isascii", "/", (state, self, _) => Numbers.Box(Ascii.IsValid(Self(state, self)))),
        ("isprintable", "/", (state, self, _) => Numbers.Box(
            (string)self! == "" || PythonText.All(Self(state, self), PythonText.IsPrintable))),
        ("isidentifier", "/", (state, self, _) => Numbers.Box(PythonText.IsIdentifier(Self(state, self)))),
        ("islower", "/", (state, self, _) => Numbers.Box(CaseMapping.IsAllLower(Self(state, self)))),
        ("isupper", "/", (state, self, _) => Numbers.Box(CaseMapping.IsAllUpper(Self(state, self)))),
        ("istitle", "/", (state, self, _) => Numbers.Box(CaseMapping.IsTitle(Self(state, self)))));

    /// <summary>Beyond any length, and far enough from overflow.</summary>
    private const int MaxInt = 1 << 30;

    private enum Alignment
    {
        Left,
        Center,
        Right,
    }

    /// <summary>The text of a string argument.</summary>
    public static string Text(object? value) => value as string ?? (value as MarkupValue)?.Text
        ?? throw new TemplateError($"expected a string, not {PythonTypes.NameOf(value)}");

    /// <summary>An integer argument; what is beyond the range of lengths becomes its end.</summary>
    public static int Int(object? value) => value switch
    {
        System.Numerics.BigInteger big => big.Sign < 0 ? -MaxInt : MaxInt,
        _ => Numbers.TryLong(value, out long number) ? (int)Math.Clamp(number, -MaxInt, MaxInt)
            : value is UndefinedValue undefined ? throw undefined.Fail()
            : throw new TemplateError($"'{PythonTypes.NameOf(value)}' object cannot be interpreted as an integer"),
    };

    /// <summary>A part of something so long, as Python cuts it off at both ends.</summary>
    public static (int Start, int End) Range(object? start, object? end, int length)
    {
        int Cut(int index) => index < 0 ? Math.Max(index + length, 0) : Math.Min(index, length);
        int first = start is null ? 0 : Int(start), last = end is null ? length : Int(end);
        return (first > length ? first : Cut(first), Cut(last));
    }

    /// <summary>Cuts at white space, at most so many times.</summary>
    public static List<string> SplitSpace(string text, int max, bool fromEnd = false)
    {
        var parts = new List<string>();
        int start = 0, end = text.Length;
        while (true)
        {
            TrimSpace(text, ref start, ref end, fromEnd);
            if (start == end)
                break;
            if (max >= 0 && parts.Count == max)
            {
                parts.Add(text[start..end]);
                break;
            }

            int at = fromEnd ? end : start;
            if (fromEnd)
            {
                while (at > start && !PythonText.IsSpace(text[at - 1]))
                    at--;
                parts.Add(text[at..end]);
                end = at;
            }
            else
            {
                while (at < end && !PythonText.IsSpace(text[at]))
                    at++;
                parts.Add(text[start..at]);
                start = at;
            }
        }

        if (fromEnd)
            parts.Reverse();
        return parts;
    }

    private static void TrimSpace(string text, ref int start, ref int end, bool fromEnd)
    {
        if (fromEnd)
        {
            while (end > start && PythonText.IsSpace(text[end - 1]))
                end--;
            return;
        }

        while (start < end && PythonText.IsSpace(text[start]))
            start++;
    }

    public static List<string> SplitLines(string text, bool keepEnds)
    {
        var lines = new List<string>();
        int start = 0;
        for (int at = 0; at < text.Length; at++)
        {
            if (text[at] is not ((>= '\n' and <= '\r') or (>= '\x1c' and <= '\x1e') or '\x85' or '\u2028' or '\u2029'))
                continue;
            int end = text[at] == '\r' && at + 1 < text.Length && text[at + 1] == '\n' ? at + 2 : at + 1;
            lines.Add(text[start..(keepEnds ? end : at)]);
            start = end;
            at = end - 1;
        }

        if (start < text.Length)
            lines.Add(text[start..]);
        return lines;
    }

    public static string Join(RenderState state, string separator, object? items)
    {
        var result = new StringBuilder();
        long index = 0;
        foreach (object? item in Iteration.Items(state, items))
        {
            if (item is not (string or MarkupValue))
                throw new TemplateError($"sequence item {index}: expected str instance, {PythonTypes.NameOf(item)} found");
            Append(state, result, index++ == 0 ? "" : separator, item.ToString()!);
        }

        return result.ToString();
    }

    public static void Append(RenderState state, StringBuilder result, string separator, string item)
    {
        state.Reserve((long)separator.Length + item.Length);
        result.Append(separator).Append(item);
    }

    public static string Replace(RenderState state, string text, string old, string replacement, int count)
    {
        state.Scan(text.Length);
        if (count == 0 || old.Length > text.Length)
            return text;
        if (old.Length == 0)
            return Interleave(state, text, replacement, count);
        state.Search(text.Length, old.Length);
        int at = text.IndexOf(old, StringComparison.Ordinal);
        if (at < 0)
            return text;
        var result = new StringBuilder(text.Length);
        int start = 0;
        for (int done = 0; at >= 0 && done != count; done++)
        {
            state.Reserve(at - start + (long)replacement.Length);
            result.Append(text, start, at - start).Append(replacement);
            start = at + old.Length;
            at = text.IndexOf(old, start, StringComparison.Ordinal);
        }

        return Made(state, result.Append(text, start, text.Length - start).ToString());
    }

    private static string Interleave(RenderState state, string text, string replacement, int count)
    {
        var result = new StringBuilder();
        int at = 0;
        for (int done = 0; at <= text.Length && done != count; done++)
        {
            state.Reserve(2L + replacement.Length);
            result.Append(replacement);
            if (at == text.Length)
                break;
            int length = CodePoints.LengthAt(text, at);
            result.Append(text, at, length);
            at += length;
        }

        return Made(state, result.Append(text, at, text.Length - at).ToString());
    }

    private static string Self(RenderState state, object? self)
    {
        string text = (string)self!;
        state.Scan(text.Length * 16L);
        return text;
    }

    private static string Made(RenderState state, string text)
    {
        state.Reserve(text.Length);
        return text;
    }

    public static ListValue List(RenderState state, List<string> parts)
    {
        long length = 0;
        foreach (string part in parts)
            length += part.Length;
        state.Reserve(length);
        state.ReserveItems(parts.Count);
        return new ListValue([.. parts]);
    }
}
