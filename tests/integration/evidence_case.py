# SPDX-License-Identifier: LGPL-2.1-or-later
"""A running service whose folders a test fills, for the test_evidence_*.py: three tasks, and what is said of their files."""

import os
import time

import evtest
import small_year

SETTLE = 1.0
# What was moved or saved over has to settle in its new place before that: a machine that is busy has the difference for it.
GONE_AFTER = 4.0

TASKS = """\
tasks: (
        { id = "1.1"; area = "1"; title = "Report"; points = 2.0; unit = "A"; due = "2018-11-15";
          evidence: { dir = "1.1"; need = (
                { name = "The report"; match = [ "*report*.pdf", "*báo cáo*.pdf" ]; type = [ "pdf" ]; } ); }; },
        { id = "1.2"; area = "1"; title = "Letter"; points = 2.0; unit = "B"; due = "2018-11-19";
          evidence: { dir = "1.2/quý I"; need = (
                { name = "The letter"; match = [ "*letter*.{docx,odt}" ]; type = [ "docx", "odt" ]; } ); }; },
        { id = "1.3"; area = "1"; title = "Minutes"; points = 2.0; unit = "A"; due = "2018-11-19";
          evidence: { dir = "1.3"; need = (
                { name = "The minutes"; match = [ "*minutes*.pdf" ]; type = [ "pdf" ]; count = 2; } ); }; }
);
"""

REPORT = "1.1@2018-11-15"
LETTER = "1.2@2018-11-19"
MINUTES = "1.3@2018-11-19"


class Replay(evtest.TestCase):
    def setUp(self):
        super().setUp()
        self.server = evtest.SmtpServer()
        self.server.start()
        self.addCleanup(self.server.stop)
        self.use(TASKS)

    def use(self, tasks, **more):
        self.tasks = tasks
        values = {"settle": "1s", "gone_after": "4s", **more}
        self.config = small_year.write_year(self, self.server.url, tasks=tasks, **values)

    def service(self, *args, **more):
        return evtest.Service(self.config, self.path("state"), "--now", small_year.NOW, *args, **small_year.FROM_BUILD, **more)

    def file(self, name, seed=0, **more):
        return evtest.place(self.path("evidence"), name, seed=seed, **more)

    def outside(self, name, seed=0, **more):
        return evtest.place(self.path("outside"), name, seed=seed, **more)

    def instances(self, service):
        return {entry["instance"]: entry for entry in service.ctl("list", "--json").json()}

    def state(self, service, key=REPORT):
        return self.instances(service)[key]["state"]

    def until(self, service, state, key=REPORT, within=None):
        def reached():
            self.assertEqual(self.state(service, key), state, self.files(service, key))
            return True

        evtest.eventually(reached, f"{key} {state}", within, pause=0.1)

    def stays(self, service, state, seconds, key=REPORT):
        """It is in this state for so long. What was answered later is not asked for."""
        end = time.monotonic() + seconds
        while True:
            found = self.state(service, key)
            if time.monotonic() > end:
                return
            self.assertEqual(found, state)
            time.sleep(0.1)

    def files(self, service, key=REPORT):
        """What show says of the files of an instance, by path."""
        return {entry["path"]: entry for entry in service.ctl("show", key, "--json").json()["files"]}

    def log(self, service, event):
        return [entry for entry in service.ctl("log", "--json").json() if entry["event"] == event]

    def wait_log(self, service, event, n):
        """Wait until the ledger has so many rows of an event; returns them."""

        def look():
            rows = self.log(service, event)
            self.assertEqual(len(rows), n, rows)
            return rows

        return evtest.eventually(look, f"{n} × {event}", pause=0.1)

    def never_refused(self, service):
        self.assertEqual(self.log(service, "evidence-refused"), [])

    def service_as_nobody(self):
        if os.geteuid() != 0:
            return self.service()
        os.makedirs(self.path("state"), exist_ok=True)
        for folder, _, names in os.walk(self.folder):
            os.chown(folder, 65534, 65534)
            for name in names:
                os.chown(os.path.join(folder, name), 65534, 65534, follow_symlinks=False)
        service = self.service()
        os.chown(service.folder, 65534, 65534)
        service.prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        return service
