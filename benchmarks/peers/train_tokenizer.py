"""Trains a tokenizer with Hugging Face tokenizers, with the pipeline that Triptych's trainer of the same kind has.

Arguments: kind (bpe, wordpiece, unigram or wordlevel), size of the vocabulary, files.
Prints the seconds that it took, and the tokens as a JSON list.
"""
import json
import os
import sys
import time

os.environ["TOKENIZERS_PARALLELISM"] = "true"  # all cores, whatever the environment says: read when the package is loaded

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

kind, size, *files = sys.argv[1:]
options = dict(vocab_size=int(size), show_progress=False)
if kind == "bpe":
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(special_tokens=["<|endoftext|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), **options)
elif kind == "wordpiece":
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], **options)
elif kind == "unigram":
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(special_tokens=["<unk>"], unk_token="<unk>", **options)
else:
    tokenizer = Tokenizer(models.WordLevel(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.WordLevelTrainer(special_tokens=["<unk>"], **options)
begin = time.perf_counter()
tokenizer.train(files, trainer)
print(time.perf_counter() - begin)
print(json.dumps(list(tokenizer.get_vocab())))
