# SPDX-License-Identifier: LGPL-2.1-or-later
"""A second planner, written from docs/semantics.md alone: from the text of a configuration to the mails of a span.

Sections 4 and 5 are here, instance by instance and without a thought for speed; days, deadlines and steps (sections 1 to 3)
are those of tests/oracle/naive.py. Shares nothing with daemon/, so that an error has to be made twice to go unseen.
"""

import re
from collections import namedtuple
from datetime import date

import naive

WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
RULE_DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
DUE_SOON = 5  # working days
PROMPT = 15 * 60  # "or up to 15 minutes after it"

Item = namedtuple("Item", "instance task unit step due stated")
Mail = namedtuple("Mail", "kind to cc items")


def seconds(text):
    hours, minutes = text.split(":")
    return int(hours) * 3600 + int(minutes) * 60


def as_list(value):
    return value if isinstance(value, list) else [value]


def natural(text):
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", text)]


def spec(address):
    """Without display name and case."""
    return re.sub(r"^.*<([^<>]*)>$", r"\1", address.strip()).lower()


def ranges(entries):
    texts = [entry["date"] if isinstance(entry, dict) else entry for entry in entries]
    return [tuple(date.fromisoformat(day) for day in (text.split("..") * 2)[:2]) for text in texts]


def read_calendar(conf):
    settings = conf.get("calendar", {})
    start, end = settings.get("send_window", "07:00-18:00").split("-")
    return naive.Calendar(
        naive.Zone(conf["organization"]["time_zone"]),
        {WEEKDAYS.index(day) for day in settings.get("workdays", WEEKDAYS[:5])},
        ranges(settings.get("off", [])),
        ranges(settings.get("work", [])),
        seconds(settings.get("send_at", "07:30")),
        (seconds(start), seconds(end)),
        seconds(settings.get("close_of_day", "24:00")),
    )


class Step:
    def __init__(self, conf):
        self.offsets = naive.expand([(as_list(conf["at"]), conf.get("every"), conf.get("until"))])
        self.to, self.cc = conf["to"], conf.get("cc", [])


class Owed:
    """One instance: a deadline, a unit, and the ladder of its first episode."""

    def __init__(self, planner, task, unit, stated):
        self.task, self.unit = task, unit
        self.id, self.points = task["id"], task.get("points", 0)
        day, _, time = stated.partition(" ")
        found = planner.cal.deadline(
            date.fromisoformat(day),
            seconds(time) if time else -1,
            task.get("due_word", "by"),
            task.get("shift", "earlier"),
        )
        _, self.effective, self.deadline = found
        self.key = f"{self.id}@{day}" + (f"/{unit['id']}" if "each_unit" in task else "")
        self.stated = day
        closes = task.get("closes", planner.conf["organization"].get("closes"))
        ladder = naive.Instance(
            planner.cal,
            self.effective,
            self.deadline,
            planner.cal.base(self.effective, planner.start),
            date.fromisoformat(task["opens"]) if "opens" in task else None,
            date.fromisoformat(closes) if closes else None,
        )
        self.steps = planner.policies[task.get("policy", "default")]
        offsets = [offset for step in self.steps for offset in step.offsets]
        self.firings = [(at, offset) for offset, at, _ in ladder.ladder(offsets)]

    def step_of(self, offset):
        return next(step for step in self.steps if offset in step.offsets)

    def reminders(self, cal, start):
        """(when, offset): the whole of section 4 for an instance that stays open from its first day on."""
        passed = [firing for firing in self.firings if firing[0] <= start]
        coming = [firing for firing in self.firings if firing[0] > start]
        if not passed:
            return coming
        fired, offset = passed[-1]
        if start - fired <= PROMPT and cal.window_holding(start):
            leaves = start
        else:
            leaves = cal.leaves_caught_up(start)
        if coming and coming[0][0] <= leaves:
            return coming  # "a step that fires at or before that instant takes its place"
        return [(leaves, offset)] + coming


