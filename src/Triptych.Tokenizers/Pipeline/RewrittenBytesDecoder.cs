using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using Triptych.Tokenizers.Models;

namespace Triptych.Tokenizers.Pipeline;

/// <summary>MyT5's way back: the rules backwards, from the last; bytes that make no character are left out.</summary>
internal sealed class RewrittenBytesDecoder(IReadOnlyList<ByteRules> rules) : Decoder
{
    public override List<string> Decode(List<string> tokens)
    {
        List<(int Value, int First, int Last)> bytes = [.. tokens.Select((token, i) => (ByteRules.ValueOf(token), i, i))];
        foreach (ByteRules rule in rules.Reverse())
            bytes = rule.Rewrite(bytes, back: true);
        var all = new List<byte>(bytes.Count);
        foreach ((int value, int first, _) in bytes)
        {
            if (value >= 0)
                all.Add((byte)value);
            else
                all.AddRange(System.Text.Encoding.UTF8.GetBytes(tokens[first]));
        }

        var text = new StringBuilder(all.Count);
        for (ReadOnlySpan<byte> rest = CollectionsMarshal.AsSpan(all); !rest.IsEmpty;)
        {
            if (Rune.DecodeFromUtf8(rest, out Rune rune, out int length) == OperationStatus.Done)
                text.Append(rune);
            rest = rest[length..];
        }

        return [text.ToString()];
    }
}
