#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What must be refused is refused, tried from inside: a program in a unit that differs from ours in what it starts only.

Each probe is tried outside of any sandbox as well, as root: where that fails, the machine and not the unit refused it, and
the test would prove nothing.
"""

import json
import os
import re
import subprocess

import evsystem
from evsystem import EVIDENCE, eventually, run

# Runs inside. Prints {probe: "yes" or the error}.
PROBES = r"""
import json, os, socket, sys
FILE = "/srv/evidence/first/secret.pdf"

def read(path):
    with open(path, "rb") as file:
        file.read(1)

def write(path):
    with open(path, "ab") as file:
        file.write(b"x")

def connect(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as s:
        s.settimeout(3)
        s.connect(address)

def create(path):
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))

def execute():
    pid = os.fork()
    if pid == 0:
        try:
            os.execv("/usr/bin/true", ["true"])
        finally:
            os._exit(7)
    if os.waitpid(pid, 0)[1] != 0:
        raise PermissionError(13, "it did not start")

def see_process():
    # another user's, which our own /proc does not show
    if not os.path.isdir("/proc/1"):
        raise PermissionError(1, "hidden")

probes = {
    "list /srv": lambda: os.listdir("/srv")[0],
    "read evidence": lambda: read(FILE),
    "write evidence": lambda: write(FILE),
    "make a file in evidence": lambda: create("/srv/evidence/first/new-" + str(os.getpid())),
    "remove evidence": lambda: os.unlink("/srv/evidence/first/victim"),
    "rename evidence": lambda: os.rename("/srv/evidence/first/mover", "/srv/evidence/first/moved"),
    "make a folder in evidence": lambda: os.mkdir("/srv/evidence/first/dir-" + str(os.getpid())),
    "chmod evidence": lambda: os.chmod(FILE, 0o777),
    "write to a root mounted later": lambda: create("/srv/late/new-" + str(os.getpid())),
    "read the state": lambda: read("/var/lib/evidenced/evidenced.db"),
    "write the configuration": lambda: write("/etc/evidenced/evidenced.conf"),
    "read the credential": lambda: read("/etc/evidenced/credentials/probe"),
    "be given the credential": lambda: read(os.environ["CREDENTIALS_DIRECTORY"] + "/smtp_probe"),
    "connect to the network": lambda: connect(socket.AF_INET, ("127.0.0.1", int(sys.argv[1]))),
    "open an IP socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM).close(),
    "open a raw socket": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close(),
    "open a local socket": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM).close(),
    "reach the system bus": lambda: connect(socket.AF_UNIX, "/run/dbus/system_bus_socket"),
    "read homes": lambda: read(os.path.join("/home", "somebody", "file")),
    "write to /var/lib/evidenced": lambda: create("/var/lib/evidenced/probe-" + str(os.getpid())),
    "write to /var/lib/evidenced-mail": lambda: create("/var/lib/evidenced-mail/probe-" + str(os.getpid())),
    "write to /var/tmp/shared": lambda: create("/var/tmp/shared/probe-" + str(os.getpid())),
    "run a program": execute,
    "see other processes": see_process,
    "become another user": lambda: os.setuid(0),
    "mount": lambda: os.chroot("/"),
    "change priorities": lambda: os.setpriority(os.PRIO_PROCESS, 0, -5),
    "make a pipe": lambda: [os.close(fd) for fd in os.pipe()],
    "hold memory as a file": lambda: os.close(os.memfd_create("x")),
}
result = {}
for name, probe in probes.items():
    try:
        probe()
        result[name] = "yes"
    except Exception as error:
        result[name] = type(error).__name__ + ": " + str(error)
