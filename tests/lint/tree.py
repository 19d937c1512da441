# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the lints share: which files there are. Knows no rule."""

import os
import subprocess

SOURCE_FOLDERS = ("daemon", "tests")


def sources(root, suffixes=(".c", ".h")):
    """C files of the tree, relative to root, in a stable order."""
    found = []
    for folder in SOURCE_FOLDERS:
        for base, dirs, files in os.walk(os.path.join(root, folder)):
            dirs.sort()
            for name in sorted(files):
                if name.endswith(suffixes):
                    found.append(os.path.relpath(os.path.join(base, name), root))
    return found


def tracked(root):
    """Files git knows about; outside a clone (a release tarball), every file that is no build."""
    listing = subprocess.run(
        ["git", "-C", root, "ls-files", "-z"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    if listing.returncode == 0 and listing.stdout:
        names = [os.fsdecode(name) for name in listing.stdout.split(b"\0") if name]
        return [name for name in names if os.path.isfile(os.path.join(root, name))]
    found = []
    for base, dirs, files in os.walk(root):
        dirs[:] = sorted(d for d in dirs if not d.startswith((".git", "build")))
        found += [os.path.relpath(os.path.join(base, name), root) for name in sorted(files)]
    return found


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8", errors="surrogateescape") as file:
        return file.read()
