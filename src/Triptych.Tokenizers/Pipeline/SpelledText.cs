using System.Text;
using Triptych.Tokenizers.Models;
using Triptych.Tokenizers.Templates;

namespace Triptych.Tokenizers.Pipeline;

/// <summary>VITS's texts: in lower case but for tokens, of two that fit the first that the files list, without what is no token.</summary>
internal sealed class SpelledNormalizer : Normalizer
{
    private readonly Vocabulary? _vocabulary;
    private readonly Dictionary<char, List<string>> _words = [];
    private readonly bool _isRomanian;

    /// <param name="vocabulary">The tokens that are kept; null where texts stay as they are.</param>
    /// <param name="words">The tokens that are found, in their order.</param>
    /// <param name="isRomanian">Whether a letter with a comma below is written as that with a cedilla.</param>
    public SpelledNormalizer(Vocabulary? vocabulary, IEnumerable<string> words, bool isRomanian)
    {
        (_vocabulary, _isRomanian) = (vocabulary, isRomanian);
        foreach (string word in words.Where(word => word.Length > 0))
        {
            if (!_words.TryGetValue(word[0], out List<string>? all))
                _words[word[0]] = all = [];
            all.Add(word);
        }
    }

    public override void Normalize(NormalizedString text)
    {
        if (_vocabulary is not null)
            Lower(text, new StringBuilder());
        if (_isRomanian)
        {
            foreach (ref char c in text.MutableChars)
                c = c == '\u021B' ? '\u0163' : c;
        }

        if (_vocabulary is null)
            return;
        text.Filter(codePoint => _vocabulary.IdOf(char.ConvertFromUtf32(codePoint)) >= 0);
        (int start, int end) = PythonText.Stripped(text.Chars);
        text.Trim(start, end);
    }

    private void Lower(NormalizedString text, StringBuilder lower)
    {
        text.BeginRewrite();
        for (int at = 0, units; at < text.Length; at += units)
        {
            ReadOnlySpan<char> rest = text.Chars[at..];
            units = FindWord(rest);
            if (units > 0)
            {
                text.AppendCurrent(at, at + units);
                continue;
            }

            int codePoint = NormalizedString.CodePointAt(rest, 0, out units);
            text.AppendLower(char.ConvertFromUtf32(codePoint), 0, text.Origins[at], lower);
        }

        text.EndRewrite();
    }

    private int FindWord(ReadOnlySpan<char> text)
    {
        if (_words.TryGetValue(text[0], out List<string>? words))
        {
            foreach (string word in words)
            {
                if (text.StartsWith(word, StringComparison.Ordinal))
                    return word.Length;
            }
        }

        return 0;
    }
}

/// <summary>VITS's way back: without the blanks, which are every other token.</summary>
internal sealed class SpelledDecoder(bool blanks) : Decoder
{
    public override List<string> Decode(List<string> tokens) =>
        [string.Concat(blanks && tokens.Count > 1 ? tokens.Where((_, i) => i % 2 == 1) : tokens)];
}

/// <summary>Phonemes between spaces.</summary>
internal sealed class PhonemeWords : PreTokenizer
{
    public override void PreTokenize(PreTokenizedString text) => text.Split(Cut);

    private static void Cut(ReadOnlySpan<char> text, int offset, List<Split> output)
    {
        (int at, int end) = PythonText.Stripped(text);
        while (at < end)
        {
            int length = text[at..end].IndexOf(' ');
            int stop = length < 0 ? end : at + length;
            (int start, int last) = PythonText.Stripped(text[at..stop]);
            if (start < last)
                output.Add(new Split(offset + at, offset + stop));
            at = stop + 1;
        }
    }
}

/// <summary>The way back of phonemes that a speech model hears: of repeated ones one, without blanks and delimiters, with spaces between.</summary>
internal sealed class PhonemeDecoder(string blank, string? delimiter) : Decoder
{
    public override List<string> Decode(List<string> tokens) =>
        [PythonText.Strip(string.Join(' ', tokens.Where((token, i) => (i == 0 || token != tokens[i - 1]) && token != blank && token != delimiter)))];
}
