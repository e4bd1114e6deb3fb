"""Compares this project's tokenizers with Hugging Face tokenizers.

    python3 parity.py make TOKENIZER.json CASES.jsonl EXPECTED.jsonl [--seed N] [--random N] [--lines N] [--points] [--grid] TEXT...
    dotnet run -c Release --project benchmarks/Triptych.Benchmarks -- tokenizers parity TOKENIZER.json CASES.jsonl ACTUAL.jsonl
    python3 parity.py compare CASES.jsonl EXPECTED.jsonl ACTUAL.jsonl

Cases are the lines of the TEXT files (plain or .gz), random Unicode strings, with --points every code point there is, and with --grid
truncation and padding in many settings; every fourth text is a pair. Needs the package tokenizers. The exit code says whether all agree.
"""
import argparse
import gzip
import json
import random
import sys

BLOCKS = [(0x20, 0x7F), (0x20, 0x7F), (0x20, 0x7F), (0x0, 0x20), (0x7F, 0xA0), (0x80, 0x250), (0x300, 0x370), (0x370, 0x600), (0x600, 0x900),
          (0x900, 0xE00), (0xE00, 0x1100), (0x1100, 0x1200), (0x1200, 0x2000), (0x1E00, 0x2070), (0x200B, 0x2010), (0x2100, 0x2C00), (0x2E80, 0x3200),
          (0x3040, 0x3100), (0x4E00, 0x9FFF), (0xAC00, 0xD7A4), (0xE000, 0xE010), (0xF900, 0xFFFE), (0xFF00, 0xFFF0), (0x10000, 0x18000),
          (0x1D400, 0x1D800), (0x1F000, 0x1FB00), (0x20000, 0x20100), (0x2F800, 0x2FA20), (0xE0000, 0xE0200), (0x100000, 0x10FFFF)]
PIECES = ["  ", " ", "\n", "\r\n", "\t", "'s", "'LL", " 12", "345678", "e\u0301", "\u0301\u0323", "\u200d", "\ufe0f", "👩‍👩‍👧🏽", "🇩🇪", "\ufffd", "\u202e",
          "<s>", "</s>", "<unk>", "[MASK]", "[CLS]", " <mask>", "<|endoftext|>", "▁", "ab", "abc", "the ", " quick", "Straße", "ſ", "İ", "ﬁ", "１２", "ー",
          "x" * 40, "ab" * 60, "日本語", "Привет", "שלום", "مرحبا", "नमस्ते", "한국어", "\u1112\u1161\u11ab", "don't", "Zusatz", " zusatz", "Öffnung "]


def random_text(rng):
    text = ""
    for _ in range(rng.choice([1, 2, 4, 8, 20, 60])):
        low, high = rng.choice(BLOCKS)
        code = rng.randrange(low, high)
        text += "\ufffd" if 0xD800 <= code < 0xE000 else chr(code)
        if rng.random() < 0.3:
            text += rng.choice(PIECES)
    return text


def read(path, limit, rng):
    with (gzip.open(path, "rt", encoding="utf-8", errors="replace", newline="\n") if path.endswith(".gz")
          else open(path, encoding="utf-8", errors="replace", newline="\n")) as file:
        lines = [line.rstrip("\n") for line in file]
    return lines if len(lines) <= limit else rng.sample(lines, limit)


def points():
    codes = [i for i in range(0x110000) if not 0xD800 <= i < 0xE000]
    for i in range(0, len(codes), 48):
        yield "a".join(map(chr, codes[i:i + 48]))


def describe(encoding):
    return {"ids": encoding.ids, "tokens": encoding.tokens, "offsets": [list(o) for o in encoding.offsets], "types": encoding.type_ids,
            "mask": encoding.attention_mask, "special": encoding.special_tokens_mask, "words": encoding.word_ids,
            "sequences": encoding.sequence_ids, "overflowing": [describe(part) for part in encoding.overflowing]}


def settings(rng):
    for strategy in ("longest_first", "only_first", "only_second"):
        for max_length in (5, 8, 9, 17, 40):
            for stride in (0, 1, 3):
                for direction in ("right", "left"):
                    # Where the special tokens of a pair leave less than the stride, the reference fails, or does not truncate.
                    if max_length - 4 > stride:
                        yield {"truncation": {"max_length": max_length, "stride": stride, "strategy": strategy, "direction": direction}}
    for length in (None, 4, 30):
        for multiple in (None, 8):
            for direction in ("right", "left"):
                padding = {"direction": direction, "pad_token": "[PAD]", "pad_id": 3, "pad_type_id": rng.randrange(2)}
                if length:
                    padding["length"] = length
                if multiple:
                    padding["pad_to_multiple_of"] = multiple
                yield {"padding": padding}
                yield {"padding": padding, "truncation": {"max_length": 10, "stride": 2, "strategy": "longest_first", "direction": direction}}


