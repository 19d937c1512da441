#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""`simulate` of a year in which nobody files anything: the worst one, 21 reminders a task and every report full."""

import os

import benchlib
import year_of

SPAN = ("2018-01-02", "2018-12-31")
SIZES = (1000, 10000, 100000)
TEMPLATES = os.path.join(benchlib.SOURCE, "conf", "templates")


def simulate(config):
    return [benchlib.binary("evidencectl"), "simulate", "--config", config, "--from", SPAN[0], "--to", SPAN[1], "--json"]


def engine(config):
    return [benchlib.tool("simulate-engine"), config, *SPAN]


def printed(config):
    return benchlib.Run(simulate(config), out=os.devnull, EVIDENCED_TEMPLATES=TEMPLATES)


def times(folder):
    for size in SIZES:
        config = os.path.join(folder, f"year-{size}", "evidenced.conf")
        runs, engines = benchlib.alternate(lambda c=config: printed(c), lambda c=config: benchlib.Run(engine(c)))
        wall, cpu = [run.wall for run in runs], [run.cpu for run in runs]
        quiet = [run.cpu for run in engines]
        _, _, mails, items = engines[0].text.split()
        benchlib.row(
            f"simulate a year of {size:,} tasks, JSON to /dev/null",
            benchlib.median(wall),
            "s",
            most=5 if size == max(SIZES) else None,
            detail=f"{mails} mails, {items} lines; processor {benchlib.median(cpu):.2f} s, "
            f"{benchlib.median(cpu) / size * 1e6:.0f} µs a task; without printing "
            f"{benchlib.median(quiet):.2f} s, {benchlib.median(quiet) / size * 1e6:.0f} µs a task",
        )


def linearity(folder):
    """By instructions: they do not depend on what else the machine does, or on whose cache it is."""
    counts = [benchlib.instructions(engine(os.path.join(folder, f"year-{size}", "evidenced.conf"))) for size in SIZES]
    if None in counts:
        return
    each = [count / size for count, size in zip(counts, SIZES)]
    benchlib.row(
        f"simulate grows linearly: a task of {SIZES[-1]:,} beside one of {SIZES[0]:,}",
        each[-1] / each[0],
        "× instructions",
        most=1.3,
        detail=", ".join(f"{count:,.0f} a task of {size:,}" for count, size in zip(each, SIZES)) + ", without printing",
    )


def main():
    with benchlib.folder() as folder:
        for size in SIZES:
            year_of.write(folder, size)
        times(folder)
        linearity(folder)


if __name__ == "__main__":
    main()
