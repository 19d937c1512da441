# SPDX-License-Identifier: LGPL-2.1-or-later
"""Mail servers for tests: one that does whatever the test says, and Postfix's smtp-sink.

SmtpServer is for behaviour (a refusal at this stage, silence at that one), SmtpSink for a real, fast receiver that
nobody here wrote. Both listen on 127.0.0.1 alone, on a free port. Neither relays anything.
"""

import contextlib
import email
import email.policy
import os
import re
import shutil
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time
from base64 import b64decode

# How long to wait for what must happen. A sanitizer build on a busy machine is an order of magnitude slower than a good day.
PATIENCE = float(os.environ.get("EVTEST_PATIENCE", "30"))

DROP = "drop"  # close the connection instead of replying
RESET = "reset"  # the same, with an RST
HANG = "hang"  # never reply; the connection stays open until somebody else ends it
LOSE = "lose"  # at "dot" only: take the message, then close without a word

STAGES = ("connect", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "body", "dot", "rset", "noop", "quit")


class Delay:
    """An action that waits first: Delay(0.5), Delay(0.5, "451 4.3.0 later")."""

    def __init__(self, seconds, then=None):
        self.seconds, self.then = seconds, then


class Message:
    """What a server was given: the envelope, and the bytes as they came (CRLF, dots unstuffed)."""

    def __init__(self, sender, recipients, raw, **more):
        self.sender, self.recipients, self.raw = sender, recipients, raw
        self.sender_options = more.get("sender_options", "")  # what stood behind MAIL FROM:<…>
        self.connection = more.get("connection", 0)  # 1 for the first connection of this server
        self.tls, self.user = more.get("tls", False), more.get("user")
        self.reply = more.get("reply", "250")  # what the sender was told; "" if nothing
        self.taken = more.get("taken", True)  # False: refused at the final dot, or lost there
        self.received_at = time.monotonic()

    def parse(self):
        return parse_message(self.raw)

    def __repr__(self):
        return f"<{self.sender} -> {','.join(self.recipients)}: {len(self.raw)} bytes, {self.reply!r}>"


class _Gone(Exception):
    """The connection is over, whoever ended it."""


