#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""style.py ROOT: licence lines, reasons in .clang-tidy; long files are a warning only."""

import os
import re
import sys

import tree

LICENCE = "SPDX-License-Identifier: LGPL-2.1-or-later"
MOST_LINES = 600


def check_licence(root):
    paths = tree.sources(root, (".c", ".h", ".py"))
    return [
        f"{path}:1: no '{LICENCE}'"
        for path in paths
        if LICENCE not in "\n".join(tree.read(root, path).split("\n", 2)[:2])
    ]


def check_reasons(root):
    text = tree.read(root, ".clang-tidy")
    reasons = {name for name, why in re.findall(r"^# (-\S+)\s+(\S.*)$", text, re.M)}
    checks = re.search(r"^Checks: >-\n((?:  .*\n?)+)", text, re.M).group(1)
    off = {check.strip() for check in checks.split(",") if check.strip().startswith("-")} - {"-*"}
    return [f".clang-tidy: {name} is off without a reason" for name in sorted(off - reasons)] + [
        f".clang-tidy: {name} has a reason but is on" for name in sorted(reasons - off)
    ]


def long_files(root):
    counts = {path: tree.read(root, path).count("\n") for path in tree.sources(root)}
    return [f"{path}: {n} lines, split it" for path, n in counts.items() if n > MOST_LINES]


def main(root):
    for warning in long_files(root):
        print(f"warning: {warning}")
    findings = check_licence(root) + check_reasons(root)
    print("\n".join(findings) or "style: nothing to say")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(os.path.abspath(sys.argv[1])))
