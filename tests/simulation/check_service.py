#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check_service.py EVIDENCECTL CONF: a service that starts at T mails what `simulate --from T` says.

The real programs, each time with an empty state and nothing filed: evidenced --once --now T, its mail written into a folder.
"""

import glob
import os
import re
import shutil
import sys
from datetime import datetime, timedelta
from email.utils import getaddresses

import simulated

import evtest

# Mornings on which much is due, and moments at which what was missed is caught up: after a holiday, in the afternoon, on
# the closing day, at the window's first and last minute, and some at which nothing may leave.
MOMENTS = (
    "2018-02-21T09:15:00+07:00",
    "2018-04-24T17:30:00+07:00",
    "2018-11-12T07:00:30+07:00",
    "2018-11-12T07:30:05+07:00",
    "2018-11-30T10:00:00+07:00",
    "2018-11-24T10:00:00+07:00",
    "2018-11-26T18:00:05+07:00",
)
SILENT = {"2018-11-12T07:00:30+07:00", "2018-11-24T10:00:00+07:00", "2018-11-26T18:00:05+07:00"}


def n_entries(message):
    """In the calendar beside the text: one for each line of the mail."""
    parts = [part for part in message.walk() if part.get_content_type() == "text/calendar"]
    return sum(len(re.findall(r"(?m)^BEGIN:VTODO\r?$", part.get_content())) for part in parts)


class Service(evtest.TestCase):
    def config(self, name):
        path = self.path(name)
        shutil.copytree(os.path.join(CONF, "vn-2018"), path)
        file = os.path.join(path, "evidenced.conf")
        with open(file, encoding="utf-8") as stream:
            text = stream.read()
        for old, new in (
            ("/srv/evidence", self.path("evidence")),
            ("/var/cache/evidenced", self.path("board")),
            ('settle = "5s"', 'settle = "200ms"'),
        ):
            self.assertIn(old, text)
            text = text.replace(old, new)
        with open(file, "w", encoding="utf-8") as stream:
            stream.write(text)
        return file

    def sent(self, number, moment):
        """{(To, Cc, subject): number of lines} of every mail of a first start at that moment."""
        state = self.path(f"state-{number}")
        evtest.run(
            "evidenced", "--config", self.config(f"etc-{number}"), "--state", state, "--socket", self.path("control"),
            "--once", "--now", moment, EVIDENCED_TEMPLATES=os.path.join(CONF, "templates"),
        )  # fmt: skip
        mails = {}
        for path in glob.glob(os.path.join(state, "**", "new", "*"), recursive=True):
            with open(path, "rb") as file:
                message = evtest.parse_message(file.read())
            to, cc = (
                tuple(sorted(a.lower() for _, a in getaddresses([str(v) for v in message.get_all(name, [])])))
                for name in ("To", "Cc")
            )
            mails[to, cc, str(message["Subject"])] = n_entries(message)
        return mails

    def simulated(self, moment):
        start = datetime.fromisoformat(moment)
        mails = simulated.simulate(
            PROGRAM,
            os.path.join(CONF, "vn-2018", "evidenced.conf"),
            start.timestamp(),
            (start + timedelta(minutes=1)).timestamp(),
            {},
            os.path.join(CONF, "templates"),
        )
        return {(tuple(mail["to"]), tuple(mail["cc"]), mail["subject"]): len(mail["items"]) for mail in mails}

    def test_first_starts(self):
        os.mkdir(self.path("evidence"))
        os.mkdir(self.path("board"))
        for number, moment in enumerate(MOMENTS):
            with self.subTest(moment=moment):
                expected, sent = self.simulated(moment), self.sent(number, moment)
                self.assertEqual(sent, expected)
                self.assertEqual(not sent, moment in SILENT)


if __name__ == "__main__":
    PROGRAM, CONF = sys.argv[1:3]
    del sys.argv[1:3]
    evtest.main()
