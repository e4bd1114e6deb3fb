using System.Text;
using Triptych.Tensors;
using Triptych.TestSupport;

namespace Triptych.Formats.Tests;

public sealed class GgufTests : IDisposable
{
    private readonly TempFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void ReadsWhatThePythonPackageWrites()
    {
        using var file = GgufFile.Open(Fixtures.Path("formats/types.gguf"));
        GgufMetadata metadata = file.Metadata;
        Assert.Equal(3, file.Version);
        Assert.Equal("llama", metadata.GetString("general.architecture"));
        Assert.Equal(64, metadata.GetInt32("general.alignment"));
        Assert.Equal(
            [200, -100, 60000, -30000, 4000000000, -2000000000, long.MaxValue, long.MinValue],
            ((string[])["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"]).Select(type => metadata[$"value.{type}"].AsInt64()!.Value));
        Assert.Equal(0.1f, (float)metadata.GetDouble("value.float32")!.Value);
        Assert.Equal(0.1, metadata.GetDouble("value.float64"));
        Assert.True(metadata.GetBoolean("value.bool"));
        Assert.Equal("größe 😀", metadata.GetString("value.string"));
        Assert.Equal(["a", "", "▁été"], metadata.GetStrings("array.strings")!);
        Assert.Equal([1, -2, 3], metadata.GetInt64s("array.int32")!);
        Assert.Equal([0.5f, -1.5f], metadata.GetSingles("array.float32")!);
        Assert.Null(metadata.GetString("none"));
        Assert.Contains("whole number", Assert.Throws<CheckpointException>(() => metadata.GetInt32("value.beyond")).Message, StringComparison.Ordinal);
        Assert.Equal("value.string", Assert.Throws<CheckpointException>(() => metadata.GetInt32("value.string")).Key);
        Assert.Equal("array.bool", Assert.Throws<CheckpointException>(() => metadata.GetStrings("array.bool")).Key);

        float[] ramp = [0, 0.25f, 0.5f, 0.75f, 1, 1.25f];
        foreach (string name in (string[])["f32", "f16", "bf16", "f64"])
        {
            Assert.Equal([2, 3], file.Load(name).Shape.ToArray());
            Assert.Equal(ramp, file.Load(name).To(DType.Float32).ToFloats());
        }

        Assert.Equal([-3, 0, 7], file.Load("int32").ToArray<int>());
        Assert.Equal([-3L, 0, 7], file.Load("int64").ToArray<long>());
        Assert.Equal([(sbyte)-3, (sbyte)0, (sbyte)7], file.Load("int8").ToArray<sbyte>());
        Assert.Equal(6, file.ReadBytes("int16").Length);
        Assert.Contains("I16", Assert.Throws<CheckpointException>(() => file.Load("int16")).Message, StringComparison.Ordinal);
        foreach (var (name, tolerance) in (ReadOnlySpan<(string, float)>)[("q8_0", 0.005f), ("q4_0", 0.13f)])
        {
            Tensor rows = file.Load(name);
            Assert.Equal(name, rows.DType.Name());
            Assert.Equal([2, 64], rows.Shape.ToArray());
            Assert.All(rows.To(DType.Float32).ToFloats().Index(), pair => Assert.Equal(MathF.Sin(pair.Index), pair.Item, tolerance));
        }
    }

