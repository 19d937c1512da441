#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""includes.py ROOT: may this layer include that one? docs/architecture.md, "Layers", is the rule.

Prints FILE:LINE: what is wrong, for every finding; exit 1 when there is one.
"""

import os
import re
import sys

import tree

ALLOWED = {
    "base": {"base"},
    "core": {"base", "core"},
    "config": {"base", "core", "config"},
    "store": {"base", "core", "store"},
    "message": {"base", "core", "message"},
    "ipc": {"base", "ipc"},
    "scan": {"base", "core", "ipc", "scan"},
    "mail": {"base", "ipc", "mail"},
    "service": {"base", "core", "config", "store", "message", "ipc", "service"},
    "ctl": {"base", "core", "config", "message", "ipc", "ctl"},
}

# core/ is a function of its arguments. <stdio.h> is allowed for snprintf alone: IMPURE_CALL has the rest.
IMPURE_HEADER = re.compile(
    r"^(time\.h|sys/(time|timerfd|stat|socket|un|inotify|epoll|mount|statfs|vfs|file|uio|wait)\.h"
    r"|unistd\.h|fcntl\.h|dirent\.h|ftw\.h|poll\.h|netdb\.h|netinet/.*|arpa/.*|syslog\.h|systemd/.*"
    r"|sqlite3\.h|curl/.*|libconfig\.h|jansson\.h|base/log\.h|base/fileio\.h)$"
)
IMPURE_CALL = re.compile(
    r"(?<![\w.>])(time|clock_gettime|clock|gettimeofday|fopen|open|openat|creat|socket|printf|fprintf"
    r"|puts|fputs|perror|syslog|getenv|setenv|random|rand|localtime|gmtime|tzset"
    r"|clock_realtime|clock_monotonic|clock_now)\s*\("
)
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.M)
COMMENT = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.S)


def blank_comments(text):
    """Comments and strings become blanks, so that words in them are no calls; line numbers stay."""
    return COMMENT.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), text)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def layer_of(path):
    parts = path.split("/")
    return parts[1] if parts[0] == "daemon" and len(parts) > 2 else None


def include_problem(root, path, quote, name):
    layer, top = layer_of(path), name.split("/")[0]
    qualified = "/" in name and top in ALLOWED
    if quote == "<":
        if qualified and os.path.exists(os.path.join(root, "daemon", name)):
            return f'<{name}> is ours: write "{name}"'
    elif not qualified:
        beside = os.path.join(root, os.path.dirname(path), name)
        if layer or not os.path.exists(beside):
            return f'"{name}" does not name its layer'
    elif layer and top not in ALLOWED[layer]:
        return f"{layer}/ must not include {top}/ ({name})"
    if layer == "core" and IMPURE_HEADER.match(name):
        return f"core/ is pure and must not include {name}"
    return None


def check_file(root, path):
    text = tree.read(root, path)
    layer = layer_of(path)
    if path.startswith("daemon/") and layer not in ALLOWED:
        yield 1, f"'{layer or '.'}' is no layer of daemon/"
        return
    for found in INCLUDE.finditer(text):
        problem = include_problem(root, path, found.group(1), found.group(2))
        if problem:
            yield line_of(text, found.start(2)), problem
    if layer == "core":
        bare = blank_comments(text)
        for found in IMPURE_CALL.finditer(bare):
            yield line_of(bare, found.start(1)), f"core/ is pure and must not call {found.group(1)}()"


def check(root):
    return [
        f"{path}:{line}: {problem}"
        for path in tree.sources(root)
        for line, problem in check_file(root, path)
    ]


if __name__ == "__main__":
    findings = check(sys.argv[1])
    print("\n".join(findings) or f"{len(tree.sources(sys.argv[1]))} files, every arrow allowed")
    sys.exit(1 if findings else 0)
