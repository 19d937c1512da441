#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test-sender.py PROGRAM VERSION: the real evidenced-mail against a scripted server."""

import base64
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
import unittest

from smtpd import ByteServer, Drop, Server, Worker, make_certificates

PROGRAM, VERSION = "", ""
FOLDER, TLS = "", None

AUTH = Server.EHLO.replace("250 SIZE", "250-AUTH PLAIN LOGIN\n250 SIZE")
UTF8 = Server.EHLO.replace("250 SIZE", "250-SMTPUTF8\n250 SIZE")


def hang(server, _):
    server.done.wait(30)
    return ""


class Sender(unittest.TestCase):
    OFFERS = ()

    def setUp(self):
        self.servers, self.workers = [], []

    def tearDown(self):
        for server in self.servers:
            server.close()
        for worker in self.workers:
            self.assertIn(worker.close(), (0, 76))  # a crash, or what a sanitizer found, is none of the two

    def server(self, script=None, **more):
        self.servers.append(Server(script, offers=self.OFFERS, **more))
        return self.servers[-1]

    def worker(self, **more):
        self.workers.append(Worker(PROGRAM, VERSION, **more))
        return self.workers[-1]

    def plain(self, server, **more):
        return dict({"url": server.url(), "security": "none"}, **more)

    def check(self, answer, result, stage, **more):
        expected = dict({"result": result, "stage": stage}, **more)
        self.assertEqual({key: answer.get(key) for key in expected}, expected, answer)


class Accepted(Sender):
    def test_reuse_of_the_session(self):
        server, worker = self.server(), self.worker()
        for _ in range(3):
            self.check(worker.send(server.url()), "sent", "dot", code=250, enhanced="2.0.0", text="OK id=17",
                       connection=False, server=server.url())
        self.assertEqual(worker.close(), 0)
        server.wait_for("QUIT")
        self.assertEqual(server.connections, 1)
        self.assertEqual(server.verbs(), ["EHLO"] + ["MAIL", "RCPT", "DATA"] * 3 + ["QUIT"])

    def test_two_servers_in_turn(self):
        one, two, worker = self.server(), self.server(), self.worker()
        for server in (one, two, one):
            self.check(worker.send(server.url()), "sent", "dot")
        self.assertEqual((one.connections, two.connections), (2, 1))

    def test_bytes(self):
        body = b".first\r\nb\n.\n\rc\r.\r\n..\r\nS\xc3\xa1ng\r\nno end"
        wire = b"..first\r\nb\r\n..\r\n\r\nc\r\n..\r\n...\r\nS\xc3\xa1ng\r\nno end\r\n"
        server, worker = self.server(), self.worker()
        self.check(worker.send(server.url(), body=body), "sent", "dot")
        self.assertEqual(server.messages[0]["raw"], wire)
        self.assertEqual(server.messages[0]["MAIL"], "MAIL FROM:<cchc@skhcn.example>")
        self.assertEqual(server.messages[0]["RCPT"], "RCPT TO:<vp@skhcn.example>")

    def test_large(self):
        body = b"".join(b"%06d %s\r\n" % (n, b"x" * 60) for n in range(80000))
        server, worker = self.server(), self.worker()
        self.check(worker.send(server.url(), body=body), "sent", "dot")
        self.assertEqual(server.messages[0]["raw"], body)

    def test_waiting_message(self):
        server, worker = self.server(), self.worker()
        first, second = worker.begin(server.url()), worker.begin(server.url())
        self.assertEqual([worker.answer()["reply"], worker.answer()["reply"]], [first, second])

    def test_proxy_is_not_obeyed(self):
        server, worker = self.server(), self.worker(env={"all_proxy": "socks5://127.0.0.1:1"})
        self.check(worker.send(server.url()), "sent", "dot")

    def test_addresses(self):
        server, worker = self.server({"EHLO": UTF8}), self.worker()
        self.check(worker.send(server.url(), to="vp@sở.example"), "sent", "dot")
        self.check(worker.send(server.url(), to="nguyễn@skhcn.example"), "sent", "dot")
        self.assertIn("RCPT TO:<vp@xn--s-lym.example>", server.commands)
        self.assertIn("MAIL FROM:<cchc@skhcn.example> SMTPUTF8", server.commands)
        self.assertIn("RCPT TO:<nguyễn@skhcn.example>", server.commands)


