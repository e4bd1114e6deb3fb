using System.Runtime.InteropServices;
using System.Text;

namespace Triptych.Tokenizers;

/// <summary>How much there is to learn from.</summary>
/// <param name="Words">How many different words.</param>
/// <param name="Length">How many letters they have together.</param>
/// <param name="Longest">How many the longest one has.</param>
/// <param name="Letters">How often each letter comes in the corpus.</param>
internal sealed record LearningSize(long Words, long Length, long Longest, IReadOnlyDictionary<Rune, long> Letters)
{
    public static LearningSize Of(WordCounts words)
    {
        long length = 0, longest = 0;
        long[] ascii = new long[0x80];
        var letters = new Dictionary<Rune, long>();
        WordReader reader = words.Read();
        while (reader.Read(out ReadOnlySpan<byte> word, out long count))
        {
            long start = length;
            for (int at = 0, units; at < word.Length; at += units, length++)
            {
                if (word[at] < ascii.Length)
                {
                    ascii[word[at]] += count;
                    units = 1;
                    continue;
                }

                Rune.DecodeFromUtf8(word[at..], out Rune letter, out units);
                CollectionsMarshal.GetValueRefOrAddDefault(letters, letter, out _) += count;
            }

            longest = Math.Max(longest, length - start);
        }

        for (int letter = 0; letter < ascii.Length; letter++)
        {
            if (ascii[letter] > 0)
                letters[new Rune(letter)] = ascii[letter];
        }

        return new LearningSize(words.Count, length, longest, letters);
    }
}
