#!/usr/bin/env python3
"""Tiny LLaMA checkpoints with every scaling of rotary embeddings, with biases and the heads that make_goldens.py has not.

    python3 make_rope_goldens.py --seed S --out DIR

writes DIR/llama-NAME as make_goldens.py does, for linear, dynamic, yarn, yarn-mscale, longrope, qa and tokcls. `long` has more
tokens than pre-training's context; greedy decoding grows beyond it too. transformers keeps the frequencies of a long sequence
for the short ones after it (the reset in modeling_rope_utils never happens); here every run starts with the original ones.
"""
import argparse
import sys

import torch
import transformers as tf

import make_goldens as goldens
from make_goldens import GROUPS, Maker, Rng, causal_lm, rope, text_inputs


def reset(model):
    for module in model.modules():
        if hasattr(module, "original_inv_freq"):
            module.inv_freq = module.original_inv_freq.clone()


generate = tf.LlamaForCausalLM.generate


def generate_afresh(self, *args, **kwargs):
    reset(self)
    result = generate(self, *args, **kwargs)
    reset(self)
    return result


goldens.forget = reset
tf.LlamaForCausalLM.generate = generate_afresh

SHORT = [1.0 + 0.05 * i for i in range(6)]
LONG = [1.0 + 0.7 * i for i in range(6)]
SCALINGS = {
    "linear": dict(positions=64, rope=rope(500.0, rope_type="linear", factor=4.0), attention_bias=True, mlp_bias=True,
                   tie_word_embeddings=True),
    "dynamic": dict(positions=16, rope=rope(500.0, rope_type="dynamic", factor=2.0), hidden_act="gelu_pytorch_tanh"),
    "yarn": dict(positions=64, head_dim=16, rope=rope(100.0, rope_type="yarn", factor=4.0, original_max_position_embeddings=16)),
    "yarn-mscale": dict(positions=128, rope=rope(
        200.0, rope_type="yarn", factor=4.0, original_max_position_embeddings=32, beta_fast=6.0, beta_slow=0.7,
        mscale=1.3, mscale_all_dim=0.6, truncate=False)),
    "longrope": dict(positions=64, rope=rope(
        500.0, rope_type="longrope", short_factor=SHORT, long_factor=LONG, original_max_position_embeddings=16)),
}


def config(r, positions, rope, **kw):
    heads = 3
    return tf.LlamaConfig(vocab_size=40, hidden_size=12 * heads, intermediate_size=28, num_hidden_layers=2,
                          num_attention_heads=heads, num_key_value_heads=r.choice([1, 3]), rms_norm_eps=1e-5,
                          max_position_embeddings=positions, rope_parameters=rope, **{**goldens.SPECIAL, **kw})


def heads(maker, r):
    for name, cls in (("qa", tf.LlamaForQuestionAnswering), ("tokcls", tf.LlamaForTokenClassification)):
        c = config(r, 64, rope(500.0), **({"num_labels": 3} if name == "tokcls" else {}))
        train = dict(text_inputs(r, c.vocab_size, 0)["batch"])
        shape = train["input_ids"].shape
        if name == "qa":
            train["start_positions"], train["end_positions"] = torch.tensor([1, 2]), torch.tensor([3, 4])
        else:
            train["labels"] = torch.where(train["attention_mask"].bool(), r.ids(*shape, 3, low=0), torch.tensor(-100))
        maker.emit(name, cls, c, text_inputs(r, c.vocab_size, 0), train=train, hidden=False)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    tf.utils.logging.set_verbosity_error()
    tf.utils.logging.disable_progress_bar()
    torch.set_num_threads(1)
    GROUPS["llama"] = "decoder"
    maker = Maker(args.seed, "llama", args.out)
    for name, kw in SCALINGS.items():
        r = Rng(args.seed, f"rope/{name}")
        c = config(r, **kw)
        causal_lm(maker, r, tf.LlamaForCausalLM, c, sub=name, length=14, extra_forwards={"long": {"input_ids": r.ids(1, 25, c.vocab_size)}})
    heads(maker, Rng(args.seed, "rope/heads"))
    for name, size in maker.made:
        print(f"{name}: {size // 1024} KB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
