#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""compare_planners.py EVIDENCECTL CONF [N [SEED]]: N generated configurations, planned by evidencectl and by naive_planner.py.

Every reminder in time, To, Cc, items, order and step; every "complete" and "ladder ended"; the leaders' reports in time and
points; and the invariants.
"""

import os
import random
import sys
import tempfile

import simulated
from generated import Generator
from simulated import naive_planner

import conf_text

SHOWN = 3


def compare(rng, folder, program, templates):
    """(text of the configuration, differences, reminders)"""
    generator = Generator(rng)
    text = generator.text()
    path = os.path.join(folder, "evidenced.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    conf = conf_text.read(path)
    start, end = generator.span(naive_planner.read_calendar(conf))
    planner = naive_planner.Planner(conf, start, end)
    near = [at for owed in planner.owed for at, _ in owed.firings if at < end]
    if near and generator.chance(0.4):  # begins right where something fires, or where it is just not prompt any more
        start = rng.choice(near) + rng.choice((-1, 0, 1, 900, 901))
        planner = naive_planner.Planner(conf, start, end)
    completed = generator.completions(planner.owed, start, end)
    mails = simulated.simulate(program, path, start, end, completed, templates)
    found = simulated.differences(planner, mails, completed) + simulated.broken_rules(planner, mails, completed)
    found += simulated.wrong_reports(planner, mails, completed)
    header = f"{text}\nfrom {simulated.utc(start)} to {simulated.utc(end)}, complete {completed}"
    return header, found, sum(mail["kind"] == "reminder" for mail in mails)


def main(program, conf, n=200, seed=20181130):
    n_mails, n_wrong = 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(int(n)):
            text, found, n_reminders = compare(random.Random(int(seed) + number), folder, program, os.path.join(conf, "templates"))
            n_mails += n_reminders
            n_wrong += bool(found)
            if found and n_wrong <= SHOWN:
                print(f"---- seed {int(seed) + number}\n{text}")
                print("\n".join(found[:SHOWN]))
    print(f"{n} configurations, {n_mails} reminder mails, {n_wrong} configurations differ")
    return 1 if n_wrong or n_mails < 10 * int(n) else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
