using System.Runtime.InteropServices;
using Triptych.Tokenizers.Loading;
using Triptych.Tokenizers.Models;
using Triptych.Tokenizers.Pipeline;
using Triptych.Tokenizers.Segments;

namespace Triptych.Tokenizers;

/// <summary>
/// Turns text into token ids and back, exactly as Hugging Face tokenizers does with the same tokenizer.json: normalizer,
/// pre-tokenizer, model, post-processor, decoder and added tokens. Safe to use from many threads.
/// </summary>
public sealed partial class Tokenizer
{
    [ThreadStatic]
    private static TokenSink? s_sink;

    private readonly TokenizerParts _parts;
    private readonly SegmentEncoder _segments;
    private readonly TokenizerFiles _files;
    private readonly TextFrame? _frame;

    internal Tokenizer(TokenizerFiles files)
        : this(files, files.Parts ?? TokenizerReader.Read(files.Document, files.Path, files.IsConverted), source: null)
    {
    }

    private Tokenizer(TokenizerFiles files, TokenizerParts parts, Tokenizer? source)
    {
        _files = files;
        _parts = parts;
        _source = source;
        _segments = new SegmentEncoder(_parts);
        _frame = TextFrame.Find(_parts.PostProcessor);
        Defaults = files.IsFolder ? new EncodeOptions()
            : new EncodeOptions { Truncation = _parts.Truncation, Padding = _parts.Padding };
        SpecialTokens = files.SpecialTokens.Complete(token => TokenToId(token) is not null);
    }

    /// <summary>
    /// Reads a tokenizer.json, or a model folder with tokenizer.json, vocab.txt, vocab.json and merges.txt, a SentencePiece model or a
    /// tiktoken file, besides tokenizer_config.json, special_tokens_map.json and added_tokens.json where they are: texts become what
    /// transformers makes of them. A SentencePiece model (<c>.model</c>, <c>.spm</c>), a tiktoken file or a tekken.json by itself is used as
    /// the library does that it belongs to: no special tokens are added, and none are looked for in texts.
    /// </summary>
    /// <param name="path">The file or folder. A file brings its own truncation and padding into <see cref="Defaults"/>, as
    /// in Hugging Face tokenizers; for a folder they are off until asked for, as in transformers.</param>
    /// <exception cref="TokenizerException">A file is missing or cannot be used.</exception>
    public static Tokenizer Load(string path) => new(TokenizerFiles.Read(path));

    /// <summary>
    /// Reads a tiktoken file, and cuts texts as a pattern says: what <c>tiktoken.Encoding</c> does. Special tokens are not looked for in
    /// texts; they are there for decoding and to be asked for by name.
    /// </summary>
    /// <param name="path">The file: a token in base64 and its rank on each line.</param>
    /// <param name="pattern">The regular expression whose matches are the words (<c>pat_str</c>).</param>
    /// <param name="specialTokens">Special tokens and their ids.</param>
    /// <exception cref="TokenizerException">The file is missing or cannot be used.</exception>
    /// <exception cref="ArgumentException">The pattern cannot be used.</exception>
    public static Tokenizer LoadTiktoken(string path, string pattern, IReadOnlyDictionary<string, int>? specialTokens = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(pattern);
        return new(TiktokenFile.Load(path, TokenizerFiles.ReadBytes(path), pattern, specialTokens ?? new Dictionary<string, int>()));
    }

    /// <summary>Makes a tokenizer from the content of a tokenizer.json.</summary>
    /// <param name="json">The content, UTF-8.</param>
    /// <param name="name">What errors call it.</param>
    /// <exception cref="TokenizerException">It cannot be used.</exception>
    public static Tokenizer FromJson(ReadOnlyMemory<byte> json, string name = "tokenizer.json") =>
        new(new TokenizerFiles(name, json));

    /// <summary>What encoding applies where no options are given: a file's own truncation and padding.</summary>
    public EncodeOptions Defaults { get; }

    /// <summary>The special tokens by their role.</summary>
    public SpecialTokens SpecialTokens { get; }

    /// <summary>The id of the padding token, or null.</summary>
    public int? PadTokenId => IdOf(SpecialTokens.Pad);

    /// <summary>The id of the token that begins a text, or null.</summary>
    public int? BosTokenId => IdOf(SpecialTokens.Bos);

