# SPDX-License-Identifier: LGPL-2.1-or-later
"""A scripted SMTP server, and the decider's end of evidenced-mail: what test-sender.py is written with."""

import json
import os
import select
import signal
import socket
import ssl
import struct
import subprocess
import threading
import time


class Drop(Exception):
    """The server hangs up, with a reset when asked to."""

    def __init__(self, reset=False):
        super().__init__()
        self.reset = reset


class Server:
    """One thread a connection. `script` maps a step to what is said instead of the usual: text (several lines by \\n), "" to say nothing
    (a hang), Drop to hang up, or a function of (server, connection) giving one of these. Steps: greeting EHLO STARTTLS AUTH MAIL
    RCPT DATA dot QUIT. A step of a tuple is used up, one value per use, the last one for ever. `offers`: words that every reply
    of several lines to EHLO has besides."""

    EHLO = "250-test.example\n250-8BITMIME\n250 SIZE 10000000"

    def __init__(self, script=None, tls=None, implicit_tls=False, host="127.0.0.1", offers=()):
        self.script = {"EHLO": self.EHLO}
        self.offers = offers
        self.script.update(script or {})
        self.tls, self.implicit_tls = tls, implicit_tls
        self.uses = {}
        self.commands, self.messages, self.connections = [], [], 0
        self.lock = threading.Lock()
        self.done = threading.Event()
        self.host = f"[{host}]" if ":" in host else host
        self.listener = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.port = self.listener.getsockname()[1]
        self.open = []
        threading.Thread(target=self.accept, daemon=True).start()

    def url(self, scheme="smtp"):
        return f"{scheme}://{self.host}:{self.port}"

    def close(self):
        if self.done.is_set():
            return
        self.done.set()
        self.listener.shutdown(socket.SHUT_RDWR)  # close() alone leaves accept() waiting, and the port open
        self.listener.close()
        for connection in self.open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:  # closed already
                pass

    def accept(self):
        while True:
            try:
                connection = self.listener.accept()[0]
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            self.open.append(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def step(self, name, usual, number):
        what = self.script.get(name, usual)
        if isinstance(what, tuple):
            with self.lock:
                n = self.uses.get(name, 0)
                self.uses[name] = n + 1
            what = what[min(n, len(what) - 1)]
        if callable(what) and not isinstance(what, type):
            what = what(self, number)
        if what is Drop:
            raise Drop()
        if isinstance(what, Drop):
            raise what
        return what

    def say(self, connection, text):
        if text:
            connection.sendall("".join(line + "\r\n" for line in text.split("\n")).encode())

    def serve(self, connection):
        number = self.connections
        try:
            if self.implicit_tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            self.converse(connection, number)
        except Drop as drop:
            drop.__traceback__ = None  # or the streams on its stack keep the connection open
            if drop.reset:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except (OSError, ValueError):  # the other side has gone, or close() was called
            pass
        finally:
            connection.close()

    def converse(self, connection, number):
        stream = connection.makefile("rb")
        self.say(connection, self.step("greeting", "220 test.example ESMTP", number))
        envelope = {}
        while True:
            line = stream.readline()
            if not line:
                return
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            self.commands.append(text)
            verb = text.split(" ", 1)[0].upper()
            if verb == "QUIT":
                self.say(connection, self.step("QUIT", "221 2.0.0 bye", number))
                return
            if verb == "DATA":
                answer = self.step("DATA", "354 go ahead", number)
                self.say(connection, answer)
                if answer.startswith("354"):
                    envelope["raw"] = self.read_body(stream)
                    self.messages.append(dict(envelope))
                    self.say(connection, self.step("dot", "250 2.0.0 OK id=17", number))
            elif verb == "STARTTLS":
                answer = self.step("STARTTLS", "220 2.0.0 ready", number)
                self.say(connection, answer)
                if not answer.startswith("220"):
                    continue
                connection = self.tls.wrap_socket(connection, server_side=True)
                stream = connection.makefile("rb")
            elif verb == "AUTH":
                self.authenticate(connection, stream, text, number)
            else:
                if verb in ("MAIL", "RCPT"):
                    envelope[verb] = text
                answer = self.step(verb, "250 2.0.0 OK", number)
                if verb == "EHLO" and answer.startswith("250-"):
                    answer = answer.replace("\n", "".join(f"\n250-{word}" for word in self.offers) + "\n", 1)
                self.say(connection, answer)

    def authenticate(self, connection, stream, text, number):
        words = text.split(" ")
        for _ in range((2 if words[1] == "LOGIN" else 1) - (len(words) - 2)):
            self.say(connection, "334 ")
            self.commands.append(stream.readline().decode().rstrip("\r\n"))
        self.say(connection, self.step("AUTH", "235 2.7.0 welcome", number))

    @staticmethod
    def read_body(stream):
        lines = []
        while True:
            line = stream.readline()
            if not line:
                raise Drop()
            if line == b".\r\n":
                return b"".join(lines)
            lines.append(line)

    def wait_for(self, verb):
        """Until the worker has come so far: RCPT, or "dot"."""
        for _ in range(2000):
            if self.messages if verb == "dot" else verb in self.verbs():
                return
            time.sleep(0.01)
        raise AssertionError(f"no {verb} came, only {self.commands}")

    def verbs(self):
        return [command.split(" ")[0].upper() for command in self.commands]


class ByteServer(Server):
    """One that knows no SMTP. Each connection has a list of steps of its own, (what has to come next, what is said then); instead of
    bytes to say, Drop or a function of the connection. EHLO is answered first. `surprises`: what came instead of what had to come;
    `rests`: what came after all the steps of a connection, up to its end."""

    def __init__(self, *sessions, offers=("PIPELINING",)):
        self.sessions, self.surprises, self.rests = sessions, [], []
        super().__init__(offers=offers)

    def converse(self, connection, number):
        self.say(connection, "220 test.example ESMTP")
        self.read(connection, lambda data: data.endswith(b"\r\n"))
        self.say(connection, "\n".join(["250-test.example", *[f"250-{word}" for word in self.offers], "250 SIZE"]))
        for wanted, says in self.sessions[number - 1]:
            data = self.read(connection, lambda data, wanted=wanted: len(data) >= len(wanted))
            if data != wanted:
                self.surprises.append((wanted, data))
                return
            if says is Drop:
                raise Drop()
            if callable(says):
                says(connection)
            else:
                connection.sendall(says)
        self.rests.append(self.read(connection, lambda data: False))

    @staticmethod
    def read(connection, enough):
        data = b""
        while not enough(data):
            more = connection.recv(1)
            if not more:
                break
            data += more
        return data

    def wait_for_rests(self, n):
        for _ in range(3000):
            if len(self.rests) >= n:
                return self.rests
            time.sleep(0.01)
        raise AssertionError(f"only {len(self.rests)} of {n} connections ended")


class Worker:
    """The decider's end."""

    def __init__(self, program, version, env=None, cwd=None):
        self.peer, theirs = socket.socketpair()
        environment = {key: value for key, value in os.environ.items() if key.lower() != "all_proxy"}
        environment.setdefault("UBSAN_OPTIONS", "halt_on_error=1")
        environment.update(env or {})
        self.process = subprocess.Popen(
            [program, f"--fd={theirs.fileno()}"], pass_fds=[theirs.fileno()], env=environment, cwd=cwd
        )
        theirs.close()
        self.buffer, self.events, self.id = b"", [], 0
        assert self.receive(10)["hello"]["program"] == "evidenced-mail"
        self.write({"hello": {"program": "evidenced", "version": version, "protocol": 1}})

    def write(self, message, body=b""):
        self.peer.sendall(json.dumps(message).encode() + b"\0" + body)

    def receive(self, timeout):
        end = time.monotonic() + timeout
        while b"\0" not in self.buffer:
            if not select.select([self.peer], [], [], max(0, end - time.monotonic()))[0]:
                raise TimeoutError
            more = self.peer.recv(65536)
            if not more:
                raise EOFError
            self.buffer += more
        text, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(text)

    def begin(self, server, body=b"Subject: x\r\n\r\ntext\r\n", timeout=10.0, **fields):
        self.id += 1
        if isinstance(server, str):
            server = {"url": server, "security": "none"}
        message = {
            "verb": "send",
            "id": self.id,
            "from": "cchc@skhcn.example",
            "to": "vp@skhcn.example",
            "timeout": int(timeout * 1e6),
            "body_bytes": len(body),
            "server": server,
        }
        message.update(fields)
        self.write(message, body)
        return self.id

    def answer(self, timeout=15.0):
        while True:
            message = self.receive(timeout)
            if "reply" in message:
                return message
            self.events.append(message)

    def send(self, server, **fields):
        number = self.begin(server, **fields)
        answer = self.answer()
        assert answer["reply"] == number, answer
        return answer

    def close(self):
        self.peer.close()
        try:
            return self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            raise


def make_certificates(folder):
    """A CA, a certificate for 127.0.0.1 signed by it, and another CA. Return: None when openssl is not there."""

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, stderr=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL)

    try:
        for name in ("ca", "other"):
            openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem")
        with open(os.path.join(folder, "ext"), "w", encoding="ascii") as file:
            file.write("subjectAltName=IP:127.0.0.1\n")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=server",
                "-keyout", "server.key", "-out", "server.csr")
        openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                "-days", "2", "-extfile", "ext", "-out", "server.pem")
    except FileNotFoundError:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(folder, "server.pem"), os.path.join(folder, "server.key"))
    return context
