"""Compares random templates with jinja2: what it renders must be the same here, what it refuses must be refused.

    python3 compare_jinja.py make 20000 1 cases.json           20,000 templates of seed 1, rendered by jinja2
    dotnet run -c Release --project benchmarks/Triptych.Benchmarks -- templates --render cases.json out.json
    python3 compare_jinja.py check cases.json out.json

Left out are the filter random, addresses of objects, and what the documentation says to differ (docs/chat-templates.md).
"""
import json
import random
import re
import signal
import sys
import warnings

from snippets import CASES, P

NAMES = ["a", "b", "c", "x", "i", "l", "d", "s", "ns", "m", "f", "loop", "people", "t", "n", "e"]
FILTERS = ["upper", "lower", "length", "list", "first", "last", "join", "join(',')", "sort", "reverse", "string", "int", "float", "abs",
           "trim", "title", "tojson", "tojson(indent=1)", "default(1)", "default('z', true)", "sum", "max", "min", "unique", "items",
           "dictsort", 'map("string")', 'map("upper")', "select", 'select("odd")', 'reject("none")', 'map(attribute="name")',
           'selectattr("age")', "batch(2)", "slice(2)", "round", "e", "safe", "indent", "wordcount", 'replace("a","b")', "capitalize",
           "truncate(3,leeway=0)", "center(5)", 'groupby("age")', "pprint", "urlencode", "count", 'attr("name")', "format(1)",
           "striptags", "xmlattr", "wordwrap(4)", "filesizeformat", "forceescape", "d"]
TESTS = ["defined", "undefined", "none", "string", "number", "mapping", "iterable", "sequence", "odd", "even", "true", "false", "boolean",
         "integer", "float", "lower", "upper", "callable", "divisibleby 2", "in [1,2]", "eq 1", "lt 2", "sameas none", "escaped", "filter"]
METHODS = ["upper()", "strip()", "split()", "split(',')", "keys()", "items()", "values()", 'get("a")', "count(1)", "index(1)",
           'startswith("a")', 'replace("a","b")', "join(l)", "title()", "format(1)", "append(1)", "pop()", "copy()", "isdigit()", 'find("a")']
OPERATORS = ["+", "-", "*", "/", "//", "%", "~", "==", "!=", "<", ">", "<=", ">=", "and", "or", "in", "not in", "+", "~"]
PIECES = ["{{", "}}", "{%", "%}", "-", "+", "(", ")", "[", "]", "|", ".", "'", '"', " ", "\n", ":", ",", "~", "=", "if", "else", "x", "1",
          "{#", "#}", "not ", "is "]