    /// <summary>The id of the token that ends a text, or null.</summary>
    public int? EosTokenId => IdOf(SpecialTokens.Eos);

    /// <summary>The id of the token for the unknown, or null.</summary>
    public int? UnkTokenId => IdOf(SpecialTokens.Unk);

    /// <summary>The id of the classification token, or null.</summary>
    public int? ClsTokenId => IdOf(SpecialTokens.Cls);

    /// <summary>The id of the separator, or null.</summary>
    public int? SepTokenId => IdOf(SpecialTokens.Sep);

    /// <summary>The id of the mask, or null.</summary>
    public int? MaskTokenId => IdOf(SpecialTokens.Mask);

    /// <summary>The most tokens that the model takes, or null where no file says so.</summary>
    public int? ModelMaxLength => _files.ModelMaxLength;

    /// <summary>The side that padding goes to.</summary>
    public Side PaddingSide => _files.PaddingSide;

    /// <summary>The side that truncation cuts off.</summary>
    public Side TruncationSide => _files.TruncationSide;

    /// <summary>The number of ids: one more than the highest, added tokens included.</summary>
    public int VocabSize => Math.Max(_parts.Model.Vocabulary.IdLimit, _parts.Added.MaxId + 1);

    /// <summary>What tokens begin with that continue a word, such as <c>##</c>; null or empty where words are not told apart.</summary>
    public string? ContinuingSubwordPrefix => _parts.Model.ContinuingSubwordPrefix;

    /// <summary>The added tokens, by id.</summary>
    public IReadOnlyList<AddedToken> AddedTokens => [.. _parts.Added.Tokens];

    /// <summary>The vocabulary: every token and its id, added tokens included.</summary>
    public IReadOnlyDictionary<string, int> GetVocabulary()
    {
        var vocabulary = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int id = 0; id < _parts.Model.Vocabulary.IdLimit; id++)
        {
            if (_parts.Model.Vocabulary.TokenOf(id) is string token)
                vocabulary[token] = id;
        }

