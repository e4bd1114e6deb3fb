using System.Buffers.Binary;

namespace Triptych.Tokenizers.SentencePiece;

/// <summary>Reads the fields of a protobuf message one after another; every length is checked against what is there.</summary>
internal ref struct ProtobufReader(ReadOnlySpan<byte> message, string file)
{
    private const int MaxVarintBytes = 10;
    private const int MaxDepth = 32;

    private readonly ReadOnlySpan<byte> _message = message;
    private readonly string _file = file;
    private int _at = 0;
    private WireType _type = default;

    private enum WireType
    {
        Varint = 0,
        Fixed64 = 1,
        Bytes = 2,
        GroupStart = 3,
        GroupEnd = 4,
        Fixed32 = 5,
    }

    /// <summary>Goes on to the next field, whose value must then be read or skipped; false at the end.</summary>
    public bool TryReadField(out int number)
    {
        number = 0;
        if (_at == _message.Length)
            return false;
        ulong tag = ReadVarint();
        number = tag >> 3 is > 0 and <= int.MaxValue ? (int)(tag >> 3) : throw Fail($"field {tag >> 3} is out of range");
        _type = (WireType)(tag & 7);
        return true;
    }

    public long ReadInt()
    {
        Expect(WireType.Varint);
        return (long)ReadVarint();
    }

    public int ReadInt32() => (int)ReadInt();

    public bool ReadBool() => ReadInt() != 0;

    public float ReadFloat()
    {
        Expect(WireType.Fixed32);
        return BinaryPrimitives.ReadSingleLittleEndian(Take(sizeof(float)));
    }

    public ReadOnlySpan<byte> ReadBytes()
    {
        Expect(WireType.Bytes);
        return TakeBytes();
    }

    public string ReadString()
    {
        ReadOnlySpan<byte> bytes = ReadBytes();
        return System.Text.Unicode.Utf8.IsValid(bytes) ? System.Text.Encoding.UTF8.GetString(bytes)
            : throw Fail("a text is not UTF-8");
    }

    public void Skip() => Skip(_type, 0);

    private void Skip(WireType type, int depth)
    {
        switch (type)
        {
            case WireType.Varint:
                ReadVarint();
                break;
            case WireType.Fixed64:
                Take(sizeof(ulong));
                break;
            case WireType.Bytes:
                TakeBytes();
                break;
            case WireType.Fixed32:
                Take(sizeof(uint));
                break;
            case WireType.GroupStart when depth < MaxDepth:
                for (var inner = (WireType)(ReadVarint() & 7); inner != WireType.GroupEnd; inner = (WireType)(ReadVarint() & 7))
                    Skip(inner, depth + 1);
                break;
            default:
                throw Fail($"wire type {(int)type} makes no sense here");
        }
    }

    private void Expect(WireType type)
    {
        if (_type != type)
            throw Fail($"a field has wire type {(int)_type} in place of {(int)type}");
    }

    private ReadOnlySpan<byte> TakeBytes()
    {
        ulong length = ReadVarint();
        return length <= (ulong)(_message.Length - _at) ? Take((int)length)
            : throw Fail($"a field of {length} bytes does not fit into the {_message.Length - _at} that are left");
    }

    private ReadOnlySpan<byte> Take(int length)
    {
        if (length > _message.Length - _at)
            throw Fail("the file ends in the middle of a value");
        _at += length;
        return _message.Slice(_at - length, length);
    }

    private ulong ReadVarint()
    {
        ulong value = 0;
        for (int i = 0; i < MaxVarintBytes; i++)
        {
            if (_at == _message.Length)
                throw Fail("the file ends in the middle of a number");
            byte part = _message[_at++];
            value |= (ulong)(part & 0x7F) << (7 * i);
            if (part < 0x80)
                return value;
        }

        throw Fail($"a number is longer than {MaxVarintBytes} bytes");
    }

    private readonly TokenizerException Fail(string reason) => new(_file, $"not a usable SentencePiece model: {reason}");
}
