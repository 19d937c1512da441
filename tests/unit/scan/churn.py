#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""churn.py SCANNER: whatever happens in a root, what evidenced-scan told in the end is what is there.

Files and folders are made, renamed, moved into each other and removed at random for a while; when it is quiet again, the
listings received must be those of the disk, every file settled. Once more with a queue of events that runs over.
"""

import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

SETTLED, READ = 3, 64
CHURN_SECONDS = 3
QUIET_SECONDS = 1.5  # several times the time to settle
PATIENCE_SECONDS = 60


class Scanner:
    """The program on a socket pair, and the listings as it told them."""

    def __init__(self, program, root, environment):
        ours, theirs = socket.socketpair()
        self.process = subprocess.Popen(
            [program, f"--fd={theirs.fileno()}"],
            pass_fds=[theirs.fileno()],
            env={**os.environ, **environment},
        )
        theirs.close()
        self.socket, self.pending, self.partial, self.folders = ours, b"", {}, {}
        hello = self.receive(PATIENCE_SECONDS)["hello"]
        self.send({"hello": {**hello, "program": "evidenced"}})
        self.send({"verb": "watch", "root": root, "settle": 300000, "poll": 3600000000, "rescan": 3600000000})

    def send(self, message):
        self.socket.sendall(json.dumps(message).encode() + b"\0")

    def receive(self, timeout):
        """The next message; None when there is none in time."""
        self.socket.settimeout(timeout)
        while b"\0" not in self.pending:
            try:
                data = self.socket.recv(1 << 16)
            except socket.timeout:
                return None
            if not data:
                sys.exit("evidenced-scan hung up")
            self.pending += data
        text, self.pending = self.pending.split(b"\0", 1)
        return json.loads(text)

    def take_in(self, timeout):
        message = self.receive(timeout)
        if message is None:
            return False
        path = message.get("path")
        if message.get("event") == "folder":
            files = message["files"]
            listing = self.partial.setdefault(path, {})
            for i in range(0, len(files), 5):
                listing[files[i]] = (files[i + 1], files[i + 3], files[i + 4])
            if not message["more"]:
                self.folders[path] = self.partial.pop(path)
        elif message.get("event") == "settled":
            files = message["files"]
            for name, flags in zip(files[::2], files[1::2]):
                self.folders[path][name] = (*self.folders[path][name][:2], flags & ~READ)
        elif message.get("event") == "gone":
            self.folders = {p: l for p, l in self.folders.items() if p != path and not p.startswith(path + "/")}
        return True


def churn(root, end):
    """Random calls; those that make no sense fail, and do not matter."""
    count = 0
    while time.monotonic() < end:
        folders = [folder for folder, _, _ in os.walk(root)]
        folder, other = random.choice(folders), random.choice(folders)
        name, dice = str(random.randrange(8)), random.random()
        try:
            if dice < 0.35:
                with open(f"{folder}/f{name}", "w", encoding="ascii") as file:
                    file.write("x" * random.randrange(100))
            elif dice < 0.5:
                os.unlink(f"{folder}/f{name}")
            elif dice < 0.7 and len(folders) < 60:
                os.mkdir(f"{folder}/d{name}")
            elif dice < 0.8:
                os.rename(f"{folder}/f{name}", f"{other}/f{name}")
            elif dice < 0.92:
                os.rename(f"{folder}/d{name}", f"{other}/d{random.randrange(8)}")
            elif folder != root:
                shutil.rmtree(folder)
        except OSError:
            pass
        count += 1
        if count % 50 == 0:
            time.sleep(0.005)


def on_disk(root):
    found = {}
    for folder, _, names in os.walk(root):
        path = os.path.relpath(folder, root)
        listing = found["" if path == "." else path] = {}
        for name in names:
            status = os.stat(os.path.join(folder, name))
            listing[name] = (status.st_size, status.st_ino, SETTLED)
    return found


def run(program, root, environment):
    scanner = Scanner(program, root, environment)
    thread = threading.Thread(target=churn, args=(root, time.monotonic() + CHURN_SECONDS))
    thread.start()
    while thread.is_alive():
        scanner.take_in(0.1)
    quiet, end = time.monotonic(), time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() - quiet < QUIET_SECONDS and time.monotonic() < end:
        if scanner.take_in(0.2):
            quiet = time.monotonic()
    expected = on_disk(root)
    for path in sorted(set(expected) | set(scanner.folders)):
        if expected.get(path) != scanner.folders.get(path):
            print(f"'{path}': {expected.get(path)} on disk, told {scanner.folders.get(path)}")
    scanner.socket.close()
    status = scanner.process.wait()
    print(f"{len(expected)} folders, scanner ended with {status}")
    return expected == scanner.folders and status == 0


def main(program):
    good = True
    for seed, environment in enumerate([{}, {"EVIDENCED_SCAN_MAX_QUEUE": "10"}]):
        random.seed(seed)
        with tempfile.TemporaryDirectory(prefix="evidenced-churn-") as root:
            good &= run(program, root, environment)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
