# SPDX-License-Identifier: LGPL-2.1-or-later
"""The sample year (conf/vn-2018) counted the slow and obvious way, from docs/semantics.md alone.

What a service that starts for the first time at some moment of November 2018 owes to whom at 07:30 of that day, and of
the next one. Knows nothing of evidenced's code; nothing here is meant to be fast or general.
"""

import collections
import datetime
import os
import re
import sys

import evtest

sys.path.insert(0, evtest.source("tests", "conf"))
import conf_text  # noqa: E402  (reads conf/, shares no line with the programs)

DAY = datetime.timedelta(days=1)
WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

# The evidence of the morning: (path, when it was filed). What it amounts to is counted by hand in COUNTED.
FILES = [
    # complete, in time
    ("1.1/01-KH-SKHCN CCHC 2018.pdf", "2018-01-10 09:00"),
    ("1.2/quý I/12-BC-SKHCN CCHC.pdf", "2018-03-01 16:20"),
    # complete, but late: it was owed by 04/06
    ("1.2/6 tháng/40-BC-SKHCN CCHC.pdf", "2018-06-11 08:00"),
    # partial: two of three records, no report
    ("1.4/KH-SKHCN-kiem-tra.pdf", "2018-04-02 10:00"),
    ("1.4/BB kiểm tra phòng A.pdf", "2018-09-03 10:00"),
    ("1.4/ảnh/BB kiểm tra phòng B.pdf", "2018-09-04 10:00"),
    # one of six units
    ("1.6/VP/BB họp.pdf", "2018-04-20 14:00"),
    ("1.6/KHTC/BB hop.pdf", "2018-04-26 14:00"),
    # NFD, as a Mac writes it: one of three
    ("NFD:7.5/Mục tiêu chất lượng năm 2018.pdf", "2018-02-13 10:50"),
    # two of four
    ("4.3/KH-SKHCN-77.pdf", "2018-05-07 08:30"),
    ("4.3/BB-01.pdf", "2018-10-02 08:30"),
    # four of five; đ and NFD in the names
    ("5.2/KH-SKHCN đào tạo 2018.pdf", "2018-02-05 08:30"),
    ("5.2/QĐ cử đi học 1.pdf", "2018-03-05 08:30"),
    ("NFD:5.2/QĐ cử đi học 2.pdf", "2018-04-05 08:30"),
    ("5.2/qđ CỬ đi học 3.PDF", "2018-11-08 15:00"),
    # what counts for nothing, and leaves no trace
    ("5.2/~$BC-SKHCN-dao-tao.pdf", "2018-11-08 15:01"),
    ("5.2/Thumbs.db", "2018-11-08 15:01"),
    ("5.2/ghi chú.docx", "2018-11-08 15:02"),
    # planning and finance: all but one document of 6.1, and nothing of 6.3
    ("6.1/QD-12.pdf", "2018-02-26 10:00"),
    ("6.2/quý IV năm 2017/TB-SKHCN-1.pdf", "2018-01-12 10:00"),
    ("6.2/quý IV năm 2017/bieu 1.xlsx", "2018-01-12 10:01"),
    ("6.2/quý I/TB-SKHCN-2.pdf", "2018-04-12 10:00"),
    ("6.2/quý I/bieu 2.xlsx", "2018-04-12 10:01"),
    ("6.2/quý II/TB-SKHCN-3.pdf", "2018-07-12 10:00"),
    ("6.2/quý II/bieu 3.xlsx", "2018-07-12 10:01"),
    ("6.2/quý III/TB-SKHCN-4.pdf", "2018-10-12 10:00"),
    ("6.2/quý III/bieu 4.xlsx", "2018-10-12 10:01"),
    ("1.9/KHTC/bang tu cham diem.xlsx", "2018-11-08 10:00"),
    # complete before it is due
    ("7.1/KH-SKHCN CNTT.pdf", "2018-01-31 10:00"),
    ("7.1/BC-SKHCN CNTT.pdf", "2018-11-07 10:00"),
    ("1.9/TTTK/bang-tu-cham.xlsx", "2018-11-07 11:00"),
]

