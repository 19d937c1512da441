# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads the subset of libconfig that conf/ may use (what 1.5 and 1.7 agree on), and nothing beyond it.

Stricter than libconfig on purpose: what is refused here would work on one version and not on another. Groups become
dicts, lists and arrays become lists. Not for production use: evidenced has its own reader.
"""

import pathlib
import re

TOKEN = re.compile(r"""
    (?P<space>[ \t\n]+|\#[^\n]*|//[^\n]*|/\*.*?\*/)
  | (?P<string>"(?:[^"\\\n]|\\["\\nrtf])*")
  | (?P<number>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?)(?![\w.])
  | (?P<name>[A-Za-z*][\w*-]*)
  | (?P<mark>[:=;,(){}\[\]])
""", re.VERBOSE | re.DOTALL)

ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}


class ConfError(Exception):
    pass


class Reader:
    def __init__(self, text, where):
        self.where = where
        self.tokens = []  # (kind, text, line)
        self.at = 0
        line, position = 1, 0
        while position < len(text):
            found = TOKEN.match(text, position)
            if not found:
                raise ConfError(f"{where}:{line}: not understood: {text[position:position + 20]!r}")
            if found.lastgroup != "space":
                self.tokens.append((found.lastgroup, found.group(), line))
            line += found.group().count("\n")
            position = found.end()
        self.tokens.append(("end", "", line))

    def fail(self, message):
        raise ConfError(f"{self.where}:{self.tokens[self.at][2]}: {message}")

    def peek(self):
        return self.tokens[self.at][1] if self.tokens[self.at][0] in ("mark", "end") else None

    def take(self, *marks):
        if self.peek() in marks:
            self.at += 1
            return True
        return False

    def expect(self, *marks):
        if not self.take(*marks):
            self.fail(f"expected {' or '.join(marks)}, found {self.tokens[self.at][1]!r}")

    def group(self, end):
        ret = {}
        while self.peek() != end:
            kind, name, _ = self.tokens[self.at]
            if kind != "name":
                self.fail(f"expected a name, found {name!r}")
            if name in ret:
                self.fail(f"duplicate key {name}")
            self.at += 1
            self.expect(":", "=")
            ret[name] = self.value()
            if not self.take(";"):
                self.fail(f"no ; behind {name}")
        return ret

    def items(self, end):
        ret = []
        if self.take(end):
            return ret
        while True:
            ret.append(self.value())
            if self.take(end):
                return ret
            self.expect(",")
            if self.peek() == end:
                self.fail("a comma before the end is an error on libconfig 1.5")

    def scalar(self):
        kind, text, _ = self.tokens[self.at]
        self.at += 1
        if kind == "string":
            return re.sub(r"\\(.)", lambda m: ESCAPES.get(m.group(1), m.group(1)), text[1:-1])
        if kind == "number":
            if "." in text:
                return float(text)
            if abs(int(text)) >= 1 << 31:
                self.fail("an integer beyond 31 bits differs between versions")
            return int(text)
        if kind == "name" and text in ("true", "false"):
            return text == "true"
        self.at -= 1
        return self.fail(f"expected a value, found {text!r}")

    def value(self):
        if self.take("{"):
            ret = self.group("}")
            self.expect("}")
            return ret
        if self.take("("):
            return self.items(")")
        if self.take("["):
            ret = self.items("]")
            if any(isinstance(item, (dict, list)) for item in ret) or len({type(item) for item in ret}) > 1:
                self.fail("an array holds scalars of one type")
            return ret
        return self.scalar()


def read(path):
    raw = pathlib.Path(path).read_bytes()
    if raw.startswith(b"\xef\xbb\xbf"):
        raise ConfError(f"{path}:1: a byte order mark is a syntax error")
    return Reader(raw.decode("utf-8"), path).group("")


def read_tree(directory):
    """evidenced.conf and its drop-ins, merged: lists are joined, groups too, a key that stands twice is an error."""
    directory = pathlib.Path(directory)
    files = [directory / "evidenced.conf"]
    for name in ("calendar.d", "units.d", "tasks.d"):
        files += sorted((directory / name).glob("*.conf"))
    ret = {}
    for path in files:
        merge(ret, read(path), path)
    return ret


def merge(into, more, path):
    for key, value in more.items():
        if key not in into:
            into[key] = value
        elif isinstance(value, list) and isinstance(into[key], list):
            into[key] = into[key] + value
        elif isinstance(value, dict) and isinstance(into[key], dict):
            merge(into[key], value, path)
        else:
            raise ConfError(f"{path}: {key} stands in two files")
