#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check_options.py EVIDENCED EVIDENCECTL SOURCE - every option, command and variable of --help is on its page, and back

Options of a page are '.Fl Fl NAME' at the head of an entry ('.It'); commands of evidencectl are '.It Ic NAME'. The commands
must be known to the completion of zsh as well (that of bash asks --help itself).
"""
import os
import re
import subprocess
import sys


def page(path):
    with open(path, encoding="utf-8") as text:
        return [line.rstrip("\n") for line in text]


def options_on(lines):
    return {name for line in lines if line.startswith(".It ") for name in re.findall(r"Fl Fl ([a-z-]+)", line)}


def options_in(text):
    return set(re.findall(r"(?<![\w-])--([a-z][a-z-]*)", text))


def helped(*command):
    return subprocess.check_output(list(command), text=True)


def compare(what, program, document):
    return [f"{what}: '{name}' is not on the page" for name in sorted(program - document)] + [
        f"{what}: '{name}' is on the page, but not known to the program" for name in sorted(document - program)
    ]


def check_daemon(program, man):
    lines, text = page(os.path.join(man, "evidenced.8")), helped(program, "--help")
    problems = compare("evidenced", options_in(text), options_on(lines))
    names = set(re.findall(r"EVIDENCED_[A-Z_]+", text))
    on_page = {n for line in lines if line.startswith(".It Ev ") for n in re.findall(r"EVIDENCED_[A-Z_]+", line)}
    return problems + [f"evidenced: ${n} is not on the page" for n in sorted(names - on_page)], len(names)


def check_ctl(program, source):
    lines = page(os.path.join(source, "docs/man/evidencectl.1"))
    text = helped(program, "--help")
    commands = set(re.findall(r"^  ([a-z][a-z-]*)(?: |$)", text, re.MULTILINE))
    on_page = {m.group(1) for m in (re.match(r"\.It Ic ([a-z-]+)", line) for line in lines) if m}
    problems = compare("evidencectl", commands, on_page)
    options = options_in(text)
    for command in sorted(commands):
        options |= options_in(helped(program, command, "--help"))
    problems += compare("evidencectl", options, options_on(lines))
    with open(os.path.join(source, "docs/completion/_evidencectl"), encoding="utf-8") as completion:
        zsh = completion.read()
    problems += [f"zsh: '{c}' is not completed" for c in sorted(commands) if not re.search(rf"\b{c}\b", zsh)]
    problems += [f"zsh: '--{o}' is not completed" for o in sorted(options - {"version"}) if f"--{o}" not in zsh]
    return problems, len(commands), len(options)


def main():
    daemon, ctl, source = sys.argv[1:]
    problems, n_variables = check_daemon(daemon, os.path.join(source, "docs/man"))
    more, n_commands, n_options = check_ctl(ctl, source)
    problems += more
    for problem in problems:
        print(problem)
    print(f"{n_commands} commands, {n_options} options, {n_variables} variables, {len(problems)} problems")
    return 1 if problems or n_commands < 10 or n_options < 10 else 0


if __name__ == "__main__":
    sys.exit(main())
