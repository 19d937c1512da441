#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check_keys.py LIST-KEYS EVIDENCED MAN-FOLDER - every key of the configuration is on its page, as it is

A key has an entry under its section ('.Ss SECTION', '.It Ic KEY Pq TYPE, required|default: ...') with an example ('.Dl
KEY = ...;'). Checked: no key is missing, none is there that the program does not know, "required" and the default are the
program's own, and each example is taken by the program.
"""
import os
import re
import subprocess
import sys
import tempfile

PAGES = ("evidenced.conf.5", "evidenced-tasks.5")

# A configuration without errors, section by section; an example takes the place of its key's line.
BASE = {
    "organization": {"name": '"X"', "time_zone": '"Etc/UTC"', "language": '"en"'},
    "calendar": {"send_at": '"07:30"'},
    "calendar.off": {"date": '"2018-01-01"'},
    "mail": {"from": '"a@example.org"', "servers": "( { %mail.servers% } )"},
    "mail.servers": {"url": '"smtps://mail.example.org"'},
    "evidence": {"roots": '[ "/srv/evidence" ]'},
    "publish": {"dir": '"/var/cache/evidenced"'},
    "areas": {"id": '"1"'},
    "units": {"id": '"OFFICE"', "mail": '[ "o@example.org" ]', "roles": "{ %units.roles% }"},
    "units.roles": {"head": '[ "h@example.org" ]'},
    "roles": {"administrator": '[ "root@example.org" ]'},
    "policies": {"id": '"p"', "steps": "( { %policies.steps% } )"},
    "policies.steps": {"at": '"+1wd"', "to": '[ "unit" ]'},
    "reports": {"id": '"r"', "repeat": '"FREQ=DAILY"', "to": '[ "unit" ]'},
    "tasks": {"id": '"1.1"', "title": '"T"', "due": "( { %tasks.due% } )", "evidence": "{ %tasks.evidence% }"},
    "tasks.due": {"date": '"2018-03-31"', "label": '"Q1"'},
    "tasks.evidence": {"dir": '"x"', "need": "( { %tasks.evidence.need% } )"},
    "tasks.evidence.need": {"match": '[ "*.pdf" ]'},
}
LISTS = ("areas", "units", "policies", "reports", "tasks")
# What an example needs beside it: keys that go together.
TOGETHER = {
    ("mail.servers", "user"): {"credential": '"x"'},
    ("mail.servers", "credential"): {"user": '"u"'},
    ("mail.servers", "password_file"): {"user": '"u"'},
    ("mail.servers", "client_cert"): {"client_key": '"/k"'},
    ("mail.servers", "client_key"): {"client_cert": '"/c"'},
    ("policies.steps", "at"): {},
    ("policies.steps", "until"): {"every": '"1wd"'},
}
FINANCE = '{ id = "FINANCE"; mail = [ "f@example.org" ]; }'


def unquote(text):
    """A line of mdoc as a reader sees it, for what the pages use."""
    return text.replace("\\&", "").replace("\\-", "-").replace("\\e", "\\")


def entries(path):
    """(section, key) → (words in parentheses, example)"""
    found, section, key = {}, None, None
    with open(path, encoding="utf-8") as page:
        for line in page:
            line = line.rstrip("\n")
            if line.startswith((".Ss ", ".Sh ")):
                section, key = line[4:], None
            match = re.match(r"\.It Ic (\S+) Pq (.*)", line)
            if match:
                key = match.group(1)
                found[section, key] = [unquote(match.group(2)).replace("Ic ", ""), ""]
            elif line.startswith(".Dl ") and key:
                found[section, key][1] = unquote(line[4:])
                key = None
    return found


def text_of(section, changed, lines):
    body = lines if section == changed else [f"{k} = {v};" for k, v in BASE[section].items()]
    joined = " ".join(body)
    return re.sub(r"%([a-z._]+)%", lambda m: text_of(m.group(1), changed, lines), joined)


def configuration(section, key, example):
    base = {k: v for k, v in BASE[section].items() if k != key and not (key == "each_unit" and k == "unit")}
    if section in ("roles", "units.roles"):
        base = {k: v for k, v in base.items() if k != example.split(" ")[0]}
    lines = [f"{k} = {v};" for k, v in {**base, **TOGETHER.get((section, key), {})}.items()] + [example]
    if (section, key) == ("tasks", "repeat"):
        lines = [line for line in lines if not line.startswith("due")] + ['due = "2018-01-15";']
    out = []
    for top in [s for s in BASE if "." not in s]:
        body = text_of(top, section, lines)
        extra = ", " + FINANCE if top == "units" and section != "units" else ""
        out.append(f"{top}: ( {{ {body} }}{extra} );" if top in LISTS else f"{top}: {{ {body} }};")
    if section == "calendar.off":
        out[1] = f"calendar: {{ off = ( {{ {' '.join(lines)} }} ); }};"
    return "\n".join(out) + "\n"


def try_example(program, folder, section, key, example):
    path = os.path.join(folder, "evidenced.conf")
    with open(path, "w", encoding="utf-8") as conf:
        conf.write(configuration(section, key, example))
    answer = subprocess.run([program, "--check", "--config", path], capture_output=True, text=True, check=False)
    if answer.returncode == 0:
        return []
    errors = [line for line in answer.stdout.splitlines() if ": error: " in line]
    return [f"{section}.{key}: the example '{example}' is refused: {e.split(': error: ')[1]}" for e in errors or ["?: error: ?"]]


def compare(key, entry):
    section, name, _, fallback, required = key
    where = f"{section}.{name}"
    words, example = entry
    if required == "required" and not words.endswith(", required"):
        yield f"{where}: it is required, the page says '{words}'"
    if required != "required" and ", default: " not in words:
        yield f"{where}: the page names no default: '{words}'"
    if fallback != "-" and fallback.replace(";", "") not in words.split(", default: ")[-1].replace(";", ""):
        yield f"{where}: its default is '{fallback}', the page says '{words}'"
    if not example.startswith((name + " = ", name + ": ") if name != "*" else tuple("abcdefghijklmnopqrstuvwxyz")):
        yield f"{where}: its entry has no example"


def main():
    list_keys, program, man = sys.argv[1:]
    keys = [line.split("\t") for line in subprocess.check_output([list_keys], text=True).splitlines()]
    top = [k[1] for k in keys if k[0] == ""]
    pages = {}
    for page in PAGES:
        pages.update(entries(os.path.join(man, page)))
    with open(os.path.join(man, PAGES[0]), encoding="utf-8") as page:
        top_text = page.read().split(".Ss Top level")[1].split(".Sh ")[0]
    problems = [f"'{name}' is not under 'Top level'" for name in top if not re.search(rf"\b{name}\b", top_text)]
    known = {(k[0], k[1]): k for k in keys if k[0]}
    problems += [f"{s}.{n}: not on its page" for s, n in known if (s, n) not in pages]
    problems += [f"{s}.{n}: on a page, but no key of the program" for s, n in pages if (s, n) not in known]
    both = [(k, pages[s, n]) for (s, n), k in known.items() if (s, n) in pages]
    for key, entry in both:
        problems += compare(key, entry)
    with tempfile.TemporaryDirectory() as folder:
        for key, entry in both:
            problems += try_example(program, folder, key[0], key[1], entry[1])
    for problem in problems:
        print(problem)
    print(f"{len(known)} keys, {len(both)} examples tried, {len(problems)} problems")
    return 1 if problems or len(known) < 50 else 0


if __name__ == "__main__":
    sys.exit(main())
