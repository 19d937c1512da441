#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The daily page of a unit says what was filed and what went away in the 24 hours before, and what is there but does not count."""

import os

import evmail
import evtest
from evmail import unit_address

REPORTS = """reports: ( { id = "daily"; repeat = "FREQ=DAILY"; at = "07:30"; to = [ "unit" ]; scope = "unit"; } );"""


class UnitDay(evmail.Office):
    def last_page(self, server, number):
        pages = [m.parse() for m in server.taken if unit_address(number) in m.recipients]
        return evtest.body_text([p for p in pages if p["X-Evidenced-Kind"] == "report"][-1])

    def test_filed_and_gone(self):
        with evtest.SmtpServer() as server:
            self.office(evmail.server(server.url), units=2, reports=REPORTS)
            with self.service() as service:
                paths = [evtest.place(self.path("evidence"), f"1.1/{n}/report.pdf", seed=n) for n in (0, 1)]

                def counted():
                    return len(self.log_of(service, "--event", "evidence-counted")) == 2

                evtest.eventually(counted, "both counted")
                os.unlink(paths[1])
                evtest.eventually(lambda: self.log_of(service, "--event", "evidence-gone"), "one gone")
            evtest.pass_time(self.path("state"), days=0.9)  # the 13th, 07:36
            self.once()
            for number, words in ((0, "1 file received (1.1), none removed."), (1, "1 file received (1.1), 1 removed (1.1).")):
                self.assertIn(f"In the last 24 hours: {words}", self.last_page(server, number))
            evtest.pass_time(self.path("state"), days=1)
            self.once()
            self.assertIn("In the last 24 hours: no file received, none removed.", self.last_page(server, 0))

    def pages(self, server):
        return [evtest.body_text(m.parse()) for m in server.taken if m.parse()["X-Evidenced-Kind"] == "report"]

    def test_a_wrong_name_is_news(self):
        """A page that leaves out what did not change speaks of a file that does not count, once."""
        with evtest.SmtpServer() as server:
            changed = REPORTS.replace("; } );", "; only_when = \"changed\"; } );")
            config = self.office(evmail.server(server.url), due="2018-12-06", reports=changed)
            with open(config, encoding="utf-8") as file:
                text = file.read().replace('"-5wd"', '"-20wd"')
            with open(config, "w", encoding="utf-8") as file:
                file.write(text)  # open from now on, and not due soon: nothing else is news
            for days, name, pages in ((0, None, 0), (1, None, 1), (1, "~$a.docx", 1), (1, "nháp.pdf", 2), (0.9, None, 2)):
                if days:
                    evtest.pass_time(self.path("state"), days=days)
                if name:
                    evtest.place(self.path("evidence"), f"1.1/0/{name}", seed=days)
                self.once()
                self.assertEqual(len(self.pages(server)), pages, (days, name))
        first, last = self.pages(server)
        self.assertNotIn("not counted", first)
        self.assertIn("Files that are there but not counted: 1 file", last)
        self.assertIn("1.1/0/nháp.pdf – its name does not match what is asked for", last)
        self.assertIn("The report: *report*.pdf", last)
        self.assertNotIn("~$a", last)

    def test_a_reminder_counts_them_all(self):
        """Of very many files a mail names the first, and says how many more there are."""
        with evtest.SmtpServer() as server:
            self.office(evmail.server(server.url))
            for n in range(25):
                evtest.place(self.path("evidence"), f"1.1/0/nháp {n}.pdf", seed=n)
            self.once()
        (text,) = [evtest.body_text(m.parse()) for m in server.taken if m.recipients == [unit_address(0)]]
        self.assertIn("Files that are there but not counted: 25 files", text)
        self.assertEqual(text.count("its name does not match what is asked for"), 20)
        self.assertIn("… and 5 more files", text)


if __name__ == "__main__":
    evtest.main()
