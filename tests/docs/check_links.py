#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check_links.py SOURCE - every relative link of README.md and docs/*.md leads to a file, and to a heading of it"""
import glob
import os
import re
import sys


def slug(heading):
    """The anchor of a heading, as GitHub and others make it."""
    heading = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    heading = "".join(c for c in heading if c.isalnum() or c in " -_")
    return heading.replace(" ", "-")


def text_of(path):
    with open(path, encoding="utf-8") as text:
        return re.sub(r"^```.*?^```", "", text.read(), flags=re.MULTILINE | re.DOTALL)


def anchors(path):
    found = {}
    for heading in re.findall(r"^#+ +(.*)$", text_of(path), re.MULTILINE):
        name = slug(heading)
        found[name] = found.get(name, -1) + 1
    return {name if not k else f"{name}-{k}" for name, n in found.items() for k in range(n + 1)}


def broken(path, target):
    file, _, anchor = target.partition("#")
    other = os.path.normpath(os.path.join(os.path.dirname(path), file)) if file else path
    if not os.path.exists(other):
        return "there is no such file"
    if anchor and other.endswith(".md") and anchor not in anchors(other):
        return "there is no such heading"
    return None


def main():
    source = sys.argv[1]
    n = n_broken = 0
    for path in [os.path.join(source, "README.md"), *sorted(glob.glob(os.path.join(source, "docs", "*.md")))]:
        for target in re.findall(r"\]\(([^)\s]+)\)", text_of(path)):
            if re.match(r"[a-z]+:", target):
                continue
            n += 1
            why = broken(path, target)
            if why:
                n_broken += 1
                print(f"{os.path.relpath(path, source)}: '{target}': {why}")
    print(f"{n} links, {n_broken} broken")
    return 1 if n_broken or n < 5 else 0


if __name__ == "__main__":
    sys.exit(main())