class _Session:
    """One connection; runs in a thread of its own."""

    def __init__(self, server, sock, number):
        self.server, self.sock, self.number = server, sock, number
        self.file = None
        self.tls = False
        self.user = None
        self.reset()

    def reset(self):
        self.sender, self.sender_options, self.recipients = None, "", []

    # ---- bytes

    def wrap(self):
        self.sock.settimeout(10)
        self.sock = self.server.tls_context.wrap_socket(self.sock, server_side=True)
        self.sock.settimeout(None)
        self.tls = True
        self.file = self.sock.makefile("rb")

    def read_line(self):
        line = self.file.readline(100000)
        if not line.endswith(b"\n"):
            raise _Gone
        return line

    def write(self, text):
        if self.server.latency:
            time.sleep(self.server.latency)
        self.sock.sendall(text.replace("\n", "\r\n").encode("utf-8") + b"\r\n")

    def close(self, reset=False):
        if reset:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            try:
                self.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        # a makefile() holds the descriptor open
        if self.file:
            self.file.close()
        self.sock.close()

    # ---- the script

    def act(self, stage, argument=""):
        """What the test wants here: a reply instead of ours, or None. Ends the session for DROP and its kin."""
        action = self.server._next_action(stage, argument)
        while isinstance(action, Delay):
            self.server._stopping.wait(action.seconds)
            action = action.then
        if action in (DROP, RESET):
            self.close(reset=action == RESET)
            raise _Gone
        if action == HANG:
            self.hang()
        return action

    def hang(self):
        """Say nothing until the peer gives up or the test ends."""
        self.sock.settimeout(0.1)
        while not self.server._stopping.is_set():
            try:
                if self.sock.recv(65536) == b"":
                    break
            except (TimeoutError, ssl.SSLWantReadError):
                continue
            except OSError:
                break
        raise _Gone

    def answer(self, stage, argument, ours):
        """Reply as scripted, else with ours; tells whether it was a positive one."""
        reply = self.act(stage, argument) or ours
        self.write(reply)
        if reply.startswith("421"):
            self.close()
            raise _Gone
        return reply[0] in "23"

    # ---- the protocol

    def run(self):
        try:
            if self.server.tls == "implicit":
                self.wrap()
            else:
                self.file = self.sock.makefile("rb")
            if not self.answer("connect", "", "220 evtest ESMTP"):
                self.close()
                return
            while self.command():
                pass
        except (_Gone, OSError, ValueError):
            pass
        finally:
            self.close()

    def command(self):
        line = self.read_line().decode("utf-8", "replace").rstrip("\r\n")
        self.server._log(self.number, line)
        verb, _, argument = line.partition(" ")
        handler = getattr(self, "on_" + verb.lower(), None)
        if handler is None:
            self.write("500 5.5.1 what?")
            return True
        return handler(argument.strip()) is not False

    def on_helo(self, argument):
        self.answer("ehlo", argument, "250 evtest")

    def on_ehlo(self, argument):
        lines = ["evtest"] + list(self.server.extensions)
        if self.server.tls == "starttls" and not self.tls:
            lines.append("STARTTLS")
        if self.server.users:
            lines.append("AUTH PLAIN LOGIN")
        ours = "\n".join(f"250{'-' if i < len(lines) - 1 else ' '}{text}" for i, text in enumerate(lines))
        self.reset()
        self.answer("ehlo", argument, ours)

    def on_starttls(self, argument):
        if self.server.tls != "starttls":
            self.write("502 5.5.1 not offered")
        elif self.answer("starttls", argument, "220 2.0.0 go ahead"):
            self.wrap()

    def on_auth(self, argument):
        mechanism, _, initial = argument.partition(" ")
        if mechanism.upper() == "PLAIN":
            if not initial:
                self.write("334 ")
                initial = self.read_line().decode().strip()
            _, user, password = b64decode(initial).decode().split("\0")
        elif mechanism.upper() == "LOGIN":
            if not initial:
                self.write("334 VXNlcm5hbWU6")
                initial = self.read_line().decode().strip()
            user = b64decode(initial).decode()
            self.write("334 UGFzc3dvcmQ6")
            password = b64decode(self.read_line()).decode()
        else:
            self.write("504 5.5.4 unknown mechanism")
            return
        known = (self.server.users or {}).get(user) == password
        if self.answer("auth", user, "235 2.7.0 ok" if known else "535 5.7.8 wrong") and known:
            self.user = user

    def on_mail(self, argument):
        found = re.match(r"FROM:\s*<([^>]*)>\s*(.*)$", argument, re.I)
        if not found:
            self.write("501 5.5.4 MAIL FROM:<address>")
        elif self.server.users and not self.user:
            self.write("530 5.7.0 authentication required")
        elif self.answer("mail", found.group(1), "250 2.1.0 ok"):
            self.sender, self.sender_options = found.groups()

    def on_rcpt(self, argument):
        found = re.match(r"TO:\s*<([^>]+)>", argument, re.I)
        if not found or self.sender is None:
            self.write("503 5.5.1 not now")
        elif self.answer("rcpt", found.group(1), "250 2.1.5 ok"):
            self.recipients.append(found.group(1))

    def on_data(self, argument):
        if not self.recipients:
            self.write("503 5.5.1 no recipients")
            return
        if not self.answer("data", argument, "354 go ahead"):
            return
        raw = self.read_body()
        action = self.server._next_action("dot", self.sender)
        while isinstance(action, Delay):
            self.server._stopping.wait(action.seconds)
            action = action.then
        silent = action in (DROP, RESET, HANG, LOSE)
        reply = "" if silent else action or "250 2.0.0 taken"
        self.record(raw, reply, taken=action == LOSE or reply.startswith("2"))
        self.reset()
        if action == HANG:
            self.hang()
        if silent:
            self.close(reset=action == RESET)
            raise _Gone
        self.write(reply)
        if reply.startswith("421"):
            raise _Gone

    def read_body(self):
        lines, asked = [], False
        while True:
            line = self.read_line()
            if line in (b".\r\n", b".\n"):
                return b"".join(lines)
            if not asked:
                asked = True
                self.act("body", self.sender)
            lines.append(line[1:] if line.startswith(b".") else line)

    def record(self, raw, reply, taken):
        self.server._record(
            Message(
                self.sender,
                list(self.recipients),
                raw,
                sender_options=self.sender_options,
                connection=self.number,
                tls=self.tls,
                user=self.user,
                reply=reply,
                taken=taken,
            )
        )

    def on_rset(self, argument):
        self.reset()
        self.answer("rset", argument, "250 2.0.0 ok")

    def on_noop(self, argument):
        self.answer("noop", argument, "250 2.0.0 ok")

    def on_quit(self, argument):
        self.answer("quit", argument, "221 2.0.0 bye")
        return False


