using Triptych.Tokenizers.Models;
using Triptych.Tokenizers.Pipeline;

namespace Triptych.Tokenizers.SentencePiece;

/// <summary>
/// SentencePiece's own normalization: from left to right the longest rule for what comes, white space reduced and made visible. What a
/// user has defined stays as it is.
/// </summary>
internal sealed class SentencePieceNormalizer(SentencePieceRules rules, CharsMap? map, CharTrie? userDefined, bool whitespaceAsSuffix) : Normalizer
{
    /// <summary>The mark that stands for a space.</summary>
    public const char Mark = '\u2581';

    private readonly char _space = rules.EscapeWhitespaces ? Mark : ' ';

    public override void Normalize(NormalizedString text)
    {
        int at = 0;
        if (rules.RemoveExtraWhitespaces)
        {
            while (at < text.Length)
            {
                int length = NextRule(text.Chars[at..], out ReadOnlySpan<char> first);
                if (first is not " ")
                    break;
                at += length;
            }
        }

        text.BeginRewrite();
        if (at < text.Length)
            Rewrite(text, at);
        text.EndRewrite();
    }

    private void Rewrite(NormalizedString text, int at)
    {
        if (rules.AddDummyPrefix && !whitespaceAsSuffix)
            text.Append(_space, ~text.Origins[at]);
        bool afterSpace = rules.RemoveExtraWhitespaces;
        while (at < text.Length)
        {
            int length = NextRule(text.Chars[at..], out ReadOnlySpan<char> replacement);
            int origin = text.Origins[at];
            replacement = afterSpace ? replacement.TrimStart(' ') : replacement;
            foreach (char c in replacement)
                text.Append(c == ' ' ? _space : c, origin);
            if (replacement.Length > 0)
                afterSpace = replacement[^1] == ' ' && rules.RemoveExtraWhitespaces;
            at += length;
        }

        if (rules.RemoveExtraWhitespaces)
            text.TrimRewrite(_space);
        if (rules.AddDummyPrefix && whitespaceAsSuffix)
            text.Append(_space, text.Origins[^1]);
    }

    /// <summary>What the beginning of a text becomes, and its length.</summary>
    private int NextRule(ReadOnlySpan<char> text, out ReadOnlySpan<char> replacement)
    {
        int length = userDefined is null ? 0 : userDefined.FindLongest(text, out _);
        if (length == 0 && map is not null)
        {
            length = map.FindLongest(text, out replacement);
            if (length > 0)
                return length;
        }

        if (length == 0)
            length = char.IsHighSurrogate(text[0]) && text.Length > 1 ? 2 : 1;
        replacement = text[..length];
        return length;
    }
}
