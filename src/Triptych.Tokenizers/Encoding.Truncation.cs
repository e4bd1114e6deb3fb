namespace Triptych.Tokenizers;

/// <summary>What decides which text of a pair is cut.</summary>
public sealed partial class Encoding
{
    /// <summary>Whether cutting to a length leaves parts that are no longer than what each repeats of the one before it.</summary>
    internal bool IsCutBelow(int length, int stride) => length > 0 && length < Length && length <= stride;

    /// <summary>
    /// The length up to the end of the word that reaches <paramref name="maxLength"/>, from the side that is kept: there Hugging Face
    /// tokenizers stops, so that of two texts that are both too long this decides which one is the longer. Given words are not stopped in.
    /// </summary>
    internal int LengthWithin(int maxLength, Side side)
    {
        if (Source is null || Length <= maxLength || maxLength < 1)
            return Length;
        int length = maxLength;
        if (side == Side.Right)
        {
            while (length < Length && WordIds[length] == WordIds[length - 1])
                length++;
        }
        else
        {
            while (length < Length && WordIds[Length - length - 1] == WordIds[Length - length])
                length++;
        }

        return length;
    }
}
