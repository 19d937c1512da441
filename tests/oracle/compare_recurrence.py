#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""compare_recurrence.py ANSWER: rules of RFC 5545 against python-dateutil.

Two things are left out, for there dateutil is not what the RFC says: weekdays with and without a number in one BYDAY (a
union in the RFC, dateutil intersects them), and BYSETPOS in the first week of a WEEKLY rule that begins in its middle
(dateutil counts from DTSTART instead of from the week's first day).
"""

import datetime
import random
import sys

from asking import Asking
from random_calendar import random_day

try:
    import dateutil.rrule
except ImportError:
    print("skipped: python3-dateutil is not installed")
    sys.exit(77)

FIRST_YEAR, LAST_YEAR = 1990, 2060
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


class EarlyEnd:
    """The module datetime with an earlier last year: a rule that never matches is not followed to the year 9999."""

    MAXYEAR = LAST_YEAR + 1

    def __getattr__(self, name):
        return getattr(datetime, name)


dateutil.rrule.datetime = EarlyEnd()


def some(rng, values, most):
    return rng.sample(values, rng.randint(1, min(most, len(values))))


def joined(name, values):
    return f"{name}={','.join(map(str, values))}"


def random_byday(rng, freq, has_months):
    days = some(rng, WEEKDAYS, 5)
    if freq in ("DAILY", "WEEKLY") or rng.random() < 0.5:
        return joined("BYDAY", days)
    most = 53 if freq == "YEARLY" and not has_months and rng.random() < 0.5 else 5
    return joined("BYDAY", [f"{rng.choice(('', '+', '-'))}{rng.randint(1, most)}{day}" for day in days])


def random_rule(rng):
    """Text of a rule, its week's first day, and whether it has BYSETPOS."""
    freq = rng.choice(("DAILY", "WEEKLY", "MONTHLY", "YEARLY"))
    parts, by, week_start = [f"FREQ={freq}"], [], 0
    if rng.random() < 0.5:
        parts.append(f"INTERVAL={rng.choice((1, 2, 3, 4, 6, 12, rng.randint(1, 40)))}")
    if rng.random() < 0.35:
        by.append(joined("BYMONTH", some(rng, range(1, 13), 4)))
    if freq != "WEEKLY" and rng.random() < 0.35:
        by.append(joined("BYMONTHDAY", some(rng, [*range(-31, 0), *range(1, 32)], 6)))
    if rng.random() < 0.5:
        by.append(random_byday(rng, freq, any(part.startswith("BYMONTH=") for part in by)))
    positions = bool(by) and rng.random() < 0.35
    if positions:
        by.append(joined("BYSETPOS", some(rng, [*range(-6, 0), *range(1, 7), -100, 366], 3)))
    if rng.random() < 0.3:
        week_start = rng.randrange(7)
        by.append(f"WKST={WEEKDAYS[week_start]}")
    rng.shuffle(by)
    return parts + by, week_start, positions and freq == "WEEKLY"


def expected_dates(text, start, until):
    rule = dateutil.rrule.rrulestr(text, dtstart=datetime.datetime(start.year, start.month, start.day))
    dates = []
    for moment in rule:
        if moment.date() > until:
            break
        dates.append(str(moment.date()))
    return " ".join(dates)


def main(program):
    rng = random.Random(5545)
    asking, years = Asking(program), set()
    for _ in range(3000):
        parts, week_start, whole_weeks = random_rule(rng)
        start = random_day(rng, datetime.date(FIRST_YEAR, 1, 1), datetime.date(2055, 12, 31))
        if whole_weeks:
            start += datetime.timedelta(days=(week_start - start.weekday()) % 7)
        until = min(start + datetime.timedelta(days=rng.randint(0, 2500)), datetime.date(LAST_YEAR, 12, 31))
        end = rng.random()
        if end < 0.4:
            parts.append(f"COUNT={rng.choice((1, 2, 4, 12, rng.randint(1, 200)))}")
        elif end < 0.7:
            stop = start + datetime.timedelta(days=rng.randint(0, 2000))
            parts.append(f"UNTIL={stop:%Y%m%d}")
        text = ";".join(parts)
        expected = expected_dates(text, start, until)
        years.update(day[:4] for day in expected.split())
        asking.ask(f"dates {start} {until} 10000 {text}", expected)
    missing = {str(year) for year in range(FIRST_YEAR, LAST_YEAR + 1)} - years
    if missing:
        sys.exit(f"no date of {sorted(missing)} was asked for")
    return asking.finish(least=3000)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
