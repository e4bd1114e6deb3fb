"""Makes stories260K-q8_0.gguf of Andrej Karpathy's stories260K (MIT, huggingface.co/karpathy/tinyllamas) with llama.cpp's own tools, and
stories.json: what llama-tokenize and llama-completion make of it.

    python3 make_stories.py stories260K.bin tok512.bin FOLDER        (needs the package gguf and llama.cpp's programs)
"""
import json
import os
import struct
import subprocess
import sys
import numpy as np
from gguf import GGUFWriter

weights, vocabulary, folder = sys.argv[1:]
file = open(weights, "rb")
dim, hidden, layers, heads, kv_heads, vocab, context = struct.unpack("7i", file.read(28))


def read(*shape):
    return np.frombuffer(file.read(4 * int(np.prod(shape))), dtype=np.float32).reshape(shape)


kv = dim // heads * kv_heads
writer = GGUFWriter(f"{folder}/f32.gguf", "llama")
writer.add_name("stories260K")
writer.add_block_count(layers)
writer.add_context_length(context)
writer.add_embedding_length(dim)
writer.add_feed_forward_length(hidden)
writer.add_head_count(heads)
writer.add_head_count_kv(kv_heads)
writer.add_layer_norm_rms_eps(1e-5)
writer.add_rope_dimension_count(dim // heads)
writer.add_rope_freq_base(10000.0)

file2 = open(vocabulary, "rb")
file2.read(4)
tokens, scores = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)], []
for i in range(vocab):
    score, length = struct.unpack("fi", file2.read(8))
    text = file2.read(length).decode()
    scores.append(score if i >= 259 else 0.0)
    if i >= 259:
        tokens.append(text.replace(" ", "\u2581"))
writer.add_tokenizer_model("llama")
writer.add_token_list(tokens)
writer.add_token_scores(scores)
writer.add_token_types([2, 3, 3] + [6] * 256 + [1] * (vocab - 259))
writer.add_bos_token_id(1)
writer.add_eos_token_id(2)
writer.add_unk_token_id(0)

writer.add_tensor("token_embd.weight", read(vocab, dim))
shapes = [("attn_norm", (dim,)), ("attn_q", (dim, dim)), ("attn_k", (kv, dim)), ("attn_v", (kv, dim)), ("attn_output", (dim, dim)),
          ("ffn_norm", (dim,)), ("ffn_gate", (hidden, dim)), ("ffn_down", (dim, hidden)), ("ffn_up", (hidden, dim))]
for name, shape in shapes:
    for i, tensor in enumerate(read(layers, *shape)):
        writer.add_tensor(f"blk.{i}.{name}.weight", tensor)
writer.add_tensor("output_norm.weight", read(dim))
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
model = f"{folder}/stories260K-q8_0.gguf"
subprocess.run(["llama-quantize", f"{folder}/f32.gguf", model, "q8_0"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
os.remove(f"{folder}/f32.gguf")

texts = ["Once upon a time", " leading", "two  spaces", "Tim's mom said, \"Hi!\"", "tab\tand\nnewline\r\n", "Zoë café naïve", "日本語 한국어", "😀👩‍👩‍👧",
         "a", " ", "   ", "\n", "1234567890", "\u2581mark", "UPPER lower", "x" * 50, "the the the the", "<s> <unk> </s>", "end ", "e\u0301"]
tokenized = []
for text in texts:
    out = subprocess.run(["llama-tokenize", "-m", model, "--ids", "--log-disable", "--no-escape", "-p", text], check=True, capture_output=True, text=True).stdout
    tokenized.append({"text": text, "ids": json.loads(out)})
prompt = "Once upon a time"
story = subprocess.run(["llama-completion", "-m", model, "-p", prompt, "-n", "100", "--temp", "0", "-no-cnv", "--no-display-prompt", "-t", "1"],
                       check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout
json.dump({"tokenized": tokenized, "prompt": prompt, "story": story}, open(f"{folder}/stories.json", "w"), ensure_ascii=False, indent=1)
