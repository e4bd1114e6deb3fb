using System.Text;

namespace Triptych.Tokenizers.Templates;

/// <summary>The methods that search, cut and pad strings.</summary>
internal static partial class StringMethods
{
    public static string Strip(RenderState state, object? self, object? characters, bool left, bool right)
    {
        string text = (string)self!;
        state.Scan(text.Length);
        int start = 0, end = text.Length;
        if (characters is null)
        {
            if (left)
                TrimSpace(text, ref start, ref end, fromEnd: false);
            if (right)
                TrimSpace(text, ref start, ref end, fromEnd: true);
        }
        else
        {
            (start, end) = Trim(state, text, Text(characters), left, right);
        }

        return start == 0 && end == text.Length ? text : Made(state, text[start..end]);
    }

    private static (int Start, int End) Trim(RenderState state, string text, string characters, bool left, bool right)
    {
        var set = new HashSet<Rune>();
        foreach (Rune rune in characters.EnumerateRunes())
            set.Add(rune);
        state.Step(characters.Length);
        int start = 0, end = text.Length;
        while (left && start < end && Rune.TryGetRuneAt(text, start, out Rune rune) && set.Contains(rune))
            start += rune.Utf16SequenceLength;
        while (right && end > start
            && Rune.DecodeLastFromUtf16(text.AsSpan(start, end - start), out Rune rune, out int length) == default && set.Contains(rune))
            end -= length;
        state.Step(text.Length - (end - start));
        return (start, end);
    }

    private static ListValue Split(RenderState state, object? self, object? separator, object? maxSplit, bool fromEnd)
    {
        string text = (string)self!;
        int max = Int(maxSplit);
        state.Scan(text.Length);
        if (separator is null)
            return List(state, SplitSpace(text, max, fromEnd));
        string by = Text(separator);
        if (by.Length == 0)
            throw new TemplateError("empty separator");
        state.Search(text.Length, by.Length);
        return List(state, fromEnd && max >= 0 ? SplitFromEnd(text, by, max) : SplitFromStart(text, by, max, fromEnd));
    }

    private static List<string> SplitFromStart(string text, string by, int max, bool fromEnd)
    {
        if (fromEnd)
            return SplitFromEnd(text, by, int.MaxValue);
        var parts = new List<string>();
        int start = 0;
        for (int at; parts.Count != max && (at = text.IndexOf(by, start, StringComparison.Ordinal)) >= 0; start = at + by.Length)
            parts.Add(text[start..at]);
        parts.Add(text[start..]);
        return parts;
    }

    private static List<string> SplitFromEnd(string text, string by, int max)
    {
        var parts = new List<string>();
        int end = text.Length;
        for (int at; parts.Count != max && (at = text.AsSpan(0, end).LastIndexOf(by)) >= 0; end = at)
            parts.Add(text[(at + by.Length)..end]);
        parts.Add(text[..end]);
        parts.Reverse();
        return parts;
    }

    private static object Affix(RenderState state, object? self, object?[] arguments, bool atEnd)
    {
        string text = Part((string)self!, arguments[1], arguments[2], out bool isOutside);
        if (arguments[0] is not TupleValue several)
            return Numbers.Box(Has(arguments[0]));
        bool any = false;
        foreach (object? one in several.Items)
            any |= Has(one);
        return Numbers.Box(any);

        bool Has(object? affix)
        {
            string sought = Text(affix);
            state.Scan(sought.Length);
            return !isOutside && (atEnd ? text.EndsWith(sought, StringComparison.Ordinal) : text.StartsWith(sought, StringComparison.Ordinal));
        }
    }

    private static string Part(string text, object? start, object? end, out bool isOutside)
    {
        isOutside = false;
        if (end is null && start is 0L)
            return text;
        int length = CodePoints.Count(text);
        (int first, int last) = Range(start, end, length);
        isOutside = first > last;
        return isOutside ? "" : CodePoints.Slice(text, first, last - first, 1);
    }

    private static string RemoveAffix(RenderState state, object? self, string affix, bool atEnd)
    {
        string text = (string)self!;
        state.Scan(affix.Length);
        if (atEnd)
            return affix.Length > 0 && text.EndsWith(affix, StringComparison.Ordinal) ? Made(state, text[..^affix.Length]) : text;
        return text.StartsWith(affix, StringComparison.Ordinal) ? Made(state, text[affix.Length..]) : text;
    }

