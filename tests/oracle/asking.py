# SPDX-License-Identifier: LGPL-2.1-or-later
"""Questions to the program `answer`, and what another implementation says to them. Knows no rule."""

import subprocess
import sys

SHOWN = 10


class Asking:
    """Collects questions with the expected answers; asks them all at once, in one process."""

    def __init__(self, program):
        self.program = program
        self.lines = []
        self.expected = []  # None: the answer does not matter
        self.context = []
        self.setting = ""

    def tell(self, line):
        """A line that sets something up."""
        self.ask(line, "ok")

    def ask(self, line, expected):
        self.lines.append(line)
        self.expected.append(expected)
        self.context.append(self.setting)

    def differences(self):
        run = subprocess.run(
            [self.program], input="\n".join(self.lines) + "\n", stdout=subprocess.PIPE, universal_newlines=True
        )
        answers = run.stdout.split("\n")[:-1]
        if run.returncode != 0 or len(answers) != len(self.lines):
            asked = self.lines[min(len(answers), len(self.lines) - 1)]
            sys.exit(f"'answer' ended with {run.returncode} at: {asked}")
        return [
            (context, line, want, got)
            for context, line, want, got in zip(self.context, self.lines, self.expected, answers)
            if want is not None and want != got
        ]

    def finish(self, least):
        """Exit status of the test; fewer than `least` questions are a defect of the test itself."""
        found = self.differences()
        for context, line, want, got in found[:SHOWN]:
            print(f"{context}\n  question  {line}\n  expected  {want}\n  answered  {got}")
        questions = sum(want not in (None, "ok") for want in self.expected)
        print(f"{questions} questions, {len(found)} differences")
        return 1 if found or questions < least else 0