sys.stdout.write(json.dumps(result))
"""

# In no unit, whatever it is for.
NEVER = {
    "write evidence", "make a file in evidence", "remove evidence", "rename evidence", "make a folder in evidence",
    "chmod evidence", "write to a root mounted later", "write the configuration", "read the credential", "open a raw socket", "run a program",
    "see other processes", "become another user", "mount", "change priorities", "write to /var/tmp/shared",
}  # fmt: skip
# What each one needs and has; everything else is refused.
MAY = {
    "evidenced": {"open a local socket", "reach the system bus", "read the state", "write to /var/lib/evidenced", "make a pipe",
                  "hold memory as a file"},
    # A root may lie in a home; which one it can read is up to the home's owner.
    "evidenced-scan": {"list /srv", "read evidence", "read homes", "make a pipe"},
    "evidenced-mail": {"open a local socket", "open an IP socket", "connect to the network", "be given the credential",
                       "write to /var/lib/evidenced-mail", "make a pipe", "reach the system bus"},
}  # fmt: skip
# Allowed or not makes no difference worth a test.
OPEN = {"reach the system bus", "hold memory as a file", "list /srv"}


class Sandbox(evsystem.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        os.makedirs(EVIDENCE + "/first", exist_ok=True)
        for name in ("secret.pdf", "victim", "mover"):
            with open(f"{EVIDENCE}/first/{name}", "wb") as file:
                file.write(evsystem.document("pdf", 1))
        os.makedirs(os.path.join("/home", "somebody"), exist_ok=True)
        os.makedirs("/var/tmp/shared", exist_ok=True)
        os.makedirs("/srv/late", exist_ok=True)
        os.chmod("/var/tmp/shared", 0o1777)
        for path in (os.path.join("/home", "somebody", "file"), "/etc/evidenced/credentials/probe", "/opt/smtp_probe", "/opt/probes.py"):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(PROBES)
        cls.listener = subprocess.Popen(
            ["/usr/bin/python3", "-c",
             "import socket; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True)\nwhile True: s.accept()"],
            stdout=subprocess.PIPE, text=True)  # fmt: skip
        cls.port = cls.listener.stdout.readline().strip()

    @classmethod
    def tearDownClass(cls):
        cls.listener.kill()
        cls.listener.wait()

    def probe(self, unit):
        """The unit, started with the probes in place of its program."""
        text = run("systemctl", "cat", f"{unit}.service")
        text = re.sub(r"^(Type|NotifyAccess|WatchdogSec|Restart|RestartSec|ExecReload|ExecStart|Requires|After)=.*\n", "", text, flags=re.M)
        python = os.path.realpath("/usr/bin/python3")
        text = text.replace("[Service]\n", "[Service]\nType=oneshot\nStandardOutput=file:/run/probe.json\n"
                            f"ExecStart={python} /opt/probes.py {self.port}\nExecPaths={python}\n", 1)  # fmt: skip
        text = text.replace("/run/probe.json", f"/run/{unit}.json")
        with open(f"/run/systemd/system/probe-{unit}.service", "w", encoding="utf-8") as file:
            file.write(text)
        run("systemctl", "daemon-reload")
        # While it runs the real one must not: they share its folders.
        run("systemctl", "stop", f"{unit}.service")
        run("systemctl", "start", f"probe-{unit}.service")
        with open(f"/run/{unit}.json", encoding="utf-8") as file:
            return json.load(file)

    def check(self, unit):
        found = self.probe(unit)
        allowed = {name for name, result in found.items() if result == "yes"}
        refused = "\n".join(f"{name}: {result}" for name, result in found.items())
        self.assertEqual(allowed & NEVER, set(), refused)
        self.assertEqual(allowed - OPEN, MAY[unit] - OPEN, refused)
        for name, result in found.items():
            self.assertNotRegex(result, "NameError|TypeError|AttributeError", name)

    def test_1_the_probes_work_where_nothing_refuses(self):
        late = run("mount", "-t", "tmpfs", "-o", "mode=1777", "late", "/srv/late")
        self.addCleanup(run, "umount", "-l", "/srv/late")
        self.assertEqual(late, "")
        os.makedirs("/var/lib/evidenced-mail", exist_ok=True)
        found = json.loads(run("/usr/bin/python3", "/opt/probes.py", self.port, env={"CREDENTIALS_DIRECTORY": "/opt"}))
        self.assertEqual({name: result for name, result in found.items() if result != "yes"}, {})
        for name in ("victim", "mover"):
            with open(f"{EVIDENCE}/first/{name}", "wb") as file:
                file.write(b"x")

    def test_2_decider(self):
        self.check("evidenced")

    def test_2_scanner(self):
        self.check("evidenced-scan")

    def test_2_sender(self):
        self.check("evidenced-mail")

    def test_3_the_scanner_can_not_write_to_a_root_mounted_while_it_runs(self):
        """ProtectSystem= does not cover what is mounted later; the filter of system calls and the ACL do."""
        script = (
            "import json, os, subprocess, sys, time\n"
            "open('/proc/self/comm').read()\n"
            "end = time.monotonic() + 60\n"
            "while not os.path.exists('/srv/late/ready') and time.monotonic() < end: time.sleep(0.05)\n"
            "result = {'seen': os.path.exists('/srv/late/ready')}\n"
            "for name, call in {'mkdir': lambda: os.mkdir('/srv/late/d'), 'unlink': lambda: os.unlink('/srv/late/ready'),\n"
            "                   'rename': lambda: os.rename('/srv/late/ready', '/srv/late/r'),\n"
            "                   'chmod': lambda: os.chmod('/srv/late/ready', 0o600),\n"
            "                   'truncate': lambda: os.truncate('/srv/late/ready', 0)}.items():\n"
            "    try:\n"
            "        call(); result[name] = 'yes'\n"
            "    except OSError as error:\n"
            "        result[name] = error.errno\n"
            "sys.stdout.write(json.dumps(result))\n"
        )
        text = run("systemctl", "cat", "evidenced-scan.service")
        text = re.sub(r"^(Type|ExecStart)=.*\n", "", text, flags=re.M)
        python = os.path.realpath("/usr/bin/python3")
        with open("/opt/late.py", "w", encoding="utf-8") as file:
            file.write(script)
        text = text.replace("[Service]\n", "[Service]\nType=exec\nStandardOutput=file:/run/late.json\n"
                            f"ExecStart={python} /opt/late.py\nExecPaths={python}\n", 1)  # fmt: skip
        with open("/run/systemd/system/probe-late.service", "w", encoding="utf-8") as file:
            file.write(text)
        run("systemctl", "daemon-reload")
        run("systemctl", "start", "probe-late.service")
        run("mount", "-t", "tmpfs", "-o", "mode=777", "late", "/srv/late")
        self.addCleanup(run, "umount", "-l", "/srv/late")
        with open("/srv/late/not-yet", "wb"):
            pass
        os.chmod("/srv/late/not-yet", 0o666)
        os.rename("/srv/late/not-yet", "/srv/late/ready")
        eventually(lambda: self.show("probe-late.service", "ActiveState") == "inactive", "the probe ends")
        with open("/run/late.json", encoding="utf-8") as file:
            result = json.load(file)
        self.assertTrue(result.pop("seen"))
        self.assertEqual(set(result.values()), {1}, result)  # EPERM


if __name__ == "__main__":
    evsystem.main()
