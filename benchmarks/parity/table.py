"""Writes the table of docs/tokenizers.md: each tokenizer beside Hugging Face tokenizers, differences and speed.

    python3 table.py --work DIR --random N --lines N --shards N --ours "dotnet PATH/Triptych.Benchmarks.dll" [--peers PREFIX] --text FILE... -- NAME=TOKENIZER...

TOKENIZER is whatever parity.py makes cases of. The first text is what speed is measured on; a folder's peer is the tokenizer that
transformers makes of it. Runs parity.py behind PREFIX, where the packages are. With --no-speed or --no-parity the other half is left out.
"""
import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile

parser = argparse.ArgumentParser()
parser.add_argument("--work", default=os.path.join(tempfile.gettempdir(), "tokenizer-parity"))
parser.add_argument("--random", type=int, default=100000)
parser.add_argument("--lines", type=int, default=3000)
parser.add_argument("--rounds", type=int, default=5)
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--shards", type=int, default=1, help="parts that the cases are compared in, one after another: they take much room")
parser.add_argument("--no-speed", action="store_true")
parser.add_argument("--no-parity", action="store_true")
parser.add_argument("--ours", required=True)
parser.add_argument("--peers", default="")
parser.add_argument("--text", action="append", required=True)
parser.add_argument("tokenizers", nargs="+")
arguments = parser.parse_args()
here = os.path.dirname(os.path.abspath(__file__))
prefix = shlex.split(arguments.peers)
ours = [os.path.abspath(word) if os.path.exists(word) else word for word in shlex.split(arguments.ours)]
texts = [os.path.abspath(text) for text in arguments.text]
os.makedirs(arguments.work, exist_ok=True)


def run(command):
    result = subprocess.run(command, capture_output=True, text=True, cwd=here)
    return result.returncode, result.stdout.strip(), result.stderr.strip()


def parity(name, tokenizer):
    cases, wanted, found = (os.path.join(arguments.work, f"{name}.{end}") for end in ("cases", "expected", "actual"))
    script, total, different = os.path.join(here, "parity.py"), 0, 0
    for part in range(arguments.shards):
        code, out, error = run([*prefix, "python3", script, "make", tokenizer, cases, wanted, "--seed", str(arguments.seed), "--random", str(arguments.random),
                                "--lines", str(arguments.lines), "--shard", f"{part}/{arguments.shards}", *texts])
        if code:
            return "-", f"reference: {error.splitlines()[-1] if error else code}"
        code, out, error = run([*ours, "tokenizers", "parity", tokenizer, cases, found])
        if code:
            return "-", f"error: {error.splitlines()[0] if error else code}"
        _, out, _ = run([*prefix, "python3", script, "compare", cases, wanted, found])
        match = re.search(r"^(\d+) cases, (\d+) differ", out, re.M)
        if not match:
            return "-", out[-200:]
        total += int(match[1])
        different += int(match[2])
    for file in (cases, wanted, found):
        os.remove(file)
    return str(total), str(different)


def speed(name, tokenizer):
    theirs = tokenizer
    if os.path.isdir(tokenizer):
        theirs = os.path.join(arguments.work, f"{name}.json")
        if run([*prefix, "python3", os.path.join(here, "parity.py"), "export", tokenizer, theirs])[0]:
            return ["-"] * len(COLUMNS)
    elif not tokenizer.endswith((".json", ".tiktoken")):
        return ["-"] * len(COLUMNS)
    command = [*ours, "tokenizers", "--rounds", str(arguments.rounds), "--scripts", os.path.join(here, "../peers"), "--peers", arguments.peers or "env",
               "--theirs", theirs, texts[0], tokenizer]
    _, out, error = run(command)
    rows = [[cell.strip(" *") for cell in line.strip("|").split("|")] for line in out.splitlines() if line.startswith("|")][2:]
    if not rows:
        return [error.splitlines()[0] if error else "-"] + ["-"] * (len(COLUMNS) - 1)
    cells = []
    for work, peer, text in COLUMNS:
        found = [row for row in rows if row[1].startswith(work) and row[3].startswith(peer)]
        cells.append(" / ".join(text.format(ours=row[2], theirs=row[4], ratio=row[5]) for row in found) or "-")
    return cells


PAIR = "{ours} / {theirs} = **{ratio}**"
COLUMNS = [("ids, offsets, 1 thread", "hf", PAIR), ("ids, offsets, ", "hf", PAIR), ("ids, 1 thread", "", PAIR), ("ids, ", "Microsoft", PAIR),
           ("loading, first", "hf", PAIR), ("loading, again", "hf", PAIR), ("10 MB in one piece: letters", "normal", "{ratio}"), ("10 MB in one piece: random", "normal", "{ratio}")]
COLUMNS[1] = (f"ids, offsets, {os.cpu_count()} threads", "hf", PAIR)
print("| tokenizer | cases | differences | ids, offsets, 1 thread: MB/s ours / theirs | all threads | ids, 1 thread | ids beside Microsoft.ML | loading, first | loading, again "
      "| 10 MB without spaces, time a byte | random letters |\n|" + "---|" * 11, flush=True)
total = 0
for entry in arguments.tokenizers:
    name, tokenizer = entry.split("=")
    tokenizer = os.path.abspath(tokenizer)
    cases, different = ("", "") if arguments.no_parity else parity(name, tokenizer)
    total += int(different) if different.isdigit() else bool(different)
    cells = [""] * len(COLUMNS) if arguments.no_speed else speed(name, tokenizer)
    print(f"| {name} | {cases} | {different} | " + " | ".join(cells) + " |", flush=True)
sys.exit(total > 0)
