# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sections 1 to 3 of docs/semantics.md a second time: day by day, in the page's own words and order, without a thought
for speed. Shares nothing with daemon/core, so that an error has to be made twice to go unseen."""

from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
FIRST, LAST = date(1970, 1, 1), date(2199, 12, 31)
REACH = 731
EPOCH = datetime(1970, 1, 1)


class Zone:
    def __init__(self, name):
        self.name = name
        self.info = ZoneInfo(name)

    def civil(self, second):
        """Wall clock at that second since 1970."""
        return datetime.fromtimestamp(second, timezone.utc).astimezone(self.info).replace(tzinfo=None)

    def instant(self, day, second):
        """Second since 1970 of a civil time; the end of a gap when there is none, the first when there are two."""
        wanted = datetime(day.year, day.month, day.day) + timedelta(seconds=second)
        guess = int(wanted.replace(tzinfo=self.info, fold=0).timestamp())
        if self.civil(guess) == wanted:
            return guess
        early, late = guess - 2 * 86400, guess + 2 * 86400
        while late - early > 1:
            middle = (early + late) // 2
            if self.civil(middle) < wanted:
                early = middle
            else:
                late = middle
        return late


class Calendar:
    def __init__(self, zone, weekdays, off, work, send_at, window, close):
        self.zone = zone
        self.weekdays = weekdays
        self.off, self.work = off, work
        self.send_at, (self.start, self.end), self.close = send_at, window, close
        self.off_days = {d for a, b in off for d in days_between(a, b)}
        self.work_days = {d for a, b in work for d in days_between(a, b)}

    def is_working(self, day):
        if day in self.work_days:
            return True
        return day.weekday() in self.weekdays and day not in self.off_days

    def lists(self, year):
        return any(d.year == year for d in self.off_days)

    def floor(self, day):
        for _ in range(REACH + 1):
            if day < FIRST:
                return None
            if self.is_working(day):
                return day
            day -= DAY
        return None

    def ceil(self, day):
        for _ in range(REACH + 1):
            if day > LAST:
                return None
            if self.is_working(day):
                return day
            day += DAY
        return None

    def add(self, day, n):
        step = DAY if n > 0 else -DAY
        left = abs(n)
        while left > 0:
            day += step
            if not FIRST <= day <= LAST:
                return None
            left -= self.is_working(day)
        return day

    def count(self, after, until):
        return sum(self.is_working(d) for d in days_between(after + DAY, until))

    def at(self, day, second):
        return self.zone.instant(day, second)

    # Section 1: when mail may leave

    def window_holding(self, second):
        """The working day in whose window that second lies."""
        civil = self.zone.civil(second)
        of_day = (civil - datetime(civil.year, civil.month, civil.day)).total_seconds()
        if self.is_working(civil.date()) and self.start <= of_day <= self.end:
            return civil.date()
        if self.end == 86400 and of_day == 0 and self.is_working(civil.date() - DAY):
            return civil.date() - DAY  # 24:00, included
        return None

    def first_day(self, second, of_day):
        day = self.zone.civil(second).date()
        while not (self.is_working(day) and self.at(day, of_day) >= second):
            day += DAY
        return day

    def last_day(self, second, of_day):
        day = self.zone.civil(second).date()
        while not (self.is_working(day) and self.at(day, of_day) <= second):
            day -= DAY
        return day

    def leaves_next(self, second):
        return self.at(self.first_day(second, self.send_at), self.send_at)

    def leaves_in_window(self, second):
        if self.window_holding(second):
            return second
        return self.at(self.first_day(second, self.start), self.start)

    def leaves_caught_up(self, second):
        day = self.window_holding(second)
        if day and second >= self.at(day, self.send_at):
            return second
        return self.leaves_next(second)

    # Section 2

    def deadline(self, stated, time_of_day, word, shift):
        """L, E and the deadline instant; None when no working day is in reach."""
        last = stated
        if time_of_day < 0 and word == "before":
            last = stated - DAY
        effective = last
        if not self.is_working(last):
            effective = {"earlier": self.floor, "later": self.ceil, "none": lambda d: d}[shift](last)
        if effective is None:
            return None
        return last, effective, self.at(effective, self.close if time_of_day < 0 else time_of_day)

    # Section 3

    def base(self, effective, began):
        o = self.zone.civil(self.leaves_caught_up(began)).date()
        last = o - DAY
        while not self.is_working(last):
            last -= DAY
        return max(effective, last)


def days_between(first, last):
    while first <= last:
        yield first
        first += DAY


UNITS = ("wd", "d", "w", "h")


def split(offset):
    """"-5wd" → (-5, "wd")"""
    if offset == "0":
        return 0, "d"
    unit = offset.lstrip("+-0123456789")
    return int(offset[: -len(unit)]), unit


def expand(steps):
    """The offsets of a policy, in its order; steps are (offsets, every, until)."""
    offsets = []
    for at, every, until in steps:
        offsets += at
        if not every:
            continue
        count, unit = split(at[0])
        by = split(every)[0]
        fired = 1
        while True:
            count += by
            if until and count > split(until)[0] or not until and fired == 60:
                break
            offsets.append(f"+{count}{unit}")
            fired += 1
    return offsets


class Instance:
    def __init__(self, cal, effective, deadline, base, opens, closes):
        self.cal, self.effective, self.deadline, self.base = cal, effective, deadline, base
        self.opens, self.closes = opens, closes

    def day_step(self, count, unit):
        """Day, and the day before it was moved."""
        cal, days = self.cal, count * 7 if unit == "w" else count
        if unit == "wd" and count != 0:
            day = cal.add(self.effective if count < 0 else self.base, count)
            return day, day
        wanted = (self.effective if count <= 0 else self.base) + timedelta(days=days)
        day = wanted
        while not cal.is_working(day):
            day += DAY if count > 0 else -DAY
        return day, wanted

    def fire(self, offset):
        """Day, second and second before any moving."""
        cal = self.cal
        count, unit = split(offset)
        if unit != "h":
            day, wanted = self.day_step(count, unit)
            nominal = cal.at(wanted, cal.send_at)
            if count <= 0 and cal.at(day, cal.send_at) >= self.deadline:
                day = cal.add(day, -1)
            return day, cal.at(day, cal.send_at), nominal
        start = self.deadline
        if count > 0 and self.base > self.effective:
            start = cal.at(self.base, cal.close)
        nominal = start + count * 3600
        day = cal.window_holding(nominal)
        if day:
            return day, nominal, nominal
        if count < 0:
            day = cal.last_day(nominal, cal.end)
            return day, cal.at(day, cal.end), nominal
        day = cal.first_day(nominal, cal.send_at)
        return day, cal.at(day, cal.send_at), nominal

    def ladder(self, offsets):
        """(offset, second, nominal second) in order of time, one for each instant."""
        winners = {}
        for order, offset in enumerate(offsets):
            day, second, nominal = self.fire(offset)
            if self.opens and day < self.opens or self.closes and day > self.closes:
                continue
            if second not in winners or (nominal, order) > winners[second][:2]:
                winners[second] = (nominal, order, offset)
        return [(winners[s][2], s, winners[s][0]) for s in sorted(winners)]
