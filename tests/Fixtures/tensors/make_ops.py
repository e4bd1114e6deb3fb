#!/usr/bin/env python3
"""Writes ops.safetensors: inputs, outputs and gradients of every tensor operation, computed by PyTorch in float32.

Keys: CASE.in.NAME, CASE.out.NAME, CASE.grad.NAME (of an input, for the loss sum(out * weight)), CASE.weight.
The tests in Triptych.Tensors.Tests/OpsTests.cs know how to call each case.
Run: python3 make_ops.py (PyTorch, safetensors).
"""
import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

torch.manual_seed(7)
tensors = {}


def case(name, function, inputs, differentiate=True):
    """inputs: name -> tensor; floating-point ones get gradients."""
    leaves = {}
    for key, value in inputs.items():
        value = value.clone().detach()
        if differentiate and value.is_floating_point():
            value.requires_grad_()
        leaves[key] = value
    out = function(**leaves)
    outs = {"y": out} if isinstance(out, torch.Tensor) else out
    for key, value in leaves.items():
        tensors[f"{name}.in.{key}"] = value.detach()
    for key, value in outs.items():
        tensors[f"{name}.out.{key}"] = value.detach()
    if differentiate:
        y = next(iter(outs.values()))
        weight = torch.randn(y.shape)
        (y * weight).sum().backward()
        tensors[f"{name}.weight"] = weight
        for key, value in leaves.items():
            if value.grad is not None:
                tensors[f"{name}.grad.{key}"] = value.grad


def randn(*shape):
    return torch.randn(shape)


def positive(*shape):
    return torch.rand(*shape) * 3 + 0.2


def wide(n):
    """All of the range in which activations bend, and far beyond."""
    return torch.cat([torch.linspace(-12, 12, n - 5), torch.tensor([-90.0, 90.0, -30.0, 30.0, 1e-6])])


unary = {
    "abs": torch.abs, "square": torch.square, "sin": torch.sin, "cos": torch.cos, "tanh": torch.tanh, "sigmoid": torch.sigmoid,
    "erf": torch.erf, "relu": F.relu, "silu": F.silu, "gelu": F.gelu, "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "quick_gelu": lambda x: x * torch.sigmoid(1.702 * x), "negate": torch.neg,
}
for name, function in unary.items():
    case(name, lambda x, f=function: f(x), {"x": wide(101)})
case("exp", torch.exp, {"input": torch.linspace(-40, 8, 131)})
for name, function in {"sqrt": torch.sqrt, "rsqrt": torch.rsqrt, "log": torch.log}.items():
    case(name, lambda x, f=function: f(x), {"x": positive(7, 19)})
for label, exponent in [("2", 2.0), ("3", 3.0), ("half", 0.5), ("minus", -1.5), ("0", 0.0), ("1", 1.0)]:
    case("pow_" + label, lambda x, e=exponent: x.pow(e), {"x": positive(5, 9)})
case("pow_negative_base", lambda x: x.pow(5.0), {"x": randn(5, 9)})

for name, function in {"add": torch.add, "subtract": torch.sub, "multiply": torch.mul, "divide": torch.div,
                       "maximum": torch.maximum, "minimum": torch.minimum}.items():
    for label, left, right in [("same", (6, 35), (6, 35)), ("row", (3, 5, 17), (17,)), ("column", (3, 5, 17), (5, 1)), ("both", (4, 1, 6), (1, 7, 1)),
                               ("scalar", (4, 5), ())]:
        a, b = randn(*left), randn(*right)
        b = b.sign() * (b.abs() + 0.3)
        case(f"{name}_{label}", lambda a, b, f=function: f(a, b), {"a": a, "b": b})

for label, left, right in [("plain", (7, 33), (33, 19)), ("vector", (1, 65), (65, 31)), ("batched", (2, 3, 5, 17), (2, 3, 17, 9)),
                           ("broadcast", (2, 3, 5, 17), (17, 9)), ("broadcast_left", (5, 17), (4, 17, 3)), ("broadcast_both", (2, 1, 5, 8), (3, 8, 6))]:
    case("matmul_" + label, lambda a, b: a @ b, {"a": randn(*left), "b": randn(*right)})
case("matmul_transposed", lambda a, b: a.transpose(-1, -2) @ b.transpose(-1, -2), {"a": randn(2, 17, 5), "b": randn(2, 9, 17)})
case("linear", lambda x, w, b: F.linear(x, w, b), {"x": randn(2, 5, 23), "w": randn(18, 23), "b": randn(18)})
case("linear_transposed", lambda x, w, b: x @ w + b, {"x": randn(2, 5, 23), "w": randn(23, 18), "b": randn(18)})
case("embedding", lambda w, i: F.embedding(i, w), {"w": randn(11, 21), "i": torch.randint(0, 11, (3, 7))})