def expected(tokenizer, case):
    from tokenizers.decoders import DecodeStream
    special = case.get("special", True)
    try:
        if "truncation" in case:
            cut = case["truncation"]
            tokenizer.enable_truncation(cut["max_length"], stride=cut["stride"], strategy=cut["strategy"], direction=cut["direction"])
        if "padding" in case:
            tokenizer.enable_padding(**case["padding"])
        if "words" in case:
            return describe(tokenizer.encode(case["words"], case.get("pair_words"), is_pretokenized=True, add_special_tokens=special))
        encoding = tokenizer.encode(case["text"], case.get("pair"), add_special_tokens=special)
        result = describe(encoding)
        result["decoded"] = tokenizer.decode(encoding.ids, skip_special_tokens=True)
        result["all"] = tokenizer.decode(encoding.ids, skip_special_tokens=False)
        try:
            stream = DecodeStream(skip_special_tokens=True)
            result["stream"] = [stream.step(tokenizer, i) for i in encoding.ids]
        except Exception:
            result["stream"] = None  # a prefix that later ids change is an error there
        return result
    except BaseException as e:
        if isinstance(e, KeyboardInterrupt):
            raise
        return {"error": str(e)}
    finally:
        tokenizer.no_truncation()
        tokenizer.no_padding()


def make(args):
    from tokenizers import Tokenizer
    rng = random.Random(args.seed)
    tokenizer = Tokenizer.from_file(args.tokenizer)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    texts = [line for path in args.texts for line in read(path, args.lines, rng)]
    texts += [random_text(rng) for _ in range(args.random)]
    if args.points:
        texts += points()
    cases = []
    for i, text in enumerate(texts):
        case = {"text": text}
        if i % 4 == 1:
            case["pair"] = texts[i - 1]
        if i % 5 == 4:
            case["special"] = False
        if i % 11 == 7:
            case = {"words": text.split(" ")[:12]}
            if i % 2:
                case["pair_words"] = texts[i - 1].split(" ")[:5]
        cases.append(case)
    if args.grid:
        for setting in settings(rng):
            for _ in range(3):
                case = {"text": rng.choice(texts[:300]), **setting}
                if rng.random() < 0.6:
                    case["pair"] = rng.choice(texts[:300])
                cases.append(case)
    with open(args.cases, "w", encoding="utf-8") as out, open(args.expected, "w", encoding="utf-8") as answers:
        for case in cases:
            out.write(json.dumps(case, ensure_ascii=True) + "\n")
            answers.write(json.dumps(expected(tokenizer, case), ensure_ascii=True) + "\n")


def differences(wanted, found, cut):
    if "error" in wanted or "error" in found:
        if ("error" in wanted) != ("error" in found):
            yield "error", wanted.get("error"), found.get("error")
        return
    for key, value in wanted.items():
        # With truncation switched on, 0.23 stops tokenizing early, and so loses overflow and, from the left, counts words anew.
        if key == "overflowing" or key == "words" and cut or key == "stream" and value is None:
            continue
        if value != found.get(key):
            yield key, value, found.get(key)


def compare(args):
    count = bad = 0
    kinds = {}
    with open(args.cases, encoding="utf-8") as a, open(args.expected, encoding="utf-8") as b, open(args.actual, encoding="utf-8") as c:
        for case, wanted, found in zip(a, b, c, strict=True):
            count += 1
            case, wanted, found = map(json.loads, (case, wanted, found))
            if "words" in case:
                wanted.pop("offsets", None)  # these count in each word, in code points there and in UTF-16 units here
            found_differences = list(differences(wanted, found, "truncation" in case))
            bad += bool(found_differences)
            for key, want, got in found_differences:
                kinds[key] = kinds.get(key, 0) + 1
                if kinds[key] <= args.shown:
                    print(f"{key} of {json.dumps(case, ensure_ascii=False)[:600]}\n  wanted {str(want)[:args.width]}\n  found  {str(got)[:args.width]}")
    print(f"{count} cases, {bad} differ {kinds or ''}")
    sys.exit(bad > 0)


parser = argparse.ArgumentParser()
commands = parser.add_subparsers(required=True)
making = commands.add_parser("make")
making.add_argument("tokenizer")
making.add_argument("cases")
making.add_argument("expected")
making.add_argument("texts", nargs="*")
making.add_argument("--seed", type=int, default=0)
making.add_argument("--random", type=int, default=2000)
making.add_argument("--lines", type=int, default=500)
making.add_argument("--points", action="store_true")
making.add_argument("--grid", action="store_true")
making.set_defaults(run=make)
comparing = commands.add_parser("compare")
comparing.add_argument("cases")
comparing.add_argument("expected")
comparing.add_argument("actual")
comparing.add_argument("--shown", type=int, default=3)
comparing.add_argument("--width", type=int, default=900)
comparing.set_defaults(run=compare)
arguments = parser.parse_args()
arguments.run(arguments)
