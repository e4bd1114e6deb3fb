"""Writes the table of docs/tokenizers.md: each tokenizer beside Hugging Face tokenizers, differences and speed.

    python3 table.py --work DIR --random N --lines N --ours "dotnet PATH/Triptych.Benchmarks.dll" [--peers PREFIX] --text FILE... -- NAME=TOKENIZER.json[=OURS]...

OURS is what this project loads where that is another file or folder than Hugging Face tokenizers does. The first text is what speed is
measured on. Runs parity.py behind PREFIX, where the package tokenizers is.
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


def parity(name, theirs, mine):
    cases, wanted, found = (os.path.join(arguments.work, f"{name}.{end}") for end in ("cases", "expected", "actual"))
    script = os.path.join(here, "parity.py")
    code, out, error = run([*prefix, "python3", script, "make", theirs, cases, wanted, "--seed", str(arguments.seed),
                            "--random", str(arguments.random), "--lines", str(arguments.lines), *texts])
    if code:
        return "-", f"Hugging Face: {error.splitlines()[-1] if error else code}"
    code, out, error = run([*ours, "tokenizers", "parity", mine, cases, found])
    if code:
        return "-", f"error: {error.splitlines()[0] if error else code}"
    _, out, _ = run([*prefix, "python3", script, "compare", cases, wanted, found])
    match = re.search(r"^(\d+) cases, (\d+) differ", out, re.M)
    return match.groups() if match else ("-", out[-200:])


def speed(mine, theirs):
    command = [*ours, "tokenizers", "--rounds", str(arguments.rounds), "--scripts", os.path.join(here, "../peers"), "--peers", arguments.peers or "env",
               "--theirs", theirs, texts[0], mine]
    _, out, error = run(command)
    rows = [[cell.strip(" *") for cell in line.strip("|").split("|")] for line in out.splitlines() if line.startswith("|")][2:]
    return [f"{row[2]} / {row[4]} = **{row[5]}**" for row in rows] if rows else [error.splitlines()[0] if error else "-"]


print("| tokenizer | cases | differences | ids, offsets, 1 thread: MB/s ours / theirs | loading | ids, offsets, all threads | ids, 1 thread |\n|---|---|---|---|---|---|---|", flush=True)
total = 0
for entry in arguments.tokenizers:
    name, theirs, *rest = entry.split("=")
    theirs = os.path.abspath(theirs)
    mine = os.path.abspath(rest[0]) if rest else theirs
    cases, different = parity(name, theirs, mine)
    total += int(different) if different.isdigit() else 1
    print(f"| {name} | {cases} | {different} | " + " | ".join(speed(mine, theirs)) + " |", flush=True)
sys.exit(total > 0)
