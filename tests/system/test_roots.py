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
        with HungShare(SHARE) as share:
            self.assertTrue(share.hangs())
            began = time.monotonic()
            self.start_over(roots=(EVIDENCE, SHARE))
            self.assertLess(time.monotonic() - began, 10)
            self.assertTrue(self.is_active())
            eventually(lambda: self.root_is("ok"), "the other root is scanned")
            self.assertFalse(self.root_is("ok", SHARE))
            # Not only started: it answers, restarts and stops beside it.
            began = time.monotonic()
            run("systemctl", "restart", "evidenced.service")
            self.assertEqual(len(self.status()["roots"]), 2)
            run("systemctl", "stop", "evidenced.service")
            self.assertLess(time.monotonic() - began, 10)
            run("systemctl", "start", "evidenced.service")

    def test_a_root_mounted_later_is_looked_at(self):
        os.makedirs(SHARE, exist_ok=True)
        self.start_over(roots=(SHARE,))
        eventually(lambda: self.status()["roots"], "a root is listed")
        mount(SHARE)
        file_report(SHARE)
        eventually(self.is_counted, "evidence on the new file system is counted")

    def test_a_root_can_be_unmounted_and_what_was_counted_stands(self):
        mount(SHARE)
        file_report(SHARE)
        self.start_over(roots=(SHARE,))
        eventually(self.is_counted, "the evidence is counted")
        run("umount", SHARE)  # without -l: nobody may hold it
        eventually(lambda: not self.root_is("ok", SHARE), "the root is missed")
        time.sleep(1)
        self.assertTrue(self.is_counted())
        self.assertTrue(self.said("its instances keep their last state"))

    def test_a_root_mounted_again_is_followed(self):
        # A file system with an identity of its own, so that it is the same one when it is back.
        image = "/var/tmp/share.img"
        made = run("sh", "-c", f"truncate -s 8M {image} && mke2fs -q -t ext4 -U clear {image}", status=None)
        if made.returncode != 0:
            self.skipTest(f"no ext4 image can be made: {made.stderr.strip()}")
        os.makedirs(SHARE, exist_ok=True)
        done = run("mount", "-o", "loop", image, SHARE, status=None)
        if done.returncode != 0:
            self.skipTest(f"no loop device here: {done.stderr.strip()}")
        os.chmod(SHARE, 0o755)
        file_report(SHARE, 1)
        self.start_over(roots=(SHARE,))
        eventually(self.is_counted, "the evidence is counted")
        run("umount", SHARE)
        eventually(lambda: not self.root_is("ok", SHARE), "the root is missed")
        run("mount", "-o", "loop", image, SHARE)
        eventually(lambda: self.root_is("ok", SHARE), "the root is back")
        self.assertTrue(self.is_counted())


if __name__ == "__main__":
    evsystem.main()
