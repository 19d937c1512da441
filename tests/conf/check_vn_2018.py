#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The sample year against the department's table: check_vn_2018.py CONF_DIR TABLE. Exits 1 and says what differs."""

import csv
import datetime
import pathlib
import re
import sys

import conf_text
import year

SECTIONS = {"organization", "calendar", "mail", "evidence", "publish", "areas", "units", "roles", "policies", "reports",
            "tasks"}
TASK_KEYS = {"id", "area", "title", "points", "unit", "each_unit", "co_units", "unassigned", "tracked", "due",
             "due_word", "opens", "closes", "policy", "evidence"}
NEED_KEYS = {"name", "match", "type", "count", "only"}
TYPES = {"pdf", "docx", "xlsx", "jpg", "png"}

problems = []


def expect(where, what, found, wanted):
    if found != wanted:
        problems.append(f"{where}: {what} is {found!r}, the table says {wanted!r}")


def split(text, by=";"):
    return [] if text == "-" else text.split(by)


def check_task(task, row, calendar):
    where = row["id"]
    expect(where, "points", task["points"], float(row["points"]))
    expect(where, "tracked", task.get("tracked", True), row["unit"] != "-")
    expect(where, "unassigned", task.get("unassigned", False), row["unassigned"] == "yes")
    expect(where, "co_units", task.get("co_units", []), split(row["co_units"]))
    if row["unit"] == "-":
        expect(where, "keys", set(task), {"id", "area", "title", "points", "tracked"})
        return
    word = task.get("due_word", "by")
    found = year.occurrences(task)
    expect(where, "due_word", word, row["word"])
    expect(where, "stated deadlines", [stated.isoformat() for stated, _ in found], split(row["stated"]))
    expect(where, "effective deadlines", [calendar.effective(stated, word).isoformat() for stated, _ in found],
           split(row["effective"]))
    wanted = [item.replace("_", " ").split("@") for item in row["needs"].split(" ")]
    expect(where, "needs", [[str(need.get("count", 1))] + need.get("only", [])
                            for need in task["evidence"]["need"]], wanted)
    copies = len(task.get("each_unit", [1]))
    expect(where, "documents", copies * sum(need.get("count", 1) for _, label in found
                                            for need in year.needs_of(task, label)), int(row["documents"]))


def check_owner(task, row, units):
    every = [unit["id"] for unit in units]
    if row["unit"] == "TATCA":
        expect(row["id"], "each_unit", sorted(task.get("each_unit", [])), sorted(every))
        expect(row["id"], "unit", task.get("unit"), None)
    elif row["unit"] != "-":
        expect(row["id"], "unit", task.get("unit"), row["unit"])


def check_shape(task):
    """What the table cannot say: known keys, folders that are told apart, only labels that exist."""
    where = task["id"]
    expect(where, "unknown keys", set(task) - TASK_KEYS, set())
    expect(where, "area", where.startswith(task["area"] + "."), True)
    if not task.get("tracked", True):
        return
    labels = [label for _, label in year.occurrences(task)]
    folder = task["evidence"]["dir"]
    expect(where, "folder", folder.split("/")[0], where)
    expect(where, "distinct labels", len(set(labels)), len(labels))
    if len(labels) > 1:
        expect(where, "{label} in the folder", "{label}" in folder, True)
    if "each_unit" in task:
        expect(where, "{unit} in the folder", "{unit}" in folder, True)
    for need in task["evidence"]["need"]:
        expect(where, "unknown keys of a need", set(need) - NEED_KEYS, set())
        expect(where, "a name for each need", bool(need["name"]), True)
        expect(where, "unknown types", set(need["type"]) - TYPES, set())
        expect(where, "only", set(need.get("only", [])) - set(labels), set())
    if "closes" in task:
        last = max(stated for stated, _ in year.occurrences(task))
        expect(where, "closes after the last deadline", task["closes"] > last.isoformat(), True)


def check_sums(conf):
    tasks = conf["tasks"]
    total = sum(task["points"] for task in tasks)
    won = sum(task["points"] for task in tasks if task.get("tracked", True))
    expect("all", "points", total, 100.0)
    expect("organization", "points", conf["organization"]["points"], total)
    expect("organization", "closes", conf["organization"]["closes"], "2018-11-30")
    expect("all", "points by evidence", won, 65.0)
    for area in conf["areas"]:
        expect(f"area {area['id']}", "points", area["points"],
               sum(task["points"] for task in tasks if task["area"] == area["id"]))
        expect(f"area {area['id']}", "unassigned", area.get("unassigned", False),
               any(task.get("unassigned", False) for task in tasks if task["area"] == area["id"]))


def check_calendar(calendar):
    expect("calendar", "days off", len(calendar.off), 14)
    expect("calendar", "years with days off", {day.year for day in calendar.off}, {2018})
    expect("calendar", "days made up", calendar.work, {datetime.date(2019, 1, 5)})
    for stated, word, wanted in (("2018-02-15", "before", "2018-02-13"), ("2018-12-31", "by", "2018-12-28")):
        expect("calendar", f"{word} {stated}", calendar.effective(datetime.date.fromisoformat(stated), word).isoformat(),
               wanted)


def check_roles(conf):
    policies = {policy["id"]: policy for policy in conf["policies"]}
    for task in conf["tasks"]:
        expect(task["id"], "policy known", task.get("policy", "default") in policies, True)
    used = {name for policy in policies.values() for step in policy["steps"]
            for name in step["to"] + step.get("cc", [])} - {"unit", "owner", "co_units"}
    for unit in conf["units"]:
        expect(unit["id"], "roles nobody holds", used - set(unit["roles"]) - set(conf["roles"]), set())
    expect("roles", "coordinator and administrator", {"coordinator", "administrator"} <= set(conf["roles"]), True)


def check_text(directory):
    """Every address under .example, NFC, no @include, no tab."""
    import unicodedata
    for path in sorted(directory.rglob("*.conf")):
        text = path.read_text(encoding="utf-8")
        expect(path.name, "NFC", unicodedata.is_normalized("NFC", text), True)
        expect(path.name, "tabs", text.count("\t"), 0)
        for address in re.findall(r"[\w.]+@[\w.-]+", text):
            expect(path.name, f"domain of {address}", address.endswith("@skhcn.example"), True)


def main():
    directory, table = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    conf = conf_text.read_tree(directory)
    with table.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader((line for line in lines if not line.startswith("#")), delimiter="\t"))
    calendar = year.Calendar(conf["calendar"])
    tasks = {task["id"]: task for task in conf["tasks"]}
    expect("all", "sections", set(conf), SECTIONS)
    expect("all", "ids", [task["id"] for task in conf["tasks"]], [row["id"] for row in rows])
    for row in rows:
        if row["id"] in tasks:
            check_task(tasks[row["id"]], row, calendar)
            check_owner(tasks[row["id"]], row, conf["units"])
            check_shape(tasks[row["id"]])
    check_sums(conf)
    check_calendar(calendar)
    check_roles(conf)
    check_text(directory)
    print("\n".join(problems) or f"{len(rows)} criteria agree with the table")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
