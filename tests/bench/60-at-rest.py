#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The sample year at rest: memory and wake-ups of all our processes, beside monit, incrond and alertmanager.

The service runs as it is packaged: workers behind listening sockets that are started when somebody connects, and a
watchdog. Its clock says 08:00 on 12/11/2018; the morning's mail goes into a folder, the senders end 30 s later and their
master 30 s after them. Then memory is what /proc/PID/smaps says, and wake-ups are context switches over BENCH_REST seconds
(60). PSS depends on who else has the libraries open; so the rows also say what it would be if nobody had. A peer that is
not installed is left out, with a word on stderr (Debian: monit, incron, prometheus-alertmanager).
"""

import contextlib
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import benchlib

NOW = "2018-11-12T08:00:00+07:00"
REST = float(os.environ.get("BENCH_REST", "60"))
WATCHDOG_SEC = 60  # as in systemd/evidenced.service.in
SETTLE_SEC = 180  # at most, for the mail to leave and the senders and their master to end
WORKERS = ("evidenced-scan", "evidenced-mail")
PEER_PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"


# Stands for systemd between fork and exec: the listening socket is descriptor 3, and LISTEN_PID who the program will be.
EXEC = """import os, sys
os.dup2(int(sys.argv[1]), 3)
os.execve(sys.argv[2], sys.argv[2:], {**os.environ, "LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"})
"""


class Activator(threading.Thread):
    """What systemd does with a .socket of Accept=no: starts the program when somebody connects and it does not run."""

    def __init__(self, folder, name, env, log):
        super().__init__(daemon=True)
        self.path = os.path.join(folder, name + ".sock")
        self.command, self.process = [sys.executable, "-c", EXEC, "", benchlib.binary(name)], None
        self.how = {"env": env, "stderr": log}
        self.listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listening.bind(self.path)
        self.listening.listen(16)
        self.start()

    def run(self):
        fd = self.listening.fileno()
        self.command[3] = str(fd)
        status = 0
        while status == 0:
            select.select([fd], [], [])
            self.process = subprocess.Popen(self.command, pass_fds=[fd], **self.how)
            status = self.process.wait()


def mappings(pid):
    """(file and offset, or a name of its own; private KiB, shared KiB) of each mapping"""
    key, figures = None, {}
    with open(f"/proc/{pid}/smaps", encoding="utf-8") as file:
        for line in file:
            words = line.split()
            if not words[0].endswith(":"):
                key, figures = (words[5] if len(words) > 5 else words[0], words[2]), {}
            elif words[0].startswith(("Private_", "Shared_")):
                kind, rest = words[0].split("_")
                figures[kind] = figures.get(kind, 0) + int(words[1])
                if rest == "Dirty:" and kind == "Private":
                    yield key, figures["Private"], figures["Shared"]


def alone(pids):
    """PSS in KiB if no other process of the machine had the libraries of these open."""
    private, shared = 0, {}
    for pid in pids:
        for key, own, common in mappings(pid):
            private += own
            shared[key] = max(common, shared.get(key, 0))
    return private + sum(shared.values())


def switches(pid):
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        total += sum(
            benchlib.fields(f"/proc/{pid}/task/{task}/status", ("voluntary_ctxt_switches", "nonvoluntary_ctxt_switches"))
        )
    return total


class Rest:
    """How the processes of one program rest: dictionaries by process."""

    def __init__(self, what, pids):
        self.what, self.pids, self.wakes = what, pids, None
        self.names = {pid: benchlib.name_of(pid) for pid in pids}
        self.before = {pid: switches(pid) for pid in pids}

    def end(self, pids):
        if sorted(pids) != sorted(self.pids):
            raise RuntimeError(f"{self.what}: processes came or went while it was at rest")
        self.wakes = {pid: switches(pid) - self.before[pid] for pid in self.pids}
        found = {pid: benchlib.memory(pid) for pid in self.pids}
        self.pss = sum(pss for pss, _ in found.values()) / 1024
        self.alone = alone(self.pids) / 1024
        self.dirty = sum(dirty for _, dirty in found.values()) / 1024
        self.detail = ", ".join(f"{self.names[p]} {found[p][0]}/{found[p][1]} KiB" for p in self.pids)

    def wakes_by_name(self):
        return ", ".join(f"{self.names[p]} {n}" for p, n in self.wakes.items())


def configure(folder):
    etc = os.path.join(folder, "etc")
    shutil.copytree(os.path.join(benchlib.SOURCE, "conf", "vn-2018"), etc)
    path = os.path.join(etc, "evidenced.conf")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for place, name in (("/srv/evidence", "evidence"), ("/var/cache/evidenced", "board")):
        text = text.replace(place, os.path.join(folder, name))
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    maker = os.path.join(benchlib.SOURCE, "conf", "demo", "make-evidence.py")
    command = [sys.executable, maker, os.path.join(folder, "evidence"), "--as-of", NOW]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return path


def stop(process):
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Service:
    """evidenced and its workers; the log is kept for when something goes wrong."""

    def __init__(self, folder):
        self.state = os.path.join(folder, "state")
        env = {**os.environ, "EVIDENCED_MAIL_DIR": self.state}
        config = configure(folder)
        self.log = os.path.join(folder, "log")
        log = open(self.log, "wb")
        self.workers = [Activator(folder, name, env, log) for name in WORKERS]
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(os.path.join(folder, "notify"))
        self.process = subprocess.Popen(
            [
                benchlib.binary("evidenced"),
                *("--config", config, "--state", self.state, "--now", NOW),
                *("--socket", os.path.join(folder, "control")),
            ],
            env={
                **env,
                "EVIDENCED_SCAN_SOCKET": self.workers[0].path,
                "EVIDENCED_MAIL_SOCKET": self.workers[1].path,
                "NOTIFY_SOCKET": self.notify.getsockname(),
                "WATCHDOG_USEC": str(WATCHDOG_SEC * 1000000),
            },
            stderr=log,
        )

    def pids(self):
        return [pid for p in (self.process, *(w.process for w in self.workers)) if p and p.poll() is None
                for pid in benchlib.family(p.pid)]

    def pings(self):
        """Messages to the service manager since the last call: what the watchdog woke for, among them."""
        found = []
        while select.select([self.notify], [], [], 0)[0]:
            found.append(self.notify.recv(65536).decode("utf-8", "replace"))
        return sum("WATCHDOG=1" in text for text in found)

    def await_rest(self):
        """Until the mail has left and the senders and their master are gone."""
        sent = os.path.join(self.state, "sent", "new")
        mail = self.workers[1]
        began = time.monotonic()
        while not (os.path.isdir(sent) and os.listdir(sent) and mail.process and mail.process.poll() is not None):
            if self.process.poll() is not None or time.monotonic() > began + SETTLE_SEC:
                with open(self.log, encoding="utf-8", errors="replace") as log:
                    raise RuntimeError("the service did not come to rest: " + log.read()[-2000:])
            time.sleep(0.5)
        time.sleep(2)
        return time.monotonic() - began

    def end(self):
        stop(self.process)
        for worker in self.workers:
            if worker.process and worker.process.poll() is None:
                stop(worker.process)


def write(path, text, mode=0o644):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)
    return path


def make(folder, *names):
    for name in names:
        os.makedirs(os.path.join(folder, name), exist_ok=True)


def monit(folder, evidence):
    """Watches the evidence and itself, each 120 s: what Debian's monitrc sets."""
    make(folder, "events")
    text = f"""set daemon 120
set log {folder}/log
set pidfile {folder}/pid
set idfile {folder}/id
set statefile {folder}/state
set httpd unixsocket {folder}/socket allow localhost
check directory evidence path {evidence}
check system rest
"""
    return ["-I", "-c", write(os.path.join(folder, "monitrc"), text, 0o600)]


