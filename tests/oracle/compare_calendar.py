#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""compare_calendar.py ANSWER: working days, sending times and deadlines against a day-by-day implementation."""

import random
import sys
from datetime import date, timedelta

import naive
from asking import Asking
from random_calendar import ZONES, random_calendar, random_day, random_second, tell_calendar, tell_zone


def ask_days(asking, rng, cal, year):
    near = lambda: random_day(rng, date(year - 2, 1, 1), date(year + 3, 12, 31))
    for _ in range(15):
        day, other, n = near(), near(), rng.choice((1, 2, 3, 5, 10, rng.randint(1, 400)))
        n *= rng.choice((-1, 1))
        asking.ask(f"workday {day}", str(int(cal.is_working(day))))
        asking.ask(f"floor {day}", str(cal.floor(day) or "-"))
        asking.ask(f"ceil {day}", str(cal.ceil(day) or "-"))
        asking.ask(f"add {day} {n}", str(cal.add(day, n) or "-"))
        asking.ask(f"count {day} {other}", str(cal.count(day, other)))
    for y in range(year - 2, year + 4):
        asking.ask(f"lists {y}", str(int(cal.lists(y))))


def ask_edges(asking, rng, cal):
    """The first and the last days that there are."""
    for day in [naive.FIRST + timedelta(days=n) for n in range(5)] + [naive.LAST - timedelta(days=n) for n in range(5)]:
        n = rng.choice((-3, -1, 1, 3))
        asking.ask(f"add {day} {n}", str(cal.add(day, n) or "-"))
        asking.ask(f"floor {day}", str(cal.floor(day) or "-"))
        asking.ask(f"ceil {day}", str(cal.ceil(day) or "-"))


def ask_leaving(asking, rng, cal, year):
    for _ in range(10):
        day = random_day(rng, date(year - 1, 1, 1), date(year + 1, 12, 31))
        of_day = rng.choice((cal.send_at, cal.start, cal.end, random_second(rng, 0, 86400)))
        second = cal.at(day, of_day) + rng.choice((0, 0, -1, 1))
        for name, when in (
            ("caught-up", cal.leaves_caught_up),
            ("window", cal.leaves_in_window),
            ("next", cal.leaves_next),
        ):
            asking.ask(f"leave {name} {second}000000", f"{when(second)}000000")


def ask_deadlines(asking, rng, cal, year):
    for _ in range(15):
        day = random_day(rng, date(year - 1, 1, 1), date(year + 2, 12, 31))
        time = -1 if rng.random() < 0.6 else random_second(rng, 0, 86400)
        word, shift = rng.choice(("by", "before")), rng.choice(("earlier", "later", "none"))
        found = cal.deadline(day, time, word, shift)
        asking.ask(
            f"deadline {day} {time} {word} {shift}",
            f"{found[0]} {found[1]} {found[2]}000000" if found else "ERANGE",
        )


def main(program):
    rng = random.Random(20181130)
    asking = Asking(program)
    for name in ZONES:
        zone = naive.Zone(name)
        tell_zone(asking, zone)
        for _ in range(40):
            year = rng.randint(1996, 2054)
            breaks = rng.random() < 0.15
            cal = random_calendar(rng, zone, year, breaks)
            tell_calendar(asking, cal)
            ask_days(asking, rng, cal, year)
            ask_deadlines(asking, rng, cal, year)
            ask_leaving(asking, rng, cal, year)
        ask_edges(asking, rng, cal)
    return asking.finish(least=20000)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