for n in (5, 15, 67):
    case(f"layer_norm_{n}", lambda x, w, b, n=n: F.layer_norm(x, (n,), w, b, 1e-5), {"x": randn(2, 4, n) * 2 + 3, "w": randn(n), "b": randn(n)})
    case(f"rms_norm_{n}", lambda x, w, n=n: F.rms_norm(x, (n,), w, 1e-6), {"x": randn(2, 4, n) * 2 + 1, "w": randn(n)})
    case(f"softmax_{n}", lambda x: F.softmax(x, -1), {"x": randn(5, n) * 6})
    case(f"log_softmax_{n}", lambda x: F.log_softmax(x, -1), {"x": randn(5, n) * 6})
case("softmax_middle", lambda x: F.softmax(x, 1), {"x": randn(3, 18, 5)})
case("log_softmax_first", lambda x: F.log_softmax(x, 0), {"x": randn(6, 4)})

labels = torch.tensor([3, -100, 0, 18, 7, -100, 5, 5])
case("cross_entropy", lambda x, i: F.cross_entropy(x, i), {"x": randn(8, 19) * 4, "i": labels})
case("cross_entropy_smooth", lambda x, i: F.cross_entropy(x, i, label_smoothing=0.1), {"x": randn(8, 19) * 4, "i": labels})
case("cross_entropy_ignore", lambda x, i: F.cross_entropy(x, i, ignore_index=5), {"x": randn(8, 19), "i": labels.clamp_min(0)})
logits = randn(4, 13) * 5
logits[0, :5] = 0
logits[1, 0], logits[1, 1] = 80, -80
case("binary_cross_entropy", lambda x, t: F.binary_cross_entropy_with_logits(x, t), {"x": logits, "t": torch.rand(4, 13)})
case("mean_squared_error", lambda x, t: F.mse_loss(x, t), {"x": randn(4, 13), "t": randn(4, 13)})

for label, kw, x, w in [
    ("plain", {}, (2, 3, 17), (5, 3, 3)), ("stride", dict(stride=2, padding=1), (2, 3, 17), (5, 3, 4)),
    ("dilation", dict(padding=2, dilation=2), (1, 2, 20), (3, 2, 3)), ("groups", dict(groups=2, padding=1), (2, 4, 9), (6, 2, 3)),
]:
    case("conv1d_" + label, lambda x, w, b, k=kw: F.conv1d(x, w, b, **k), {"x": randn(*x), "w": randn(*w), "b": randn(w[0])})
for label, kw, x, w in [
    ("plain", {}, (2, 3, 9, 8), (4, 3, 3, 2)), ("stride", dict(stride=(2, 3), padding=(1, 2)), (2, 3, 9, 11), (4, 3, 3, 3)),
    ("dilation", dict(padding=2, dilation=(2, 1)), (1, 2, 8, 7), (3, 2, 3, 3)), ("groups", dict(groups=3, padding=1), (1, 6, 6, 5), (3, 2, 3, 3)),
]:
    case("conv2d_" + label, lambda x, w, b, k=kw: F.conv2d(x, w, b, **k), {"x": randn(*x), "w": randn(*w), "b": randn(w[0])})

for dim, shape in [(0, (6, 4, 5)), (1, (3, 6, 5)), (2, (3, 4, 6))]:
    smaller = [s if d != dim else 9 for d, s in enumerate(shape)]
    case(f"gather_{dim}", lambda x, i, d=dim: x.gather(d, i), {"x": randn(*shape), "i": torch.randint(0, 6, smaller)})
    case(f"scatter_add_{dim}", lambda x, i, s, d=dim: x.scatter_add(d, i, s),
         {"x": randn(*shape), "i": torch.randint(0, 6, smaller), "s": randn(*smaller)})
    case(f"index_select_{dim}", lambda x, i, d=dim: x.index_select(d, i), {"x": randn(*shape), "i": torch.tensor([5, 0, 0, 3][: 4]).clamp_max(shape[dim] - 1)})
    case(f"cumsum_{dim}", lambda x, d=dim: x.cumsum(d), {"x": randn(*shape)})
    case(f"sum_{dim}", lambda x, d=dim: x.sum(d), {"x": randn(*shape)})
    case(f"mean_{dim}", lambda x, d=dim: x.mean(d, keepdim=True), {"x": randn(*shape)})
    case(f"max_{dim}", lambda x, d=dim: x.max(d).values, {"x": randn(*shape)})
    case(f"min_{dim}", lambda x, d=dim: x.min(d).values, {"x": randn(*shape)})
    case(f"argmax_{dim}", lambda x, d=dim: x.argmax(d), {"x": randn(*shape)}, differentiate=False)
    case(f"concat_{dim}", lambda a, b, d=dim: torch.cat([a, b], d), {"a": randn(*shape), "b": randn(*smaller)})
    case(f"stack_{dim}", lambda a, b, d=dim: torch.stack([a, b], d), {"a": randn(*shape), "b": randn(*shape)})
    pad = [0] * 6
    pad[(2 - dim) * 2], pad[(2 - dim) * 2 + 1] = 2, 1
    case(f"pad_{dim}", lambda x, p=pad: F.pad(x, p, value=0.5), {"x": randn(*shape)})
case("sum_all", torch.sum, {"input": randn(3, 4, 5)})
case("mean_all", torch.mean, {"input": randn(3, 4, 5)})


