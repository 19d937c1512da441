# SPDX-License-Identifier: LGPL-2.1-or-later
"""2,000 folders and 100,000 small files, written at full speed by two writers that also rename, delete and move folders.

For test_evidence_stress.py and the bench: the configuration, the writers, an independent walk of what they left, and what the
service's store says.
"""

import hashlib
import multiprocessing
import os
import random
import sqlite3

import evtest
import small_year

TASKS = 40
FOLDERS_PER_TASK = 50
FILES = 100_000

_TASK = """\
        {{ id = "{n}"; area = "1"; title = "Task {n}"; points = 0.0; unit = "A"; due = "2018-11-29";
          evidence: {{ dir = "t{n}"; need = (
                {{ name = "records"; match = [ "ev*.txt" ]; count = 10000; }},
                {{ name = "report"; match = [ "ev*.pdf" ]; type = [ "pdf" ]; }}
          ); }}; }}"""


def write_config(test):
    """Configuration and the empty folders; returns the path of evidenced.conf."""
    tasks = "tasks: (\n" + ",\n".join(_TASK.format(n=n) for n in range(TASKS)) + "\n);\n"
    config = small_year.write_year(test, "maildir:sent", settle="1s", gone_after="2s", tasks=tasks)
    with open(config, encoding="utf-8") as file:
        text = file.read()
    text = text.replace("mail: {", "mail: { hold = true;").replace("security = \"none\"; ", "")
    test.write("etc/evidenced.conf", text.replace("gone_after", "poll = \"2s\"; gone_after"))
    for task in range(TASKS):
        for folder in range(FOLDERS_PER_TASK):
            os.makedirs(test.path("evidence", f"t{task}", f"f{folder}"))
    return config


def _write(root, writer, n_files, seed):
    """One writer: its own half of the folders. Every 20th file is renamed, every 20th deleted; some folders are moved."""
    chance = random.Random(seed + writer)
    folders = [
        os.path.join(root, f"t{task}", f"f{folder}")
        for task in range(writer, TASKS, 2)
        for folder in range(FOLDERS_PER_TASK)
    ]
    for number in range(n_files):
        at = chance.randrange(len(folders))
        kind = number % 10
        name = f"ev{writer}-{number}.pdf" if kind == 0 else f"note{writer}-{number}.log" if kind == 1 else f"ev{writer}-{number}.txt"
        path = os.path.join(folders[at], name)
        with open(path, "wb", buffering=0) as file:
            file.write(b"record %d of writer %d\n" % (number, writer) * (1 + number % 3))
        what = chance.randrange(20)
        if what == 0:
            os.rename(path, os.path.join(folders[at], name.replace(".", "-b.", 1)))
        elif what == 1:
            os.unlink(path)
        elif what == 2:
            os.rename(path, os.path.join(folders[chance.randrange(len(folders))], name))
        if number % 500 == 499:
            moved = os.path.join(root, f"t{chance.randrange(writer, TASKS, 2)}", f"m{writer}-{number}")
            os.rename(folders[at], moved)
            folders[at] = moved


def write_all(root, n_files=FILES, seed=1):
    """Both writers, at once and to their ends."""
    writers = [multiprocessing.Process(target=_write, args=(root, writer, n_files // 2, seed)) for writer in (0, 1)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        if writer.exitcode != 0:
            raise AssertionError(f"a writer ended with {writer.exitcode}")


def expected(root):
    """{path: (size, mtime, SHA-256, verdict, task)} of every file that matches, by a walk that knows the rules of write_config()."""
    found = {}
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            if not name.startswith("ev"):
                continue
            with open(path, "rb", buffering=0) as file:
                digest = hashlib.sha256(file.read()).hexdigest()
            status = os.stat(path)
            verdict = "counted" if name.endswith(".txt") else "type"
            relative = os.path.relpath(path, root)
            found[relative] = (status.st_size, status.st_mtime_ns // 1000, digest, verdict, relative.split("/")[0][1:])
    return found


def stored(state):
    """The same from the store; a file that is gone and not yet forgotten has the verdict "gone"."""
    base = sqlite3.connect(f"file:{os.path.join(state, 'evidenced.db')}?mode=ro", uri=True)
    try:
        rows = base.execute("SELECT path, size, mtime, sha256, verdict, instance, gone_since FROM file").fetchall()
    finally:
        base.close()
    found = {}
    for path, size, mtime, sha256, verdict, instance, gone in rows:
        path = path.decode() if isinstance(path, bytes) else path
        task = instance.split("@")[0] if instance else path.split("/")[0][1:]
        if path in found:
            verdict = "twice"
        found[path] = (size, mtime, sha256.hex() if sha256 else None, "gone" if gone else verdict, task)
    return found


def differences(want, have):
    """What expected() and stored() do not agree on: (missing, extra, different), lists of paths with values."""
    return (
        sorted(set(want) - set(have)),
        sorted((path, have[path]) for path in set(have) - set(want)),
        sorted((path, want[path], have[path]) for path in set(want) & set(have) if want[path] != have[path]),
    )