class Refused(Sender):
    CASES = (
        # what the server says, at which step; then result, stage, connection, code, enhanced, text
        ("greeting", "421 4.3.2 busy", "temporary", "connect", True, 421, "4.3.2", "busy"),
        ("greeting", "554 go away", "temporary", "connect", True, 554, None, "go away"),
        ("MAIL", "451 4.3.0 later", "temporary", "mail", False, 451, "4.3.0", "later"),
        ("MAIL", "550 5.7.1 not you", "permanent", "mail", False, 550, "5.7.1", "not you"),
        ("MAIL", "530 5.7.0 authenticate", "temporary", "mail", True, 530, "5.7.0", "authenticate"),
        ("MAIL", "421 4.7.0 closing", "temporary", "mail", True, 421, "4.7.0", "closing"),
        ("RCPT", "450 4.2.1 grey", "temporary", "rcpt", False, 450, "4.2.1", "grey"),
        ("RCPT", "550-5.1.1 no such\n550 5.1.1 user", "permanent", "rcpt", False, 550, "5.1.1", "no such user"),
        ("RCPT", "550 4.1.1 odd", "permanent", "rcpt", False, 550, None, "4.1.1 odd"),
        ("RCPT", "550 bad\x1b[2J\xe9", "permanent", "rcpt", False, 550, None, "bad [2J\xe9"),
        ("DATA", "452 4.3.1 full", "temporary", "data", False, 452, "4.3.1", "full"),
        ("DATA", "554 5.5.1 no", "permanent", "data", False, 554, "5.5.1", "no"),
        ("dot", "451 4.3.0 later", "temporary", "dot", False, 451, "4.3.0", "later"),
        ("dot", "554 5.7.1 spam", "permanent", "dot", False, 554, "5.7.1", "spam"),
        ("dot", "421 4.3.2 stopping", "temporary", "dot", True, 421, "4.3.2", "stopping"),
    )

    def test_refusals(self):
        for step, says, result, stage, connection, code, enhanced, text in self.CASES:
            with self.subTest(step=step, says=says):
                server, worker = self.server({step: says}), self.worker()
                self.check(worker.send(server.url()), result, stage, connection=connection, code=code,
                           enhanced=enhanced, text=text)
                self.assertEqual(server.connections, 1)
                worker.close()

    def test_next_message_after_a_refusal(self):
        server, worker = self.server({"RCPT": ("550 5.1.1 no", "250 yes")}), self.worker()
        self.check(worker.send(server.url()), "permanent", "rcpt")
        self.check(worker.send(server.url()), "sent", "dot")

    def test_long_text_is_cut(self):
        says = "\n".join(["550-5.7.1 " + "đ" * 200] * 20 + ["550 5.7.1 end"])
        server, worker = self.server({"RCPT": says}), self.worker()
        answer = worker.send(server.url())
        self.check(answer, "permanent", "rcpt", code=550, enhanced="5.7.1")
        self.assertGreater(len(answer["text"].encode()), 400)
        self.assertLess(len(answer["text"].encode()), 512)

    def test_refusal_does_not_wait_for_quit(self):
        server, worker = self.server({"RCPT": "550 5.1.1 no", "QUIT": hang}), self.worker()
        begin = time.monotonic()
        self.check(worker.send(server.url()), "permanent", "rcpt")
        self.assertLess(time.monotonic() - begin, 10)

    def test_utf8_not_offered(self):
        server, worker = self.server(), self.worker()
        for _ in range(2):
            self.check(worker.send(server.url(), to="nguyễn@skhcn.example"), "permanent", "mail", connection=False)
        # The same on a session that is open already.
        self.check(worker.send(server.url()), "sent", "dot")
        self.check(worker.send(server.url(), to="nguyễn@skhcn.example"), "permanent", "mail")
        self.assertNotIn("nguyễn", "".join(c for c in server.commands if c.startswith("RCPT")))

    def test_bad_addresses(self):
        server, worker = self.server(), self.worker()
        for address in ("a@b.example>\r\nRCPT TO:<c@d.example", "a@b.example\n", "a b@c.example", "a", "@b", "a@",
                        "<a@b.example>", "a@b@c.example", "x" * 65 + "@b.example", "a@" + "b" * 70 + ".example",
                        "a@b..example", "a@b.example.", ""):
            for key in ("to", "from"):
                answer = worker.send(server.url(), **{key: address})
                self.check(answer, "permanent", "config", connection=False)
        self.check(worker.send(server.url(), body=b""), "permanent", "config")
        self.assertEqual(server.connections, 0)

    def test_bad_servers(self):
        server, worker = self.server(), self.worker()
        for more in ({"url": "http://127.0.0.1"}, {"url": f"smtp://user:pw@127.0.0.1:{server.port}"},
                     {"url": f"{server.url()}/x%0d%0aRSET"}, {"url": "smtp://"}, {"url": "maildir:"},
                     {"url": "maildir:../x"}, {"url": "maildir:/x"}, {"url": "maildir:a/.b"}, {"auth": "ntlm"},
                     {"security": "maybe"}, {"user": "x"}, {"credential": "x"}, {"user": ""},
                     {"user": "x", "credential": "../x"}, {"user": 7}, {"ca_file": "a\nb"}):
            with self.subTest(more=more):
                self.check(worker.send(self.plain(server, **more)), "temporary", "config", connection=True)
        self.assertEqual(server.connections, 0)


