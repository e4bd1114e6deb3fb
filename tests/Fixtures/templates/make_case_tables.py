"""Writes CaseTables.cs: what Python's case mappings have beyond the one-to-one mappings of .NET.

    python3 make_case_tables.py > ../../../src/Triptych.Tokenizers/Templates/CaseTables.cs

Pairs are a character and what it becomes, the pairs divided by "|"; ranges are two characters each.
"""
import sys
import unicodedata

CHARACTERS = [chr(c) for c in range(sys.maxunicode + 1) if not 0xD800 <= c < 0xE000]


def escaped(text):
    def one(c):
        return c if c.isascii() and c.isprintable() and c not in '"\\' else f"\\u{ord(c):04x}" if ord(c) < 0x10000 else f"\\U{ord(c):08x}"
    return "".join(map(one, text))


def pairs(function, simple):
    return "|".join(c + function(c) for c in CHARACTERS if function(c) != simple(c))


def ranges(chosen):
    chosen = [ord(c) for c in chosen]
    starts = [c for c in chosen if c - 1 not in set(chosen)]
    ends = [c for c in chosen if c + 1 not in set(chosen)]
    return "".join(chr(a) + chr(b) for a, b in zip(starts, ends))


def invariant_upper(c):
    """Rune.ToUpperInvariant: one to one, and dotless i and long s stay."""
    return c if len(c.upper()) > 1 or c in "\u0131\u017f" else c.upper()


def emit(name, summary, text):
    print(f"    /// <summary>{summary}</summary>\n    public const string {name} =")
    words = [escaped(c) for c in text]
    lines = [""]
    for word in words:
        if len(lines[-1]) + len(word) > 108:
            lines.append("")
        lines[-1] += word
    print(" +\n".join(f'        "{line}"' for line in lines) + ";")


print("namespace Triptych.Tokenizers.Templates;\n")
print("/// <summary>Case mappings that .NET lacks; made by tests/Fixtures/templates/make_case_tables.py.</summary>")
print("internal static class CaseTables\n{")
emit("Upper", "What becomes more than one character in upper case, or is left alone by .NET.", pairs(str.upper, invariant_upper))
print()
emit("Title", "Title case where it is not upper case.", pairs(str.title, str.upper))
print()
emit("Fold", "Case folding where it is not lower case.", pairs(str.casefold, str.lower))
print()
emit("OtherLower", "Ranges that count as lower case though their category does not say so.",
     ranges(c for c in CHARACTERS if c.islower() and unicodedata.category(c) != "Ll"))
print()
emit("OtherUpper", "Ranges that count as upper case though their category does not say so.",
     ranges(c for c in CHARACTERS if c.isupper() and unicodedata.category(c) != "Lu"))
print()
emit("NumericLetters", "Letters that stand for numbers.", [c for c in CHARACTERS if c.isnumeric() and c.isalpha()])
print("}")
