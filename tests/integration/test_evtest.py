#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The helpers of tests/lib against the standard library's own clients and readers: a helper that lies hides defects."""

import contextlib
import io
import os
import smtplib
import socket
import ssl
import subprocess
import sys
import threading
import time
import unittest
import zipfile

import evfiles
import evtest

CLEAN = (
    b"From: a@x.example\r\nTo: b@y.example\r\nSubject: =?utf-8?q?B=C3=A1o_c=C3=A1o?=\r\n"
    b"Date: Mon, 12 Nov 2018 07:30:00 +0700\r\nMessage-ID: <1@x.example>\r\n\r\n"
    b"one\r\n.two\r\n..three\r\n"
)


def send(server, recipients=("b@y.example",), data=CLEAN, **more):
    with smtplib.SMTP("127.0.0.1", server.port, timeout=10, **more) as client:
        return client.sendmail("a@x.example", list(recipients), data)


class Scripted(evtest.TestCase):
    def test_plain_delivery(self):
        with evtest.SmtpServer() as server:
            send(server, ["b@y.example", "c@y.example"])
            message = server.wait_for(1)[0]
            self.assertEqual((message.sender, message.recipients), ("a@x.example", ["b@y.example", "c@y.example"]))
            self.assertEqual(message.raw, CLEAN)
            self.assertEqual(message.parse()["Subject"], "Báo cáo")
            server.wait_for_command("QUIT")
            with self.assertRaises(AssertionError):
                server.wait_for(2, timeout=0.1)

    def test_refusals_at_every_stage(self):
        cases = [
            ("connect", smtplib.SMTPConnectError, 554),
            ("ehlo", smtplib.SMTPHeloError, 550),
            ("mail", smtplib.SMTPSenderRefused, 451),
            ("rcpt", smtplib.SMTPRecipientsRefused, 550),
            ("data", smtplib.SMTPDataError, 452),
            ("dot", smtplib.SMTPDataError, 552),
        ]
        for stage, error, code in cases:
            script = {stage: f"{code} 5.0.0 no"}
            if stage == "ehlo":
                script["ehlo"] = lambda _: "550 5.0.0 no"  # HELO, tried next, is the same stage
            with self.subTest(stage=stage), evtest.SmtpServer(script) as server:
                with self.assertRaises(error) as caught:
                    send(server)
                if stage == "rcpt":
                    self.assertEqual(caught.exception.recipients["b@y.example"][0], code)
                else:
                    self.assertEqual(caught.exception.smtp_code, code)
                self.assertEqual(server.taken, [])
                self.assertEqual(len(server.messages), 1 if stage == "dot" else 0)

    def test_dropped_at_every_stage(self):
        for how in (evtest.DROP, evtest.RESET):
            for stage in ("connect", "ehlo", "mail", "rcpt", "data", "body", "dot"):
                with self.subTest(stage=stage, how=how), evtest.SmtpServer({stage: [how]}) as server:
                    with self.assertRaises((smtplib.SMTPException, OSError)):
                        send(server)
                    self.assertEqual(server.taken, [])
                    if stage not in ("connect", "ehlo"):
                        send(server)  # the list is over: as usual again
                        self.assertEqual(server.wait_for(1)[0].connection, 2)

    def test_lost_after_the_dot(self):
        with evtest.SmtpServer({"dot": [evtest.LOSE]}) as server:
            with self.assertRaises(smtplib.SMTPServerDisconnected):
                send(server)
            self.assertEqual(server.wait_for(1)[0].reply, "")

    def test_hang_and_stop(self):
        for stage in ("connect", "mail", "body", "dot"):
            with self.subTest(stage=stage), evtest.SmtpServer({stage: evtest.HANG}) as server:
                with self.assertRaises((TimeoutError, smtplib.SMTPException, OSError)):
                    with smtplib.SMTP("127.0.0.1", server.port, timeout=0.3) as client:
                        client.sendmail("a@x.example", ["b@y.example"], CLEAN)
                self.assertEqual(server.taken, [])
        server = evtest.SmtpServer({"mail": evtest.HANG})
        server.start()
        client = socket.create_connection(("127.0.0.1", server.port), 10)
        client.sendall(b"EHLO x\r\nMAIL FROM:<a@x.example>\r\n")
        server.wait_for_command("MAIL")
        started = time.monotonic()
        server.stop()
        self.assertLess(time.monotonic() - started, 9, "it waited for the client")
        client.close()
        socket.create_server(("127.0.0.1", server.port)).close()  # the port is free again

    def test_sequences_functions_and_delays(self):
        script = {
            "rcpt": lambda address: "550 5.1.1 nobody" if address.startswith("bad") else None,
            "mail": ["421 4.3.2 going down"],
            "dot": [evtest.Delay(0.2, "451 4.3.0 later"), None],
        }
        with evtest.SmtpServer(script) as server:
            with self.assertRaises(smtplib.SMTPSenderRefused):
                send(server)
            started = time.monotonic()
            with self.assertRaises(smtplib.SMTPDataError):
                send(server)
            self.assertGreaterEqual(time.monotonic() - started, 0.2)
            refused = send(server, ["bad@y.example", "good@y.example"])
            self.assertEqual(list(refused), ["bad@y.example"])
            self.assertEqual(server.wait_for(1)[0].recipients, ["good@y.example"])
            self.assertEqual(server.n_connections, 3)
        with self.assertRaises(ValueError):
            evtest.SmtpServer({"dto": "250 typing error"})

    def test_latency(self):
        with evtest.SmtpServer(latency=0.05) as server:
            started = time.monotonic()
            send(server)
            self.assertGreaterEqual(time.monotonic() - started, 6 * 0.05)

    def test_tls_and_users(self):
        certificate = evtest.make_certificate(self.folder)
        trust = ssl.create_default_context(cafile=certificate[0])
        users = {"cchc": "bí mật"}
        with evtest.SmtpServer(tls="starttls", certificate=certificate, users=users) as server:
            with smtplib.SMTP("127.0.0.1", server.port, timeout=10) as client:
                self.assertEqual(client.mail("a@x.example")[0], 530)
                client.starttls(context=trust)
                client.ehlo()
                self.assertFalse(client.has_extn("starttls"))
                with self.assertRaises(smtplib.SMTPAuthenticationError):
                    client.login("cchc", "wrong")
                client.docmd("AUTH", "PLAIN " + smtplib.encode_base64("\0cchc\0bí mật".encode(), eol=""))
                client.sendmail("a@x.example", ["b@y.example"], CLEAN)
            message = server.wait_for(1)[0]
            self.assertEqual((message.tls, message.user), (True, "cchc"))
        with evtest.SmtpServer(tls="implicit", certificate=certificate) as server:
            self.assertTrue(server.url.startswith("smtps://"))
            with smtplib.SMTP_SSL("127.0.0.1", server.port, timeout=10, context=trust) as client:
                client.sendmail("a@x.example", ["b@y.example"], CLEAN)
            self.assertTrue(server.wait_for(1)[0].tls)
            with self.assertRaises(ssl.SSLError):
                smtplib.SMTP_SSL("127.0.0.1", server.port, timeout=10, context=ssl.create_default_context())

    def test_many_at_once(self):
        with evtest.SmtpServer() as server:
            threads = [threading.Thread(target=send, args=(server,)) for _ in range(20)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(len(server.wait_for(20)), 20)


@unittest.skipUnless(evtest.SmtpSink.available(), "smtp-sink is not installed (apt-get install postfix)")
class Sink(evtest.TestCase):
    def test_delivery(self):
        with evtest.SmtpSink() as sink:
            send(sink, ["b@y.example", "c@y.example"])
            sink.wait_for(1)
            send(sink, data=CLEAN + b"x" * 900 + b"\r\n" + b"\r\n\r\n" * 3000)
            messages = sink.wait_for(2)
            self.assertEqual(messages[0].recipients, ["b@y.example", "c@y.example"])
            self.assertEqual(messages[0].sender, "a@x.example")
            self.assertEqual(messages[0].raw, CLEAN.replace(b"\r\n", b"\n"))
            self.assertEqual(messages[1].raw.count(b"\n"), CLEAN.count(b"\n") + 6001)
            self.assertEqual(evtest.body_text(messages[0].parse()), "one\n.two\n..three\n")
            process, folder = sink.process, sink.folder
        self.assertIsNotNone(process.poll())
        self.assertFalse(os.path.exists(folder))

    def test_options(self):
        with evtest.SmtpSink("-r", "RCPT") as sink:
            with self.assertRaises(smtplib.SMTPRecipientsRefused):
                send(sink)
            self.assertEqual(sink.messages(), [])


class Parsing(evtest.TestCase):
    def test_defects_are_found(self):
        evtest.parse_message(CLEAN)
        cases = {
            "not ASCII": CLEAN.replace(b"one", "số".encode()),
            "0 headers Date": CLEAN.replace(b"Date:", b"X-Date:"),
            "2 headers To": CLEAN.replace(b"To:", b"To: c@y.example\r\nTo:"),
            "stray CR": CLEAN.replace(b"one", b"o\rne"),
            "more than 998": CLEAN.replace(b"one", b"o" * 999),
            "Defect": CLEAN.replace(b"From: a@x.example", b"From: a b <a@x.example"),
            "multipart": CLEAN.replace(b"To:", b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=q\r\nTo:"),
            "InvalidBase64": CLEAN.replace(b"To:", b"MIME-Version: 1.0\r\nContent-Transfer-Encoding: base64\r\nTo:"),
        }
        for expected, raw in cases.items():
            with self.subTest(expected=expected), self.assertRaisesRegex(AssertionError, expected):
                evtest.parse_message(raw)


class Documents(evtest.TestCase):
    STARTS = {"pdf": b"%PDF-1.", "docx": b"PK\3\4", "xlsx": b"PK\3\4", "zip": b"PK\3\4", "png": b"\x89PNG", "jpg": b"\xff\xd8\xff"}

    def test_seeds(self):
        for kind in evfiles.MAKERS:
            with self.subTest(kind=kind):
                one = evtest.document("a." + kind, 1)
                self.assertTrue(one.startswith(self.STARTS[kind]))
                self.assertEqual(one, evtest.document("b." + kind.upper(), 1))
                self.assertNotEqual(one, evtest.document("a." + kind, 2))

    def test_structure(self):
        for kind, part in (("docx", "word/document.xml"), ("xlsx", "xl/workbook.xml")):
            archive = zipfile.ZipFile(io.BytesIO(evtest.document("a." + kind, "Báo cáo")))
            self.assertIsNone(archive.testzip())
            self.assertEqual(archive.namelist()[0], "[Content_Types].xml")
            self.assertIn(part, archive.namelist())
        pdf = evtest.document("a.pdf", 5)
        place = int(pdf.rsplit(b"startxref\n", 1)[1].split(b"\n")[0])
        self.assertTrue(pdf[place:].startswith(b"xref\n"))
        self.assertTrue(pdf.endswith(b"%%EOF\n"))

    def test_placing(self):
        path = evtest.place(self.folder, "1.2/quý I/BC.pdf", seed=3, mtime=1520000000)
        self.assertEqual(os.stat(path).st_mtime, 1520000000)
        with open(path, "rb") as file:
            self.assertEqual(file.read(), evtest.document("x.pdf", 3))


class Programs(evtest.TestCase):
    """run() and eventually() with a program of the system in the place of one of ours."""

    def setUp(self):
        super().setUp()
        os.mkdir(self.path("bin"))
        os.symlink("/bin/sh", self.path("bin", "sh"))
        before = os.environ.get("BINARY_DIR")
        self.addCleanup(lambda: os.environ.update(BINARY_DIR=before) if before else os.environ.pop("BINARY_DIR"))
        os.environ["BINARY_DIR"] = self.folder

    def test_status_output_environment(self):
        os.environ["NOTIFY_SOCKET"] = "/nowhere"
        self.addCleanup(os.environ.pop, "NOTIFY_SOCKET")
        done = evtest.run("sh", "-c", 'echo "[\\"$A\\", \\"$NOTIFY_SOCKET\\"]"; echo bad >&2; exit 3', status=3, A="x")
        self.assertEqual((done.json(), done.err), (["x", ""], "bad\n"))
        self.assertEqual(evtest.run("sh", "-c", "cat", input="in").out, "in")
        with self.assertRaisesRegex(AssertionError, "ended with 4, not 0"):
            evtest.run("sh", "-c", "exit 4")
        with self.assertRaisesRegex(AssertionError, "is not built"):
            evtest.run("evidenced-nothing")

    def test_limit_takes_children_along(self):
        for limit in (0.5, 5, evtest.PATIENCE):
            with self.assertRaisesRegex(AssertionError, "did not end"):
                evtest.run("sh", "-c", f"sleep 600 & echo $! > {self.path('pid')}; wait", timeout=limit)
            with contextlib.suppress(FileNotFoundError, ValueError), open(self.path("pid"), encoding="ascii") as file:
                pid = int(file.read())
                break

        def gone():
            try:
                with open(f"/proc/{pid}/stat", encoding="ascii") as file:
                    return file.read().rpartition(")")[2].split()[0] == "Z"
            except FileNotFoundError:
                return True

        evtest.eventually(gone, "the end of the child")

    def test_eventually(self):
        looks = iter([False, None, 7])
        self.assertEqual(evtest.eventually(lambda: next(looks)), 7)
        with self.assertRaisesRegex(AssertionError, "rain did not happen in 0.1 s: dry"):
            evtest.eventually(lambda: self.fail("dry"), "rain", timeout=0.1)

    def test_notify_socket(self):
        notify = evtest.NotifySocket(self.folder)
        self.addCleanup(notify.close)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.connect(notify.path)
            sender.send(b"READY=1\nSTATUS=watching")
        self.assertTrue(notify.has("STATUS=watching"))
        self.assertFalse(notify.has("STOPPING=1"))

    def test_exit_status_of_a_test_file(self):
        cases = [
            ("class A(evtest.TestCase):\n    def test_a(self): pass\n", 0),
            ("class A(evtest.TestCase):\n    def test_a(self): self.fail()\n", 1),
            ("class A(evtest.TestCase):\n    def test_a(self): self.skipTest('because')\n", 77),
            ("", 1),
        ]
        for text, status in cases:
            path = self.write("test_x.py", f"import evtest\n{text}\nevtest.main()\n")
            with self.subTest(text=text):
                done = subprocess.run(
                    [sys.executable, path],
                    env={**os.environ, "PYTHONPATH": os.path.dirname(evtest.__file__)},
                    stderr=subprocess.PIPE,
                    text=True,
                )
                self.assertEqual(done.returncode, status, done.stderr)


if __name__ == "__main__":
    evtest.main()