class Lost(Sender):
    def test_nobody_there(self):
        server, worker = self.server(), self.worker()
        server.close()
        self.check(worker.send(server.url()), "temporary", "connect", connection=True, code=0)

    def test_lost_before_the_dot(self):
        for step, stage in (("greeting", "connect"), ("EHLO", "connect"), ("MAIL", "mail"), ("RCPT", "rcpt"),
                            ("DATA", "data")):
            for how in (Drop, Drop(reset=True)):
                with self.subTest(step=step, how=how):
                    server, worker = self.server({step: how}), self.worker()
                    self.check(worker.send(server.url()), "temporary", stage, connection=True)
                    self.assertEqual(server.connections, 1)

    def test_lost_within_the_body(self):
        """The dot was never sent: nothing is in doubt."""
        def half(server, _):
            server.open[-1].sendall(b"354 go ahead\r\n")
            server.open[-1].recv(10000)
            raise Drop(reset=True)

        server, worker = self.server({"DATA": half}), self.worker()
        self.check(worker.send(server.url(), body=b"x\r\n" * 5000000), "temporary", "data", connection=True)

    def test_doubt(self):
        for how in (Drop, Drop(reset=True)):
            server, worker = self.server({"dot": how}), self.worker()
            self.check(worker.send(server.url()), "doubt", "dot", connection=False, code=0, enhanced=None)

    def test_timeouts(self):
        for step, result, stage in (("greeting", "temporary", "connect"), ("RCPT", "temporary", "rcpt"),
                                    ("dot", "doubt", "dot")):
            with self.subTest(step=step):
                server, worker = self.server({step: hang, "QUIT": hang}), self.worker()
                begin = time.monotonic()
                self.check(worker.send(server.url(), timeout=1.5), result, stage, connection=result != "doubt")
                self.assertGreater(time.monotonic() - begin, 1.4)
                self.assertLess(time.monotonic() - begin, 15)

    def test_idle_close(self):
        """A server that ended the idle session costs nothing but a new one."""
        for farewell in (b"421 4.4.2 idle too long\r\n", b""):
            server, worker = self.server(), self.worker()
            self.check(worker.send(server.url()), "sent", "dot")
            server.open[0].sendall(farewell)
            server.open[0].shutdown(1)
            time.sleep(0.1)
            self.check(worker.send(server.url()), "sent", "dot")
            self.assertEqual(server.connections, 2)
            self.assertEqual(len(server.messages), 2)

    def test_idle_close_is_tried_once(self):
        server, worker = self.server({"MAIL": ("250 OK", Drop)}), self.worker()
        self.check(worker.send(server.url()), "sent", "dot")
        self.check(worker.send(server.url()), "temporary", "mail", connection=True)
        self.assertEqual(server.connections, 2)

    def test_421_on_a_new_connection_is_final(self):
        server, worker = self.server({"MAIL": "421 4.7.0 no"}), self.worker()
        self.check(worker.send(server.url()), "temporary", "mail", connection=True, code=421)
        self.assertEqual(server.connections, 1)


