"""Compares random regular expressions with Oniguruma, as Hugging Face tokenizers carries it.

    python3 patterns.py make CASES.jsonl EXPECTED.jsonl [--seed N] [--patterns N] [--texts N] [--counted]
    dotnet run -c Release --project benchmarks/Triptych.Benchmarks -- tokenizers patterns CASES.jsonl ACTUAL.jsonl
    python3 patterns.py compare CASES.jsonl EXPECTED.jsonl ACTUAL.jsonl

Each case is a pattern and texts; what is compared are the matches that are not empty. --counted makes mostly repetitions of what may match
nothing. Left out are patterns that Oniguruma refuses or gives up on. Needs the package tokenizers; the exit code of compare says whether all agree.
"""
import argparse
import json
import random
import sys

ATOMS = ["a", "b", "c", "ab", ".", r"\s", r"\S", r"\w", r"\p{L}", r"\p{N}", "[ab]", "[^a]", r"\n", " ", "1", r"\b", "^", "$", "[a-c1 ]", r"\d",
         "é", "ß", "(?i:s)", "(?i:S)", r"\p{Lu}", "𝒻", "中", "x", "", r"\G", r"\B", r"\z"]
NULLABLE = ["a?", "a*", "b??", "b*?", "(?:a|)", "(?:|b)", "(?:ab)?", "(?=a)", "(?<=b)", "(?:a*b*)", "(|a)", "c*+", "(?>a|)", r"\b"]
LETTERS = ["ab", "abc", "abc1 ", "aAbBsS ßﬀſKk\u212a", "ab\n 1", "aé中𝒻x \n\t1²½", "ab \r\n\u00a0\u200b\u0301😀👍🏽ÀÉ"]
SIMPLE = ["*", "+", "?", "*?", "+?", "??", "++", "*+", "?+"]
COUNTED = ["{2}", "{1,2}", "{0,2}", "{2,3}", "{1,3}", "{2,}", "{3,}", "{,2}", "{0,2}?", "{1,3}?", "{2,3}?", "{2,}?", "{1,}?", "{5}", "{2,7}"]


class Generator:
    def __init__(self, seed, counted):
        self.random = random.Random(seed)
        self.pick = self.random.choice
        self.counted = counted

    def pattern(self, depth):
        kind = self.random.random()
        if depth == 0 or kind < .2:
            return self.pick(NULLABLE if self.counted and self.random.random() < .5 else ATOMS)
        one = self.pattern(depth - 1)
        if kind < .4:
            return one + self.pattern(depth - 1)
        if kind < .55:
            return f"(?:{one}|{self.pattern(depth - 1)})"
        if kind < .6:
            return f"({one})"
        if kind < .65:
            return f"(?>{one}|{self.pattern(depth - 1)})"
        if kind < .7:
            return self.pick(["(?=", "(?!", "(?i:"]) + one + ")"
        if kind < .73:
            return self.pick(["(?<=", "(?<!"]) + self.pick(ATOMS) + ")"
        counts = COUNTED if self.random.random() < (.7 if self.counted else .3) else SIMPLE
        return f"{self.pick(['(?:', '(?:', '('])}{one}){self.pick(counts)}"

    def text(self):
        letters = self.pick(LETTERS[:3] if self.counted else LETTERS)
        return "".join(self.pick(letters) for _ in range(self.random.randrange(1, 16)))


def make(arguments):
    from tokenizers import Regex, pre_tokenizers

    generator = Generator(arguments.seed, arguments.counted)
    pairs = 0
    with open(arguments.cases, "w") as cases, open(arguments.expected, "w") as expected:
        for _ in range(arguments.patterns):
            source = generator.pattern(4)
            texts = [generator.text() for _ in range(arguments.texts)]
            try:
                # Cutting at what is between the matches leaves the matches.
                split = pre_tokenizers.Split(Regex(source), "removed", invert=True)
                matches = [[span for _, span in split.pre_tokenize_str(text)] for text in texts]
            except KeyboardInterrupt:
                raise
            except BaseException:  # refused, or given up after too many steps, which ends in a panic
                continue
            cases.write(json.dumps({"pattern": source, "texts": texts}) + "\n")
            expected.write(json.dumps(matches) + "\n")
            pairs += len(texts)
    print(pairs, "pairs of pattern and text")


def compare(arguments):
    pairs = wrong = refused = 0
    with open(arguments.cases) as cases, open(arguments.expected) as expected, open(arguments.actual) as actual:
        for case, theirs, ours in zip(cases, expected, actual, strict=True):
            case, theirs, ours = json.loads(case), json.loads(theirs), json.loads(ours)
            if isinstance(ours, str):
                refused += 1
                print(repr(case["pattern"]), "is refused:", ours)
                continue
            for text, wanted, found in zip(case["texts"], theirs, ours, strict=True):
                pairs += 1
                if wanted != found:
                    wrong += 1
                    print(repr(case["pattern"]), repr(text), "\n  Oniguruma", wanted, "\n  ours     ", found)
    print(f"{pairs} pairs, {wrong} differ; {refused} patterns refused here alone")
    sys.exit(wrong > 0)


parser = argparse.ArgumentParser()
commands = parser.add_subparsers(required=True)
making = commands.add_parser("make")
making.add_argument("cases")
making.add_argument("expected")
making.add_argument("--seed", type=int, default=0)
making.add_argument("--patterns", type=int, default=10000)
making.add_argument("--texts", type=int, default=10)
making.add_argument("--counted", action="store_true")
making.set_defaults(run=make)
comparing = commands.add_parser("compare")
comparing.add_argument("cases")
comparing.add_argument("expected")
comparing.add_argument("actual")
comparing.set_defaults(run=compare)
arguments = parser.parse_args()
arguments.run(arguments)
