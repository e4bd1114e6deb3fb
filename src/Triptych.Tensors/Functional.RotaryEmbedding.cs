namespace Triptych.Tensors;

public static partial class Functional
{
    /// <summary>Turns pairs of a head's dimensions by angles that depend on the position (Su et al. 2021, arXiv 2104.09864):
    /// (a, b) becomes (a cos - b sin, b cos + a sin). Dimensions beyond the tables' are left as they are.</summary>
    /// <param name="x">[batch, heads, sequence, headDim] float32.</param>
    /// <param name="cos">The cosine of each angle, [batch or 1, sequence, pairs] float32, with pairs at most headDim / 2. No gradient.</param>
    /// <param name="sin">The sine of each angle, of the same shape.</param>
    /// <param name="interleaved">A pair is two neighbours (2 i, 2 i + 1), as in the paper; otherwise it is (i, i + pairs), as in
    /// the checkpoints of transformers.</param>
    /// <returns>[batch, heads, sequence, headDim], laid out as [batch, sequence, heads, headDim].</returns>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static Tensor RotaryEmbedding(Tensor x, Tensor cos, Tensor sin, bool interleaved = false)
    {
        Single(x, nameof(x));
        Single(cos, nameof(cos));
        Single(sin, nameof(sin));
        bool fits = x.Rank == 4 && cos.Rank == 3 && sin.Shape == cos.Shape && (cos.Shape[0] == 1 || cos.Shape[0] == x.Shape[0])
            && cos.Shape[1] == x.Shape[2] && 2L * cos.Shape[2] <= x.Shape[3];
        if (!fits)
            throw new ArgumentException($"heads {x.Shape} and angles of shape {cos.Shape} and {sin.Shape} do not fit", nameof(cos));
        cos = cos.Detach().Contiguous();
        sin = sin.Detach().Contiguous();
        var result = Rotate(x, inverse: false);
        if (Autograd.Needs(x))
            Autograd.Record(result, x, g => Rotate(g, inverse: true));
        return result;

        Tensor Rotate(Tensor heads, bool inverse)
        {
            var rotated = HeadsInside(heads.Shape[0], heads.Shape[1], heads.Shape[2], heads.Shape[3]);
            heads.Backend.RotaryEmbedding(UnitStride(heads), cos, sin, interleaved, inverse, rotated);
            return rotated;
        }
    }
}
