using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Triptych.Tensors.Tests;

/// <summary>Reads this folder's own fixtures, so that these tests stand below Triptych.Formats.</summary>
internal static class SafetensorsReader
{
    public static Dictionary<string, Tensor> Read(string path)
    {
        byte[] file = File.ReadAllBytes(path);
        int header = (int)BinaryPrimitives.ReadInt64LittleEndian(file);
        var result = new Dictionary<string, Tensor>();
        using var json = JsonDocument.Parse(file.AsMemory(8, header));
        foreach (var entry in json.RootElement.EnumerateObject())
        {
            if (entry.Name == "__metadata__")
                continue;
            int[] shape = [.. entry.Value.GetProperty("shape").EnumerateArray().Select(x => x.GetInt32())];
            var offsets = entry.Value.GetProperty("data_offsets");
            int start = offsets[0].GetInt32(), end = offsets[1].GetInt32();
            var bytes = file.AsSpan(8 + header + start, end - start);
            result[entry.Name] = entry.Value.GetProperty("dtype").GetString() switch
            {
                "F32" => Tensor.From(MemoryMarshal.Cast<byte, float>(bytes), shape),
                "I64" => Tensor.From(MemoryMarshal.Cast<byte, long>(bytes), shape),
                "BOOL" => Tensor.From(MemoryMarshal.Cast<byte, bool>(bytes), shape),
                var other => throw new InvalidDataException($"{entry.Name}: {other}"),
            };
        }

        return result;
    }
}
