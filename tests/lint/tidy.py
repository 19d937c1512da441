#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""tidy.py ROOT BUILD: clang-tidy over daemon/, each finding an error.

A file is looked at again only when it, a header, the rules or the way it is compiled changed: what was clean is
remembered in BUILD/tidy. 77 when clang-tidy 14 is not here (another release has other opinions).
"""

import concurrent.futures
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys

import tree


def find_tool():
    for name in ("clang-tidy-14", "clang-tidy"):
        path = shutil.which(name)
        if path:
            said = subprocess.run([path, "--version"], stdout=subprocess.PIPE, text=True).stdout
            if re.search(r"version 14\.", said):
                return path
    return None


def common_digest(root):
    digest = hashlib.sha256()
    for path in [".clang-tidy"] + tree.sources(root, (".h",)):
        digest.update(path.encode() + b"\0" + tree.read(root, path).encode("utf-8", "surrogateescape"))
    return digest


def look(tool, root, build, entry, digest):
    """What is wrong with one file of the compilation database; "" when nothing."""
    mark = digest.copy()
    with open(entry["file"], "rb") as file:
        mark.update(json.dumps(entry, sort_keys=True).encode() + file.read())
    memory = os.path.join(build, "tidy", mark.hexdigest())
    if os.path.exists(memory):
        return ""
    done = subprocess.run(
        [tool, "--quiet", "--warnings-as-errors=*", "-p", build, entry["file"]],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=root,
    )
    if done.returncode == 0:
        os.makedirs(os.path.dirname(memory), exist_ok=True)
        with open(memory, "w", encoding="ascii"):
            pass
        return ""
    return done.stdout.replace(root + "/", "") or done.stderr or f"{entry['file']}: clang-tidy failed"


def main(root, build):
    tool = find_tool()
    if not tool:
        print("skipped: clang-tidy 14 is not installed (apt-get install clang-tidy)")
        return 77
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        entries = [entry for entry in json.load(file) if entry["file"].startswith(os.path.join(root, "daemon/"))]
    digest = common_digest(root)
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        findings = list(pool.map(lambda entry: look(tool, root, build, entry, digest), entries))
    bad = [finding for finding in findings if finding]
    print("\n".join(bad) or f"{len(entries)} files, nothing to say")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])))
