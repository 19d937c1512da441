# SPDX-License-Identifier: LGPL-2.1-or-later
"""Dates of a configuration read by conf_text, counted the slow and obvious way: day by day."""

import datetime

DAY = datetime.timedelta(days=1)
WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def days(entries):
    ret = set()
    for entry in entries:
        text = entry["date"] if isinstance(entry, dict) else entry
        first, _, last = text.partition("..")
        day, end = datetime.date.fromisoformat(first), datetime.date.fromisoformat(last or first)
        while day <= end:
            ret.add(day)
            day += DAY
    return ret


class Calendar:
    def __init__(self, conf):
        self.off, self.work = days(conf["off"]), days(conf["work"])
        self.workdays = conf["workdays"]

    def is_working(self, day):
        return day in self.work or (WEEKDAYS[day.weekday()] in self.workdays and day not in self.off)

    def effective(self, stated, word):
        """The last working day on or before the stated date (the day before it with `before`): shift = "earlier"."""
        day = stated - DAY if word == "before" else stated
        while not self.is_working(day):
            day -= DAY
        return day

    def working_days_until(self, today, day):
        """How many working days lie after @today up to and including @day; negative when the day has passed."""
        if day < today:
            return -self.working_days_until(day, today)
        n = 0
        while day > today:
            n += self.is_working(day)
            day -= DAY
        return n


def occurrences(task):
    """(stated date, label) of a task whose deadlines are written out."""
    due = task.get("due", [])
    return [(datetime.date.fromisoformat(item["date"]), item.get("label", "")) if isinstance(item, dict)
            else (datetime.date.fromisoformat(item), "")
            for item in (due if isinstance(due, list) else [due])]


def needs_of(task, label):
    return [need for need in task.get("evidence", {}).get("need", []) if label in need.get("only", [label])]
