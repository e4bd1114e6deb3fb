using System.Runtime.CompilerServices;
using System.Text;
using System.Text.RegularExpressions;
using Triptych.Tokenizers.Loading;
using Triptych.Tokenizers.Templates;
using Triptych.Tokenizers.Unicode;

namespace Triptych.Tokenizers.Pipeline;

/// <summary>
/// A text that changes, each of its UTF-16 units with the place in the original that it stands for. A unit stands for one
/// whole character of the original, so one number is enough: the character's position, or ~position for "nothing, here".
/// </summary>
internal sealed class NormalizedString
{
    private char[] _chars = [];
    private int[] _origins = [];
    private char[] _newChars = [];
    private int[] _newOrigins = [];
    private int _newLength;
    private int _base;

    public int Length { get; private set; }

    public ReadOnlySpan<char> Chars => _chars.AsSpan(0, Length);

    public ReadOnlySpan<int> Origins => _origins.AsSpan(0, Length);

    /// <summary>Starts with an original text; unpaired surrogates become U+FFFD.</summary>
    public void Load(ReadOnlySpan<char> original)
    {
        Reserve(ref _chars, ref _origins, 0, original.Length);
        Length = original.Length;
        _base = 0;
        original.CopyTo(_chars);
        int[] origins = _origins;
        for (int i = 0; i < original.Length; i++)
            origins[i] = i;

        for (int i = original.IndexOfAnyInRange('\uD800', '\uDFFF'); i >= 0 && i < original.Length; i++)
        {
            if (!char.IsSurrogate(_chars[i]))
                continue;
            if (i + 1 < Length && char.IsSurrogatePair(_chars[i], _chars[i + 1]))
            {
                origins[i + 1] = i;
                i++;
            }
            else
            {
                _chars[i] = '\uFFFD';
            }
        }
    }

    /// <summary>Starts with a part of another one.</summary>
    public void Load(NormalizedString other, int start, int end)
    {
        Reserve(ref _chars, ref _origins, 0, end - start);
        Length = end - start;
        other._chars.AsSpan(start, Length).CopyTo(_chars);
        other._origins.AsSpan(start, Length).CopyTo(_origins);
        _base = Length == 0 ? 0 : Math.Max(_origins[0], ~_origins[0]);
    }

    /// <summary>The origin of what is put before the text: nothing, where the text began.</summary>
    public int NothingBefore => ~_base;

    /// <summary>The code point at a position.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int CodePointAt(ReadOnlySpan<char> text, int at, out int units)
    {
        char c = text[at];
        if (char.IsHighSurrogate(c) && at + 1 < text.Length)
        {
            units = 2;
            return char.ConvertToUtf32(c, text[at + 1]);
        }

        units = 1;
        return c;
    }

    /// <summary>Keeps the characters that <paramref name="keep"/> accepts.</summary>
    public void Filter(Func<int, bool> keep)
    {
        int length = 0;
        for (int i = 0, units; i < Length; i += units)
        {
            if (!keep(CodePointAt(Chars, i, out units)))
                continue;
            for (int k = 0; k < units; k++, length++)
            {
                _chars[length] = _chars[i + k];
                _origins[length] = _origins[i + k];
            }
        }

        Length = length;
    }

    /// <summary>Drops units at both ends.</summary>
    public void Trim(int start, int end)
    {
        _chars.AsSpan(start, end - start).CopyTo(_chars);
        _origins.AsSpan(start, end - start).CopyTo(_origins);
        Length = end - start;
    }

    /// <summary>Replaces the whole text by a sequence of changes, as Hugging Face's <c>transform</c> does.</summary>
    public void Transform(List<Change> changes)
    {
        BeginRewrite();
        int at = 0;
        foreach (Change change in changes)
        {
            int origin;
            if (change.Delta > 0)
            {
                origin = at > 0 ? _origins[at - 1] : NothingBefore;
            }
            else
            {
                origin = _origins[at];
                for (int n = change.Delta; n <= 0 && at < Length; n++)
                    at += char.IsHighSurrogate(_chars[at]) && at + 1 < Length ? 2 : 1;
            }

            Append(change.CodePoint, origin);
        }

        EndRewrite();
    }

    /// <summary>The code points of the text.</summary>
    public int[] ToCodePoints()
    {
        int[] codePoints = new int[Length];
        int count = 0;
        for (int i = 0, units; i < Length; i += units)
            codePoints[count++] = CodePointAt(Chars, i, out units);
        Array.Resize(ref codePoints, count);
        return codePoints;
    }

    /// <summary>Starts a new version of the text, to be appended from the current one, which stays readable.</summary>
    public void BeginRewrite() => _newLength = 0;

