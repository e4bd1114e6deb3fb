using System.Buffers;
using Triptych.TestSupport;
using Triptych.Tokenizers.MicrosoftML;

namespace Triptych.Tokenizers.Tests;

/// <summary>The tokenizer seen from Microsoft.ML.Tokenizers.</summary>
public sealed class AdapterTests
{
    private const string Text = "The little house, na\u00EFve \uD83D\uDE00 and so on.";

    private static readonly Tokenizer s_tokenizer = Tokenizer.Load(Fixtures.Path("tokenizers/gpt2.json"));

    private static readonly Microsoft.ML.Tokenizers.Tokenizer s_adapter = s_tokenizer.AsMicrosoftTokenizer();

    [Fact]
    public void IdsTokensAndCountsAreOurs()
    {
        Encoding expected = s_tokenizer.Encode(Text, addSpecialTokens: false);
        Assert.Equal(expected.Ids, s_adapter.EncodeToIds(Text));
        Assert.Equal(expected.Ids, s_adapter.EncodeToIds(Text.AsSpan()));
        Assert.Equal(expected.Length, s_adapter.CountTokens(Text));
        var tokens = s_adapter.EncodeToTokens(Text, out string? normalized);
        Assert.Null(normalized);
        Assert.Equal(expected.Tokens, tokens.Select(token => token.Value));
        Assert.Equal(expected.Offsets.Select(range => range.Start..range.End), tokens.Select(token => token.Offset));
        Assert.Equal(Text, s_adapter.Decode(expected.Ids));
    }

    [Fact]
    public void TextsAreCutAtTokens()
    {
        Encoding whole = s_tokenizer.Encode(Text, addSpecialTokens: false);
        Assert.Equal(whole.Ids[..3], s_adapter.EncodeToIds(Text, 3, out _, out int consumed));
        Assert.Equal(whole.Offsets[2].End, consumed);
        Assert.Equal(whole.Offsets[2].End, s_adapter.GetIndexByTokenCount(Text, 3, out _, out int count));
        Assert.Equal(3, count);
        Assert.Equal(whole.Offsets[^2].Start, s_adapter.GetIndexByTokenCountFromEnd(Text, 2, out _, out _));
    }

    [Fact]
    public void DecodesIntoSpans()
    {
        int[] ids = s_tokenizer.EncodeToIds(Text, addSpecialTokens: false);
        char[] room = new char[Text.Length];
        Assert.Equal(OperationStatus.Done, s_adapter.Decode(ids, room, out int idsConsumed, out int charsWritten));
        Assert.Equal((ids.Length, Text), (idsConsumed, new string(room, 0, charsWritten)));
        Assert.Equal(OperationStatus.DestinationTooSmall, s_adapter.Decode(ids, room.AsSpan(0, 8), out idsConsumed, out charsWritten));
        Assert.Equal(s_tokenizer.Decode(ids[..idsConsumed]), new string(room, 0, charsWritten));
    }

    [Fact]
    public void IdsIntoSpansHaveTheTemplate()
    {
        Tokenizer bert = Tokenizer.Load(Fixtures.Path("tokenizers/bert-uncased.json"));
        int[] expected = bert.Encode(Text).Ids;
        Assert.Equal(expected, bert.EncodeToIds(Text));
        Assert.Equal(expected.Length, bert.CountTokens(Text));
        int[] room = new int[expected.Length];
        Assert.Equal(expected.Length, bert.EncodeToIds(Text, room));
        Assert.Equal(expected, room);
        Assert.Equal(expected.Length, bert.EncodeToIds(Text, room.AsSpan(0, 2)));
        Assert.Equal(expected, bert.AsMicrosoftTokenizer(addSpecialTokens: true).EncodeToIds(Text));
    }

    [Fact]
    public void StagesCannotBeLeftOut() =>
        Assert.Throws<NotSupportedException>(() => s_adapter.EncodeToIds(Text, considerPreTokenization: false));
}
