"""Compares this project's tokenizers with the libraries that their files belong to.

    python3 parity.py make TOKENIZER CASES.jsonl EXPECTED.jsonl [--seed N] [--random N] [--lines N] [--points] [--grid] [--languages A,B] [--shard I/N] TEXT...
    dotnet run -c Release --project benchmarks/Triptych.Benchmarks -- tokenizers parity TOKENIZER CASES.jsonl ACTUAL.jsonl
    python3 parity.py compare CASES.jsonl EXPECTED.jsonl ACTUAL.jsonl
    python3 parity.py export FOLDER TOKENIZER.json

TOKENIZER is a tokenizer.json (read with the package tokenizers), a model folder (transformers' AutoTokenizer), a SentencePiece model
(sentencepiece), a .tiktoken file or Llama 3's tokenizer.model (tiktoken), or a tekken.json (tiktoken, as Mistral's library uses it). Cases
are the lines of the TEXT files (plain or .gz), random Unicode strings, with --points every code point there is, with --grid truncation
and padding in many settings, and with --languages texts from the first and into the second; every fourth text is a pair. What a library
does not know is not compared: only tokenizers have offsets. The exit code says whether all agree. With --shard the cases are one of N
parts of them. export writes what transformers makes of a folder as the file that the package tokenizers reads.
"""
import argparse
import base64
import gzip
import json
import os
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


def read(path, limit, rng, part, parts):
    with (gzip.open(path, "rt", encoding="utf-8", errors="replace", newline="\n") if path.endswith(".gz")
          else open(path, encoding="utf-8", errors="replace", newline="\n")) as file:
        lines = [line.rstrip("\n") for line in file][part::parts]
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


class Fast:
    """A tokenizer.json, in the package tokenizers."""
    pairs = words = True

    def __init__(self, path):
        from tokenizers import Tokenizer
        self.tokenizer = Tokenizer.from_file(path)
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()

    def decode(self, ids, skip):
        return self.tokenizer.decode(ids, skip_special_tokens=skip)

    def expected(self, case):
        from tokenizers.decoders import DecodeStream
        tokenizer, special = self.tokenizer, case.get("special", True)
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
            result["decoded"] = self.decode(encoding.ids, True)
            result["all"] = self.decode(encoding.ids, False)
            try:
                stream = DecodeStream(skip_special_tokens=True)
                result["stream"] = [stream.step(tokenizer, i) for i in encoding.ids]
            except Exception:
                result["stream"] = None  # a prefix that later ids change is an error there
            return result
        finally:
            tokenizer.no_truncation()
            tokenizer.no_padding()


def rename_argument():
    """transformers 5.12 calls an argument cls that builds of tokenizers 0.23 call cls_token."""
    from tokenizers import processors

    def renamed(make):
        return lambda sep, cls, **options: make(sep, cls, **options)

    for name in ("RobertaProcessing", "BertProcessing"):
        make = getattr(processors, name)
        if "cls_token" in (getattr(make, "__text_signature__", None) or ""):
            setattr(processors, name, renamed(make))


class Folder:
    """A model folder, in transformers."""

    def __init__(self, path, languages):
        from transformers import AutoTokenizer
        from transformers.models.tapas import tokenization_tapas
        rename_argument()
        tokenization_tapas.is_pandas_available = lambda: True  # tables alone need it
        self.tokenizer = AutoTokenizer.from_pretrained(path, **({"src_lang": languages[0], "tgt_lang": languages[1]} if languages else {}))
        self.name = type(self.tokenizer).__name__
        self.pairs, self.words = True, self.tokenizer.is_fast and self.name not in ("LukeTokenizer", "MLukeTokenizer")
        print(self.name)

    def encode(self, texts, special):
        tokenizer = self.tokenizer
        if self.name != "TapasTokenizer":
            return tokenizer(**texts, add_special_tokens=special)
        # Its call wants a table; here the second text stands for one that is put together already.
        question, table = [tokenizer.convert_tokens_to_ids(tokenizer.tokenize(text or "")) for text in (texts["text"], texts["text_pair"])]
        return {"input_ids": tokenizer.build_inputs_with_special_tokens(question, table) if special else question + table}

    def expected(self, case):
        tokenizer, options = self.tokenizer, {"special": case.get("special", True)}
        if "words" in case:
            return describe(tokenizer(case["words"], case.get("pair_words"), is_split_into_words=True, add_special_tokens=options["special"]).encodings[0])
        texts = {"text_target": case["text"], "text_pair_target": case.get("pair")} if case.get("target") else {"text": case["text"], "text_pair": case.get("pair")}
        encoded = self.encode(texts, **options)
        ids = encoded["input_ids"]
        result = describe(encoded.encodings[0]) if getattr(encoded, "encodings", None) else {"ids": ids}
        result["decoded"] = tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        result["all"] = tokenizer.decode(ids, clean_up_tokenization_spaces=False)
        return result


