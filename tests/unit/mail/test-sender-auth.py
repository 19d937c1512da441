#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test-sender-auth.py PROGRAM VERSION: who the real evidenced-mail says it is (tokens, certificates), and the ways to a server."""

import base64
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import unittest

from smtpd import Server, Worker, make_certificates

PROGRAM, VERSION = "", ""
FOLDER, TLS = "", None


class Case(unittest.TestCase):
    def server(self, ehlo=(), **more):
        lines = ["250-test.example", *[f"250-{word}" for word in ehlo], "250 8BITMIME"]
        server = Server({"EHLO": "\n".join(lines)}, **more)
        self.addCleanup(server.close)
        return server

    def worker(self):
        worker = Worker(PROGRAM, VERSION, env={"CREDENTIALS_DIRECTORY": FOLDER})
        self.addCleanup(lambda: self.assertEqual(worker.close(), 0))
        return worker

    def check(self, answer, result, stage, **more):
        expected = dict({"result": result, "stage": stage}, **more)
        self.assertEqual({key: answer.get(key) for key in expected}, expected, answer)

    def write(self, name, text):
        with open(os.path.join(FOLDER, name), "w", encoding="ascii") as file:
            file.write(text)


class Tokens(Case):
    def said(self, server):
        """What AUTH brought, decoded: one text for each line that is base64 and nothing else."""
        words = []
        for command in server.commands:
            if command == "QUIT":  # base64, too
                continue
            word = command.split(" ")[-1] if command.startswith("AUTH ") and command.count(" ") == 2 else command
            try:
                words.append(base64.b64decode(word, validate=True).decode())
            except ValueError:
                pass
        return words

    def send(self, worker, server, auth):
        own = {"url": server.url(), "security": "none", "user": "cchc@skhcn.example", "credential": "token", "auth": auth}
        return worker.send(own)

    def test_xoauth2(self):
        """A token lives an hour: each session has that of its own hour, and one that did not change keeps its session."""
        server, worker = self.server(["AUTH PLAIN LOGIN XOAUTH2"]), self.worker()
        for token in ("ya29.first-Token_0=\n", "ya29.first-Token_0=\n", "ya29.second\n"):
            self.write("smtp_token", token)
            self.check(self.send(worker, server, "xoauth2"), "sent", "dot")
        self.assertEqual(
            self.said(server),
            [f"user=cchc@skhcn.example\1auth=Bearer {token}\1\1" for token in ("ya29.first-Token_0=", "ya29.second")],
        )
        self.assertEqual(server.connections, 2)
        self.assertEqual(len(server.messages), 3)

    def test_expired_token(self):
        """Refused, then renewed in its file: the next try has the new one, nothing was restarted."""
        server, worker = self.server(["AUTH XOAUTH2"]), self.worker()
        server.script["AUTH"] = ("535 5.7.8 expired", "235 2.7.0 welcome")
        self.write("smtp_token", "old")
        self.check(self.send(worker, server, "xoauth2"), "temporary", "auth", connection=True, code=535)
        self.write("smtp_token", "new")
        self.check(self.send(worker, server, "xoauth2"), "sent", "dot")
        self.assertIn("user=cchc@skhcn.example\1auth=Bearer new\1\1", self.said(server))
        self.assertEqual(len(server.messages), 1)

    def test_xoauth2_not_offered(self):
        """A token is no password: it is not sent as one."""
        server, worker = self.server(["AUTH PLAIN LOGIN"]), self.worker()
        self.write("smtp_token", "ya29.x")
        self.check(self.send(worker, server, "xoauth2"), "temporary", "auth", connection=True)
        self.assertEqual(self.said(server), [])
        self.assertNotIn("MAIL", server.verbs())

    def test_login(self):
        server, worker = self.server(["AUTH PLAIN LOGIN"]), self.worker()
        self.write("smtp_token", "pass word\n")
        self.check(self.send(worker, server, "login"), "sent", "dot")
        self.assertEqual(self.said(server), ["cchc@skhcn.example", "pass word"])
        self.assertEqual([c.split(" ")[1] for c in server.commands if c.startswith("AUTH")], ["LOGIN"])


