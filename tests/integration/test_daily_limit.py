#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""mail.daily_limit: a receipt waits for the next morning when its unit has had its share, the reminder of that very moment counted."""

import contextlib
import json
import sqlite3

import evmail
import evtest
from evmail import unit_address

EARLIER = "2018-11-11T10:00:00+07:00"  # a Sunday: nothing leaves


class Limit(evmail.Office):
    def database(self, sql, *args):
        with contextlib.closing(sqlite3.connect(self.path("state", "evidenced.db"))) as db, db:
            return db.execute(sql, args).fetchall()

    def subjects(self, server):
        return [str(m.parse()["Subject"]) for m in server.taken if unit_address(0) in m.recipients]

    def flush(self, limit):
        """A receipt waits when the reminder is due. Returns the subjects of what the unit got."""
        with evtest.SmtpServer() as server:
            self.config = evmail.write_office(self.path(f"office-{limit}"), evmail.server(server.url))
            with open(self.config, encoding="utf-8") as file:
                text = file.read().replace("mail: {", f"mail: {{ daily_limit = {limit};")
            with open(self.config, "w", encoding="utf-8") as file:
                file.write(text)
            self.once(now=EARLIER)
            self.assertEqual(server.taken, [])
            detail = {"path": "1.1/0/note.pdf", "size": 1, "at": 0, "verdict": "counted"}
            self.database(
                "INSERT INTO notice (kind, instance, unit, created, leave, detail) VALUES ('received', ?, '0', 0, 0, ?)",
                f"1.1@{evmail.IN_THREE_DAYS}/0", json.dumps(detail),
            )  # fmt: skip
            evtest.pass_time(self.path("state"), days=1)
            self.once()
            today = self.subjects(server)
            waiting = self.database("SELECT leave FROM notice WHERE kind = 'received'")
            evtest.pass_time(self.path("state"), days=1)
            self.once()
            return today, self.subjects(server)[len(today) :], len(waiting)

    def test_the_reminder_counts(self):
        today, tomorrow, waiting = self.flush(1)
        self.assertEqual((len(today), waiting), (1, 1), today)
        self.assertIn("Reminder", today[0])
        self.assertEqual(len(tomorrow), 1, tomorrow)
        self.assertIn("received", tomorrow[0])

    def test_room_for_both(self):
        today, tomorrow, waiting = self.flush(2)
        self.assertEqual((len(today), tomorrow, waiting), (2, [], 0), today)


if __name__ == "__main__":
    evtest.main()
