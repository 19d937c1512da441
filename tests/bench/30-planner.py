#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""100,000 instances of which nothing is due: a look at every one of them, a pass of the planner, and when to wake next."""

import benchlib
import year_of

TASKS = 100000
NOW = "2018-06-18T10:00:00+07:00"


def main():
    with benchlib.folder() as folder:
        config = year_of.write(folder, TASKS)
        runs = [benchlib.Run([benchlib.tool("planner-pass"), config, NOW]).text.split() for _ in range(benchlib.N)]
    looks, passes, nexts = ([float(run[i]) for run in runs] for i in (1, 2, 3))
    benchlib.row(
        "planner: a look at each of 100,000 instances, nothing due",
        benchlib.median(looks),
        "ms",
        most=20,
        detail=f"{runs[0][0]} instances, {benchlib.spread(looks)} ms",
    )
    benchlib.row(
        "planner: a pass over them", benchlib.median(passes), "ms", most=20, detail="by the index of what comes next"
    )
    benchlib.row("planner: the next instant to wake for", benchlib.median(nexts), "ms", most=1, detail="no scan")


if __name__ == "__main__":
    main()
