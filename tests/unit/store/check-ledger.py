#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Compute the ledger's chain again, from the file and the description in daemon/store/ledger.c alone.

check-ledger.py FILE: prints the number of rows and the chain's head; exit 1 with the first row that does not fit."""

import hashlib
import sqlite3
import struct
import sys


def text(value):
    if value is None:
        return b"\xff" * 8
    data = value.encode()
    return struct.pack(">Q", len(data)) + data


def main(path):
    db = sqlite3.connect(path)
    before, expected = bytes(32), 1
    rows = db.execute("SELECT seq, at, event, instance, task, unit, address, detail, hash FROM ledger ORDER BY seq")
    for seq, at, *texts, kept in rows:
        data = before + struct.pack(">qq", seq, at) + b"".join(text(t) for t in texts)
        before = hashlib.sha256(data).digest()
        if seq != expected or before != kept:
            print(f"broken at {seq}")
            return 1
        expected += 1
    print(expected - 1, before.hex())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
