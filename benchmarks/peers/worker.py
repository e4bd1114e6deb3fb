"""A peer that works on demand: reads what to set up as one JSON line, then runs it once for each further line and answers
{"seconds": s}. benchmarks/compare starts it, one process for each row of its table."""
import json
import os
import sys
import time


def gemm(torch, job):
    dtype = getattr(torch, job["dtype"])
    a, b = torch.randn(job["n"], job["n"]).to(dtype), torch.randn(job["n"], job["n"]).to(dtype)
    return lambda: a @ b


def model(torch, job, cls):
    import transformers
    return getattr(transformers, cls).from_pretrained(job["folder"], dtype=getattr(torch, job.get("dtype", "float32"))).eval()


def encode(torch, job):
    network = model(torch, job, "AutoModel")
    ids = torch.randint(1000, 30000, (job["batch"], job["tokens"]))
    mask = torch.ones_like(ids)
    return lambda: network(input_ids=ids, attention_mask=mask)


def prefill(torch, job):
    network = model(torch, job, "AutoModelForCausalLM")
    ids = torch.randint(3, 30000, (1, job["tokens"]))
    return lambda: network(ids, use_cache=True, logits_to_keep=1)


def generate(torch, job, network, ids, count):
    return network.generate(ids, max_new_tokens=count, min_new_tokens=count, do_sample=False, num_beams=1, pad_token_id=0)


def decode(torch, job):
    """Seconds of the tokens after the first: what 1 + n tokens take less what one takes."""
    network = model(torch, job, "AutoModelForCausalLM")
    ids = torch.randint(3, 30000, (1, job["prompt"]))

    def run():
        begin = time.perf_counter()
        generate(torch, job, network, ids, 1)
        middle = time.perf_counter()
        generate(torch, job, network, ids, 1 + job["tokens"])
        return (time.perf_counter() - middle) - (middle - begin)
    return run


def summarize(torch, job):
    network = model(torch, job, "AutoModelForSeq2SeqLM")
    ids = torch.randint(3, 30000, (1, job["prompt"]))
    return lambda: generate(torch, job, network, ids, job["tokens"])


def train(torch, job):
    import transformers
    config = transformers.GPT2Config(vocab_size=job["vocab"], n_embd=256, n_layer=4, n_head=4, n_positions=256,
                                     resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0)
    network = transformers.GPT2LMHeadModel(config).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-4)
    ids = torch.randint(0, job["vocab"], (8, 256))

    def run():
        with torch.inference_mode(False), torch.enable_grad():
            network(input_ids=ids.clone(), labels=ids.clone()).loss.backward()
            optimizer.step()
            optimizer.zero_grad()
    return run


def onnx(job):
    """ONNX Runtime on the model as torch.onnx exports it."""
    import numpy
    import onnxruntime
    path = os.path.join(job["folder"], "model.onnx")
    if not os.path.exists(path):
        export(job["folder"], path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = job["threads"]
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    ids = numpy.random.default_rng(0).integers(1000, 30000, (job["batch"], job["tokens"]))
    feed = {"input_ids": ids, "attention_mask": numpy.ones_like(ids)}
    return lambda: session.run(None, feed)


def export(folder, path):
    import torch
    import transformers
    network = transformers.AutoModel.from_pretrained(folder, attn_implementation="eager").eval()

    class Wrapped(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.network = network

        def forward(self, input_ids, attention_mask):
            return self.network(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state

    ids = torch.randint(1000, 30000, (2, 16))
    names = ("input_ids", "attention_mask", "last_hidden_state")
    torch.onnx.export(Wrapped(), (ids, torch.ones_like(ids)), path, dynamo=False, opset_version=17, input_names=names[:2],
                      output_names=names[2:], dynamic_axes={name: {0: "batch", 1: "sequence"} for name in names})


def prepare(job):
    if job["kind"] == "onnx":
        return onnx(job)
    import torch
    torch.set_num_threads(job["threads"])
    torch.manual_seed(0)
    torch.set_grad_enabled(False)
    return globals()[job["kind"]](torch, job)


def main():
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print must not look like an answer
    run = prepare(json.loads(sys.stdin.readline()))
    run()
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for _ in sys.stdin:
        begin = time.perf_counter()
        seconds = run()
        elapsed = time.perf_counter() - begin
        print(json.dumps({"seconds": seconds if isinstance(seconds, float) else elapsed}), file=answers, flush=True)


main()
