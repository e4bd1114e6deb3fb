using System.Text;

namespace Triptych.Tokenizers;

/// <summary>The different words of a corpus as one text of letters, numbered by code point; 0 ends each word.</summary>
internal sealed class UnigramCorpus
{
    /// <summary>The longest word; a lattice over it is in memory for each thread.</summary>
    public const int MaxWordLength = 1 << 20;

    private readonly Rune[] _letters;
    private readonly int[] _starts;

    /// <exception cref="TokenizerException">A word is too long.</exception>
    public UnigramCorpus(WordCounts words, LearningSize size, string name)
    {
        HasNul = size.Letters.ContainsKey(default);
        _letters = [default, .. size.Letters.Keys.Where(letter => letter.Value != 0).Order()];
        var numbers = new Dictionary<int, int>();
        for (int i = 0; i < _letters.Length; i++)
            numbers[_letters[i].Value] = i;

        Text = new int[size.Length + words.Count];
        _starts = new int[words.Count + 1];
        Weights = new double[words.Count];
        int end = 0, next = 0;
        WordReader reader = words.Read();
        while (reader.Read(out ReadOnlySpan<byte> word, out long count))
        {
            Weights[next] = count;
            for (int at = 0, units; at < word.Length; at += units)
            {
                Rune.DecodeFromUtf8(word[at..], out Rune letter, out units);
                Text[end++] = numbers[letter.Value];
            }

            if (end - _starts[next] > MaxWordLength)
                throw new TokenizerException(name, $"a word has more than {MaxWordLength} letters: the pre-tokenizer has to cut texts into words");
            _starts[++next] = ++end;
        }
    }

    /// <summary>The letters of all words.</summary>
    public int[] Text { get; }

    /// <summary>How often each word comes.</summary>
    public double[] Weights { get; }

    public int WordCount => Weights.Length;

    /// <summary>One more than the highest letter.</summary>
    public int LetterLimit => _letters.Length;

    /// <summary>Whether U+0000, which counts as the end of a word, is among the letters.</summary>
    public bool HasNul { get; }

    /// <summary>The letters, in order.</summary>
    public IEnumerable<Rune> Letters => HasNul ? _letters : _letters.Skip(1);

    public ReadOnlySpan<int> Word(int word) => Text.AsSpan(_starts[word], _starts[word + 1] - _starts[word] - 1);

    public string TextOf(UnigramPiece piece)
    {
        var text = new StringBuilder();
        foreach (int letter in Text.AsSpan(piece.Start, piece.Length))
            text.Append(_letters[letter]);
        return text.ToString();
    }

    /// <summary>The letters with their places and how often they come.</summary>
    public IEnumerable<(int Start, double Count)> CountLetters()
    {
        double[] counts = new double[LetterLimit];
        int[] places = new int[LetterLimit];
        for (int i = 0; i < WordCount; i++)
        {
            for (int at = _starts[i]; at < _starts[i + 1] - 1; at++)
            {
                counts[Text[at]] += Weights[i];
                places[Text[at]] = at;
            }
        }

        return Enumerable.Range(1, LetterLimit - 1).Select(letter => (places[letter], counts[letter]));
    }
}
