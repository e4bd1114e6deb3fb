"""What llama-quantize makes of small models: the format of each tensor, and whole files.

    oracle/run python3 tests/Fixtures/quantization/make_files.py

mixes.json  {"formats": [...], "models": {model: {"metadata": {...}, "tensors": {name: shape}, "types": {type: "abc..."}}}}: the tensors in the
            order of the quantized file, and for each a letter, a for the first of the formats
files.json  {type: SHA-256 of llama-quantize of small.gguf}, which a test makes as write_small() does
"""
import hashlib
import json
import os
import subprocess
import tempfile

import gguf
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
TYPES = ("F32 F16 BF16 Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q2_K Q3_K_S Q3_K_M Q3_K_L Q4_K_S Q4_K_M Q5_K_S Q5_K_M Q6_K IQ4_NL IQ4_XS MXFP4_MOE").split()

FORMATS = "F32 F16 BF16 Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q2_K Q3_K Q4_K Q5_K Q6_K IQ4_NL IQ4_XS MXFP4".split()


def llama(layers, heads, kv_heads, output=True, ffn=256, experts=0):
    metadata = {"general.architecture": "llama", "llama.context_length": 64, "llama.embedding_length": 256, "llama.block_count": layers,
                "llama.feed_forward_length": ffn, "llama.attention.head_count": heads, "llama.attention.head_count_kv": kv_heads,
                "llama.attention.layer_norm_rms_epsilon": 1e-5, "llama.vocab_size": 16}
    if experts:
        metadata |= {"llama.expert_count": experts, "llama.expert_used_count": 2}
    shapes = {"token_embd.weight": [16, 256], "output_norm.weight": [256]}
    if output:
        shapes["output.weight"] = [16, 256]
    for i in range(layers):
        block = {"attn_norm": [256], "ffn_norm": [256], "attn_q": [32, 256], "attn_k": [16, 256], "attn_v": [16, 256], "attn_output": [32, 256]}
        feed = {"ffn_gate": [16, 256], "ffn_up": [16, 256], "ffn_down": [16, ffn]}
        if experts:
            feed = {f"{name}_exps": [experts] + shape for name, shape in feed.items()} | {"ffn_gate_inp": [experts, 256]}
        shapes |= {f"blk.{i}.{name}.weight": shape for name, shape in (block | feed).items()}
    return metadata, shapes


def without(model, *parts):
    return model[0], {name: shape for name, shape in model[1].items() if not any(part in name for part in parts)}


def gpt2(layers):
    metadata = {"general.architecture": "gpt2", "gpt2.context_length": 64, "gpt2.embedding_length": 256, "gpt2.block_count": layers,
                "gpt2.feed_forward_length": 288, "gpt2.attention.head_count": 4, "gpt2.attention.layer_norm_epsilon": 1e-5}
    shapes = {"token_embd.weight": [16, 256], "position_embd.weight": [64, 256], "output_norm.weight": [256], "output_norm.bias": [256]}
    for i in range(layers):
        block = {"attn_norm": [256], "attn_qkv": [48, 256], "attn_output": [16, 256], "ffn_norm": [256], "ffn_up": [16, 256], "ffn_down": [16, 288]}
        shapes |= {f"blk.{i}.{name}.{kind}": shape if kind == "weight" else shape[:1] for name, shape in block.items() for kind in ("weight", "bias")}
    return metadata, shapes


MODELS = {
    "shared": (*llama(16, 8, 1), TYPES),
    "unshared": (*llama(33, 4, 4), TYPES),
    "tied": (*llama(10, 4, 2, output=False, ffn=320), TYPES),
    "large": (*without(llama(80, 8, 1), "norm", "ffn_up", "ffn_gate", "attn_k"), ["Q2_K", "Q3_K_S", "Q4_K_S", "Q4_K_M"]),
    "experts": (*llama(9, 4, 1, experts=8), TYPES),
    "gpt2": (*gpt2(12), TYPES),
}


def write(path, metadata, tensors):
    writer = gguf.GGUFWriter(path, metadata["general.architecture"])
    for key, value in metadata.items():
        if key == "general.architecture":
            continue
        writer.add_float32(key, value) if isinstance(value, float) else writer.add_uint32(key, value)
    for name, values in tensors.items():
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def quantize(source, target, kind):
    subprocess.run(["llama-quantize", source, target, kind, "2"], check=True, capture_output=True)


def write_small(path):
    """One counter makes all numbers, in the order of the tensors: a 64-bit linear congruential generator, its upper 24 bits signed."""
    metadata, shapes = llama(2, 4, 1)
    state, tensors = 1, {}
    for name, shape in shapes.items():
        values = np.empty(int(np.prod(shape)), dtype=np.float32)
        for i in range(values.size):
            state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
            values[i] = ((state >> 40) - 2**23) / 2**26
        tensors[name] = values.reshape(shape)
    write(path, metadata, tensors)


def main():
    mixes, files = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        source, target = os.path.join(folder, "source.gguf"), os.path.join(folder, "target.gguf")
        for model, (metadata, shapes, types) in MODELS.items():
            write(source, metadata, {name: np.zeros(shape, dtype=np.float32) for name, shape in shapes.items()})
            formats = {}
            for kind in types:
                quantize(source, target, kind)
                found = {tensor.name: tensor.tensor_type.name for tensor in gguf.GGUFReader(target).tensors}
                formats[kind] = "".join(chr(ord("a") + FORMATS.index(value)) for value in found.values())
            mixes[model] = {"metadata": metadata, "tensors": {name: shapes[name] for name in found}, "types": formats}
        write_small(source)
        for kind in TYPES:
            quantize(source, target, kind)
            with open(target, "rb") as file:
                files[kind] = hashlib.sha256(file.read()).hexdigest()
    for name, content in ("mixes", {"formats": FORMATS, "models": mixes}), ("files", files):
        with open(os.path.join(HERE, name + ".json"), "w") as file:
            json.dump(content, file, separators=(",", ":"))
            file.write("\n")


main()