# How many files count for each requirement, in the configuration's order; what stands not here has none.
COUNTED = {
    "1.1@2018-01-15": [1],
    "1.2@2018-03-05": [1],
    "1.2@2018-06-05": [1],
    "1.4@2018-10-31": [1, 2, 0],
    "1.6@2018-04-27/VP": [1],
    "1.6@2018-04-27/KHTC": [1],
    "7.5@2018-10-31": [1, 0, 0],
    "4.3@2018-10-31": [1, 1, 0],
    "5.2@2018-11-15": [1, 3, 0],
    "6.1@2018-02-28": [1, 0],
    "6.2@2018-01-15": [1, 1],
    "6.2@2018-04-15": [1, 1],
    "6.2@2018-07-15": [1, 1],
    "6.2@2018-10-15": [1, 1],
    "1.9@2018-11-30/KHTC": [1],
    "7.1@2018-11-15": [1, 1],
    "1.9@2018-11-30/TTTK": [1],
}
LATE = {"1.2@2018-06-05"}


def natural(text):
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", text)]


class Year:
    def __init__(self):
        self.conf = conf_text.read_tree(evtest.source("conf", "vn-2018"))
        self.off, self.work = self.days("off"), self.days("work")
        self.units = {unit["id"]: unit for unit in self.conf["units"]}

    def days(self, name):
        ret = set()
        for entry in self.conf["calendar"][name]:
            text = entry["date"] if isinstance(entry, dict) else entry
            first, _, last = text.partition("..")
            day, end = datetime.date.fromisoformat(first), datetime.date.fromisoformat(last or first)
            while day <= end:
                ret.add(day)
                day += DAY
        return ret

    def is_working(self, day):
        return day in self.work or (WEEKDAYS[day.weekday()] in self.conf["calendar"]["workdays"] and day not in self.off)

    def working(self, day, n):
        """The n-th working day strictly after a day; negative: before it."""
        while n:
            day += DAY if n > 0 else -DAY
            if self.is_working(day):
                n -= 1 if n > 0 else -1
        return day

    def on_or_before(self, day):
        while not self.is_working(day):
            day -= DAY
        return day

    def working_days_after(self, day, until):
        """Working days after a day up to and including another one."""
        n = 0
        while day < until:
            day += DAY
            n += self.is_working(day)
        return n


class Instance:
    def __init__(self, year, task, unit, date, label):
        self.year, self.task, self.unit, self.label = year, task, unit, label
        self.id = task["id"]
        self.stated = datetime.date.fromisoformat(date)
        last = self.stated - DAY if task.get("due_word") == "before" else self.stated
        self.effective = year.on_or_before(last)
        self.key = f"{self.id}@{date}" + (f"/{unit}" if "each_unit" in task else "")
        self.needs = [need for need in task["evidence"]["need"] if label in need.get("only", [label])]
        counted = COUNTED.get(self.key, [0] * len(self.needs))
        wanted = [need.get("count", 1) for need in self.needs]
        self.have, self.need = sum(counted), sum(wanted)
        self.missing = [(need["name"], w - c) for need, w, c in zip(self.needs, wanted, counted) if c < w]
        self.folder = task["evidence"]["dir"].replace("{label}", label).replace("{unit}", unit)
        self.points = task["points"]

    @property
    def is_open(self):
        return self.have < self.need

    def state(self, today):
        if not self.is_open:
            return "late" if self.key in LATE else "complete"
        if today > self.effective:
            return "overdue"
        if self.have:
            return "partial"
        return "open" if today >= min(day for day, _, _ in self.steps(today)) else "planned"

    def steps(self, first_known):
        """(day, offset, step) of the whole ladder, for an episode that begins on a working day at or before 07:30."""
        base = max(self.effective, self.year.working(first_known, -1))
        closes = datetime.date.fromisoformat(self.task.get("closes", self.year.conf["organization"]["closes"]))
        policy = next(p for p in self.year.conf["policies"] if p["id"] == self.task.get("policy", "default"))
        ret = []
        for step in policy["steps"]:
            offsets = [step["at"]] if isinstance(step["at"], str) else step["at"]
            numbers = [int(offset.replace("wd", "")) for offset in offsets]
            if "every" in step:
                every, until = int(step["every"].replace("wd", "")), int(step["until"].replace("wd", ""))
                numbers = list(range(numbers[0], until + 1, every))
            for n in numbers:
                day = self.year.working(self.effective if n <= 0 else base, n)
                if day <= closes:
                    ret.append((day, "0" if n == 0 else f"{n:+d}wd", step))
        return ret

    def due_on(self, today, first_known):
        """The step reminded of on a day at 07:30, when that began on first_known; None when nothing is due."""
        if not self.is_open:
            return None
        reached = [step for step in self.steps(first_known) if step[0] <= today]
        if not reached:
            return None
        current = max(reached, key=lambda step: step[0])
        # on the first morning all that was reached is told; later only what fires on the day
        return current if today == first_known or current[0] == today else None


