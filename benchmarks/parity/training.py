"""Compares what trainers learn with what Hugging Face tokenizers learns, and Hugging Face tokenizers with itself.

    python3 training.py make CASES.jsonl EXPECTED.jsonl [--only NAME]... [--seed N] [--alone] FILE...
    dotnet run -c Release --project benchmarks/Triptych.Benchmarks -- train-tokenizer parity CASES.jsonl ACTUAL.jsonl
    python3 training.py compare CASES.jsonl EXPECTED.jsonl ACTUAL.jsonl

Each case is a trainer with its settings on all FILEs. Where a token has a prefix or suffix, Hugging Face numbers letters in the order of a
hash table, another one in each process, and breaks ties between equally frequent pairs by these numbers. Such a case is made twice: as it
is, with the flag "chance", and with these letters among the special tokens, in an order of the seed, so that there is no chance left and
all has to be equal. Of letters that are equally frequent at limit_alphabet some are left out by chance, too: the limit is made lower, to
where frequencies differ. Letters that Unigram pruned and put back have scores in the order of a hash table: they may have each other's.

Each case is trained in two processes; what they do not have in common with each other is shown beside what ours does not have in common
with the first. --alone trains once and leaves out the cases with chance. A case that Hugging Face does not train is left out. Needs the
package tokenizers; the exit code of compare says whether all agree where there is no chance.
"""
import argparse
import collections
import json
import os
import random
import subprocess
import sys

BERT = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
CASES = [  # name, kind, pipeline, options
    ("bytes 16k", "bpe", "bytes", dict(vocab_size=16000)),
    ("bytes 50k, frequent", "bpe", "bytes", dict(vocab_size=50000, min_frequency=2)),
    ("bytes, short tokens", "bpe", "bytes", dict(vocab_size=8000, max_token_length=5)),
    ("bytes, few", "bpe", "bytes", dict(vocab_size=400)),
    ("words, frequent", "bpe", "words", dict(vocab_size=50000, min_frequency=5)),
    ("words, limited", "bpe", "words", dict(vocab_size=8000, limit_alphabet=100)),
    ("metaspace, alphabet", "bpe", "metaspace", dict(vocab_size=16000, initial_alphabet="@€ßÿ中🂡")),
    ("prefix", "bpe", "words", dict(vocab_size=16000, continuing_subword_prefix="##")),
    ("suffix", "bpe", "words", dict(vocab_size=16000, end_of_word_suffix="</w>")),
    ("both, short tokens", "bpe", "words", dict(vocab_size=8000, continuing_subword_prefix="@", end_of_word_suffix="$", max_token_length=6)),
    ("wordpiece 16k", "wordpiece", "bert", dict(vocab_size=16000)),
    ("wordpiece 50k, frequent", "wordpiece", "bert", dict(vocab_size=50000, min_frequency=2)),
    ("wordpiece, rare left out", "wordpiece", "bert", dict(vocab_size=50000, min_frequency=5)),
    ("wordpiece, limited", "wordpiece", "cased", dict(vocab_size=8000, limit_alphabet=300)),
    ("wordpiece, few, alphabet", "wordpiece", "bert", dict(vocab_size=1000, limit_alphabet=60, initial_alphabet="@€z")),
    ("wordlevel", "wordlevel", "words", dict(vocab_size=16000)),
    ("wordlevel, frequent", "wordlevel", "words", dict(vocab_size=200000, min_frequency=3)),
    ("unigram", "unigram", "pieces", dict(vocab_size=8000)),
]


def pipeline(name, kind):
    from tokenizers import Tokenizer, models, normalizers as n, pre_tokenizers as p

    model = dict(bpe=models.BPE(), wordpiece=models.WordPiece(unk_token="[UNK]"), wordlevel=models.WordLevel(unk_token="[UNK]"),
                 unigram=models.Unigram())[kind]
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = dict(bytes=p.ByteLevel(add_prefix_space=False), words=p.Whitespace(), metaspace=p.Metaspace(), pieces=p.Metaspace(),
                                   bert=p.BertPreTokenizer(), cased=p.BertPreTokenizer())[name]
    if name in ("bert", "cased"):
        tokenizer.normalizer = n.BertNormalizer(lowercase=name == "bert")
    if name == "pieces":
        tokenizer.normalizer = n.NFKC()
    return tokenizer