PRELUDE = '{% set ns = namespace(a=1) %}{% macro m(a=1) %}<{{ a }}{{ caller() if caller else "" }}>{% endmacro %}'
CONTEXT = dict(P, a=1, b=[1, 2], x="xX", e="")


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.pick = self.random.choice

    def atom(self, depth):
        c = self.random.random()
        if c < .35 or c >= .7 and depth <= 0:
            return self.pick(NAMES)
        if c < .5:
            return str(self.pick([0, 1, 2, 3, -1, 10, 1.5, 2.0]))
        if c < .65:
            return self.pick(["'a'", "'b c'", "''", "'x,y'", "'A\U0001f642'", '"q"'])
        if c < .7:
            return self.pick(["true", "false", "none"])
        if c < .8:
            return "[" + ", ".join(self.expression(depth - 1) for _ in range(self.random.randrange(4))) + "]"
        if c < .85:
            return "{" + ", ".join(self.pick(["'k'", "'a'", "1", "x"]) + ": " + self.expression(depth - 1)
                                   for _ in range(self.random.randrange(3))) + "}"
        if c < .9:
            return f"({self.expression(depth - 1)}, {self.expression(depth - 1)})"
        return f"({self.expression(depth - 1)})"

    def expression(self, depth):
        if depth <= 0:
            return self.atom(0)
        c, ex = self.random.random(), lambda: self.expression(depth - 1)
        if c < .3:
            return self.atom(depth)
        if c < .5:
            return f"{ex()} {self.pick(OPERATORS)} {ex()}"
        if c < .55:
            return self.pick(["not ", "-", "+"]) + self.atom(depth - 1)
        if c < .72:
            return f"{self.atom(depth - 1)}|{self.pick(FILTERS)}"
        if c < .8:
            return f"{self.atom(depth - 1)} is {self.pick(['', '', 'not '])}{self.pick(TESTS)}"
        if c < .85:
            return f"{ex()} if {ex()}" + self.pick(["", f" else {ex()}"])
        if c < .9:
            return self.atom(depth - 1) + "." + self.pick(["name", "a", "k", "x", "index", "first", "last", "length", "0", "items", "keys",
                                                           "upper", "previtem", "nextitem", "changed(x)", "cycle(1,2)"])
        if c < .94:
            return f"{self.atom(depth - 1)}[{self.pick([ex(), ex() + ':', ':2', ':-1', '::-1', '1:2', chr(39) + 'a' + chr(39)])}]"
        if c < .97:
            return f"{self.atom(depth - 1)}.{self.pick(METHODS)}"
        arguments = ([ex()] if self.random.random() < .7 else []) + ([f"{self.pick('abx')}={ex()}"] if self.random.random() < .3 else [])
        return f"{self.pick(['m', 'f', 'range', 'namespace', 'dict', 'caller', 'loop', 'cycler'])}({', '.join(arguments)})"

    def space(self):
        return self.pick(["", "", "", "", " ", "\n", "\n  ", "  \n"])

    def tag(self, body):
        return f"{self.space()}{{%{self.pick(['', '', '', '-', '+'])} {body} {self.pick(['', '', '', '-', '+'])}%}}"

    def block(self, depth):
        return "".join(self.statement(depth) for _ in range(self.random.randrange(1, 4)))

    def statement(self, depth):
        c, ex, body = self.random.random(), self.expression, lambda: self.block(depth - 1)
        if depth <= 0 or c < .3:
            return f"{self.space()}{{{{ {ex(2)} }}}}"
        if c < .35:
            return self.pick(["text", "a b", "\n", "  "])
        if c < .5:
            return self.tag(f"set {self.pick(NAMES[:6] + ['a, b', 'ns.x', 'ns.a'])} = {ex(2)}")
        if c < .62:
            items = self.pick(["l", "range(3)", "people", "d.items()", "d", "'ab'", ex(2), "[1,2]", "[[1,2],[3,4]]"])
            head = self.tag(f"for {self.pick(['x', 'a', 'i', 'a, b', 'x'])} in {items}{self.pick(['', '', ' if ' + ex(1), ' recursive'])}")
            jump = self.tag(self.pick(["break", "continue"])) if self.random.random() < .2 else ""
            return head + body() + jump + (self.tag("else") + body() if self.random.random() < .2 else "") + self.tag("endfor")
        if c < .72:
            return (self.tag("if " + ex(2)) + body() + (self.tag("elif " + ex(1)) + body() if self.random.random() < .2 else "")
                    + (self.tag("else") + body() if self.random.random() < .4 else "") + self.tag("endif"))
        head, end = self.pick([
            (f"macro {self.pick('mf')}({self.pick(['', 'a', 'x, b=1', 'a=1, b=x', 'x'])})", "endmacro"),
            (f"call{self.pick(['', '(x)', '(a, b=2)'])} {self.pick(['m()', 'f(1)', 'm(x)'])}", "endcall"),
            (f"set {self.pick(NAMES[:5])}{self.pick(['', ' | upper', ' | trim'])}", "endset"),
            (f"with {self.pick(['a = ' + ex(1), 'x = 1, a = x', ''])}", "endwith"),
            (f"filter {self.pick(['upper', 'trim', 'e'])}", "endfilter"),
            ("generation", "endgeneration"),
        ])
        return self.tag(head) + body() + self.tag(end)

    def damaged(self):
        text = self.pick(CASES)[0]
        for _ in range(self.random.randrange(1, 4)):
            at, length = self.random.randrange(len(text) + 1), self.random.randrange(1, 8)
            other = self.pick(CASES)[0]
            start = self.random.randrange(len(other) + 1)
            middle = self.pick(["", self.pick(PIECES), text[at:at + length] * 2, other[start:start + length] + text[at:at + length]])
            text = text[:at] + middle + text[at + (0 if middle in PIECES else length):]
        return text

    def template(self, number):
        if number % 4 == 3:
            return self.damaged()
        if number % 4 == 1:
            return f"{{{{ {self.expression(3)} }}}}|"
        return (PRELUDE if self.random.random() < .6 else "") + self.block(3 if number % 4 == 0 else 2)


def make(count, seed, path):
    from transformers.utils.chat_template_utils import _cached_compile_jinja_template as compile_template

    def stop(*_):
        raise TimeoutError

    signal.signal(signal.SIGALRM, stop)
    warnings.simplefilter("ignore")
    generator, rows = Generator(seed), []
    for number in range(count):
        row = {"template": generator.template(number), "context": CONTEXT}
        try:
            signal.alarm(5)
            row["output"] = compile_template(row["template"]).render(**json.loads(json.dumps(CONTEXT)))
            row["output"].encode("utf-8")
        except Exception as e:
            row.pop("output", None)
            row["error"] = f"{type(e).__name__}: {e}"[:200]
        finally:
            signal.alarm(0)
        if "random" not in row["template"] and "\\N{" not in row["template"]:
            rows.append(row)
    json.dump(rows, open(path, "w"))


def check(cases, out):
    def plain(text):
        return re.sub(r"0[xX][0-9a-fA-F]{6,}", "0x", text)

    rows, wrong = json.load(open(cases)), 0
    for row, ours in zip(rows, json.load(open(out)), strict=True):
        if "error" in ours if "error" in row else plain(ours.get("output", "\0")) == plain(row["output"]):
            continue
        wrong += 1
        print(repr(row["template"]), "\n  jinja2", repr(row.get("output", row.get("error"))), "\n  ours  ", repr(ours.get("output", ours.get("error"))))
    print(f"{len(rows)} templates, {sum('error' in row for row in rows)} of them errors, {wrong} differences")
    return wrong


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
    else:
        sys.exit(check(sys.argv[2], sys.argv[3]) > 0)
