using System.Text.RegularExpressions;
using Triptych.Tokenizers.Templates;

namespace Triptych.Tokenizers.Pipeline;

/// <summary>GPT-NeoX-Japanese's texts: names for white space and emojis and, if texts are cleaned, for addresses, dates and the like.</summary>
internal sealed partial class JapaneseSigns(IEnumerable<KeyValuePair<string, string>> emojis, bool cleans) : Normalizer
{
    private const string Block = "<BLOCK>";

    private static readonly (string Sign, string Name)[] Signs =
    [
        (" ", "<SP>"), ("\u3000", "<SP>"), ("\r\n", "<BR>"), ("\n", "<BR>"), ("\r", "<BR>"), ("\t", "<TAB>"), ("\u2014", "\u30FC"), ("\u2212", "\u30FC"),
    ];

    private readonly (string Sign, Normalizer Named)[] _signs =
        [.. Signs.Concat(emojis.Where(pair => pair.Key.Length > 0).Select(pair => (pair.Key, pair.Value))).Select(pair => (pair.Item1, (Normalizer)new ReplaceNormalizer(TextPattern.Literal(pair.Item1), pair.Item2)))];

    public override void Normalize(NormalizedString text)
    {
        foreach ((string sign, Normalizer named) in _signs)
        {
            if (text.Chars.IndexOf(sign, StringComparison.Ordinal) >= 0)
                named.Normalize(text);
        }

        if (!cleans)
            return;
        text.Replace(Url(), static _ => "<URL>");
        if (text.Chars.Contains('@'))
            text.Replace(Mail(), static _ => "<EMAIL>");
        text.Replace(Telephone(), static _ => "<TEL>");
        text.Replace(Date(), static _ => "<DATE>");
        text.Replace(EraDate(), static _ => "<DATE>");
        text.Replace(Price(), static _ => "<PRICE>");
        text.Replace(Blocks(), static _ => Block);
    }

    [GeneratedRegex(@"(?:https?|ftp)://[-_.!~*'()a-zA-Z0-9;/?:@&=+$,%#]+")]
    private static partial Regex Url();

    // Only where a run of such characters begins, or the match before ends: elsewhere it would be looked at to its end from each of them.
    [GeneratedRegex(@"(?:(?<![A-Za-z0-9._+])|\G)[A-Za-z0-9._+]*@[-_0-9A-Za-z]+(?:\.[A-Za-z]+)*")]
    private static partial Regex Mail();

    [GeneratedRegex(@"\(?[0-9]{2,4}[()\-]?[0-9]{2,4}[)\-]?[0-9]{3,4}")]
    private static partial Regex Telephone();

    [GeneratedRegex(@"(?:[12]\d{3}[/\-年])*(?:0?[1-9]|1[0-2])[/\-月](?:(?:0?[1-9]|[12][0-9]|3[01])日?)*(?:\d{1,2}|:|\d{1,2}時|\d{1,2}分|\(日\)|\(月\)|\(火\)|\(水\)|\(木\)|\(金\)|\(土\)|㈰|㈪|㈫|㈬|㈭|㈮|㈯)*")]
    private static partial Regex Date();

    [GeneratedRegex(@"(?:明治|大正|昭和|平成|令和|㍾|㍽|㍼|㍻|\u32ff)\d{1,2}年(?:0?[1-9]|1[0-2])月(?:0?[1-9]|[12][0-9]|3[01])日(?:\d{1,2}|:|\d{1,2}時|\d{1,2}分|\(日\)|\(月\)|\(火\)|\(水\)|\(木\)|\(金\)|\(土\)|㈰|㈪|㈫|㈬|㈭|㈮|㈯)*")]
    private static partial Regex EraDate();

    [GeneratedRegex(@"(?:(?<!\d)|\G)(?>(?:\d,\d{3}|[\d億])*)(?>(?:\d,\d{3}|[\d万])*)(?>(?:\d,\d{3}|[\d千])*)(?:千円|万円|千万円|円|千ドル|万ドル|千万ドル|ドル|千ユーロ|万ユーロ|千万ユーロ|ユーロ)+(?:\(税込\)|\(税抜\)|\+tax)*")]
    private static partial Regex Price();

    [GeneratedRegex(@"(?:[\u2500-\u259F]|<BLOCK>)+")]
    private static partial Regex Blocks();
}

/// <summary>The way back: each token by itself, names as what they stand for; of a character in bytes nothing is left but U+FFFD.</summary>
internal sealed class JapaneseSignsDecoder(IReadOnlyDictionary<string, string> shown, IReadOnlyDictionary<string, string> emojis) : Decoder
{
    private const string ByteStart = "<|byte";
    private const string End = "|>";

    public override List<string> Decode(List<string> tokens) =>
        [PythonText.Strip(string.Concat(tokens.Select(token => shown.TryGetValue(token, out string? word) ? Show(word) : token)))];

    private string Show(string word) => word switch
    {
        "<SP>" => " ",
        "<BR>" => "\n",
        "<TAB>" => "\t",
        "<BLOCK>" => "\u2580",
        "<KIGOU>" => "\u01C0",
        "<U2000U2BFF>" => "\u2016",
        _ when emojis.TryGetValue(word, out string? emoji) && word.StartsWith("<|emoji", StringComparison.Ordinal) && word.EndsWith(End, StringComparison.Ordinal) => emoji,
        _ when word.StartsWith(ByteStart, StringComparison.Ordinal) && word.EndsWith(End, StringComparison.Ordinal)
            && byte.TryParse(word.AsSpan()[ByteStart.Length..^End.Length], out byte value) => value < 0x80 ? ((char)value).ToString() : "\uFFFD",
        _ => word,
    };
}
