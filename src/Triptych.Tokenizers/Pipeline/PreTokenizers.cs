using Triptych.Tokenizers.Unicode;

namespace Triptych.Tokenizers.Pipeline;

/// <summary>The second stage: cuts the normalized text into words.</summary>
internal abstract class PreTokenizer
{
    /// <summary>The cutting, where that is all it does.</summary>
    public virtual Splitter? Splitter => null;

    public abstract void PreTokenize(PreTokenizedString text);

    /// <summary>The parts of a sequence one after another, else itself.</summary>
    public virtual IEnumerable<PreTokenizer> Flatten() => [this];
}

internal sealed class SequencePreTokenizer(PreTokenizer[] parts) : PreTokenizer
{
    public override void PreTokenize(PreTokenizedString text)
    {
        foreach (PreTokenizer part in parts)
            part.PreTokenize(text);
    }

    public override IEnumerable<PreTokenizer> Flatten() => parts.SelectMany(part => part.Flatten());
}

/// <summary>What becomes of the characters that a text is cut at.</summary>
internal enum DelimiterBehavior
{
    Removed,
    Isolated,
    MergedWithPrevious,
    MergedWithNext,
    Contiguous,
}

/// <summary>Cuts at characters of a class.</summary>
internal sealed class ClassPreTokenizer(CharClass delimiters, DelimiterBehavior behavior) : PreTokenizer
{
    public static ClassPreTokenizer WhitespaceSplit { get; } = new(CharClass.White, DelimiterBehavior.Removed);

    public override Splitter Splitter => Cut;

    public override void PreTokenize(PreTokenizedString text) => text.Split(Cut);

    private void Cut(ReadOnlySpan<char> text, int offset, List<Split> output)
    {
        int start = 0;
        bool afterDelimiter = false;
        for (int i = 0, units; i < text.Length; i += units)
        {
            bool delimiter = UnicodeData.Is(NormalizedString.CodePointAt(text, i, out units), delimiters);
            bool cutBefore = behavior switch
            {
                DelimiterBehavior.Removed or DelimiterBehavior.Isolated => delimiter || afterDelimiter,
                DelimiterBehavior.MergedWithPrevious => afterDelimiter,
                DelimiterBehavior.MergedWithNext => delimiter,
                _ => delimiter != afterDelimiter,
            };
            if (cutBefore && i > start)
            {
                if (behavior != DelimiterBehavior.Removed || !afterDelimiter)
                    output.Add(new Split(offset + start, offset + i));
                start = i;
            }

            afterDelimiter = delimiter;
        }

        if (start < text.Length && (behavior != DelimiterBehavior.Removed || !afterDelimiter))
            output.Add(new Split(offset + start, offset + text.Length));
    }
}

/// <summary>BERT's words: cut at white space, punctuation by itself.</summary>
internal sealed class BertPreTokenizer : PreTokenizer
{
    public override Splitter Splitter => Cut;

    public override void PreTokenize(PreTokenizedString text) => text.Split(Cut);

    private static void Cut(ReadOnlySpan<char> text, int offset, List<Split> output)
    {
        int start = 0;
        for (int i = 0, units; i < text.Length; i += units)
        {
            CharClass classes = UnicodeData.ClassOf(NormalizedString.CodePointAt(text, i, out units));
            if ((classes & (CharClass.White | CharClass.Punctuation)) == 0)
                continue;
            if (start < i)
                output.Add(new Split(offset + start, offset + i));
            start = i + units;
            if ((classes & CharClass.White) == 0)
                output.Add(new Split(offset + i, offset + start));
        }

        if (start < text.Length)
            output.Add(new Split(offset + start, offset + text.Length));
    }
}

/// <summary>The pattern <c>\w+|[^\w\s]+</c>.</summary>
internal sealed class WhitespacePreTokenizer : PreTokenizer
{
    public override Splitter Splitter => Cut;

    public override void PreTokenize(PreTokenizedString text) => text.Split(Cut);

    private static void Cut(ReadOnlySpan<char> text, int offset, List<Split> output)
    {
        const CharClass Kinds = CharClass.Word | CharClass.White;
        int start = 0;
        CharClass current = CharClass.White;
        for (int i = 0, units; i < text.Length; i += units)
        {
            CharClass kind = UnicodeData.ClassOf(NormalizedString.CodePointAt(text, i, out units)) & Kinds;
            if (kind == current)
                continue;
            if (current != CharClass.White)
                output.Add(new Split(offset + start, offset + i));
            (start, current) = (i, kind);
        }

        if (current != CharClass.White)
            output.Add(new Split(offset + start, offset + text.Length));
    }
}

/// <summary>GPT-2's words, each byte of their UTF-8 as a visible character.</summary>
internal sealed class ByteLevelPreTokenizer(bool addPrefixSpace, bool useRegex) : PreTokenizer
{
    public bool AddPrefixSpace => addPrefixSpace;

    public bool UseRegex => useRegex;

    public override void PreTokenize(PreTokenizedString text)
    {
        if (addPrefixSpace)
        {
            text.Rewrite(static (split, content) =>
            {
                if (content.Chars[split.Start] != ' ')
                    content.Append(' ', content.Origins[split.Start]);
                content.AppendCurrent(split.Start, split.End);
            });
        }

        if (useRegex)
            text.Split(Gpt2Splitter.Split);
        text.Rewrite(static (split, content) => ByteAlphabet.Write(content, split.Start, split.End));
    }
}

/// <summary>Where <see cref="MetaspacePreTokenizer"/> puts its mark before a text.</summary>
internal enum PrependScheme
{
    Always,
    First,
    Never,
}

/// <summary>SentencePiece's words: spaces as a visible mark, which also begins the text, and cuts before each mark.</summary>
internal sealed class MetaspacePreTokenizer(string replacement, PrependScheme scheme, bool split) : PreTokenizer
{
    public string Replacement => replacement;

    public PrependScheme Scheme => scheme;

    public bool Split => split;

    public override void PreTokenize(PreTokenizedString text)
    {
        text.Rewrite(Mark);
        if (split)
            text.Split(Cut);
    }

    private void Mark(Split part, NormalizedString content)
    {
        int origin = content.Origins[part.Start];
        bool begins = content.Chars[part.Start] is ' ' || content.Chars[part.Start..].StartsWith(replacement, StringComparison.Ordinal);
        if (!begins && (scheme == PrependScheme.Always || scheme == PrependScheme.First && origin is 0 or ~0))
            Append(content, origin);
        for (int i = part.Start; i < part.End; i++)
        {
            if (content.Chars[i] is ' ')
                Append(content, content.Origins[i]);
            else
                content.Append(content.Chars[i], content.Origins[i]);
        }
    }

    private void Append(NormalizedString content, int origin)
    {
        foreach (char c in replacement)
            content.Append(c, origin);
    }

    private void Cut(ReadOnlySpan<char> text, int offset, List<Split> output)
    {
        int start = 0;
        while (start < text.Length)
        {
            int next = text[(start + 1)..].IndexOf(replacement, StringComparison.Ordinal);
            int end = next < 0 ? text.Length : start + 1 + next;
            output.Add(new Split(offset + start, offset + end));
            start = end;
        }
    }
}
