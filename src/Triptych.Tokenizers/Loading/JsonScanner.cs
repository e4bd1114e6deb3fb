using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Triptych.Tokenizers.Loading;

/// <summary>
/// Reads the plain parts of JSON quickly, and gives up at the rest. What it takes is valid JSON; what it skips is not checked.
/// </summary>
internal ref struct JsonScanner(ReadOnlySpan<byte> json, int at)
{
    private const int MaxDigits = 9;

    private static readonly SearchValues<byte> s_signs = SearchValues.Create("\"{}[],"u8);

    private readonly ReadOnlySpan<byte> _json = json;

    /// <summary>Where the next value, sign or white space begins.</summary>
    public int At { get; private set; } = at;

    /// <summary>The next byte that is not white space, or 0 at the end.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte Peek()
    {
        ReadOnlySpan<byte> json = _json;
        int at = At;
        return (uint)at < (uint)json.Length && json[at] > ' ' ? json[at] : PeekBeyondSpace();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private byte PeekBeyondSpace()
    {
        // Files are indented: spaces come in rows.
        ReadOnlySpan<byte> json = _json;
        int at = At;
        while ((uint)at < (uint)json.Length && json[at] is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t')
        {
            at++;
            if (json.Length - at >= sizeof(uint) && MemoryMarshal.Read<uint>(json[at..]) == 0x20202020)
                at += sizeof(uint);
        }

        At = at;
        return (uint)at < (uint)json.Length ? json[at] : (byte)0;
    }

    /// <summary>Takes a sign, if it comes next.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryTake(byte sign)
    {
        bool found = Peek() == sign;
        At += found ? 1 : 0;
        return found;
    }

    /// <summary>Takes a string without escapes, as it is written, and does not look at its characters.</summary>
    public bool TryTakeName(out ReadOnlySpan<byte> name)
    {
        name = default;
        if (!TryTake((byte)'"'))
            return false;
        ReadOnlySpan<byte> rest = _json[At..];
        int end = rest.IndexOfAny((byte)'"', (byte)'\\');
        if (end < 0 || rest[end] == '\\')
            return false;
        name = rest[..end];
        At += end + 1;
        return true;
    }

    /// <summary>Passes over a string, if one comes next and ends.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public bool TrySkipString()
    {
        if (!TryTake((byte)'"'))
            return false;
        while (true)
        {
            int end = _json[At..].IndexOfAny((byte)'"', (byte)'\\');
            if (end < 0)
                return false;
            bool ends = _json[At + end] == '"';
            At += end + (ends ? 1 : 2);
            if (ends || At > _json.Length)
                return ends;
        }
    }

    /// <summary>Passes over the next value, if it ends.</summary>
    public bool TrySkip()
    {
        int depth = 0;
        do
        {
            switch (Peek())
            {
                case 0:
                    return false;
                case (byte)'"':
                    if (!TrySkipString())
                        return false;
                    break;
                case (byte)'{' or (byte)'[':
                    depth++;
                    At++;
                    break;
                case (byte)'}' or (byte)']':
                    depth--;
                    At++;
                    break;
                default:
                    int length = _json[At..].IndexOfAny(s_signs);
                    if (length < 0 || length == 0 && depth == 0)
                        return false;
                    At += Math.Max(1, length);
                    break;
            }
        }
        while (depth > 0);
        return depth == 0;
    }

    /// <summary>Takes a number without sign, fraction and exponent, if it has few digits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryTakeId(out int id)
    {
        Peek();
        int start = At, at = start;
        id = 0;
        for (; at < _json.Length && (uint)(_json[at] - '0') <= 9 && at - start < MaxDigits; at++)
            id = 10 * id + (_json[at] - '0');
        At = at;
        return at > start && (at - start == 1 || _json[start] != '0') && at < _json.Length && _json[at] is (byte)',' or (byte)'}' or (byte)']' or (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t';
    }

    /// <summary>Takes a number as it is written.</summary>
    public bool TryTakeNumber(out Range place)
    {
        Peek();
        int start = At;
        while (At < _json.Length && _json[At] is >= (byte)'0' and <= (byte)'9' or (byte)'-' or (byte)'.' or (byte)'e' or (byte)'E' or (byte)'+')
            At++;
        place = start..At;
        return IsNumber(_json[place]);
    }

    /// <summary>Takes a string as UTF-16.</summary>
    /// <param name="output">Takes it.</param>
    /// <param name="length">How many units it has; -1 where there is not enough room.</param>
    /// <returns>False where it is not valid or does not fit; then it is not taken.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public bool TryTakeString(scoped Span<char> output, out int length)
    {
        length = 0;
        if (Peek() != '"')
            return false;
        ReadOnlySpan<byte> json = _json;
        int at = At + 1, count = 0;
        while ((uint)at < (uint)json.Length)
        {
            uint b = json[at++];
            if (b == '"')
            {
                length = count;
                At = at;
                return true;
            }

            // A character takes two units at most.
            if (count + 2 > output.Length)
            {
                length = -1;
                return false;
            }

            if (b < 0x80)
            {
                if (b < ' ' || b == '\\' && !TryTakeEscape(json, ref at, ref b))
                    return false;
                output[count++] = (char)b;
                if (char.IsHighSurrogate((char)b))
                {
                    uint low = 0;
                    if ((uint)at >= (uint)json.Length || json[at++] != '\\' || !TryTakeEscape(json, ref at, ref low) || !char.IsLowSurrogate((char)low))
                        return false;
                    output[count++] = (char)low;
                }
                else if (char.IsLowSurrogate((char)b))
                {
                    return false;
                }

                continue;
            }

            if (!TryTakeSequence(json, ref at, ref b))
                return false;
            if (b < 0x10000)
            {
                output[count++] = (char)b;
                continue;
            }

            output[count++] = (char)(0xD7C0 + (b >> 10));
            output[count++] = (char)(0xDC00 | b & 0x3FF);
        }

        return false;
    }

    /// <summary>The rest of a character of several bytes; false where they are not well formed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryTakeSequence(ReadOnlySpan<byte> json, ref int at, ref uint b)
    {
        int more = b switch { < 0xC2 => 0, < 0xE0 => 1, < 0xF0 => 2, < 0xF5 => 3, _ => 0 };
        if (more == 0 || json.Length - at < more)
            return false;
        b &= 0x3Fu >> more;
        for (int i = 0; i < more; i++)
        {
            uint next = json[at++];
            if ((next & 0xC0) != 0x80)
                return false;
            b = b << 6 | next & 0x3F;
        }

        return more == 1 || (more == 2 ? b is >= 0x800 and not (>= 0xD800 and < 0xE000) : b is >= 0x10000 and < 0x110000);
    }

    private static bool TryTakeEscape(ReadOnlySpan<byte> json, ref int at, ref uint unit)
    {
        if ((uint)at >= (uint)json.Length)
            return false;
        byte sign = json[at++];
        unit = sign switch
        {
            (byte)'"' or (byte)'\\' or (byte)'/' => sign,
            (byte)'b' => '\b',
            (byte)'f' => '\f',
            (byte)'n' => '\n',
            (byte)'r' => '\r',
            (byte)'t' => '\t',
            (byte)'u' => 0,
            _ => uint.MaxValue,
        };
        if (sign != 'u')
            return unit != uint.MaxValue;
        if (json.Length - at < 4)
            return false;
        for (int i = 0; i < 4; i++)
        {
            byte digit = json[at++];
            uint lower = digit | 0x20u;
            if (digit - (uint)'0' <= 9)
                unit = unit << 4 | digit - (uint)'0';
            else if (lower - 'a' <= 5)
                unit = unit << 4 | (lower - 'a' + 10);
            else
                return false;
        }

        return true;
    }

    private static bool IsNumber(ReadOnlySpan<byte> number)
    {
        int at = number.StartsWith("-"u8) ? 1 : 0;
        int digits = Digits(number, at);
        if (digits == 0 || digits > 1 && number[at] == '0')
            return false;
        at += digits;
        if (at < number.Length && number[at] == '.')
        {
            digits = Digits(number, ++at);
            if (digits == 0)
                return false;
            at += digits;
        }

        if (at < number.Length && number[at] is (byte)'e' or (byte)'E')
        {
            at++;
            at += at < number.Length && number[at] is (byte)'+' or (byte)'-' ? 1 : 0;
            digits = Digits(number, at);
            if (digits == 0)
                return false;
            at += digits;
        }

        return at == number.Length;
    }

    private static int Digits(ReadOnlySpan<byte> text, int at)
    {
        int start = at;
        while (at < text.Length && text[at] is >= (byte)'0' and <= (byte)'9')
            at++;
        return at - start;
    }
}
