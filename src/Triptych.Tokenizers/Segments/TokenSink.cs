using System.Runtime.CompilerServices;
using Triptych.Tokenizers.Loading;

namespace Triptych.Tokenizers.Segments;

/// <summary>Tokens of a text as they are found: ids, places and words in arrays that grow.</summary>
internal sealed class TokenSink
{
    private const int KeptLength = 1 << 20;

    private int[] _ids = new int[256];
    private TextRange[] _offsets = new TextRange[256];
    private int[] _words = new int[256];
    private bool _idsOnly;

    public int Count { get; private set; }

    /// <summary>The number of the next word.</summary>
    public int NextWord { get; set; }

    /// <summary>How added tokens were found in the text, by their place among the tokens.</summary>
    public Dictionary<int, string>? Found { get; private set; }

    public ReadOnlySpan<int> Ids => _ids.AsSpan(0, Count);

    public ReadOnlySpan<TextRange> Offsets => _offsets.AsSpan(0, Count);

    public ReadOnlySpan<int> Words => _words.AsSpan(0, Count);

    /// <summary>Begins anew.</summary>
    /// <param name="idsOnly">Whether nobody will ask for places and words.</param>
    public void Clear(bool idsOnly = false)
    {
        Count = 0;
        NextWord = 0;
        Found = null;
        _idsOnly = idsOnly;
        if (_ids.Length > KeptLength)
            _ids = new int[256];
        if (idsOnly || _offsets.Length == _ids.Length)
            return;
        _offsets = new TextRange[_ids.Length];
        _words = new int[_ids.Length];
    }

    /// <summary>Makes room for so many tokens more.</summary>
    public void Reserve(int count)
    {
        int needed = checked(Count + count);
        if (needed > _ids.Length)
            Grow(Math.Max(needed, (int)Math.Min(Array.MaxLength, _ids.Length * 2L)));
    }

    /// <summary>Takes the last tokens away.</summary>
    /// <param name="count">How many stay.</param>
    public void Truncate(int count) => Count = count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(int id, int start, int end, int word)
    {
        int at = Count;
        if ((uint)at >= (uint)_ids.Length)
            Reserve(1);
        _ids[at] = id;
        if (!_idsOnly)
        {
            _offsets[at] = new TextRange(start, end);
            _words[at] = word;
        }

        Count = at + 1;
    }

    /// <summary>Makes tokens of one word, to be filled in.</summary>
    /// <param name="count">How many.</param>
    /// <param name="word">The number of the word.</param>
    /// <param name="places">Takes their places; empty where nobody will ask for them.</param>
    /// <returns>Takes their ids.</returns>
    public Span<int> Add(int count, int word, out Span<TextRange> places)
    {
        Reserve(count);
        int at = Count;
        Count = at + count;
        places = default;
        if (!_idsOnly)
        {
            places = _offsets.AsSpan(at, count);
            _words.AsSpan(at, count).Fill(word);
        }

        return _ids.AsSpan(at, count);
    }

    /// <summary>An added token, which is a word of its own.</summary>
    public void AddFound(AddedToken token, ReadOnlySpan<char> found, TextRange place)
    {
        (Found ??= [])[Count] = found.SequenceEqual(token.Content) ? token.Content : found.ToString();
        Add(token.Id, place.Start, place.End, NextWord++);
    }

    /// <summary>A token that is shown as the text that it stands for.</summary>
    public void AddText(int id, ReadOnlySpan<char> text, TextRange place, int word)
    {
        (Found ??= [])[Count] = text.ToString();
        Add(id, place.Start, place.End, word);
    }

    /// <summary>The tokens of a segment.</summary>
    /// <param name="segment">The segment.</param>
    /// <param name="offset">Where it begins.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(SegmentTokens segment, int offset)
    {
        ReadOnlySpan<ulong> tokens = segment.Tokens;
        int at = Count, word = NextWord;
        if (at + tokens.Length > _ids.Length)
            Reserve(tokens.Length);
        if (_idsOnly)
        {
            Span<int> ids = _ids.AsSpan(at, tokens.Length);
            for (int i = 0; i < tokens.Length; i++)
                ids[i] = SegmentTokens.Id(tokens[i]);
        }
        else
        {
            Span<int> ids = _ids.AsSpan(at, tokens.Length), words = _words.AsSpan(at, tokens.Length);
            Span<TextRange> places = _offsets.AsSpan(at, tokens.Length);
            for (int i = 0; i < tokens.Length; i++)
            {
                ulong token = tokens[i];
                ids[i] = SegmentTokens.Id(token);
                places[i] = SegmentTokens.Place(token, offset);
                words[i] = word + SegmentTokens.Word(token);
            }
        }

        Count = at + tokens.Length;
        NextWord = word + segment.Words;
    }

    /// <summary>The tokens of a segment of which some are shown as the text they stand for.</summary>
    /// <param name="segment">The segment.</param>
    /// <param name="offset">Where it begins.</param>
    /// <param name="found">The texts by the places of their tokens among the segment's, or null.</param>
    public void Add(SegmentTokens segment, int offset, IReadOnlyDictionary<int, string>? found)
    {
        if (found is not null)
        {
            Found ??= [];
            foreach ((int at, string text) in found)
                Found[Count + at] = text;
        }

        Add(segment, offset);
    }

    private void Grow(int length)
    {
        Resize(ref _ids, length);
        if (_idsOnly)
            return;
        Resize(ref _offsets, length);
        Resize(ref _words, length);
    }

    private void Resize<T>(ref T[] array, int length)
        where T : unmanaged
    {
        T[] larger = LargeMemory.Allocate<T>(length);
        array.AsSpan(0, Count).CopyTo(larger);
        array = larger;
    }
}