def instances(year):
    ret = []
    for task in year.conf["tasks"]:
        if not task.get("tracked", True):
            continue
        due = task["due"] if isinstance(task["due"], list) else [task["due"]]
        for occurrence in due:
            date, label = (occurrence["date"], occurrence["label"]) if isinstance(occurrence, dict) else (occurrence, "")
            for unit in task.get("each_unit", [task.get("unit")]):
                ret.append(Instance(year, task, unit, date, label))
    return ret


Mail = collections.namedtuple("Mail", "to cc items")  # frozensets of addresses; [(instance, offset)] in the mail's order


def severity(year, instance, today):
    """The order in a mail: overdue by most working days, nearest deadline, most points, natural order."""
    overdue = year.working_days_after(instance.effective, today) if today > instance.effective else 0
    return (-overdue, instance.effective, -instance.points, natural(instance.id))


def addresses(year, unit, roles):
    ret = []
    for role in roles:
        own = year.units[unit]
        ret += own["mail"] if role == "unit" else own["roles"].get(role) or year.conf["roles"][role]
    return ret


def reminders(year, today, first_known):
    """The reminder mails of 07:30 on a day, by To."""
    mails = {}
    for instance in instances(year):
        due = instance.due_on(today, first_known)
        if not due:
            continue
        _, offset, step = due
        to = frozenset(addresses(year, instance.unit, step["to"]))
        cc, items = mails.setdefault(to, (set(), []))
        cc.update(addresses(year, instance.unit, step.get("cc", [])))
        items.append((instance, offset))
    for to, (cc, items) in mails.items():
        items.sort(key=lambda item: severity(year, item[0], today))
        mails[to] = Mail(to, frozenset(cc - to), items)
    return mails


BUCKETS = ("overdue", "due_soon", "pending", "complete")  # the worst first


def bucket(year, task_instances, today):
    """Where the points of a task lie: with its worst instance."""

    def one(instance):
        if not instance.is_open:
            return "complete"
        if today > instance.effective:
            return "overdue"
        return "due_soon" if year.working_days_after(today, instance.effective) <= 5 else "pending"

    return min(map(one, task_instances), key=BUCKETS.index)


def points_by_area(year, today):
    """{area: {bucket: points}} of what is tracked, and how many tasks are overdue."""
    tasks = collections.defaultdict(list)
    for instance in instances(year):
        tasks[instance.id].append(instance)
    areas = collections.defaultdict(lambda: dict.fromkeys(BUCKETS, 0.0))
    n_overdue = 0
    for of_task in tasks.values():
        where = bucket(year, of_task, today)
        n_overdue += where == "overdue"
        areas[of_task[0].task["area"]][where] += of_task[0].points
    return areas, n_overdue
