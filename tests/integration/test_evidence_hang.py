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

    def service(self, now=small_year.NOW):
        self.clock = evtest.Later(self.folder)
        return evtest.Service(self.config, self.path("state"), "--now", now, **small_year.FROM_BUILD, **self.clock.env)

    def later(self, seconds):
        """It is so many seconds later, and something happens in the other root: the service looks at its clock."""
        self.clock.set(seconds)
        evtest.place(self.path("evidence"), f"1.1/another plan {seconds}.pdf", seed=seconds)

    def mails(self, address, *words):
        """Taken mails to an address in which each of these words stands."""
        found = []
        for message in list(self.server.taken):
            text = str(message.parse()["Subject"]) + evtest.body_text(message.parse())
            if message.recipients == [address] and all(word in text for word in words):
                found.append(text)
        return found

    def state(self, service, key):
        return next(e["state"] for e in service.ctl("list", "--json").json() if e["instance"] == key)

    def until(self, service, key, state):
        """Within half of the time after which a share counts as hanging."""
        evtest.eventually(lambda: self.state(service, key) == state, f"{key} {state}", pause=0.2)

    def reasons(self, service):
        return " ".join(service.ctl("status", "--json").json()["reasons"])

    def test_hang_and_return(self):
        # the second before the steps of Wednesday: 1.1 at -1wd, 1.2 (overdue since Thursday) at +3wd
        with self.service("2018-11-14T07:29:40+07:00") as service:
            # what is changed behind the mount gives no event: found by polling
            evtest.place(self.path("behind"), "1.2/record.pdf", seed="record")
            self.until(service, "1.2@2018-11-08", "late")
            self.bindfs.send_signal(signal.SIGSTOP)
            # reminders leave on time, long before anybody knows that the share hangs, and other roots are followed
            evtest.eventually(lambda: self.mails("a@small.example", "1.1"), "the reminder")
            evtest.place(self.path("evidence"), "1.1/plan.pdf", seed="plan")
            self.until(service, "1.1@2018-11-15", "partial")
            evtest.eventually(lambda: "not answering since" in self.reasons(service), "shown in status", 120, pause=1)
            self.assertIn(self.path("share"), self.reasons(service))
            self.assertIn("not answering since", service.log())
            self.assertEqual(self.mails("administrator@small.example"), [], "a hiccup is told nobody")
            # a quarter of an hour later in one mail to the administrator
            self.later(1000)
            told = evtest.eventually(
                lambda: self.mails("administrator@small.example", "it does not answer", self.path("share")), "told"
            )
            # the next morning, with the share still hanging
            before = len(self.mails("a@small.example", "1.1"))
            self.later(86400)
            evtest.eventually(lambda: len(self.mails("a@small.example", "1.1")) > before, "the next reminder")
            self.assertEqual(len(self.mails("administrator@small.example")), 1, told)
            evtest.place(self.path("evidence"), "1.1/report.pdf", seed="report")
            self.until(service, "1.1@2018-11-15", "complete")
            self.assertEqual(self.state(service, "1.2@2018-11-08"), "late", "absence proves nothing")
            self.bindfs.send_signal(signal.SIGCONT)
            evtest.eventually(lambda: "not answering" not in self.reasons(service), "well again", 120, pause=1)
            self.assertEqual(self.state(service, "1.2@2018-11-08"), "late")

    def test_hang_at_start(self):
        # it hangs for good: neither READY nor the end comes if anything waits for it
        self.bindfs.send_signal(signal.SIGSTOP)
        with self.service() as service:
            service.ctl("status")
            self.assertEqual(service.stop(), 0)


if __name__ == "__main__":
    evtest.main()
