"""Makes the fixtures of the format tests with the reference implementations.

Run in an environment with torch, safetensors and transformers:  python3 make_formats.py [FOLDER_WITH_GOLDENS]
"""
import json, os, shutil, sys
import torch
from safetensors.torch import save_file
from transformers import BertConfig, BertModel

here = os.path.dirname(os.path.abspath(__file__))
torch.manual_seed(0)

# Every dtype that torch and safetensors share; every 8-bit float pattern.
ramp = torch.arange(-3, 3)
patterns = torch.arange(256, dtype=torch.uint8)
tensors = {
    "f64": ramp.double() / 4, "f32": (ramp.float() / 4).reshape(2, 3), "f16": ramp.half() / 4, "bf16": ramp.bfloat16() / 4,
    "i64": ramp * 2**40, "i32": ramp.int() * 2**20, "i16": ramp.short() * 1000, "i8": ramp.to(torch.int8), "u8": patterns,
    "u16": torch.tensor([0, 65535], dtype=torch.uint16), "u32": torch.tensor([0, 2**32 - 1], dtype=torch.uint32),
    "u64": torch.tensor([0, 2**62], dtype=torch.uint64), "bool": torch.tensor([True, False, True]),
    "scalar": torch.tensor(1.5), "empty": torch.zeros(0, 4), "c64": torch.tensor([1 + 2j]),
}
floats8 = {
    "f8_e4m3": torch.float8_e4m3fn, "f8_e5m2": torch.float8_e5m2,
    "f8_e4m3fnuz": torch.float8_e4m3fnuz, "f8_e5m2fnuz": torch.float8_e5m2fnuz,
}
for name, dtype in floats8.items():
    tensors[name] = patterns.clone().view(dtype)
save_file(tensors, os.path.join(here, "dtypes.safetensors"), metadata={"format": "pt", "note": "größe"})
expected = {}
for name in floats8:
    values = tensors[name].float()
    expected[name] = [None if v != v else ("inf" if v == float("inf") else "-inf" if v == -float("inf") else v) for v in values.tolist()]
json.dump(expected, open(os.path.join(here, "float8.json"), "w"))

# A sharded checkpoint as save_pretrained writes it.
folder = os.path.join(here, "sharded")
shutil.rmtree(folder, ignore_errors=True)
model = BertModel(BertConfig(hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16, vocab_size=50,
                             max_position_embeddings=16))
model.save_pretrained(folder, max_shard_size="4KB")
save_file({k: v.contiguous() for k, v in model.state_dict().items()}, os.path.join(here, "sharded-reference.safetensors"))

# Configs in both spellings.
if len(sys.argv) > 1:
    for name in ["llama3", "phi3-longrope", "gemma2", "gemma3", "deepseek_v3", "bert-base", "bart"]:
        for kind in ["config", "config.hub", "generation_config"]:
            source = os.path.join(sys.argv[1], name, kind + ".json")
            if os.path.exists(source):
                shutil.copy(source, os.path.join(here, "configs", f"{name}.{kind}.json"))
