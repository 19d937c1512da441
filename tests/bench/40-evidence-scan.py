#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The first scan of a big tree into the store, a rescan in which nothing changed, and their memory, beside find and watchman.

A million files (BENCH_FILES) in 2,000 folders of forty tasks; in each folder one is the evidence that its task wants, the others
are photographs. The first scan begins when the service is started on an empty state and ends when the store says that every
task is complete. find prints size, date, inode and path of everything, through a pipe into cat.
"""

import os
import subprocess
import time

import benchlib
import evidence_tree

FILES, FOLDERS = int(os.environ.get("BENCH_FILES", "1000000")), 2000
N = min(benchlib.N, 3)
RESCAN_SEC = 10
QUIET_SEC = 0.3  # a rescan is over when nobody worked for so long


def find(place):
    began = time.monotonic()
    command = """find "$0" -printf '%s %T@ %i %p\\n' | cat >/dev/null"""
    subprocess.run(["sh", "-c", command, place.root], check=True)
    return time.monotonic() - began


def first_scan(place):
    """(seconds, MiB at the end, memory by process)"""
    began = time.monotonic()
    with place.service(settle="1s") as (service, store):
        ended = evidence_tree.wait(lambda: store.complete() == place.tasks, service.process)
        if ended is None:
            raise RuntimeError(f"{store.complete()} of {place.tasks} tasks are complete:\n{service.log()}")
        pids = benchlib.family(service.process.pid)
        return ended - began, evidence_tree.megabytes(pids), evidence_tree.memory_words(pids)


def watchman(place):
    """(seconds, MiB) until it can say what is there."""
    with evidence_tree.watchman() as server:
        began = time.monotonic()
        server.say("watch", place.root)
        if server.files(place.root) != FILES:
            raise RuntimeError("watchman does not see all files")
        return time.monotonic() - began, evidence_tree.megabytes([server.process.pid])


def cold():
    """Forget what the kernel knows of the tree; False where that is not permitted."""
    subprocess.run(["sync"], check=True)
    try:
        with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as file:
            file.write("3\n")
    except OSError:
        return False
    return True


def busy_span(pids):
    """(seconds from when they begin to work until they rest, processor seconds meanwhile): the next rescan."""
    before = first = evidence_tree.worked(pids)
    began = ended = None
    while began is None or time.monotonic() < ended + QUIET_SEC:
        time.sleep(0.005)
        now = evidence_tree.worked(pids)
        if now - before > 0.001 or (began and now - before > 0.0002):
            ended = time.monotonic()
            if began is None:
                began, first = ended - 0.005, before
        before = now
    return ended - began, before - first


def rescans(place):
    """Lists: seconds of a rescan, processor seconds of it, seconds of find right behind it."""
    with place.service(settle="1s", rescan=f"{RESCAN_SEC}s") as (service, store):
        if evidence_tree.wait(lambda: store.complete() == place.tasks, service.process) is None:
            raise RuntimeError(service.log())
        time.sleep(2)
        pids = benchlib.family(service.process.pid)
        found = []
        for _ in range(N):
            found.append((*busy_span(pids), find(place)))
        return tuple(zip(*found))


def show(place, kind, most, scan, walk, more=""):
    benchlib.row(
        f"scan: first of {FILES} files in {FOLDERS} folders, into the store, {kind}",
        benchlib.median(scan) / benchlib.median(walk),
        "× find",
        most=most,
        detail=f"{benchlib.spread(scan)} s beside {benchlib.spread(walk)} s{more}",
    )


def show_warm(place):
    runs = [lambda: find(place), lambda: first_scan(place)]
    peer = evidence_tree.installed("watchman", "scan")
    walk, ours, *others = benchlib.alternate(*runs, *([lambda: watchman(place)] if peer else []), n=N)
    scan, memory, words = zip(*ours)
    said = "watchman is not installed"
    if peer:
        seconds, theirs = zip(*others[0])
        said = f"watchman {benchlib.spread(seconds)} s, {benchlib.median(theirs):.0f} MiB"
    show(place, "warm", 1.5, scan, walk, f"; {said}")
    what = "scan: memory of all processes behind it (PSS)"
    benchlib.row(what, benchlib.median(memory), "MiB", most=64, detail=f"{words[-1]}; {said}")


def why_no_cold(place):
    kind = subprocess.run(["stat", "-f", "-c", "%T", place.root], stdout=subprocess.PIPE, universal_newlines=True, check=True)
    if kind.stdout.strip() == "tmpfs":
        return "the tree lies in memory"
    return "" if cold() else "/proc/sys/vm/drop_caches may not be written"


def show_cold(place):
    why = why_no_cold(place)
    if why:
        benchlib.row("scan: first, cold", "skipped", "", detail=why)
        return
    walk, ours = benchlib.alternate(lambda: cold() and find(place), lambda: cold() and first_scan(place), n=N)
    show(place, "cold", 1.15, [seconds for seconds, *_ in ours], walk)


def show_rescan(place):
    span, processor, walk = rescans(place)
    benchlib.row(
        "scan: again, nothing changed",
        benchlib.median(span) / benchlib.median(walk),
        "× find",
        most=1.0,
        detail=f"{benchlib.spread(span)} s ({benchlib.median(processor):.2f} s of processor) beside {benchlib.spread(walk)} s",
    )


def main():
    with evidence_tree.ground() as ground:
        place = ground.place(FOLDERS, evidence_tree.FOLDERS_A_TASK)
        place.write(FILES, every=FILES // FOLDERS)
        time.sleep(1.5)  # all of it has settled
        find(place)
        show_warm(place)
        show_rescan(place)
        show_cold(place)


if __name__ == "__main__":
    main()
