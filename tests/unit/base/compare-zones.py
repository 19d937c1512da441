#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Compares zone_civil() and zone_instant() with Python's zoneinfo, around every change of offset and at random."""

import datetime as dt
import random
import subprocess
import sys
import zoneinfo

ZONES = """Asia/Ho_Chi_Minh Europe/Berlin America/New_York Australia/Lord_Howe Pacific/Apia America/Sao_Paulo
Africa/Casablanca Asia/Gaza Asia/Kathmandu Europe/Dublin America/St_Johns Pacific/Chatham Pacific/Kiritimati
Africa/Monrovia Antarctica/Troll UTC""".split()
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)
BEGIN, END = 86400 * 2, 86400 * 84000  # the dates that the product knows, with a day or two at each end


def offset(zone, second):
    """Seconds east of UTC at an instant."""
    return int((EPOCH + dt.timedelta(seconds=second)).astimezone(zone).utcoffset().total_seconds())


def first_with_another(zone, low, high):
    """The first instant in (low, high] whose offset is that of high, not that of low."""
    while high - low > 1:
        middle = (low + high) // 2
        if offset(zone, middle) == offset(zone, low):
            low = middle
        else:
            high = middle
    return high


def changes(zone):
    """Every change of offset, found by looking at each third day."""
    step = 3 * 86400
    for second in range(BEGIN, END - step, step):
        if offset(zone, second) != offset(zone, second + step):
            yield first_with_another(zone, second, second + step)


def instant(zone, date, second):
    """The rule of docs/semantics.md, section 1: after the gap, or the first of two."""
    naive = dt.datetime.combine(date, dt.time()) + dt.timedelta(seconds=second)
    first, second_of_two = (int((naive.replace(tzinfo=zone, fold=f).astimezone(dt.timezone.utc) - EPOCH).total_seconds())
                            for f in (0, 1))
    if second_of_two < first:  # a gap: PEP 495 reads it with the offset before and the one after
        return first_with_another(zone, second_of_two, first)
    return first


def questions(zone):
    """Instants and civil times worth asking for."""
    instants = [random.randrange(BEGIN, END) for _ in range(3000)]
    for change in changes(zone):
        instants += [change + delta for delta in (-86400, -3600, -1, 0, 1, 1800, 3600, 86400)]
        for near in (change, change - 1):  # what the wall clock shows on either side, and between
            local = near + offset(zone, near)
            for delta in (-3601, -3600, -1800, -1, 0, 1, 1800, 3600):
                yield "c", *divmod(local + delta, 86400)
    for second in instants:
        yield "i", second
        day = second // 86400
        yield "c", day, second % 86401
    yield "c", 17865, 86400


def ask(program, name, asked):
    """The answers of the program, a line each."""
    lines = []
    for question in asked:
        if question[0] == "i":
            lines.append(f"i {question[1]}")
        else:
            lines.append(f"c {dt.date(1970, 1, 1) + dt.timedelta(days=question[1])} {question[2]}")
    done = subprocess.run([program, name], input="\n".join(lines) + "\n", capture_output=True, text=True, check=False)
    if done.returncode == 77:
        return None
    done.check_returncode()
    return done.stdout.splitlines()


def expected(zone, question):
    """What Python answers."""
    if question[0] == "c":
        return str(instant(zone, dt.date(1970, 1, 1) + dt.timedelta(days=question[1]), question[2]))
    away = offset(zone, question[1])
    days, second = divmod(question[1] + away, 86400)
    return f"{dt.date(1970, 1, 1) + dt.timedelta(days=days)} {second} {away}"


def main():
    """Exit 0 when all agree, 1 when not, 77 when there are no zones to compare."""
    program, names = sys.argv[1], sys.argv[2:] or ZONES
    seed = random.randrange(1 << 32)
    random.seed(seed)
    print("seed", seed)
    n_asked = n_wrong = 0
    for name in names:
        try:
            zone = zoneinfo.ZoneInfo(name)
        except zoneinfo.ZoneInfoNotFoundError:
            continue
        asked = list(questions(zone))
        answers = ask(program, name, asked)
        if answers is None:
            continue
        assert len(answers) == len(asked), name
        for question, answer in zip(asked, answers):
            n_asked += 1
            if answer != expected(zone, question):
                n_wrong += 1
                if n_wrong < 20:
                    print(f"{name} {question}: {answer}, expected {expected(zone, question)}")
    print(f"{n_asked} compared, {n_wrong} differ")
    if n_asked == 0:
        return 77
    return 1 if n_wrong else 0


sys.exit(main())
