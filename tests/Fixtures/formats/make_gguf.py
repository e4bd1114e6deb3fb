"""Writes types.gguf with llama.cpp's Python package: every type of metadata, and tensors of the types that it can make.

    python3 make_gguf.py FOLDER        (needs the package gguf)
"""
import sys
import numpy as np
from gguf import GGMLQuantizationType as T, GGUFValueType as V, GGUFWriter, quants

writer = GGUFWriter(f"{sys.argv[1]}/types.gguf", "llama")
writer.add_custom_alignment(64)
numbers = {V.UINT8: 200, V.INT8: -100, V.UINT16: 60000, V.INT16: -30000, V.UINT32: 4000000000, V.INT32: -2000000000,
           V.UINT64: 2**63 - 1, V.INT64: -2**63, V.FLOAT32: 0.1, V.FLOAT64: 0.1, V.BOOL: True, V.STRING: "größe 😀"}
for kind, value in numbers.items():
    writer.add_key_value(f"value.{kind.name.lower()}", value, kind)
writer.add_array("array.strings", ["a", "", "▁été"])
writer.add_array("array.int32", [1, -2, 3])
writer.add_array("array.float32", [0.5, -1.5])
writer.add_array("array.bool", [True, False])
writer.add_uint64("value.beyond", 2**64 - 1)
ramp = np.arange(6, dtype=np.float32).reshape(2, 3) / 4
writer.add_tensor("f32", ramp)
writer.add_tensor("f16", ramp.astype(np.float16))
writer.add_tensor("f64", ramp.astype(np.float64))
for kind in (np.int8, np.int16, np.int32, np.int64):
    writer.add_tensor(kind.__name__, np.array([-3, 0, 7], dtype=kind))
writer.add_tensor("bf16", quants.quantize(ramp, T.BF16), raw_dtype=T.BF16)
rows = np.sin(np.arange(128, dtype=np.float32)).reshape(2, 64)
for kind in (T.Q8_0, T.Q4_0):
    writer.add_tensor(kind.name.lower(), quants.quantize(rows, kind), raw_dtype=kind)
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
