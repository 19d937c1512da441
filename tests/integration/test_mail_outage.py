#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Mail servers that are down: the next in order, back-off, what is withdrawn meanwhile, what goes first, and who decides about it."""

import collections
import signal
import threading
import time

import evmail
import evtest
from evmail import TODAY, YESTERDAY, head_address, unit_address

REPORTS = 'reports: ( { id = "daily"; repeat = "FREQ=DAILY"; at = "07:30"; to = [ "director" ]; scope = "all"; } );'


# of a server, where a service must not wait for it; it stops in two seconds and a little
LONG, STOPS_WITHIN = "60s", 15


class Gate:
    """What a server does at a stage: nothing until the test opens it."""

    def __init__(self):
        self.reached, self.opened = threading.Event(), threading.Event()

    def __call__(self, _):
        self.reached.set()
        self.opened.wait(evtest.PATIENCE)

    def wait(self):
        if not self.reached.wait(evtest.PATIENCE):
            raise AssertionError("the server was never asked")


class Outage(evmail.Office):
    def server_that_is_down(self):
        """Comes up with start()."""
        server = evtest.SmtpServer()
        server.take_port()
        self.addCleanup(server.stop)
        return server

    def retry_all(self, service):
        for mail in service.ctl("queue", "--json").json():
            service.ctl("queue", "retry", mail["id"], status=None)  # one may leave before its turn

    def test_next_in_order(self):
        """The first is down, so the second takes all; when the first is back it is the first again."""
        with evtest.SmtpServer() as second:
            first = self.server_that_is_down()
            self.office(evmail.server(first.url), evmail.server(second.url), units=5)
            with self.service() as service:
                second.wait_for(5)
                evtest.eventually(lambda: self.status(service)["outbox"]["sent"] == 5, "five sent")
                status = self.status(service)
                self.assertEqual([s["state"] for s in status["servers"]], ["down", "ok"], status)
                self.assertEqual(status["state"], "degraded")
                self.assertEqual([m["tries"] for m in service.ctl("queue", "--all", "--json").json()], [1] * 5)
                first.start()
                service.ctl("queue", "hold", 1, status=1)  # sent: nothing to hold
                service.ctl("send-test", "somebody@office.example")
                second.wait_for(6)  # the first is not asked before its time
        self.assertEqual(len(first.taken), 0)
        self.assertEqual(len({m.recipients[0] for m in second.taken}), 6)

    def test_all_down_and_back(self):
        """Queued with a pause, degraded with reasons; delivered once, when it is back and asked for."""
        server, other = self.server_that_is_down(), self.server_that_is_down()
        urls = [server.url, other.url]
        self.office(*map(evmail.server, urls), units=3, connections=4)
        with self.service() as service:
            for n in range(3):
                self.wait_state(service, unit_address(n), "queued")
            status = evtest.eventually(
                lambda: next((s for s in [self.status(service)] if len(s["reasons"]) == 2), None), "two reasons"
            )
            self.assertEqual(status["state"], "degraded", status)
            evtest.eventually(lambda: self.status(service)["outbox"]["queued"] == 3, "three wait")
            for url, reason in zip(urls, status["reasons"]):
                self.assertIn(f"mail server {url}: ", reason)
            self.assertIn("Servers", service.ctl("status").out)
            time.sleep(0.5)
            before = [m["tries"] for m in service.ctl("queue", "--json").json()]
            self.assertLessEqual(max(before), 2, "tried without a pause")
            server.start()
            service.ctl("queue", "retry", self.mail(service, unit_address(1))["id"])
            self.wait_state(service, unit_address(1), "sent")
            self.retry_all(service)
            server.wait_for(3)
            evtest.eventually(lambda: self.status(service)["outbox"]["sent"] == 3, "three sent")
            self.assertEqual(self.status(service)["servers"][0]["state"], "ok")
        self.assertEqual(collections.Counter(m.recipients[0] for m in server.taken), collections.Counter(map(unit_address, range(3))))

    def test_back_by_itself(self):
        """Nobody asks: the server is tried again after about half a minute, whatever the number of senders that met it down."""
        back = self.server_that_is_down()
        self.office(evmail.server(back.url), units=8, connections=8)
        with self.service() as service:
            evtest.eventually(lambda: self.status(service)["servers"][0]["state"] == "down", "down")
            evtest.eventually(lambda: self.status(service)["outbox"]["handed"] == 0, "all senders met it down")
            back.start()
            began = time.monotonic()
            back.wait_for(1, timeout=36 + evtest.PATIENCE)  # 30 s and a fifth
            self.assertGreater(time.monotonic() - began, 15)
            back.wait_for(8, timeout=15)  # all wait for the server, none for a time of its own
        self.assertEqual(len({m.recipients[0] for m in back.taken}), 8)
        self.assertEqual(len(back.taken), 8)

    def test_given_up(self):
        """Tried for retry_for: parked, the head in its place, the coordinator told; a person can still send it."""
        script = {"rcpt": lambda a: "450 4.2.1 later" if a == unit_address(0) else None}
        with evtest.SmtpServer(script) as server:
            self.office(evmail.server(server.url), retry_for="2s")
            with self.service() as service:
                mail = self.wait_state(service, unit_address(0), "parked")
                self.assertEqual((mail["code"], mail["tries"]), (450, 1), mail)
                self.assertEqual(self.wait_state(service, head_address(0), "sent")["message_id"], mail["message_id"])
                self.wait_state(service, evmail.COORDINATOR, "sent", "undeliverable")
                server.script.clear()
                service.ctl("queue", "retry", mail["id"])
                self.wait_state(service, unit_address(0), "sent")
        self.assertEqual(
            collections.Counter(m.recipients[0] for m in server.taken),
            collections.Counter([unit_address(0), head_address(0), evmail.COORDINATOR, evmail.ADMINISTRATOR]),
        )

    def test_settled_meanwhile(self):
        """Evidence comes while the server is down: the reminder is withdrawn with the reason, nobody gets it later."""
        back = self.server_that_is_down()
        self.office(evmail.server(back.url), units=2)
        with self.service() as service:
            for n in range(2):
                self.wait_state(service, unit_address(n), "queued")
            evtest.place(self.path("evidence"), "1.1/0/report.pdf", seed="report")
            self.wait_state(service, unit_address(0), "withdrawn")
            row = self.log_of(service, "--event", "mail-withdrawn")
            self.assertEqual([(r["address"], r["unit"], r["detail"]["why"]) for r in row], [(unit_address(0), "0", "it was settled meanwhile")])
            self.assertEqual(self.mail(service, unit_address(1))["state"], "queued")
            back.start()
            self.retry_all(service)
            self.wait_state(service, unit_address(1), "sent")
            refused = service.ctl("queue", "retry", self.mail(service, unit_address(0))["id"], status=1)
            self.assertIn("withdrawn already", refused.err)
        subjects = [str(m.parse()["Subject"]) for m in back.taken if m.recipients == [unit_address(0)]]
        self.assertFalse([s for s in subjects if s.startswith("Reminder")], subjects)

    def test_superseded_meanwhile(self):
        """The next day's reminder takes the place of the one that still waits."""
        back = self.server_that_is_down()
        self.office(evmail.server(back.url), due=YESTERDAY)
        with self.service() as service:
            first = self.wait_state(service, head_address(0), "queued")
        evtest.pass_time(self.path("state"), days=1)
        with self.service() as service:

            def look():
                mails = self.queue(service)[head_address(0), "reminder"]
                self.assertIsInstance(mails, list)
                return sorted((m["id"], m["state"]) for m in mails)

            (old, new) = evtest.eventually(look, "two reminders")
            self.assertEqual((old[0], old[1]), (first["id"], "withdrawn"))
            self.assertIn(new[1], ("queued", "handed"))
            rows = self.log_of(service, "--event", "mail-withdrawn")
            self.assertEqual(
                [(r["address"], r["detail"]["why"]) for r in rows],
                [(address, "a later reminder takes its place") for address in (head_address(0), unit_address(0))],
            )
            back.start()
            self.retry_all(service)
            back.wait_for(2)
            evtest.eventually(lambda: self.status(service)["outbox"]["sent"] == 2, "two sent")
        self.assertEqual({m.recipients[0] for m in back.taken}, {head_address(0), unit_address(0)})
        self.assertEqual(len(back.taken), 2)
        self.assertNotEqual(str(back.taken[0].parse()["Message-ID"]), first["message_id"])

    def test_urgency_after_an_outage(self):
        """All of a morning waits; when the server is back the overdue leaves first, the report last."""
        server = evtest.SmtpServer({"connect": ["421 4.3.2 not yet"]})
        with server:
            self.office(
                evmail.server(server.url), units=3, due=[evmail.IN_THREE_DAYS, TODAY, YESTERDAY], connections=1, reports=REPORTS
            )
            self.once(now="2018-11-12T07:20:00+07:00")
            evtest.set_clock(self.path("state"), "2018-11-12T07:30:01+07:00")
            with self.service() as service:
                evtest.eventually(lambda: self.status(service)["outbox"]["queued"] == 5, "five wait")
                evtest.eventually(lambda: self.status(service)["servers"][0]["state"] == "down", "down")
                tried = next(m for m in service.ctl("queue", "--json").json() if m["tries"])
                self.assertEqual(tried["recipient"], head_address(2), "the most urgent was tried first")
                service.ctl("queue", "retry", tried["id"])
                server.wait_for(5)
        order = [m.recipients[0] for m in server.taken]
        self.assertEqual(
            order, [head_address(2), unit_address(2), unit_address(1), unit_address(0), "director@office.example"]
        )

    def test_waits_for_the_window(self):
        """What could not leave by day is not tried by night, but a test that somebody asks for is."""
        with evtest.SmtpServer({"rcpt": ["450 4.2.0 greylisted"]}) as server:
            self.office(evmail.server(server.url))
            with self.service(now="2018-11-12T17:59:40+07:00") as service:
                mail = self.wait_state(service, unit_address(0), "queued", tries=1)
                self.assertEqual(mail["next_try"], "2018-11-13T07:00:00+07:00")
                self.assertIn("2018-11-13 07:00", service.ctl("queue").out)
            for night in ("2018-11-12T18:00:01+07:00", "2018-11-13T06:50:00+07:00"):
                evtest.set_clock(self.path("state"), night)
                with self.service() as service:
                    self.assertEqual(self.mail(service, unit_address(0))["next_try"], "2018-11-13T07:00:00+07:00")
                    service.ctl("send-test", "somebody@office.example")
                    evtest.eventually(lambda: {"sent"} == {m["state"] for m in self.asked_for(service)}, "the test is sent")
                    self.assertEqual(self.mail(service, unit_address(0))["state"], "queued")
            evtest.set_clock(self.path("state"), "2018-11-13T06:59:58+07:00")
            with self.service() as service:
                self.wait_state(service, unit_address(0), "sent")
        self.assertEqual([m.recipients[0].partition("@")[0] for m in server.taken], ["somebody", "somebody", "unit0"])

    def asked_for(self, service):
        mails = [m for m in service.ctl("queue", "--all", "--json").json() if m["kind"] == "test"]
        self.assertTrue(mails)
        return mails

    def test_people_decide(self):
        """hold, retry, drop: done, and on record; what was sent or dropped stays so."""
        back = self.server_that_is_down()
        self.office(evmail.server(back.url), units=3)
        with self.service() as service:
            for n in range(3):
                self.wait_state(service, unit_address(n), "queued")
            held, dropped = (self.mail(service, unit_address(n))["id"] for n in (0, 1))
            service.ctl("queue", "hold", held)
            service.ctl("queue", "drop", dropped)
            self.assertIsNone(self.mail(service, unit_address(0))["next_try"])
            self.assertEqual(self.mail(service, unit_address(1))["state"], "withdrawn")
            (row,) = self.log_of(service, "--event", "mail-withdrawn")
            self.assertEqual((row["address"], row["unit"]), (unit_address(1), "1"))
            self.assertIn("dropped by ", row["detail"]["why"])
            back.start()
            service.ctl("queue", "retry", self.mail(service, unit_address(2))["id"])
            sent = self.wait_state(service, unit_address(2), "sent")
            for action in ("retry", "drop", "hold"):
                self.assertIn("sent already", service.ctl("queue", action, sent["id"], status=1).err)
            time.sleep(0.3)
            self.assertEqual([m.recipients[0] for m in back.taken], [unit_address(2)])
            service.ctl("queue", "retry", held)
            self.wait_state(service, unit_address(0), "sent")
            self.assertEqual(
                [(r["detail"]["action"], r["detail"]["mail"]) for r in self.log_of(service, "--event", "queue")],
                [("hold", held), ("drop", dropped), ("retry", sent["id"]), ("retry", held)],
            )
            self.assertEqual(self.status(service)["state"], "running")
        self.assertEqual([m.recipients[0] for m in back.taken], [unit_address(2), unit_address(0)])

    def test_with_the_server(self):
        """What a sender has can be neither dropped nor sent beside it."""
        gate = Gate()
        with evtest.SmtpServer({"dot": gate}) as server:
            self.office(evmail.server(server.url, timeout=LONG))
            with self.service() as service:
                gate.wait()
                mail = self.wait_state(service, unit_address(0), "handed")
                for action in ("retry", "drop", "hold"):
                    self.assertIn("with the mail server", service.ctl("queue", action, mail["id"], status=1).err)
                gate.opened.set()
                self.wait_state(service, unit_address(0), "sent")
            self.assertEqual(len(server.taken), 1)

    def stop_quickly(self, service):
        began = time.monotonic()
        self.assertEqual(service.stop(), 0)
        self.assertLess(time.monotonic() - began, STOPS_WITHIN)

    def test_stop_before_the_dot(self):
        """SIGTERM before the final dot: nothing was sent, no try is counted, and the next run sends it at once."""
        with evtest.SmtpServer({"rcpt": [evtest.HANG]}) as server:
            self.office(evmail.server(server.url, timeout=LONG))
            with self.service() as service:
                server.wait_for_command("RCPT")
                self.stop_quickly(service)
            self.assertEqual(server.messages, [])
            with self.service() as service:
                server.wait_for(1)
                mail = self.wait_state(service, unit_address(0), "sent")
                self.assertEqual(mail["tries"], 1)
                self.assertEqual(self.log_of(service, "--event", "mail-in-doubt"), [])
        self.assertEqual(len(server.taken), 1)

    def test_stop_after_the_dot(self):
        """SIGTERM after it: an answer within a second is heard, what comes later is in doubt."""
        gate = Gate()
        with evtest.SmtpServer({"dot": gate}) as server:
            self.office(evmail.server(server.url, timeout=LONG), units=2, connections=1)
            with self.service() as service:
                gate.wait()
                server.script["dot"] = [evtest.HANG]
                service.process.send_signal(signal.SIGTERM)
                time.sleep(0.1)
                gate.opened.set()
                self.stop_quickly(service)
            self.assertEqual(len(server.taken), 1)
            with self.service() as service:
                self.assertEqual(self.mail(service, server.taken[0].recipients[0])["state"], "sent")
                evtest.eventually(lambda: len(server.messages) == 2, "the second message's dot")
                self.stop_quickly(service)
            with self.service() as service:
                other = server.messages[1].recipients[0]
                self.assertEqual(self.mail(service, other)["state"], "doubt")
                service.ctl("queue", "retry", self.mail(service, other)["id"])
                self.wait_state(service, other, "sent")
        self.assertEqual(collections.Counter(m.recipients[0] for m in server.taken), collections.Counter(map(unit_address, range(2))))

    def test_reload_in_the_midst(self):
        """A reload while mails are with the server: each arrives once, none in doubt."""
        with evtest.SmtpServer(latency=0.02) as server:
            self.office(evmail.server(server.url), units=60, connections=4)
            with self.service() as service:
                for n in (5, 20, 35):
                    server.wait_for(n)
                    service.ctl("reload")
                server.wait_for(60)
                evtest.eventually(lambda: self.status(service)["outbox"]["sent"] == 60, "all sent")
                self.assertEqual(self.log_of(service, "--event", "mail-in-doubt"), [])
        self.assertEqual(collections.Counter(m.recipients[0] for m in server.taken), collections.Counter(map(unit_address, range(60))))


if __name__ == "__main__":
    evtest.main()
