namespace Triptych.Tensors;

/// <summary>A function that a linear layer applies to its outputs.</summary>
public enum Activation
{
    /// <summary>x.</summary>
    None,

    /// <summary>max(x, 0).</summary>
    Relu,

    /// <summary>x Phi(x), Phi the normal distribution function, by the error function (Hendrycks and Gimpel 2016).</summary>
    Gelu,

    /// <summary>GELU's approximation by tanh, of the same paper.</summary>
    GeluTanh,

    /// <summary>x sigmoid(1.702 x), GELU's approximation by the logistic function, of the same paper.</summary>
    QuickGelu,

    /// <summary>x sigmoid(x), also called swish.</summary>
    Silu,

    /// <summary>The hyperbolic tangent.</summary>
    Tanh,
}
