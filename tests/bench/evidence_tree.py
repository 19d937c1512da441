# SPDX-License-Identifier: LGPL-2.1-or-later
"""For the evidence benchmarks: a tree of evidence, the service over it, what its store says, and its peers.

The tree is tests/bench/write-files.c's: folder F is tA/fB below the root, fifty folders a task. Ours is the real service with
workers of its own; it is asked nothing while something is measured, its store is looked into from outside.
"""

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time

import benchlib

os.environ.setdefault("SOURCE_DIR", benchlib.SOURCE)
os.environ.setdefault("BINARY_DIR", os.path.dirname(os.environ["BENCH_BIN"]))
sys.path.insert(0, os.path.join(benchlib.SOURCE, "tests", "lib"))

import evtest  # noqa: E402

FOLDERS_A_TASK = 50
NOW = "2018-11-12T10:00:00+07:00"
FROM_BUILD = {"EVIDENCED_TEMPLATES": evtest.source("conf", "templates")}
PATIENCE = 300  # seconds: a benchmark that is late misses its aim, it does not fail

CONFIG = """\
organization: {{ name = "Office"; time_zone = "Asia/Ho_Chi_Minh"; language = "en"; points = 0.0; }};
calendar: {{ off = ( "2018-01-01", "2019-01-01" ); }};
mail: {{ hold = true; from = "Office <office@office.example>"; servers = ( {{ url = "maildir:sent"; }} ); }};
evidence: {{ roots = [ "{root}" ]; settle = "{settle}"; rescan = "{rescan}"; }};
publish: {{ dir = "{board}"; html = false; ics = false; metrics = false; }};
areas: ( {{ id = "1"; title = "Everything"; points = 0.0; }} );
units: ( {{ id = "A"; name = "Unit A"; mail = [ "a@office.example" ]; }} );
roles: {{ coordinator = [ "c@office.example" ]; director = [ "d@office.example" ]; administrator = [ "x@office.example" ]; }};
policies: ( {{ id = "default"; steps = ( {{ at = "-1wd"; to = [ "unit" ]; }} ); }} );
tasks: (
{tasks}
);
"""
TASK = """\
        {{ id = "{n}"; area = "1"; title = "Task {n}"; points = 0.0; unit = "A"; due = "2018-11-29";
          evidence: {{ dir = "t{n}"; need = ( {{ name = "records"; match = [ "ev*.txt" ]; count = {count}; }} ); }}; }}"""


class Place:
    """A folder of this measurement's own: an empty tree of evidence, and what services over it need."""

    def __init__(self, folder, folders, count, folders_a_task=FOLDERS_A_TASK):
        """count: how many files complete a task."""
        self.folder, self.folders, self.tasks = folder, folders, -(-folders // folders_a_task)
        self.root, self.count, self.n_services = os.path.join(folder, "evidence"), count, 0
        os.mkdir(os.path.join(folder, "board"))
        for number in range(folders):
            os.makedirs(os.path.join(self.root, f"t{number // folders_a_task}", f"f{number % folders_a_task}"))

    @contextlib.contextmanager
    def service(self, settle="5s", rescan="1h"):
        """The service that has seen nothing yet, and its store."""
        self.n_services += 1
        state, config = (os.path.join(self.folder, f"{name}-{self.n_services}") for name in ("state", "conf"))
        tasks = ",\n".join(TASK.format(n=n, count=self.count) for n in range(self.tasks))
        names = {"root": self.root, "board": os.path.join(self.folder, "board"), "settle": settle, "rescan": rescan}
        with open(config, "w", encoding="utf-8") as file:
            file.write(CONFIG.format(tasks=tasks, **names))
        with evtest.Service(config, state, "--now", NOW, ready=False, **FROM_BUILD) as service:
            yield service, Store(state)

    def write(self, files, every=1):
        """Two writers at full speed; (when the last file was closed, seconds of the slower one). CLOCK_MONOTONIC, seconds."""
        writers = [
            subprocess.Popen(
                [benchlib.tool("write-files"), self.root, *map(str, (self.folders, first, 2, files, every))],
                stdout=subprocess.PIPE,
                universal_newlines=True,
            )
            for first in (0, 1)
        ]
        said = [writer.communicate()[0] for writer in writers]
        if any(writer.returncode for writer in writers):
            raise RuntimeError("a writer failed")
        ends, took = zip(*(map(int, text.split()) for text in said))
        return max(ends) / 1e6, max(took) / 1e6

    def names(self):
        """Paths below the root of all files."""
        return {
            os.path.relpath(os.path.join(folder, name), self.root) for folder, _, names in os.walk(self.root) for name in names
        }


class Ground:
    """Where the places of a benchmark lie, until it ends: ext4 is slow to make files while others were just deleted."""

    def __init__(self, folder):
        self.folder, self.n_places = folder, 0

    def place(self, folders, count, **more):
        self.n_places += 1
        folder = os.path.join(self.folder, f"{self.n_places}")
        os.mkdir(folder)
        return Place(folder, folders, count, **more)


@contextlib.contextmanager
def ground():
    with benchlib.folder() as folder:
        yield Ground(folder)


class Store:
    """Looks into the store of a running service, cheaply: what it asks reads a page or two."""

    def __init__(self, state):
        self.path, self.db = os.path.join(state, "evidenced.db"), None

    def ask(self, sql, *values):
        try:
            if self.db is None:
                self.db = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, isolation_level=None)
            return self.db.execute(sql, values).fetchall()
        except sqlite3.OperationalError:  # not made yet, or being made
            if self.db:
                self.db.close()
            self.db = None
            return []

    def stored(self):
        """How many files there are rows of (of each only one, as long as nothing is replaced)."""
        return (self.ask("SELECT coalesce(max(id), 0) FROM file") or [(0,)])[0][0]

    def is_complete(self, task):
        return bool(self.ask("SELECT 1 FROM instance WHERE task = ? AND complete_at != 0", f"{task}"))

    def complete(self):
        """How many instances are."""
        return (self.ask("SELECT count(*) FROM instance WHERE complete_at != 0") or [(0,)])[0][0]

    def counted(self):
        """Paths of all files that count."""
        return {path for (path,) in self.ask("SELECT path FROM file WHERE verdict = 'counted' AND gone_since = 0")}


