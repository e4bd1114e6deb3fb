using Triptych.Tokenizers.Pipeline;

namespace Triptych.Tokenizers;

/// <content>What speech models hear.</content>
public sealed partial class Tokenizer
{
    /// <summary>
    /// Turns the ids that a model of speech gives for each step (connectionist temporal classification) into text, with the steps of every
    /// character and word: <c>decode</c> of transformers with <c>output_char_offsets</c> and <c>output_word_offsets</c>.
    /// </summary>
    /// <param name="ids">The ids, one for each step; one that does not exist is unknown.</param>
    /// <param name="skipSpecialTokens">Whether special tokens are left out. The blank is one: without it repeated letters become one, and steps are missing.</param>
    /// <exception cref="InvalidOperationException">The tokenizer is not one of such a model, as Wav2Vec2's is.</exception>
    public CtcTranscript DecodeCtc(IEnumerable<int> ids, bool skipSpecialTokens = false)
    {
        ArgumentNullException.ThrowIfNull(ids);
        if (_parts.Decoder is not CtcTextDecoder decoder)
            throw new InvalidOperationException($"the tokenizer of {_files.Path} does not decode what a speech model hears");
        string unknown = SpecialTokens.Unk ?? "";
        List<string> tokens = [.. ids.Select(id => _parts.Added.TokenOf(id) ?? _parts.Model.Vocabulary.TokenOf(id) ?? unknown)
            .Where(token => !(skipSpecialTokens && _parts.Added.IsSpecial(token)))];
        CtcTranscript heard = decoder.Transcribe(tokens);
        return _files.CleanUpTokenizationSpaces ? heard with { Text = WordPieceDecoder.CleanUp(heard.Text) } : heard;
    }
}