class Ended(Sender):
    def timed(self, act):
        begin = time.monotonic()
        result = act()
        return result, time.monotonic() - begin

    def test_abort_before_the_dot(self):
        server, worker = self.server({"RCPT": hang, "QUIT": hang}), self.worker()
        worker.begin(server.url(), timeout=60)
        server.wait_for("RCPT")
        worker.write({"verb": "abort"})
        answer, took = self.timed(worker.answer)
        self.check(answer, "temporary", "rcpt", connection=False)
        self.assertLess(took, 10)

    def test_abort_after_the_dot(self):
        server, worker = self.server({"dot": hang, "QUIT": hang}), self.worker()
        worker.begin(server.url(), timeout=60)
        server.wait_for("dot")
        worker.write({"verb": "abort"})
        answer, took = self.timed(worker.answer)
        self.check(answer, "doubt", "dot")
        self.assertGreater(took, 1.4)
        self.assertLess(took, 10)

    def test_abort_and_the_answer_in_time(self):
        def slow(_server, _number):
            time.sleep(0.5)
            return "250 2.0.0 late"

        server, worker = self.server({"dot": slow}), self.worker()
        worker.begin(server.url(), timeout=60)
        server.wait_for("dot")
        worker.write({"verb": "abort"})
        self.check(worker.answer(), "sent", "dot", text="late")

    def test_abort_drops_the_waiting_one_too(self):
        server, worker = self.server({"RCPT": (hang, "250 OK")}), self.worker()
        worker.begin(server.url(), timeout=60)
        worker.begin(server.url())
        server.wait_for("RCPT")
        worker.write({"verb": "abort"})
        self.check(worker.answer(), "temporary", "rcpt")
        self.check(worker.answer(), "temporary", "config", connection=False)
        self.check(worker.send(server.url()), "sent", "dot")  # and then it is ready again

    def test_idle_abort_means_nothing(self):
        server, worker = self.server(), self.worker()
        worker.write({"verb": "abort"})
        time.sleep(0.1)
        self.check(worker.send(server.url()), "sent", "dot")

    def test_hang_up_before_the_dot(self):
        server, worker = self.server({"RCPT": hang}), self.worker()
        worker.begin(server.url(), timeout=60)
        server.wait_for("RCPT")
        status, took = self.timed(worker.close)
        self.assertEqual(status, 0)
        self.assertLess(took, 10)
        self.assertEqual(server.messages, [])

    def test_hang_up_within_the_body(self):
        def half(server, _):
            server.open[-1].sendall(b"354 go ahead\r\n")
            server.done.wait(30)
            return ""

        server, worker = self.server({"DATA": half}), self.worker()
        worker.begin(server.url(), timeout=60, body=b"x\r\n" * 5000000)
        time.sleep(0.5)
        status, took = self.timed(worker.close)
        self.assertEqual(status, 0)
        self.assertLess(took, 10)

    def test_hang_up_after_the_dot(self):
        server, worker = self.server({"dot": hang}), self.worker()
        worker.begin(server.url(), timeout=60)
        server.wait_for("dot")
        status, took = self.timed(worker.close)
        self.assertEqual(status, 0)
        self.assertGreater(took, 1.4)

    def test_sigterm(self):
        server, worker = self.server({"RCPT": hang}), self.worker()
        worker.begin(server.url(), timeout=60)
        server.wait_for("RCPT")
        worker.process.send_signal(signal.SIGTERM)
        self.check(worker.answer(), "temporary", "rcpt", connection=False)
        self.assertEqual(worker.process.wait(15), 0)

    def test_sigterm_when_idle(self):
        server, worker = self.server(), self.worker()
        self.check(worker.send(server.url()), "sent", "dot")
        worker.process.send_signal(signal.SIGTERM)
        self.assertEqual(worker.process.wait(15), 0)
        server.wait_for("QUIT")
        self.assertEqual(server.verbs()[-1], "QUIT")

    def test_closing_does_not_wait(self):
        server, worker = self.server({"QUIT": hang}), self.worker()
        self.check(worker.send(server.url()), "sent", "dot")
        status, took = self.timed(worker.close)
        self.assertEqual(status, 0)
        self.assertLess(took, 10)

    def test_not_the_protocol(self):
        server = self.server({"RCPT": hang})
        for act in (
            lambda w: w.write({"verb": "frobnicate"}),
            lambda w: w.write({"verb": "send"}),
            lambda w: w.peer.sendall(b"junk\0"),
            lambda w: [w.begin(server.url(), timeout=60) for _ in range(4)],
        ):
            worker = self.worker()
            act(worker)
            self.assertEqual(worker.process.wait(15), 76)

    def test_another_version(self):
        self.workers.append(Worker(PROGRAM, "0.0.0-other"))
        self.assertEqual(self.workers[-1].process.wait(15), 76)


class Piped(Sender):
    """A server that offers PIPELINING: the same again, and what can only go wrong there."""

    OFFERS = ("PIPELINING",)


class PipedAccepted(Piped, Accepted):
    pass


class PipedRefused(Piped, Refused):
    def tearDown(self):
        """This server says 354 to DATA whatever it said to RCPT: where nobody is to get it, no message was sent."""
        for server in self.servers:
            refused = any(isinstance(says, str) and says[0] in "45" for step, says in server.script.items() if step != "dot")
            if refused:
                self.assertEqual([m["raw"] for m in server.messages if m["raw"]], [], server.script)
        super().tearDown()


class PipedLost(Piped, Lost):
    pass


class PipedEnded(Piped, Ended):
    pass


