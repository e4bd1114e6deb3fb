"""Writes a small tokenizer for every component of tokenizer.json and what Hugging Face tokenizers makes of some texts with it.

    python3 make_components.py components.jsonl.gz [FOLDER]        (needs the package tokenizers; corpus.txt must be beside this script)

Each line is {"name", "tokenizer", "cases", "decodings"}: a case is [text, pair, ids, tokens, offsets in code points, types, special,
words, sequences], a decoding is [ids, without special tokens, with them, stream]. With FOLDER each tokenizer.json is written there
too, for benchmarks/parity.
"""
import gzip
import itertools
import json
import os
import random
import sys
from tokenizers import AddedToken, Regex, Tokenizer, decoders as D, models as M, normalizers as N, pre_tokenizers as P, processors as X
from tokenizers import trainers
from tokenizers.decoders import DecodeStream

here = os.path.dirname(os.path.abspath(__file__))
corpus = open(f"{here}/corpus.txt", encoding="utf-8").read()
lines = [line for line in corpus.split("\n") if line][:60]
TEXTS = [
    "Hello, World! It's 12345.67 -- fine?", " leading and trailing  ", "", " ", "\t\nTabs\r\nand\u00a0\u3000odd\u2003spaces\n", "a",
    "Ünïcödé Straße İstanbul ﬁne ①② ½ Ⅳ ΌΔΟΣ", "e\u0301\u0323a\u0307 \uac00\u11a8 \u1112\u1161\u11ab \u1e9b\u0323", "今天天气很好，東京タワー。한국어 문장",
    "Привет, мир! مرحبا שלום नमस्ते", "👩‍👩‍👧🏽 🇩🇪😀x𝒻𝒶 𐐀𠀀", "foo_bar-baz.qux@site $5 50% #1 a|b|c", "x\x00y\x07z\x7f\u200b\u200d\ufeff\u00ad\ufffd",
    "<s>hi</s> <mask> [SEP]abc abcd  ab yesterday Yesterday", "don't I'll WE'RE 's 'S", "--!!a..b??", "▁a ▁▁b▁", "1a22bb333", "   ", "カタカナーひらがな漢字ABC",
    "the quick brown fox jumps over the lazy dog " * 2,
]
SPECIAL = ["<unk>", "<s>", "</s>", "<pad>", "<mask>"]


def characters(normalizer, pre_tokenizer):
    """A model whose tokens are the characters themselves, so that they show what reaches it."""
    seen = set()
    for text in TEXTS:
        text = normalizer.normalize_str(text) if normalizer else text
        for word, _ in pre_tokenizer.pre_tokenize_str(text) if pre_tokenizer and text else [(text, None)]:
            seen |= set(word)
    keep = sorted(seen)
    return M.BPE({token: i for i, token in enumerate(SPECIAL + [c for i, c in enumerate(keep) if i % 9 != 8])}, [], unk_token="<unk>")


def pipeline(normalizer=None, pre_tokenizer=None, post_processor=None, decoder=None, model=None, added=()):
    tokenizer = Tokenizer(model or characters(normalizer, pre_tokenizer))
    if normalizer:
        tokenizer.normalizer = normalizer
    if pre_tokenizer:
        tokenizer.pre_tokenizer = pre_tokenizer
    if post_processor:
        tokenizer.post_processor = post_processor
    if decoder:
        tokenizer.decoder = decoder
    tokenizer.add_tokens(list(added))
    return tokenizer


def normalizers():
    for clean, chinese, strip, lower in ((True, True, None, True), (False, True, True, False), (True, False, False, True), (False, False, None, False)):
        yield f"BertNormalizer {clean} {chinese} {strip} {lower}", N.BertNormalizer(clean, chinese, strip, lower)
    for name in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "ByteLevel"):
        yield name, getattr(N, name)()
    for left, right in ((True, False), (False, True), (True, True)):
        yield f"Strip {left} {right}", N.Strip(left, right)
    for pattern, content in (("a", "XY"), (Regex(r"\s+"), " "), ("", "-"), (Regex(r"(?<=\w)(?=[^\w\s])"), "\u2581"), (Regex("x*"), "<>"), (Regex(r"^"), "¡"),
                             (Regex(r"[\p{M}\p{Cf}]"), ""), ("  ", "")):
        yield f"Replace {pattern} {content}", N.Replace(pattern, content)
    yield "Prepend", N.Prepend("\u2581x")
    yield "Sequence", N.Sequence([N.NFKD(), N.StripAccents(), N.Lowercase(), N.Replace(Regex(r"\d"), "0"), N.Strip(), N.Prepend("^")])
    yield "Sequence with insertions first", N.Sequence([N.Replace(Regex(r"^\s*"), "··"), N.NFC(), N.Replace("·", "ab")])


