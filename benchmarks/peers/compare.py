#!/usr/bin/env python3
"""Triptych and Hugging Face transformers (PyTorch) side by side, in turns, as ratios of medians.

    python3 benchmarks/peers/compare.py --cli PATH_TO_TRIPTYCH [--work DIR] [--rounds 3] [--threads 2] [--only NAME,..]

Makes checkpoints of published sizes with random weights under --work (once), then for each row runs our
`triptych bench` and a process of transformers by turns, and prints a Markdown table. The Python that runs this needs torch and
transformers; PYTHON names another one for the peers (it may be a wrapper that enters an environment).
"""
import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
import time

# name, transformers class, config, batch, prefill, decode
ROWS = [
    ("gpt2", "GPT2LMHeadModel", "GPT2Config", 1, 512, 64),
    ("distilbert-base", "DistilBertForMaskedLM", "DistilBertConfig", 8, 128, 0),
    ("bert-base", "BertForMaskedLM", "BertConfig", 8, 128, 0),
    ("bert-base", "BertForMaskedLM", "BertConfig", 1, 128, 0),
    ("bart-base", "BartForConditionalGeneration", "BartConfig", 1, 512, 64),
]
BART_BASE = dict(d_model=768, encoder_layers=6, decoder_layers=6, encoder_attention_heads=12, decoder_attention_heads=12,
                 encoder_ffn_dim=3072, decoder_ffn_dim=3072, forced_eos_token_id=None)


def make(work):
    import torch
    import transformers
    torch.manual_seed(0)
    for name, cls, config, *_ in ROWS:
        folder = os.path.join(work, name)
        if os.path.exists(os.path.join(folder, "model.safetensors")):
            continue
        extra = BART_BASE if name.startswith("bart") else {}
        getattr(transformers, cls)(getattr(transformers, config)(**extra)).save_pretrained(folder)


def peer(folder, cls, batch, prefill, decode, threads):
    """One process of transformers: tokens a second, median of three after a warm-up."""
    import torch
    import transformers
    torch.set_num_threads(threads)
    model = getattr(transformers, cls).from_pretrained(folder, dtype=torch.float32).eval()
    ids = torch.randint(5, 1000, (batch, prefill))

    def timed(run):
        run()
        seconds = []
        for _ in range(3):
            begin = time.perf_counter()
            run()
            seconds.append(time.perf_counter() - begin)
        return statistics.median(seconds)

    result = {}
    with torch.inference_mode():
        if decode == 0:
            result["prefill"] = batch * prefill / timed(lambda: model(ids))
        else:
            options = dict(do_sample=False, num_beams=1, pad_token_id=0)
            one = timed(lambda: model.generate(ids, max_new_tokens=1, min_new_tokens=1, **options))
            if model.config.is_encoder_decoder:  # ours counts up to the first token: encoder, cross-attention keys, one decoder step
                result["prefill"] = batch * prefill / one
            else:
                result["prefill"] = batch * prefill / timed(lambda: model(ids, use_cache=True, logits_to_keep=1))
            many = timed(lambda: model.generate(ids, max_new_tokens=decode + 1, min_new_tokens=decode + 1, **options))
            result["decode"] = batch * decode / (many - one)
    print(json.dumps(result))


def last_json(command, env):
    run = subprocess.run(command, capture_output=True, text=True, env=env)
    if run.returncode:
        sys.exit(f"{' '.join(command)} failed: {run.stderr.strip()[-500:]}")
    return json.loads(run.stdout.strip().splitlines()[-1])


def row(name, what, ours, theirs):
    a, b = statistics.median(ours), statistics.median(theirs)
    spread = lambda x: f"{min(x):.0f}..{max(x):.0f}"
    print(f"| {name} | {what} | {a:.0f} ({spread(ours)}) | {b:.0f} ({spread(theirs)}) | {a / b:.2f} |", flush=True)


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    ap.add_argument("--cli", required=False)
    ap.add_argument("--work", default="/tmp/triptych-peers")
    ap.add_argument("--rounds", type=int, default=3)
    ap.add_argument("--threads", type=int, default=os.cpu_count())
    ap.add_argument("--only", default="")
    ap.add_argument("--make", action="store_true", help=argparse.SUPPRESS)
    ap.add_argument("--peer", help=argparse.SUPPRESS)
    args = ap.parse_args()
    if args.peer:
        return peer(*json.loads(args.peer))
    if args.make:
        return make(args.work)
    if not args.cli:
        ap.error("--cli is needed")
    os.makedirs(args.work, exist_ok=True)
    python = shlex.split(os.environ.get("PYTHON", sys.executable))
    script = os.path.abspath(__file__)
    env = {**os.environ, "TRIPTYCH_THREADS": str(args.threads), "OMP_NUM_THREADS": str(args.threads), "HF_HUB_OFFLINE": "1"}
    subprocess.run([*python, script, "--make", "--work", args.work], check=True, env=env)
    print("| model | work | ours, tokens/s | transformers, tokens/s | ratio |\n|---|---|---|---|---|")
    for name, cls, _, batch, prefill, decode in ROWS:
        if args.only and name not in args.only.split(","):
            continue
        folder = os.path.join(args.work, name)
        ours, theirs = [], []
        for _ in range(args.rounds):
            command = [args.cli, "bench", folder, "--prefill", str(prefill), "--batch", str(batch), "--repeat", "3", "--json"]
            ours.append(last_json(command + (["--decode", str(decode)] if decode else []), env))
            theirs.append(last_json([*python, script, "--peer", json.dumps([folder, cls, batch, prefill, decode, args.threads])], env))
        kind = "encode" if decode == 0 else "prefill"
        row(name, f"{kind} {batch} x {prefill}", [x["prefill_tokens_per_second"]["median"] for x in ours], [x["prefill"] for x in theirs])
        if decode:
            row(name, f"decode {decode}", [x["decode_tokens_per_second"]["median"] for x in ours], [x["decode"] for x in theirs])


main()