def letters(tokenizer, files):
    """How often each character comes in the words."""
    counts = collections.Counter()
    for path in files:
        for line in open(path, encoding="utf-8", newline="\n"):
            counts.update(tokenizer.normalizer.normalize_str(line) if tokenizer.normalizer else line)
    return {letter: count for letter, count in counts.items() if not letter.isspace() or letter in "\x1c\x1d\x1e\x1f"}  # those are no white space to Unicode


def train(case):
    """Trains in this process; what came out, as JSON."""
    from tokenizers import Tokenizer, pre_tokenizers, trainers

    tokenizer = Tokenizer.from_str(json.dumps(case["pipeline"]))
    arguments = dict(case["options"], special_tokens=case["special"], show_progress=False)
    if "initial_alphabet" in arguments:
        arguments["initial_alphabet"] = list(arguments["initial_alphabet"])
    if isinstance(tokenizer.pre_tokenizer, pre_tokenizers.ByteLevel):
        arguments["initial_alphabet"] = pre_tokenizers.ByteLevel.alphabet()
    kind = dict(bpe=trainers.BpeTrainer, wordpiece=trainers.WordPieceTrainer, wordlevel=trainers.WordLevelTrainer, unigram=trainers.UnigramTrainer)
    if case["kind"] == "unigram":
        arguments["unk_token"] = "[UNK]"
    tokenizer.train(case["files"], kind[case["kind"]](**arguments))
    model = json.loads(tokenizer.to_str())["model"]
    vocabulary = model["vocab"]
    if case["kind"] == "unigram":
        return dict(tokens=[token for token, _ in vocabulary], scores=[score for _, score in vocabulary])
    return dict(tokens=sorted(vocabulary, key=vocabulary.get), merges=model.get("merges"))


def in_another_process(case):
    environment = dict(os.environ, TOKENIZERS_PARALLELISM="true")
    done = subprocess.run([sys.executable, __file__, "train"], input=json.dumps(case), capture_output=True, text=True, env=environment)
    return json.loads(done.stdout) if done.returncode == 0 else print(f"{case['name']}: {done.stderr.strip()[-300:]}")


def variants(arguments):
    counts = {}
    for name, kind, stages, options in CASES:
        if arguments.only and name not in arguments.only:
            continue
        tokenizer = pipeline(stages, kind)
        special = BERT if kind == "wordpiece" else ["[UNK]"]
        prefix = options.get("continuing_subword_prefix", "##" if kind == "wordpiece" else "")
        suffix = options.get("end_of_word_suffix", "")
        options = dict(options)
        if (prefix or suffix or "limit_alphabet" in options) and stages not in counts:
            counts[stages] = letters(tokenizer, arguments.files)
        if "limit_alphabet" in options:
            own = options.get("initial_alphabet", "")
            ordered = sorted((count for letter, count in counts[stages].items() if letter not in own), reverse=True)
            limit = min(options["limit_alphabet"] - len(own), len(ordered))
            while 0 < limit < len(ordered) and ordered[limit - 1] == ordered[limit]:
                limit -= 1
            options["limit_alphabet"] = limit + len(own)
        case = dict(name=name, kind=kind, files=arguments.files, pipeline=json.loads(tokenizer.to_str()), options=options, special=special,
                    chance=bool(prefix or suffix))
        if not case["chance"]:
            yield case
            continue
        if not arguments.alone:
            yield case
        order = sorted(counts[stages], key=lambda letter: (-counts[stages][letter], letter))[:options.get("limit_alphabet")]
        random.Random(arguments.seed).shuffle(order)
        marked = [f"{p}{letter}{s}" for p in sorted({"", prefix}) for s in sorted({"", suffix}) for letter in order if p or s]
        yield dict(case, name=f"{name}, letters in order", special=special + marked, chance=False,
                   options=dict(options, vocab_size=options["vocab_size"] + len(marked)))