class SmtpServer:
    """A scripted mail server, used as a context manager.

    script maps a stage (STAGES) to an action, or to a list of them, one for each time the stage is reached (None: as
    usual; the list over: as usual), or to a function of the stage's argument (the address at "mail" and "rcpt"), which
    returns an action. An action is None, a reply ("550 5.1.1 nobody"), DROP, RESET, HANG, LOSE or a Delay.
    tls: None, "starttls" or "implicit", with certificate=(chain file, key file).
    users: {name: password}; with it, AUTH is offered and required. latency: seconds before every reply.
    """

    def __init__(self, script=None, *, tls=None, certificate=None, users=None, extensions=("8BITMIME",), latency=0):
        for stage in script or {}:
            if stage not in STAGES:
                raise ValueError(f"no such stage: {stage}")
        self.script = dict(script or {})
        self.tls, self.users, self.extensions, self.latency = tls, users, extensions, latency
        self.tls_context = None
        if tls:
            self.tls_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls_context.load_cert_chain(*certificate)
        self.messages = []  # everything that came to a final dot, in order
        self.commands = []  # (connection number, line) of everything said to us, bodies left out
        self.n_connections = 0
        self._change = threading.Condition()
        self._stopping = threading.Event()
        self._sessions, self._threads = set(), []
        self._listener = None
        self.port = 0

    @property
    def url(self):
        return f"{'smtps' if self.tls == 'implicit' else 'smtp'}://127.0.0.1:{self.port}"

    @property
    def taken(self):
        """Messages this server made itself responsible for."""
        with self._change:
            return [message for message in self.messages if message.taken]

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def take_port(self):
        """Be down: the port is ours and in .url, and until start() whoever connects is refused. Nobody else can get it."""
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]

    def start(self):
        if not self._listener:
            self.take_port()
        self._listener.listen(64)
        self._threads.append(threading.Thread(target=self._accept, args=(self._listener,), daemon=True))
        self._threads[-1].start()

    def stop(self):
        """End every session and free the port; messages stay readable."""
        self._stopping.set()
        if self._listener:
            # close() alone leaves a thread in accept(); one that never listened can not be shut down
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        with self._change:
            sessions = list(self._sessions)
        for session in sessions:
            try:
                session.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in list(self._threads):
            thread.join(10)

    def wait_for(self, count=1, timeout=PATIENCE):
        """Wait until that many messages are taken; returns them all."""
        with self._change:
            done = self._change.wait_for(lambda: sum(m.taken for m in self.messages) >= count, timeout)
        if not done:
            raise AssertionError(f"{len(self.taken)} of {count} messages after {timeout} s; heard {self.commands[-20:]}")
        return self.taken

    def wait_for_command(self, start, timeout=PATIENCE):
        """Wait until a line beginning with start ("DATA") was heard."""

        def heard():
            return any(line.upper().startswith(start.upper()) for _, line in self.commands)

        with self._change:
            if not self._change.wait_for(heard, timeout):
                raise AssertionError(f"no {start} within {timeout} s; heard {self.commands[-20:]}")

    def _accept(self, listener):
        while not self._stopping.is_set():
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._change:
                self.n_connections += 1
                session = _Session(self, sock, self.n_connections)
                self._sessions.add(session)
                self._change.notify_all()
            thread = threading.Thread(target=self._run, args=(session,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _run(self, session):
        session.run()
        with self._change:
            self._sessions.discard(session)

    def _next_action(self, stage, argument):
        with self._change:
            action = self.script.get(stage)
            if isinstance(action, list):
                action = action.pop(0) if action else None
        return action(argument) if callable(action) else action

    def _log(self, number, line):
        with self._change:
            self.commands.append((number, line))
            self._change.notify_all()

    def _record(self, message):
        with self._change:
            self.messages.append(message)
            self._change.notify_all()


class SmtpSink:
    """Postfix's smtp-sink, each message in a file of its own; options are smtp-sink's ("-w", "1")."""

    PROGRAM = "/usr/sbin/smtp-sink"

    def __init__(self, *options):
        self.options = list(options)
        self.folder = self.process = None
        self.port = 0

    @classmethod
    def available(cls):
        return os.access(cls.PROGRAM, os.X_OK)

    @property
    def url(self):
        return f"smtp://127.0.0.1:{self.port}"

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="evtest-sink-")
        user = []
        if os.geteuid() == 0:
            # smtp-sink refuses to run as root
            user = ["-u", "nobody"]
            os.chmod(self.folder, 0o777)
        for _ in range(20):
            self.port = free_port()
            self.process = subprocess.Popen(
                [self.PROGRAM, *user, *self.options, "-d", f"{self.folder}/m.", f"127.0.0.1:{self.port}", "128"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            if self._listening():
                return self
            stop_process(self.process)
        raise AssertionError("smtp-sink does not start")

    def _listening(self):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if self.process.poll() is not None:
                return False  # somebody else took the port
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                # whoever took it may answer before smtp-sink gives up
                return connection.recv(100).startswith(b"220 smtp-sink ")
            time.sleep(0.02)
        return False

    def __exit__(self, *_):
        stop_process(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)

    def messages(self):
        """The messages that are complete; line ends are LF in the files smtp-sink writes.

        Oldest first, but those that came within one tick of the kernel's clock (4 ms) in any order.
        """
        paths = [os.path.join(self.folder, name) for name in os.listdir(self.folder)]
        found = []
        for path in sorted(paths, key=lambda path: (os.stat(path).st_mtime_ns, path)):
            with open(path, "rb") as file:
                message = self.read_dump(file.read())
            if message:
                found.append(message)
        return found

    @staticmethod
    def read_dump(dump):
        """A dumped file without what smtp-sink put in front; None while it is being written."""
        head = re.match(rb"((?:X-[^\n]*\n)+)Received: from [^\n]*\n(?:[ \t][^\n]*\n)+", dump)
        # what is complete ends in an empty line of smtp-sink's own; wait_for() looks twice, since a part can, too
        if not head or not dump.endswith(b"\n\n"):
            return None
        recipients = re.findall(rb"^X-Rcpt-Args: <([^>]*)>", head.group(1), re.M)
        sender, options = re.search(rb"^X-Mail-Args: <([^>]*)>[ ]?([^\n]*)", head.group(1), re.M).groups()
        return Message(
            sender.decode(),
            [recipient.decode() for recipient in recipients],
            dump[head.end() : -1],
            sender_options=options.decode(),
        )

    def wait_for(self, count=1, timeout=PATIENCE):
        end = time.monotonic() + timeout
        before = None
        while True:
            found = self.messages()
            sizes = [len(message.raw) for message in found]
            if len(found) >= count and sizes == before:
                return found
            before = sizes
            if time.monotonic() > end:
                raise AssertionError(f"{len(found)} of {count} messages after {timeout} s")
            time.sleep(0.02)


def free_port():
    """A port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def stop_process(process, timeout=10):
    """SIGTERM to this one process, SIGKILL when it does not listen; returns its status."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait(timeout)


def parse_message(raw):
    """Read a message as a mail program would; AssertionError for anything a strict one would stumble over."""
    message = email.message_from_bytes(raw, policy=email.policy.default)
    problems = []
    for number, line in enumerate(raw.split(b"\n"), 1):
        if len(line.rstrip(b"\r")) > 998:
            problems.append(f"line {number} has more than 998 bytes")
        if any(byte >= 0x80 for byte in line):
            problems.append(f"line {number} is not ASCII")
        if b"\r" in line.rstrip(b"\r") or b"\0" in line:
            problems.append(f"line {number} has a stray CR or NUL")
    for part in message.walk():
        if not part.is_multipart():
            part.get_payload(decode=True)  # only then are defects of the encoding known
            if part.get_content_maintype() == "text":
                part.get_content()
        problems += [f"{part.get_content_type()}: {defect!r}" for defect in part.defects]
        for name, value in part.items():
            problems += [f"{name}: {defect!r}" for defect in getattr(value, "defects", ())]
        if part.is_multipart() and not part.get_payload():
            problems.append(f"{part.get_content_type()} without parts")
    for name in ("From", "To", "Date", "Message-ID", "Subject"):
        if len(message.get_all(name, [])) != 1:
            problems.append(f"{len(message.get_all(name, []))} headers {name}")
    if problems:
        raise AssertionError("; ".join(problems[:10]))
    return message


def body_text(message, kind="plain"):
    """The text ("plain") or page ("html") of a parsed message."""
    part = message.get_body(preferencelist=(kind,))
    if part is None:
        raise AssertionError(f"no text/{kind} part")
    return part.get_content()


def make_certificate(folder, name="localhost"):
    """A self-signed certificate for name and 127.0.0.1 in folder: (chain file, key file); the chain is its own CA."""
    chain, key = os.path.join(folder, "tls.crt"), os.path.join(folder, "tls.key")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30"]
        + ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name},IP:127.0.0.1", "-keyout", key, "-out", chain],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return chain, key