class ClientCertificate(Case):
    def setUp(self):
        if TLS is None:
            self.skipTest("openssl is not installed (apt-get install openssl)")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path("server.pem"), self.path("server.key"))
        context.load_verify_locations(self.path("ca.pem"))
        context.verify_mode = ssl.CERT_REQUIRED
        self.context = context

    @staticmethod
    def path(name):
        return os.path.join(FOLDER, name)

    def send(self, scheme, cert=None, key=None):
        implicit = scheme == "smtps"
        server = self.server([] if implicit else ["STARTTLS"], tls=self.context, implicit_tls=implicit)
        own = {"url": server.url(scheme), "ca_file": self.path("ca.pem")}
        if cert:
            own.update(client_cert=self.path(cert), client_key=self.path(key))
        return server, self.worker().send(own)

    def test_required(self):
        for scheme in ("smtps", "smtp"):
            with self.subTest(scheme=scheme):
                server, answer = self.send(scheme, "server.pem", "server.key")
                self.check(answer, "sent", "dot")
                self.assertEqual(len(server.messages), 1)

    def test_none_or_a_strange_one(self):
        """With TLS 1.3 the server's refusal comes after our side of the handshake: lost at connect, then, not at tls."""
        for scheme in ("smtps", "smtp"):
            for cert, key in ((None, None), ("other.pem", "other.key")):
                with self.subTest(scheme=scheme, cert=cert):
                    server, answer = self.send(scheme, cert, key)
                    self.check(answer, "temporary", answer["stage"], connection=True)
                    self.assertIn(answer["stage"], ("tls", "connect"))
                    self.assertEqual(server.messages, [])

    def test_key_of_another(self):
        for key in ("ca.key", "none.key"):
            server, answer = self.send("smtps", "server.pem", key)
            self.check(answer, "temporary", "tls", connection=True)
            self.assertEqual(server.messages, [])


class Ways(Case):
    def test_ipv6(self):
        try:
            server = self.server(host="::1")
        except OSError as error:
            self.skipTest(f"no IPv6 here: {error}")
        worker = self.worker()
        for _ in range(2):
            self.check(worker.send(server.url()), "sent", "dot", server=server.url())
        self.assertTrue(server.url().startswith("smtp://[::1]:"))
        self.assertEqual((server.connections, len(server.messages)), (1, 2))
        self.assertEqual(server.open[0].family, socket.AF_INET6)

    def test_international_domain(self):
        """Domains go as ASCII to every server; SMTPUTF8 is not asked for them."""
        server, worker = self.server(), self.worker()
        answer = worker.send(server.url(), to="vp@khoahọc.example", **{"from": "cchc@Sở-KHCN.example"})
        self.check(answer, "sent", "dot")
        for verb, domain in (("RCPT", "khoahọc"), ("MAIL", "sở-khcn")):
            ascii_domain = "xn--" + domain.encode("punycode").decode()
            self.assertIn(f"@{ascii_domain}.example>", server.messages[0][verb])
        self.assertNotIn("SMTPUTF8", server.messages[0]["MAIL"])

    def test_utf8_not_offered(self):
        server, worker = self.server(), self.worker()
        for fields in ({"to": "nguyễn@skhcn.example"}, {"from": "phòng@skhcn.example"}):
            answer = worker.send(server.url(), **fields)
            self.check(answer, "permanent", "mail", connection=False)
            self.assertIn("SMTPUTF8", answer["text"])
        self.assertNotIn("RCPT", server.verbs())
        self.assertEqual(server.messages, [])


if __name__ == "__main__":
    PROGRAM, VERSION = os.path.abspath(sys.argv[1]), sys.argv[2]
    with tempfile.TemporaryDirectory() as FOLDER:
        try:
            TLS = make_certificates(FOLDER)
        except subprocess.CalledProcessError as error:
            sys.exit(f"openssl made no certificates: {error}")
        unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=1)
