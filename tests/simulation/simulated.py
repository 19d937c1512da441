# SPDX-License-Identifier: LGPL-2.1-or-later
"""What evidencectl simulate says, and what must hold of it whatever the configuration is."""

import json
import os
import re
import subprocess
import sys
from datetime import datetime, timezone

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
for folder in ("oracle", "conf"):
    sys.path.insert(0, os.path.join(TESTS, folder))

import naive_planner  # noqa: E402  (needs the folders above)


def utc(second):
    return datetime.fromtimestamp(second, timezone.utc).isoformat()


def simulate(program, config, start, end, completed, templates):
    """The mails as objects, with "at", the second since 1970. start and end: seconds; completed: {instance: second}."""
    command = [program, "simulate", "--config", config, "--from", utc(start), "--to", utc(end), "--json"]
    for key, when in completed.items():
        command += ["--complete", f"{key}={utc(when)}"]
    run = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
        env={**os.environ, "EVIDENCED_TEMPLATES": templates, "LC_ALL": "C.UTF-8"},
        check=False,
    )
    if run.returncode != 0:
        raise AssertionError(f"{command} ended with {run.returncode}\n{run.stderr}")
    mails = [json.loads(line) for line in run.stdout.splitlines()]
    for mail in mails:
        mail["at"] = int(datetime.fromisoformat(mail["time"]).timestamp())
    return mails


def items_of(mail):
    fields = ("instance", "task", "unit", "step", "due", "stated")
    return [naive_planner.Item(*(item.get(field) for field in fields)) for item in mail["items"]]


def differences(planner, mails, completed):
    """What the second planner expects and the first one does not say, and the other way round; texts."""
    found = []
    said = {}
    for mail in mails:
        if mail["kind"] == "reminder":
            to, cc = ([address.lower() for address in mail[name]] for name in ("to", "cc"))
            key = (mail["at"], frozenset(to))
            if key in said:
                found.append(f"{mail['time']}: two mails to {mail['to']}")
            said[key] = naive_planner.Mail("reminder", sorted(to), sorted(cc), items_of(mail))
    expected = planner.reminders(completed)
    for key in sorted(said.keys() | expected.keys(), key=lambda key: (key[0], sorted(key[1]))):
        if said.get(key) != expected.get(key):
            found.append(f"{utc(key[0])} to {sorted(key[1])}\n  expected {expected.get(key)}\n  said     {said.get(key)}")
    for what, kind, wanted in (
        ("ladders ended", "ladder-ended", planner.ended(completed)),
        ("complete", "complete", planner.thanks(completed)),
    ):
        told = {}
        for mail in mails:
            if mail["kind"] == kind:
                for item in mail["items"]:
                    key = mail["at"] if kind == "ladder-ended" else (mail["at"], item["unit"])
                    told.setdefault(key, set()).add(item["instance"])
        if told != wanted:
            found += [
                f"{what} {key}: expected {sorted(wanted.get(key, ()))}, said {sorted(told.get(key, ()))}"
                for key in sorted(told.keys() | wanted.keys())
                if told.get(key) != wanted.get(key)
            ]
    return found


SCORE = re.compile(
    r"(?:evidence complete for ([\d.]+) of ([\d.]+) points; )?(\d+) criteri(?:a|on) overdue \(([\d.]+) points\)$"
)


def wrong_reports(planner, mails, completed):
    """Leaders' reports that came at another time than the second planner says, or with other points; texts."""
    expected = planner.leaders_reports()
    reports = [mail for mail in mails if mail["kind"] == "report" and SCORE.search(mail["subject"])]
    said = [mail["at"] for mail in reports]
    if said != (expected or []):
        return [f"reports: expected {[utc(at) for at in expected or []]}\n  said {[utc(at) for at in said]}"]
    found = []
    for mail in reports:
        complete, whole, n, overdue = planner.score(mail["at"], completed)
        says = tuple(float(number or 0) for number in SCORE.search(mail["subject"]).groups())
        if says != (complete, whole, n, overdue):
            found.append(f"{mail['time']}: {mail['subject']}\n  expected {complete} of {whole}; {n} overdue ({overdue})")
    return found


def broken_rules(planner, mails, completed):
    """Invariants that need no second planner, only a calendar; texts."""
    found, steps, previous = [], set(), None
    for mail in mails:
        where = f"{mail['time']} {mail['kind']} to {mail['to']}"
        complain = lambda what, where=where: found.append(f"{where}: {what}")
        if not planner.start <= mail["at"] < planner.end:
            complain("outside the span")
        if planner.cal.window_holding(mail["at"]) is None:
            complain("outside the window of a working day")
        if previous is not None and mail["at"] < previous:
            complain("before the mail above it")
        previous = mail["at"]
        if not mail["to"]:
            complain("to nobody")
        for name in ("to", "cc"):
            if mail[name] != sorted(set(mail[name])):
                complain(f"{name} is not sorted, or names one twice")
        if {a.lower() for a in mail["to"]} & {a.lower() for a in mail["cc"]}:
            complain("somebody is in To and Cc")
        if mail["kind"] != "reminder":
            continue
        for item in mail["items"]:
            if (item["instance"], item["step"]) in steps:
                complain(f"{item['instance']} {item['step']} a second time")
            steps.add((item["instance"], item["step"]))
            if completed.get(item["instance"], mail["at"] + 1) <= mail["at"]:
                complain(f"{item['instance']} is complete")
    reminded = {(mail["at"], address.lower()) for mail in mails if mail["kind"] == "reminder" for address in mail["to"]}
    for mail in mails:
        # the record of reminders has no items, and may go to somebody who is a unit's mail as well
        if mail["kind"] == "report" and mail["items"] and any(
            (mail["at"], address.lower()) in reminded for address in mail["to"] if address.lower() in planner.unit_mails
        ):
            found.append(f"{mail['time']}: a unit's report beside its reminder")
    return found
