#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is published, as packaged: a web server's group gets it once the service is a member of that group."""

import grp
import os

import evsystem
from evsystem import eventually, run

BOARD = "/var/cache/evidenced"


class Publish(evsystem.TestCase):
    def test_group(self):
        self.start_over(more=f'publish: {{ dir = "{BOARD}"; group = "www-data"; }};')
        hint = eventually(lambda: [r for r in self.status()["reasons"] if "publish.group" in r], "a word about it")[0]
        self.assertIn("usermod -aG www-data evidenced", hint)
        run("usermod", "-aG", "www-data", "evidenced")
        run("systemctl", "restart", "evidenced.service")
        group = grp.getgrnam("www-data").gr_gid

        def given():
            for path in (BOARD, BOARD + "/index.html", BOARD + "/evidenced.prom"):
                self.assertEqual(os.stat(path).st_gid, group, path)
            return True

        eventually(given, "the group has it")
        self.assertEqual(os.stat(BOARD).st_mode & 0o7777, 0o750)
        self.assertEqual([r for r in self.status()["reasons"] if "publish" in r], [])


if __name__ == "__main__":
    evsystem.main()
