#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""paths.py ROOT: no tracked file names a place that only its author's machine has.

The needles are put together here, so that this file does not find itself.
"""

import os
import re
import sys

import tree

ALWAYS = [
    (r"\.\." + "/shared", "a folder outside the project"),
    (r"/home/[a-z][\w.-]*/", "somebody's home"),
    (r"/root/[\w.]", "somebody's home"),
]
# A clone straight below one of these says nothing: their names are in every manual page.
COMMON = {"/", "/tmp", "/srv", "/srv/evidence", "/opt", "/home", "/root", "/usr/src", "/var/tmp", "/mnt", "/src"}


def workplace(root):
    """The folder the clone lies in, as a needle."""
    parent = os.path.dirname(os.path.abspath(root))
    return [] if parent in COMMON else [(r"(?<![\w./-])" + re.escape(parent + "/"), "the folder this clone lies in")]


def check(root, more):
    findings = []
    for path in tree.tracked(root):
        for number, line in enumerate(tree.read(root, path).split("\n"), 1):
            for needle, what in ALWAYS + more:
                if re.search(needle, line):
                    findings.append(f"{path}:{number}: names {what}: {line.strip()[:80]}")
    return findings


if __name__ == "__main__":
    found = check(sys.argv[1], workplace(sys.argv[1]))
    print("\n".join(found) or "no foreign places named")
    sys.exit(1 if found else 0)