    private static int Find(RenderState state, object? self, object?[] arguments, bool last)
    {
        string text = (string)self!, sought = Text(arguments[0]);
        string part = Part(text, arguments[1], arguments[2], out bool isOutside);
        state.Search(part.Length, sought.Length);
        int at = isOutside ? -1 : last ? part.AsSpan().LastIndexOf(sought) : part.IndexOf(sought, StringComparison.Ordinal);
        if (last && sought.Length == 0 && !isOutside)
            at = part.Length;
        if (at < 0)
            return -1;
        int offset = arguments[1] is 0L ? 0 : Range(arguments[1], arguments[2], CodePoints.Count(text)).Start;
        return offset + CodePoints.Count(part.AsSpan(0, at));
    }

    private static object Index(RenderState state, object? self, object?[] arguments, bool last)
    {
        int at = Find(state, self, arguments, last);
        return at >= 0 ? Numbers.Box((long)at) : throw new TemplateError("substring not found");
    }

    private static object Count(RenderState state, object? self, object?[] arguments)
    {
        string part = Part((string)self!, arguments[1], arguments[2], out bool isOutside), sought = Text(arguments[0]);
        state.Search(part.Length, sought.Length);
        if (sought.Length == 0)
            return Numbers.Box(isOutside ? 0L : CodePoints.Count(part) + 1);
        return Numbers.Box((long)part.AsSpan().Count(sought));
    }

    private static TupleValue Partition(RenderState state, object? self, string separator, bool last)
    {
        string text = (string)self!;
        if (separator.Length == 0)
            throw new TemplateError("empty separator");
        state.Search(text.Length, separator.Length);
        state.Reserve(text.Length);
        int at = last ? text.AsSpan().LastIndexOf(separator) : text.IndexOf(separator, StringComparison.Ordinal);
        if (at < 0)
            return new TupleValue(last ? ["", "", text] : [text, "", ""]);
        return new TupleValue([text[..at], separator, text[(at + separator.Length)..]]);
    }

    private static string Pad(RenderState state, object? self, object? width, object? fill, Alignment alignment)
    {
        string text = (string)self!, character = Text(fill);
        if (CodePoints.Count(character) != 1)
            throw new TemplateError("The fill character must be exactly one character long");
        int wanted = Int(width), missing = wanted - CodePoints.Count(text);
        if (missing <= 0)
            return text;
        int left = alignment == Alignment.Left ? 0 : alignment == Alignment.Right ? missing : missing / 2 + (missing & wanted & 1);
        state.Reserve(text.Length + (long)missing * character.Length);
        return Repeat(character, left) + text + Repeat(character, missing - left);
    }

    private static string Repeat(string character, int count) =>
        character.Length == 1 ? new string(character[0], count) : string.Concat(Enumerable.Repeat(character, count));

    private static object ZFill(RenderState state, object? self, object?[] arguments)
    {
        string text = (string)self!;
        int missing = Int(arguments[0]) - CodePoints.Count(text);
        if (missing <= 0)
            return text;
        state.Reserve(text.Length + (long)missing);
        return text.Insert(text.Length > 0 && text[0] is '+' or '-' ? 1 : 0, new string('0', missing));
    }

    private static object ExpandTabs(RenderState state, object? self, object?[] arguments)
    {
        int size = Int(arguments[0]);
        var result = new StringBuilder();
        int column = 0;
        foreach (char c in Self(state, self))
        {
            if (c == '\t')
            {
                int spaces = size > 0 ? size - column % size : 0;
                state.Reserve(spaces);
                result.Append(' ', spaces);
                column += spaces;
                continue;
            }

            result.Append(c);
            column = c is '\n' or '\r' ? 0 : column + (char.IsLowSurrogate(c) ? 0 : 1);
        }

        return Made(state, result.ToString());
    }

    private static object Translate(RenderState state, object? self, object?[] arguments)
    {
        var result = new StringBuilder();
        foreach (Rune rune in Self(state, self).EnumerateRunes())
        {
            object? mapped = Lookup.TryItem(arguments[0], Numbers.Box((long)rune.Value), out object? found) ? found : rune.ToString();
            string text = mapped switch
            {
                null => "",
                long code and >= 0 and <= 0x10FFFF and not (>= 0xD800 and <= 0xDFFF) => CodePoints.FromValue((int)code),
                _ => Text(mapped),
            };
            Append(state, result, "", text);
        }

        return result.ToString();
    }
}
