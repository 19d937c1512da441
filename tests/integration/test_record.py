#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The record of reminders: a report that says who was told what since the last one, when, and what the server said."""

import csv
import io
import re
import shlex
import shutil

import evmail
import evtest
from evmail import head_address, unit_address

REPORTS = """reports: ( { id = "record"; repeat = "FREQ=DAILY"; at = "07:30"; to = [ "coordinator" ]; content = "reminders"; } );"""
NO_SUCH = "550 5.1.1 no such user <b>here</b>"


def refuse_unit_1(address):
    return NO_SUCH if unit_address(1) in address else None


class Record(evmail.Office):
    """Both units are reminded on the 12th and the 14th; unit 1's mailbox is not there. A record is due each morning."""

    def setUp(self):
        super().setUp()
        self.server = evtest.SmtpServer({"rcpt": refuse_unit_1})
        self.server.start()
        self.addCleanup(self.server.stop)
        self.office(evmail.server(self.server.url), units=2, reports=REPORTS)
        self.once()

    def next_day(self):
        evtest.pass_time(self.path("state"), days=1)
        self.once()

    def records(self):
        parsed = [m.parse() for m in self.server.taken if evmail.COORDINATOR in m.recipients]
        return [m for m in parsed if "Record of reminders" in str(m["Subject"])]

    def test_who_what_when_and_the_answer(self):
        self.assertEqual(self.records(), [], "the first is due on the next morning")
        self.next_day()
        (first,) = self.records()
        self.assertEqual(str(first["Subject"]), "Record of reminders up to 13/11/2018")
        self.assertEqual(first["X-Evidenced-Kind"], "report")
        text = evtest.body_text(first)
        # Unit 1: its own mailbox refused, its head took it.
        self.assertRegex(text, r"Unit 0: Accepted 1, In doubt 0, Undelivered 0, Withdrawn 0")
        self.assertRegex(text, r"Unit 1: Accepted 1, In doubt 0, Undelivered 1, Withdrawn 0")
        self.assertRegex(text, r"All messages: Accepted 2, In doubt 0, Undelivered 1, Withdrawn 0")
        lines = [line for line in text.split("\n") if "@office.example" in line and " on 12/11/2018" in line]
        told = {re.search(r"\S+@office\.example", line)[0]: line for line in lines}
        self.assertEqual(set(told), {unit_address(0), unit_address(1), head_address(1)}, text)
        self.assertIn("Reminder: 3 working days left", told[unit_address(0)])
        self.assertIn("250 2.0.0 taken", told[unit_address(0)])
        self.assertIn(NO_SUCH, told[unit_address(1)])
        self.assertIn("Undelivered", told[unit_address(1)])
        page = first.get_body(("html",)).get_content()
        self.assertIn("no such user &lt;b&gt;here", page)
        self.assertNotIn("<b>here", page)
        seal = re.search(r"Seal of the ledger, for later comparison: ([0-9a-f]{64})", text)[1]
        self.next_day()
        with self.service() as service:  # the hash of a row, and it stays one
            self.assertIn(seal, [row["hash"] for row in service.ctl("log", "--json", "--limit", "0").json()])

    def test_each_row_once(self):
        for _ in range(3):
            self.next_day()
        texts = [evtest.body_text(message) for message in self.records()]
        self.assertEqual(len(texts), 3)
        # What leaves on the morning of a record stands in the next one.
        self.assertIn("Nobody was told anything in this time.", texts[1])
        self.assertNotIn("on 12/11/2018 | To", texts[2])
        self.assertRegex(texts[2], r"All messages: Accepted 2, In doubt 0, Undelivered 1,")
        self.assertIn("1 working day left", texts[2])

    def test_where_all_of_it_is(self):
        """The command that it names gives what it says."""
        self.next_day()
        command = re.search(r"evidencectl (log --csv.*)", evtest.body_text(self.records()[0]))[1]
        with self.service() as service:
            out = service.ctl(*shlex.split(command)).out
            rows = list(csv.DictReader(io.StringIO(out.lstrip("\ufeff"), newline=""), strict=True))
        told = {(r["address"], r["code"]) for r in rows if r["kind"] == "reminder" and r["event"].startswith("mail-")}
        self.assertEqual(told, {(unit_address(0), "250"), (unit_address(1), "550"), (head_address(1), "250")})

    def test_a_mail_about_two_is_one(self):
        """The ledger has a row for each task that a mail is about; the record counts mails."""
        self.config = evmail.write_office(self.path("two"), evmail.server(self.server.url), units=1, reports=REPORTS)
        path = self.path("two", "etc", "tasks.d", "tasks.conf")
        with open(path, encoding="utf-8") as file:
            text = file.read().replace("points = 3.0", "points = 1.5")
        row = text[text.index("{ id") : text.rindex("\n);")]
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace(row, row + ",\n" + row.replace('"1.1"', '"1.2"').replace("1.1/", "1.2/")))
        shutil.rmtree(self.path("state"))
        self.once()
        self.next_day()
        text = evtest.body_text(self.records()[-1])
        self.assertRegex(text, r"Unit 0: Accepted 1, In doubt 0")
        self.assertRegex(text, r"All messages: Accepted 1, In doubt 0")

    def test_refused_where_it_can_not_be(self):
        for more in ('scope = "unit";', 'only_when = "changed";'):
            with self.subTest(more=more):
                self.office(evmail.server(self.server.url), reports=REPORTS.replace("content", more + " content"))
                done = evtest.run("evidenced", "--config", self.config, "--check", status=78, **evmail.FROM_BUILD)
                self.assertIn("a report of reminders is about all units", done.out + done.err)


if __name__ == "__main__":
    evtest.main()