class Bytes(Sender):
    """What comes in which packet."""

    GROUP = b"MAIL FROM:<cchc@skhcn.example>\r\nRCPT TO:<vp@skhcn.example>\r\nDATA\r\n"
    BODY = b"Subject: x\r\n\r\ntext\r\n.\r\n"
    FINE, TAKEN = b"250 ok\r\n250 ok\r\n354 go\r\n", b"250 2.0.0 OK id=17\r\n"

    def play(self, *steps, then=(), **more):
        """The steps of the first connection, and of the one after it."""
        self.servers.append(ByteServer(steps, then, **more))
        return self.servers[-1], self.worker()

    def tearDown(self):
        super().tearDown()
        for server in self.servers:
            self.assertEqual(server.surprises, [])

    AGAIN = ((GROUP, FINE), (BODY, TAKEN))

    @staticmethod
    def drop_by_drop(data):
        def say(connection):
            for byte in data:
                connection.sendall(bytes([byte]))
                time.sleep(0.002)

        return say

    def test_groups(self):
        server, worker = self.play(*[(self.GROUP, self.FINE), (self.BODY, self.TAKEN)] * 3)
        for _ in range(3):
            self.check(worker.send(server.url()), "sent", "dot", code=250, enhanced="2.0.0", text="OK id=17")
        self.assertEqual(server.connections, 1)

    def test_drop_by_drop(self):
        several = b"250-2.1.0 one\r\n250 2.1.0 two\r\n250-a\r\n250 b\r\n354-well\r\n354 go\r\n"
        server, worker = self.play((self.GROUP, self.drop_by_drop(several)), (self.BODY, self.drop_by_drop(self.TAKEN)))
        self.check(worker.send(server.url()), "sent", "dot", text="OK id=17")

    def test_not_offered(self):
        steps = [(line + b"\r\n", b"250 ok\r\n") for line in self.GROUP.split(b"\r\n")[:2]]
        steps += [(b"DATA\r\n", b"354 go\r\n"), (self.BODY, self.TAKEN)]
        server, worker = self.play(*steps, *steps, offers=())
        for _ in range(2):
            self.check(worker.send(server.url()), "sent", "dot")

    def test_message_for_nobody(self):
        """354 after a refused recipient: a dot and nothing else; and the session goes on."""
        for answer in (b"554 5.5.1 no valid recipients\r\n", b"250 2.0.0 taken\r\n"):
            server, worker = self.play(
                (self.GROUP, b"250 ok\r\n550 5.1.1 nobody\r\n354 go\r\n"), (b".\r\n", answer),
                (self.GROUP, self.FINE), (self.BODY, self.TAKEN),
            )
            self.check(worker.send(server.url()), "permanent", "rcpt", code=550, enhanced="5.1.1", text="nobody")
            self.check(worker.send(server.url()), "sent", "dot")
            self.assertEqual(server.connections, 1)

    def test_refused_and_reset(self):
        for says, result, stage, rset in (
            (b"250 ok\r\n550 no\r\n503 no recipients\r\n", "permanent", "rcpt", b"RSET\r\n"),
            (b"250 ok\r\n250 ok\r\n452 full\r\n", "temporary", "data", b"RSET\r\n"),
            (b"450 later\r\n503 no\r\n503 no\r\n", "temporary", "mail", b""),
        ):
            again = self.FINE if not rset else b"250 reset\r\n" + self.FINE
            server, worker = self.play((self.GROUP, says), (rset + self.GROUP, again), (self.BODY, self.TAKEN))
            self.check(worker.send(server.url()), result, stage, connection=False)
            self.check(worker.send(server.url()), "sent", "dot")
            self.assertEqual(server.connections, 1)

    def test_reset_refused(self):
        """It costs a connection, not the message."""
        server, worker = self.play(
            (self.GROUP, b"250 ok\r\n550 no\r\n503 no\r\n"), (b"RSET\r\n" + self.GROUP, b"502 what?\r\n"), then=self.AGAIN
        )
        self.check(worker.send(server.url()), "permanent", "rcpt")
        self.check(worker.send(server.url()), "sent", "dot")
        self.assertEqual(server.connections, 2)

    def test_dropped_between_the_replies(self):
        for says, result, stage, connection in (
            (b"", "temporary", "mail", True),
            (b"250 ok\r\n", "temporary", "rcpt", True),
            (b"250 ok\r\n25", "temporary", "rcpt", True),
            (b"250 ok\r\n250-ok\r\n", "temporary", "rcpt", True),
            (b"250 ok\r\n250 ok\r\n", "temporary", "data", True),
            (b"250 ok\r\n421 4.7.0 too many\r\n", "temporary", "rcpt", True),
            (b"250 ok\r\n550 5.1.1 nobody\r\n", "permanent", "rcpt", False),
            (b"550 5.1.8 nobody\r\n", "permanent", "mail", False),
        ):
            with self.subTest(says=says):
                server, worker = self.play((self.GROUP, says), (b"", Drop))
                self.check(worker.send(server.url()), result, stage, connection=connection)

    def test_refused_and_silent(self):
        """The verdict stands: it does not wait for the rest, and what comes late is not taken for the next message's."""
        def late(connection):
            connection.sendall(b"250 ok\r\n550 5.1.1 nobody\r\n")
            time.sleep(2)
            connection.sendall(b"503 no recipients\r\n")

        server, worker = self.play((self.GROUP, late), then=self.AGAIN)
        begin = time.monotonic()
        self.check(worker.send(server.url(), timeout=60), "permanent", "rcpt")
        self.assertLess(time.monotonic() - begin, 15)
        self.check(worker.send(server.url()), "sent", "dot")
        self.assertEqual(server.connections, 2)

    def test_out_of_turn(self):
        """Said before it was asked for: nobody's answer, and no message is sent."""
        for offers, wanted, says, result, stage, code in (
            (("PIPELINING",), self.GROUP, self.FINE + self.TAKEN, "temporary", "data", 0),
            (("PIPELINING",), self.GROUP, self.FINE + b"25", "temporary", "data", 0),
            (("PIPELINING",), self.GROUP, self.FINE + b"421 4.3.2 off\r\n", "temporary", "data", 421),
            (("PIPELINING",), self.GROUP, self.FINE + b"552 5.3.4 too big\r\n", "permanent", "data", 552),
            ((), self.GROUP.split(b"\n")[0] + b"\n", b"250 ok\r\n" + self.FINE, "temporary", "mail", 0),
        ):
            with self.subTest(says=says):
                server, worker = self.play((wanted, says), offers=offers)
                answer = worker.send(server.url())
                self.check(answer, result, stage, connection=result == "temporary", code=code)
                self.assertEqual(server.wait_for_rests(1), [b""])

    def test_after_the_end(self):
        """What comes with the last reply changes nothing, and is not the next message's."""
        server, worker = self.play((self.GROUP, self.FINE), (self.BODY, self.TAKEN + b"554 5.0.0 no\r\n"), then=self.AGAIN)
        self.check(worker.send(server.url()), "sent", "dot")
        self.check(worker.send(server.url()), "sent", "dot")
        self.assertEqual(server.connections, 2)

    def test_while_idle(self):
        """Whatever a server says between two messages, the next one gets a new session, not that for an answer."""
        for says in (b"250 ok\r\n", b"554 5.0.0 off with you\r\n", b"421 4.4.2 idle\r\n", b"x"):
            said = threading.Event()

            def speak(connection, says=says, said=said):
                connection.sendall(self.TAKEN)
                time.sleep(0.1)
                connection.sendall(says)
                said.set()

            server, worker = self.play((self.GROUP, self.FINE), (self.BODY, speak), then=self.AGAIN)
            self.check(worker.send(server.url()), "sent", "dot")
            self.assertTrue(said.wait(10))
            self.check(worker.send(server.url()), "sent", "dot")
            self.assertEqual(server.connections, 2)

    def test_early_in_the_message(self):
        """A server that has had enough before the dot: its word counts, and nothing is in doubt."""
        heard = threading.Event()

        def enough(connection):
            connection.sendall(self.FINE)
            connection.recv(10000)
            connection.sendall(b"552 5.3.4 too big\r\n")
            heard.wait(60)  # it takes no more: the dot can not leave before

        server, worker = self.play((self.GROUP, enough))
        self.addCleanup(heard.set)
        answer = worker.send(server.url(), body=b"x\r\n" * 5000000, timeout=60)
        heard.set()
        self.check(answer, "permanent", "data", code=552, enhanced="5.3.4")

    def test_no_smtp(self):
        for says in (b"250 ok\r\nwhat\r\n", b"250 ok\r\n" + b"250-" + b"x" * 9000, b"250 ok\r\n2500 ok\r\n",
                     b"250 ok\r\n" + b"250-x\r\n" * 20000, b"250 ok\r\n\0\0\0\r\n", b"250 ok\r\n999 x\r\n"):
            with self.subTest(says=says[:20]):
                server, worker = self.play((self.GROUP, says))
                answer = worker.send(server.url(), timeout=60)
                self.check(answer, "temporary", "rcpt", connection=True, code=0)

    def test_control_characters(self):
        server, worker = self.play((self.GROUP, b"250 ok\r\n550 5.1.1 a\0b\x1b[1mc\xff\r\n503 no\r\n"))
        answer = worker.send(server.url())
        self.check(answer, "permanent", "rcpt", code=550, enhanced="5.1.1")
        self.assertNotIn("\0", answer["text"])
        self.assertNotIn("\x1b", answer["text"])