def make(arguments):
    with open(arguments.cases, "w") as cases, open(arguments.expected, "w") as expected:
        for case in variants(arguments):
            runs = [in_another_process(case) for _ in range(1 if arguments.alone else 2)]
            if None in runs:
                continue
            cases.write(json.dumps(case) + "\n")
            expected.write(json.dumps(runs) + "\n")
            print(f"{case['name']}: {len(runs[0]['tokens'])} tokens" + (f", the second run: {difference(*runs)}" if len(runs) > 1 else ""), flush=True)


def difference(one, other, chance=False):
    """In words, what two results have not in common, but for chance where that is allowed."""
    parts = []
    if "scores" in one:
        ones, others = (dict(zip(run["tokens"], run["scores"])) for run in (one, other))
        missing = len(ones.keys() ^ others.keys())
        apart = [token for token in ones.keys() & others.keys() if abs(ones[token] - others[token]) > 1e-9]
        if missing:
            parts.append(f"{missing} tokens")
        if apart and not (chance and exchanged(apart, ones, others)):
            parts.append(f"{len(apart)} scores (by up to {max(abs(ones[token] - others[token]) for token in apart):.2g})")
        return " and ".join(parts) + " differ" if parts else "equal"
    missing = len(set(one["tokens"]) - set(other["tokens"]))
    if missing or len(one["tokens"]) != len(other["tokens"]):
        parts.append(f"{missing} of {len(one['tokens'])} tokens ({len(other['tokens'])})")
    elif one["tokens"] != other["tokens"]:
        parts.append("ids")
    if one.get("merges") and one["merges"] != other.get("merges"):
        parts.append(f"{len(set(map(tuple, one['merges'])) - set(map(tuple, other['merges'])))} of {len(one['merges'])} merges and their order")
    return ", ".join(parts) + " differ" if parts else "equal"


def exchanged(apart, ones, others):
    """Whether the tokens are letters that have each other's scores."""
    scores = [sorted(run[token] for token in apart) for run in (ones, others)]
    return all(len(token) == 1 for token in apart) and all(abs(a - b) <= 1e-9 for a, b in zip(*scores))


def compare(arguments):
    wrong = 0
    with open(arguments.cases) as cases, open(arguments.expected) as expected, open(arguments.actual) as actual:
        for case, runs, ours in zip(cases, expected, actual, strict=True):
            case, runs, ours = json.loads(case), json.loads(runs), json.loads(ours)
            found = ours.get("error") or difference(runs[0], ours, chance=True)
            among = difference(*runs) if len(runs) > 1 else "not tried"
            failed = found != "equal" and not (case["chance"] and "error" not in ours)
            wrong += failed
            print(f"{'FAILED ' if failed else ''}{case['name']}: {found} (two runs of Hugging Face: {among})")
    print(f"{wrong} cases differ where there is no chance")
    sys.exit(wrong > 0)


parser = argparse.ArgumentParser()
commands = parser.add_subparsers(required=True)
making = commands.add_parser("make")
making.add_argument("cases")
making.add_argument("expected")
making.add_argument("files", nargs="+")
making.add_argument("--only", action="append")
making.add_argument("--seed", type=int, default=0)
making.add_argument("--alone", action="store_true")
making.set_defaults(run=make)
training = commands.add_parser("train")
training.set_defaults(run=lambda _: print(json.dumps(train(json.load(sys.stdin)))))
comparing = commands.add_parser("compare")
comparing.add_argument("cases")
comparing.add_argument("expected")
comparing.add_argument("actual")
comparing.set_defaults(run=compare)
arguments = parser.parse_args()
arguments.run(arguments)
