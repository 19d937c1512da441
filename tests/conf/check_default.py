#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The default configuration mails nobody until it was changed: check_default.py CONF_DIR. Exits 1 and says why not."""

import pathlib
import re
import sys

import conf_text

problems = []


def expect(what, holds):
    if not holds:
        problems.append(what)


def snippet(readme):
    """The example in a README: from its first line that opens a list or a group on."""
    text = readme.read_text(encoding="utf-8")
    start = re.search(r"^\w+: [({]$", text, re.MULTILINE)
    return conf_text.Reader(text[start.start():], readme).group("")


def main():
    directory = pathlib.Path(sys.argv[1])
    conf = conf_text.read_tree(directory)
    expect("mail goes anywhere but into a folder", [server["url"] for server in conf["mail"]["servers"]] == ["maildir:sent"])
    expect("a password, or the name of one", not any("credential" in server for server in conf["mail"]["servers"]))
    expect("a task with a deadline", not any("due" in task or "repeat" in task for task in conf["tasks"]))
    expect("/srv/evidence is not the root", conf["evidence"]["roots"] == ["/srv/evidence"])
    expect("a drop-in that is read", not list(directory.glob("*.d/*.conf")))
    for path in [directory / "evidenced.conf", *directory.glob("*.d/README")]:
        for address in re.findall(r"[\w.]+@[\w.-]+", path.read_text(encoding="utf-8")):
            expect(f"{path.name}: {address} could be somebody's", address.endswith(".example"))

    examples = dict(conf)
    for folder in ("calendar.d", "units.d", "tasks.d"):
        conf_text.merge(examples, snippet(directory / folder / "README"), folder)
    ids = [task["id"] for task in examples["tasks"]]
    units = {unit["id"] for unit in examples["units"]}
    expect("an example uses an id twice", len(ids) == len(set(ids)))
    expect("an example names a unit that is not there",
           all(set(task.get("each_unit", [])) | {task.get("unit", "OFFICE")} <= units for task in examples["tasks"]))
    print("\n".join(problems) or f"as it should be, and {len(ids)} example tasks with it")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
