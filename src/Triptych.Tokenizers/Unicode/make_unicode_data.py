"""Writes unicode.bin: the character properties, case and decomposition mappings that Hugging Face tokenizers uses.

The crates behind it follow different Unicode versions (the Bert punctuation table is far older than the regex engine's),
so every property is asked of the library itself, one code point at a time, instead of being taken from one Unicode release.

    python3 make_unicode_data.py unicode.bin      (needs the package tokenizers)

Format (little endian; v = LEB128): runs "v length, u16 flags, u8 combining class" until 0x110000 is covered;
then three mappings (lowercase, NFD, NFKD): "v count" of "v code-point delta, v n, n times v code point";
then the compositions: "v count" of "v first, v second, v composed". Hangul is computed, not stored.
"""
import sys
import unicodedata
from tokenizers import normalizers as N, pre_tokenizers as P, Regex

WHITE, CONTROL, NONSPACING, MARK, PUNCTUATION, NUMERIC, WORD, LETTER, NUMBER, SPACE, DECOMPOSES, UPPER = (
    1 << i for i in range(12))

clean = N.BertNormalizer(clean_text=True, handle_chinese_chars=False, strip_accents=False, lowercase=False)
accents = N.BertNormalizer(clean_text=False, handle_chinese_chars=False, strip_accents=True, lowercase=False)
strip, lower, nfd, nfkd, nfc = N.StripAccents(), N.Lowercase(), N.NFD(), N.NFKD(), N.NFC()
white, punctuation, digits, word = P.WhitespaceSplit(), P.Punctuation("removed"), P.Digits(True), P.Whitespace()
split = {flag: P.Split(Regex(p), "removed") for flag, p in ((LETTER, r"\p{L}"), (NUMBER, r"\p{N}"), (SPACE, r"\s"))}


def varint(n):
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def properties(c):
    flags = 0
    if not white.pre_tokenize_str(c):
        flags |= WHITE
    if c != "\0" and c != "\ufffd" and clean.normalize_str(c) == "":
        flags |= CONTROL
    if nfd.normalize_str(c) == c and accents.normalize_str(c) == "":
        flags |= NONSPACING
    if strip.normalize_str(c) == "":
        flags |= MARK
    if not punctuation.pre_tokenize_str(c):
        flags |= PUNCTUATION
    if len(digits.pre_tokenize_str("a" + c)) == 2:
        flags |= NUMERIC
    if len(word.pre_tokenize_str("a" + c)) == 1 and not flags & WHITE:
        flags |= WORD
    for flag, pattern in split.items():
        if not pattern.pre_tokenize_str(c):
            flags |= flag
    ccc = unicodedata.combining(c)
    if ccc:
        high = "\u0345" + c
        low = c + "\u0334"
        if nfd.normalize_str(high) == high and nfd.normalize_str(low) == low:
            ccc = 0
    if ccc or nfd.normalize_str(c) != c:
        flags |= DECOMPOSES
    if lower.normalize_str(c) != c:
        flags |= UPPER
    return flags, ccc


def hangul(i):
    return 0xAC00 <= i < 0xAC00 + 11172


runs, lowercase, canonical, compatible, compositions = [], [], [], [], []
for i in range(0x110000):
    if 0xD800 <= i < 0xE000:
        value = (0, 0)
    else:
        c = chr(i)
        value = properties(c)
        if lower.normalize_str(c) != c:
            lowercase.append((i, lower.normalize_str(c)))
        if not hangul(i):
            if nfd.normalize_str(c) != c:
                canonical.append((i, nfd.normalize_str(c)))
            if nfkd.normalize_str(c) != nfd.normalize_str(c):
                compatible.append((i, nfkd.normalize_str(c)))
            pair = unicodedata.decomposition(c).split()
            if len(pair) == 2 and not pair[0].startswith("<") and nfc.normalize_str(c) == c:
                a, b = (chr(int(x, 16)) for x in pair)
                if nfc.normalize_str(a + b) == c:
                    compositions.append((ord(a), ord(b), i))
    if runs and runs[-1][1] == value:
        runs[-1][0] += 1
    else:
        runs.append([1, value])

out = bytearray()
for length, (flags, ccc) in runs:
    out += varint(length) + flags.to_bytes(2, "little") + bytes([ccc])
for mapping in (lowercase, canonical, compatible):
    out += varint(len(mapping))
    previous = 0
    for i, text in mapping:
        out += varint(i - previous) + varint(len(text)) + b"".join(varint(ord(x)) for x in text)
        previous = i
out += varint(len(compositions))
for triple in compositions:
    out += b"".join(varint(x) for x in triple)
open(sys.argv[1], "wb").write(out)
print(len(runs), "runs", len(lowercase), "lowercase", len(canonical), "NFD", len(compatible), "NFKD", len(compositions),
      "compositions", len(out), "bytes")
