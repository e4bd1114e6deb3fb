using System.Buffers;
using Microsoft.ML.Tokenizers;

namespace Triptych.Tokenizers.MicrosoftML;

/// <summary>
/// A tokenizer for code that is written for Microsoft.ML.Tokenizers, such as text chunkers and Semantic Kernel. Offsets count in the
/// original text, so that there is no normalized one.
/// </summary>
/// <param name="tokenizer">The tokenizer.</param>
/// <param name="addSpecialTokens">Whether the special tokens of its template are inserted.</param>
public sealed class TokenizerAdapter(Tokenizer tokenizer, bool addSpecialTokens = false) : Microsoft.ML.Tokenizers.Tokenizer
{
    private readonly EncodeOptions _options = new() { AddSpecialTokens = addSpecialTokens };

    /// <summary>The tokenizer that does the work.</summary>
    public Tokenizer Inner { get; } = tokenizer ?? throw new ArgumentNullException(nameof(tokenizer));

    /// <inheritdoc/>
    public override OperationStatus Decode(IEnumerable<int> ids, Span<char> destination, out int idsConsumed, out int charsWritten)
    {
        ArgumentNullException.ThrowIfNull(ids);
        idsConsumed = charsWritten = 0;
        DecodeStream stream = Inner.DecodeStream();
        int read = 0;
        foreach (int id in ids)
        {
            read++;
            if (stream.Step(id) is not string text)
                continue;
            if (!text.TryCopyTo(destination[charsWritten..]))
                return OperationStatus.DestinationTooSmall;
            charsWritten += text.Length;
            idsConsumed = read;
        }

        string rest = stream.Flush();
        if (!rest.TryCopyTo(destination[charsWritten..]))
            return OperationStatus.DestinationTooSmall;
        charsWritten += rest.Length;
        idsConsumed = read;
        return OperationStatus.Done;
    }

    /// <inheritdoc/>
    public override string Decode(IEnumerable<int> ids) => Inner.Decode(ids, skipSpecialTokens: false);

    /// <inheritdoc/>
    protected override EncodeResults<EncodedToken> EncodeToTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        Check(settings);
        text ??= textSpan.ToString();
        Encoding encoding = Inner.Encode(text, null, _options);
        int count = Math.Min(encoding.Length, settings.MaxTokenCount);
        var tokens = new EncodedToken[count];
        for (int i = 0; i < count; i++)
            tokens[i] = new EncodedToken(encoding.Ids[i], encoding.Tokens[i], encoding.Offsets[i].Start..encoding.Offsets[i].End);
        return new EncodeResults<EncodedToken> { Tokens = tokens, CharsConsumed = Consumed(encoding, count, text.Length) };
    }

    /// <inheritdoc/>
    protected override EncodeResults<int> EncodeToIds(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        Check(settings);
        if (settings.MaxTokenCount == int.MaxValue)
            return new EncodeResults<int> { Tokens = Inner.EncodeToIds(text ?? textSpan, addSpecialTokens), CharsConsumed = text?.Length ?? textSpan.Length };
        text ??= textSpan.ToString();
        Encoding encoding = Inner.Encode(text, null, _options);
        int count = Math.Min(encoding.Length, settings.MaxTokenCount);
        return new EncodeResults<int> { Tokens = new ArraySegment<int>(encoding.Ids, 0, count), CharsConsumed = Consumed(encoding, count, text.Length) };
    }

    /// <inheritdoc/>
    protected override int CountTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        Check(settings);
        return Math.Min(Inner.CountTokens(text ?? textSpan, addSpecialTokens), settings.MaxTokenCount);
    }

    /// <summary>What the first tokens cover of a text.</summary>
    private static int Consumed(Encoding encoding, int count, int length)
    {
        if (count == encoding.Length)
            return length;
        int end = 0;
        foreach (TextRange range in encoding.Offsets.AsSpan(0, count))
            end = Math.Max(end, range.End);
        return end;
    }

    private static void Check(EncodeSettings settings)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(settings.MaxTokenCount);
        if (!settings.ConsiderNormalization || !settings.ConsiderPreTokenization)
            throw new NotSupportedException("this tokenizer's normalizer and pre-tokenizer cannot be left out");
    }
}

/// <summary>The way to Microsoft.ML.Tokenizers.</summary>
public static class TokenizerAdapterExtensions
{
    /// <summary>The tokenizer as Microsoft.ML.Tokenizers has them.</summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="addSpecialTokens">Whether the special tokens of its template are inserted.</param>
    public static TokenizerAdapter AsMicrosoftTokenizer(this Tokenizer tokenizer, bool addSpecialTokens = false) => new(tokenizer, addSpecialTokens);
}
