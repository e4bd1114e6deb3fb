"""What jinja2 and transformers make of the templates here; needs transformers 5.12 and jinja2 3.1.

    python3 make_goldens.py            writes snippets.golden.json.gz and chats.golden.json.gz beside this file

jinja_cases.py and snippets.py are small templates with their variables, chats/ whole chat templates, conversations.json what
they are rendered with. An error's message is the reference's own; an implementation must fail too, with words of its own.
"""
import gzip
import json
import os
import re

from jinja_cases import CASES
from snippets import CASES as SNIPPETS
from transformers.utils import chat_template_utils
from transformers.utils.chat_template_utils import _compile_jinja_template, render_jinja_template

HERE = os.path.dirname(os.path.abspath(__file__))


def dump(name, value):
    with open(os.path.join(HERE, name), "wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, filename="") as f:
        f.write(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def attempt(row, function):
    try:
        row.update(function())
        json.dumps(row, ensure_ascii=False).encode("utf-8")
    except Exception as e:
        row.pop("output", None)
        row["error"] = f"{type(e).__name__}: {e}"[:100]
    return row


def snippets():
    contexts, rows, seen = [], [], set()
    for case in CASES + SNIPPETS:
        template, context = case if isinstance(case, tuple) else (case, {})
        if context not in contexts:
            contexts.append(context)
        key = (template, contexts.index(context))
        if key in seen:
            continue
        seen.add(key)
        given = json.loads(json.dumps(context))
        row = attempt({"template": template, "context": key[1]}, lambda: {"output": _compile_jinja_template(template).render(**given)})
        # Addresses differ from run to run; characters by name need a table that is left out.
        if not re.search(r" at 0x[0-9a-f]+>", row.get("output", "")) and "\\N{" not in template:
            rows.append(row)
    dump("snippets.golden.json.gz", {"contexts": contexts, "cases": rows})
    return rows


def chats():
    given = json.load(open(os.path.join(HERE, "conversations.json"), encoding="utf-8"))
    rows = []
    for file in sorted(os.listdir(os.path.join(HERE, "chats"))):
        template = open(os.path.join(HERE, "chats", file), encoding="utf-8").read()
        for name, chat in given["conversations"].items():
            for prompt, proceed, masked in ((False, None, True), (True, None, False), (False, "content", False),
                                            (False, "reasoning_content", False)):
                if (proceed is not None) != name.startswith("prefill") or proceed == "reasoning_content" and "reasoning" not in name:
                    continue

                def render():
                    texts, spans = render_jinja_template(
                        conversations=[json.loads(json.dumps(chat["messages"]))], tools=chat.get("tools"), documents=chat.get("documents"),
                        chat_template=template, add_generation_prompt=prompt, continue_final_message=proceed or False,
                        return_assistant_tokens_mask=masked, **given["variables"])
                    text = texts[0]
                    units = [[len(text[:i].encode("utf-16-le")) // 2 for i in span] for span in (spans[0] if spans else [])]
                    return {"output": text, "generated": units}
                rows.append(attempt({"template": file, "conversation": name, "prompt": prompt, "continue": proceed}, render))
    dump("chats.golden.json.gz", rows)
    return rows


if __name__ == "__main__":
    chat_template_utils.logger.warning_once = lambda *_: None
    for kind, rows in (("snippets", snippets()), ("chats", chats())):
        print(f"{kind}: {len(rows)}, {sum('error' in row for row in rows)} of them errors")
