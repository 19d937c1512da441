# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the system tests share: the installed package under a systemd of its own (with-systemd.sh).

    import evsystem

    class Start(evsystem.TestCase):
        def test_one(self):
            …

    if __name__ == "__main__":
        evsystem.main()

main() starts the file again inside. One file is one machine: its tests share it, in the order of their names, and the
package is installed before the first. PACKAGES is the folder of the packages (the ctest system-build fills it).
"""

import ctypes
import glob
import json
import os
import subprocess
import sys
import time
import unittest

from evtest import PATIENCE, SmtpServer, document, eventually

__all__ = ["EVIDENCE", "PATIENCE", "HungShare", "SmtpServer", "TestCase", "document", "eventually", "main", "package", "run"]

EVIDENCE = "/srv/evidence"
CONFIG = "/etc/evidenced/evidenced.conf"
UNITS = ("evidenced", "evidenced-scan", "evidenced-mail")


def run(*command, status=0, timeout=60, input=None, env=None):
    """Run a command to its end, insist on its exit status (None: any), and return what it said on stdout."""
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=timeout, input=input, env=env)
    if status is not None and done.returncode != status:
        raise AssertionError(f"{' '.join(command)} ended with {done.returncode}, not {status}\n{done.stdout}\n{done.stderr}")
    return done.stdout if status is not None else done


def package(kind):
    """Path of the package "new" (of this tree) or "old" (of this tree with a lower version)."""
    found = glob.glob(os.path.join(os.environ["PACKAGES"], kind, "*.deb"))
    if not found:
        print(f"skipped: there is no package in {os.environ['PACKAGES']}/{kind} (see the test system-build)", file=sys.stderr)
        sys.exit(77)
    return found[0]


def apt(*command):
    return run("dpkg", "--force-confdef", "--force-confold", *command, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})


def configuration(servers='{ url = "maildir:sent"; }', roots=(EVIDENCE,), tasks=None, more=""):
    """One task that has been owed since yesterday, on every day and hour a time to mail."""
    yesterday = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86400))
    tasks = tasks or (
        f'{{ id = "1.1"; area = "1"; title = "A report"; points = 1.0; unit = "U"; due = "{yesterday}";'
        ' evidence: { dir = "first"; need = ( { name = "Report"; match = [ "*.pdf" ]; } ); }; }'
    )
    roots = ", ".join(f'"{root}"' for root in roots)
    return f"""
organization: {{ name = "Test"; time_zone = "Etc/UTC"; language = "en"; }};
calendar: {{ workdays = [ "mon", "tue", "wed", "thu", "fri", "sat", "sun" ]; send_at = "00:00"; send_window = "00:00-24:00"; }};
mail: {{ from = "Evidence <evidence@test.example>"; servers = ( {servers} ); connections = 1; }};
evidence: {{ roots = [ {roots} ]; settle = "1s"; }};
areas: ( {{ id = "1"; title = "Area"; points = 1.0; }} );
units: ( {{ id = "U"; name = "The unit"; mail = [ "unit@test.example" ]; roles: {{ head = [ "head@test.example" ]; }}; }} );
roles: {{ coordinator = [ "coordinator@test.example" ]; deputy = [ "deputy@test.example" ];
         director = [ "director@test.example" ]; administrator = [ "administrator@test.example" ]; }};
