using Triptych.Formats;
using Triptych.Tensors;

namespace Triptych.Models;

/// <summary>Greedy decoding, which the generation library gives.</summary>
/// <param name="model">The model.</param>
/// <param name="inputs">The prompt.</param>
/// <returns>All ids, [batch, length] Int64, and the logits of each new token, [batch, new, vocabulary].</returns>
public delegate (Tensor Sequences, Tensor NewLogits) GreedyDecoding(PretrainedModel model, ModelInputs inputs);

/// <summary>Runs a checkpoint on inputs of a safetensors file: the machine interface behind <c>triptych forward</c>.</summary>
public static class ForwardRunner
{
    private const string InputMark = ".in.";

    /// <summary>For each prefix P of keys <c>P.in.NAME</c> in the input file, runs the class that config.json's first architecture names
    /// and writes <c>P.out.FIELD</c> with transformers' output fields. Prefixes that start with <c>generate</c> decode greedily
    /// (<c>sequences</c>, <c>new_logits</c>); <c>train</c> gives <c>train.loss</c> and <c>train.grad_norm.NAME</c> by the names of the checkpoint.</summary>
    /// <param name="folder">The model folder.</param>
    /// <param name="inputPath">The safetensors file with the inputs.</param>
    /// <param name="outputPath">The safetensors file to write.</param>
    /// <param name="generate">Decodes greedily; without it prefixes that start with <c>generate</c> are an error.</param>
    /// <exception cref="CheckpointException">A file cannot be read or written.</exception>
    /// <exception cref="ArgumentException">An input does not suit the model.</exception>
    public static void Run(string folder, string inputPath, string outputPath, GreedyDecoding? generate = null)
    {
        var results = new List<KeyValuePair<string, Tensor>>();
        var prefixes = ReadInputs(inputPath);
        using var model = ModelRegistry.Load(folder);
        foreach (var (prefix, inputs) in prefixes)
        {
            if (prefix.StartsWith("generate", StringComparison.Ordinal))
            {
                if (generate is null)
                    throw new ArgumentException($"{prefix}: nothing was given to generate with", nameof(generate));
                var (sequences, newLogits) = generate(model, inputs);
                results.Add(new($"{prefix}.out.sequences", sequences));
                results.Add(new($"{prefix}.out.new_logits", newLogits));
            }
            else if (prefix == "train")
            {
                results.AddRange(LossAndGradients(folder, inputs));
            }
            else
            {
                var output = model.Forward(inputs with { OutputHiddenStates = true });
                results.AddRange(output.Fields().Select(field => KeyValuePair.Create($"{prefix}.out.{field.Name}", field.Tensor)));
            }
        }

        SafetensorsWriter.Write(outputPath, results);
    }

    /// <summary>The inputs of a file by prefix.</summary>
    /// <exception cref="CheckpointException">The file cannot be read, or names an input that no model has.</exception>
    public static IReadOnlyDictionary<string, ModelInputs> ReadInputs(string path)
    {
        using var file = SafetensorsFile.Open(path);
        var inputs = new OrderedDictionary<string, ModelInputs>(StringComparer.Ordinal);
        foreach (string key in file.Entries.Keys.Order(StringComparer.Ordinal))
        {
            int mark = key.IndexOf(InputMark, StringComparison.Ordinal);
            if (mark <= 0)
                continue;
            string prefix = key[..mark];
            try
            {
                inputs[prefix] = (inputs.GetValueOrDefault(prefix) ?? new ModelInputs()).With(key[(mark + InputMark.Length)..], file.Load(key));
            }
            catch (ArgumentException error)
            {
                throw new CheckpointException(path, key, error.Message, error);
            }
        }

        return inputs.Count > 0 ? inputs : throw new CheckpointException(path, null, "has no tensor named PREFIX.in.NAME");
    }

    /// <summary>The loss, and the L2 norm of each parameter's gradient, without dropout.</summary>
    private static IEnumerable<KeyValuePair<string, Tensor>> LossAndGradients(string folder, ModelInputs inputs)
    {
        using var model = ModelRegistry.Load(folder, options: new LoadOptions { Trainable = true });
        var loss = model.Forward(inputs).Loss
            ?? throw new ArgumentException($"train: {model.ClassName} computes no loss from these inputs", nameof(inputs));
        loss.Backward();
        yield return new("train.loss", loss);
        foreach (var (name, parameter) in model.Parameters)
        {
            if (parameter.Grad is not { } gradient)
                continue;
            double sum = 0;
            foreach (float x in gradient.AsSpan<float>())
                sum += (double)x * x;
            yield return new($"train.grad_norm.{name}", Tensor.Scalar((float)Math.Sqrt(sum)));
        }
    }
}
