#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""5,000 different mails, each durable before and after, beside smtp-source, smtplib and msmtp; and a server that is far away.

Counted is the time from the first mail handed to a sender to the last answer in the store. The peers keep no record of anything.
"""

import contextlib
import multiprocessing
import os
import shutil
import smtplib
import socket
import sqlite3
import subprocess
import sys
import threading
import time

import benchlib

os.environ.setdefault("SOURCE_DIR", benchlib.SOURCE)
os.environ.setdefault("BINARY_DIR", os.path.dirname(os.environ["BENCH_BIN"]))
sys.path.insert(0, os.path.join(benchlib.SOURCE, "tests", "lib"))

import evmail  # noqa: E402
import evtest  # noqa: E402

MAILS, CONNECTIONS = 5000, 4
FAR_MAILS, FAR_CONNECTIONS, FAR_REPLY = 600, 8, 0.020
MSMTP_MAILS = 100
SMTP_SOURCE = "/usr/sbin/smtp-source"


@contextlib.contextmanager
def sink():
    """smtp-sink that keeps nothing; gives its port."""
    port = evtest.free_port()
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    process = subprocess.Popen([evtest.SmtpSink.PROGRAM, *user, f"127.0.0.1:{port}", "128"], stdin=subprocess.DEVNULL)
    try:

        def listening():
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 1).close()
                return True

        evtest.eventually(listening, "smtp-sink")
        yield port
    finally:
        evtest.stop_process(process)


def ours(port, mails, connections):
    """(mails a second, size of one mail) of one pass of the service."""
    with benchlib.folder() as folder:
        config = evmail.write_office(folder, evmail.server(f"smtp://127.0.0.1:{port}"), units=mails, connections=connections)
        state = os.path.join(folder, "state")
        subprocess.run(
            [benchlib.binary("evidenced"), "--config", config, "--state", state, "--once", "--now", evmail.NOW],
            env=evtest.environment(**evmail.FROM_BUILD),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )
        with contextlib.closing(sqlite3.connect(os.path.join(state, "evidenced.db"))) as db:
            first, last, n = db.execute(
                "SELECT min(handed_at), max(finished_at), count(*) FROM entry WHERE state = 'sent'"
            ).fetchone()
            (size,) = db.execute("SELECT avg(length(bytes)) FROM message").fetchone()
        if n != mails:
            raise RuntimeError(f"{n} of {mails} mails were sent")
        return n / ((last - first) / 1e6), int(size)


def source(port, size):
    began = time.monotonic()
    command = [SMTP_SOURCE, "-s", str(CONNECTIONS), "-m", str(MAILS), "-l", str(size), "-d", f"127.0.0.1:{port}"]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return MAILS / (time.monotonic() - began)


def python(port, size, mails=MAILS):
    """One session, as a script does it."""
    body = ("Subject: a mail\r\n\r\n" + ("x" * 70 + "\r\n") * (size // 72)).encode()
    began = time.monotonic()
    with smtplib.SMTP("127.0.0.1", port) as session:
        for number in range(mails):
            session.sendmail("office@office.example", [evmail.unit_address(number)], body)
    return mails / (time.monotonic() - began)


def pythons(port, size):
    """As many sessions as we have, a process each."""
    began = time.monotonic()
    sessions = [multiprocessing.Process(target=python, args=(port, size, MAILS // CONNECTIONS)) for _ in range(CONNECTIONS)]
    for session in sessions:
        session.start()
    for session in sessions:
        session.join()
        if session.exitcode != 0:
            raise RuntimeError("a session of smtplib failed")
    return MAILS / (time.monotonic() - began)


def msmtp(port, size):
    """A process for each mail, as a cron job does it."""
    body = ("Subject: a mail\n\n" + ("x" * 70 + "\n") * (size // 71)).encode()
    began = time.monotonic()
    for number in range(MSMTP_MAILS):
        command = ["msmtp", "--host=127.0.0.1", f"--port={port}", "--from=office@office.example", evmail.unit_address(number)]
        subprocess.run(command, input=body, check=True)
    return MSMTP_MAILS / (time.monotonic() - began)


def far_session(connection):
    """Every reply comes FAR_REPLY after what it answers; nothing is kept."""
    with connection, connection.makefile("rb") as lines:

        def say(text):
            time.sleep(FAR_REPLY)
            connection.sendall(text + b"\r\n")

        say(b"220 far ESMTP")
        for line in lines:
            verb = line[:4].upper()
            if verb == b"QUIT":
                say(b"221 bye")
                return
            if verb != b"DATA":
                say(b"250 ok")
                continue
            say(b"354 go ahead")
            while lines.readline() not in (b".\r\n", b""):
                pass
            say(b"250 taken")


@contextlib.contextmanager
def far():
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:

        def accept():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    threading.Thread(target=lambda c=connection: serve(c), daemon=True).start()

        def serve(connection):
            with contextlib.suppress(OSError):
                far_session(connection)

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def main():
    if not evtest.SmtpSink.available() or not os.access(SMTP_SOURCE, os.X_OK):
        benchlib.skip("no smtp-sink and smtp-source (Debian package postfix)")
    with sink() as port:
        _, size = ours(port, 10, CONNECTIONS)
        runs = [lambda: ours(port, MAILS, CONNECTIONS)[0]]
        runs += [lambda peer=peer: peer(port, size) for peer in (source, python, pythons)]
        we, they, script, scripts = benchlib.alternate(*runs, n=min(benchlib.N, 3))
        what = f"mail: {MAILS} mails of {size} bytes over {CONNECTIONS} connections, durable before and after"
        rates = f"{benchlib.median(we):.0f}/s, smtp-source {benchlib.median(they):.0f}/s, smtplib {benchlib.median(script):.0f}/s"
        benchlib.row(what, benchlib.median(we) / benchlib.median(they), "× smtp-source", least=0.5, detail=rates)
        benchlib.row(what, benchlib.median(we) / benchlib.median(script), "× smtplib", least=3, detail=rates)
        detail = f"{CONNECTIONS} processes of smtplib: {benchlib.median(scripts):.0f}/s"
        benchlib.row(what, benchlib.median(we) / benchlib.median(scripts), "× smtplib, as many sessions", detail=detail)
        if shutil.which("msmtp"):
            rate = msmtp(port, size)
            benchlib.row(what, benchlib.median(we) / rate, "× msmtp", detail=f"msmtp, a process a mail: {rate:.0f}/s")
    with far() as port:
        rate, _ = ours(port, FAR_MAILS, FAR_CONNECTIONS)
        benchlib.row(
            f"mail: {FAR_CONNECTIONS} connections to a server that answers after 20 ms",
            rate / (FAR_CONNECTIONS / (4 * FAR_REPLY)),
            "× connections / (4 × 20 ms)",
            least=0.9,
            detail=f"{rate:.0f}/s",
        )


if __name__ == "__main__":
    main()
