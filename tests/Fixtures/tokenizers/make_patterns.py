"""Writes patterns and the matches that Oniguruma, as Hugging Face tokenizers carries it, finds in texts with them.

    python3 make_patterns.py patterns.jsonl.gz        (needs the package tokenizers)

Each line is {"pattern", "texts", "matches"}: for each text the matches that are not empty, in code points; matches are null where the
pattern is refused.
"""
import gzip
import itertools
import json
import random
import sys
from tokenizers import Regex, pre_tokenizers as P

PATTERNS = [
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"[!-/:-~！-／：-～‘-‟　-。]+", r"[一-龥\u3040-ゟ゠-ヿ]+", r"\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-Ⴥ]+",
    r" ?[^(\s|[.,!?…。，、।۔،])]+", r"[0-9][0-9][0-9]", r"\d{1,3}(?=(?:\d{3})*\b)", r"(?=(\d{3})+(?!\d))", r"[\r\n]", r"\s?\p{L}+",
    r"\s?\p{P}+", r"\p{N}", r"\p{Han}+|\p{Latin}+", r"(?<=[a-z])(?=[A-Z])", r"\R", r"\K", r"a\Kb", r"(a|b)*?c", r"(?:a*)*b?",
    r"(?>a+)b", r"a++b", r"(a)(b)\2\1", r"(?<x>a|b)\k<x>", r"^.", r".$", r"(?m:.+)", r".+", r"\bab\B|\b", r"\Z", r"\z", r"\A.",
    r"\G.", r"(?i)ss", r"(?i)ß", r"(?i:[ß])+", r"(?i:[^a])", r"(?i:\p{Lu})", r"(?i)ﬀi", r"(?i)k\u212a", r"(?i)ſ", r"(?i:i̇)",
    r"(?i)[a-z]+", r"(?i)ss+s", r"(?i:st)", r"(?i)(a)\1", r"[[:alpha:]&&[^a]]+", r"[[:punct:]]", r"[^[:space:]]+",
    r"[\p{L}&&\p{Latin}]", r"[a-c&&b-d&&c]", r"[]a]+", r"[a-]+", r"[\w-]+", r"a{,2}", r"a{2}+", r"(?:ab){2}?", r"a{3,1}",
    r"a{,}", r"x{", r"\h+", r"\H+", r"[\h]", r"\d+|\D", r"\w+", r"\W+", r"\S+", r"\x41|\x{61}|\u0062", r"\xE4\xB8\xAD",
    r"\101|\0", r"\cA|\t", r"(?x) a b # c", r"a(?i)b|c", r"(?i:a(?-i)b)c", r"(?#x)a", r"\N+", r"\O", r"a|ab|abc",
    r"(a|ab)(c|bcd)(d*)", r"(?!a)b", r"(?<!a)b", r"(?<=a|bc)d", r"(?<=a+)b", r"(?<!b*c)a", r"\p{^L}+", r"\P{^L}", r"[\P{L}]",
    r"[^\p{L}\s]+", r"\p{Emoji}+", r"\p{Extended_Pictographic}", r"\p{InBasicLatin}+", r"\p{Script}", r"\p{Greek}|\p{Cyrillic}",
    r"\p{Any}", r"\p{Alpha}+", r"$|^", r"\n$", r"^\n*", r"", r"|a", r"a||b", r"()", r"(|a)+", r"(?:|a)+b", r"(a?)*?b",
    r"(?:a?){3}", r"(?=a)*", r"[[a-c][x-z]]+", r"[^[a-c]]", r"[a[^b]]", r"[[:^alpha:]]", r"[a\]b]", r"[\n\r]",
    r"[\x{4e00}-\x{9fff}]+", r"(?:(?:a|b)c)*+d?", r"(?>(?:a|ab)(?:c|bcd))d*", r"\p{L}{2,3}", r"(?:\p{L}\p{M}*)+",
    r"[^\r\n]+?[\r\n]", r".*?b", r"(?:.|\n)*?b", r"a.{0,3}?b", r"\s+$",
]
REFUSED = ["(", ")", "[", "[]", "*a", "+", "(?<=a", "a{100001}", r"\p{Nope}", "[z-a]", "[a-\\d]", "[[:foo:]]", "(a)\\2", "\\", "(?<n>a)\\k<m>", "(?P<n>a)", "\\u12",
           r"[\w-z]", "(?<=a(?=b))b", "(?q)a"]
