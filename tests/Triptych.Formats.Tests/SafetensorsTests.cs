using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using Triptych.Tensors;
using Triptych.TestSupport;

namespace Triptych.Formats.Tests;

public sealed class SafetensorsTests : IDisposable
{
    private readonly TempFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void ReadsEveryDtypeThatPythonWrites()
    {
        using var file = SafetensorsFile.Open(Fixtures.Path("formats/dtypes.safetensors"));
        Assert.Equal("pt", file.Metadata["format"]);
        Assert.Equal("größe", file.Metadata["note"]);
        double[] quarters = [-0.75, -0.5, -0.25, 0, 0.25, 0.5];
        Assert.Equal(quarters, file.Load("f64").ToArray<double>());
        Assert.Equal([2, 3], file.Load("f32").Shape.ToArray());
        foreach (string name in (string[])["f32", "f16", "bf16"])
            Assert.Equal(quarters.Select(x => (float)x), file.Load(name).ToFloats());
        int[] ramp = [-3, -2, -1, 0, 1, 2];
        Assert.Equal(ramp.Select(x => (long)x << 40), file.Load("i64").ToArray<long>());
        Assert.Equal(ramp.Select(x => x << 20), file.Load("i32").ToArray<int>());
        Assert.Equal(ramp.Select(x => x * 1000), file.Load("i16").ToArray<int>());
        Assert.Equal(ramp.Select(x => (sbyte)x), file.Load("i8").ToArray<sbyte>());
        Assert.Equal(Enumerable.Range(0, 256).Select(x => (byte)x), file.Load("u8").ToArray<byte>());
        Assert.Equal([0, 65535], file.Load("u16").ToArray<int>());
        Assert.Equal([0L, uint.MaxValue], file.Load("u32").ToArray<long>());
        Assert.Equal([0L, 1L << 62], file.Load("u64").ToArray<long>());
        Assert.Equal([true, false, true], file.Load("bool").ToArray<bool>());
        Assert.Equal(1.5f, file.Load("scalar").Item<float>());
        Assert.Equal([0, 4], file.Load("empty").Shape.ToArray());
        Assert.Equal(8, file.ReadBytes("c64").Length);
        Assert.Contains("C64", Assert.Throws<CheckpointException>(() => file.Load("c64")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Float8EqualsTorchForEveryPattern()
    {
        using var file = SafetensorsFile.Open(Fixtures.Path("formats/dtypes.safetensors"));
        using var expected = JsonDocument.Parse(File.ReadAllText(Fixtures.Path("formats/float8.json")));
        foreach (JsonProperty type in expected.RootElement.EnumerateObject())
        {
            float[] values = [.. type.Value.EnumerateArray().Select(item => item.ValueKind switch
            {
                JsonValueKind.Null => float.NaN,
                JsonValueKind.String => item.GetString() == "inf" ? float.PositiveInfinity : float.NegativeInfinity,
                _ => item.GetSingle(),
            })];
            Assert.Equal(values, file.Load(type.Name).ToArray<float>());
        }
    }

    [Fact]
    public void RoundTripsEveryDtypeAndStridedViews()
    {
        string path = folder["all.safetensors"];
        var matrix = Tensor.From([1f, 2, 3, 4, 5, 6], [2, 3]);
        var tensors = new Dictionary<string, Tensor>
        {
            ["zeta"] = matrix.Transpose(0, 1),
            ["a\"\u0001é😀"] = Tensor.From([true, false, true]),
            ["half"] = Tensor.From([(Half)1.5f]),
            ["bf"] = Tensor.From([(BFloat16)1.5f]),
            ["f64"] = Tensor.From([double.NaN]),
            ["i64"] = Tensor.From([long.MinValue]),
            ["i32"] = Tensor.From([int.MinValue]),
            ["i8"] = Tensor.From([sbyte.MinValue]),
            ["u8"] = Tensor.From([byte.MaxValue]),
            ["empty"] = Tensor.Empty([0, 7]),
            ["scalar"] = Tensor.Scalar(7),
        };
        SafetensorsWriter.Write(path, tensors);
        using var file = SafetensorsFile.Open(path);
        Assert.Equal("pt", file.Metadata["format"]);
        Assert.Equal(tensors.Keys.Order(), file.Entries.Keys.Order());
        Assert.Equal([1f, 4, 2, 5, 3, 6], file.Load("zeta").ToArray<float>());
        foreach ((string name, Tensor tensor) in tensors)
        {
            Tensor loaded = file.Load(name);
            Assert.Equal(tensor.DType, loaded.DType);
            Assert.Equal(tensor.Shape, loaded.Shape);
            Assert.Equal(tensor.ToFloats(), loaded.ToFloats());
        }

        Assert.Equal(0, BinaryPrimitives.ReadInt64LittleEndian(File.ReadAllBytes(path)) % 8);
        Assert.Equal(["all.safetensors"], folder.Names);
    }

    [Fact]
    public void UnalignedDataIsCopied()
    {
        byte[] bytes = Build("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}}""", 5);
        BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(^4..), 2.5f);
        using var file = SafetensorsFile.Open(folder.Put("x", bytes));
        Assert.Equal(2.5f, file.Load("b").Item<float>());
    }

    [Fact]
    public void TensorsOutliveTheFileAndWritesStayPrivate()
    {
        string path = folder["w.safetensors"];
        SafetensorsWriter.Write(path, new Dictionary<string, Tensor> { ["w"] = Tensor.Ones([1024]) });
        byte[] before = File.ReadAllBytes(path);
        Tensor tensor;
        using (var file = SafetensorsFile.Open(path))
            tensor = file.Load("w");
        for (int i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        tensor.AsSpan<float>().Fill(3);
        Assert.All(tensor.ToArray<float>(), x => Assert.Equal(3, x));
        Assert.Equal(before, File.ReadAllBytes(path));
    }

    [Fact]
    public void DisposedFileRefusesToLoad()
    {
        var file = SafetensorsFile.Open(Fixtures.Path("formats/dtypes.safetensors"));
        file.Dispose();
        file.Dispose();
        Assert.Throws<ObjectDisposedException>(() => file.Load("f32"));
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}""", 6, "overlaps")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4, "overlaps")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "belong to no tensor")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 8, "belong to no tensor")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 4, "past the end")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[9223372036854775804,9223372036854775807]}}""", 4, "past the end")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,9223372036854775808]}}""", 4, "9223372036854775808")]
    [InlineData("""{"a":{"dtype":"F32","shape":[9223372036854775807,4],"data_offsets":[0,4]}}""", 4, "overflows")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}""", 0, "overflows")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}""", 4, "-1")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}""", 4, "1.0")]
    [InlineData("""{"a":{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}}""", 4, "String")]
    [InlineData("""{"a":{"dtype":"F32","shape":[[1]],"data_offsets":[0,4]}}""", 4, "StartArray")]
    [InlineData("""{"a":{"dtype":"F32","shape":1,"data_offsets":[0,4]}}""", 4, "not a list")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}""", 4, "before they begin")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,4]}}""", 4, "3 numbers")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", 4, "takes 8 bytes")]
    [InlineData("""{"a":{"dtype":"F31","shape":[1],"data_offsets":[0,4]}}""", 4, "unknown dtype 'F31'")]
    [InlineData("""{"a":{"dtype":7,"shape":[1],"data_offsets":[0,4]}}""", 4, "dtype is not a string")]
    [InlineData("""{"a":{"shape":[1],"data_offsets":[0,4]}}""", 4, "no dtype")]
    [InlineData("""{"a":{"dtype":"F32","data_offsets":[0,4]}}""", 4, "no shape")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1]}}""", 4, "no data_offsets")]
    [InlineData("""{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4, "dtype twice")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4, "twice")]
    [InlineData("""{"__metadata__":{"a":"b"},"__metadata__":{}}""", 0, "twice")]
    [InlineData("""{"__metadata__":{"a":1}}""", 0, "not a string")]
    [InlineData("""{"__metadata__":[]}""", 0, "not a JSON object")]
    [InlineData("""{"a":{"dtype":"F4","shape":[3],"data_offsets":[0,1]}}""", 1, "whole byte")]
    [InlineData("""{"a":[]}""", 0, "not a JSON object")]
    [InlineData("[]", 0, "not a JSON object")]
    [InlineData("", 0, "not valid JSON")]
    [InlineData("{} x", 0, "not valid JSON")]
    [InlineData("{}{}", 0, "not valid JSON")]
    [InlineData("""{"\ud800":{}}""", 0, "not valid JSON")]
    [InlineData("""{"a":{"x":[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]}}""", 0, "not valid JSON")]
    public void HostileHeadersAreRefused(string header, int dataBytes, string reason)
    {
        string path = folder.Put("hostile.safetensors", Build(header, dataBytes));
        var error = Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(path));
        Assert.StartsWith(path + ": ", error.Message, StringComparison.Ordinal);
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void InvalidUtf8AndLyingLengthsAreRefused()
    {
        byte[] invalid = Build("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4);
        invalid[10] = 0xFF;
        Assert.Contains("UTF-8", Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(folder.Put("u", invalid))).Message, StringComparison.Ordinal);
        foreach (ulong length in (ulong[])[1, 1000, 100_000_001, int.MaxValue, long.MaxValue, 1UL << 63, ulong.MaxValue])
        {
            byte[] lying = Build("{}", 0);
            BinaryPrimitives.WriteUInt64LittleEndian(lying, length);
            Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(folder.Put("l", lying)));
        }

        Assert.Contains("does not exist", Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(folder["none"])).Message, StringComparison.Ordinal);
        Assert.Contains("folder", Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(folder.Root)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TruncationAtEveryByteIsRefused()
    {
        byte[] whole = Build("""{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8);
        using (SafetensorsFile.Open(folder.Put("t", whole)))
        {
        }

        for (int length = 0; length < whole.Length; length++)
        {
            string path = folder.Put("t", whole[..length]);
            var error = Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(path));
            Assert.Equal(path, error.Path);
        }
    }

    [Fact]
    public void MutatedFilesNeverCrash()
    {
        byte[] original = Build(
            """{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"b":{"dtype":"BOOL","shape":[3],"data_offsets":[16,19]},"c":{"dtype":"I16","shape":[1],"data_offsets":[19,21]}}""", 21);
        var random = new Random(7);
        byte[] alphabet = "0123456789{}[]\",:-.eFBI \0\xff"u8.ToArray();
        int refused = 0;
        for (int round = 0; round < 4000; round++)
        {
            byte[] bytes = [.. original];
            for (int edits = random.Next(1, 5); edits > 0; edits--)
                bytes[random.Next(bytes.Length)] = random.Next(2) == 0 ? (byte)random.Next(256) : alphabet[random.Next(alphabet.Length)];
            if (random.Next(4) == 0)
                bytes = bytes[..random.Next(bytes.Length)];
            string path = folder.Put("f", bytes);
            try
            {
                using var file = SafetensorsFile.Open(path);
                foreach (string name in file.Entries.Keys)
                    file.Load(name).Dispose();
            }
            catch (CheckpointException error)
            {
                Assert.Equal(path, error.Path);
                refused++;
            }
        }

        Assert.InRange(refused, 2000, 4000);
    }

    [Fact]
    public void LoadNamesWhatIsMissingOrDoesNotFit()
    {
        byte[] bytes = Build("""{"big":{"dtype":"F32","shape":[3000000000,0],"data_offsets":[0,0]},"deep":{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,1]},"flag":{"dtype":"BOOL","shape":[1],"data_offsets":[1,2]}}""", 2);
        bytes[^1] = 2;
        using var file = SafetensorsFile.Open(folder.Put("x", bytes));
        Assert.Equal("none", Assert.Throws<CheckpointException>(() => file.Load("none")).Key);
        Assert.Contains("3000000000", Assert.Throws<CheckpointException>(() => file.Load("big")).Message, StringComparison.Ordinal);
        Assert.Contains("9 dimensions", Assert.Throws<CheckpointException>(() => file.Load("deep")).Message, StringComparison.Ordinal);
        Assert.Contains("BOOL", Assert.Throws<CheckpointException>(() => file.Load("flag")).Message, StringComparison.Ordinal);
    }

    private static byte[] Build(string header, int dataBytes)
    {
        byte[] json = Encoding.UTF8.GetBytes(header);
        byte[] file = new byte[8 + json.Length + dataBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(file, (ulong)json.Length);
        json.CopyTo(file, 8);
        return file;
    }
}
