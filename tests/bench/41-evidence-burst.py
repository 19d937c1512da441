#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Evidence written at full speed, and one file alone: is it all stored, how soon, and what does it cost those who write?

100,000 files (BENCH_FILES), each with a content of its own and each of them evidence, are written into 2,000 watched folders of
forty tasks by two writers. Time runs from the moment when the last file has settled (closed, and evidence.settle later, as it is by
default) until the store has them all. One file alone: from its close, settle apart, until the store says that its
task is complete. Peers: the same writers with nobody watching, with inotifywait, with watchman.
"""

import os
import subprocess
import time

import benchlib
import evidence_tree
import evtest

FILES, FOLDERS = int(os.environ.get("BENCH_FILES", "100000")), 2000
N = min(benchlib.N, 3)
SETTLE_SEC, SETTLE_ALONE_SEC = 5, 1


def with_nobody(ground):
    return ground.place(FOLDERS, 1).write(FILES)[1]


def with_inotifywait(ground):
    """(seconds of the writers, files seen closed, seconds until the last one was seen)"""
    place = ground.place(FOLDERS, 1)
    seen = os.path.join(place.folder, "seen")
    command = ["inotifywait", "--monitor", "--recursive", "--event", "close_write", "--outfile", seen, place.root]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, universal_newlines=True)
    try:
        while "Watches established" not in process.stderr.readline():
            pass
        closed, took = place.write(FILES)
        n, last = 0, closed
        with open(seen, "rb") as file:
            while n < FILES and time.monotonic() < last + 2:
                more = file.read().count(b"\n")
                n, last = n + more, time.monotonic() if more else last
        return took, n, last - closed
    finally:
        process.terminate()
        process.wait()
        process.stderr.close()


def with_watchman(ground):
    """(seconds of the writers, files known, seconds until it says so)"""
    place = ground.place(FOLDERS, 1)
    with evidence_tree.watchman() as server:
        server.say("watch", place.root)
        server.files(place.root)
        closed, took = place.write(FILES)
        n = server.files(place.root)
        return took, n, time.monotonic() - closed


def with_us(ground):
    """(seconds of the writers, files lost, seconds from the last one settled until all are stored, processor seconds)"""
    place = ground.place(FOLDERS, FILES // (FOLDERS // evidence_tree.FOLDERS_A_TASK))
    with place.service(settle=f"{SETTLE_SEC}s") as (service, store):
        evidence_tree.watched(service, store)
        pids = benchlib.family(service.process.pid)
        before = evidence_tree.worked(pids)
        closed, took = place.write(FILES)
        stored = evidence_tree.wait(lambda: store.stored() >= FILES, service.process, pause=0.01)
        lost = place.names() - store.counted()
        late = (stored or closed + evidence_tree.PATIENCE) - closed - SETTLE_SEC
        return took, len(lost), late, evidence_tree.worked(pids) - before


def alone(ground, folders):
    """Milliseconds for each of some files, each in a task of its own."""
    found, tasks = [], 10
    place = ground.place(folders, 1, folders_a_task=folders // tasks)
    with place.service(settle=f"{SETTLE_ALONE_SEC}s") as (service, store):
        evidence_tree.watched(service, store)
        for task in range(tasks):
            time.sleep(0.5)  # nothing else is going on
            with open(os.path.join(place.root, f"t{task}", "f0", "ev.txt"), "w", encoding="utf-8") as file:
                file.write(f"record {task}\n")
            closed = time.monotonic()
            ended = evidence_tree.wait(lambda t=task: store.is_complete(t), service.process, pause=0.001)
            if ended is None:
                raise RuntimeError(f"a file of task {task} was not seen:\n{service.log()}")
            found.append((ended - closed - SETTLE_ALONE_SEC) * 1000)
    return found


def show_burst(ground):
    runs = {"nobody": with_nobody, "evidenced": with_us}
    for name, run in (("inotifywait", with_inotifywait), ("watchman", with_watchman)):
        if evidence_tree.installed(name, "burst"):
            runs[name] = run
    found = dict(zip(runs, benchlib.alternate(*(lambda r=run: r(ground) for run in runs.values()), n=N)))
    calm = benchlib.median(found.pop("nobody"))
    took, lost, late, worked = zip(*found.pop("evidenced"))
    peers = {name: [list(values) for values in zip(*rows)] for name, rows in found.items()}
    what = f"burst: {FILES} files into {FOLDERS} folders by 2 writers"

    def beside(say):
        return "; ".join(f"{name} {say(*values)}" for name, values in peers.items()) or "no peer is installed"

    benchlib.row(f"{what}: lost", max(lost), "files", most=0, detail=beside(lambda _, n, __: f"{FILES - min(n)} lost"))
    benchlib.row(
        f"{what}: stored after the last has settled",
        benchlib.median(late),
        "s",
        most=0.5,
        detail=f"{benchlib.spread(late)} s, {benchlib.median(worked):.2f} s of processor; seen after the last was closed: "
        + beside(lambda _, __, after: f"{benchlib.spread(after)} s"),
    )
    benchlib.row(
        f"{what}: writers slowed",
        benchlib.median(took) / calm,
        "× nobody watching",
        most=1.3,
        detail=f"{benchlib.spread(took)} s beside {calm:.2f} s; "
        + beside(lambda slow, _, __: f"{benchlib.median(slow) / calm:.2f} ×"),
    )


def show_alone(ground, folders):
    times = alone(ground, folders)
    benchlib.row(
        f"burst: one file closed in one of {folders} folders, its task complete (settle apart)",
        benchlib.median(times),
        "ms",
        most=50,
        detail=f"{benchlib.spread(times)} ms",
    )


def main():
    with evidence_tree.ground() as ground:
        show_burst(ground)
        for folders in (10, FOLDERS):
            show_alone(ground, folders)


if __name__ == "__main__":
    main()
