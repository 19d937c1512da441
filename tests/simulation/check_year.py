#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check_year.py EVIDENCECTL CONF: the sample year in virtual time, mail for mail.

The year is conf/vn-2018 from 02/01 to 31/12/2018; documents come as vn-2018.arrivals says. Three looks at the mails: the list
in vn-2018.mails, read line by line against docs/semantics.md when it was made; the second planner; and rules that need neither.
When the contract changes: check_year.py EVIDENCECTL CONF --print > vn-2018.mails, and read the difference.
"""

import difflib
import os
import sys
import unittest
from datetime import date, datetime, timedelta

import simulated
from simulated import HERE, naive_planner

import conf_text

HANOI = "+07:00"
DOMAIN = "@skhcn.example"
REPORT_SHOWN = 4
WEEKLY = ["giamdoc" + DOMAIN, "phogiamdoc" + DOMAIN]


def second(text):
    return int(datetime.fromisoformat(text.replace(" ", "T") + HANOI).timestamp())


FROM, TO = second("2018-01-02T00:00:00"), second("2018-12-31T00:00:00")


def arrivals():
    with open(os.path.join(HERE, "vn-2018.arrivals"), encoding="utf-8") as file:
        lines = [line.partition("#")[0].split() for line in file]
    return {line[0]: second(f"{line[1]}T{line[2]}:00") for line in lines if line}


def item_line(item):
    if not item.get("step"):
        return item["instance"]
    return f"{item['instance']} {item['step']}"


def line_of(mail):
    """One mail, one line; the domain of the addresses and the wording left out."""
    short = lambda addresses: ",".join(address.replace(DOMAIN, "") for address in addresses)
    when = datetime.fromisoformat(mail["time"])
    to = short(mail["to"]) + (f" (cc {short(mail['cc'])})" if mail["cc"] else "")
    lines = [item_line(item) for item in mail["items"]]
    if mail["kind"] == "report" and len(lines) > REPORT_SHOWN:
        lines[REPORT_SHOWN:] = [f"{len(lines) - REPORT_SHOWN} more"]  # of a unit: all that it has filed
    items = "; ".join(lines)
    return f"{when:%a %d/%m %H:%M}  {mail['kind']}  {to}" + (f": {items}" if items else "")


class Year(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        conf = os.path.join(CONF, "vn-2018")
        cls.completed = arrivals()
        cls.planner = naive_planner.Planner(conf_text.read_tree(conf), FROM, TO)
        cls.mails = simulated.simulate(
            PROGRAM, os.path.join(conf, "evidenced.conf"), FROM, TO, cls.completed, os.path.join(CONF, "templates")
        )

    def steps(self, instance):
        """(day, step, To) of every reminder about it."""
        return [
            (mail["time"][:10], item["step"], ",".join(mail["to"]).replace(DOMAIN, ""))
            for mail in self.mails
            if mail["kind"] == "reminder"
            for item in mail["items"]
            if item["instance"] == instance
        ]

    def test_every_mail(self):
        with open(os.path.join(HERE, "vn-2018.mails"), encoding="utf-8") as file:
            expected = file.read().splitlines()
        said = [line_of(mail) for mail in self.mails]
        self.assertEqual(said, expected, "\n" + "\n".join(difflib.unified_diff(expected, said, "expected", "said", "", "", 0)))

    def test_second_planner(self):
        self.assertEqual(simulated.differences(self.planner, self.mails, self.completed), [])

    def test_rules(self):
        self.assertEqual(simulated.broken_rules(self.planner, self.mails, self.completed), [])
        for mail in self.mails:
            self.assertTrue(mail["to"] == WEEKLY or mail["time"][11:16] == "07:30", mail)

    def test_arrivals_are_known(self):
        self.assertEqual(self.completed.keys() - {owed.key for owed in self.planner.owed}, set())

    # Counted on paper from the contract, before anything had run.

    def test_before_tet(self):
        """Before 28/02, over the holidays 14-20/02."""
        self.assertEqual(
            [step[:2] for step in self.steps("6.1@2018-02-28")],
            [
                ("2018-01-31", "-15wd"), ("2018-02-07", "-10wd"), ("2018-02-21", "-5wd"), ("2018-02-23", "-3wd"),
                ("2018-02-27", "-1wd"), ("2018-02-28", "0"), ("2018-03-01", "+1wd"), ("2018-03-02", "+2wd"),
                ("2018-03-05", "+3wd"), ("2018-03-06", "+4wd"), ("2018-03-07", "+5wd"), ("2018-03-08", "+6wd"),
                ("2018-03-09", "+7wd"),
            ],
        )  # fmt: skip
        self.assertEqual([to for _, _, to in self.steps("6.1@2018-02-28")][-4:], ["truongphong.khtc"] + ["phogiamdoc"] * 3)

    def test_up_to_the_director(self):
        found = self.steps("3.1@2018-01-31")
        self.assertEqual(found[-3:], [
            ("2018-02-13", "+9wd", "phogiamdoc"), ("2018-02-21", "+10wd", "giamdoc"), ("2018-02-28", "+15wd", "giamdoc"),
        ])  # fmt: skip

    def test_before_a_sunday(self):
        self.assertEqual(
            self.steps("1.2@2018-11-25"),
            [
                ("2018-11-02", "-15wd", "cchc"), ("2018-11-09", "-10wd", "cchc"), ("2018-11-16", "-5wd", "cchc"),
                ("2018-11-20", "-3wd", "cchc"), ("2018-11-22", "-1wd", "cchc"), ("2018-11-23", "0", "cchc"),
                ("2018-11-26", "+1wd", "truongbophan.cchc"), ("2018-11-27", "+2wd", "truongbophan.cchc"),
                ("2018-11-28", "+3wd", "truongbophan.cchc"), ("2018-11-29", "+4wd", "truongbophan.cchc"),
                ("2018-11-30", "+5wd", "phogiamdoc"),
            ],
        )  # fmt: skip

    def test_each_unit_and_closes(self):
        """Before 30/11: 29/11 for each unit; 30/11 is the last day on which anything is asked for."""
        self.assertEqual(self.steps("1.9@2018-11-30/CCTDC")[-3:], [
            ("2018-11-28", "-1wd", "cctdc"), ("2018-11-29", "0", "cctdc"), ("2018-11-30", "+1wd", "chicuctruong"),
        ])  # fmt: skip
        self.assertEqual([step[1] for step in self.steps("1.9@2018-11-30/KHTC")], ["-15wd"])
        ended = [(mail["time"][:10], [item["instance"] for item in mail["items"]])
                 for mail in self.mails if mail["kind"] == "ladder-ended"]  # fmt: skip
        self.assertEqual(ended, [
            ("2018-06-27", ["1.6@2018-04-27/CCTDC"]),  # +40wd was on 26/06
            ("2018-11-30", ["8.2@2018-11-15"]),  # +10wd was on 29/11; +15wd would be on 06/12
            ("2018-12-03", ["1.2@2018-11-25", "1.9@2018-11-30/CCTDC"]),
        ])  # fmt: skip

    def test_monthly(self):
        self.assertEqual([step[:2] for step in self.steps("1.3@2018-12-15")], [
            ("2018-12-07", "-5wd"), ("2018-12-11", "-3wd"), ("2018-12-13", "-1wd"), ("2018-12-14", "0"),
            ("2018-12-17", "+1wd"), ("2018-12-18", "+2wd"),
        ])  # fmt: skip
        self.assertEqual(self.steps("1.3@2018-03-15"), [])

    def test_completion_stops(self):
        self.assertEqual([step[:2] for step in self.steps("1.1@2018-01-15")], [
            ("2018-01-08", "-5wd"), ("2018-01-10", "-3wd"), ("2018-01-12", "-1wd"),
        ])  # fmt: skip
        self.assertEqual(self.steps("1.8@2018-03-30")[-1][:2], ("2018-03-30", "0"))

    def test_weekly_reports(self):
        """Every Monday; what falls on a day off comes on the next working day."""
        expected = []
        day = date(2018, 1, 1)
        while day < date(2018, 12, 31):
            expected.append({"2018-01-01": "2018-01-02", "2018-02-19": "2018-02-21", "2018-04-30": "2018-05-02",
                             "2018-09-03": "2018-09-04"}.get(str(day), str(day)))  # fmt: skip
            day += timedelta(days=7)
        found = [mail["time"][:16] for mail in self.mails if mail["kind"] == "report" and mail["to"] == WEEKLY]
        self.assertEqual(found, [day + "T07:30" for day in expected])


if __name__ == "__main__":
    PROGRAM, CONF = sys.argv[1:3]
    if sys.argv[3:] == ["--print"]:
        Year.setUpClass()
        print("\n".join(line_of(mail) for mail in Year.mails))
    else:
        unittest.main(argv=sys.argv[:1] + sys.argv[3:])
