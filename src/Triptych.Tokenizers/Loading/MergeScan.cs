using System.Runtime.CompilerServices;
using Triptych.Tokenizers.Models;

namespace Triptych.Tokenizers.Loading;

/// <summary>The merges of a tokenizer.json: where they stand, and then, as soon as there is a vocabulary, their ids, by all cores.</summary>
internal sealed class MergeScan
{
    /// <summary>Merges that are read in one go.</summary>
    private const int Chunk = 1 << 13;

    /// <summary>Units of both tokens together; longer ones are left to the document.</summary>
    private const int Room = 1024;

    private const int MostHelpers = 7;

    private readonly ReadOnlyMemory<byte> _json;
    private readonly List<int> _chunks = [];
    private int _count;

    private MergeScan(ReadOnlyMemory<byte> json) => _json = json;

    /// <summary>Where the array ends.</summary>
    public int End { get; private set; }

    /// <summary>Finds the end of the array that begins at a place; null where it is not one of strings, or of pairs of them.</summary>
    public static MergeScan? Find(ReadOnlyMemory<byte> json, int start)
    {
        var scan = new MergeScan(json);
        return scan.FindChunks(start) ? scan : null;
    }

    /// <summary>
    /// Begins to make the vocabulary and look the merges up on other cores. What comes back takes part in it and gives the merges, or null
    /// where one is not plain or makes no token.
    /// </summary>
    public Func<Merge[]?> BeginResolve(Lazy<Vocabulary> vocabulary, string prefix)
    {
        Merge[] merges = LargeMemory.Allocate<Merge>(_count);
        int next = -1;
        bool ReadNext()
        {
            var resolver = new MergeResolver(vocabulary.Value, prefix);
            bool sound = true;
            for (int chunk; sound && (chunk = Interlocked.Increment(ref next)) < _chunks.Count;)
                sound = Read(chunk, resolver, merges);
            return sound;
        }

        int count = Math.Clamp(Math.Min(_chunks.Count, Environment.ProcessorCount) - 1, 0, MostHelpers);
        Worker<bool>[] helpers = new Worker<bool>[count];
        for (int i = 0; i < count; i++)
            helpers[i] = Worker<bool>.Start(ReadNext);
        return () =>
        {
            bool sound = ReadNext();
            foreach (Worker<bool> helper in helpers)
                sound &= helper.Wait();
            return sound ? merges : null;
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private bool FindChunks(int start)
    {
        var scanner = new JsonScanner(_json.Span, start);
        if (!scanner.TryTake((byte)'['))
            return false;
        if (!scanner.TryTake((byte)']'))
        {
            do
            {
                bool pair = scanner.Peek() == '[';
                if (_count++ % Chunk == 0)
                    _chunks.Add(scanner.At);
                if (pair ? !TrySkipPair(ref scanner) : !scanner.TrySkipString())
                    return false;
            }
            while (scanner.TryTake((byte)','));
            if (!scanner.TryTake((byte)']'))
                return false;
        }

        End = scanner.At;
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TrySkipPair(ref JsonScanner scanner) => scanner.TryTake((byte)'[') && scanner.TrySkipString() && scanner.TryTake((byte)',')
        && scanner.TrySkipString() && scanner.TryTake((byte)']');

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private bool Read(int chunk, MergeResolver resolver, Merge[] merges)
    {
        var scanner = new JsonScanner(_json.Span, _chunks[chunk]);
        Span<char> pair = stackalloc char[Room];
        int expected = -1;
        for (int rank = chunk * Chunk, end = Math.Min(_count, rank + Chunk); rank < end; rank++)
        {
            if (!(scanner.Peek() == '[' ? TryTakePair(ref scanner, pair, out int left, out int length) : TryTakeJoined(ref scanner, pair, out left, out length)))
                return false;
            Merge merge = resolver.Resolve(pair[..length], left, expected);
            expected = merge.Id;
            if (expected < 0)
                return false;
            merges[rank] = merge;
            scanner.TryTake((byte)',');
        }

        return true;
    }

    /// <summary>A pair as one string, with a space between.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryTakeJoined(ref JsonScanner scanner, scoped Span<char> pair, out int left, out int length)
    {
        left = 0;
        if (!scanner.TryTakeString(pair, out length))
            return false;
        ReadOnlySpan<char> text = pair[..length];
        left = text.IndexOf(' ');
        if (left < 0 || text[(left + 1)..].Contains(' ') || text.StartsWith("#version"))
            return false;
        text[(left + 1)..].CopyTo(pair[left..]);
        length--;
        return true;
    }

    /// <summary>A pair as an array of two strings.</summary>
    private static bool TryTakePair(ref JsonScanner scanner, scoped Span<char> pair, out int left, out int length)
    {
        length = 0;
        if (!scanner.TryTake((byte)'[') || !scanner.TryTakeString(pair, out left) || !scanner.TryTake((byte)',')
            || !scanner.TryTakeString(pair[left..], out int right) || !scanner.TryTake((byte)']'))
        {
            left = 0;
            return false;
        }

        length = left + right;
        return true;
    }
}