def pre_tokenizers():
    for space, regex in itertools.product((True, False), repeat=2):
        yield f"ByteLevel {space} {regex}", P.ByteLevel(space, use_regex=regex)
    for name in ("BertPreTokenizer", "Whitespace", "WhitespaceSplit", "UnicodeScripts"):
        yield name, getattr(P, name)()
    behaviors = ("removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous")
    for behavior in behaviors:
        yield "Punctuation " + behavior, P.Punctuation(behavior)
        for invert in (False, True):
            yield f"Split string {behavior} {invert}", P.Split(" ", behavior, invert)
            yield f"Split regex {behavior} {invert}", P.Split(Regex(r"\p{L}{1,3}|\d(?=\d)|(?<=\s)\s|$"), behavior, invert)
        yield f"Split empty {behavior}", P.Split("", behavior)
    for individual in (True, False):
        yield f"Digits {individual}", P.Digits(individual)
    for scheme, split in itertools.product(("always", "first", "never"), (True, False)):
        yield f"Metaspace {scheme} {split}", P.Metaspace(prepend_scheme=scheme, split=split)
    yield "Metaspace other", P.Metaspace(replacement="a", prepend_scheme="first")
    yield "Metaspace astral", P.Metaspace(replacement="𝒻")
    yield "CharDelimiterSplit", P.CharDelimiterSplit("|")
    yield "CharDelimiterSplit astral", P.CharDelimiterSplit("𐐀")
    for length in (1, 5):
        yield f"FixedLength {length}", P.FixedLength(length)
    yield "Sequence", P.Sequence([P.WhitespaceSplit(), P.Punctuation("merged_with_previous"), P.Digits(True), P.FixedLength(4)])
    yield "Sequence bytes", P.Sequence([P.Split(Regex(r"\p{N}{1,3}"), "isolated"), P.ByteLevel(True, use_regex=False)])
    yield "Sequence deepseek", P.Sequence([
        P.Split(Regex("[\r\n]"), "isolated"), P.Split(Regex(r"\s?\p{L}+"), "isolated"), P.Split(Regex(r"\s?\p{P}+"), "isolated"),
        P.Split(Regex("[一-龥ࠀ-一가-퟿]+"), "isolated"), P.Digits(True), P.ByteLevel(False, use_regex=False)])


def post_processors():
    ids = [("<s>", 1), ("</s>", 2)]
    several = {"id": "X", "ids": [1, 3, 2], "tokens": ["<s>", "<pad>", "</s>"]}
    yield "TemplateProcessing", X.TemplateProcessing("<s> $A </s>", "<s> $A </s>:1 $B:1 </s>:2", ids)
    yield "TemplateProcessing several", X.TemplateProcessing("X:3 $A:2 X", "X $B:1 <s> $A:4 X:5", [several, ("<s>", 1)])
    yield "TemplateProcessing repeated", X.TemplateProcessing("$A:1 <s>", "$A <s> $B:1 $A:2", ids)
    yield "BertProcessing", X.BertProcessing(("</s>", 2), ("<s>", 1))
    for trim, space in itertools.product((True, False), repeat=2):
        yield f"RobertaProcessing {trim} {space}", X.RobertaProcessing(("</s>", 2), ("<s>", 1), trim, space)
        yield f"ByteLevel {trim} {space}", X.ByteLevel(space, trim)
    yield "Sequence", X.Sequence([X.ByteLevel(True, True), X.TemplateProcessing("<s> $A", "<s> $A <s>:1 $B:1", ids)])


