using System.Buffers;
using System.Text.Json;
using Triptych.Tokenizers.Models;

namespace Triptych.Tokenizers.Loading;

/// <summary>
/// The long lists of a tokenizer.json, vocabulary and merges, read in one pass, and the rest of the file without them: a document of all
/// the file's values takes several times as long. Whatever is out of the ordinary is left to the document, and its errors.
/// </summary>
internal sealed class ModelScan
{
    private readonly List<(int Start, int End, byte Open)> _cuts = [];

    private ModelScan()
    {
    }

    /// <summary>The model's <c>vocab</c>, where it is an object.</summary>
    public List<(string Token, int Id)>? Vocabulary { get; private set; }

    /// <summary>The model's <c>merges</c>.</summary>
    public MergeList? Merges { get; private set; }

    /// <summary>The file with empty lists in their place.</summary>
    public ReadOnlyMemory<byte> Rest { get; private set; }

    /// <summary>Reads a file; null where the document must be asked.</summary>
    public static ModelScan? TryRead(ReadOnlyMemory<byte> json)
    {
        if (json.Span.StartsWith("\uFEFF"u8))
            json = json[3..];
        var scan = new ModelScan();
        try
        {
            if (!scan.ReadRoot(json.Span))
                return null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }

        scan.Rest = scan.WithoutLists(json.Span);
        return scan;
    }

    private bool ReadRoot(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        bool seen = false;
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
            return false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool isModel = reader.ValueTextEquals("model"u8);
            reader.Read();
            if (!isModel)
                reader.Skip();
            else if (seen || reader.TokenType != JsonTokenType.StartObject || !ReadModel(ref reader))
                return false;
            seen |= isModel;
        }

        return !reader.Read() && Vocabulary is not null;
    }

    private bool ReadModel(ref Utf8JsonReader reader)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool isVocabulary = reader.ValueTextEquals("vocab"u8), isMerges = reader.ValueTextEquals("merges"u8);
            reader.Read();
            int start = (int)reader.TokenStartIndex;
            if (isVocabulary && reader.TokenType == JsonTokenType.StartObject)
            {
                if (Vocabulary is not null || !ReadVocabulary(ref reader))
                    return false;
                _cuts.Add((start, (int)reader.BytesConsumed, (byte)'{'));
            }
            else if (isMerges && reader.TokenType == JsonTokenType.StartArray)
            {
                if (Merges is not null || !ReadMerges(ref reader))
                    return false;
                _cuts.Add((start, (int)reader.BytesConsumed, (byte)'['));
            }
            else
            {
                reader.Skip();
            }
        }

        return true;
    }

    private bool ReadVocabulary(ref Utf8JsonReader reader)
    {
        Vocabulary = [];
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string token = reader.GetString()!;
            if (!reader.Read() || reader.TokenType != JsonTokenType.Number || !reader.TryGetInt32(out int id) || id is < 0 or >= Models.Vocabulary.MaxId)
                return false;
            Vocabulary.Add((token, id));
        }

        return true;
    }

    private bool ReadMerges(ref Utf8JsonReader reader)
    {
        Merges = new MergeList();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (!(reader.TokenType == JsonTokenType.String ? ReadMerge(ref reader) : reader.TokenType == JsonTokenType.StartArray && ReadPair(ref reader)))
                return false;
        }

        return true;
    }

    /// <summary>A pair as one string, with a space between.</summary>
    private bool ReadMerge(ref Utf8JsonReader reader)
    {
        Span<char> room = Merges!.Room(reader.ValueSpan.Length);
        Span<char> text = room[..reader.CopyString(room)];
        int space = text.IndexOf(' ');
        if (space < 0 || text[(space + 1)..].Contains(' ') || text.StartsWith("#version"))
            return false;
        text[(space + 1)..].CopyTo(text[space..]);
        Merges.Add(space, text.Length - space - 1);
        return true;
    }

    /// <summary>A pair as an array of two strings.</summary>
    private bool ReadPair(ref Utf8JsonReader reader)
    {
        if (!reader.Read() || reader.TokenType != JsonTokenType.String)
            return false;
        int left = reader.CopyString(Merges!.Room(reader.ValueSpan.Length));
        if (!reader.Read() || reader.TokenType != JsonTokenType.String)
            return false;
        int right = reader.CopyString(Merges.Room(left + reader.ValueSpan.Length)[left..]);
        Merges.Add(left, right);
        return reader.Read() && reader.TokenType == JsonTokenType.EndArray;
    }

    private byte[] WithoutLists(ReadOnlySpan<byte> json)
    {
        var output = new ArrayBufferWriter<byte>();
        int done = 0;
        foreach ((int start, int end, byte open) in _cuts)
        {
            output.Write(json[done..start]);
            output.Write(open == '{' ? "{}"u8 : "[]"u8);
            done = end;
        }

        output.Write(json[done..]);
        return output.WrittenSpan.ToArray();
    }
}
