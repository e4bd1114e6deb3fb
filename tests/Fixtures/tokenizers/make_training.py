"""Trains tokenizers with Hugging Face tokenizers on corpus.txt and a few lines in other scripts, and writes what it learns.

    python3 make_training.py FOLDER        (needs the packages tokenizers and transformers; FOLDER has corpus.txt)

FOLDER gets training.json.gz: the texts, and cases with the options, the pipeline to train into (a tokenizer.json without
vocabulary), and the model that came out. Where the reference breaks ties by chance, anew in each run, the case has the flag
"chance": the test gives letters the ids that they had in that run, and then all the rest has to be the same. Unigram scores
that differ between runs are null.
"""
import gzip
import json
import sys
import tempfile
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers as N, pre_tokenizers as P, processors, trainers
from transformers import PreTrainedTokenizerFast

folder = sys.argv[1]
lines = [line for line in open(f"{folder}/corpus.txt", encoding="utf-8").read().split("\n") if line]
texts = lines + [
    "Der Fluß fließt über die Brücke, naïve façade: Ærøskøbing, Łódź, ﬁne ①②③ ½ Ⅳ.", "Die Flüsse fließen über die Brücken.",
    "今天天气很好，我们去公园吧。今天公园很好。", "東京タワーは高いです。東京は大きいです。", "한국어 문장입니다. 한국어 문장은 어렵습니다.",
    "Привет, мир! Как дела? Привет, как дела.", "नमस्ते दुनिया कैसे हो", "emoji 😀😀👩‍👩‍👧🏽 and 𝒻𝒶𝓃𝒸𝓎 𐐀𐐨 text 𠀀𠀁 ￼",
    "tabs\tand\r\nnewlines\n\n  and   spaces.", "x" * 60 + " aaaa aaaaa aaa abababab ababab 12345 3.14 1,000",
]
cases = []


def case(name, kind, pre, options, normalizer=None, model=None, chance=False):
    tokenizer = Tokenizer(model or models.BPE())
    if pre is not None:
        tokenizer.pre_tokenizer = pre
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    pipeline = json.loads(tokenizer.to_str())
    arguments = dict(options, show_progress=False)
    if "initial_alphabet" in options:
        arguments["initial_alphabet"] = list(options["initial_alphabet"])
    trainer = {"bpe": trainers.BpeTrainer, "wordpiece": trainers.WordPieceTrainer, "wordlevel": trainers.WordLevelTrainer,
               "unigram": trainers.UnigramTrainer}[kind]
    if isinstance(pre, P.ByteLevel):
        arguments["initial_alphabet"] = P.ByteLevel.alphabet()
    tokenizer.train_from_iterator(texts, trainer(**arguments))
    learned = json.loads(tokenizer.to_str())["model"]
    if kind == "unigram":
        for _ in range(8):
            tokenizer.train_from_iterator(texts, trainer(**arguments))
            again = dict(json.loads(tokenizer.to_str())["model"]["vocab"])
            assert again.keys() == {token for token, _ in learned["vocab"]}, "the reference is not the same in each run"
            learned["vocab"] = [[token, score if score is not None and abs(score - again[token]) < 1e-9 else None]
                                for token, score in learned["vocab"]]
    cases.append(dict(name=name, kind=kind, options=options, chance=chance, pipeline=pipeline, vocab=learned["vocab"],
                      merges=learned.get("merges")))


