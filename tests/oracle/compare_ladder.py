#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""compare_ladder.py ANSWER: expansion of policies, base dates and firing instants against a day-by-day implementation."""

import random
import sys
from datetime import date, timedelta

import naive
from asking import Asking
from random_calendar import ZONES, random_calendar, random_day, random_second, tell_calendar, tell_zone

DEFAULT_POLICY = (
    (("-15wd", "-10wd", "-5wd", "-3wd", "-1wd"), None, None),
    (("0",), None, None),
    (("+1wd",), "1wd", "+4wd"),
    (("+5wd",), "1wd", "+9wd"),
    (("+10wd",), "5wd", "+40wd"),
)


def random_offset(rng, after=None):
    if after is None and rng.random() < 0.15:
        return "0"
    after = rng.random() < 0.5 if after is None else after
    unit = rng.choice(naive.UNITS)
    most = {"wd": 30, "d": 45, "w": 6, "h": 100}[unit]
    return f"{'+' if after else '-'}{rng.randint(1, most)}{unit}"


def random_step(rng):
    if rng.random() < 0.7:
        return tuple(random_offset(rng) for _ in range(rng.randint(1, 6))), None, None
    at = random_offset(rng, after=True)
    count, unit = naive.split(at)
    until = f"+{count + rng.randint(0, 20)}{unit}" if rng.random() < 0.7 else None
    return (at,), f"{rng.randint(1, 5)}{unit}", until


def random_policy(rng):
    if rng.random() < 0.2:
        return DEFAULT_POLICY
    return tuple(random_step(rng) for _ in range(rng.randint(1, 6)))


def tell_policy(asking, policy):
    asking.tell("policy")
    for at, every, until in policy:
        asking.tell(f"step {','.join(at)} {every or '-'} {until or '-'}")
    offsets = naive.expand(policy)
    asking.ask("rungs", " ".join(offsets))
    return offsets


def random_instance(asking, rng, cal, year):
    stated = random_day(rng, date(year - 1, 3, 1), date(year + 1, 10, 31))
    time = -1 if rng.random() < 0.6 else rng.choice((random_second(rng, 0, 86400), 9000, cal.send_at, cal.end))
    found = cal.deadline(stated, time, rng.choice(("by", "before")), rng.choice(("earlier", "later", "none")))
    if not found:
        return None
    last, effective, instant = found
    began = cal.at(stated + timedelta(days=rng.randint(-60, 30)), rng.choice((cal.send_at, cal.end, 86400, 43200)))
    began += rng.choice((0, 0, -1, 1))
    base = cal.base(effective, began)
    asking.ask(f"base {effective} {began}000000", str(base))
    near = lambda days: last + timedelta(days=rng.randint(-days, days)) if rng.random() < 0.3 else None
    return naive.Instance(cal, effective, instant, base, near(30), near(40))


def ask_ladder(asking, instance, offsets):
    firings = instance.ladder(offsets)
    asking.ask(
        f"ladder {instance.effective} {instance.deadline}000000 {instance.base} "
        f"{instance.opens or '-'} {instance.closes or '-'}",
        " ".join(f"{offset}@{second}000000/{nominal}000000" for offset, second, nominal in firings),
    )


def main(program):
    rng = random.Random(20180115)
    asking = Asking(program)
    for name in ZONES:
        zone = naive.Zone(name)
        tell_zone(asking, zone)
        for _ in range(25):
            year = rng.randint(1997, 2050)
            cal = random_calendar(rng, zone, year)
            tell_calendar(asking, cal)
            for _ in range(4):
                policy = random_policy(rng)
                offsets = tell_policy(asking, policy)
                for _ in range(6):
                    instance = random_instance(asking, rng, cal, year)
                    if instance:
                        ask_ladder(asking, instance, offsets)
    return asking.finish(least=5000)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
