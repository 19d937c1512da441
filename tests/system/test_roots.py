#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Roots that hang, come, go and are exchanged while the service runs, as file servers do."""

import os
import time

import evsystem
from evsystem import EVIDENCE, HungShare, eventually, run

SHARE = "/srv/share"


def mount(path):
    """A file system on a path; it looks like an exported one: the scanner may read it and nobody may write."""
    os.makedirs(path, exist_ok=True)
    run("mount", "-t", "tmpfs", "-o", "mode=755", "share", path)


def unmount(path):
    """As an administrator does, without -l. While the scanner looks at a root, and a moment after, it is busy; not for longer."""
    eventually(lambda: run("umount", path, status=None).returncode == 0, f"nobody holds {path}")


def file_report(root, seed=1):
    os.makedirs(f"{root}/first", exist_ok=True)
    with open(f"{root}/first/report-{seed}.pdf", "wb") as file:
        file.write(evsystem.document("pdf", seed))


class Roots(evsystem.TestCase):
    def setUp(self):
        super().setUp()
        self.addCleanup(run, "umount", "-l", SHARE, status=None)

    def is_counted(self):
        return self.instance()["state"] in ("complete", "late")

    def test_a_share_that_hangs_does_not_keep_the_service_from_starting(self):
        # It hangs for good: whoever waits for it runs into systemd's limits (30 s for a start, 15 s for an end), which fails.
        with HungShare(SHARE) as share:
            self.assertTrue(share.hangs())
            self.start_over(roots=(EVIDENCE, SHARE))
            self.assertTrue(self.is_active())
            eventually(lambda: self.root_is("ok"), "the other root is scanned")
            self.assertFalse(self.root_is("ok", SHARE))
            # Not only started: it answers, restarts and stops beside it.
            run("systemctl", "restart", "evidenced.service")
            self.assertEqual(len(self.status()["roots"]), 2)
            run("systemctl", "stop", "evidenced.service")
            self.assertEqual(self.show("evidenced.service", "Result"), "success")
            run("systemctl", "start", "evidenced.service")

    def test_a_root_mounted_later_is_looked_at_when_a_person_says_so(self):
        os.makedirs(SHARE, exist_ok=True)
        self.start_over(roots=(SHARE,))
        eventually(lambda: self.root_is("ok", SHARE), "the empty folder is looked at")
        mount(SHARE)
        file_report(SHARE)
        eventually(lambda: self.root_is("different", SHARE), "the new file system is noticed")
        run("evidencectl", "confirm")
        eventually(self.is_counted, "evidence on the new file system is counted")
        # The scanner that looks at it now was started after the mount, and so has it read-only.
        eventually(lambda: self.is_read_only_for_the_scanner(SHARE), "it is read-only for the scanner")

    def is_read_only_for_the_scanner(self, path):
        pid = self.pid("evidenced-scan.service")
        with open(f"/proc/{pid or 'self'}/mountinfo", encoding="utf-8") as file:
            mounts = [line.split() for line in file]
        options = [fields[5] for fields in mounts if fields[4] == path]
        return pid != 0 and bool(options) and "ro" in options[-1].split(",")

    def test_a_root_can_be_unmounted_and_what_was_counted_stands(self):
        mount(SHARE)
        file_report(SHARE)
        self.start_over(roots=(SHARE,))
        eventually(self.is_counted, "the evidence is counted")
        unmount(SHARE)
        eventually(lambda: not self.root_is("ok", SHARE), "the root is missed")
        time.sleep(1)
        self.assertTrue(self.is_counted())
        self.wait_said(SHARE, PRIORITY="4")

    def test_a_root_mounted_again_is_followed(self):
        # Mounted elsewhere and bound to the root's place: the same file system when it is back.
        origin = "/var/tmp/origin"
        mount(origin)
        self.addCleanup(run, "umount", "-l", origin)
        os.makedirs(SHARE, exist_ok=True)
        run("mount", "--bind", origin, SHARE)
        file_report(origin, 1)
        self.start_over(roots=(SHARE,))
        eventually(self.is_counted, "the evidence is counted")
        unmount(SHARE)
        eventually(lambda: not self.root_is("ok", SHARE), "the root is missed")
        os.unlink(f"{origin}/first/report-1.pdf")
        file_report(origin, 2)
        run("mount", "--bind", origin, SHARE)
        eventually(lambda: self.root_is("ok", SHARE), "the root is back")
        eventually(lambda: self.said("report-2.pdf"), "what was filed meanwhile is found")
        self.assertTrue(self.is_counted())

    def test_another_file_system_in_its_place_changes_nothing(self):
        mount(SHARE)
        file_report(SHARE)
        self.start_over(roots=(SHARE,))
        eventually(self.is_counted, "the evidence is counted")
        unmount(SHARE)
        run("mount", "-t", "tmpfs", "-o", "mode=755", "stranger", SHARE)
        eventually(lambda: not self.root_is("ok", SHARE), "the stranger is noticed")
        time.sleep(1)
        self.assertTrue(self.is_counted())


if __name__ == "__main__":
    evsystem.main()
