#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check_guide.py EVIDENCED EVIDENCECTL SOURCE - the configurations of the guide and of the manual pages work as they stand

From docs/setup.md: what is to be put into evidenced.conf, calendar.d and tasks.d, and the simulation that follows it. From the
pages: the smallest configuration of evidenced.conf(5) with the task of evidenced-tasks(5).
"""
import os
import re
import shlex
import subprocess
import sys
import tempfile


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as text:
        return text.read()


def blocks(markdown):
    """Indented blocks of a guide, without their indentation."""
    found = re.findall(r"(?:^ {4}.*\n|^\n(?= {4}))+", markdown, re.MULTILINE)
    return [re.sub(r"^ {4}", "", block, flags=re.MULTILINE).strip() + "\n" for block in found]


def the_one(candidates, start):
    chosen = [text for text in candidates if text.startswith(start)]
    assert len(chosen) == 1, f"{len(chosen)} blocks begin with '{start}'"
    return chosen[0]


def example_of(page):
    """The last literal display of a manual page, as a reader sees it."""
    text = page.split(".Sh EXAMPLES")[1].split(".Bd -literal")[-1].split(".Ed")[0]
    return text.split("\n", 1)[1].replace("\\e", "\\").replace("\\-", "-").replace("\\&", "")


def lay_out(folder, files):
    for name, text in files.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    return os.path.join(folder, "evidenced.conf")


def check(program, what, conf):
    answer = subprocess.run([program, "--check", "--config", conf], capture_output=True, text=True, check=False)
    print(f"{what}: status {answer.returncode}")
    if answer.returncode != 0:
        print(answer.stdout, answer.stderr)
    return answer.returncode == 0


def simulate(ctl, command, conf, templates):
    words = shlex.split(command)
    assert words[:2] == ["evidencectl", "simulate"], command
    answer = subprocess.run([ctl, *words[1:], "--config", conf, "--json"], capture_output=True, text=True, check=False,
                            env={**os.environ, "EVIDENCED_TEMPLATES": templates})
    n = len(answer.stdout.splitlines())
    print(f"{command}: status {answer.returncode}, {n} mails")
    return answer.returncode == 0 and n >= 3


def main():
    program, ctl, source = sys.argv[1:]
    guide = blocks(read(source, "docs", "setup.md"))
    ok = True
    with tempfile.TemporaryDirectory() as folder:
        conf = lay_out(folder, {"evidenced.conf": the_one(guide, "organization:"),
                                "calendar.d/year.conf": the_one(guide, "calendar:"),
                                "tasks.d/first.conf": the_one(guide, "tasks:")})
        ok = check(program, "setup.md", conf) and ok
        ok = simulate(ctl, the_one(guide, "evidencectl simulate"), conf, os.path.join(source, "conf", "templates")) and ok
    with tempfile.TemporaryDirectory() as folder:
        man = os.path.join(source, "docs", "man")
        conf = lay_out(folder, {"evidenced.conf": example_of(read(man, "evidenced.conf.5")),
                                "units.d/area.conf": 'areas: ( { id = "1"; } );\n',
                                "tasks.d/example.conf": example_of(read(man, "evidenced-tasks.5"))})
        ok = check(program, "manual pages", conf) and ok
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