    [Fact]
    public void RoundTripsMetadataAndTensorsOfEveryType()
    {
        string path = folder["all.gguf"];
        var metadata = new GgufMetadata { ["general.alignment"] = 128u, ["text"] = "x😀", ["number"] = -5, ["flag"] = true, ["real"] = 0.5f };
        metadata["texts"] = GgufValue.Array(["", "b"]);
        metadata["ints"] = GgufValue.Array([3, 4]);
        metadata["reals"] = GgufValue.Array([1.5f]);
        float[] values = [.. Enumerable.Range(0, 512).Select(i => MathF.Cos(i))];
        var matrix = Tensor.From(values, [2, 256]);
        DType[] types = [DType.Float32, DType.Float16, DType.BFloat16, DType.Float64, DType.Q8_0, DType.Q4_0];
        var tensors = types.Select(type => TensorSource.Of(type.Name(), matrix.To(type))).ToList();
        tensors.Add(TensorSource.Of("strided", Tensor.From([1f, 2, 3, 4, 5, 6], [2, 3]).Transpose(0, 1)));
        tensors.Add(TensorSource.Of("empty", Tensor.Empty([0, 7])));
        tensors.Add(TensorSource.Of("scalar", Tensor.Full([], 1.5f)));
        long told = 0;
        GgufWriter.Write(path, metadata, tensors, new Told(bytes => told = bytes));

        using var file = GgufFile.Open(path);
        Assert.Equal(metadata.Entries.Keys, file.Metadata.Entries.Keys);
        Assert.Equal(("x😀", -5, true, 0.5), (file.Metadata.GetString("text"), file.Metadata.GetInt32("number"), file.Metadata.GetBoolean("flag"), file.Metadata.GetDouble("real")));
        Assert.Equal(["", "b"], file.Metadata.GetStrings("texts")!);
        Assert.Equal([3, 4], file.Metadata.GetInt64s("ints")!);
        Assert.Equal(tensors.Select(tensor => tensor.Name), file.Names);
        Assert.Equal(tensors.Sum(tensor => tensor.Bytes), told);
        foreach (DType type in types)
        {
            Assert.Equal(0, file.Entries[type.Name()].Offset % 128);
            Assert.Equal(matrix.To(type).To(DType.Float32).ToFloats(), file.Load(type.Name()).To(DType.Float32).ToFloats());
        }

        Assert.Equal([1f, 4, 2, 5, 3, 6], file.Load("strided").ToFloats());
        Assert.Equal([0, 7], file.Load("empty").Shape.ToArray());
        Assert.Equal(1.5f, file.Load("scalar").Item<float>());
    }

    [Fact]
    public void TensorsOutliveTheFileAndMetadataDoesNot()
    {
        Tensor tensor;
        GgufValue text;
        using (var file = GgufFile.Open(Fixtures.Path("formats/types.gguf")))
        {
            tensor = file.Load("f32");
            text = file.Metadata["value.string"];
        }

        Assert.Equal(1.25f, tensor.ToFloats()[5]);
        using var unread = GgufFile.Open(Fixtures.Path("formats/types.gguf"));
        GgufValue lost = unread.Metadata["value.string"];
        unread.Dispose();
        Assert.Throws<ObjectDisposedException>(() => lost.AsString());
        Assert.Throws<ObjectDisposedException>(() => unread.Load("f32"));
    }

    [Fact]
    public void ShardsAreOneCheckpoint()
    {
        for (int shard = 0; shard < 3; shard++)
        {
            var metadata = new GgufMetadata { ["split.no"] = (uint)shard, ["split.count"] = 3u };
            GgufWriter.Write(folder[$"x-{shard + 1:00000}-of-00003.gguf"], metadata, [TensorSource.Of($"w{shard}", Tensor.Full([4], (float)shard))]);
        }

        using (var checkpoint = Checkpoint.Open(folder["x-00001-of-00003.gguf"]))
        {
            Assert.Equal(["w0", "w1", "w2"], checkpoint.Names.Order());
            Assert.Equal(48, checkpoint.TotalBytes);
            Assert.Equal([2f, 2, 2, 2], checkpoint.Load("w2").ToFloats());
        }

        Assert.Contains("first of 3", Assert.Throws<CheckpointException>(() => Checkpoint.Open(folder["x-00002-of-00003.gguf"])).Message, StringComparison.Ordinal);
        File.Copy(folder["x-00002-of-00003.gguf"], folder["x-00003-of-00003.gguf"], overwrite: true);
        Assert.Contains("is 1, not 2", Assert.Throws<CheckpointException>(() => Checkpoint.Open(folder["x-00001-of-00003.gguf"])).Message, StringComparison.Ordinal);
        File.Delete(folder["x-00003-of-00003.gguf"]);
        Assert.Contains("does not exist", Assert.Throws<CheckpointException>(() => Checkpoint.Open(folder["x-00001-of-00003.gguf"])).Message, StringComparison.Ordinal);
    }

