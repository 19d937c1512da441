# SPDX-License-Identifier: LGPL-2.1-or-later
"""A state on a disk that fills: told while it still can be, degraded while full, well again with room.

The disk is a small one in memory, in a mount namespace of the test's own; skipped where there is none to be had.
"""

import os
import subprocess
import sys
import unittest

import evmail
import evtest

INSIDE = "EVTEST_OWN_MOUNTS"


def fill(path):
    with open(path, "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass


@unittest.skipUnless(os.environ.get(INSIDE), "no mount namespace of our own (unshare --map-root-user --mount)")
class FullDisk(evmail.Office):
    def setUp(self):
        super().setUp()
        os.makedirs(self.path("state"))
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "none", self.path("state")], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", self.path("state")], check=False)

    def says(self, service, words):
        return any(reason.startswith(words) for reason in self.status(service)["reasons"])

    def test_nearly_and_quite(self):
        with evtest.SmtpServer() as server:
            self.office(evmail.server(server.url))
            with self.service() as service:

                def send():
                    """Something that has to be written down, however it ends; what is said of it."""
                    return evtest.run("evidencectl", "--socket", service.socket, "send-test", evmail.unit_address(0), status=None).err

                def write(words):
                    send()
                    return self.says(service, words)

                evtest.eventually(lambda: self.says(service, "The disk is nearly full"), "the warning")
                evtest.eventually(lambda: any(evmail.ADMINISTRATOR in m.recipients for m in server.messages), "the mail")
                fill(self.path("state", "filler"))
                evtest.eventually(lambda: write("The disk is full"), "the reason")
                self.assertEqual(self.status(service)["state"], "degraded")
                why = f"nothing was done, since it could not be written down in {self.path('state')}: the disk is full; make room"
                evtest.eventually(lambda: why in send(), "what to do")
                os.unlink(self.path("state", "filler"))
                evtest.eventually(lambda: write("The disk is nearly full"), "room again")
                self.assertFalse(self.says(service, "The disk is full"))

    def test_evidence_meanwhile(self):
        """A document that was filed while nothing could be written down counts as soon as it can."""
        with evtest.SmtpServer() as server:
            self.office(evmail.server(server.url))
            with self.service() as service:
                evtest.eventually(lambda: server.messages, "the reminder")
                fill(self.path("state", "filler"))
                evtest.place(self.path("evidence"), "1.1/0/report.pdf", seed=1)
                evtest.eventually(lambda: service.log().count("Failed to write down what was found") > 1, "the trouble, twice")
                os.unlink(self.path("state", "filler"))
                self.wait_complete(service)
                self.assertEqual(len(self.log_of(service, "--event", "evidence-counted")), 1)
        self.assertEqual(self.once_more(), "complete")

    def wait_complete(self, service):
        def look():
            return service.ctl("show", "1.1", "--json").json()["instance"]["state"] == "complete"

        evtest.eventually(look, "complete")

    def once_more(self):
        with self.service() as service:
            return service.ctl("show", "1.1", "--json").json()["instance"]["state"]


if __name__ == "__main__":
    own = ["unshare", "--map-root-user", "--mount"]
    if INSIDE not in os.environ and subprocess.run([*own, "true"], check=False, stderr=subprocess.DEVNULL).returncode == 0:
        os.environ[INSIDE] = "1"
        os.execvp(own[0], [*own, sys.executable, *sys.argv])
    evtest.main()