class Secure(Sender):
    """TLS and AUTH."""

    def setUp(self):
        super().setUp()
        if TLS is None:
            self.skipTest("openssl is not installed (apt-get install openssl)")
        self.ca = {"ca_file": os.path.join(FOLDER, "ca.pem")}
        self.user = {"user": "cchc", "credential": "pw"}

    def worker(self, **more):
        return super().worker(env={"CREDENTIALS_DIRECTORY": os.path.join(FOLDER, "credentials")}, **more)

    def secret(self, server):
        """What followed AUTH PLAIN."""
        return [base64.b64decode(c).decode() for c in server.commands if c.startswith("AG")]

    def test_smtps(self):
        server, worker = self.server({"EHLO": AUTH}, tls=TLS, implicit_tls=True), self.worker()
        for _ in range(2):
            answer = worker.send({"url": server.url("smtps"), **self.ca, **self.user})
            self.check(answer, "sent", "dot")
        self.assertEqual(server.connections, 1)
        self.assertEqual(self.secret(server), ["\0cchc\0secret"])

    def test_starttls(self):
        def ehlo(server, _):
            return AUTH if "STARTTLS" in server.commands else "250-test.example\n250 STARTTLS"

        server, worker = self.server({"EHLO": ehlo}, tls=TLS), self.worker()
        for _ in range(2):
            self.check(worker.send({"url": server.url(), **self.ca, **self.user}), "sent", "dot")
        self.assertEqual(server.verbs()[:4], ["EHLO", "STARTTLS", "EHLO", "AUTH"])
        self.assertEqual(server.connections, 1)

    def test_said_before_tls(self):
        """What was offered, or said too early, in clear is worth nothing behind TLS."""
        def ehlo(server, _):
            return "250-test.example\n250 8BITMIME" if "STARTTLS" in server.commands else "250-t\n250-PIPELINING\n250 STARTTLS"

        server, worker = self.server({"EHLO": ehlo, "MAIL": hang}, tls=TLS), self.worker()
        worker.begin({"url": server.url(), **self.ca}, timeout=1.5)
        self.check(worker.answer(), "temporary", "mail", connection=True)
        self.assertEqual(server.verbs(), ["EHLO", "STARTTLS", "EHLO", "MAIL"])
        injected = "220 2.0.0 ready\n250-injected\n250-AUTH PLAIN\n250 PIPELINING"
        server, worker = self.server({"EHLO": ehlo, "STARTTLS": injected}, tls=TLS), self.worker()
        answer = worker.send({"url": server.url(), **self.ca, **self.user})
        self.check(answer, "temporary", answer["stage"], connection=True)
        self.assertNotIn("AUTH", server.verbs())
        self.assertEqual(server.messages, [])

    def test_long_message(self):
        """Many records, a reply that comes with the handshake's last bytes, and a session for two."""
        body = b"".join(b"%06d %s\r\n" % (n, b"x" * 60) for n in range(40000))
        for offers in ((), ("PIPELINING",)):
            self.OFFERS = offers
            server, worker = self.server(tls=TLS, implicit_tls=True), self.worker()
            for _ in range(2):
                self.check(worker.send({"url": server.url("smtps"), **self.ca}, body=body, timeout=60), "sent", "dot")
                self.assertEqual(server.messages[-1]["raw"], body)
            self.assertEqual(server.connections, 1)

    def test_starttls_missing_or_refused(self):
        for script in ({"EHLO": AUTH}, {"EHLO": "250-t\n250-AUTH PLAIN\n250 STARTTLS", "STARTTLS": "454 4.7.0 no"},
                       {"EHLO": "502 5.5.1 what?"}):
            server, worker = self.server(script), self.worker()
            answer = worker.send({"url": server.url(), **self.user})
            self.check(answer, "temporary", answer["stage"], connection=True)
            self.assertIn(answer["stage"], ("tls", "connect"))
            self.assertNotIn("AUTH", server.verbs())
            self.assertNotIn("MAIL", server.verbs())

    def test_certificates(self):
        for server in (self.server(tls=TLS, implicit_tls=True),
                       self.server({"EHLO": "250-t\n250 STARTTLS"}, tls=TLS)):
            for ca in ("other.pem", "none.pem"):
                worker = self.worker()
                url = server.url("smtps" if server.implicit_tls else "smtp")
                answer = worker.send({"url": url, "ca_file": os.path.join(FOLDER, ca)})
                self.check(answer, "temporary", "tls", connection=True)
            self.assertNotIn("MAIL", server.verbs())

    def test_name_in_the_certificate(self):
        server, worker = self.server(tls=TLS, implicit_tls=True), self.worker()
        answer = worker.send({"url": f"smtps://localhost:{server.port}", **self.ca})
        self.check(answer, "temporary", "tls", connection=True)

    def test_auth_missing(self):
        """libcurl would send the mail unauthenticated, and be content."""
        for ehlo in (Server.EHLO, AUTH.replace("AUTH", "auth"), "502 5.5.1 what?"):
            server, worker = self.server({"EHLO": ehlo}, tls=TLS, implicit_tls=True), self.worker()
            answer = worker.send({"url": server.url("smtps"), **self.ca, **self.user})
            self.check(answer, "temporary", "auth", connection=True)
            self.assertNotIn("MAIL", server.verbs())

    def test_auth_refused(self):
        for says, code in (("535 5.7.8 wrong", 535), ("454 4.7.0 later", 454)):
            server, worker = self.server({"EHLO": AUTH, "AUTH": says}), self.worker()
            answer = worker.send(self.plain(server, **self.user))
            self.check(answer, "temporary", "auth", connection=True, code=code)
            self.assertNotIn("MAIL", server.verbs())
            self.assertNotIn("secret", str(answer))

    def test_no_mechanism_in_common(self):
        server, worker = self.server({"EHLO": AUTH.replace("PLAIN LOGIN", "GSSAPI NTLM")}), self.worker()
        self.check(worker.send(self.plain(server, **self.user)), "temporary", "auth", connection=True)

    def test_mechanisms(self):
        everything = AUTH.replace("PLAIN LOGIN", "CRAM-MD5 LOGIN PLAIN XOAUTH2")
        for auth, starts, holds in (("plain", "AUTH PLAIN", "\0cchc\0secret"), ("login", "AUTH LOGIN", "secret"),
                                    ("xoauth2", "AUTH XOAUTH2", "auth=Bearer secret"),
                                    (None, "AUTH PLAIN", "\0cchc\0secret")):
            server, worker = self.server({"EHLO": everything}), self.worker()
            self.check(worker.send(self.plain(server, auth=auth, **self.user)), "sent", "dot")
            commands = server.commands[1 : server.verbs().index("MAIL")]
            self.assertTrue(commands[0].startswith(starts), commands)
            self.assertIn(holds, base64.b64decode(commands[-1].split(" ")[-1]).decode())

    def test_changed_password(self):
        """Read anew for each message: a new password makes a new session."""
        server, worker = self.server({"EHLO": AUTH}), self.worker()
        path = os.path.join(FOLDER, "credentials", "other")
        for secret in ("one", "one", "two\r\n"):
            with open(path, "w", encoding="ascii") as file:
                file.write(secret)
            answer = worker.send(self.plain(server, user="cchc", credential="other"))
            self.check(answer, "sent", "dot")
        self.assertEqual(self.secret(server), ["\0cchc\0one", "\0cchc\0two"])
        self.assertEqual(server.connections, 2)

    def test_password_file(self):
        path = os.path.join(FOLDER, "password")
        with open(path, "w", encoding="ascii") as file:
            file.write("from a file\n")
        for mode, fine in ((0o600, True), (0o400, True), (0o640, False), (0o604, False)):
            os.chmod(path, mode)
            server, worker = self.server({"EHLO": AUTH}), self.worker()
            answer = worker.send(self.plain(server, user="cchc", password_file=path))
            if fine:
                self.check(answer, "sent", "dot")
                self.assertEqual(self.secret(server), ["\0cchc\0from a file"])
            else:
                self.check(answer, "temporary", "config", connection=True)
                self.assertEqual(server.connections, 0)

    def test_credential_missing(self):
        server, worker = self.server({"EHLO": AUTH}), self.worker()
        answer = worker.send(self.plain(server, user="cchc", credential="nowhere"))
        self.check(answer, "temporary", "config", connection=True)
        self.assertIn("/credentials/nowhere (0600)", answer["text"])
        self.assertEqual(server.connections, 0)