tasks: ( {tasks} );
{more}
"""


class HungShare:
    """A file system that answers nothing, like a file server that went away: a FUSE mount that nobody serves.

    SkipTest where /dev/fuse can not be used. The with block mounts and, at its end, gives every caller an error.
    """

    def __init__(self, path):
        self.path, self.fd = path, -1

    def __enter__(self):
        os.makedirs(self.path, exist_ok=True)
        try:
            self.fd = os.open("/dev/fuse", os.O_RDWR)
        except OSError as error:
            raise unittest.SkipTest(f"/dev/fuse: {error.strerror}") from None
        libc = ctypes.CDLL(None, use_errno=True)
        data = f"fd={self.fd},rootmode=40755,user_id=0,group_id=0,allow_other".encode()
        if libc.mount(b"hung", self.path.encode(), b"fuse", 0, data) < 0:
            raise unittest.SkipTest(f"no FUSE mount can be made: {os.strerror(ctypes.get_errno())}")
        return self

    def hangs(self):
        """Somebody who looks does wait."""
        look = subprocess.Popen(["stat", self.path + "/x"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            look.wait(0.3)
            return False
        except subprocess.TimeoutExpired:
            look.kill()
            look.wait()
            return True

    def end(self):
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def __exit__(self, *_):
        self.end()
        run("umount", "-l", self.path, status=None)


class TestCase(unittest.TestCase):
    maxDiff = None
    longMessage = True
    installed = False

    @classmethod
    def setUpClass(cls):
        if not TestCase.installed:
            apt("-i", package("new"))
            TestCase.installed = True

    def setUp(self):
        self.cursor = json.loads(run("journalctl", "-n1", "-o", "json"))["__CURSOR"]
        self.addCleanup(self.tell)

    def tell(self):
        """What a person wants to read when a test failed."""
        result = self._outcome.result
        if any(test is self for test, _ in result.failures + result.errors):
            said = run("journalctl", "--after-cursor", self.cursor, "-o", "short-precise", "--no-pager")
            sys.stderr.write(f"---- the journal since the beginning of {self.id()}:\n{said}----\n")

    # ---- units

    def show(self, unit, name):
        return run("systemctl", "show", "--value", "-p", name, unit).strip()

    def pid(self, unit="evidenced.service"):
        return int(self.show(unit, "MainPID"))

    def is_active(self, unit="evidenced.service"):
        return self.show(unit, "ActiveState") == "active"

    def drop_in(self, unit, text):
        """A drop-in until the test ends."""
        folder = f"/run/systemd/system/{unit}.d"
        os.makedirs(folder, exist_ok=True)
        path = f"{folder}/50-{self.id().rpartition('.')[2]}.conf"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        run("systemctl", "daemon-reload")

        def away():
            os.unlink(path)
            run("systemctl", "daemon-reload")

        self.addCleanup(away)

    def healthy(self):
        self.assertEqual(run("systemctl", "--failed", "--no-legend", "--plain"), "")
        self.assertTrue(self.is_active())

    # ---- the journal

    def journal(self, **fields):
        """Entries since the test began; fields as NAME=value."""
        run("journalctl", "--sync")
        # Filtered here: with matches, journalctl leaves out the first one after a cursor that does not match.
        entries = map(json.loads, run("journalctl", "--after-cursor", self.cursor, "-o", "json", "--all").splitlines())
        return [entry for entry in entries if all(entry.get(name) == value for name, value in fields.items())]

    def said(self, text, **fields):
        return [entry for entry in self.journal(**fields) if text in str(entry.get("MESSAGE", ""))]

    def wait_said(self, text, **fields):
        return eventually(lambda: self.said(text, **fields), f"'{text}' in the journal")

    # ---- the service

    def configure(self, **how):
        with open(CONFIG, "w", encoding="utf-8") as file:
            file.write(configuration(**how))

    def start_over(self, **how):
        """Stop, forget everything, and start with this configuration."""
        run("systemctl", "stop", *(f"{unit}.service" for unit in UNITS))
        run("rm", "-rf", "/var/lib/evidenced", "/var/lib/evidenced-mail")
        self.configure(**how)
        run("systemctl", "reset-failed")
        run("systemctl", "start", "evidenced.service")

    def status(self):
        return json.loads(run("evidencectl", "status", "--json"))

    def root_is(self, state, path=EVIDENCE):
        return any(root["path"] == path and root["state"] == state for root in self.status()["roots"])

    def instance(self, task="1.1"):
        return next(one for one in json.loads(run("evidencectl", "list", "--json")) if one["task"] == task)


def main():
    """Outside: the same file inside a machine of its own. Inside: the tests; 77 when all were skipped."""
    if "EVSYSTEM_INSIDE" not in os.environ:
        package("new")
        here = os.path.dirname(os.path.abspath(__file__))
        command = [os.path.join(here, "with-systemd.sh"), "-t", "570"]
        for path in (os.environ["SOURCE_DIR"], os.environ["PACKAGES"]):
            command += ["-m", path]
        os.environ["EVSYSTEM_INSIDE"] = "1"
        os.execv(command[0], [*command, "--", sys.executable, os.path.abspath(sys.argv[0]), *sys.argv[1:]])
    result = unittest.main(module="__main__", exit=False, verbosity=2).result
    if not result.wasSuccessful() or result.testsRun == 0:
        sys.exit(1)
    sys.exit(77 if len(result.skipped) >= result.testsRun else 0)