def decoders():
    yield "ByteLevel", D.ByteLevel()
    yield "WordPiece", D.WordPiece("##", True)
    yield "WordPiece plain", D.WordPiece("", False)
    for scheme in ("always", "first", "never"):
        yield "Metaspace " + scheme, D.Metaspace(prepend_scheme=scheme)
    yield "BPEDecoder", D.BPEDecoder("</w>")
    yield "BPEDecoder empty", D.BPEDecoder("")
    yield "CTC", D.CTC("<pad>", "|", True)
    yield "CTC plain", D.CTC("<pad>", "|", False)
    yield "ByteFallback", D.ByteFallback()
    yield "Fuse", D.Fuse()
    yield "Strip", D.Strip("\u2581", 1, 0)
    yield "Strip astral", D.Strip("𝒻", 2, 0)
    yield "Replace", D.Replace("\u2581", " ")
    yield "Replace regex", D.Replace(Regex("[aeiou]+|$"), "*")
    yield "Sequence", D.Sequence([D.Replace("\u2581", " "), D.ByteFallback(), D.Fuse(), D.Strip(" ", 1, 0)])


def models():
    learner = Tokenizer(M.BPE())
    learner.pre_tokenizer = P.WhitespaceSplit()
    learner.train_from_iterator(lines + TEXTS, trainers.BpeTrainer(vocab_size=260, special_tokens=SPECIAL, limit_alphabet=70, show_progress=False))
    learned = json.loads(learner.to_str())["model"]
    vocab, merges = learned["vocab"], [tuple(m) for m in learned["merges"]]
    byte_tokens = {f"<0x{b:02X}>": len(vocab) + b for b in range(256)}
    some = {token: id for token, id in byte_tokens.items() if int(token[3:5], 16) not in (0xC3, 0x9F)}
    for fuse in (True, False):
        yield f"BPE unknown {fuse}", M.BPE(vocab, merges, unk_token="<unk>", fuse_unk=fuse)
        yield f"BPE some bytes {fuse}", M.BPE({**vocab, **some}, merges, unk_token="<unk>", fuse_unk=fuse, byte_fallback=True)
    yield "BPE without unknown", M.BPE(vocab, merges)
    yield "BPE bytes", M.BPE({**vocab, **byte_tokens}, merges, byte_fallback=True)
    yield "BPE whole words", M.BPE({**vocab, "quick": 900, "World!": 901}, merges, unk_token="<unk>", ignore_merges=True)
    yield "BPE all dropped", M.BPE(vocab, merges, unk_token="<unk>", dropout=1.0)
    for prefix, suffix in (("##", None), (None, "</w>"), ("##", "</w>")):
        affixes = {k: v for k, v in (("continuing_subword_prefix", prefix), ("end_of_word_suffix", suffix)) if v}
        other = Tokenizer(M.BPE(unk_token="<unk>", **affixes))
        other.pre_tokenizer = P.WhitespaceSplit()
        other.train_from_iterator(lines, trainers.BpeTrainer(vocab_size=260, special_tokens=SPECIAL, limit_alphabet=50, show_progress=False, **affixes))
        yield f"BPE {prefix} {suffix}", other.model
    words = sorted({w for line in lines + TEXTS for w in line.split()})[:150]
    pieces = SPECIAL + words + sorted({c for w in words for c in w}) + ["##" + c for c in "abcdefghijklmnopqrstuvwxyz"]
    table = {w: i for i, w in enumerate(dict.fromkeys(pieces))}
    yield "WordLevel", M.WordLevel(table, unk_token="<unk>")
    yield "WordPiece", M.WordPiece(table, unk_token="<unk>", max_input_chars_per_word=10)
    yield "WordPiece no prefix", M.WordPiece(table, unk_token="<unk>", continuing_subword_prefix="")


