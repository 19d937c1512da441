#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Debian package over its life: installed, upgraded, removed, installed again, purged."""

import glob
import os
import pwd
import shutil

import evsystem
from evsystem import CONFIG, EVIDENCE, apt, eventually, package, run


def version():
    return run("dpkg-query", "-W", "-f", "${db:Status-Abbrev}${Version}", "evidenced")


class Package(evsystem.TestCase):
    @classmethod
    def setUpClass(cls):
        # The machine begins without the package: each test goes on from where the one before it left off.
        evsystem.TestCase.installed = True

    def test_1_upgrade(self):
        apt("-i", package("old"))
        self.assertEqual(version(), "ii 0.0.9")
        self.healthy()
        os.makedirs(EVIDENCE + "/first")
        shutil.copy("/etc/hostname", EVIDENCE + "/first/document")
        eventually(lambda: self.instance()["state"] in ("complete", "late"), "evidence is counted")
        with open(CONFIG, "a", encoding="utf-8") as file:
            file.write("# the administrator's own line\n")
        before = self.pid()

        apt("-i", package("new"))
        self.assertEqual(version(), "ii 0.1.0")
        self.assertNotEqual(self.pid(), before)
        self.healthy()
        # State and configuration are as they were, the programs all of the new version.
        with open(CONFIG, encoding="utf-8") as file:
            self.assertIn("the administrator's own line", file.read())
        self.assertEqual(self.status()["version"], "0.1.0")
        eventually(lambda: self.root_is("ok"), "the new scanner looks")
        self.assertIn(self.instance()["state"], ("complete", "late"))
        self.assertEqual(self.said("The other side of the socket is version"), [])
        run("evidencectl", "log", "--verify")

    def test_2_what_was_disabled_stays_so(self):
        run("systemctl", "disable", "--now", "evidenced.service")
        apt("-i", package("new"))
        self.assertEqual(run("systemctl", "is-enabled", "evidenced.service", status=1).strip(), "disabled")
        self.assertFalse(self.is_active())
        run("systemctl", "enable", "--now", "evidenced.service")
        self.healthy()

    def test_3_several_organisations(self):
        for name, port in (("north", "1"), ("south", "2")):
            os.makedirs(f"/etc/evidenced@{name}")
            os.makedirs(f"/srv/{name}")
            with open(f"/etc/evidenced@{name}/evidenced.conf", "w", encoding="utf-8") as file:
                text = evsystem.configuration(roots=(f"/srv/{name}",)).replace('name = "Test"', f'name = "{name}"')
                file.write(text + f'publish: {{ dir = "/var/cache/evidenced@{name}"; }};\n')
            run("systemctl", "start", f"evidenced@{name}.service")
            self.assertTrue(self.is_active(f"evidenced@{name}.service"), port)
        for name in ("north", "south"):
            control = f"/run/evidenced@{name}/org.evidenced"
            eventually(lambda: "ok" in run("evidencectl", "--socket", control, "status"), "its root is looked at")
            self.assertIn(f"/srv/{name}", run("evidencectl", "--socket", control, "status"))
            run("systemctl", "reload", f"evidenced@{name}.service")
            run("evidencectl", "--socket", control, "release", "--yes")
            # Its own sender, state and folder of credentials (made for it, since a missing one would fail the unit).
            sent = f"/var/lib/evidenced-mail@{name}/sent/new"
            eventually(lambda: os.path.isdir(sent) and os.listdir(sent), "its mail is in its own folder")
            self.assertEqual(os.stat(f"/etc/evidenced@{name}/credentials").st_mode & 0o7777, 0o700)
            self.assertTrue(os.path.exists(f"/var/lib/evidenced@{name}/evidenced.db"))
        self.healthy()

    def test_4_remove(self):
        apt("--remove", "evidenced")
        self.assertEqual(version(), "rc 0.1.0")
        self.assertEqual(run("systemctl", "list-units", "--all", "--plain", "--no-legend", "--state=active", "evidenced*"), "")
        for path in (CONFIG, "/var/lib/evidenced/evidenced.db", EVIDENCE + "/first/document"):
            self.assertTrue(os.path.exists(path), path)
        for path in ("/usr/sbin/evidenced", "/usr/libexec/evidenced", "/lib/systemd/system/evidenced.service"):
            self.assertFalse(os.path.exists(path), path)

    def test_5_install_again(self):
        apt("-i", package("new"))
        self.healthy()
        self.assertIn(self.instance()["state"], ("complete", "late"))

    def test_6_purge(self):
        apt("--purge", "evidenced")
        self.assertEqual(run("dpkg-query", "-W", "evidenced", status=1), "")  # not known any more
        left = run("find", "/etc", "/lib", "/usr", "/var", "/run", "/srv", "-xdev", "-name", "*evidence*", "-not", "-path", "/var/log/*")
        # The evidence is not ours; the evidence of a test before is what a person filed.
        self.assertEqual(left.split(), [EVIDENCE])
        self.assertTrue(os.path.exists(EVIDENCE + "/first/document"))
        self.assertEqual(glob.glob("/etc/systemd/system/*evidenced*"), [])
        pwd.getpwnam("evidenced")  # as in Debian: a number that may own files is not given to somebody else
        self.assertEqual(run("systemctl", "--failed", "--no-legend", "--plain"), "")


if __name__ == "__main__":
    evsystem.main()
