#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What evidenced does to evidence, seen from the kernel's side: every system call of the service and its workers, by strace.

Evidence is looked at by the scanner alone, read only, never executed or mapped, and never followed out of its root.
"""

import os
import re
import shutil
import subprocess

import evtest
from evidence_case import MINUTES, REPORT, Replay

# PID NAME(ARGUMENTS) = RESULT; descriptors are shown as 5</path>
CALL = re.compile(r"^(\d+) +(\w+)\((.*)\) += (-?\d+|0x[0-9a-f]+|\?)")
UNFINISHED = re.compile(r"^(\d+) +(.*) <unfinished \.\.\.>$")
RESUMED = re.compile(r"^(\d+) +<\.\.\. \w+ resumed>(.*)$")

# All that may be done to a folder or a file in the root.
LOOKING = {
    "open", "openat", "openat2", "close", "read", "pread64", "getdents64", "lseek", "statx", "newfstatat", "fstat", "stat", "lstat", "statfs",
    "fstatfs", "readlink", "readlinkat", "faccessat", "faccessat2", "access", "fadvise64", "fcntl", "inotify_add_watch", "dup", "poll", "ppoll",
}  # fmt: skip
OPENING = {"open", "openat", "openat2", "creat"}
CHANGING = {"O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND", "O_TMPFILE"}


class Call:
    def __init__(self, pid, name, arguments, result):
        self.pid, self.name, self.arguments = int(pid), name, arguments
        self.failed = result.startswith("-")
        self.text = f"{name}({arguments}) = {result}"

    def flags(self):
        return set(re.findall(r"\bO_[A-Z]+", self.arguments))


def read_calls(path):
    """The calls of a trace, those that were interrupted by others put together again."""
    begun, calls = {}, []
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            line = line.rstrip("\n")
            if found := UNFINISHED.match(line):
                begun[found[1]] = found[2]
                continue
            if found := RESUMED.match(line):
                line = f"{found[1]} {begun.pop(found[1], '')}{found[2]}"
            # the result may name the path of a new descriptor, too
            if found := CALL.match(line):
                calls.append(Call(*found.groups()))
                calls[-1].text = line
    return calls


class Untouched(Replay):
    def setUp(self):
        super().setUp()
        if not shutil.which("strace"):
            self.skipTest("strace is not installed")
        tried = subprocess.run(["strace", "-f", "-o", self.path("try"), "true"], capture_output=True, text=True)
        if tried.returncode != 0:
            self.skipTest(f"strace can not be used here: {tried.stderr.strip()}")

    def fill(self):
        self.file("1.3/minutes 1.pdf", seed="1")
        self.outside("secret report.pdf", seed="secret")
        os.symlink(self.path("outside/secret report.pdf"), self.path("evidence/1.1/report link.pdf"))
        os.symlink("../../outside/secret report.pdf", self.path("evidence/1.1/report up.pdf"))
        os.symlink(self.path("outside"), self.path("evidence/1.1/folder"))
        script = self.file("1.1/report run.pdf", data=b"#!/bin/sh\ntouch " + self.path("executed").encode() + b"\n")
        os.chmod(script, 0o755)

    def trace(self):
        """All calls of a service in which files are found, come, move and go; what was seen of the tree before and after."""
        trace = self.path("trace")
        # no other tracer beside strace: a sanitizer build looks for leaks elsewhere
        running = self.service(ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0")
        # -D: strace stands aside, and the service is our child as ever; -s 0: no content, but paths in full
        running.prefix = ["strace", "-D", "-f", "-y", "-s", "0", "-o", trace, "-e", "trace=%file,%desc,%process"]
        with running as service:
            self.until(service, "partial", MINUTES)
            self.file("1.1/report.pdf", seed="report")
            self.file("1.3/deep/er/minutes 2.pdf", seed="2")
            self.until(service, "complete", REPORT)
            self.until(service, "complete", MINUTES)
            os.rename(self.path("evidence/1.3/deep"), self.path("evidence/1.3/moved"))
            os.unlink(self.path("evidence/1.1/report.pdf"))
            self.until(service, "open", REPORT)
            service.ctl("explain", REPORT)
            service.ctl("reload")
            main = service.process.pid
            self.assertEqual(service.stop(), 0)

            def ended():
                with open(trace, encoding="utf-8", errors="replace") as file:
                    return re.search(rf"^{main} +\+\+\+ exited", file.read(), re.M)

            evtest.eventually(ended, "the trace is complete")
        return read_calls(trace)

    def test_read_only_by_the_scanner_alone(self):
        self.fill()
        before = self.attributes()
        calls = self.trace()
        root, outside = self.path("evidence"), self.path("outside")
        programs = {}
        for call in calls:
            if call.name == "execve" and not call.failed:
                programs[call.pid] = os.path.basename(call.arguments.split('"')[1])
                self.assertIn(programs[call.pid], ("evidenced", "evidenced-scan", "evidenced-mail"), call.text)
            self.assertNotEqual(call.name, "execveat", call.text)
        touched = [call for call in calls if re.search(rf'[<"]{re.escape(root)}[/>"]', call.text)]
        self.assertEqual({programs.get(call.pid) for call in touched}, {"evidenced-scan"}, "who touches evidence")
        self.assertEqual({call.name for call in touched} - LOOKING, set(), "what is done to it")
        opened = [call for call in touched if call.name in OPENING]
        for call in opened:
            self.assertEqual(call.flags() & CHANGING, set(), call.text)
        # it looked at all: the trace is no empty one
        for name in ("minutes 1.pdf", "report.pdf", "minutes 2.pdf"):
            self.assertTrue([c for c in opened if not c.failed and name in c.text and "O_PATH" not in c.flags()], f"{name} was read")
        # out of the root nothing was opened, read or listed, by nobody
        followed = [c for c in calls if not c.failed and re.search(rf"<{re.escape(outside)}[/>]", c.text)]
        self.assertEqual([c.text for c in followed if "O_PATH" not in c.flags()], [])
        self.assertFalse(os.path.exists(self.path("executed")))
        after = self.attributes()
        for path in set(before) & set(after):
            self.assertEqual(before[path], after[path], path)

    def attributes(self):
        """What would tell that somebody changed a file: all but the times of access."""
        found = {}
        for folder, _, names in os.walk(self.path("evidence")):
            for name in names:
                path = os.path.join(folder, name)
                st = os.lstat(path)
                found[path] = (st.st_mode, st.st_uid, st.st_gid, st.st_nlink, st.st_size, st.st_mtime_ns, st.st_ctime_ns)
        return found


if __name__ == "__main__":
    evtest.main()