class Maildir(Sender):
    def setUp(self):
        super().setUp()
        self.folder = tempfile.mkdtemp(dir=FOLDER)

    def only(self, *path):
        names = os.listdir(os.path.join(self.folder, *path))
        self.assertEqual(len(names), 1, names)
        with open(os.path.join(self.folder, *path, names[0]), "rb") as file:
            return names[0], file.read()

    def test_places(self):
        elsewhere = {"STATE_DIRECTORY": "/nonexistent"}
        for more, place in (
            ({"env": {"STATE_DIRECTORY": self.folder + "/a:/nonexistent"}}, "a"),
            ({"env": {"EVIDENCED_MAIL_DIR": self.folder + "/b", **elsewhere}}, "b"),
            ({"cwd": self.folder}, "."),
        ):
            answer = self.worker(**more).send({"url": "maildir:sent/mail"}, body=b"Subject: x\r\n\r\n.\r\nend")
            self.check(answer, "sent", "dot", code=250, connection=False)
            name, content = self.only(place, "sent", "mail", "new")
            self.assertIn(name, answer["text"])
            self.assertEqual(content, b"Return-Path: <cchc@skhcn.example>\nDelivered-To: vp@skhcn.example\n"
                                      b"Subject: x\n\n.\nend\n")
            self.assertEqual(os.listdir(os.path.join(self.folder, place, "sent", "mail", "tmp")), [])
            self.assertEqual(os.listdir(os.path.join(self.folder, place, "sent", "mail", "cur")), [])
            shutil.rmtree(os.path.join(self.folder, place, "sent"))

    def test_many(self):
        worker = self.worker(env={"EVIDENCED_MAIL_DIR": self.folder})
        for _ in range(50):
            self.check(worker.send({"url": "maildir:sent"}), "sent", "dot")
        names = os.listdir(os.path.join(self.folder, "sent", "new"))
        self.assertEqual(len(set(names)), 50)

    def test_not_writable(self):
        with open(os.path.join(self.folder, "sent"), "wb"):
            pass
        answer = self.worker(env={"EVIDENCED_MAIL_DIR": self.folder}).send({"url": "maildir:sent"})
        self.check(answer, "temporary", "data", connection=True)


if __name__ == "__main__":
    PROGRAM, VERSION = os.path.abspath(sys.argv[1]), sys.argv[2]
    with tempfile.TemporaryDirectory() as FOLDER:
        os.mkdir(os.path.join(FOLDER, "credentials"))
        with open(os.path.join(FOLDER, "credentials", "smtp_pw"), "w", encoding="ascii") as secret_file:
            secret_file.write("secret\n")
        TLS = make_certificates(FOLDER)
        unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=1)
