"""Makes tiny SentencePiece models and a tiktoken file, and what the libraries that they belong to make of texts.

    python3 make_sentencepiece.py ../corpus.txt OUT      (needs sentencepiece, tiktoken, tokenizers and transformers 5.12)

raw.jsonl.gz: ids, pieces and decoded text of sentencepiece and tiktoken. classes.jsonl.gz: what the tokenizer classes of transformers make of a
folder with one of the models; a line with "class" begins a class, the lines behind it are its texts. Offsets count UTF-16 units.
"""
import base64
import gzip
import json
import os
import random
import shutil
import sys
import tempfile

import sentencepiece as spm
import tiktoken
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import AutoTokenizer

corpus, out = sys.argv[1:]
rng = random.Random(7)

# A charsmap of our own is small. Rules of several characters, of nothing, of spaces, and beginnings of each other.
RULES = {"\t": " ", "\n": " ", "\r": " ", "\u3000": " ", "\u00a0": " ", "\u200b": "", "\x01": "", "\ufe0f": "", "\u2122": "TM", "\ufb01": "fi", "\u00bd": "1\u20442",
         "\u3314": "\u30ad\u30ed", "e\u0301": "\u00e9", "u\u0308\u0301": "\u01d8", "u\u0308": "\u00fc", "\uff76\uff9e": "\u30ac", "\uff76": "\u30ab", "\u00b4": " \u0301", "\U0001d400": "A",
         "\u0958": "\u0915\u093c", "\u00a9": "(c)", "\ufdfa": "\u0635\u0644\u0649 \u0627\u0644\u0644\u0647"}
RULES.update({chr(0xFF01 + i): chr(0x21 + i) for i in range(94)})
PIECES = [" ", "  ", "\n", "\r\n", "\t", "e\u0301", "u\u0308\u0301", "\uff76\uff9e", "\uff76\u0301", "\u00a9\u200d\u2764", "\u00a9\u0301", "\u0600\uff41", "\u2122\u200b", "\u0001", "\u200d", "<s>", "</s>", "<unk>",
          "[MASK]", "<mask>", "<extra_id_1>", "<sym>", "a<sym>b", "\u2581", "\u0301\u0302", "Pierre", "the ", " Prince", "war", "peace", "don't", "12", "345", "\u65e5\u672c", "\u041f\u0440\u0438", "\u05e9\u05dc", "\U0001f600",
          "\U0001f469\u200d\U0001f467", "\u0915\u094d\u0958\u0301", "\ufdfa", "\u00bd", "<0x41>", "de_DE", "A", "bC", "'s", "'LL", "/", ".", "xxxx", "abab", "``", "''"]


def random_text():
    return "".join(rng.choice(PIECES) if rng.random() < 0.8 else chr(rng.choice([rng.randrange(32, 127), rng.randrange(0xA0, 0x2FF), rng.randrange(0x3040, 0x30FF),
                                                                                  rng.randrange(0x1F300, 0x1F600)])) for _ in range(rng.randrange(1, 16)))


lines = [line.strip() for line in open(corpus, encoding="utf-8") if len(line) > 30]
texts = ["", " ", "\n", " a", "a ", "\u0001a b", "\u200b", "x" * 70, "Hello world", "\u65e5\u672c" * 20, "a\u0001 \u200bb"] + lines[5:25] + [random_text() for _ in range(110)]

os.makedirs(out, exist_ok=True)
work = tempfile.mkdtemp()
with open(work + "/rules.tsv", "w", encoding="utf-8") as file:
    for source, target in RULES.items():
        file.write(" ".join(f"{ord(c):X}" for c in source) + "\t" + " ".join(f"{ord(c):X}" for c in target) + "\n")


def train(name, **options):
    spm.SentencePieceTrainer.train(input=corpus, model_prefix=work + "/" + name, minloglevel=2, num_threads=1, self_test_sample_size=0, **options)
    shutil.copy(work + "/" + name + ".model", out + "/" + name + ".model")