def wait(look, process, pause=0.005):
    """When look() is first true (time.monotonic()); None when PATIENCE is over."""
    end = time.monotonic() + PATIENCE
    while not look():
        if process.poll() is not None:
            raise RuntimeError(f"{process.args[0]} ended with {process.returncode}")
        if time.monotonic() > end:
            return None
        time.sleep(pause)
    return time.monotonic()


def watched(service, store):
    """The first walk of an empty tree is over and written down."""
    if wait(lambda: store.ask("SELECT 1 FROM root WHERE scanned"), service.process) is None:
        raise RuntimeError(f"no end of the first walk:\n{service.log()}")


def worked(pids):
    """Seconds of processor time of these processes until now, to the nanosecond."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/schedstat", encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total / 1e9


def megabytes(pids):
    """Memory of processes together: what they have for themselves and their part of what is shared (PSS), MiB."""
    return sum(benchlib.memory(pid)[0] for pid in pids) / 1024


def memory_words(pids):
    return ", ".join(f"{benchlib.name_of(pid)} {benchlib.memory(pid)[0] / 1024:.1f}" for pid in pids)


class Watchman:
    """A server of our own, with its files in a folder of its own."""

    def __init__(self, folder):
        self.socket = os.path.join(folder, "socket")
        files = [f"--{name}={os.path.join(folder, name)}" for name in ("statefile", "logfile", "pidfile")]
        self.environment = {**os.environ, "HOME": folder, "XDG_STATE_HOME": folder, "TMPDIR": folder}
        self.process = subprocess.Popen(
            ["watchman", f"--sockname={self.socket}", *files, "--foreground"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=self.environment,
        )
        wait(lambda: os.path.exists(self.socket), self.process)

    def say(self, *command):
        run = subprocess.run(
            ["watchman", f"--sockname={self.socket}", "--no-spawn", "--no-pretty", "--json-command"],
            input=json.dumps(command),
            stdout=subprocess.PIPE,
            universal_newlines=True,
            check=True,
            env=self.environment,
        )
        answer = json.loads(run.stdout)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer

    def files(self, root):
        """How many files it knows; it first takes in what happened before the question."""
        return len(self.say("query", root, {"expression": ["type", "f"], "fields": ["name"]})["files"])


@contextlib.contextmanager
def watchman():
    with benchlib.folder() as folder:
        server = Watchman(folder)
        try:
            yield server
        finally:
            evtest.stop_process(server.process)


def installed(program, row):
    found = shutil.which(program) is not None
    if not found:
        print(f"{row}: {program} is not installed, not measured", file=sys.stderr)
    return found
