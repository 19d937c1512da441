# SPDX-License-Identifier: LGPL-2.1-or-later
"""What every benchmark needs: processes measured one beside the other, and rows for the table of tests/bench/run.

A benchmark is a program NN-name.py or NN-name.sh in this folder. It prints each row as one line of JSON (Python: row(); a
shell script prints the line itself) and ends with 0; 77 when it cannot run here, with the reason on stderr. Set by run:

    BENCH_BIN      folder of the programs of this build, Release     BENCH_TOOLS  folder of the small programs of CMakeLists.txt
    BENCH_SOURCE   the source tree                                   BENCH_N      how often each thing is measured
"""

import contextlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

SOURCE = os.environ.get("BENCH_SOURCE", os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
N = int(os.environ.get("BENCH_N", "5"))


def binary(name):
    return os.path.join(os.environ["BENCH_BIN"], name)


def tool(name):
    return os.path.join(os.environ["BENCH_TOOLS"], name)


def skip(why):
    print(why, file=sys.stderr)
    sys.exit(77)


def folder():
    """A folder of this benchmark's own, gone when it ends."""
    return tempfile.TemporaryDirectory(prefix="evidenced-bench-")


class Run:
    """One process: wall-clock and processor seconds, peak memory in KiB, and what it printed (out given: into a file)."""

    def __init__(self, command, out=None, status=(0,), **env):
        keep = tempfile.TemporaryFile() if out is None else open(out, "wb")
        with keep:
            began = time.monotonic()
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=keep, env={**os.environ, **env})
            _, code, usage = os.wait4(process.pid, 0)
            self.wall = time.monotonic() - began
            process.returncode = os.waitstatus_to_exitcode(code)
            self.cpu = usage.ru_utime + usage.ru_stime
            self.peak_kib = usage.ru_maxrss
            if out is None:
                keep.seek(0)
                self.text = keep.read().decode("utf-8", "replace")
        if process.returncode not in status:
            raise RuntimeError(f"{command} ended with {process.returncode}")


def alternate(*runs, n=N):
    """Each of the functions n times, in turns, so that a busy moment hits all of them; lists of what they return."""
    found = [[] for _ in runs]
    for _ in range(n):
        for results, run in zip(found, runs):
            results.append(run())
    return found


def median(values):
    return statistics.median(values)


def spread(values):
    return f"{min(values):.3g}-{max(values):.3g}"


def instructions(command, **env):
    """Instructions that a process takes, counted by cachegrind: the same at each run, however busy the machine is."""
    if not shutil.which("valgrind"):
        return None
    run = subprocess.run(
        ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null", *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        universal_newlines=True,
        env={**os.environ, **env},
        check=True,
    )
    return int(re.search(r"I\s+refs:\s*([\d,]+)", run.stderr).group(1).replace(",", ""))


def children(pid):
    with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        for child in map(int, file.read().split()):
            yield child
            yield from children(child)


def family(pid):
    """A process and all that it started."""
    return [pid, *children(pid)]


def name_of(pid):
    with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
        return file.read().strip()


def fields(path, names):
    """Numbers of "Name: 123 kB" lines."""
    with open(path, encoding="ascii") as file:
        lines = dict(line.split(":", 1) for line in file if ":" in line)
    return [int(lines[name].split()[0]) for name in names]


def memory(pid):
    """(PSS, private dirty) in KiB"""
    return fields(f"/proc/{pid}/smaps_rollup", ("Pss", "Private_Dirty"))


def row(what, measured, unit, *, most=None, least=None, detail=""):
    """A line of the table. most, least: the aim; without either a figure that only informs."""
    passed = None
    if most is not None or least is not None:
        passed = (most is None or measured <= most) and (least is None or measured >= least)
    aim = f"≤ {most:g}" if most is not None else f"≥ {least:g}" if least is not None else ""
    line = {"what": what, "measured": measured, "unit": unit, "aim": aim, "pass": passed, "detail": detail}
    print(json.dumps(line, ensure_ascii=False), flush=True)
