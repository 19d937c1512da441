#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""`evidencectl log`: was this unit told, when, of what, and what did the server say? And: is that what was written down then?"""

import contextlib
import csv
import io
import json
import sqlite3

import evmail
import evtest
from evmail import head_address, unit_address

NO_SUCH = "550 5.1.1 =1+1, or: no such \"user\" here"
WORDS = NO_SUCH[len("550 5.1.1 ") :]
FORMULA = "'" + WORDS  # as a spreadsheet gets it: words of a server must not be run
REMINDED_ON = ("2018-11-12", "2018-11-14")


def refuse_unit_1(address):
    return NO_SUCH if unit_address(1) in address else None


class Log(evmail.Office):
    """Unit 0 is reminded on the 12th and the 14th, unit 1's mailbox is not there, unit 2's last day is the 12th."""

    def setUp(self):
        super().setUp()
        self.server = evtest.SmtpServer({"rcpt": refuse_unit_1})
        self.server.start()
        self.addCleanup(self.server.stop)
        dues = [evmail.IN_THREE_DAYS, evmail.IN_THREE_DAYS, evmail.TODAY]
        self.office(evmail.server(self.server.url), units=3, due=dues)
        self.once()
        evtest.pass_time(self.path("state"), days=2)
        self.once()

    def rows(self, service, *filters):
        return service.ctl("log", "--json", "--limit", "1000", *filters).json()

    def outcomes(self, rows):
        return [
            (row["at"][:10], row["event"], row["address"], row["detail"]["code"], row["detail"]["reply"])
            for row in rows
            if row["event"].startswith("mail-") and row["detail"]["kind"] == "reminder"
        ]

    def test_was_this_unit_told(self):
        with self.service() as service:
            told = self.outcomes(self.rows(service, "--unit", "0"))
            self.assertEqual(told, [(day, "mail-accepted", unit_address(0), 250, "taken") for day in REMINDED_ON])
            table = service.ctl("log", "--unit", "0", "--event", "mail-accepted").out
            self.assertEqual(table.count("address=" + unit_address(0)), len(REMINDED_ON), table)
            refused = self.outcomes(self.rows(service, "--unit", "1"))
            for day in REMINDED_ON:
                mine = [row[1:] for row in refused if row[0] == day]
                self.assertIn(("mail-parked", unit_address(1), 550, WORDS), mine)
                self.assertIn(("mail-accepted", head_address(1), 250, "taken"), mine)  # who has it instead

    def test_of_what(self):
        """The decision and what became of it are tied by the Message-ID that also arrived."""
        with self.service() as service:
            rows = self.rows(service, "--unit", "0")
            decided = {r["detail"]["message_id"]: r for r in rows if r["event"] == "notice-decided"}
            sent = {r["detail"]["message_id"]: r for r in rows if r["event"] == "mail-accepted"}
            arrived = {}
            for message in self.server.taken:
                if unit_address(0) in message.recipients:
                    parsed = message.parse()
                    arrived[parsed["Message-ID"].strip()] = str(parsed["Subject"])
            self.assertEqual(len(arrived), 2)
            self.assertEqual(set(decided), set(arrived))
            self.assertEqual({number: row["detail"]["subject"] for number, row in sent.items()}, arrived)
            self.assertEqual([row["detail"]["step"] for row in decided.values()], ["-3wd", "-1wd"])
            for row in sent.values():
                self.assertEqual((row["instance"], row["task"]), ("1.2@2018-11-15/0", "1.2"))
                self.assertEqual(row["detail"]["server"], self.server.url)

    def test_filters(self):
        """Each gives exactly the rows that a look at all of them would pick, and all together what all would."""
        with self.service() as service:
            everything = self.rows(service)
            self.assertEqual([row["seq"] for row in everything], list(range(1, len(everything) + 1)))
            cases = (
                (("--unit", "0"), lambda r: r["unit"] == "0"),
                (("--task", "1.1"), lambda r: r["task"] == "1.1"),
                (("--address", unit_address(2)), lambda r: r["address"] == unit_address(2)),
                (("--address", unit_address(2).upper()), lambda r: r["address"] == unit_address(2)),
                (("--event", "mail-parked"), lambda r: r["event"] == "mail-parked"),
                (("--since", "2018-11-13"), lambda r: r["at"] >= "2018-11-13"),
                (("--until", "2018-11-13"), lambda r: r["at"] < "2018-11-13"),
                (
                    ("--unit", "0", "--since", "2018-11-13", "--event", "mail-accepted"),
                    lambda r: r["unit"] == "0" and r["at"] >= "2018-11-13" and r["event"] == "mail-accepted",
                ),
            )
            for filters, wanted in cases:
                with self.subTest(filters=filters):
                    expected = [row["seq"] for row in everything if wanted(row)]
                    self.assertTrue(0 < len(expected) < len(everything))
                    self.assertEqual([row["seq"] for row in self.rows(service, *filters)], expected)
            self.assertEqual(self.rows(service, "--unit", "nobody"), [])
            service.ctl("log", "--since", "tomorrow-ish", status=64)

    def test_csv(self):
        with self.service() as service:
            rows = self.rows(service, "--unit", "1")
            out = service.ctl("log", "--csv", "--limit", "1000", "--unit", "1").out
            table = list(csv.DictReader(io.StringIO(out.lstrip("\ufeff"), newline=""), strict=True))
            self.assertEqual([int(row["seq"]) for row in table], [row["seq"] for row in rows])
            for key in ("event", "instance", "task", "unit", "address"):
                self.assertEqual([row[key] for row in table], [row[key] or "" for row in rows], key)
            self.assertEqual([json.loads(row["detail"]) for row in table], [row["detail"] for row in rows])
            said = {(r["address"], r["code"], r["enhanced"], r["reply"]) for r in table if r["event"] == "mail-parked"}
            self.assertEqual(said, {(unit_address(1), "550", "5.1.1", FORMULA)})
            # a limit, and what goes with what
            self.assertEqual(service.ctl("log", "--csv", "--limit", "1").out.count("\n"), 2)
            for other in ("--json", "--verify"):
                service.ctl("log", "--csv", other, status=64)

    def forge(self, sql):
        with contextlib.closing(sqlite3.connect(self.path("state", "evidenced.db"))) as db, db:
            for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'ledger'"):
                db.execute(f"DROP TRIGGER {name}")
            self.assertEqual(db.execute(sql).rowcount, 1)

    def test_the_database_refuses_changes(self):
        with contextlib.closing(sqlite3.connect(self.path("state", "evidenced.db"))) as db:
            for sql in ("UPDATE ledger SET unit = '2' WHERE seq = 3", "DELETE FROM ledger WHERE seq = 3"):
                with self.assertRaisesRegex(sqlite3.IntegrityError, "append-only"):
                    db.execute(sql)

    def test_verify(self):
        with self.service() as service:
            answer = service.ctl("log", "--verify", "--json").json()
            rows = self.rows(service)
            self.assertEqual((answer["sound"], answer["broken"], answer["rows"]), (True, None, len(rows)))
            self.assertEqual(answer["head"], rows[-1]["hash"])
        # One byte each, the later row first: the first broken one is named.
        for number, sql in (
            (9, "UPDATE ledger SET detail = detail || ' ' WHERE seq = 9"),
            (7, "UPDATE ledger SET at = at + 1 WHERE seq = 7"),
            (5, "UPDATE ledger SET unit = '9' WHERE seq = 5"),
            (3, "UPDATE ledger SET hash = x'00' || substr(hash, 2) WHERE seq = 3"),
        ):
            self.forge(sql)
            with self.subTest(row=number), self.service() as service:
                answer = service.ctl("log", "--verify", "--json", status=1).json()
                self.assertEqual((answer["sound"], answer["broken"]), (False, number))
                self.assertIn(f"at row {number} of", service.ctl("log", "--verify", status=1).out)


    def test_cut_off(self):
        """The chain of what is left is sound: that rows are gone is seen by a head that was printed before, and by nothing else."""
        with self.service() as service:
            heads = [row["hash"] for row in self.rows(service)]
            self.assertEqual(service.ctl("log", "--verify", "--json").json()["head"], heads[-1])
        self.forge(f"DELETE FROM ledger WHERE seq = {len(heads)}")
        with self.service() as service:
            self.assertTrue(service.ctl("log", "--verify", "--json").json()["sound"])
            out = service.ctl("log", "--csv", "--limit", "0").out
            self.assertIn(heads[-2], out)
            self.assertNotIn(heads[-1], out)


class Table(evmail.Office):
    def test_each_row_of_a_table_is_found(self):
        """One mail about two tasks: asked about either, the log tells of the same mail."""
        with evtest.SmtpServer() as server:
            self.office(evmail.server(server.url))
            path = self.path("etc", "tasks.d", "tasks.conf")
            with open(path, encoding="utf-8") as file:
                text = file.read().replace("points = 3.0", "points = 1.5")
            row = text[text.index("{ id") : text.rindex("\n);")]
            second = row.replace('"1.1"', '"1.2"').replace("1.1/", "1.2/")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text.replace(row, row + ",\n" + second))
            self.once()
            (message,) = server.taken
            with self.service() as service:
                for task in ("1.1", "1.2"):
                    rows = self.log_of(service, "--task", task, "--event", "mail-accepted")
                    self.assertEqual([row["instance"] for row in rows], [f"{task}@2018-11-15/0"])
                    self.assertEqual(rows[0]["address"], unit_address(0))
                    self.assertEqual(rows[0]["detail"]["message_id"], message.parse()["Message-ID"].strip())


if __name__ == "__main__":
    evtest.main()
