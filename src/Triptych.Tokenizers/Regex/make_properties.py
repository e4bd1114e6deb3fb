"""Writes properties.bin: the character properties and case folding of Oniguruma, and the scripts of UnicodeScripts, as the library
that Hugging Face tokenizers carries has them (asked of it, so that the Unicode version is the same).

    python3 make_properties.py properties.bin      (needs the packages tokenizers and regex, the latter for names only)

Format, deflated (v = LEB128): "v sets", each "v ranges" of "v gap, v length" over the code points; "v names", each "v length, ASCII,
v set"; "v groups" of characters that fold together, each "v size" of "v code point"; "v expansions", each "v code point, v size,
size times v code point"; then the scripts: runs "v length, v script" until 0x110000 is covered (script 0 belongs to any).
"""
import sys
import zlib
from regex import _regex_core
from tokenizers import Regex, pre_tokenizers as P

# From plane 3 on nearly all code points of a plane are alike: one stands for those up to the next one here.
SOLID = [*range(0xD800), *range(0xE000, 0x34000), *range(0xE0000, 0xE2000)]
POINTS = sorted({*SOLID, *(plane << 16 | i for plane in range(17) for i in (0, 0xFFFE, 0xFFFF)), 0xE2000})
ALL = "".join(map(chr, POINTS))


def varint(n):
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def compiled(pattern):
    try:
        return Regex(pattern)
    except Exception:
        return None


def matched(pattern, text):
    """The ranges of a text that single-character matches cover."""
    found = P.Split(Regex(pattern), "removed", invert=True).pre_tokenize_str(text)
    return [span for _, span in found]


def ranges_of(pattern):
    ends = POINTS + [0x110000]
    out = []
    for start, end in matched(f"(?:{pattern})++", ALL):
        # Surrogates are not in the text.
        low, high = ends[start], ends[end - 1] + 1 if ends[end] == 0xE000 else ends[end]
        out += [(low, 0xD800), (0xE000, high)] if low < 0xD800 < 0xE000 < high else [(low, high)]
    return tuple(out)


names = ["alnum", "alpha", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "xdigit", "word", "ascii",
         "any", "assigned", "lc", "c", "cs", "other", "surrogate", "letter", "l"]
for name, (_, values) in _regex_core.PROPERTIES.items():
    if name in ("GC", "GENERALCATEGORY", "SC", "SCRIPT"):
        names += [value for value in values]
    elif name in ("BLK", "BLOCK"):
        names += ["in" + value for value in values] + ["inno_block"]
    elif name in ("GCB", "GRAPHEMECLUSTERBREAK"):
        names += ["graphemeclusterbreak" + value for value in values]
    elif "YES" in values:
        names.append(name)
    elif name == "AGE":
        names += ["age=" + value for value in values]
names += [f"age={major}.{minor}" for major in range(1, 18) for minor in range(10)]

sets, table = {}, {}
for name in names:
    name = "".join(c for c in name.lower() if c not in " -_")
    if name in table or compiled(rf"\p{{{name}}}") is None:
        continue
    table[name] = sets.setdefault(ranges_of(rf"\p{{{name}}}"), len(sets))
# Within brackets some of them are other sets than outside.
for name in (r"\d", r"\w", r"\s", r"\h", r"[\d]", r"[\w]", r"[\s]", r"[\h]", *(f"[[:{name}:]]" for name in (
        "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "word", "xdigit"))):
    table[name] = sets.setdefault(ranges_of(name), len(sets))

groups = {}
for c in ALL:
    group = {c}
    while True:
        more = group | {x for y in group for x in (y.lower(), y.upper(), y.title(), y.casefold()) if len(x) == 1}
        if more == group:
            break
        group = more
    if len(group) > 1:
        groups[c] = group
for c in list(groups):
    for d in groups[c]:
        groups[d] = groups.get(d, {d}) | groups[c]
candidates = "".join(sorted(groups))
folded = set()
for c in candidates:
    found = set()
    for start, end in matched(rf"(?i:\x{{{ord(c):x}}})", candidates):
        found |= set(candidates[start:end])
    if len(found) > 1:
        folded.add(tuple(sorted(found)))
expansions = []
for c in ALL:
    long = c.casefold()
    if len(long) > 1 and matched(rf"(?i:\x{{{ord(c):x}}})", long) == [(0, len(long))]:
        expansions.append((c, long))

# A script's characters don't part from each other; what parts from nobody belongs to any.
split = P.UnicodeScripts()
runs, representatives = [], []
for i, following in zip(POINTS, POINTS[1:] + [0x110000]):
    script = 0
    c = chr(i)
    if len(split.pre_tokenize_str("a" + c)) > 1 or len(split.pre_tokenize_str("\u0431" + c)) > 1:
        last = runs[-1][1] if runs else 0
        for k in [*([last - 1] if last else []), *range(len(representatives))]:
            if len(split.pre_tokenize_str(representatives[k] + c)) == 1:
                script = k + 1
                break
        else:
            representatives.append(c)
            script = len(representatives)
    if runs and runs[-1][1] == script:
        runs[-1][0] += following - i
    else:
        runs.append([following - i, script])

out = bytearray(varint(len(sets)))
for ranges in sets:
    out += varint(len(ranges))
    at = 0
    for start, end in ranges:
        out += varint(start - at) + varint(end - start)
        at = end
out += varint(len(table))
for name, index in table.items():
    out += varint(len(name)) + name.encode("ascii") + varint(index)
out += varint(len(folded))
for group in sorted(folded):
    out += varint(len(group)) + b"".join(varint(ord(c)) for c in group)
out += varint(len(expansions))
for c, long in expansions:
    out += varint(ord(c)) + varint(len(long)) + b"".join(varint(ord(x)) for x in long)
for length, script in runs:
    out += varint(length) + varint(script)
packer = zlib.compressobj(9, zlib.DEFLATED, -15)
packed = packer.compress(bytes(out)) + packer.flush()
open(sys.argv[1], "wb").write(packed)
print(len(sets), "sets", len(table), "names", len(folded), "groups", len(expansions), "expansions", len(runs), "script runs",
      len(representatives), "scripts", len(out), "bytes", len(packed), "packed")