    public static TheoryData<string, Action<Builder>> BadFiles => new()
    {
        { "not a GGUF file", file => file.Magic = 0x67676A74 },
        { "of version 1", file => file.Version = 1 },
        { "of version 4", file => file.Version = 4 },
        { "big-endian", file => file.Version = 0x03000000 },
        { "claims 18446744073709551615 tensors", file => file.Tensors = ulong.MaxValue },
        { "claims 1000 metadata entries", file => file.Values = 1000 },
        { "k: has the unknown type 13", file => file.Value("k", 13, [0]) },
        { "k: claims 9223372036854775808 bytes of text", file => file.Value("k", 8, Builder.U64(1UL << 63)) },
        { "k: claims 4611686018427387904 elements", file => file.Value("k", 9, [.. Builder.U32(4), .. Builder.U64(1UL << 62)]) },
        { "k: has elements of the unknown type 99", file => file.Value("k", 9, [.. Builder.U32(99), .. Builder.U64(1)]) },
        { "k: nests arrays deeper", file => file.Value("k", 9, Builder.Nested(9)) },
        { "k: appears twice", file => { file.Value("k", 0, [1]); file.Value("k", 0, [1]); } },
        { "name that is not valid UTF-8", file => file.Value("k\udcff", 0, [1]) },
        { "claims 18446744073709551615 bytes of a name", file => file.Raw(Builder.U64(ulong.MaxValue)) },
        { "general.alignment: is 48", file => file.Value("general.alignment", 4, Builder.U32(48)) },
        { "general.alignment: is 0", file => file.Value("general.alignment", 4, Builder.U32(0)) },
        { "general.alignment: is not a whole number", file => file.Value("general.alignment", 8, Builder.U64(0)) },
        { "t: has 5 dimensions", file => file.Tensor("t", [1, 1, 1, 1, 1], 0, 0) },
        { "t: has the unknown tensor type 4", file => file.Tensor("t", [4], 4, 0) },
        { "t: rows of 33 elements do not divide", file => file.Tensor("t", [33, 2], 8, 0) },
        { "t: shape [4611686018427387904, 4] overflows", file => file.Tensor("t", [4, 1UL << 62], 0, 0) },
        { "t: has a dimension of 18446744073709551615", file => file.Tensor("t", [ulong.MaxValue], 0, 0) },
        { "t: its 64 bytes from byte 0", file => file.Tensor("t", [16], 0, 0) },
        { "t: begins at byte 8 of the data", file => file.Tensor("t", [1], 0, 8) },
        { "t: its 4 bytes from byte 18446744073709551584", file => file.Tensor("t", [1], 0, ulong.MaxValue - 31) },
        { "b: overlaps the tensor before it by 16 bytes", file => { file.Tensor("a", [12], 0, 0); file.Tensor("b", [1], 0, 32); } },
        { "a: appears twice among the tensors", file => { file.Tensor("a", [1], 0, 0); file.Tensor("a", [0], 0, 0); } },
    };

    [Theory]
    [MemberData(nameof(BadFiles), DisableDiscoveryEnumeration = true)]
    public void BadFilesAreNamedWithKeyAndReason(string reason, Action<Builder> damage)
    {
        var builder = new Builder();
        damage(builder);
        string path = folder.Put("bad.gguf", builder.ToBytes());
        var error = Assert.Throws<CheckpointException>(() => GgufFile.Open(path));
        Assert.Equal(path, error.Path);
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ArraysOfArraysAreSkipped()
    {
        var builder = new Builder();
        builder.Value("k", 9, Builder.Nested(3));
        builder.Value("after", 8, [.. Builder.U64(2), .. "ok"u8]);
        using var file = GgufFile.Open(folder.Put("nested.gguf", builder.ToBytes()));
        Assert.Equal("ok", file.Metadata.GetString("after"));
        Assert.Equal(GgufValueType.Array, file.Metadata["k"].ElementType);
        Assert.Null(file.Metadata["k"].AsStrings());
    }

    [Fact]
    public void EveryTruncationIsAnError()
    {
        byte[] whole = File.ReadAllBytes(Fixtures.Path("formats/types.gguf"));
        // The padding after the last tensor is nobody's.
        using (var file = GgufFile.Open(Fixtures.Path("formats/types.gguf")))
            whole = whole[..(int)file.Entries.Values.Max(entry => entry.Offset + entry.Length)];
        for (int length = 0; length < whole.Length; length++)
        {
            string path = folder.Put("t.gguf", whole[..length]);
            Assert.Equal(path, Assert.Throws<CheckpointException>(() => GgufFile.Open(path)).Path);
        }
    }

    [Fact]
    public void MutatedFilesNeverCrash()
    {
        byte[] original = File.ReadAllBytes(Fixtures.Path("formats/types.gguf"));
        var mutator = new FileMutator(3);
        int refused = 0;
        for (int round = 0; round < 4000; round++)
        {
            string path = folder.Put("f.gguf", mutator.Mutate(original, 1500));
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                using var file = GgufFile.Open(path);
                foreach (GgufValue value in file.Metadata.Entries.Values)
                    _ = (value.AsInt64(), value.AsDouble(), value.AsBoolean(), value.AsInt64s(), value.AsSingles());
                foreach (var (key, value) in file.Metadata.Entries)
                    _ = (value.Type == GgufValueType.String ? file.Metadata.GetString(key) : null, value.ElementType == GgufValueType.String ? file.Metadata.GetStrings(key) : null);
                foreach (string name in file.Names)
                    file.Load(name).Dispose();
            }
            catch (CheckpointException error)
            {
                Assert.Equal(path, error.Path);
                refused++;
            }

            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
        }

        Assert.InRange(refused, 2000, 4000);
    }

