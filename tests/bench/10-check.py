#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""`evidenced --check` of 100,000 tasks beside libconfig's own reading of the same files, and the memory that stays."""

import glob
import os

import benchlib
import year_of

TASKS = 100000


def main():
    with benchlib.folder() as folder:
        config = year_of.write(folder, TASKS)
        files = [config] + sorted(glob.glob(os.path.join(os.path.dirname(config), "tasks.d", "*.conf")))
        check = [benchlib.binary("evidenced"), "--check", "--config", config]
        peer = [benchlib.tool("read-libconfig"), *files]
        ours, theirs = benchlib.alternate(
            lambda: benchlib.Run(check, out=os.devnull).cpu, lambda: benchlib.Run(peer, out=os.devnull).cpu
        )
        benchlib.row(
            "--check of 100,000 tasks",
            benchlib.median(ours) / benchlib.median(theirs),
            "× libconfig reading",
            most=2,
            detail=f"processor seconds {benchlib.spread(ours)} beside {benchlib.spread(theirs)}",
        )
        before, peak, kept, after = map(int, benchlib.Run([benchlib.tool("load-memory"), config]).text.split())
        benchlib.row(
            "memory of 100,000 tasks, given back when the model is freed",
            1 - (after - before) / (peak - before),
            "of the peak",
            least=0.9,
            detail=f"{peak // 1024} MiB at the peak, {kept // 1024} MiB with the model, {after // 1024} MiB afterwards",
        )


if __name__ == "__main__":
    main()
