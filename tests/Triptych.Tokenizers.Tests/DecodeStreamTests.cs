using Triptych.TestSupport;

namespace Triptych.Tokenizers.Tests;

public sealed class DecodeStreamTests
{
    [Theory]
    [InlineData("gpt2", "Hello 😀👩‍👧 wörld 世界, naïve\n\nend")]
    [InlineData("bert-uncased", "hello wonderful world, it is unaffable")]
    [InlineData("roberta-added", "some text and 한국어")]
    public void PiecesJoinToTheTextAndNeverSplitACharacter(string name, string text)
    {
        Tokenizer tokenizer = Tokenizer.Load(Fixtures.Path($"tokenizers/{name}.json"));
        int[] ids = tokenizer.Encode(text).Ids;
        DecodeStream stream = tokenizer.DecodeStream();
        var pieces = new List<string>();
        foreach (int id in ids)
        {
            if (stream.Step(id) is string piece)
                pieces.Add(piece);
        }

        pieces.Add(stream.Flush());
        Assert.Equal(tokenizer.Decode(ids), string.Concat(pieces));
        Assert.DoesNotContain(pieces, piece => piece.Contains('\uFFFD'));
        Assert.True(pieces.Count > 4);
    }

    [Fact]
    public void FlushGivesWhatIsLeftOfABrokenCharacter()
    {
        Tokenizer tokenizer = Tokenizer.Load(Fixtures.Path("tokenizers/gpt2.json"));
        int[] ids = tokenizer.Encode("ab😀").Ids;
        DecodeStream stream = tokenizer.DecodeStream();
        string text = string.Concat(ids[..^1].Select(stream.Step));
        Assert.Equal("ab", text);
        Assert.Equal("\uFFFD", stream.Flush());
        Assert.Equal("", stream.Flush());
    }

    [Fact]
    public void TextThatChangesAfterwardsIsNotCutWithinACharacter()
    {
        const string Json = """
            {"model":{"type":"WordLevel","unk_token":"x","vocab":{"x":0,"😀":1,"yy":2}},
            "decoder":{"type":"Sequence","decoders":[{"type":"Fuse"},{"type":"Replace","pattern":{"String":"😀x"},"content":"😁"}]}}
            """;
        DecodeStream stream = Tokenizer.FromJson(System.Text.Encoding.UTF8.GetBytes(Json)).DecodeStream();
        Assert.Equal(["😀", null, "😁yy"], ((int[])[1, 0, 2]).Select(stream.Step));
    }
}
