# SPDX-License-Identifier: LGPL-2.1-or-later
"""What every integration test needs: the real programs, run with limits and ended by their own pid.

    import evtest

    class Reminders(evtest.TestCase):
        def test_one(self):
            with evtest.SmtpServer() as server, evtest.Service(config, state) as service:
                …

    if __name__ == "__main__":
        evtest.main()

Everything of evsmtp (mail servers), evfiles (documents) and evclock (time) is here, too. ctest sets BINARY_DIR and SOURCE_DIR.
"""

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import evfiles
from evclock import Later, pass_time, set_clock
from evfiles import document, place
from evsmtp import (
    DROP,
    HANG,
    LOSE,
    PATIENCE,
    RESET,
    Delay,
    Message,
    SmtpServer,
    SmtpSink,
    body_text,
    free_port,
    make_certificate,
    parse_message,
    stop_process,
)

__all__ = [
    "DROP", "HANG", "LOSE", "PATIENCE", "RESET", "Delay", "Later", "Message", "NotifySocket", "Service", "SmtpServer", "SmtpSink",
    "TestCase", "binary", "body_text", "document", "environment", "evfiles", "eventually", "free_port", "main", "make_certificate",
    "parse_message", "pass_time", "place", "run", "set_clock", "source", "stop_process",
]  # fmt: skip


def binary(name):
    """Path of a program of this build."""
    path = os.path.join(os.environ["BINARY_DIR"], "bin", name)
    if not os.access(path, os.X_OK):
        raise AssertionError(f"{name} is not built ({path})")
    return path


def source(*parts):
    """Path of something in the source tree."""
    return os.path.join(os.environ["SOURCE_DIR"], *parts)


def environment(**more):
    """The caller's environment without what would change a program's ways; None takes a variable out."""
    unwanted = ("NOTIFY_SOCKET", "CREDENTIALS_DIRECTORY", "JOURNAL_STREAM", "INVOCATION_ID", "TZ", "NO_COLOR", "WATCHDOG_USEC")
    env = {
        name: value
        for name, value in os.environ.items()
        if name not in unwanted and not name.startswith(("LISTEN_", "EVIDENCED_")) and not name.lower().endswith("_proxy")
    }
    env["LC_ALL"] = "C.UTF-8"
    for name, value in more.items():
        if value is None:
            env.pop(name, None)
        else:
            env[name] = str(value)
    return env


class Finished:
    """How a program ended: status, out, err (text)."""

    def __init__(self, args, status, out, err):
        self.args, self.status, self.out, self.err = args, status, out, err

    def json(self):
        return json.loads(self.out)

    def json_lines(self):
        return [json.loads(line) for line in self.out.splitlines()]


def run(program, *args, status=0, input=None, timeout=None, cwd=None, **env):
    """Run a program of this build to its end and insist on its exit status (None: any)."""
    command = [binary(program), *map(str, args)]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE if input is not None else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(**env),
        cwd=cwd,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        out, err = process.communicate(input, timeout or PATIENCE)
    except subprocess.TimeoutExpired:
        # the group is ours: start_new_session made it; it may hold workers that keep the pipes open
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        raise AssertionError(f"{command} did not end\n{out}\n{err}") from None
    if status is not None and process.returncode != status:
        raise AssertionError(f"{command} ended with {process.returncode}, not {status}\n{out}\n{err}")
    return Finished(command, process.returncode, out, err)


def eventually(look, what="it", timeout=None, pause=0.02):
    """Call look until it returns something true, and return that; a failed assertion or a missing file counts as not yet."""
    end = time.monotonic() + (timeout or PATIENCE)
    while True:
        problem = ""
        try:
            found = look()
            if found:
                return found
        except (AssertionError, FileNotFoundError) as error:
            problem = f": {error}"
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not happen in {timeout or PATIENCE} s{problem}")
        time.sleep(pause)


class NotifySocket:
    """Stands where systemd listens: collects what sd_notify() sends."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "notify")
        self.received = []  # one list of "KEY=value" per datagram
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self.socket.bind(self.path)
        os.chmod(self.path, 0o777)  # a service may run as somebody else
        self.socket.setblocking(False)
        # the queue of a datagram socket is short, and who says something to a full one waits
        self.lock, self.closing = threading.Lock(), threading.Event()
        self.reader = threading.Thread(target=self._drain, daemon=True)
        self.reader.start()

    def _drain(self):
        while not self.closing.is_set():
            if select.select([self.socket], [], [], 0.2)[0]:
                self.poll()

    def poll(self):
        with self.lock:
            return self._poll()

    def _poll(self):
        while True:
            try:
                # descriptors (a barrier) are closed at once, which is what the sender waits for
                data, fds, _, _ = socket.recv_fds(self.socket, 65536, 8)
            except BlockingIOError:
                return self.received
            for fd in fds:
                os.close(fd)
            self.received.append(data.decode().split("\n"))

    def has(self, line):
        return any(line in datagram for datagram in self.poll())

    def close(self):
        self.closing.set()
        self.reader.join()
        self.socket.close()


class Service:
    """evidenced in the foreground, with its workers, until the with block ends.

    config and state are paths; args go behind them; env as in environment(). The control socket is .socket, what
    the service said on stderr is .log().
    """

    def __init__(self, config, state, *args, ready=True, **env):
        self.folder = tempfile.mkdtemp(prefix="evtest-service-")
        self.socket = os.path.join(self.folder, "control")
        self.args = ["--config", config, "--state", state, "--socket", self.socket, *args]
        self.wait_ready, self.env = ready, env
        self.process = self.notify = None
        self.config = config
        self.prefix = []  # a command that runs it: setpriv and its arguments

    def __enter__(self):
        self.notify = NotifySocket(self.folder)
        with open(os.path.join(self.folder, "log"), "wb") as log:
            self.process = subprocess.Popen(
                [*self.prefix, binary("evidenced"), *map(str, self.args)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment(NOTIFY_SOCKET=self.notify.path, **self.env),
                start_new_session=True,
            )
        try:
            if self.wait_ready:
                self.ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def ready(self):
        def look():
            if self.process.poll() is not None:
                raise AssertionError(f"evidenced ended with {self.process.returncode}:\n{self.log()}")
            return self.notify.has("READY=1")

        eventually(look, "READY=1")

    def log(self):
        with open(os.path.join(self.folder, "log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def ctl(self, *args, **more):
        """evidencectl against this service."""
        return run("evidencectl", "--socket", self.socket, *args, **more)

    def kill(self, number=signal.SIGKILL):
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def stop(self):
        """SIGTERM, and the status; the log stays readable until the with block ends."""
        return stop_process(self.process, PATIENCE)

    def __exit__(self, *error):
        status = self.process.poll()
        if status is None:
            status = self.stop()
        if error and error[0] is not None:
            sys.stderr.write(f"---- evidenced ended with {status}, having said:\n{self.log()}----\n")
        self.notify.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class TestCase(unittest.TestCase):
    """A test with a folder of its own, self.folder, gone afterwards."""

    maxDiff = None
    longMessage = True

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="evtest-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def write(self, name, text):
        """Write a text file below self.folder; returns its path."""
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path


def main():
    """Run the tests of the calling file: 0 all passed, 1 not, 77 every one was skipped (ctest shows that)."""
    program = unittest.main(module="__main__", exit=False, verbosity=2)
    result = program.result
    if not result.wasSuccessful() or result.testsRun == 0:
        sys.exit(1)
    skipped = len(result.skipped)
    sys.exit(77 if skipped and skipped >= result.testsRun else 0)
