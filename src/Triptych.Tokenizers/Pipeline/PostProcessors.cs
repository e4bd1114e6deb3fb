using Triptych.Tokenizers.Unicode;

namespace Triptych.Tokenizers.Pipeline;

/// <summary>The fourth stage: puts one or two encodings and the special tokens together.</summary>
internal abstract class PostProcessor
{
    /// <summary>How many tokens a single text or a pair grows by.</summary>
    public abstract int CountAdded(bool pair);

    public abstract List<Encoding> Process(List<Encoding> encodings, bool addSpecialTokens);

    /// <summary>The parts of a sequence one after another, else itself.</summary>
    public virtual IEnumerable<PostProcessor> Flatten() => [this];
}

internal sealed class SequencePostProcessor(PostProcessor[] parts) : PostProcessor
{
    public override int CountAdded(bool pair) => parts.Sum(part => part.CountAdded(pair));

    public override List<Encoding> Process(List<Encoding> encodings, bool addSpecialTokens) =>
        parts.Aggregate(encodings, (current, part) => part.Process(current, addSpecialTokens));

    public override IEnumerable<PostProcessor> Flatten() => parts.SelectMany(part => part.Flatten());
}

/// <summary>A place in a template: one of the two texts, or tokens to insert.</summary>
internal readonly record struct TemplatePiece(int Sequence, int[] Ids, string[] Tokens, int TypeId);

/// <summary>Templates such as <c>[CLS] $A [SEP] $B:1 [SEP]:1</c>.</summary>
internal sealed class TemplateProcessor(TemplatePiece[] single, TemplatePiece[] pair) : PostProcessor
{
    /// <summary>The template of a single text.</summary>
    public IReadOnlyList<TemplatePiece> Single => single;

    public override int CountAdded(bool isPair) =>
        (isPair ? pair : single).Sum(piece => piece.Sequence >= 0 ? 0 : piece.Ids.Length);

    public override List<Encoding> Process(List<Encoding> encodings, bool addSpecialTokens)
    {
        var output = new List<Encoding>();
        TemplatePiece[] template = encodings.Count == 2 ? pair : single;
        for (int i = 0; i < template.Length; i++)
        {
            TemplatePiece piece = template[i];
            if (piece.Sequence >= 0)
            {
                // Where a text comes more than once, only the last time counts as its place.
                bool again = Array.FindIndex(template, i + 1, other => other.Sequence == piece.Sequence) >= 0;
                output.Add(encodings[piece.Sequence].With(encodings[piece.Sequence].Overflowing, piece.TypeId, hasSequence: !again));
            }
            else if (addSpecialTokens)
                output.Add(Encoding.Inserted(piece.Ids, piece.Tokens, piece.TypeId));
        }

        return output;
    }
}

/// <summary>Takes the space that byte-level tokens begin or end with out of their offsets.</summary>
internal sealed class TrimOffsetsProcessor(bool addPrefixSpace) : PostProcessor
{
    public override int CountAdded(bool pair) => 0;

    public override List<Encoding> Process(List<Encoding> encodings, bool addSpecialTokens)
    {
        foreach (Encoding encoding in encodings)
        {
            Trim(encoding);
            foreach (Encoding part in encoding.Overflowing)
                Trim(part);
        }

        return encodings;
    }

    private void Trim(Encoding encoding)
    {
        if (encoding.Lazy is { } parts)
        {
            Trim(parts, encoding.Ids, encoding.Offsets, encoding.Source);
            return;
        }

        for (int i = 0; i < encoding.Length; i++)
            Trim(encoding.Tokens[i], i, encoding.Offsets, encoding.Source);
    }

    /// <summary>The same for a text's own tokens.</summary>
    public void Trim(TextParts parts, ReadOnlySpan<int> ids, Span<TextRange> offsets, string? source)
    {
        for (int i = 0; i < ids.Length; i++)
            Trim(parts.Token(ids[i], i), i, offsets, source);
    }

    private void Trim(string token, int i, Span<TextRange> offsets, string? source)
    {
        int leading = 0;
        int trailing = 0;
        while (leading < token.Length && IsSpace(token[leading]))
            leading++;
        while (trailing < token.Length && IsSpace(token[^(trailing + 1)]))
            trailing++;
        if (leading == 0 && trailing == 0)
            return;

        (int start, int end) = offsets[i];
        // A single space before the first word may be the one that the pre-tokenizer added.
        if (leading == 1 && addPrefixSpace && (i == 0 || start == 0))
            leading = 0;
        for (; leading > 0 && start < end; leading--)
            start += IsPair(source, start) ? 2 : 1;
        for (; trailing > 0 && end > start; trailing--)
            end -= IsPair(source, end - 2) ? 2 : 1;
        offsets[i] = new TextRange(start, end);
    }

    // The reference counts in characters: a space that was put before an emoji shares the emoji's place.
    private static bool IsPair(string? text, int at) =>
        text is not null && at >= 0 && at + 1 < text.Length && char.IsSurrogatePair(text[at], text[at + 1]);

    private static bool IsSpace(char c) => c == ByteAlphabet.Space || UnicodeData.Is(c, CharClass.White);
}
