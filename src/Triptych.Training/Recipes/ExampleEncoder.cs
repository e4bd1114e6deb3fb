using Triptych.Tokenizers;

namespace Triptych.Training;

/// <summary>Turns texts into examples for a stage's objective.</summary>
internal sealed class ExampleEncoder(Tokenizer tokenizer, StageRecipe stage, IReadOnlyList<string>? labels)
{
    private readonly EncodeOptions withoutSpecials = new() { AddSpecialTokens = false };

    public IEnumerable<Example> Encode(IEnumerable<(TextRecord Record, string File)> records) => stage.Objective switch
    {
        Objective.Clm => Example.Pack(records.Select(r => tokenizer.Encode(r.Record.Text, null, withoutSpecials).Ids), stage.MaxLength, tokenizer.EosTokenId),
        Objective.Mlm or Objective.Denoising => records.SelectMany(r => Pieces(r.Record.Text)),
        Objective.Classification => records.Select(r => Classified(r.Record, r.File)),
        _ => records.Select(r => Translated(r.Record, r.File)),
    };

    // A text that is too long goes on in the next example: nothing is lost.
    private IEnumerable<Example> Pieces(string text)
    {
        var empty = tokenizer.Encode("");
        int before = Array.FindIndex(empty.SpecialTokensMask, s => s == 0);
        int[] frame = empty.Ids;
        int head = before >= 0 ? before : (frame.Length + 1) / 2;
        var encoding = tokenizer.Encode(text, null, withoutSpecials);
        int room = stage.MaxLength - frame.Length;
        for (int start = 0; start < encoding.Length; start += room)
        {
            int length = Math.Min(room, encoding.Length - start);
            int[] ids = [.. frame[..head], .. encoding.Ids.AsSpan(start, length), .. frame[head..]];
            int at = start;
            yield return new Example(ids)
            {
                SpecialTokens = [.. ids.Select((_, i) => i < head || i >= head + length)],
                WordIds = [.. ids.Select((_, i) => i < head || i >= head + length ? -1 : encoding.WordIds[at + i - head] ?? -1)],
            };
        }
    }

    private Example Classified(TextRecord record, string file)
    {
        var encoding = Truncated(record.Text, record.Pair, stage.MaxLength);
        return new Example(encoding.Ids)
        {
            TokenTypeIds = record.Pair is null ? null : encoding.TypeIds,
            Label = LabelOf(record, file),
        };
    }

    private Example Translated(TextRecord record, string file)
    {
        if (string.IsNullOrWhiteSpace(record.Target))
            throw new TrainingException($"{file}, line {record.Line}: there is no target text; the source needs a 'target'");
        return new Example(Truncated(record.Text, null, stage.MaxLength).Ids) { TargetIds = Truncated(record.Target, null, stage.MaxTargetLength).Ids };
    }

    private Encoding Truncated(string text, string? pair, int maxLength) =>
        tokenizer.Encode(text, pair, new EncodeOptions { Truncation = new Truncation(maxLength) });

    private int LabelOf(TextRecord record, string file)
    {
        string label = record.Label ?? throw new TrainingException($"{file}, line {record.Line}: there is no label; the source needs a 'label'");
        for (int i = 0; i < labels!.Count; i++)
        {
            if (labels[i] == label)
                return i;
        }

        return int.TryParse(label, out int index) && index >= 0 && index < labels.Count
            ? index
            : throw new TrainingException($"{file}, line {record.Line}: the label '{label}' is none of {string.Join(", ", labels)}");
    }
}
