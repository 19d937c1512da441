# SPDX-License-Identifier: LGPL-2.1-or-later
"""Random zones, calendars and days, from a generator with a fixed seed."""

from datetime import date, timedelta

import naive

# What the users have; then a half-hour change, and days that have no midnight.
ZONES = ("Asia/Ho_Chi_Minh", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo")


def random_day(rng, first=date(1995, 1, 1), last=date(2055, 12, 31)):
    return first + timedelta(days=rng.randint(0, (last - first).days))


def random_second(rng, first, last):
    """Of the day; mostly round."""
    second = rng.randint(first, last)
    return max(first, second - second % rng.choice((900, 1800, 3600, 60, 1)))


def random_ranges(rng, year, n, longest):
    ranges = []
    for _ in range(n):
        first = random_day(rng, date(year - 1, 1, 1), date(year + 1, 12, 31))
        ranges.append((first, first + timedelta(days=rng.choice((0, 0, 0, 1, 2, rng.randint(0, longest))))))
    return ranges


def random_calendar(rng, zone, year, long_breaks=False):
    """Days off and at work in three years around `year`; windows that stay clear of doubled hours."""
    weekdays = set(range(5)) if rng.random() < 0.6 else set(rng.sample(range(7), rng.randint(1, 7)))
    off = random_ranges(rng, year, rng.randint(0, 25), 40)
    work = random_ranges(rng, year, rng.randint(0, 8), 3)
    if long_breaks:
        first = random_day(rng, date(year, 1, 1), date(year, 12, 31))
        off.append((first, first + timedelta(days=rng.randint(600, 900))))
    start = random_second(rng, 4 * 3600, 10 * 3600)
    end = 86400 if rng.random() < 0.1 else random_second(rng, start, 22 * 3600)
    send_at = random_second(rng, start, min(end, 86399))
    close = rng.choice((86400, 86400, 17 * 3600, 16 * 3600 + 1800, 9000, 86399, random_second(rng, 0, 86400)))
    return naive.Calendar(zone, weekdays, off, work, send_at, (start, end), close)


def tell_calendar(asking, cal):
    mask = sum(1 << day for day in cal.weekdays)
    asking.tell(f"calendar {mask} {cal.send_at} {cal.start} {cal.end} {cal.close}")
    for word, ranges in (("off", cal.off), ("work", cal.work)):
        for first, last in ranges:
            asking.tell(f"{word} {first} {last}")
    asking.setting = (
        f"{cal.zone.name}, weekdays {sorted(cal.weekdays)}, off {[f'{a}..{b}' for a, b in cal.off]}, "
        f"work {[f'{a}..{b}' for a, b in cal.work]}, send_at {cal.send_at}, window {cal.start}-{cal.end}, "
        f"close {cal.close}"
    )


def tell_zone(asking, zone):
    asking.setting = zone.name
    asking.tell(f"zone {zone.name}")