def added():
    tokens = [AddedToken("abc"), AddedToken("ab", single_word=True), AddedToken("<mask>", lstrip=True, special=True), AddedToken("abcd", rstrip=True),
              AddedToken("Yesterday", normalized=True), AddedToken("[SEP]", special=True, normalized=False), AddedToken(" b", normalized=False),
              AddedToken("--", lstrip=True, rstrip=True, normalized=False), AddedToken("  ", normalized=False), AddedToken("!", single_word=True, normalized=False),
              AddedToken("é", normalized=True), AddedToken("<s>", special=True), AddedToken("</s>", special=True, rstrip=True), AddedToken("かな", normalized=False)]
    yield "plain", dict(added=tokens)
    yield "lowercase", dict(added=tokens, normalizer=N.Lowercase())
    yield "decomposed", dict(added=tokens, normalizer=N.Sequence([N.NFD(), N.Lowercase(), N.StripAccents()]), pre_tokenizer=P.BertPreTokenizer())
    yield "byte level", dict(added=tokens, normalizer=N.ByteLevel(), decoder=D.ByteLevel())
    yield "metaspace", dict(added=tokens, pre_tokenizer=P.Metaspace(prepend_scheme="first"), decoder=D.Metaspace(prepend_scheme="first"))
    yield "prepended", dict(added=tokens, normalizer=N.Sequence([N.Prepend("\u2581"), N.Replace(" ", "\u2581")]))


def all_tokenizers():
    for name, normalizer in normalizers():
        try:
            yield "normalizer " + name, pipeline(normalizer=normalizer)
        except BaseException as error:
            print("left out:", name, error)
    for name, pre_tokenizer in pre_tokenizers():
        yield "pre_tokenizer " + name, pipeline(pre_tokenizer=pre_tokenizer)
    for name, post_processor in post_processors():
        yield "post_processor " + name, pipeline(pre_tokenizer=P.ByteLevel(True), post_processor=post_processor)
    for name, model in models():
        yield "model " + name, pipeline(model=model, pre_tokenizer=P.WhitespaceSplit())
    for name, parts in added():
        yield "added " + name, pipeline(**parts)
    pieces = SPECIAL + ["\u2581the", "##ing", "a", "\u2581", "|", "end</w>", "<0xC3>", "<0xA9>", "<0xFF>", "Ġx", "Ã", "©", "n't", "do", "not", ".", "!", "'s", "𝒻𝒻𝒻", "é",
                        "\u2581\u2581b", "'", ",", "m", "ve", " do not", "Ġ", "<0x+A>"]
    for name, decoder in decoders():
        yield "decoder " + name, pipeline(model=M.WordLevel({w: i for i, w in enumerate(pieces)}, unk_token="<unk>"), decoder=decoder,
                                          pre_tokenizer=P.WhitespaceSplit(), added=[AddedToken("<s>", special=True), AddedToken("<mask>", special=True)])


def stream(tokenizer, ids):
    decoding = DecodeStream(skip_special_tokens=True)
    try:
        return [decoding.step(tokenizer, i) for i in ids]
    except Exception:
        return None  # later ids change the text of earlier ones: an error there


def main():
    out, folder = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
    rng = random.Random(1)
    with gzip.GzipFile(out, "wb", mtime=0) as file:
        for i, (name, tokenizer) in enumerate(all_tokenizers()):
            cases, decodings = [], []
            for k, text in enumerate(TEXTS if not name.startswith("decoder") else []):
                pair = TEXTS[k - 1] if k % 5 == 2 else None
                e = tokenizer.encode(text, pair)
                cases.append([text, pair, e.ids, e.tokens, e.offsets, e.type_ids, e.special_tokens_mask, e.word_ids, e.sequence_ids])
                if k % 6 == 0 and e.ids:
                    decodings.append(e.ids)
            if name.startswith("decoder"):
                decodings = [[rng.randrange(tokenizer.get_vocab_size()) for _ in range(rng.randrange(1, 12))] for _ in range(40)]
            decodings = [[ids, tokenizer.decode(ids), tokenizer.decode(ids, skip_special_tokens=False), stream(tokenizer, ids)] for ids in decodings]
            line = {"name": name, "tokenizer": json.loads(tokenizer.to_str()), "cases": cases, "decodings": decodings}
            file.write((json.dumps(line, ensure_ascii=True, separators=(",", ":")) + "\n").encode())
            if folder:
                tokenizer.save(f"{folder}/c{i:03}.json")
        print(i + 1, "tokenizers")


main()
