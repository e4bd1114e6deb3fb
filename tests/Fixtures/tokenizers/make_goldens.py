"""Trains small tokenizers with Hugging Face tokenizers and writes what it makes of many texts.

    python3 make_goldens.py TEXT.txt FOLDER        (needs the package tokenizers)

TEXT.txt is any English text in the public domain; its first 24,000 characters become corpus.txt. FOLDER gets corpus.txt,
NAME.json (a tokenizer.json), NAME.golden.jsonl.gz (one case a line, offsets in UTF-16 units), trained-*.json (the
vocabularies of the training tests) and truncation.json.
"""
import gzip
import json
import random
import sys
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers as N, pre_tokenizers as P, processors, trainers

source, folder = sys.argv[1:]
corpus = open(source, encoding="utf-8").read()[:24000]
open(f"{folder}/corpus.txt", "w", encoding="utf-8").write(corpus)
lines = [line for line in corpus.split("\n") if line]
extra = [
    "Der Fluß fließt über die Brücke, naïve façade: Ærøskøbing, Łódź, İstanbul, ﬁne ①②③ ½ Ⅳ.",
    "今天天气很好，我们去公园吧。東京タワーは高いです。한국어 문장입니다.", "Привет, мир! Как дела? Ёлка и йод.",
    "مرحبا بالعالم، كيف الحال؟ שלום עולם", "नमस्ते दुनिया कैसे हो", "Ελληνικά: Καλημέρα κόσμε, ΌΔΟΣ ὀδός",
    "emoji 😀👩‍👩‍👧🏽🇩🇪 and 𝒻𝒶𝓃𝒸𝓎 𐐀𐐨 text 𠀀𠀁", "I'll we're they've I'm it's don't he'd CAN'T",
    "tabs\tand\r\nnewlines\n\n  and   spaces \u00a0\u3000\u2003.", "x" * 120 + " y", "zero\u200bwidth\u200d\ufeff\u00adjoin\x00\x07\x7f",
    "e\u0301 a\u0323\u0307 a\u0307\u0323 \u1e9b\u0323 \uac00\u11a8 \u1112\u1161\u11ab q\u0307\u0323\u0344", "", " ", "  ", "\n", "a",
    "Hello <mask> world [MASK] and <s>x</s> <|endoftext|>[CLS]", "unaffable UNAFFABLE 12345 3.14 1,000 $5 50% #tag @user a_b-c",
]
rng = random.Random(0)
blocks = [(0x20, 0x7F), (0x20, 0x7F), (0x80, 0x250), (0x300, 0x370), (0x370, 0x600), (0x900, 0xE00), (0x1100, 0x1200),
          (0x1E00, 0x2070), (0x2100, 0x2C00), (0x3000, 0x3200), (0x4E00, 0x4F00), (0xAC00, 0xB000), (0xF900, 0xFFFE),
          (0x1D400, 0x1D800), (0x1F300, 0x1FB00), (0x20000, 0x20100), (0x10000, 0x18000)]
pieces = ["  ", " ", "\n", "'s", "'ll", " 12", "e\u0301", "<mask>", "[MASK]", " <s>", "</s> ", "Zusatz", " zusatz ", "Öffnung", "ab", "<|endoftext|>"]
for _ in range(160):
    text = ""
    for _ in range(rng.choice([2, 6, 20])):
        low, high = rng.choice(blocks)
        code = rng.randrange(low, high)
        text += " " if 0xD800 <= code < 0xE000 else chr(code)
        if rng.random() < 0.3:
            text += rng.choice(pieces)
    extra.append(text)
texts = extra + rng.sample(lines, 40) + ["\n".join(lines[:12])]
training = lines + extra[:20]


def added(tokenizer):
    tokenizer.add_tokens([
        AddedToken("Zusatz", lstrip=True, normalized=True), AddedToken("Öffnung", rstrip=True, single_word=True, normalized=True),
        AddedToken("ab", single_word=True, normalized=False), AddedToken("abc", normalized=False)])


def bert(lowercase, strip_accents):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = N.BertNormalizer(lowercase=lowercase, strip_accents=strip_accents)
    tokenizer.pre_tokenizer = P.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(cleanup=lowercase)
    tokenizer.train_from_iterator(training, trainers.WordPieceTrainer(
        vocab_size=900, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False))
    ids = {t: tokenizer.token_to_id(t) for t in ("[CLS]", "[SEP]")}
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=list(ids.items()))
    return tokenizer


