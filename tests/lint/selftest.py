#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each rule of the lints against a tiny tree that breaks it, and against one that does not."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

import includes
import paths
import style
import tidy

SPDX = "/* SPDX-License-Identifier: LGPL-2.1-or-later */\n"


def plant(root, files):
    for path, text in files.items():
        full = os.path.join(root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)


class Lint(unittest.TestCase):
    def findings(self, check, files):
        with tempfile.TemporaryDirectory() as root:
            plant(root, files)
            return check(root)


class Includes(Lint):
    CASES = [
        # path, text, what the finding must say (None: no finding)
        ("daemon/core/a.c", '#include "core/a.h"\n#include "base/text.h"\n', None),
        ("daemon/service/a.c", '#include "store/a.h"\n', None),
        ("daemon/core/a.c", "/* time(x) */ int due_time(int x);\nint a(void) { return m.time(3); }\n", None),
        ("tests/unit/core/test-a.c", '#include "core/a.h"\n', None),
        ("daemon/core/a.c", '\n#include "store/a.h"\n', "daemon/core/a.c:2: core/ must not include store/"),
        ("daemon/base/a.h", '#include "core/a.h"\n', "base/ must not include core/"),
        ("daemon/config/a.c", '#include "store/a.h"\n', "config/ must not include store/"),
        ("daemon/message/a.c", '#  include "ipc/a.h"\n', "message/ must not include ipc/"),
        ("daemon/mail/a.c", '#include "core/a.h"\n', "mail/ must not include core/"),
        ("daemon/scan/a.c", '#include "store/a.h"\n', "scan/ must not include store/"),
        ("daemon/service/a.c", '#include "scan/a.h"\n', "service/ must not include scan/"),
        ("daemon/ctl/a.c", '#include "store/a.h"\n', "ctl/ must not include store/"),
        ("daemon/base/a.c", '#include "a.h"\n', "does not name its layer"),
        ("daemon/base/a.c", '#include "../core/a.h"\n', "does not name its layer"),
        ("tests/unit/core/test-a.c", '#include "a.h"\n', "does not name its layer"),
        ("daemon/core/a.h", "#include <time.h>\n", "core/ is pure and must not include time.h"),
        ("daemon/core/a.c", "#include <sys/stat.h>\n", "core/ is pure and must not include sys/stat.h"),
        ("daemon/core/a.c", "#include <sys/socket.h>\n", "core/ is pure"),
        ("daemon/core/a.c", "#include <systemd/sd-journal.h>\n", "core/ is pure"),
        ("daemon/core/a.h", "#include <sqlite3.h>\n", "core/ is pure"),
        ("daemon/core/a.c", '#include "base/log.h"\n', "core/ is pure"),
        ("daemon/core/a.c", "int a(void) {\n return time(0);\n}\n", "a.c:2: core/ is pure and must not call time()"),
        ("daemon/other/a.c", "", "'other' is no layer"),
    ]

    def test_table(self):
        for path, text, expected in self.CASES:
            with self.subTest(path=path, text=text):
                found = self.findings(includes.check, {path: text})
                if expected is None:
                    self.assertEqual(found, [])
                else:
                    self.assertEqual(len(found), 1, found)
                    self.assertIn(expected, found[0])

    def test_angle_brackets_around_our_own(self):
        files = {"daemon/base/a.h": "", "daemon/base/a.c": "#include <base/a.h>\n"}
        self.assertIn("is ours", self.findings(includes.check, files)[0])

    def test_exit_status(self):
        with tempfile.TemporaryDirectory() as root:
            plant(root, {"daemon/base/a.c": '#include "ctl/a.h"\n'})
            bad = subprocess.run([sys.executable, includes.__file__, root], stdout=subprocess.DEVNULL)
            self.assertEqual(bad.returncode, 1)
            plant(root, {"daemon/base/a.c": ""})
            good = subprocess.run([sys.executable, includes.__file__, root], stdout=subprocess.DEVNULL)
            self.assertEqual(good.returncode, 0)


class Paths(Lint):
    def check(self, text):
        return self.findings(lambda root: paths.check(root, [("/wo" + "rkplace/", "workplace")]), {"a/b.txt": text})

    def test_table(self):
        self.assertEqual(self.check("fine: /etc/evidenced, /srv/evidence, ../other, /home, /root\n"), [])
        for text in ("x\nsee .." + "/shared/x\n", "/wo" + "rkplace/x", "/ho" + "me/me/x", "/ro" + "ot/.x"):
            with self.subTest(text=text):
                self.assertEqual(len(self.check(text)), 1)
        self.assertIn("a/b.txt:2:", self.check("x\nsee .." + "/shared/x\n")[0])


class Style(Lint):
    TIDY = "# -misc-a   because\nChecks: >-\n  -*,\n  misc-*,\n  -misc-a{}\n"

    def test_licence_line(self):
        self.assertEqual(self.findings(style.check_licence, {"daemon/base/a.c": SPDX}), [])
        self.assertEqual(len(self.findings(style.check_licence, {"daemon/base/a.c": "int a;\n"})), 1)

    def test_reasons(self):
        self.assertEqual(self.findings(style.check_reasons, {".clang-tidy": self.TIDY.format("")}), [])
        silent = self.findings(style.check_reasons, {".clang-tidy": self.TIDY.format(",\n  -misc-b")})
        self.assertEqual(silent, [".clang-tidy: -misc-b is off without a reason"])
        stale = self.findings(style.check_reasons, {".clang-tidy": self.TIDY.format("").replace("-misc-a{}", "")
                                                    .replace("  -misc-a\n", "  misc-c\n")})
        self.assertEqual(stale, [".clang-tidy: -misc-a has a reason but is on"])

    def test_long_file(self):
        files = {"daemon/base/a.c": "\n" * 600, "daemon/base/b.c": "\n" * 601}
        self.assertEqual(self.findings(style.long_files, files), ["daemon/base/b.c: 601 lines, split it"])


class Tidy(Lint):
    GOOD = "int twice(int x);\nint twice(int x) {\n        return 2 * x;\n}\n"
    BAD = "int twice(int x);\nint twice(int x) {\n        if (x == x)\n                return 2;\n        return x;\n}\n"

    @unittest.skipUnless(tidy.find_tool(), "clang-tidy 14 is not installed")
    def test_findings_and_memory(self):
        with tempfile.TemporaryDirectory() as root:
            plant(root, {".clang-tidy": "Checks: '-*,misc-redundant-expression'\n", "daemon/base/a.c": self.BAD})
            path = os.path.join(root, "daemon/base/a.c")
            plant(root, {"b/compile_commands.json": json.dumps(
                [{"directory": root, "file": path, "command": f"cc -c {path}"}])})
            command = [sys.executable, tidy.__file__, root, os.path.join(root, "b")]
            for text, status in ((self.BAD, 1), (self.BAD, 1), (self.GOOD, 0), (self.GOOD, 0), (self.BAD, 1)):
                plant(root, {"daemon/base/a.c": text})
                done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
                self.assertEqual(done.returncode, status, done.stdout)
                self.assertEqual("daemon/base/a.c:3:" in done.stdout, status == 1)


if __name__ == "__main__":
    unittest.main()
