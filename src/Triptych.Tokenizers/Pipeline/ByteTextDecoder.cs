using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;

namespace Triptych.Tokenizers.Pipeline;

/// <summary>The way back of bytes: tokens are bytes but for the added ones; those that make no character are left out, or become U+FFFD.</summary>
internal sealed class ByteTextDecoder(IReadOnlySet<string> added, bool replaces) : Decoder
{
    public override List<string> Decode(List<string> tokens)
    {
        var bytes = new List<byte>(tokens.Count);
        foreach (string token in tokens)
        {
            if (token.Length == 1 && !added.Contains(token))
                bytes.Add((byte)token[0]);
            else
                bytes.AddRange(System.Text.Encoding.UTF8.GetBytes(token));
        }

        var text = new StringBuilder(bytes.Count);
        for (ReadOnlySpan<byte> rest = CollectionsMarshal.AsSpan(bytes); !rest.IsEmpty;)
        {
            if (Rune.DecodeFromUtf8(rest, out Rune rune, out int length) == OperationStatus.Done || replaces)
                text.Append(rune);
            rest = rest[length..];
        }

        return [text.ToString()];
    }
}

/// <summary>Ends each text with a token, but for one that has it at its end already.</summary>
internal sealed class EndProcessor(int id, string token) : PostProcessor
{
    public static EndProcessor Of(IEnumerable<AddedToken> added, string token) => new(added.First(one => one.Content == token).Id, token);

    public override int CountAdded(bool pair) => pair ? 2 : 1;

    public override List<Encoding> Process(List<Encoding> encodings, bool addSpecialTokens)
    {
        var output = new List<Encoding>();
        foreach (Encoding encoding in encodings)
        {
            output.Add(encoding.With(encoding.Overflowing, typeId: 0, hasSequence: true));
            if (addSpecialTokens && (encoding.Length == 0 || encoding.Ids[^1] != id))
                output.Add(Encoding.Inserted([id], [token], 0));
        }

        return output;
    }
}