    public int RewriteLength => _newLength;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Append(char c, int origin)
    {
        if (_newLength == _newChars.Length)
            Reserve(ref _newChars, ref _newOrigins, _newLength, _newLength + Length + 16);
        _newChars[_newLength] = c;
        _newOrigins[_newLength++] = origin;
    }

    public void Append(int codePoint, int origin)
    {
        if (codePoint < 0x10000)
        {
            Append((char)codePoint, origin);
            return;
        }

        Append((char)(0xD7C0 + (codePoint >> 10)), origin);
        Append((char)(0xDC00 | codePoint & 0x3FF), origin);
    }

    /// <summary>Appends text that all has one origin.</summary>
    public void Append(ReadOnlySpan<char> text, int origin)
    {
        foreach (char c in text)
            Append(c, origin);
    }

    /// <summary>Puts other text in place of what a pattern matches; it stands for the last character of the match.</summary>
    public void Replace(Regex pattern, Func<Match, string> replace)
    {
        if (!pattern.IsMatch(Chars))
            return;
        string source = Chars.ToString();
        int done = 0;
        BeginRewrite();
        foreach (Match match in pattern.Matches(source))
        {
            AppendCurrent(done, match.Index);
            done = match.Index + match.Length;
            Append(replace(match), Origins[done - 1]);
        }

        AppendCurrent(done, Length);
        EndRewrite();
    }

    /// <summary>Appends a character of a text in lower case, as Python has it.</summary>
    /// <param name="source">The text, which decides what a sigma becomes.</param>
    /// <param name="at">Where the character begins.</param>
    /// <param name="origin">Its origin.</param>
    /// <param name="lower">For use here, anew each time.</param>
    public void AppendLower(string source, int at, int origin, StringBuilder lower)
    {
        lower.Clear();
        CaseMapping.AppendLower(lower, source, at);
        for (int i = 0; i < lower.Length; i++)
            Append(lower[i], origin);
    }

    /// <summary>Appends a part of the current version as it is.</summary>
    public void AppendCurrent(int start, int end) => AppendFrom(this, start, end);

    /// <summary>Appends a part of another text.</summary>
    public void AppendFrom(NormalizedString other, int start, int end)
    {
        Reserve(ref _newChars, ref _newOrigins, _newLength, _newLength + end - start);
        other._chars.AsSpan(start, end - start).CopyTo(_newChars.AsSpan(_newLength));
        other._origins.AsSpan(start, end - start).CopyTo(_newOrigins.AsSpan(_newLength));
        _newLength += end - start;
    }

    /// <summary>Takes a character off the end of the new version, as often as it stands there.</summary>
    public void TrimRewrite(char c)
    {
        while (_newLength > 0 && _newChars[_newLength - 1] == c)
            _newLength--;
    }

    public void EndRewrite()
    {
        (_chars, _newChars) = (_newChars, _chars);
        (_origins, _newOrigins) = (_newOrigins, _origins);
        Length = _newLength;
    }

    /// <summary>Changes characters one for one.</summary>
    public Span<char> MutableChars => _chars.AsSpan(0, Length);

    /// <summary>The range of the original text that a part stands for.</summary>
    public TextRange ToOriginal(int start, int end, ReadOnlySpan<char> original)
    {
        int first = _origins[start];
        int last = _origins[end - 1];
        int from = first < 0 ? ~first : first;
        if (last < 0)
            return new TextRange(from, ~last);
        bool pair = last + 1 < original.Length && char.IsSurrogatePair(original[last], original[last + 1]);
        return new TextRange(from, last + (pair ? 2 : 1));
    }

    /// <summary>The same, but where a part stands for nothing it has the character there, or the last one.</summary>
    public TextRange ToCharacters(int start, int end, ReadOnlySpan<char> original)
    {
        TextRange range = ToOriginal(start, end, original);
        if (range.Start < range.End)
            return range;
        int at = Math.Min(range.Start, original.Length - 1);
        at -= at > 0 && char.IsSurrogatePair(original[at - 1], original[at]) ? 1 : 0;
        CodePointAt(original, at, out int units);
        return new TextRange(at, at + units);
    }

    private static void Reserve(ref char[] chars, ref int[] origins, int used, int needed)
    {
        if (chars.Length >= needed)
            return;
        int capacity = (int)Math.Min(Array.MaxLength, Math.Max((long)needed, chars.Length * 3L / 2));
        char[] newChars = LargeMemory.Allocate<char>(capacity);
        int[] newOrigins = LargeMemory.Allocate<int>(capacity);
        chars.AsSpan(0, used).CopyTo(newChars);
        origins.AsSpan(0, used).CopyTo(newOrigins);
        (chars, origins) = (newChars, newOrigins);
    }
}