words, byte_level = P.Whitespace(), P.ByteLevel(add_prefix_space=False)
case("bytes", "bpe", byte_level, dict(vocab_size=900, special_tokens=["<|endoftext|>"]))
case("words", "bpe", words, dict(vocab_size=900, min_frequency=2, special_tokens=["[UNK]", "[PAD]"]), model=models.BPE(unk_token="[UNK]"))
case("everything", "bpe", words, dict(vocab_size=6000, special_tokens=[]))
case("metaspace", "bpe", P.Metaspace(), dict(vocab_size=800, special_tokens=["<unk>"], initial_alphabet="@€ßÿ"), normalizer=N.NFKC())
case("short", "bpe", words, dict(vocab_size=800, special_tokens=[], max_token_length=4))
case("whole texts", "bpe", None, dict(vocab_size=700, special_tokens=[]))
case("prefix", "bpe", words, dict(vocab_size=900, special_tokens=["[UNK]"], continuing_subword_prefix="##"), chance=True)
case("suffix", "bpe", words, dict(vocab_size=900, special_tokens=["[UNK]"], end_of_word_suffix="</w>"), chance=True)
case("alphabet", "bpe", words, dict(vocab_size=500, special_tokens=["[UNK]", "e"], limit_alphabet=50), chance=True)
case("wordpiece", "wordpiece", P.BertPreTokenizer(), dict(vocab_size=900, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]),
     normalizer=N.BertNormalizer(lowercase=True), model=models.WordPiece(unk_token="[UNK]"), chance=True)
case("wordlevel", "wordlevel", words, dict(vocab_size=500, special_tokens=["<unk>"]), model=models.WordLevel(unk_token="<unk>"))
case("frequent words", "wordlevel", words, dict(vocab_size=5000, min_frequency=3, special_tokens=["<unk>"]), model=models.WordLevel(unk_token="<unk>"))
unigram = dict(special_tokens=["<unk>", "<pad>"], unk_token="<unk>")
case("pieces", "unigram", P.Metaspace(), dict(unigram, vocab_size=500), normalizer=N.NFKC(), model=models.Unigram())
case("many pieces", "unigram", P.Metaspace(), dict(unigram, vocab_size=1500, initial_alphabet="@€"), normalizer=N.NFKC(), model=models.Unigram())
case("short pieces", "unigram", P.Metaspace(), dict(unigram, vocab_size=400, max_piece_length=5, n_sub_iterations=3, shrinking_factor=0.6),
     normalizer=N.NFKC(), model=models.Unigram())

# transformers' way to train anew what another tokenizer is.
old = Tokenizer(models.BPE())
old.pre_tokenizer = P.Sequence([P.Digits(individual_digits=True), P.ByteLevel(add_prefix_space=True)])
old.decoder = decoders.ByteLevel()
old.train_from_iterator(["old words"], trainers.BpeTrainer(
    vocab_size=300, initial_alphabet=P.ByteLevel.alphabet(), show_progress=False,
    special_tokens=["<s>", "<pad>", "</s>", AddedToken("<mask>", lstrip=True, special=True)]))
old.add_tokens(["plain"])
old.post_processor = processors.TemplateProcessing(single="<s> $A </s>", pair="<s> $A </s> $B:1 </s>:1", special_tokens=[("<s>", 0), ("</s>", 2)])
fast = PreTrainedTokenizerFast(tokenizer_object=old, bos_token="<s>", eos_token="</s>", pad_token="<pad>", mask_token="<mask>")
new = fast.train_new_from_iterator([texts], 600, new_special_tokens=["<new>"])
anew = dict(vocab_size=600, old=json.loads(old.to_str()), new=json.loads(new.backend_tokenizer.to_str()))

# Files are read line by line, with the line endings.
with tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="") as file:
    file.write("\n".join(texts))
    file.flush()
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = byte_level
    tokenizer.train([file.name], trainers.BpeTrainer(vocab_size=600, initial_alphabet=P.ByteLevel.alphabet(), special_tokens=[], show_progress=False))
    files = dict(vocab=json.loads(tokenizer.to_str())["model"]["vocab"], vocab_size=600)

content = json.dumps(dict(texts=texts[len(lines):], cases=cases, anew=anew, files=files), ensure_ascii=False, separators=(",", ":"))
with gzip.GzipFile(f"{folder}/training.json.gz", "wb", 9, mtime=0) as output:
    output.write(content.encode("utf-8"))
