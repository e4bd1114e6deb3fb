namespace Triptych.Tensors;

public static partial class Functional
{
    /// <summary>Cross-correlation along the last dimension, as PyTorch's conv1d.</summary>
    /// <param name="x">[batch, in, length] float32.</param>
    /// <param name="weight">[out, in / groups, kernel].</param>
    /// <param name="bias">[out], or null.</param>
    /// <param name="stride">The step between outputs.</param>
    /// <param name="padding">Zeros added on both sides.</param>
    /// <param name="dilation">The step between kernel elements.</param>
    /// <param name="groups">Input and output channels are split into this many groups.</param>
    /// <returns>[batch, out, (length + 2 padding - dilation (kernel - 1) - 1) / stride + 1].</returns>
    public static Tensor Conv1d(Tensor x, Tensor weight, Tensor? bias = null, int stride = 1, int padding = 0, int dilation = 1, int groups = 1)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(weight);
        if (x.Rank != 3 || weight.Rank != 3)
            throw new ArgumentException($"conv1d takes [batch, in, length] and [out, in / groups, kernel], not {x.Shape} and {weight.Shape}", nameof(x));
        return Conv2d(x.Unsqueeze(2), weight.Unsqueeze(2), bias, (1, stride), (0, padding), (1, dilation), groups).Squeeze(2);
    }

    /// <summary>Cross-correlation over the last two dimensions, as PyTorch's conv2d.</summary>
    /// <param name="x">[batch, in, height, width] float32.</param>
    /// <param name="weight">[out, in / groups, kernel height, kernel width].</param>
    /// <param name="bias">[out], or null.</param>
    /// <param name="stride">The steps between outputs; 0 counts as 1.</param>
    /// <param name="padding">Zeros added on both sides.</param>
    /// <param name="dilation">The steps between kernel elements; 0 counts as 1.</param>
    /// <param name="groups">Input and output channels are split into this many groups.</param>
    /// <returns>[batch, out, out height, out width].</returns>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static Tensor Conv2d(
        Tensor x, Tensor weight, Tensor? bias = null, (int Height, int Width) stride = default, (int Height, int Width) padding = default,
        (int Height, int Width) dilation = default, int groups = 1)
    {
        Single(x, nameof(x));
        ArgumentNullException.ThrowIfNull(weight);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(groups);
        if (x.Rank != 4 || weight.Rank != 4 || x.Shape[1] != weight.Shape[1] * groups || weight.Shape[0] % groups != 0)
            throw new ArgumentException($"an input of shape {x.Shape}, a weight of shape {weight.Shape} and {groups} groups do not fit", nameof(weight));
        if (bias is not null && bias.Shape != [weight.Shape[0]])
            throw new ArgumentException($"a bias of shape {bias.Shape} for a weight of shape {weight.Shape}", nameof(bias));
        if (Math.Min(Math.Min(stride.Height, stride.Width), Math.Min(padding.Height, padding.Width)) < 0 || Math.Min(dilation.Height, dilation.Width) < 0)
            throw new ArgumentException($"stride {stride}, padding {padding} and dilation {dilation} are not negative", nameof(stride));
        if (groups > 1)
        {
            int inGroup = weight.Shape[1], outGroup = weight.Shape[0] / groups;
            var parts = new Tensor[groups];
            for (int i = 0; i < groups; i++)
            {
                parts[i] = Conv2d(
                    x.Slice(1, i * inGroup, inGroup), weight.Slice(0, i * outGroup, outGroup), bias?.Slice(0, i * outGroup, outGroup), stride, padding, dilation);
            }

            return Concat(parts, 1);
        }

        stride = (Math.Max(1, stride.Height), Math.Max(1, stride.Width));
        dilation = (Math.Max(1, dilation.Height), Math.Max(1, dilation.Width));
        int kh = weight.Shape[2], kw = weight.Shape[3];
        int oh = OutputSize(x.Shape[2], kh, stride.Height, padding.Height, dilation.Height);
        int ow = OutputSize(x.Shape[3], kw, stride.Width, padding.Width, dilation.Width);
        if (kh == 0 || kw == 0 || oh <= 0 || ow <= 0)
            throw new ArgumentException($"an input of shape {x.Shape} is smaller than the kernel {kh} x {kw}", nameof(x));
        var sizes = new ConvolutionShape(kh, kw, stride.Height, stride.Width, padding.Height, padding.Width, dilation.Height, dilation.Width, oh, ow);
        var columns = Unfold(x, sizes);
        var result = MatMul(weight.Reshape(1, weight.Shape[0], columns.Shape[1]), columns);
        if (bias is not null)
            result += bias.To(DType.Float32).Unsqueeze(-1);
        return result.Reshape(x.Shape[0], weight.Shape[0], oh, ow);
    }

    private static int OutputSize(long size, long kernel, int stride, long padding, long dilation)
    {
        long room = size + (2 * padding) - (dilation * (kernel - 1)) - 1;
        return room < 0 ? 0 : checked((int)((room / stride) + 1));
    }

    // [batch, channels, height, width] to [batch, channels * kh * kw, oh * ow]: a convolution is then one matrix product.
    private static Tensor Unfold(Tensor x, ConvolutionShape sizes)
    {
        var columns = Tensor.Empty([x.Shape[0], x.Shape[1] * sizes.KernelHeight * sizes.KernelWidth, checked(sizes.OutHeight * sizes.OutWidth)]);
        x.Backend.Unfold(x.Detach().Contiguous(), sizes, columns);
        if (Autograd.Needs(x))
        {
            Autograd.Record(columns, x, g =>
            {
                var sum = Tensor.Zeros(x.Shape);
                g.Backend.Fold(g.Contiguous(), sizes, sum);
                return sum;
            });
        }

        return columns;
    }
}