def incrond(folder, evidence):
    """A line for each folder of evidence, in a table of its own."""
    make(folder, "system", "user")
    lines = [f"{path} IN_CLOSE_WRITE /bin/true $@/$#\n" for path, _, _ in os.walk(evidence) if " " not in path]
    write(os.path.join(folder, "system", "evidence"), "".join(lines))
    names = {"system_table_dir": "system", "user_table_dir": "user", "allowed_users": "allow", "denied_users": "deny"}
    text = "".join(f"{key} = {folder}/{name}\n" for key, name in names.items()) + "lockfile_dir = %s\n" % folder
    return ["-n", "-f", write(os.path.join(folder, "conf"), text)]


def alertmanager(folder, evidence):
    """No cluster, one receiver, on a free port of the loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    text = "route: { receiver: nobody }\nreceivers: [ { name: nobody } ]\n"
    config = write(os.path.join(folder, "alertmanager.yml"), text)
    return [
        f"--config.file={config}",
        f"--storage.path={folder}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
        "--log.level=error",
    ]


PEERS = {"monit": monit, "incrond": incrond, "prometheus-alertmanager": alertmanager}


def start_peers(folder, stack):
    """(name, process) of each that is installed and runs."""
    for name, prepare in PEERS.items():
        path = shutil.which(name, path=PEER_PATH)
        if not path:
            print(f"at rest: {name} is not installed, not measured", file=sys.stderr)
            continue
        own = os.path.join(folder, name)
        os.mkdir(own)
        with open(own + ".log", "wb") as log:
            arguments = prepare(own, os.path.join(folder, "evidence"))
            process = subprocess.Popen([path, *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        stack.callback(stop, process)
        time.sleep(2)
        if process.poll() is not None:
            with open(own + ".log", encoding="utf-8", errors="replace") as log:
                print(f"at rest: {name} does not run here: {log.read().strip()[-300:]}", file=sys.stderr)
            continue
        yield name, process


def beside(peers, figure):
    return "beside " + ("; ".join(f"{peer.what} {figure(peer)}" for peer in peers) or "nobody")


def show(ours, peers, pings):
    benchlib.row(
        "at rest: memory of all processes (PSS)",
        ours.pss,
        "MiB",
        most=12,
        detail=beside(peers, lambda p: f"{p.pss:.1f}") + f"; by process PSS/private dirty: {ours.detail}",
    )
    benchlib.row(
        "at rest: the same if nobody else had the libraries open",
        ours.alone,
        "MiB",
        detail=beside(peers, lambda p: f"{p.alone:.1f}"),
    )
    benchlib.row(
        "at rest: private dirty memory", ours.dirty, "MiB", most=4, detail=beside(peers, lambda p: f"{p.dirty:.1f}")
    )
    benchlib.row(
        f"at rest: wake-ups in {REST:g} s but the watchdog's",
        max(0, sum(ours.wakes.values()) - pings),
        "context switches",
        most=0,
        detail=f"{ours.wakes_by_name()}, {pings} for the watchdog; " + beside(peers, lambda p: sum(p.wakes.values())),
    )


def main():
    with benchlib.folder() as folder, contextlib.ExitStack() as stack:
        service = Service(folder)
        stack.callback(service.end)
        peers = list(start_peers(folder, stack))
        settled = service.await_rest()
        print(f"at rest {settled:.0f} s after the peers were up", file=sys.stderr)
        service.pings()
        measured = [Rest("evidenced", service.pids())]
        measured += [Rest(name, benchlib.family(process.pid)) for name, process in peers]
        time.sleep(REST)
        measured[0].end(service.pids())
        for rest, (_, process) in zip(measured[1:], peers):
            rest.end(benchlib.family(process.pid))
        show(measured[0], measured[1:], service.pings())


if __name__ == "__main__":
    main()
