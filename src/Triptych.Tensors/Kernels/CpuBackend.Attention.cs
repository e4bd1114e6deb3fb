namespace Triptych.Tensors;

internal sealed unsafe partial class CpuBackend
{
    public override void Attention(in AttentionCall call)
    {
        Tensors.Attention.Forward(Arguments(call));
        KeepAlive(call);
    }

    public override void AttentionGradient(
        in AttentionCall call, Tensor gradient, Tensor toQuery, Tensor toKey, Tensor toValue, Tensor? toBias)
    {
        var gradients = new AttentionGradients
        {
            Output = Operand(gradient),
            Query = Operand(toQuery),
            Key = Operand(toKey),
            Value = Operand(toValue),
            Bias = toBias is null ? null : (float*)toBias.Data,
        };
        Tensors.Attention.Backward(Arguments(call), gradients);
        KeepAlive(call);
        GC.KeepAlive(gradient);
    }

    private static AttentionArguments Arguments(in AttentionCall call)
    {
        var arguments = new AttentionArguments
        {
            Batch = call.Query.Shape[0],
            Heads = call.Query.Shape[1],
            KeyValueHeads = call.Key.Shape[1],
            Queries = call.Query.Shape[2],
            Keys = call.Key.Shape[2],
            HeadDim = call.Query.Shape[3],
            ValueDim = call.Value.Shape[3],
            Query = Operand(call.Query),
            Key = Operand(call.Key),
            Value = Operand(call.Value),
            Output = Operand(call.Output),
            LogSumExp = call.LogSumExp is null ? null : (float*)call.LogSumExp.Data,
            Scale = call.Scale,
            Causal = call.Causal,
            SlidingWindow = call.SlidingWindow,
            SoftCap = call.SoftCap,
            KeyPaddingMask = call.KeyPaddingMask is null ? null : call.KeyPaddingMask.Data,
            Dropout = call.Dropout,
            Seed = call.Seed,
        };
        if (call.Bias is not null)
        {
            var bias = call.Bias.Expand([arguments.Batch, arguments.Heads, arguments.Queries, arguments.Keys]);
            arguments.Bias = (float*)bias.Data;
            arguments.BiasBatchStride = Step(bias, 0);
            arguments.BiasHeadStride = Step(bias, 1);
            arguments.BiasQueryStride = Step(bias, 2);
            arguments.BiasKeyStride = Step(bias, 3);
        }

        return arguments;
    }

    private static long Step(Tensor x, int axis) => x.Shape[axis] == 1 ? 0 : x.Stride(axis);

    private static AttentionTensor Operand(Tensor x) => new(x.Data, x.Stride(0), x.Stride(1), x.Stride(2), x.DType);

    private static void KeepAlive(in AttentionCall call)
    {
        GC.KeepAlive(call.Query);
        GC.KeepAlive(call.Key);
        GC.KeepAlive(call.Value);
        GC.KeepAlive(call.LogSumExp);
        GC.KeepAlive(call.KeyPaddingMask);
        GC.KeepAlive(call.Bias);
    }
}