class SentencePiece:
    """A model by itself, in sentencepiece."""
    pairs = words = False

    def __init__(self, path):
        import sentencepiece
        self.model = sentencepiece.SentencePieceProcessor(model_file=path)

    def expected(self, case):
        ids = self.model.encode(case["text"], out_type=int)
        return {"ids": ids, "decoded": self.model.decode(ids)}


class Tiktoken:
    """A file of ranks, in tiktoken. Which pattern cuts the text shows its name, or the number of its tokens."""
    pairs = words = False
    LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
    QWEN = LLAMA3.replace("{1,3}", "")

    def __init__(self, path):
        import tiktoken
        import tiktoken_ext.openai_public as public
        public.load_tiktoken_bpe = public.data_gym_to_mergeable_bpe_ranks = lambda *args, **kwargs: {}
        ranks = {base64.b64decode(token): int(rank) for token, rank in (line.split() for line in open(path, "rb") if line.strip())}
        name = os.path.basename(path)
        cl100k, o200k = public.cl100k_base()["pat_str"], public.o200k_base()["pat_str"]
        named = {"qwen": self.QWEN, "cl100k": cl100k, "o200k": o200k, "llama3": self.LLAMA3}
        counted = {151643: self.QWEN, 100256: cl100k, 199998: o200k, 128000: self.LLAMA3}
        pattern = next((known for start, known in named.items() if name.startswith(start)), None) or counted.get(len(ranks), public.r50k_pat_str)
        self.start, self.encoding = 0, tiktoken.Encoding(name, pat_str=pattern, mergeable_ranks=ranks, special_tokens={})

    def expected(self, case):
        ids = self.encoding.encode_ordinary(case["text"])
        return {"ids": [self.start + i for i in ids], "decoded": self.encoding.decode(ids)}


class Tekken(Tiktoken):
    """Mistral's tekken.json: the special tokens come first, and of the others only so many count as fit."""

    def __init__(self, path):
        import tiktoken
        content = json.load(open(path, encoding="utf-8"))
        self.start = content["config"]["default_num_special_tokens"]
        count = content["config"]["default_vocab_size"] - self.start
        ranks = {base64.b64decode(token["token_bytes"]): token["rank"] for token in content["vocab"][:count]}
        self.encoding = tiktoken.Encoding("tekken", pat_str=content["config"]["pattern"], mergeable_ranks=ranks, special_tokens={})


def reader(path, languages):
    if os.path.isdir(path):
        return Folder(path, languages)
    if os.path.basename(path) == "tekken.json":
        return Tekken(path)
    if path.endswith(".json"):
        return Fast(path)
    with open(path, "rb") as file:
        first = file.readline(200).split()
    return Tiktoken(path) if len(first) == 2 and first[1].isdigit() else SentencePiece(path)


def expected(tokenizer, case):
    try:
        return tokenizer.expected(case)
    except BaseException as e:
        if isinstance(e, KeyboardInterrupt):
            raise
        return {"error": str(e)}


def make(args):
    part, parts = map(int, args.shard.split("/"))
    rng = random.Random(args.seed * parts + part)
    languages = args.languages.split(",") if args.languages else None
    tokenizer = reader(args.tokenizer, languages)
    texts = [line for path in args.texts for line in read(path, args.lines, rng, part, parts)]
    texts += [random_text(rng) for _ in range(args.random // parts)]
    if args.points:
        texts += points()
    cases = []
    for i, text in enumerate(texts):
        case = {"text": text}
        if i % 4 == 1 and tokenizer.pairs and (texts[i - 1] or not isinstance(tokenizer, Folder)):  # transformers takes an empty pair for none
            case["pair"] = texts[i - 1]
        if i % 5 == 4:
            case["special"] = False
        if i % 11 == 7 and tokenizer.words:
            case = {"words": text.split(" ")[:12]}
            if i % 2:
                case["pair_words"] = texts[i - 1].split(" ")[:5]
        if languages:
            case["languages"] = languages
            case["target"] = i % 3 == 2 and "words" not in case
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


def export(args):
    Folder(args.folder, None).tokenizer.backend_tokenizer.save(args.tokenizer)


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
making.add_argument("--languages")
making.add_argument("--shard", default="0/1")
making.set_defaults(run=make)
exporting = commands.add_parser("export")
exporting.add_argument("folder")
exporting.add_argument("tokenizer")
exporting.set_defaults(run=export)
comparing = commands.add_parser("compare")
comparing.add_argument("cases")
comparing.add_argument("expected")
comparing.add_argument("actual")
comparing.add_argument("--shown", type=int, default=3)
comparing.add_argument("--width", type=int, default=900)
comparing.set_defaults(run=compare)
arguments = parser.parse_args()
arguments.run(arguments)