        foreach (AddedToken token in _parts.Added.Tokens)
            vocabulary[token.Content] = token.Id;
        return vocabulary;
    }

    /// <summary>The id of a token, or null.</summary>
    /// <param name="token">The token as the vocabulary spells it.</param>
    public int? TokenToId(string token)
    {
        ArgumentNullException.ThrowIfNull(token);
        return _parts.Added.Find(token)?.Id ?? (_parts.Model.Vocabulary.IdOf(token) is >= 0 and int id ? id : null);
    }

    /// <summary>The token of an id, or null.</summary>
    /// <param name="id">The id.</param>
    public string? IdToToken(int id) => _parts.Added.Find(id)?.Content ?? _parts.Model.Vocabulary.TokenOf(id);

    /// <summary>Encodes a text, or a pair of texts, with <see cref="Defaults"/>.</summary>
    /// <param name="text">The text; unpaired surrogates count as U+FFFD.</param>
    /// <param name="pair">The second text of a pair, or null.</param>
    /// <param name="addSpecialTokens">Whether the special tokens of the template are inserted.</param>
    public Encoding Encode(string text, string? pair = null, bool addSpecialTokens = true) =>
        Encode(text, pair, Defaults with { AddSpecialTokens = addSpecialTokens });

    /// <summary>Encodes a text, or a pair of texts.</summary>
    /// <param name="text">The text; unpaired surrogates count as U+FFFD.</param>
    /// <param name="pair">The second text of a pair, or null.</param>
    /// <param name="options">Special tokens, truncation, padding.</param>
    /// <exception cref="ArgumentException">The options leave no room for the text, or cut the wrong text of the pair.</exception>
    public Encoding Encode(string text, string? pair, EncodeOptions options)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(options);
        Encoding encoding = EncodeOne(text, pair, options);
        return options.Padding is null ? encoding : Pad([encoding], options.Padding)[0];
    }

    /// <summary>Encodes a text to ids alone, without truncation and padding. Allocates nothing for a text whose words came before.</summary>
    /// <param name="text">The text; unpaired surrogates count as U+FFFD.</param>
    /// <param name="destination">Receives the ids.</param>
    /// <param name="addSpecialTokens">Whether the special tokens of the template are inserted.</param>
    /// <returns>The number of ids; only where it is at most the destination's length are all of them there.</returns>
    public int EncodeToIds(ReadOnlySpan<char> text, Span<int> destination, bool addSpecialTokens = true)
    {
        if (Around(addSpecialTokens) is not (int[] before, int[] after))
        {
            int[] all = EncodeToIds(text, addSpecialTokens);
            if (all.Length <= destination.Length)
                all.CopyTo(destination);
            return all.Length;
        }

        ReadOnlySpan<int> ids = Tokenize(text, idsOnly: true).Ids;
        int count = before.Length + ids.Length + after.Length;
        if (count <= destination.Length)
        {
            before.CopyTo(destination);
            ids.CopyTo(destination[before.Length..]);
            after.CopyTo(destination[(before.Length + ids.Length)..]);
        }

        return count;
    }

    /// <summary>Encodes a text to ids alone, without truncation and padding.</summary>
    /// <param name="text">The text; unpaired surrogates count as U+FFFD.</param>
    /// <param name="addSpecialTokens">Whether the special tokens of the template are inserted.</param>
    public int[] EncodeToIds(ReadOnlySpan<char> text, bool addSpecialTokens = true)
    {
        if (Around(addSpecialTokens) is not (int[] before, int[] after))
            return EncodeOne(text.ToString(), null, new EncodeOptions { AddSpecialTokens = addSpecialTokens }).Ids;
        ReadOnlySpan<int> ids = Tokenize(text, idsOnly: true).Ids;
        return [.. before, .. ids, .. after];
    }

    /// <summary>The number of tokens of a text, without truncation and padding.</summary>
    /// <param name="text">The text; unpaired surrogates count as U+FFFD.</param>
    /// <param name="addSpecialTokens">Whether the special tokens of the template count.</param>
    public int CountTokens(ReadOnlySpan<char> text, bool addSpecialTokens = true) => Around(addSpecialTokens) is (int[] before, int[] after)
        ? before.Length + Tokenize(text, idsOnly: true).Count + after.Length
        : EncodeToIds(text, addSpecialTokens).Length;

    /// <summary>Encodes words; the word ids number them and the offsets count within each.</summary>
    /// <param name="words">The words.</param>
    /// <param name="pairWords">The words of the second text of a pair, or null.</param>
    /// <param name="options">Special tokens, truncation, padding; null for <see cref="Defaults"/>.</param>
    public Encoding EncodeWords(
        IReadOnlyList<string> words, IReadOnlyList<string>? pairWords = null, EncodeOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(words);
        options ??= Defaults;
        MergeDropout.Use(options.DropoutSeed);
        Encoding encoding = Finish(EncodeAll(words, 0), pairWords is null ? null : EncodeAll(pairWords, 1), options);
        return Pad([encoding], options.Padding)[0];
    }

    /// <summary>Encodes many texts, on all cores.</summary>
    /// <param name="texts">The texts.</param>
    /// <param name="pairs">Their second texts, as many, or null.</param>
    /// <param name="options">Special tokens, truncation, padding; null for <see cref="Defaults"/>.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    public Encoding[] EncodeBatch(
        IReadOnlyList<string> texts,
        IReadOnlyList<string>? pairs = null,
        EncodeOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(texts);
        if (pairs is not null && pairs.Count != texts.Count)
            throw new ArgumentException($"{texts.Count} texts have {pairs.Count} second texts", nameof(pairs));
        options ??= Defaults;
        var encodings = new Encoding[texts.Count];
        void EncodeAt(int i) => encodings[i] = EncodeOne(texts[i], pairs?[i], options);
        if (texts.Count == 1)
        {
            EncodeAt(0);
        }
        else
        {
            try
            {
                Parallel.For(0, texts.Count, new ParallelOptions { CancellationToken = cancellationToken }, EncodeAt);
            }
            catch (AggregateException e)
            {
                System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
            }
        }

        return Pad(encodings, options.Padding);
    }

    /// <summary>Turns ids back into text. Ids that do not exist are left out.</summary>
    /// <param name="ids">The ids.</param>
    /// <param name="skipSpecialTokens">Whether special tokens are left out.</param>
    /// <param name="cleanUpTokenizationSpaces">Whether spaces before punctuation are taken out; null for what
    /// tokenizer_config.json says.</param>
    public string Decode(IEnumerable<int> ids, bool skipSpecialTokens = true, bool? cleanUpTokenizationSpaces = null)
    {
        ArgumentNullException.ThrowIfNull(ids);
        string text = DecodeTokens(ids, skipSpecialTokens);
        return cleanUpTokenizationSpaces ?? _files.CleanUpTokenizationSpaces ? _files.CleanUp(text) : text;
    }

    /// <summary>Decodes ids as they come, never a part of a character.</summary>
    /// <param name="skipSpecialTokens">Whether special tokens are left out.</param>
    public DecodeStream DecodeStream(bool skipSpecialTokens = true) => new(this, skipSpecialTokens);

    /// <summary>
    /// Writes tokenizer.json, tokenizer_config.json and special_tokens_map.json; each is complete or not there. Fields that
    /// were read but are not known here are kept.
    /// </summary>
    /// <param name="folder">The folder, made if need be.</param>
    public void Save(string folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        _files.Save(folder, SpecialTokens);
    }

    internal TokenizerFiles Files => _files;

    internal SegmentEncoder Segments => _segments;

    internal AddedToken? FindAdded(int id) => _parts.Added.Find(id);

    internal string DecodeTokens(IEnumerable<int> ids, bool skipSpecialTokens)
    {
        var tokens = new List<string>();
        int? before = null;
        foreach (int id in ids)
        {
            bool isRepeated = _files.GroupsRepeats && (id == before || id == PadTokenId);
            before = id;
            string? token = isRepeated ? null : _parts.Added.TokenOf(id) ?? _parts.Model.Vocabulary.TokenOf(id);
            if (token is not null && !(skipSpecialTokens && _parts.Added.IsSpecial(token)))
                tokens.Add(token);
        }

        return _parts.Decoder is null ? string.Join(' ', tokens) : string.Concat(_parts.Decoder.Decode(tokens));
    }

    private int? IdOf(string? token) => token is null ? null : TokenToId(token);

    private Encoding EncodeAll(IReadOnlyList<string> words, int sequence)
    {
        var encodings = new Encoding[words.Count];
        for (int i = 0; i < words.Count; i++)
            encodings[i] = EncodeText(words[i], sequence, i);
        return Encoding.Concat(encodings);
    }

    private Encoding EncodeOne(string text, string? pair, EncodeOptions options)
    {
        ArgumentNullException.ThrowIfNull(text);
        MergeDropout.Use(options.DropoutSeed);
        if (pair is not null || _frame is null)
            return Finish(EncodeText(text, 0, null), pair is null ? null : EncodeText(pair, 1, null), options);
        TokenSink sink = Tokenize(text);
        if (options.Truncation is Truncation truncation)
        {
            int added = options.AddSpecialTokens ? _frame.Before.Length + _frame.After.Length : 0;
            if (truncation.Stride < 0 || truncation.Stride >= truncation.MaxLength - added || sink.Count > truncation.MaxLength - added)
                return Finish(ToEncoding(sink, text, 0, null), null, options);
        }

        return _frame.Apply(sink.Ids, sink.Offsets, Parts(sink, 0, null), text, options.AddSpecialTokens);
    }

    private Encoding EncodeText(string text, int sequence, int? word)
    {
        ArgumentNullException.ThrowIfNull(text);
        return ToEncoding(Tokenize(text), text, sequence, word);
    }

    private Encoding ToEncoding(TokenSink sink, string text, int sequence, int? word) => new()
    {
        Ids = LargeMemory.Copy(sink.Ids),
        Offsets = LargeMemory.Copy(sink.Offsets),
        Source = text,
        Lazy = Parts(sink, sequence, word),
    };

    private TextParts Parts(TokenSink sink, int sequence, int? word)
    {
        int[] words = LargeMemory.Copy(sink.Words);
        if (word is int given)
            Array.Fill(words, given);
        return new TextParts(_parts.Model.Vocabulary, words, sequence, sequence) { Found = sink.Found };
    }

    /// <summary>What the template puts around a single text; null where it does not have the text once.</summary>
    private (int[] Before, int[] After)? Around(bool addSpecialTokens) => !addSpecialTokens || _parts.PostProcessor is null ? ([], [])
        : _frame is null ? null : (_frame.Before.Ids, _frame.After.Ids);

    private TokenSink Tokenize(ReadOnlySpan<char> text, bool idsOnly = false)
    {
        // What is asked for ids alone has no options: an earlier call's seed must not go on.
        if (idsOnly)
            MergeDropout.Use(null);
        TokenSink sink = s_sink ??= new TokenSink();
        sink.Clear(idsOnly);
        _segments.Encode(text, sink);
        return sink;
    }

    private Encoding Finish(Encoding first, Encoding? second, EncodeOptions options)
    {
        if (options.Truncation is Truncation truncation)
            (first, second) = Truncate(first, second, truncation, options.AddSpecialTokens);

        List<Encoding> encodings = second is null ? [first] : [first, second];
        if (_parts.PostProcessor is not null)
            encodings = _parts.PostProcessor.Process(encodings, options.AddSpecialTokens);
        if (encodings.Count == 1)
            return encodings[0];
        return encodings.TrueForAll(encoding => encoding.Overflowing.Count == 0)
            ? Encoding.Concat(CollectionsMarshal.AsSpan(encodings))
            : encodings.Aggregate((result, next) => result.Append(next));
    }

    private (Encoding First, Encoding? Second) Truncate(
        Encoding first, Encoding? second, Truncation truncation, bool addSpecialTokens)
    {
        int added = addSpecialTokens ? _parts.PostProcessor?.CountAdded(second is not null) ?? 0 : 0;
        int room = truncation.MaxLength - added;
        if (room < 0 || truncation.Stride < 0 || room > 0 && truncation.Stride >= room)
            throw new ArgumentException($"truncation to {truncation.MaxLength} tokens with {added} special tokens "
                + $"and a stride of {truncation.Stride} leaves no room for the text", nameof(truncation));
        Side side = truncation.Side ?? TruncationSide;
        int excess = first.Length + (second?.Length ?? 0) - room;
        if (excess <= 0)
            return (first, second);
        if (room == 0 || second is null && truncation.Strategy == TruncationStrategy.LongestFirst)
            return (first.Truncate(room, truncation.Stride, side), second?.Truncate(0, truncation.Stride, side));

        if (truncation.Strategy == TruncationStrategy.LongestFirst)
        {
            int shorter = Math.Min(first.Length, second!.Length);
            int longer = shorter > room ? shorter : Math.Max(shorter, room - shorter);
            if (shorter + longer > room)
            {
                shorter = room / 2;
                longer = shorter + room % 2;
            }

            bool firstIsLonger = first.LengthWithin(truncation.MaxLength, side) > second.LengthWithin(truncation.MaxLength, side);
            (int keepFirst, int keepSecond) = firstIsLonger ? (longer, shorter) : (shorter, longer);
            if (first.IsCutBelow(keepFirst, truncation.Stride) || second.IsCutBelow(keepSecond, truncation.Stride))
                throw new ArgumentException(
                    $"a stride of {truncation.Stride} is too long for {shorter} tokens", nameof(truncation));
            return (first.Truncate(keepFirst, truncation.Stride, side), second.Truncate(keepSecond, truncation.Stride, side));
        }

        Encoding? target = truncation.Strategy == TruncationStrategy.OnlyFirst ? first : second;
        int keep = (target?.Length ?? 0) - excess;
        if (target is null || keep <= truncation.Stride)
            throw new ArgumentException($"the text is {excess} tokens too long and truncation {truncation.Strategy} cannot help",
                nameof(truncation));
        target = target.Truncate(keep, truncation.Stride, side);
        return truncation.Strategy == TruncationStrategy.OnlyFirst ? (target, second) : (first, target);
    }

    private Encoding[] Pad(Encoding[] encodings, Padding? padding)
    {
        if (padding is null || encodings.Length == 0)
            return encodings;
        if (padding.Length < 0 || padding.MultipleOf < 0)
            throw new ArgumentException($"padding to {padding.Length} tokens or a multiple of {padding.MultipleOf} makes no sense", nameof(padding));
        long wanted = padding.Length ?? encodings.Max(encoding => encoding.Length);
        if (padding.MultipleOf is > 0 and int multiple)
            wanted = (wanted + multiple - 1) / multiple * multiple;
        int length = wanted <= Array.MaxLength ? (int)wanted : throw new ArgumentException($"no encoding can have {wanted} tokens", nameof(padding));
        string token = padding.Token ?? SpecialTokens.Pad ?? "[PAD]";
        int id = padding.Id ?? TokenToId(token)
            ?? throw new InvalidOperationException("the tokenizer has no padding token: set Padding.Token or Padding.Id");
        return Array.ConvertAll(encodings,
            encoding => encoding.Pad(length, id, token, padding.TypeId, padding.Side ?? PaddingSide));
    }
}