def byte_level(add_prefix_space, special, size):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = P.ByteLevel(add_prefix_space=add_prefix_space)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(training, trainers.BpeTrainer(
        vocab_size=size, special_tokens=special, initial_alphabet=P.ByteLevel.alphabet(), show_progress=False))
    return tokenizer


def make():
    uncased = bert(True, None)
    yield "bert-uncased", uncased
    cased = bert(False, None)
    cased.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    added(cased)
    yield "bert-cased-added", cased
    gpt2 = byte_level(False, ["<|endoftext|>"], 800)
    gpt2.post_processor = processors.ByteLevel(trim_offsets=False)
    yield "gpt2", gpt2
    roberta = byte_level(True, ["<s>", "<pad>", "</s>", "<unk>", AddedToken("<mask>", lstrip=True, special=True)], 800)
    roberta.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=True)
    added(roberta)
    yield "roberta-added", roberta
    plain = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, continuing_subword_prefix="##", end_of_word_suffix="</w>"))
    plain.normalizer = N.Sequence([N.NFKC(), N.Strip(), N.Replace("a", "áb"), N.NFD(), N.StripAccents(), N.Lowercase()])
    plain.pre_tokenizer = P.Sequence([P.Whitespace(), P.Digits(individual_digits=True)])
    plain.train_from_iterator(training, trainers.BpeTrainer(vocab_size=500, limit_alphabet=60, special_tokens=["<unk>"],
                              continuing_subword_prefix="##", end_of_word_suffix="</w>", show_progress=False))
    added(plain)
    yield "bpe-options", plain
    for form in ("NFC", "NFKD"):
        other = Tokenizer(models.WordPiece(json.loads(uncased.to_str())["model"]["vocab"], unk_token="[UNK]"))
        other.normalizer = getattr(N, form)()
        behavior = {"NFC": "contiguous", "NFKD": "merged_with_next"}[form]
        other.pre_tokenizer = P.Sequence([P.WhitespaceSplit(), P.Punctuation(behavior), P.Digits(False)])
        yield "wordpiece-" + form.lower(), other
    yield from llama()


def llama():
    """The ways of LLaMA 2 (in both spellings), LLaMA 3 and Qwen 2."""
    template = dict(single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", 1)])
    special = ["<unk>", "<s>", "</s>"]
    learner = Tokenizer(models.BPE())
    learner.normalizer = N.Sequence([N.Prepend("\u2581"), N.Replace(" ", "\u2581")])
    learner.train_from_iterator(lines, trainers.BpeTrainer(
        vocab_size=700, limit_alphabet=80, special_tokens=special + [f"<0x{b:02X}>" for b in range(256)], max_token_length=16, show_progress=False))
    learned = json.loads(learner.to_str())["model"]
    for name in ("llama2", "metaspace"):
        spm = Tokenizer(models.BPE(learned["vocab"], [tuple(m) for m in learned["merges"]], unk_token="<unk>", fuse_unk=True, byte_fallback=True))
        spm.add_special_tokens(special)
        spm.add_tokens([AddedToken("Zusatz", normalized=False)])
        spm.post_processor = processors.TemplateProcessing(**template)
        if name == "llama2":
            spm.normalizer = learner.normalizer
            spm.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
        else:
            spm.pre_tokenizer = P.Metaspace(prepend_scheme="first", split=True)
            spm.decoder = decoders.Metaspace(prepend_scheme="first")
        yield name, spm
    contractions = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+"
    rest = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    for name, digits, whole in (("llama3", r"|\p{N}{1,3}", True), ("qwen2", r"|\p{N}", False)):
        cut = P.Sequence([P.Split(Regex(contractions + digits + rest), "isolated"), P.ByteLevel(add_prefix_space=False, use_regex=False)])
        tokenizer = Tokenizer(models.BPE(ignore_merges=whole))
        tokenizer.pre_tokenizer, tokenizer.decoder = cut, decoders.ByteLevel()
        tokenizer.normalizer = None if whole else N.NFC()
        tokenizer.train_from_iterator(training, trainers.BpeTrainer(
            vocab_size=800, special_tokens=["<unk>", "<s>"], initial_alphabet=P.ByteLevel.alphabet(), show_progress=False))
        tokenizer.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=True), processors.TemplateProcessing(**template)]) \
            if whole else processors.ByteLevel(trim_offsets=False)
        yield name, tokenizer


