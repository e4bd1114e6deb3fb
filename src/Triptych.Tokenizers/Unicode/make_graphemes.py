"""Writes graphemes.bin: what extended grapheme clusters (UAX #29) need to know of each character, as Hugging Face tokenizers has it.

The Precompiled normalizer works on clusters. Maps made for the purpose show where it sees one, so every property is asked of the library
itself. Hangul is left out: its syllables are too long for the normalizer to take as a whole.

    python3 make_graphemes.py graphemes.bin      (needs the package tokenizers)

Format: runs "v length, u8 class" until 0x110000 is covered (v = LEB128).
"""
import struct
import sys
from tokenizers import normalizers

OTHER, CONTROL, EXTEND, PREPEND, PICTOGRAPHIC, CONSONANT, LINKER = range(7)


def charsmap(rules):
    """A charsmap of few keys: each node has a block of its own."""
    units, text = {}, b""
    blocks = 1

    def node(position, entries):
        nonlocal blocks, text
        base = blocks * 256
        blocks += 1
        label = units.get(position, 0)
        leaf = entries.pop(b"", None)
        units[position] = label | (position ^ base) << 10 | (256 if leaf is not None else 0)
        if leaf is not None:
            units[base] = len(text) | 1 << 31
            text += leaf.encode() + b"\0"
        groups = {}
        for key, value in entries.items():
            groups.setdefault(key[0], {})[key[1:]] = value
        for first, rest in groups.items():
            units[base ^ first] = first
            node(base ^ first, rest)

    node(0, {key.encode(): value for key, value in rules.items()})
    array = b"".join(struct.pack("<I", units.get(i, 0)) for i in range(blocks * 256))
    return normalizers.Precompiled(struct.pack("<I", len(array)) + array + text)


letter, mark, copyright_sign = charsmap({"a": "X"}), charsmap({"\u0301": "Z"}), charsmap({"\u00a9": "X"})
INDIC = [*range(0x900, 0x2000), *range(0xA800, 0xAC00)]
indic = charsmap({chr(i): "Y" for i in INDIC})


def kind(c):
    # A cluster of less than six bytes is replaced by what stands for its beginning.
    if len(letter.normalize_str("a" + c)) == 1:
        return LINKER if indic.normalize_str("\u0915" + c + "\u0915\u0301").endswith("\u0301") else EXTEND
    if not mark.normalize_str(c + "\u0301\u0302").endswith("\u0302"):
        return CONTROL
    # A conjunct of consonants is one cluster.
    if ord(c) in INDIC and indic.normalize_str("\u0915\u094d" + c + "\u0301").endswith("\u0301"):
        return CONSONANT
    # With what stands before it the cluster of letter and mark is too long.
    extend = "\u0301" if len(c.encode()) > 2 else "\u20d0"
    if letter.normalize_str(c + "a" + extend).endswith(extend):
        return PREPEND
    if copyright_sign.normalize_str("\u00a9\u200d" + c) != "X" + c:
        return PICTOGRAPHIC
    return OTHER


runs = []
for i in range(0x110000):
    value = OTHER if 0xD800 <= i < 0xE000 else kind(chr(i))
    if runs and runs[-1][1] == value:
        runs[-1][0] += 1
    else:
        runs.append([1, value])
out = bytearray()
for length, value in runs:
    while length >= 0x80:
        out.append(length & 0x7F | 0x80)
        length >>= 7
    out += bytes([length, value])
open(sys.argv[1], "wb").write(out)
print(len(runs), "runs", len(out), "bytes")