def named(result):
    return {"values": result.values, "indices": result.indices}


# Few different values: equal elements must keep their order.
case("topk", lambda x: named(x.topk(7)), {"x": randn(5, 40)})
case("sort", lambda x: named(x.sort(stable=True)), {"x": randn(5, 33).mul(2).round()})
case("sort_descending", lambda x: named(x.sort(stable=True, descending=True)), {"x": randn(5, 33).mul(2).round()})
case("where", lambda a, b, m: torch.where(m, a, b), {"a": randn(3, 4, 5), "b": randn(4, 1), "m": randn(3, 1, 5) > 0})
case("masked_fill", lambda x, m: x.masked_fill(m, -2.5), {"x": randn(3, 4, 5), "m": randn(4, 1) > 0})


def attention(q, k, v, bias=None, mask=None, causal=False, window=None, cap=None, scale=None):
    heads, queries, keys = q.shape[1], q.shape[2], k.shape[2]
    k, v = (t.repeat_interleave(heads // t.shape[1], 1) for t in (k, v))
    scores = q @ k.transpose(-1, -2) * (scale if scale is not None else q.shape[-1] ** -0.5)
    if cap is not None:
        scores = cap * torch.tanh(scores / cap)
    if bias is not None:
        scores = scores + bias
    i = torch.arange(queries)[:, None] + (keys - queries)
    j = torch.arange(keys)[None, :]
    seen = torch.ones(1, 1, queries, keys, dtype=torch.bool)
    if causal:
        seen = seen & (j <= i)
    if window is not None:
        seen = seen & (j > i - window)
    if mask is not None:
        seen = seen & (mask != 0)[:, None, None, :]
    scores = scores.masked_fill(~seen, float("-inf"))
    none = ~seen.any(-1, keepdim=True)
    weights = torch.softmax(scores.masked_fill(none, 0.0), -1).masked_fill(none, 0.0)
    return weights @ v


def qkv(b, h, hk, tq, tk, d, dv=None):
    return {"q": randn(b, h, tq, d), "k": randn(b, hk, tk, d), "v": randn(b, hk, tk, dv or d)}


case("attention_plain", attention, qkv(2, 3, 3, 5, 7, 8))
case("attention_value_width", attention, qkv(1, 2, 2, 5, 7, 8, 5))
case("attention_causal", lambda **t: attention(**t, causal=True), qkv(1, 2, 2, 19, 19, 16))
case("attention_causal_offset", lambda **t: attention(**t, causal=True), qkv(2, 2, 2, 3, 11, 12))
case("attention_causal_one", lambda **t: attention(**t, causal=True), qkv(2, 4, 2, 1, 13, 8))
case("attention_more_queries", lambda **t: attention(**t, causal=True), qkv(1, 2, 2, 7, 4, 8))
case("attention_scale", lambda **t: attention(**t, scale=0.7), qkv(1, 2, 2, 4, 6, 9))
case("attention_cap", lambda **t: attention(**t, cap=2.0, causal=True), qkv(1, 2, 2, 9, 9, 8))
case("attention_window", lambda **t: attention(**t, window=4, causal=True), qkv(1, 2, 2, 18, 18, 8))
case("attention_window_offset", lambda **t: attention(**t, window=5, causal=True), qkv(1, 2, 1, 4, 17, 8))
case("attention_grouped", lambda **t: attention(**t, causal=True), qkv(2, 6, 2, 5, 5, 8))
mask = torch.tensor([[1, 1, 1, 1, 1, 0, 0], [0, 0, 1, 1, 1, 1, 1]])
case("attention_mask", attention, {**qkv(2, 2, 2, 5, 7, 8), "mask": mask})
case("attention_mask_causal", lambda **t: attention(**t, causal=True), {**qkv(2, 4, 2, 7, 7, 8), "mask": mask})
case("attention_mask_none", attention, {**qkv(2, 2, 2, 3, 4, 8), "mask": torch.tensor([[0, 0, 0, 0], [1, 0, 1, 1]])})
case("attention_bias", attention, {**qkv(2, 3, 3, 5, 7, 8), "bias": randn(2, 3, 5, 7)})
case("attention_bias_heads", lambda **t: attention(**t, causal=True), {**qkv(2, 3, 3, 6, 6, 8), "bias": randn(1, 3, 6, 6)})
case("attention_bias_keys", attention, {**qkv(2, 4, 2, 3, 7, 8), "bias": randn(2, 1, 1, 7)})
case("attention_all", lambda **t: attention(**t, causal=True, window=6, cap=3.0, scale=0.4),
     {**qkv(2, 4, 2, 7, 7, 8), "bias": randn(1, 4, 1, 7), "mask": mask})
case("attention_wide", lambda **t: attention(**t, causal=True), qkv(1, 1, 1, 33, 37, 20))

path = pathlib.Path(__file__).with_name("ops.safetensors")
save_file({k: v.contiguous() for k, v in tensors.items()}, path, metadata={"torch": torch.__version__})
path.chmod(0o644)
print(len(tensors), "tensors", path.stat().st_size, "bytes")