class Planner:
    def __init__(self, conf, start, end):
        self.conf, self.start, self.end = conf, start, end
        self.cal = read_calendar(conf)
        self.units = {unit["id"]: unit for unit in conf["units"]}
        self.unit_mails = {spec(address) for unit in conf["units"] for address in unit["mail"]}
        self.policies = {policy["id"]: [Step(step) for step in policy["steps"]] for policy in conf["policies"]}
        self.owed = []
        for task in conf["tasks"]:
            for due in as_list(task.get("due", [])):
                stated = due["date"] if isinstance(due, dict) else due
                for unit in task.get("each_unit", [task.get("unit")]):
                    self.owed.append(Owed(self, task, self.units[unit], stated))

    # Section 5: who

    def inside_fence(self, addresses):
        fence = self.conf["mail"].get("allowed_domains", [])
        found = {spec(address) for address in addresses}
        return {address for address in found if not fence or address.rpartition("@")[2] in fence}

    def held_by(self, role, unit, task):
        if role == "unit":
            addresses = unit["mail"]
        elif role == "owner":
            addresses = task.get("owner", [])
        elif role == "co_units":
            addresses = [address for id in task.get("co_units", []) for address in self.units[id]["mail"]]
        else:
            addresses = unit.get("roles", {}).get(role) or self.conf["roles"].get(role, [])
        return self.inside_fence(addresses)

    def addresses(self, roles, unit, task):
        found = set()
        for role in roles:
            for name in (role, "coordinator", "administrator"):
                held = self.held_by(name, unit, task)
                found |= held
                if held:
                    break
        return found

    # Section 5: one mail

    def severity(self, owed, now):
        today = self.cal.zone.civil(now).date()
        overdue = self.cal.count(owed.effective, today) if today > owed.effective else 0
        return -overdue, owed.deadline, -owed.points, natural(owed.id), owed.stated, natural(owed.unit["id"])

    @staticmethod
    def item(owed, offset):
        return Item(owed.key, owed.id, owed.unit["id"], offset, str(owed.effective), owed.stated)

    def reminders(self, completed):
        """{(when, To): Mail}; completed: {instance: when}."""
        flushes = {}
        for owed in self.owed:
            for when, offset in owed.reminders(self.cal, self.start):
                if when >= self.end or completed.get(owed.key, when + 1) <= when:
                    break
                step = owed.step_of(offset)
                to = frozenset(self.addresses(step.to, owed.unit, owed.task))
                cc = self.addresses(step.cc, owed.unit, owed.task)
                flushes.setdefault((when, to), []).append((self.severity(owed, when), owed, offset, cc))
        return {
            (when, to): Mail(
                "reminder",
                sorted(to),
                sorted(set().union(*(cc for _, _, _, cc in rows)) - to),
                [self.item(owed, offset) for _, owed, offset, _ in sorted(rows, key=lambda row: row[0])],
            )
            for (when, to), rows in flushes.items()
        }

    def ended(self, completed):
        """{when: instances}: ladders that ended with the instance still open, told at the next send_at."""
        told = {}
        for owed in self.owed:
            sent = [when for when, _ in owed.reminders(self.cal, self.start)]
            if not sent:
                continue
            when = self.cal.leaves_next(sent[-1] + 1)
            if when < self.end and completed.get(owed.key, when + 1) > when:
                told.setdefault(when, set()).add(owed.key)
        return told

    # Reports and points

    def leaders_reports(self):
        """When the report of scope "all" leaves; None when there is none. Rules as generated.py makes them."""
        report = next((report for report in self.conf.get("reports", []) if report.get("scope", "all") == "all"), None)
        if not report:
            return None
        freq, by = (part.partition("=")[2] for part in report["repeat"].split(";"))
        matches = (lambda day: RULE_DAYS[day.weekday()] == by) if freq == "WEEKLY" else (lambda day: day.day == int(by))
        found = set()
        for n in range(-60, (self.end - self.start) // 86400 + 2):
            day = self.cal.zone.civil(self.start).date() + n * naive.DAY
            if matches(day):
                found.add(self.cal.leaves_in_window(self.cal.at(self.cal.ceil(day), seconds(report["at"]))))
        return sorted(when for when in found if self.start <= when < self.end)

    def bucket(self, owed, now, completed):
        """The later, the worse."""
        if completed.get(owed.key, now + 1) <= now:
            return 0
        if now >= owed.deadline:
            return 3
        return 2 if self.cal.count(self.cal.zone.civil(now).date(), owed.effective) <= DUE_SOON else 1

    def score(self, now, completed):
        """Points complete and in all; tasks overdue and their points. Those of a task lie whole where its worst instance does."""
        worst = {}
        for owed in self.owed:
            worst[owed.id] = max(worst.get(owed.id, 0), self.bucket(owed, now, completed))
        points = {task["id"]: task["points"] for task in self.conf["tasks"]}
        of = lambda *buckets: [points[id] for id, bucket in worst.items() if bucket in buckets]
        return sum(of(0)), sum(points.values()), len(of(3)), sum(of(3))

    def thanks(self, completed):
        """{(when, unit): instances}: complete, told to the unit at the next send_at."""
        told = {}
        for owed in self.owed:
            if owed.key not in completed or completed[owed.key] < self.start:
                continue
            when = self.cal.leaves_next(completed[owed.key])
            if when < self.end:
                told.setdefault((when, owed.unit["id"]), set()).add(owed.key)
        return told