rules = {"normalization_rule_tsv": work + "/rules.tsv"}
train("unigram", model_type="unigram", vocab_size=400, control_symbols=["[CLS]", "[SEP]", "[MASK]", "<pad>"], user_defined_symbols=["<sym>"], character_coverage=0.99, **rules)
train("bpe", model_type="bpe", vocab_size=560, byte_fallback=True, user_defined_symbols=["<sym>", "\u2581\u2581"], remove_extra_whitespaces=False, normalization_rule_name="identity")
train("suffix", model_type="unigram", vocab_size=150, treat_whitespace_as_suffix=True, add_dummy_prefix=False, denormalization_rule_tsv=work + "/rules.tsv", **rules)
train("char", model_type="char", vocab_size=90, user_defined_symbols=["<sym>"], **rules)
train("word", model_type="word", vocab_size=120, hard_vocab_limit=False, **rules)

words = Tokenizer(models.BPE())
words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
words.train([corpus], trainers.BpeTrainer(vocab_size=600, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
decode = {chr(b): b for b in visible}
decode.update({chr(256 + i): b for i, b in enumerate(b for b in range(256) if b not in visible)})
ranks = {bytes(decode[c] for c in token): rank for token, rank in words.get_vocab().items()}
with open(out + "/small.tiktoken", "wb") as file:
    for token, rank in sorted(ranks.items(), key=lambda item: item[1]):
        file.write(base64.b64encode(token) + b" " + str(rank).encode() + b"\n")

import tiktoken_ext.openai_public as public
public.load_tiktoken_bpe = lambda *args, **kwargs: {}
TEKKEN = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+"
          r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
patterns = {"gpt2": public.r50k_pat_str, "cl100k": public.cl100k_base()["pat_str"], "o200k": public.o200k_base()["pat_str"], "tekken": TEKKEN, "odd": r"[ab]+|."}

with gzip.GzipFile(out + "/raw.jsonl.gz", "wb", mtime=0) as file:
    def write(value):
        file.write((json.dumps(value) + "\n").encode())

    for name in ("unigram", "bpe", "suffix", "char", "word"):
        processor = spm.SentencePieceProcessor(model_file=f"{out}/{name}.model")
        for text in texts:
            ids = processor.encode(text, out_type=int)
            write({"model": name + ".model", "text": text, "ids": ids, "tokens": processor.encode(text, out_type=str), "decoded": processor.decode(ids)})
    for name, pattern in patterns.items():
        encoding = tiktoken.Encoding(name, pat_str=pattern, mergeable_ranks=ranks, special_tokens={"<|end|>": 600})
        for text in texts:
            ids = encoding.encode_ordinary(text)
            write({"model": "small.tiktoken", "pattern": pattern, "text": text, "ids": ids, "decoded": encoding.decode(ids)})

CLASSES = [
    ("unigram", "spiece.model", "t5", {"tokenizer_class": "T5Tokenizer"}), ("unigram", "spiece.model", "mt5", {"extra_ids": 3}),
    ("unigram", "sentencepiece.bpe.model", "xlm-roberta", {"tokenizer_class": "XLMRobertaTokenizer"}), ("unigram", "sentencepiece.bpe.model", "kosmos-2", {}),
    ("unigram", "sentencepiece.bpe.model", "mbart", {"tokenizer_class": "MBartTokenizer", "src_lang": "de_DE"}),
    ("unigram", "sentencepiece.bpe.model", "mbart", {"tokenizer_class": "MBart50Tokenizer", "src_lang": "fr_XX"}),
    ("unigram", "sentencepiece.bpe.model", "nllb", {"tokenizer_class": "NllbTokenizer"}),
    ("bpe", "sentencepiece.bpe.model", "seamless_m4t", {"tokenizer_class": "SeamlessM4TTokenizer"}),
    ("unigram", "sentencepiece.bpe.model", "camembert", {"tokenizer_class": "CamembertTokenizer"}),
    ("unigram", "sentencepiece.bpe.model", "barthez", {"tokenizer_class": "BarthezTokenizer"}),
    ("unigram", "spiece.model", "albert", {"tokenizer_class": "AlbertTokenizer"}),
    ("unigram", "spm.model", "deberta-v2", {"tokenizer_class": "DebertaV2Tokenizer", "do_lower_case": True, "split_by_punct": True, "unk_token": "<unk>"}),
    ("unigram", "spiece.model", "big_bird", {"tokenizer_class": "BigBirdTokenizer"}), ("unigram", "spiece.model", "xlnet", {"tokenizer_class": "XLNetTokenizer"}),
    ("bpe", "tokenizer.model", "llama", {"tokenizer_class": "LlamaTokenizer", "add_bos_token": True, "legacy": False, "added_tokens_decoder": {
        "1": {"content": "<s>", "lstrip": False, "rstrip": False, "normalized": False, "single_word": False, "special": True},
        "560": {"content": "<new>", "lstrip": True, "rstrip": True, "normalized": False, "single_word": False, "special": False}}}),
    ("bpe", "tokenizer.model", "llama", {"tokenizer_class": "LlamaTokenizer", "legacy": True, "add_eos_token": True, "additional_special_tokens": ["<a>", "war"]}),
    ("bpe", "tokenizer.model", "gemma", {"tokenizer_class": "GemmaTokenizer", "add_bos_token": True}),
    ("bpe", "tokenizer.model", "mistral", {"tokenizer_class": "LlamaTokenizer", "add_bos_token": True}),
    ("unigram", "tokenizer.model", "internlm2", {"tokenizer_class": "PreTrainedTokenizerFast"}),
    ("small.tiktoken", "tokenizer.model", "llama", {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<|begin|>", "eos_token": "<|end|>", "add_bos_token": True}),
    ("unigram", "source.spm", "marian", {"tokenizer_class": "MarianTokenizer"}),
    ("unigram", "sentencepiece.bpe.model", "m2m_100", {"tokenizer_class": "M2M100Tokenizer", "src_lang": "de"}),
]


def vocabulary():
    processor = spm.SentencePieceProcessor(model_file=out + "/unigram.model")
    pieces = [processor.id_to_piece(i) for i in range(5, processor.piece_size())]
    return {token: i for i, token in enumerate(dict.fromkeys(["<s>", "<pad>", "</s>", "<unk>", ">>fra<<", *pieces[:300]]))}


with gzip.GzipFile(out + "/classes.jsonl.gz", "wb", mtime=0) as file:
    for source, name, kind, config in CLASSES:
        folder = tempfile.mkdtemp()
        shutil.copy(f"{out}/{source}" + ("" if "." in source else ".model"), folder + "/" + name)
        maps = kind in ("marian", "m2m_100")
        if maps:
            shutil.copy(f"{out}/unigram.model", folder + "/target.spm")
            json.dump(vocabulary(), open(folder + "/vocab.json", "w"))
        json.dump({"model_type": kind}, open(folder + "/config.json", "w"))
        json.dump(config, open(folder + "/tokenizer_config.json", "w"))
        tokenizer = AutoTokenizer.from_pretrained(folder)
        write({"class": type(tokenizer).__name__, "source": source if "." in source else source + ".model", "name": name, "model_type": kind, "config": config,
               "vocabulary": vocabulary() if maps else None})
        for i, text in enumerate(texts[:31:3] + texts[31::4] + [">>fra<< war", "<new> x <a>war"]):
            pair = "the war " if i % 5 == 3 else None
            encoded = tokenizer(text, pair)
            case = {"text": text, "pair": pair, "ids": encoded["input_ids"],
                    "decoded": tokenizer.decode(encoded["input_ids"], skip_special_tokens=True, clean_up_tokenization_spaces=False),
                    "all": tokenizer.decode(encoded["input_ids"], clean_up_tokenization_spaces=False)}
            if not maps:
                encoding = encoded.encodings[0]
                case |= {"tokens": encoding.tokens, "types": encoding.type_ids, "offsets": [
                    [len((pair if sequence else text)[:p].encode("utf-16-le")) // 2 for p in offsets] for offsets, sequence in zip(encoding.offsets, encoding.sequence_ids)]}
            write(case)