    [Fact]
    public void WriterRefusesWhatNoReaderTakes()
    {
        Tensor one = Tensor.Full([1], 1f);
        var metadata = new GgufMetadata();
        Assert.Throws<ArgumentException>(() => GgufWriter.Write(folder["a.gguf"], metadata, [TensorSource.Of("a", one), TensorSource.Of("a", one)]));
        Assert.Throws<ArgumentException>(() => GgufWriter.Write(folder["a.gguf"], metadata, [TensorSource.Of(new string('a', 64), one)]));
        Assert.Throws<ArgumentException>(() => GgufWriter.Write(folder["a.gguf"], metadata, [TensorSource.Of("a", Tensor.Full([1, 1, 1, 1, 1], 1f))]));
        Assert.Throws<ArgumentOutOfRangeException>(() => GgufWriter.Write(folder["a.gguf"], metadata, [TensorSource.Of("a", Tensor.From([true]))]));
        Assert.Throws<InvalidOperationException>(() => GgufWriter.Write(folder["a.gguf"], metadata, [new TensorSource("a", DType.Float32, [2], () => one)]));
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.Throws<OperationCanceledException>(() => GgufWriter.Write(folder["a.gguf"], metadata, [TensorSource.Of("a", one)], cancellationToken: cancelled.Token));
        Assert.Empty(folder.Names);
    }

    [Theory]
    [InlineData("x.gguf", "anything", true)]
    [InlineData("blob", "GGUFxxxx", true)]
    [InlineData("blob", "GG", false)]
    [InlineData("x.safetensors", "{}", false)]
    public void FilesAreKnownByNameOrMagic(string name, string content, bool expected) =>
        Assert.Equal(expected, GgufFile.IsGguf(folder.Put(name, content)));

    private sealed class Told(Action<long> report) : IProgress<long>
    {
        public void Report(long value) => report(value);
    }

    /// <summary>Writes a file field by field, sound or not.</summary>
    public sealed class Builder
    {
        private readonly List<byte> values = [], tensors = [];

        public uint Magic { get; set; } = 0x46554747;

        public uint Version { get; set; } = 3;

        public ulong Values { get; set; }

        public ulong Tensors { get; set; }

        public static byte[] U32(uint value) => BitConverter.GetBytes(value);

        public static byte[] U64(ulong value) => BitConverter.GetBytes(value);

        /// <summary>Arrays of one array each, the innermost of one byte.</summary>
        public static byte[] Nested(int depth) => depth == 0 ? [.. U32(0), .. U64(1), 7] : [.. U32(9), .. U64(1), .. Nested(depth - 1)];

        public void Value(string key, uint type, byte[] content)
        {
            Values++;
            Name(values, key);
            values.AddRange([.. U32(type), .. content]);
        }

        public void Raw(byte[] content)
        {
            Values++;
            values.AddRange([.. content, .. new byte[16]]);
        }

        public void Tensor(string name, ulong[] sizes, uint type, ulong offset)
        {
            Tensors++;
            Name(tensors, name);
            tensors.AddRange([.. U32((uint)sizes.Length), .. sizes.SelectMany(U64), .. U32(type), .. U64(offset)]);
        }

        /// <summary>The file with 48 bytes of data.</summary>
        public byte[] ToBytes()
        {
            byte[] header = [.. U32(Magic), .. U32(Version), .. U64(Tensors), .. U64(Values), .. values, .. tensors];
            return [.. header, .. new byte[((header.Length + 31) & ~31) - header.Length + 48]];
        }

        private static void Name(List<byte> target, string name)
        {
            byte[] bytes = [.. name.SelectMany(c => c == '\udcff' ? [(byte)0xFF] : Encoding.UTF8.GetBytes([c]))];
            target.AddRange([.. U64((ulong)bytes.Length), .. bytes]);
        }
    }
}
