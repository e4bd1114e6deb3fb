"""Times Hugging Face tokenizers (or tiktoken) on the same documents, once for each line on standard input.

Arguments: kind (hf, hf-ids or tiktoken), tokenizer file, JSON file with a list of documents, threads.
The first line is what loading took, the first time and (median of five) again; each answer is a line: seconds and the number of tokens.
"""
import json
import os
import sys
import time

kind, path, documents, threads = sys.argv[1:]
os.environ["RAYON_NUM_THREADS"] = threads
os.environ["TOKENIZERS_PARALLELISM"] = "false" if threads == "1" else "true"
texts = json.load(open(documents, encoding="utf-8"))
if kind == "tiktoken":
    import base64

    import tiktoken

    begin = time.perf_counter()

    patterns = {
        "cl100k": r"""'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s""",
        "gpt2": r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s""",
    }
    ranks = {base64.b64decode(token): int(rank) for token, rank in (line.split() for line in open(path, "rb") if line.strip())}
    name = "gpt2" if len(ranks) < 60000 else "cl100k"
    again = [0]
    encoding = tiktoken.Encoding(name, pat_str=patterns[name], mergeable_ranks=ranks, special_tokens={})
    first = time.perf_counter() - begin
    run = lambda: sum(len(encoding.encode_ordinary(text)) for text in texts)
else:
    from tokenizers import Tokenizer

    begin = time.perf_counter()
    tokenizer = Tokenizer.from_file(path)
    first = time.perf_counter() - begin
    again = []
    for _ in range(5):
        begin = time.perf_counter()
        other = Tokenizer.from_file(path)
        again.append(time.perf_counter() - begin)
    del other
    tokenizer.no_truncation()
    tokenizer.no_padding()
    batch = tokenizer.encode_batch if kind == "hf" else tokenizer.encode_batch_fast
    run = lambda: sum(len(encoding) for encoding in batch(texts))
print(first, sorted(again)[len(again) // 2], flush=True)
for _ in sys.stdin:
    begin = time.perf_counter()
    count = run()
    print(time.perf_counter() - begin, count, flush=True)
