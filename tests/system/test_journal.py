#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What an administrator finds in the journal: by event, by field, with an explanation, and not too much of it."""

import os
import re

import evsystem
from evsystem import EVIDENCE, SmtpServer, eventually, run
from evtest import source


def event(name):
    with open(source("daemon", "service", "events.h"), encoding="utf-8") as file:
        return re.search(rf'EVENT_{name}\s+\\?\s*"([0-9a-f]+)"', file.read()).group(1)


class Journal(evsystem.TestCase):
    def entry(self, name, **fields):
        """The first entry of an event since the test began."""
        found = eventually(lambda: self.journal(MESSAGE_ID=event(name), **fields), f"the event {name}")
        self.assertEqual(found[0]["_SYSTEMD_UNIT"], "evidenced.service")
        self.assertEqual(found[0]["SYSLOG_IDENTIFIER"], "evidenced")
        return found[0]

    def test_held_mail(self):
        self.start_over()
        self.assertEqual(self.entry("MAIL_HELD")["PRIORITY"], "5")

    def test_a_mail_that_is_refused(self):
        with SmtpServer({"rcpt": "550 5.1.1 nobody"}) as smtp:
            self.start_over(servers=f'{{ url = "{smtp.url}"; security = "none"; }}')
            run("evidencectl", "release", "--yes")
            decided = self.entry("MAIL_DECIDED", EVIDENCED_RECIPIENT="head@test.example")
            self.assertRegex(decided["EVIDENCED_MESSAGE_ID"], r"^<.*@test\.example>$")
            refused = self.entry("MAIL_REFUSED")
            self.assertEqual(refused["PRIORITY"], "4")
            self.assertIn("nobody", refused["MESSAGE"])

    def test_a_root_that_goes_and_comes(self):
        self.start_over()
        eventually(lambda: self.root_is("ok"), "the root is looked at")
        os.rename(EVIDENCE, EVIDENCE + ".away")
        try:
            run("systemctl", "restart", "evidenced-scan.service")
            away = self.entry("ROOT_AWAY")
        finally:
            os.rename(EVIDENCE + ".away", EVIDENCE)
        self.assertEqual(away["EVIDENCED_ROOT"], EVIDENCE)
        self.assertEqual(away["PRIORITY"], "4")

    def test_decisions_and_reloads(self):
        self.start_over()
        run("evidencectl", "waive", "1.1", "--reason", "no\nneed", status=None)
        key = self.instance()["instance"]
        run("evidencectl", "waive", key, "--reason", "not this year", status=None)
        decided = self.entry("DECISION")
        self.assertEqual((decided["EVIDENCED_INSTANCE"], decided["EVIDENCED_TASK"]), (key, "1.1"))
        with open(evsystem.CONFIG, "a", encoding="utf-8") as file:
            file.write("surprise = 1;\n")
        run("systemctl", "reload", "evidenced.service", status=1)
        self.assertEqual(self.entry("CONFIG_REFUSED")["PRIORITY"], "3")

    def test_explanations(self):
        self.start_over()
        self.entry("MAIL_HELD")
        catalog = "--catalog", "-o", "short", "MESSAGE_ID=" + event("MAIL_HELD")
        self.assertIn("evidencectl release", run("journalctl", *catalog))
        # The locale need not be there, but the text is where journalctl looks for it.
        run("grep", "-aq", "Thư đang bị giữ", "/var/lib/systemd/catalog/database")

    def test_a_quiet_day_is_a_handful_of_lines(self):
        self.start_over()
        eventually(lambda: self.root_is("ok"), "the root is looked at")
        eventually(lambda: self.said("files in"), "what it found is said")
        this = self.show("evidenced.service", "InvocationID")
        lines = [entry["MESSAGE"] for entry in self.journal(_SYSTEMD_INVOCATION_ID=this) if "warning: " not in entry["MESSAGE"]]
        self.assertIn("Mail is held until 'evidencectl release': nothing leaves", lines)
        self.assertLess(len(lines), 8, lines)
        self.assertEqual(self.journal(_SYSTEMD_UNIT="evidenced-scan.service"), [])


if __name__ == "__main__":
    evsystem.main()
