"""Block formats as ggml encodes and decodes them, through its own library.

    oracle/run python3 tests/Fixtures/quantization/make_blocks.py [--rows N] [--seed N] [--out FOLDER]

source.f32    [rows, 512] float32: weights, and what is hard for a quantizer (zeros, constants, outliers, denormals, huge numbers)
TYPE.blocks   ggml_quantize_chunk of source
TYPE.random   blocks of random bytes (the scales finite)
TYPE.sha256   of dequantize_row_TYPE of TYPE.blocks, then of TYPE.random, in hexadecimal, one a line
"""
import argparse
import ctypes
import hashlib
import os

import numpy as np

WIDTH = 512
RANDOM_BLOCKS = 24
# name: (ggml's type, block length, block bytes, offsets of half-precision numbers)
TYPES = {
    "q4_0": (2, 32, 18, [0]), "q4_1": (3, 32, 20, [0, 2]), "q5_0": (6, 32, 22, [0]), "q5_1": (7, 32, 24, [0, 2]),
    "q8_0": (8, 32, 34, [0]), "q2_K": (10, 256, 84, [80, 82]), "q3_K": (11, 256, 110, [108]),
    "q4_K": (12, 256, 144, [0, 2]), "q5_K": (13, 256, 176, [0, 2]), "q6_K": (14, 256, 210, [208]),
    "iq4_nl": (20, 32, 18, [0]), "iq4_xs": (23, 256, 136, [0]), "mxfp4": (39, 32, 17, []),
}


def kinds(rng):
    n = WIDTH
    ramp = np.linspace(-1, 1, n)
    yield rng.normal(0, 0.02, n)
    yield rng.normal(0, 1, n)
    yield rng.standard_t(2, n) * 0.05
    yield rng.uniform(-1, 1, n)
    yield rng.uniform(0.5, 1.5, n)
    yield rng.uniform(-3, -1, n)
    yield rng.normal(0, 0.02, n) * np.where(rng.random(n) < 0.02, 50, 1)
    yield rng.normal(0, 1, n) * (rng.random(n) < 0.05)
    yield np.zeros(n)
    yield np.where(np.arange(n) % 3 == 0, -0.0, 0.0)
    yield np.full(n, 0.3)
    yield np.full(n, -0.7)
    yield np.where(np.arange(n) % 2 == 0, 1.5, -1.5)
    yield ramp
    yield np.round(ramp * 8)
    yield np.round(rng.normal(0, 3, n)) / 2
    yield rng.normal(0, 1, n) * np.exp2(np.repeat(rng.integers(-20, 6, n // 16), 16))
    yield rng.normal(0, 1, n) * np.exp2(np.repeat(rng.integers(-45, 1, n // 32), 32))
    yield rng.normal(0, 1e-3, n) * (np.repeat(rng.random(n // 16), 16) < 0.5)
    yield rng.normal(0, 1e-12, n)
    yield rng.normal(0, 1e-16, n)
    yield rng.normal(0, 1e-30, n)
    yield rng.normal(0, 3e-40, n)
    yield rng.integers(-3, 4, n) * 1.4e-45
    yield rng.normal(0, 1e4, n)
    yield rng.normal(0, 1e30, n)
    # numbers around powers of two, as floats count
    powers = np.exp2(rng.integers(-60, 60, n // 32)).astype(np.float32).view(np.int32) + rng.integers(-3, 4, n // 32).astype(np.int32)
    block = rng.uniform(-0.99, 0.99, (n // 32, 32))
    block[np.arange(n // 32), rng.integers(0, 32, n // 32)] = rng.choice([-1, 1], n // 32)
    yield (block * powers.view(np.float32)[:, None]).reshape(n)
    yield (rng.normal(0, 0.02, n).astype(np.float32).view(np.uint32) & 0xFFFF0000).view(np.float32)
    yield rng.normal(0, 0.02, n).astype(np.float16)
    yield np.sort(rng.normal(0, 1, n))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default=os.path.dirname(os.path.abspath(__file__)))
    options = parser.parse_args()
    ggml = ctypes.CDLL("libggml-base.so.0")
    ggml.ggml_quantize_chunk.restype = ctypes.c_size_t
    pointer = lambda array: array.ctypes.data_as(ctypes.c_void_p)

    rng = np.random.default_rng(options.seed)
    rows = []
    while len(rows) < options.rows:
        rows.extend(kinds(rng))
    source = np.ascontiguousarray(np.array(rows[:options.rows], dtype=np.float32))
    source.tofile(os.path.join(options.out, "source.f32"))

    for name, (number, length, size, halves) in TYPES.items():
        blocks = np.zeros(source.size // length * size, dtype=np.uint8)
        written = ggml.ggml_quantize_chunk(number, pointer(source), pointer(blocks), ctypes.c_int64(0),
                                           ctypes.c_int64(len(source)), ctypes.c_int64(WIDTH), None)
        assert written == blocks.size, name
        random = rng.integers(0, 256, (RANDOM_BLOCKS, size), dtype=np.uint8)
        for at in halves:
            random[:, at:at + 2] = rng.normal(0, 1, RANDOM_BLOCKS).astype(np.float16).view(np.uint8).reshape(RANDOM_BLOCKS, 2)
        digests = []
        for data in blocks, random.reshape(-1):
            values = np.zeros(data.size // size * length, dtype=np.float32)
            getattr(ggml, f"dequantize_row_{name}")(pointer(data), pointer(values), ctypes.c_int64(values.size))
            digests.append(hashlib.sha256(np.where(np.isnan(values), np.float32(np.nan), values).tobytes()).hexdigest())
        blocks.tofile(os.path.join(options.out, f"{name}.blocks"))
        random.tofile(os.path.join(options.out, f"{name}.random"))
        with open(os.path.join(options.out, f"{name}.sha256"), "w") as file:
            file.write("\n".join(digests) + "\n")


main()
