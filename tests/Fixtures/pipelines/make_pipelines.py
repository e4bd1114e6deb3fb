#!/usr/bin/env python3
"""make_pipelines.py: tiny random checkpoints with tiny trained tokenizers, and what transformers' pipelines say with them.

    /path/to/oracle/run python3 make_pipelines.py OUT

OUT/NAME/ is a model folder; OUT/cases.json has for each case the task, the model, the input, the options and the result.
transformers 5 has no question-answering and no summarization pipeline any more: their results are made here with its models,
tokenizers and generate() by the algorithm of transformers 4.
"""
import json
import os
import sys

import numpy as np
import torch
import transformers as tf
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

OUT = sys.argv[1]
TEXT = """Once upon a time there was a little girl named Lily. She loved to play in the park with her friend Tom. One day they found
a big red ball. "Let's play!" said Tom. They played all day and were very happy. The movie was absolutely fantastic, I loved
every minute of it. The film was boring and the acting was terrible; a waste of time. Paris is the capital of France. Berlin is
the capital of Germany. Angela Merkel lives in Berlin. John Smith works for Google in New York. The river Thames flows through
London. The company announced that it would open a new factory in Munich next year and hire two hundred people. The mayor said
the city was delighted. Shares rose by three percent on Monday. Das Wetter ist schön, sagte er. Où est la bibliothèque? El niño
come manzanas. It doesn't matter, he said; we're going home. What is the name of the dog? The dog is called Max and he likes cats.
""".replace("\n", " ") * 2
SENTENCES = [s.strip() + "." for s in TEXT.split(".") if s.strip()]


def wordpiece(path):
    t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    t.normalizer = normalizers.BertNormalizer(lowercase=True)
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    t.train_from_iterator(SENTENCES, trainers.WordPieceTrainer(vocab_size=260, special_tokens=special, show_progress=False))
    t.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    t.decoder = decoders.WordPiece(prefix="##")
    fast = tf.PreTrainedTokenizerFast(
        tokenizer_object=t, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]", mask_token="[MASK]", model_max_length=64,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"] if path.startswith("bert") else ["input_ids", "attention_mask"])
    fast.save_pretrained(os.path.join(OUT, path))
    return fast


