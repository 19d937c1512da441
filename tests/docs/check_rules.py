#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check_rules.py SOURCE - every test that hacking.md's table of rules names exists"""

import os
import re
import sys

ROOT = sys.argv[1]


def rows(text):
    """The second column of each row of the table, as (rule, what it names)."""
    section = text.split("## Which test holds which rule of evidence", 1)[1].split("\n## ", 1)[0]
    for line in section.splitlines():
        cells = line.strip("|").split("|")
        if line.startswith("| ") and cells[0].strip() != "rule":
            yield cells[0].strip(), cells[1]


def missing_of(rule, cell):
    for part in cell.split(";"):
        path, *words = re.findall("`([^`]+)`", part)
        try:
            with open(os.path.join(ROOT, "tests", path), encoding="utf-8") as file:
                text = file.read()
        except FileNotFoundError:
            yield f"{rule}: there is no tests/{path}"
            continue
        for word in words:
            if word not in text:
                yield f"{rule}: tests/{path} has no '{word}'"


def main():
    with open(os.path.join(ROOT, "docs", "hacking.md"), encoding="utf-8") as file:
        table = list(rows(file.read()))
    missing = [line for rule, cell in table for line in missing_of(rule, cell)]
    print("\n".join(missing) or f"{len(table)} rules, every test they name exists")
    return 1 if missing or not table else 0


sys.exit(main())
