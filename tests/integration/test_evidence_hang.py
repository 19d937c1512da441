#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A share that hangs stalls neither the start, nor mail, nor another root; it is shown as not answering, and comes back."""

import os
import shutil
import signal
import subprocess
import time

import evtest
import small_year


class Hang(evtest.TestCase):
    def setUp(self):
        super().setUp()
        if not shutil.which("bindfs"):
            self.skipTest("bindfs is not installed")
        self.server = evtest.SmtpServer()
        self.server.start()
        self.addCleanup(self.server.stop)
        self.config = small_year.write_year(self, self.server.url, settle="1s", gone_after="2s")
        os.makedirs(self.path("behind/1.2"))
        os.makedirs(self.path("share"))
        with open(self.config, encoding="utf-8") as file:
            text = file.read()
        text = text.replace(f'"{self.path("evidence")}" ]', f'"{self.path("evidence")}", "{self.path("share")}" ]; poll = "2s"')
        self.write("etc/evidenced.conf", text)
        self.bindfs = subprocess.Popen(
            ["bindfs", "-f", self.path("behind"), self.path("share")], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        self.addCleanup(self.unmount)
        end = time.monotonic() + 10
        while not os.path.ismount(self.path("share")):
            if self.bindfs.poll() is not None or time.monotonic() > end:
                self.skipTest(f"FUSE can not be used here: {self.bindfs.stderr.read().strip()}")
            time.sleep(0.05)

    def unmount(self):
        if self.bindfs.poll() is None:
            self.bindfs.send_signal(signal.SIGCONT)
            self.bindfs.terminate()
            self.bindfs.wait(10)
        self.bindfs.stderr.close()

    def service(self):
        return evtest.Service(self.config, self.path("state"), "--now", small_year.NOW, **small_year.FROM_BUILD)

    def state(self, service, key):
        return next(e["state"] for e in service.ctl("list", "--json").json() if e["instance"] == key)

    def until(self, service, key, state, within):
        evtest.eventually(lambda: self.state(service, key) == state, f"{key} {state}", within, pause=0.2)

    def reasons(self, service):
        return " ".join(service.ctl("status", "--json").json()["reasons"])

    def test_hang_and_return(self):
        with self.service() as service:
            # what is changed behind the mount gives no event: found by polling
            evtest.place(self.path("behind"), "1.2/record.pdf", seed="record")
            self.until(service, "1.2@2018-11-08", "late", 15)
            self.bindfs.send_signal(signal.SIGSTOP)
            evtest.place(self.path("evidence"), "1.1/plan.pdf", seed="plan")
            self.until(service, "1.1@2018-11-15", "partial", 10)
            evtest.eventually(lambda: "not answering since" in self.reasons(service), "shown in status", 120, pause=1)
            self.assertIn(self.path("share"), self.reasons(service))
            self.assertIn("not answering since", service.log())
            evtest.place(self.path("evidence"), "1.1/report.pdf", seed="report")
            self.until(service, "1.1@2018-11-15", "complete", 10)
            self.assertEqual(self.state(service, "1.2@2018-11-08"), "late", "absence proves nothing")
            self.bindfs.send_signal(signal.SIGCONT)
            evtest.eventually(lambda: "not answering" not in self.reasons(service), "well again", 120, pause=1)
            self.assertEqual(self.state(service, "1.2@2018-11-08"), "late")

    def test_hang_at_start(self):
        self.bindfs.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        with self.service() as service:
            self.assertLess(time.monotonic() - began, 5, "READY waits for no share")
            service.ctl("status")
            began = time.monotonic()
            self.assertEqual(service.stop(), 0)
            self.assertLess(time.monotonic() - began, 5)


if __name__ == "__main__":
    evtest.main()