def bytelevel(path, roberta, length):
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"] if roberta else ["<|endoftext|>"]
    t.train_from_iterator(SENTENCES, trainers.BpeTrainer(
        vocab_size=420, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    t.decoder = decoders.ByteLevel()
    if roberta:
        t.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=False)
        fast = tf.PreTrainedTokenizerFast(tokenizer_object=t, bos_token="<s>", eos_token="</s>", unk_token="<unk>", pad_token="<pad>", cls_token="<s>",
                                          sep_token="</s>", mask_token="<mask>", model_max_length=length)
    else:
        t.post_processor = processors.ByteLevel(trim_offsets=False)
        fast = tf.PreTrainedTokenizerFast(tokenizer_object=t, bos_token="<|endoftext|>", eos_token="<|endoftext|>", unk_token="<|endoftext|>",
                                          model_max_length=length)
    fast.save_pretrained(os.path.join(OUT, path))
    return fast


def build(path, cls, config, seed):
    torch.manual_seed(seed)
    model = cls(config).eval()
    with torch.no_grad():  # larger weights, so that outputs differ clearly
        for n, p in model.named_parameters():
            if p.dim() > 1:
                p.normal_(0, 0.25)
            elif "bias" in n:
                p.normal_(0, 0.1)
    model.tie_weights()
    model.save_pretrained(os.path.join(OUT, path))
    return cls.from_pretrained(os.path.join(OUT, path)).eval()


CASES = []


def case(task, model, input, options, result):
    CASES.append({"task": task, "model": model, "input": input, "options": options, "result": result})


def rounded(x):
    return json.loads(json.dumps(x, default=lambda v: v.item()))


def decode_qa(model, tok, question, context, top_k=1, max_answer_len=15, max_seq_len=384, doc_stride=128, handle_impossible_answer=False, align_to_words=True):
    """QuestionAnsweringPipeline of transformers 4."""
    max_seq_len = min(tok.model_max_length, max_seq_len)
    doc_stride = min(max_seq_len // 2, doc_stride)
    # tokenizers 0.23.1 stops after the first overflowing part, so the parts are cut here.
    plain = tok.backend_tokenizer
    plain.no_truncation()
    q, c = plain.encode(question, add_special_tokens=False), plain.encode(context, add_special_tokens=False)
    room = max_seq_len - len(q.ids) - 3
    answers, null, at = [], 1000000, 0
    windows = []
    while True:
        windows.append((at, min(at + room, len(c.ids))))
        if windows[-1][1] == len(c.ids):
            break
        at += room - doc_stride
    for low, high in windows:
        first = len(q.ids) + 2
        ids = np.array([tok.cls_token_id] + q.ids + [tok.sep_token_id] + c.ids[low:high] + [tok.sep_token_id])
        p_mask = np.array([0 if first <= i < len(ids) - 1 else 1 for i in range(len(ids))])
        p_mask[0] = 0
        x = {"input_ids": torch.tensor(ids[None]), "attention_mask": torch.ones(1, len(ids), dtype=torch.int64)}
        with torch.no_grad():
            out = model(**x)
        undesired = np.abs(p_mask - 1)
        def norm(v):
            v = np.where(undesired == 0, -10000.0, v.numpy()[0])
            v = np.exp(v - v.max())
            return v / v.sum()
        start, end = norm(out.start_logits), norm(out.end_logits)
        if handle_impossible_answer:
            null = min(null, float(start[0] * end[0]))
        start[0] = end[0] = 0
        cand = np.tril(np.triu(np.outer(start, end)), max_answer_len - 1)
        order = np.argsort(-cand.flatten())[:top_k]
        for i in order:
            s, e = np.unravel_index(i, cand.shape)
            if not (undesired[s] and undesired[e]):
                continue
            score = float(cand[s, e])
            s, e = s - first + low, e - first + low
            words = range(low, high)
            a = min(c.offsets[i][0] for i in words if c.word_ids[i] == c.word_ids[s]) if align_to_words else c.offsets[s][0]
            b = max(c.offsets[i][1] for i in words if c.word_ids[i] == c.word_ids[e]) if align_to_words else c.offsets[e][1]
            text = context[a:b]
            same = [x for x in answers if x["answer"].lower() == text.lower()]
            if same:
                same[0]["score"] += score
            else:
                answers.append({"score": score, "start": a, "end": b, "answer": text})
    if handle_impossible_answer:
        answers.append({"score": null, "start": 0, "end": 0, "answer": ""})
    return sorted(answers, key=lambda a: -a["score"])[:top_k]


def main():
    os.makedirs(OUT, exist_ok=True)
    small = dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24)
    distil = dict(dim=16, n_layers=2, n_heads=2, hidden_dim=24, max_position_embeddings=64)
    texts = ["The movie was absolutely fantastic!", "A waste of time, boring.", "Lily and Tom found a big red ball in the park.", "schön"]

    # text-classification
    tok = wordpiece("distilbert-sentiment")
    model = build("distilbert-sentiment", tf.DistilBertForSequenceClassification, tf.DistilBertConfig(
        vocab_size=len(tok), pad_token_id=0, id2label={0: "NEGATIVE", 1: "POSITIVE"}, label2id={"NEGATIVE": 0, "POSITIVE": 1}, **distil), 1)
    p = tf.pipeline("text-classification", model=model, tokenizer=tok)
    for t in texts:
        case("text-classification", "distilbert-sentiment", t, {}, rounded(p(t)))
        case("text-classification", "distilbert-sentiment", t, {"top_k": 2}, rounded(p(t, top_k=None)))
        case("text-classification", "distilbert-sentiment", t, {"function_to_apply": "sigmoid", "top_k": 2}, rounded(p(t, top_k=2, function_to_apply="sigmoid")))
        case("text-classification", "distilbert-sentiment", t, {"function_to_apply": "none", "top_k": 2}, rounded(p(t, top_k=2, function_to_apply="none")))
    long = " ".join(SENTENCES)
    case("text-classification", "distilbert-sentiment", long, {"top_k": 2}, rounded(p(long, top_k=2, truncation=True)))
    p = tf.pipeline("feature-extraction", model=tf.DistilBertModel.from_pretrained(os.path.join(OUT, "distilbert-sentiment")).eval(), tokenizer=tok)
    for t in texts:
        case("feature-extraction", "distilbert-sentiment", t, {}, rounded(p(t)[0]))

    tok = wordpiece("bert-topics")
    names = {0: "sport", 1: "politics", 2: "film"}
    model = build("bert-topics", tf.BertForSequenceClassification, tf.BertConfig(
        vocab_size=len(tok), pad_token_id=0, max_position_embeddings=64, problem_type="multi_label_classification", id2label=names,
        label2id={v: k for k, v in names.items()}, **small), 2)
    p = tf.pipeline("text-classification", model=model, tokenizer=tok)
    for t in texts[:3]:
        case("text-classification", "bert-topics", t, {"top_k": 3}, rounded(p(t, top_k=None)))
    pair = {"text": texts[0], "text_pair": texts[2]}
    case("text-classification", "bert-topics", pair, {"top_k": 3}, rounded(p(pair, top_k=None)))

    # fill-mask
    tok = wordpiece("bert-mask")
    model = build("bert-mask", tf.BertForMaskedLM, tf.BertConfig(vocab_size=len(tok), pad_token_id=0, max_position_embeddings=64, **small), 3)
    p = tf.pipeline("fill-mask", model=model, tokenizer=tok)
    for t in ["Paris is the [MASK] of France.", "The [MASK] was boring.", "The [MASK] is called [MASK] and he likes cats."]:
        case("fill-mask", "bert-mask", t, {}, rounded(p(t)))
        case("fill-mask", "bert-mask", t, {"top_k": 3, "targets": ["dog", "the", "big", "london"]}, rounded(p(t, top_k=3, targets=["dog", "the", "big", "london"])))
    tok = bytelevel("roberta-mask", True, 64)
    model = build("roberta-mask", tf.RobertaForMaskedLM, tf.RobertaConfig(
        vocab_size=len(tok), pad_token_id=1, bos_token_id=0, eos_token_id=2, max_position_embeddings=66, type_vocab_size=1, **small), 4)
    p = tf.pipeline("fill-mask", model=model, tokenizer=tok)
    for t in ["Paris is the<mask> of France.", "The<mask> was boring."]:
        case("fill-mask", "roberta-mask", t, {}, rounded(p(t)))

    # token-classification
    labels = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
    tags = dict(id2label=dict(enumerate(labels)), label2id={v: k for k, v in enumerate(labels)})
    tok = wordpiece("bert-ner")
    bert = build("bert-ner", tf.BertForTokenClassification, tf.BertConfig(vocab_size=len(tok), pad_token_id=0, max_position_embeddings=64, **small, **tags), 5)
    bpe = bytelevel("roberta-ner", True, 64)
    roberta = build("roberta-ner", tf.RobertaForTokenClassification, tf.RobertaConfig(
        vocab_size=len(bpe), pad_token_id=1, bos_token_id=0, eos_token_id=2, max_position_embeddings=66, type_vocab_size=1, **small, **tags), 6)
    for name, model, tok in [("bert-ner", bert, tok), ("roberta-ner", roberta, bpe)]:
        for strategy in ["none", "simple", "first", "average", "max"]:
            p = tf.pipeline("token-classification", model=model, tokenizer=tok, aggregation_strategy=strategy)
            for t in ["John Smith works for Google in New York.", "Angela Merkel lives in Berlin, said Bob-Wolfgang.", "中 Max likes 🙂 schön"]:
                if name == "roberta-ner" and "🙂" in t:
                    continue
                result = rounded(p(t))
                for r in result:  # code points to UTF-16 units
                    r["start"], r["end"] = (len(t[:r[k]].encode("utf-16-le")) // 2 for k in ("start", "end"))
                case("token-classification", name, t, {"aggregation_strategy": strategy}, result)

    # question-answering
    tok = wordpiece("distilbert-qa")
    model = build("distilbert-qa", tf.DistilBertForQuestionAnswering, tf.DistilBertConfig(vocab_size=len(tok), pad_token_id=0, **distil), 7)
    for q, c in [("What is the capital of France?", "Berlin is big. Paris is the capital of France."), ("What is the name of the dog?", " ".join(SENTENCES))]:
        for kw in [{}, {"top_k": 3}, {"handle_impossible_answer": True, "top_k": 2}, {"max_answer_len": 3, "doc_stride": 16, "max_seq_len": 48}]:
            case("question-answering", "distilbert-qa", {"question": q, "context": c}, kw, decode_qa(model, tok, q, c, **kw))

    # text-generation
    tok = bytelevel("gpt2-stories", False, 64)
    model = build("gpt2-stories", tf.GPT2LMHeadModel, tf.GPT2Config(
        vocab_size=len(tok), n_positions=64, n_embd=16, n_layer=2, n_head=2, bos_token_id=0, eos_token_id=0, pad_token_id=0), 8)
    p = tf.pipeline("text-generation", model=model, tokenizer=tok)
    for t in ["Once upon a time", "The movie was", "schön"]:
        for kw in [dict(max_new_tokens=12, do_sample=False), dict(max_new_tokens=8, do_sample=False, return_full_text=False),
                   dict(max_new_tokens=10, do_sample=False, num_beams=3, num_return_sequences=2), dict(max_new_tokens=12, do_sample=False, repetition_penalty=1.5)]:
            case("text-generation", "gpt2-stories", t, kw, rounded(p(t, **kw)))

    # summarization
    tok = bytelevel("bart-summary", True, 64)
    config = tf.BartConfig(vocab_size=len(tok), d_model=16, encoder_layers=2, decoder_layers=2, encoder_attention_heads=2, decoder_attention_heads=2,
                           encoder_ffn_dim=24, decoder_ffn_dim=24, max_position_embeddings=64, pad_token_id=1, bos_token_id=0, eos_token_id=2,
                           decoder_start_token_id=2, forced_bos_token_id=0)
    config.task_specific_params = {"summarization": {"max_length": 20, "min_length": 6, "num_beams": 4, "length_penalty": 2.0, "no_repeat_ngram_size": 3}}
    model = build("bart-summary", tf.BartForConditionalGeneration, config, 9)
    for t in ["The company announced that it would open a new factory in Munich next year and hire two hundred people.", "Shares rose by three percent."]:
        for kw in [{}, {"max_length": 30, "min_length": 12}, {"num_beams": 1}]:
            g = {**config.task_specific_params["summarization"], **kw}
            x = tok(t, return_tensors="pt")
            ids = model.generate(input_ids=x["input_ids"], attention_mask=x["attention_mask"], **g)
            case("summarization", "bart-summary", t, kw, [{"summary_text": tok.decode(ids[0], skip_special_tokens=True, clean_up_tokenization_spaces=False)}])

    with open(os.path.join(OUT, "cases.json"), "w") as f:
        json.dump(CASES, f, ensure_ascii=False, indent=0)
        f.write("\n")
    print(len(CASES), "cases")


main()
