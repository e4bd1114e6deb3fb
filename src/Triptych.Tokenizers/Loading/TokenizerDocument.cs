using System.Text.Json;
using System.Text.Json.Nodes;
using Triptych.Tokenizers.Models;

namespace Triptych.Tokenizers.Loading;

/// <summary>
/// A tokenizer.json. Its vocabulary and merges are found once and kept apart, so that what the files beside it change in the rest, which is
/// short, does not take the whole file to be read and written.
/// </summary>
internal sealed class TokenizerDocument(ReadOnlyMemory<byte> json)
{
    private ModelScan? _lists;
    private Vocabulary? _vocabulary;
    private bool _isScanned;
    private byte[]? _changed;

    /// <summary>The long lists; null where the file is out of the ordinary.</summary>
    public ModelScan? Lists
    {
        get
        {
            if (!_isScanned)
                _lists = ModelScan.TryRead(json);
            _isScanned = true;
            return _lists;
        }
    }

    /// <summary>The file as it is now, without the lists where there are any.</summary>
    public ReadOnlyMemory<byte> Rest => _changed ?? Lists?.Rest ?? json;

    /// <summary>The whole file as it is now.</summary>
    public ReadOnlyMemory<byte> Json => _changed is null ? json : Lists is null ? _changed : WithLists(_changed);

    /// <summary>The vocabulary, where it is an object of tokens and ids; null where it is not, or was not found.</summary>
    /// <param name="refuse">Makes the error for a vocabulary that cannot be used.</param>
    public Vocabulary? FindVocabulary(Func<string, Exception> refuse) =>
        Lists is { Scores: null, Vocabulary: TokenList tokens } ? _vocabulary ??= new Vocabulary(tokens, refuse) : null;

    /// <summary>Changes the rest of the file.</summary>
    public void Change(JsonObject rest) => _changed = TokenizerFiles.ToBytes(rest);

    /// <summary>Lets go of what only reading needs; it is found again if need be.</summary>
    public void Release() => (_lists, _vocabulary, _isScanned) = (null, null, false);

    private byte[] WithLists(byte[] changed)
    {
        using JsonDocument rest = JsonDocument.Parse(changed);
        using var stream = new MemoryStream(json.Length);
        using (var writer = new Utf8JsonWriter(stream, TokenizerFiles.Indented))
        {
            writer.WriteStartObject();
            foreach (JsonProperty member in rest.RootElement.EnumerateObject())
            {
                writer.WritePropertyName(member.Name);
                if (member.Name == "model")
                    WriteModel(writer, member.Value);
                else
                    member.Value.WriteTo(writer);
            }

            writer.WriteEndObject();
        }

        return stream.ToArray();
    }

    private void WriteModel(Utf8JsonWriter writer, JsonElement model)
    {
        writer.WriteStartObject();
        foreach (JsonProperty member in model.EnumerateObject())
        {
            writer.WritePropertyName(member.Name);
            if (Lists!.TextOf(member.Name) is Range text)
                writer.WriteRawValue(Lists[text], skipInputValidation: true);
            else
                member.Value.WriteTo(writer);
        }

        writer.WriteEndObject();
    }
}