ATOMS = ['a','b','ab','.',r'\s',r'\S',r'\w',r'\p{L}',r'\p{N}','[ab]','[^a]','\\n',' ','1',r'\b','^','$','[a-c1 ]',r'\d','é','ß','(?i:s)','(?i:S)',r'\p{Lu}','𝒻','中','x']
TEXTS = ["ab'S 've ſ 'ſ", "\n\n a\nb\n", "ssSSß", "ﬀiﬃ", "aaabbbccc", "12345 678,9", "The CamelCase wordHere", "abab ab aa bb", "中文kana かなカナ ー",
         "e\u0301\u0300a", "👩‍👩‍👧🏽🇩🇪", "a\u200b\u00a0 ½²"]
NULLABLE = ["a?", "a*", "b??", "b*?", "(?:a|)", "(?:|b)", "(?:ab)?", "(?=a)", "(?<=b)", "(?:a*b*)", "(|a)", "c*+", "(?>a|)", r"\b", "a|b?", r"\b(?:.|b*?)"]
COUNTS = ["{2}", "{1,2}", "{0,2}", "{2,3}", "{1,3}", "{2,}", "{3,}", "{,2}", "{0,2}?", "{1,3}?", "{2,3}?", "{2,}?", "{1,}?", "{5}", "{2,7}", "+", "+?", "*"]
rng = random.Random(4)


def pattern(depth):
    kind = rng.random()
    if depth == 0 or kind < 0.35:
        return rng.choice(ATOMS)
    one = pattern(depth - 1)
    if kind < 0.55:
        return one + pattern(depth - 1)
    if kind < 0.68:
        return f"(?:{one}|{pattern(depth - 1)})"
    if kind < 0.74:
        return f"(?>{one}|{pattern(depth - 1)})"
    if kind < 0.82:
        return rng.choice(["(?=", "(?!", "(?i:"]) + one + ")"
    if kind < 0.86:
        return rng.choice(["(?<=", "(?<!"]) + rng.choice(ATOMS) + ")"
    return f"(?:{one})" + rng.choice(["*", "+", "?", "*?", "+?", "??", "++", "*+", "?+", "{2}", "{1,2}", "{0,2}?", "{2,}", "{,2}"])


def counted(depth):
    """Repetitions of what may match nothing, whose turns Oniguruma writes out or counts by their size."""
    kind = rng.random()
    if depth == 0 or kind < 0.2:
        return rng.choice(NULLABLE + ATOMS[:4])
    one = counted(depth - 1)
    if kind < 0.4:
        return one + counted(depth - 1)
    if kind < 0.55:
        return f"(?:{one}|{counted(depth - 1)})"
    return rng.choice(["(?:", "(?:", "(", "(?>"]) + one + ")" + rng.choice(COUNTS)


def text():
    letters = rng.choice(["ab", "abc1 ", "aAbBsS ßﬀſKk\u212a", "ab\n 1", "aé中𝒻x \n\t1²½", "ab \r\n\u00a0\u200b\u0301😀👍🏽ÀÉ"])
    return "".join(rng.choice(letters) for _ in range(rng.randrange(1, 16)))


def matches(regex, text):
    # Cutting at what is between the matches leaves the matches.
    return [span for _, span in P.Split(regex, "removed", invert=True).pre_tokenize_str(text)]


count = 0
with gzip.GzipFile(sys.argv[1], "wb", mtime=0) as out:
    for source in itertools.chain(PATTERNS + REFUSED + [pattern(4) for _ in range(600)], (counted(4) for _ in range(500))):
        try:
            regex = Regex(source)
        except Exception:
            if source not in REFUSED:
                continue  # a repeated condition, which is not refused here
            regex = None
        texts = TEXTS + [text() for _ in range(12)] if source in PATTERNS else [text() for _ in range(8)]
        line = {"pattern": source, "texts": texts if regex else [], "matches": [matches(regex, text) for text in texts] if regex else None}
        out.write((json.dumps(line, ensure_ascii=True, separators=(",", ":")) + "\n").encode())
        count += 1
print(count, "patterns")
