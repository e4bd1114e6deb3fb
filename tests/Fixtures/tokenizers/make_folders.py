"""Makes folders.jsonl.gz: what the tokenizer classes of transformers make of model folders.

    python3 make_folders.py corpus.txt sentencepiece OUT      (needs tokenizers and transformers 5.12)

A line with "class" begins a folder: its "files" by name, and "copies" of fixtures, by name too; "vocab.json" and "merges.txt" are copied
out of a tokenizer.json, as is "vocab.txt"; a "tokenizer.json" is the fixture itself. The lines behind it are its texts, in the languages of the line where it has some; a "target" is
a text_target. Offsets count UTF-16 units. A line with "heard" has ids of steps that a speech model takes, and the places of characters and words.
"""
import gzip
import json
import os
import random
import shutil
import sys
import tempfile

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer, BatchEncoding
from transformers.models.tapas import tokenization_tapas

corpus, pieces, out = sys.argv[1:]
here = os.path.dirname(os.path.abspath(__file__))
rng = random.Random(11)


def positional(make):
    return lambda sep, cls, **options: make(sep, cls, **options)


# transformers 5.12 calls an argument cls that builds of tokenizers 0.23 call cls_token.
for kind in ("RobertaProcessing", "BertProcessing"):
    if "cls_token" in (getattr(getattr(processors, kind), "__text_signature__", None) or ""):
        setattr(processors, kind, positional(getattr(processors, kind)))

lines = [line.strip() for line in open(corpus, encoding="utf-8") if len(line) > 30]
PIECES = [" ", "  ", "\n", "\t", "e\u0301", "\u00a0", "\u3000", "<s>", "</s>", "<mask>", " [MASK]", "<|endoftext|>", "<|0.04|>", "<new> ", "Pierre", "the ", " Prince", "war", "don't", "12", "345", "日本",
          "При", "😀", "[QUESTION]", ".", "'LL", "``", "İ", "ß", "\x1e", "|", "x" * 105]
texts = ["", " ", " a", "Hello world", "don't  stop\n\n"] + [line[:80] for line in lines[5:17]] + [
    "".join(rng.choice(PIECES) if rng.random() < 0.8 else chr(rng.choice([rng.randrange(32, 127), rng.randrange(0xA0, 0x2FF), rng.randrange(0x3040, 0x30FF)]))
            for _ in range(rng.randrange(1, 12))) for _ in range(16)]

words = Tokenizer(models.BPE(end_of_word_suffix="</w>", unk_token="<unk>"))
words.normalizer = normalizers.Lowercase()
words.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
words.train([corpus], trainers.BpeTrainer(vocab_size=260, special_tokens=["<s>", "<pad>", "</s>", "<unk>"], end_of_word_suffix="</w>", show_progress=False))
model = json.loads(words.to_str())["model"]
suffixed = {"vocab.json": json.dumps(model["vocab"], ensure_ascii=False), "merges.txt": "#version: 0.2\n" + "".join(" ".join(merge) + "\n" for merge in model["merges"])}
# Ids with a hole in them, and not in order.
holes = {token: i + (5 if i > 40 else 0) for i, token in enumerate(reversed(list(model["vocab"])))}
BYTES, WORDS = {"vocab.json": "gpt2.json", "merges.txt": "gpt2.json"}, {"vocab.txt": "bert-uncased.json"}


def token(content, **options):
    return {"content": content, "lstrip": False, "rstrip": False, "normalized": False, "single_word": False, "special": True} | options


