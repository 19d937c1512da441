#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""linkage.py PROGRAM [+LIBRARY|-LIBRARY]...: what a program must, and must not, load.

The separation of the four programs is only worth something when the linker agrees: the one that reads hostile
files has no network library and no database in its address space.
"""

import re
import shutil
import subprocess
import sys


def main(program, rules):
    if not shutil.which("readelf"):
        print("skipped: readelf is not installed (apt-get install binutils)")
        return 77
    dynamic = subprocess.run(["readelf", "-dW", program], stdout=subprocess.PIPE, check=True, text=True).stdout
    needed = re.findall(r"\(NEEDED\).*\[(.+?)\]", dynamic)
    findings = []
    for rule in rules:
        loaded = any(name.startswith(rule[1:] + ".") or name.startswith(rule[1:] + "-") for name in needed)
        if loaded != (rule[0] == "+"):
            findings.append(f"{program}: {'does not load' if rule[0] == '+' else 'loads'} {rule[1:]}")
    if not re.search(r"BIND_NOW|FLAGS_1.*\bNOW\b", dynamic):
        findings.append(f"{program}: not linked with -z now")
    print("\n".join(findings) or f"{program} needs {' '.join(needed)}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
