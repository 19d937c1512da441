#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What Debian's own checker says of the package, and the texts of the journal's catalog; needs no systemd of its own."""

import glob
import re
import shutil
import subprocess
import unittest

import evsystem
import evtest

# Each with the reason why it stays.
ACCEPTED = {
    "maintainer-script-calls-systemctl": "several instances (evidenced@*) are more than deb-systemd-invoke restarts",
    "non-standard-dir-perm": "the folder of secrets is root's alone",
    "initial-upload-closes-no-bugs": "not uploaded anywhere",
}


class Lintian(unittest.TestCase):
    @unittest.skipUnless(shutil.which("lintian"), "lintian is not installed")
    def test_package(self):
        done = subprocess.run(["lintian", "--allow-root", "--fail-on", "none", "--no-cfg", evsystem.package("new")],
                              capture_output=True, text=True, timeout=120, check=False)  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stderr)
        findings = re.findall(r"^[EW]: \S+: (\S+).*$", done.stdout, re.M)
        errors = re.findall(r"^E: .*$", done.stdout, re.M)
        self.assertEqual(errors, [])
        accepted = set(ACCEPTED)
        if not glob.glob(evtest.source("docs", "**", "evidenced.8*"), recursive=True):
            accepted.add("no-manual-page")  # there is none to be forgotten
        self.assertEqual(set(findings) - accepted, set(), done.stdout)


class Catalog(unittest.TestCase):
    """Every event has a text in both languages, and every text an event."""

    def ids(self, path, pattern):
        with open(evtest.source(*path), encoding="utf-8") as file:
            found = re.findall(pattern, file.read(), re.M)
        self.assertEqual(len(found), len(set(found)), path)
        return set(found)

    def test_ids(self):
        events = self.ids(("daemon", "service", "events.h"), r'^#define EVENT_\w+\s+\\?\s*"([0-9a-f]{32})"')
        self.assertGreater(len(events), 10)
        for name in ("evidenced.catalog", "evidenced.vi.catalog"):
            self.assertEqual(self.ids(("systemd", name), r"^-- ([0-9a-f]{32})$"), events, name)


if __name__ == "__main__":
    evtest.main()
