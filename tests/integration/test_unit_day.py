#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The daily page of a unit says what was filed and what went away in the 24 hours before."""

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


if __name__ == "__main__":
    evtest.main()
