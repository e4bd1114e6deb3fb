using Triptych.Tokenizers.Models;

namespace Triptych.Tokenizers.Tests;

/// <summary>Long words in linear time have the tokens that merging pair by pair gives.</summary>
public sealed class LinearMergerTests
{
    private const int Letters = 4, Words = 200;

    [Fact]
    public void GivesWhatMergingGives()
    {
        Random random = new(3);
        for (int model = 0; model < 240; model++)
        {
            (MergeTable merges, int ids) = Learn(random, everyPair: model % 6 is not 0 and not 3, ranksAreIds: model % 3 == 2, anyOrder: model % 6 >= 3);
            LinearMerger linear = LinearMerger.TryBuild(merges, ids, [.. Enumerable.Range(0, Letters)])!;
            for (int word = 0; word < Words; word++)
            {
                // Runs of one letter are where ranks tie.
                int length = random.Next(1, 60), alphabet = random.Next(1, Letters + 1);
                Piece[] symbols = [.. Enumerable.Range(0, length).Select(i => new Piece(random.Next(alphabet), i, i + 1))];
                Piece[] expected = Merge([.. symbols], merges);
                int count = linear.Merge(symbols);
                Assert.Equal(expected, symbols[..count]);
            }
        }
    }

    [Fact]
    public void GivesWhatMergingGivesWhereTokensEndFarBehindTheirBeginnings()
    {
        // A token that grows towards its beginning has no others as beginnings, so that a word may follow it for long and lead to none.
        Random random = new(5);
        for (int model = 0; model < 60; model++)
        {
            int[] letters = [.. Enumerable.Range(0, random.Next(2, 20)).Select(_ => random.Next(Letters))];
            List<Merge> all = [];
            for (int i = letters.Length - 2, made = letters[^1]; i >= 0; i--)
            {
                if (all.Exists(merge => merge.Left == letters[i] && merge.Right == made))
                    break;
                all.Add(new Merge(letters[i], made, Letters + all.Count));
                made = Letters + all.Count - 1;
            }

            var merges = new MergeTable([.. all]);
            LinearMerger linear = LinearMerger.TryBuild(merges, Letters + all.Count, [.. Enumerable.Range(0, Letters)])!;
            for (int word = 0; word < Words; word++)
            {
                int[] text = [.. Enumerable.Range(0, 3).SelectMany(_ => Part(letters, random))];
                Piece[] symbols = [.. text.Select((letter, i) => new Piece(letter, i, i + 1))];
                Piece[] expected = Merge([.. symbols], merges);
                Assert.Equal(expected, symbols[..linear.Merge(symbols)]);
            }
        }
    }

    /// <summary>
    /// Joins the most frequent pair of a random text, again and again, as training does. With every pair a token has a merge for each of
    /// its divisions, in the order of tokens, as files have that were made from SentencePiece's; with the ranks of tokens all of them have one rank, as in tiktoken.
    /// In any order merges may rank before those that make their parts.
    /// </summary>
    private static (MergeTable Merges, int Ids) Learn(Random random, bool everyPair, bool ranksAreIds, bool anyOrder)
    {
        List<int> text = [.. Enumerable.Range(0, 300).Select(_ => (int)Math.Sqrt(random.Next(Letters * Letters)))];
        int ids = Letters, count = random.Next(5, 60);
        List<string> texts = [.. Enumerable.Range(0, Letters).Select(letter => $"{letter}")];
        List<(int Left, int Right, int Id)> pairs = [];
        for (int rank = 0; rank < count && text.Count > 1; rank++)
        {
            (int left, int right) = text.Zip(text.Skip(1)).GroupBy(pair => pair).OrderByDescending(group => group.Count()).First().Key;
            text = Join(text, left, right, ids);
            string made = texts[left] + texts[right];
            if (texts.Contains(made))
                continue;
            pairs.Add((left, right, ids++));
            texts.Add(made);
        }

        if (everyPair)
        {
            pairs = [.. from id in Enumerable.Range(Letters, ids - Letters)
                        from cut in Enumerable.Range(1, texts[id].Length - 1)
                        let left = texts.IndexOf(texts[id][..cut])
                        let right = texts.IndexOf(texts[id][cut..])
                        where left >= 0 && right >= 0
                        select (left, right, id)];
        }

        int[] names = [.. Enumerable.Range(0, ids)];
        if (anyOrder)
            random.Shuffle(names.AsSpan(Letters));
        Merge[] all = [.. pairs.Select(pair => new Merge(names[pair.Left], names[pair.Right], names[pair.Id]))];
        if (anyOrder)
            random.Shuffle(all);
        return (new MergeTable(all, ranksAreIds), ids);
    }

    private static int[] Part(int[] letters, Random random)
    {
        int from = random.Next(letters.Length);
        return letters[from..random.Next(from + 1, letters.Length + 1)];
    }

    private static List<int> Join(List<int> text, int left, int right, int id)
    {
        List<int> joined = [];
        for (int i = 0; i < text.Count; i++)
        {
            bool pair = i + 1 < text.Count && text[i] == left && text[i + 1] == right;
            joined.Add(pair ? id : text[i]);
            i += pair ? 1 : 0;
        }

        return joined;
    }

    /// <summary>The definition: of all neighbours the pair of lowest rank, leftmost first.</summary>
    private static Piece[] Merge(List<Piece> symbols, MergeTable merges)
    {
        while (true)
        {
            int best = -1, rank = MergeTable.None, id = -1;
            for (int i = 0; i + 1 < symbols.Count; i++)
            {
                if (merges.Find(symbols[i].Id, symbols[i + 1].Id, out int joined) is int found && found < rank)
                    (best, rank, id) = (i, found, joined);
            }

            if (best < 0)
                return [.. symbols];
            symbols[best] = new Piece(id, symbols[best].Start, symbols[best + 1].End);
            symbols.RemoveAt(best + 1);
        }
    }
}
