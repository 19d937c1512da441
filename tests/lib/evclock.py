# SPDX-License-Identifier: LGPL-2.1-or-later
"""The time that a service believes in: that of a state while nobody is up, and that of a service which runs."""

import contextlib
import datetime
import os
import sqlite3
import time


def _set_offset(state, sql, value):
    with contextlib.closing(sqlite3.connect(os.path.join(state, "evidenced.db"))) as db, db:
        changed = db.execute(f"UPDATE value SET value = {sql} WHERE name = 'clock_offset'", (round(value * 1_000_000),))
        if changed.rowcount != 1:
            raise AssertionError(f"the clock of {state} is not a shifted one: it was never started with --now")


def pass_time(state, **time_span):
    """Nobody is up: the clock that is kept with this state goes on by days=, hours=, seconds=."""
    _set_offset(state, "value + ?", datetime.timedelta(**time_span).total_seconds())


def set_clock(state, text):
    """The next service of this state starts at this time ("2018-11-13T07:29:58+07:00")."""
    _set_offset(state, "?", datetime.datetime.fromisoformat(text).timestamp() - time.time())


class Later:
    """Programs started with .env live so many seconds later than it is, as often as .set() says, while they run (later.c)."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "later")
        self.env = {
            "LD_PRELOAD": os.path.join(os.environ["BINARY_DIR"], "tests/integration/later.so"),
            "EVTEST_LATER": self.path,
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0",
        }
        self.set(0)

    def set(self, seconds):
        """They see it when they look at their clock: make something happen."""
        with open(self.path + ".new", "w", encoding="ascii") as file:
            file.write(str(seconds))
        os.rename(self.path + ".new", self.path)