def utf16(text):
    positions = [0]
    for c in text:
        positions.append(positions[-1] + (2 if ord(c) > 0xFFFF else 1))
    return positions


def case(tokenizer, encoding, text, pair):
    maps = [utf16(text), utf16(pair or "")]
    offsets = [[maps[s][a], maps[s][b]] if s is not None else [0, 0] for (a, b), s in zip(encoding.offsets, encoding.sequence_ids)]
    return {"text": text, "pair": pair, "ids": encoding.ids, "tokens": encoding.tokens, "offsets": offsets,
            "types": encoding.type_ids, "special": encoding.special_tokens_mask, "words": encoding.word_ids,
            "sequences": encoding.sequence_ids, "decoded": tokenizer.decode(encoding.ids, skip_special_tokens=True)}


made = dict(make())
for name, tokenizer in made.items():
    tokenizer.save(f"{folder}/{name}.json", pretty=False)
    with gzip.GzipFile(f"{folder}/{name}.golden.jsonl.gz", "wb", mtime=0) as out:
        for i, text in enumerate(texts):
            pair = texts[i - 1] if i % 4 == 0 else None
            out.write((json.dumps(case(tokenizer, tokenizer.encode(text, pair), text, pair), ensure_ascii=False) + "\n").encode())

# Training. With a prefix the reference numbers the ## letters in the order of a hash table, and ties follow these numbers:
# the WordPiece test asks for what all of thirty runs have and for nothing that none has.
tokenizer = Tokenizer(models.BPE())
tokenizer.pre_tokenizer = P.ByteLevel(add_prefix_space=False)
tokenizer.train_from_iterator(lines, trainers.BpeTrainer(
    vocab_size=700, min_frequency=2, special_tokens=["<pad>", "</s>"], initial_alphabet=P.ByteLevel.alphabet(), show_progress=False))
tokenizer.save(f"{folder}/trained-bpe.json", pretty=False)
runs = []
for _ in range(30):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = N.BertNormalizer(), P.BertPreTokenizer()
    tokenizer.train_from_iterator(lines, trainers.WordPieceTrainer(
        vocab_size=500, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False))
    runs.append(set(tokenizer.get_vocab()))
always, ever = set.intersection(*runs), set.union(*runs)
json.dump({"size": 500, "always": sorted(always), "sometimes": sorted(ever - always)},
          open(f"{folder}/trained-wordpiece.json", "w", encoding="utf-8"), ensure_ascii=False)
print("WordPiece training test:", len(always), "tokens in all runs,", len(ever - always), "in some")

# Truncation by hand: with truncation switched on, tokenizers 0.23 stops tokenizing early and so loses the overflow.
cases = []
one, two = "  ".join(lines[:3]), " ".join(lines[3:5])
for name in ("bert-uncased", "roberta-added"):
    tokenizer = made[name]
    for length, stride, side, pair in ((8, 0, "right", None), (12, 3, "right", None), (9, 2, "left", None), (24, 2, "right", "second"), (30, 5, "right", "second")):
        text = one[:20] if pair else one
        first = tokenizer.encode(text, add_special_tokens=False)
        second = tokenizer.encode(two, add_special_tokens=False) if pair else None
        room = length - tokenizer.num_special_tokens_to_add(pair is not None)
        if pair:  # only_second
            second.truncate(room - len(first), stride=stride, direction=side)
        else:
            first.truncate(room, stride=stride, direction=side)
        result = tokenizer.post_process(first, second, True)
        cases.append({"tokenizer": name, "text": text, "pair": two if pair else None,
                      "length": length, "stride": stride, "side": side, "ids": result.ids, "offsets": result.offsets,
                      "overflowing": [{"ids": o.ids, "types": o.type_ids, "sequences": o.sequence_ids} for o in result.overflowing]})
json.dump(cases, open(f"{folder}/truncation.json", "w", encoding="utf-8"), ensure_ascii=False)
