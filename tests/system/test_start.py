#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Installed, the service runs; killed, stopped or silent, it runs again."""

import grp
import os
import pwd
import re
import signal
import stat
import time

import evsystem
from evsystem import EVIDENCE, eventually, run


class Start(evsystem.TestCase):
    def test_1_is_started_by_its_installation(self):
        self.assertEqual(run("systemctl", "is-enabled", "evidenced.service").strip(), "enabled")
        self.healthy()
        self.assertEqual(self.show("evidenced.service", "Type"), "notify")
        expected = r"^1 criterion, 0 overdue; .*; outbox empty$"
        eventually(lambda: re.search(expected, self.show("evidenced.service", "StatusText")), "a status in systemctl")
        eventually(lambda: "Mail is held" in run("journalctl", "-u", "evidenced.service", "-o", "cat"), "a line in the journal")

    def test_1_users_and_places(self):
        users = {name: pwd.getpwnam(name) for name in evsystem.UNITS}
        for unit, user in users.items():
            self.assertIn(user.pw_shell, ("/usr/sbin/nologin", "/sbin/nologin"))
            self.assertEqual(self.show(f"{unit}.service", "User"), unit)
        places = {
            "/etc/evidenced": ("root", "root", 0o755),
            "/etc/evidenced/credentials": ("root", "root", 0o700),
            "/var/lib/evidenced": ("evidenced", "evidenced", 0o700),
            "/var/cache/evidenced": ("evidenced", "evidenced", 0o750),
            "/run/evidenced": ("evidenced", "evidenced", 0o755),
            "/run/evidenced/org.evidenced": ("evidenced", "evidenced", 0o666),
            "/run/evidenced-scan.sock": ("evidenced", "evidenced", 0o600),
            "/run/evidenced-mail.sock": ("evidenced", "evidenced", 0o600),
            EVIDENCE: ("root", "evidence", 0o2770),
        }
        found = {}
        for path in places:
            info = os.stat(path)
            found[path] = (pwd.getpwuid(info.st_uid).pw_name, grp.getgrgid(info.st_gid).gr_name, stat.S_IMODE(info.st_mode))
        self.assertEqual(found, places)

    def test_1_units_are_well_written(self):
        units = [f"{name}{at}.service" for name in evsystem.UNITS for at in ("", "@x")]
        # Without manual pages (another package's) the only thing it says; both ways, since each misses something.
        for errors in ("yes", "no"):
            run("systemd-analyze", "verify", "--man=no", f"--recursive-errors={errors}", *units)
            done = run("systemd-analyze", "verify", "--man=no", f"--recursive-errors={errors}", *units, status=None)
            self.assertEqual(done.stderr + done.stdout, "")

    def test_1_exposure(self):
        # 0.1 of the decider's is chown() for publish.group, which gives its own files to its own groups
        most = {"evidenced": 0.5, "evidenced-scan": 0.4, "evidenced-mail": 1.1}
        for unit, limit in most.items():
            for instance in ("", "@x"):
                said = run("systemd-analyze", "security", "--no-pager", f"{unit}{instance}.service")
                level = float(said.rsplit("level for", 1)[1].split(":")[1].split()[0])
                self.assertLessEqual(level, limit, unit)

    def test_2_evidence_is_found(self):
        self.start_over()
        os.makedirs(EVIDENCE + "/first", exist_ok=True)
        with open(EVIDENCE + "/first/report.pdf", "wb") as file:
            file.write(evsystem.document("pdf", 1))
        eventually(lambda: self.instance()["state"] in ("complete", "late"), "the evidence is counted")
        self.healthy()

    def test_3_a_restart_brings_the_workers_along(self):
        self.start_over()
        eventually(lambda: self.root_is("ok"), "a first scan")
        first = self.pid()
        run("systemctl", "restart", "evidenced.service")
        self.assertNotEqual(self.pid(), first)
        eventually(lambda: self.root_is("ok"), "a scan after the restart")
        self.healthy()

    def test_4_killed_programs_come_back(self):
        self.start_over()
        eventually(lambda: self.root_is("ok"), "a first scan")
        first = self.pid()
        os.kill(first, signal.SIGKILL)
        eventually(lambda: self.pid() not in (0, first) and self.is_active(), "another decider")
        eventually(lambda: self.root_is("ok"), "a scan for it")
        self.assertEqual(self.show("evidenced.service", "NRestarts"), "1")

        scanner = self.pid("evidenced-scan.service")
        run("systemctl", "kill", "--signal=KILL", "evidenced-scan.service")
        eventually(lambda: self.pid("evidenced-scan.service") not in (0, scanner), "another scanner")
        eventually(lambda: self.root_is("ok"), "a scan by it")
        # What failed once and is back is no failed unit.
        eventually(lambda: run("systemctl", "--failed", "--no-legend", "--plain") == "", "no failed unit")

    def test_5_a_decider_that_hangs_is_replaced(self):
        self.drop_in("evidenced.service", "[Service]\nWatchdogSec=3\n")
        self.start_over()
        first = self.pid()
        os.kill(first, signal.SIGSTOP)
        eventually(lambda: self.pid() not in (0, first) and self.is_active(), "another decider")
        self.wait_said("Watchdog timeout", UNIT="evidenced.service")
        # Long enough for a watchdog that is not fed to bite again.
        second = self.pid()
        time.sleep(5)
        self.assertEqual(self.pid(), second)

    def test_6_a_wrong_configuration_is_not_tried_again(self):
        self.start_over()
        run("systemctl", "stop", "evidenced.service")
        with open(evsystem.CONFIG, "w", encoding="utf-8") as file:
            file.write("organization: { nmae = 1; };\n")
        run("systemctl", "start", "evidenced.service", status=1)
        self.assertEqual(self.show("evidenced.service", "ExecMainStatus"), "78")
        time.sleep(2.5)  # longer than RestartSec=
        self.assertEqual(self.show("evidenced.service", "ActiveState"), "failed")
        self.wait_said("evidenced.conf:1: error", _SYSTEMD_UNIT="evidenced.service")
        self.start_over()
        self.healthy()


if __name__ == "__main__":
    evsystem.main()