size = len(json.load(open(os.path.join(here, "gpt2.json"), encoding="utf-8"))["model"]["vocab"])
whisper = ["<|startoftranscript|>", "<|en|>", "<|zh|>", "<|de|>", "<|translate|>", "<|transcribe|>", "<|notimestamps|>"]
whisper = {str(size + i): token(content) for i, content in enumerate(whisper)} | {str(size + 7 + i): token(f"<|{i * 0.02:.2f}|>", special=False, normalized=True) for i in range(4)}
FOLDERS = [
    ("gpt2", BYTES, {}, {}), ("opt", BYTES, {"tokenizer_class": "GPT2Tokenizer", "add_bos_token": True, "bos_token": token("</s>", normalized=True) | {"__type": "AddedToken"}, "eos_token": "</s>", "pad_token": "<pad>"}, {}),
    ("phi", BYTES, {"tokenizer_class": "CodeGenTokenizer", "added_tokens_decoder": {str(size): token("<new>", lstrip=True, special=False)}}, {}),
    ("codegen", BYTES, {"tokenizer_class": "CodeGenTokenizer", "add_bos_token": True, "add_prefix_space": True}, {}),
    ("gpt_bigcode", BYTES, {"tokenizer_class": "GPT2TokenizerFast", "additional_special_tokens": ["<new>", "war"]}, {"special_tokens_map.json": {"eos_token": "</s>"}}),
    ("gpt_neox", BYTES, {}, {"added_tokens.json": {"<new>": size}}), ("roberta", BYTES, {}, {}), ("bart", BYTES, {"tokenizer_class": "BartTokenizer", "add_prefix_space": True}, {}),
    ("longformer", BYTES, {"tokenizer_class": "LongformerTokenizerFast", "trim_offsets": False}, {}), ("led", BYTES, {}, {}), ("blenderbot", BYTES, {}, {}), ("deberta", BYTES, {}, {}),
    ("qwen2", BYTES, {"tokenizer_class": "Qwen2Tokenizer", "add_prefix_space": False, "unk_token": None, "eos_token": "<|im_end|>", "additional_special_tokens": ["<new>"]}, {}),
    ("qwen2", BYTES, {"tokenizer_class": "LlamaTokenizer"}, {}), ("cohere", BYTES, {"add_bos_token": True}, {}),
    ("whisper", BYTES, {"added_tokens_decoder": whisper}, {}), ("whisper", BYTES, {"added_tokens_decoder": whisper, "language": "German", "task": "translate", "predict_timestamps": True}, {}),
    ("clip", {}, {"unk_token": "<unk>"}, suffixed), ("openai-gpt", {}, {}, suffixed), ("herbert", {}, {"tokenizer_class": "HerbertTokenizer"}, suffixed),
    ("openai-gpt", {}, {}, suffixed | {"vocab.json": json.dumps(holes)}),
    ("bert", WORDS, {}, {}), ("bert", WORDS, {"do_lower_case": False, "strip_accents": True, "tokenize_chinese_chars": False}, {"added_tokens.json": {"<new>": 5000}}),
    ("distilbert", WORDS, {"tokenizer_class": "DistilBertTokenizer"}, {}), ("electra", WORDS, {"tokenizer_class": "ElectraTokenizerFast", "strip_accents": False}, {}), ("mpnet", WORDS, {}, {}),
    ("funnel", WORDS, {"clean_text": False, "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}, {}), ("splinter", WORDS, {}, {}), ("splinter", WORDS, {"padding_side": "left"}, {}), ("dpr", WORDS, {"do_lower_case": False, "tokenizer_class": "DPRContextEncoderTokenizer"}, {}),
    ("rembert", {"sentencepiece.model": "sentencepiece/unigram.model"}, {}, {}), ("reformer", {"spiece.model": "sentencepiece/unigram.model"}, {}, {}),
    ("fnet", {"spiece.model": "sentencepiece/unigram.model"}, {}, {}),
]
CODES = {"mbart": "de_DE fr_XX", "mbart50": "de_DE sl_SI", "nllb": "deu_Latn fra_Latn", "m2m_100": "de fr", "plbart": "python en_XX", "seamless_m4t": "deu fra", "marian": "en fr"}
UNIGRAM, BPE = {"sentencepiece.bpe.model": "sentencepiece/unigram.model"}, {"sentencepiece.bpe.model": "sentencepiece/bpe.model"}
vocabulary = json.dumps({piece: i for i, piece in enumerate(["<s>", "<pad>", "</s>", "<unk>", ">>fra<<", "▁", "▁the", "e", "t", "a", "▁a", "s", "n", "o", "r", ",", "▁Prince", "war"])})
other = json.dumps({piece: i for i, piece in enumerate(["r", "<pad>", "</s>", "<unk>", "▁Prince", "▁war", "▁the", "s", "a", "t", "e", "▁a", "n", "o", "i", "h", "▁", "d"])})
MARIAN = {"source.spm": "sentencepiece/unigram.model", "target.spm": "sentencepiece/bpe.model"}
FOLDERS += [
    ("mbart", UNIGRAM, {"tokenizer_class": "MBartTokenizer"}, {}), ("mbart50", UNIGRAM, {"tokenizer_class": "MBart50Tokenizer"}, {}),
    ("nllb", UNIGRAM, {"tokenizer_class": "NllbTokenizer", "additional_special_tokens": ["deu_Latn", "fra_Latn", "eng_Latn"]}, {}),
    ("nllb", UNIGRAM, {"tokenizer_class": "NllbTokenizer", "legacy_behaviour": True, "additional_special_tokens": ["deu_Latn", "fra_Latn", "eng_Latn"]}, {}),
    ("m2m_100", UNIGRAM, {"tokenizer_class": "M2M100Tokenizer"}, {"vocab.json": vocabulary}),
    ("seamless_m4t", BPE, {"additional_special_tokens": ["__deu__", "__fra__", "__eng__"], "added_tokens_decoder": {str(561 + i): token(f"__{code}__") for i, code in enumerate(("deu", "fra", "eng"))}}, {}),
    ("marian", MARIAN, {"tokenizer_class": "MarianTokenizer"}, {"vocab.json": vocabulary}),
    ("marian", MARIAN, {"tokenizer_class": "MarianTokenizer", "separate_vocabs": True}, {"vocab.json": vocabulary, "target_vocab.json": other}),
]
# Of a tokenizer.json the class takes vocabulary and merges; stages, and unless told otherwise the added tokens' properties, are its own.
BYTE_JSON, WORD_JSON = {"tokenizer.json": "gpt2.json"}, {"tokenizer.json": "bert-uncased.json"}
FOLDERS += [
    ("qwen3", BYTE_JSON, {"tokenizer_class": "Qwen2Tokenizer", "eos_token": "<|im_end|>", "add_prefix_space": True}, {}),
    ("roberta", {"tokenizer.json": "qwen2.json"}, {"tokenizer_class": "RobertaTokenizerFast", "trim_offsets": False, "additional_special_tokens": ["war"]}, {}),
    ("codegen", {"tokenizer.json": "roberta-added.json"}, {"tokenizer_class": "CodeGenTokenizer", "add_bos_token": True}, {}),
    ("cohere", {"tokenizer.json": "llama3.json"}, {"tokenizer_class": "CohereTokenizerFast"}, {}), ("gpt_neox", {"tokenizer.json": "llama2.json"}, {}, {}),
    ("bert", WORD_JSON, {"tokenizer_class": "BertTokenizerFast", "do_lower_case": False, "strip_accents": True}, {}),
    ("convbert", {"tokenizer.json": "wordpiece-nfkd.json"}, {"tokenizer_class": "ConvBertTokenizer", "do_lower_case": False}, {}),
    ("mpnet", {"tokenizer.json": "bert-cased-added.json"}, {"unk_token": "[UNK]"}, {}), ("bert", BYTE_JSON, {"unk_token": "<|endoftext|>"}, {}),
]
letters = {letter: i for i, letter in enumerate(["<pad>", "<s>", "</s>", "<unk>", "|", *"ETAOINHSRDLUMWCFGYPBVKXJQZ'", "Ä"])}
UNIGRAM = {"spiece.model": "sentencepiece/unigram.model"}
FOLDERS += [
    ("wav2vec2", {}, {"tokenizer_class": "Wav2Vec2CTCTokenizer", "do_lower_case": True}, {"vocab.json": letters}),
    ("wav2vec2", {}, {"tokenizer_class": "Wav2Vec2CTCTokenizer", "target_lang": "deu", "word_delimiter_token": "_", "replace_word_delimiter_char": "-", "unk_token": "[UNK]", "additional_special_tokens": ["<new>", "a"],
                      "pad_token": "[PAD]"}, {"vocab.json": {"eng": {"a": 0}, "deu": {t: i for i, t in enumerate(["[PAD]", "[UNK]", "|", "a", "e", "the", "r", "wa", "_"])}}}),
    ("t5", {}, {"tokenizer_class": "ByT5Tokenizer"}, {}), ("t5", {}, {"tokenizer_class": "ByT5Tokenizer", "extra_ids": 0, "additional_special_tokens": ["<new>", "b"]}, {"added_tokens.json": {"war": 300}}),
    ("siglip", UNIGRAM, {"tokenizer_class": "SiglipTokenizer"}, {}),
    ("siglip", UNIGRAM, {"do_lower_case": False, "additional_special_tokens": ["<new>", "▁war"], "added_tokens_decoder": {"0": token("<unk>", lstrip=True, rstrip=True), "2": token("</s>", lstrip=True, rstrip=True)}}, {}),
]
# Words in pieces: the merges of the BPE above, counted.
merges = [" ".join(merge) for merge in model["merges"]]
pieces_of_words = sorted({part for line in lines[:400] for word in line.split() for part in (word, word[:2] + "@@", word[2:], word[:1] + "@@", word[1:])} - {""})[::9]
counted = {"vocab.txt": "".join(f"{piece} 1\n" for piece in pieces_of_words), "bpe.codes": "".join(f"{merge} {1000 - i}\n" for i, merge in enumerate(merges))}
amino = ["<cls>", "<pad>", "<eos>", "<unk>", *"LAGVSERTIDPKQNFYMHWCXBUZO.-", "<null_1>", "<mask>", "war"]
BPE_MODEL, UNIGRAM_BPE = {"tokenizer.model": "sentencepiece/bpe.model"}, {"sentencepiece.bpe.model": "sentencepiece/unigram.model"}
FOLDERS += [
    ("code_llama", BPE_MODEL, {"tokenizer_class": "CodeLlamaTokenizer"}, {}),
    ("code_llama", BPE_MODEL, {"tokenizer_class": "CodeLlamaTokenizer", "add_bos_token": False, "add_eos_token": True, "add_prefix_space": False, "suffix_token": "war", "additional_special_tokens": ["<new>"]}, {}),
    ("qwen3_5", BYTE_JSON, {"tokenizer_class": "Qwen3_5Tokenizer", "eos_token": "<|im_end|>"}, {}), ("markuplm", {"tokenizer.json": "roberta-added.json"}, {"tags_dict": {"a": 0}}, {}),
    ("nougat", BYTE_JSON, {"tokenizer_class": "NougatTokenizer"}, {}), ("siglip2", {"tokenizer.json": "llama2.json"}, {"tokenizer_class": "Siglip2Tokenizer"}, {}),
    ("layoutlmv2", WORDS, {"strip_accents": True}, {}), ("layoutlmv3", BYTES, {}, {}), ("layoutxlm", UNIGRAM_BPE, {"mask_token": "war"}, {}), ("udop", UNIGRAM, {}, {}),
    ("speecht5", {"spm_char.model": "sentencepiece/char.model"}, {"tokenizer_class": "SpeechT5Tokenizer"}, {"added_tokens.json": {"<mask>": 500}}),
    ("gpt-sw3", UNIGRAM, {"tokenizer_class": "GPTSw3Tokenizer"}, {}), ("bert-generation", UNIGRAM, {"tokenizer_class": "BertGenerationTokenizer"}, {}),
    # Its class tidies texts whatever it is told when decoding, unless the files say otherwise.
    ("plbart", UNIGRAM_BPE, {"tokenizer_class": "PLBartTokenizer", "clean_up_tokenization_spaces": False}, {}),
    ("plbart", UNIGRAM_BPE, {"tokenizer_class": "PLBartTokenizer", "language_codes": "multi", "src_lang": "java", "additional_special_tokens": ["<new>"], "clean_up_tokenization_spaces": False}, {}),
    ("phobert", {}, {"tokenizer_class": "PhobertTokenizer"}, counted), ("bertweet", {}, {"tokenizer_class": "BertweetTokenizer", "additional_special_tokens": ["<new>"]}, counted),
    ("ctrl", {}, {"tokenizer_class": "CTRLTokenizer"}, {"vocab.json": {piece: i for i, piece in enumerate(["<unk>", *pieces_of_words])}, "merges.txt": "#version: 0.2\n" + "\n".join(merges[::-1])}),
    ("esm", {}, {"tokenizer_class": "EsmTokenizer"}, {"vocab.txt": "\n".join(amino)}),
    ("perceiver", {}, {"tokenizer_class": "PerceiverTokenizer", "additional_special_tokens": ["<new>"]}, {}), ("canine", {}, {"tokenizer_class": "CanineTokenizer", "additional_special_tokens": ["<new>"]}, {}),
]
# Classes of Python alone, and others that have no tokenizer.json of their own.
prophet, shapes = {"prophetnet.tokenizer": "bert-uncased.json"}, {"word_shape.json": {"[UNK]": 0}, "word_pronunciation.json": {"[UNK]": 0}}
small = {"__null__": 0, "__start__": 1, "__end__": 2, "__unk__": 3, "__newln__": 4}
for piece in pieces_of_words + list(model["vocab"]):
    small.setdefault(piece.removesuffix("</w>").lower(), len(small))
small = {"vocab.json": small, "merges.txt": "#version: 0.2\n" + "".join(f"{merge}\n" for merge in merges)}
japanese = ["<|endoftext|>", "<|startoftext|>", "<SP>", "<BR>", "<TAB>", "<BLOCK>", "<KIGOU>", "<U2000U2BFF>", "<URL>", "<EMAIL>", "<TEL>", "<DATE>", "<PRICE>", "<|emoji1|>", ",", "日本,にほん", "日", "本",
            "the", "he", "t", "e", "war", "Pie", "Prince", "<", "<n", "12", "1", "2", "ー"] + [f"<|byte{i}|>" for i in range(256)]
japanese = {"vocab.txt": "".join(f"{word}\n" for word in japanese), "emoji.json": {"emoji": {"😀": "<|emoji1|>"}, "emoji_inv": {"<|emoji1|>": "😀"}}}
speech = {"vocab.json": {piece: i for i, piece in enumerate(["<s>", "<pad>", "</s>", "<unk>", "▁", "▁the", "e", "t", "a", "▁a", "s", "n", "o", "r", ",", "▁Prince", "war", "<lang:fr>"])}}
sounds = {"vocab.json": {letter: i for i, letter in enumerate(["k", *"abcdefghijlmnopqrstuvwxyz' -", "the", "ţ", "<unk>"])}}
phonemes = {"vocab.json": {word: i for i, word in enumerate(["<pad>", "<s>", "</s>", "<unk>", "|", *sorted({word for text in texts for word in text.split(" ") if word.strip()})[::2]])}}
rules = {"byte_maps.json": {"decompose_map": {"50": "c0 70", "c3 a9": "65 c1"}, "merge_map": {"74 68 65": "f5 81", "69 6e": "f6", "69 6e 67": "f5 83", "c0 70": "f8"}}}
JAPANESE = {"tokenizer_class": "BertJapaneseTokenizer", "word_tokenizer_type": "basic"}
FOLDERS += [
    ("prophetnet", prophet, {}, {}), ("prophetnet", prophet, {"do_lower_case": False, "strip_accents": True, "tokenize_chinese_chars": False, "never_split": ["don't", "the"], "additional_special_tokens": ["<new>"]}, {}),
    ("tapas", WORDS, {}, {}), ("tapas", WORDS, {"do_basic_tokenize": False, "additional_special_tokens": ["<new>"]}, {}), ("roc_bert", WORDS, {}, shapes),
    ("bert-japanese", WORDS, JAPANESE | {"do_lower_case": True}, {}), ("bert-japanese", WORDS, JAPANESE | {"subword_tokenizer_type": "character"}, {}),
    ("bert-japanese", UNIGRAM, JAPANESE | {"subword_tokenizer_type": "sentencepiece", "do_word_tokenize": False}, {}), ("bert-japanese", WORDS, JAPANESE | {"do_subword_tokenize": False}, {}),
    ("blenderbot-small", {}, {"additional_special_tokens": ["<new>"]}, small), ("clvp", BYTES, {"unk_token": "<|endoftext|>"}, {}),
    ("luke", BYTES, {}, {}), ("luke", BYTE_JSON, {"add_prefix_space": True, "additional_special_tokens": ["<new>", "<ent>"]}, {}), ("mluke", UNIGRAM_BPE, {"tokenizer_class": "MLukeTokenizer"}, {}),
    ("lasr_ctc", UNIGRAM, {"tokenizer_class": "LasrTokenizer", "extra_ids": 3}, {}), ("parakeet_ctc", {"tokenizer.json": "llama2.json"}, {"tokenizer_class": "ParakeetTokenizerFast", "pad_token": "<s>"}, {}),
    ("speech_to_text", UNIGRAM_BPE, {"tokenizer_class": "Speech2TextTokenizer", "do_upper_case": True}, speech), ("speech_to_text", UNIGRAM_BPE, {"tokenizer_class": "Speech2TextTokenizer", "lang_codes": "mustc", "tgt_lang": "fr", "additional_special_tokens": ["<new>"]}, speech),
    ("bartpho", UNIGRAM_BPE, {"tokenizer_class": "BartphoTokenizer", "additional_special_tokens": ["<new>", "▁war"]}, {"dict.txt": "▁the 9\n▁a 5\n▁Prince 4\n▁war 3\ns 2\n, 1\n"}),
    ("mgp-str", {}, {}, {"vocab.json": {letter: i for i, letter in enumerate(["[GO]", "[s]", *"0123456789abcdefghijklmnopqrstuvwxyz"])}}),
    ("dia", {}, {}, {}), ("dia", {}, {"offset": 3, "additional_special_tokens": ["<new>"]}, {}), ("myt5", {}, {"tokenizer_class": "MyT5Tokenizer", "extra_ids": 2}, rules),
    ("gpt_neox_japanese", {}, {"tokenizer_class": "GPTNeoXJapaneseTokenizer", "additional_special_tokens": ["<new>"]}, japanese), ("gpt_neox_japanese", {}, {"tokenizer_class": "GPTNeoXJapaneseTokenizer", "do_clean_text": True}, japanese),
    ("vits", {}, {"tokenizer_class": "VitsTokenizer", "phonemize": False, "pad_token": "k"}, sounds), ("vits", {}, {"tokenizer_class": "VitsTokenizer", "phonemize": False, "add_blank": False, "language": "ron"}, sounds), ("vits", {}, {"tokenizer_class": "VitsTokenizer", "phonemize": False, "normalize": False}, sounds),
    ("wav2vec2_phoneme", {}, {"tokenizer_class": "Wav2Vec2PhonemeCTCTokenizer", "do_phonemize": False, "word_delimiter_token": "|"}, phonemes),
]
# Texts for some of them alone.
OWN = {
    "clvp": ["Mr. Smith owes Dr. Lee $1,234.50, $1, $0.01 and $0.", "the 1st, 22nd, 113th of 1999 2005 1800 2000 0 007 3.14 1000001 999999999999999999 1000000000000000000", "\"co. st.mr.\""],
    "gpt_neox_japanese": ["https://a.jp/x?y=1 a.b+c@d.jp,+e@f 03-1234-5678 2020年1月2日12時 令和2年1月2日(月) 1,000円 12億3万円(税込) ─▀║<BLOCK>", "¡˹́\u2001ÿ<日>", "1,23円 123123千円千円"],
    "tapas": ["N/A", " nan ", "?", "_ [EMPTY] ?"], "bert-japanese": ["``1,000,'' 5,x ｶﾞ㌔ 2,"], "blenderbot-small": ["It's (not)\nso!\n'a'\nb\n\n"], "dia": ["[S1] é [S2]"],
    "myt5": ["Prince Pié the singing </s> ", "<extra_id_1>"], "parakeet_ctc": ["aa  the the"], "lasr_ctc": ["the the war"], "vits": ["Ț ŢHE The", "kK İ"],
}


def copy(name, source, folder):
    path = os.path.join(here, source)
    if name == "tokenizer.json":
        return shutil.copy(path, os.path.join(folder, name))
    if not source.endswith(".json"):
        return shutil.copy(os.path.join(pieces, os.path.basename(source)), os.path.join(folder, name))
    model = json.load(open(path, encoding="utf-8"))["model"]
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        if name == "vocab.json":
            json.dump(model["vocab"], file)
        elif name == "merges.txt":
            file.writelines((merge if isinstance(merge, str) else " ".join(merge)) + "\n" for merge in model["merges"])
        else:
            file.writelines(word + "\n" for word in sorted(model["vocab"], key=model["vocab"].get))


def tokenizers_encoding(encoding):
    return BatchEncoding({"input_ids": encoding.ids}, encoding)


def heard(tokenizer):
    """What Wav2Vec2's class makes of random steps: text, characters, words."""
    for i in range(40):
        ids = [id for _ in range(rng.choice([0, 2, 12])) for id in [rng.choice([0, 4, *range(len(tokenizer))])] * rng.choice([1, 1, 3])]
        decoded = tokenizer.decode(ids, skip_special_tokens=i % 4 == 3, output_char_offsets=True, output_word_offsets=True)
        spans = [[[span[kind], int(span["start_offset"]), int(span["end_offset"])] for span in list] for kind, list in (("char", decoded.char_offsets), ("word", decoded.word_offsets))]
        yield {"heard": ids, "skip": i % 4 == 3, "text": decoded.text, "characters": spans[0], "words": spans[1]}


def encode(tokenizer, text, pair):
    """TAPAS's call wants a table, which stands there as a second text that is put together already."""
    question, table = [tokenizer.convert_tokens_to_ids(tokenizer.tokenize(part or "")) for part in (text, pair)]
    return BatchEncoding({"input_ids": tokenizer.build_inputs_with_special_tokens(question, table)})


tokenization_tapas.is_pandas_available = lambda: True  # tables alone need it
with gzip.GzipFile(os.path.join(out, "folders.jsonl.gz"), "wb", mtime=0) as file:
    def write(value):
        file.write((json.dumps(value) + "\n").encode())

    for kind, copies, config, files in FOLDERS:
        folder = tempfile.mkdtemp()
        for name, source in copies.items():
            copy(name, source, folder)
        files = {name: text if isinstance(text, str) else json.dumps(text) for name, text in files.items()}
        files |= {"config.json": json.dumps({"model_type": {"mbart50": "mbart", "nllb": "m2m_100", "herbert": "bert"}.get(kind, kind)}), "tokenizer_config.json": json.dumps(config)}
        for name, text in files.items():
            with open(os.path.join(folder, name), "w", encoding="utf-8") as target:
                target.write(text)
        languages = CODES[kind].split() if kind in CODES else None
        tokenizer = AutoTokenizer.from_pretrained(folder, **({"src_lang": languages[0], "tgt_lang": languages[1]} if languages else {}))
        write({"class": type(tokenizer).__name__, "copies": copies, "files": files, "languages": languages if kind != "marian" else None})
        for i, text in enumerate(texts + [">>fra<< war", "<new> x <a>war"] + OWN.get(kind, [])):
            pair = "the war " if i % 5 == 3 else None
            target = languages is not None and i % 3 == 1
            if kind in ("layoutlmv2", "layoutlmv3", "layoutxlm", "udop", "markuplm"):
                # Their classes want the boxes of words; what they do with a text is in the tokenizer below.
                encoding = tokenizer.backend_tokenizer.encode(text, pair)
                encoded = tokenizers_encoding(encoding)
            elif kind == "tapas":
                encoded = encode(tokenizer, text, pair)
            else:
                encoded = tokenizer(**({"text_target": text, "text_pair_target": pair} if target else {"text": text, "text_pair": pair}))
            if kind == "wav2vec2_phoneme" and not any(token not in tokenizer.all_special_tokens for token in tokenizer.convert_ids_to_tokens(encoded["input_ids"])):
                continue  # its class cannot decode nothing
            case = {"text": text, "pair": pair, "target": target, "ids": encoded["input_ids"],
                    "decoded": tokenizer.decode(encoded["input_ids"], skip_special_tokens=True, clean_up_tokenization_spaces=False),
                    "all": tokenizer.decode(encoded["input_ids"], clean_up_tokenization_spaces=False)}
            if tokenizer.is_fast:
                encoding = encoded.encodings[0]
                case |= {"tokens": encoding.tokens, "types": encoding.type_ids, "offsets": [
                    [len((pair if sequence else text)[:p].encode("utf-16-le")) // 2 for p in offsets] for offsets, sequence in zip(encoding.offsets, encoding.sequence_ids)]}
            write(case)
        if kind == "wav2vec2":
            for case in heard(tokenizer):
                write(case)
