#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What people decide and what a configuration that changes means to them: mails, ledger and keys of the real service.

Also how the control socket bears clients that ask for too much.
"""

import contextlib
import datetime
import email
import email.policy
import glob
import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
import time
import unittest

import evtest
import small_year

ASK = b'{"method":"org.varlink.service.GetInfo"}\0'
LIST = b'{"method":"org.evidenced.List"}\0'

# As another user: how many of 24 connections are answered. argv: socket
MANY = """
import socket, sys
peers = []
for _ in range(24):
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    peer.settimeout(20)
    peer.connect(sys.argv[1])
    peers.append(peer)
served = 0
for peer in peers:
    try:
        peer.sendall(b'{"method":"org.varlink.service.GetInfo"}\\0')
        served += bool(peer.recv(10))
    except OSError:
        pass
print(served, flush=True)
sys.stdin.readline()
"""


class Decisions(evtest.TestCase):
    def setUp(self):
        super().setUp()
        self.config = small_year.write_year(self, "maildir:sent")
        text = self.read("etc/evidenced.conf")
        self.write("etc/evidenced.conf", re.sub(r'url = "maildir:sent";.*?\}', 'url = "maildir:sent"; }', text))

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def change(self, *pairs, name="etc/tasks.d/1.conf"):
        text = self.read(name)
        for old, new in pairs:
            self.assertIn(old, text)
            text = text.replace(old, new)
        self.write(name, text)

    @contextlib.contextmanager
    def service(self, *args):
        with evtest.Service(self.config, self.path("state"), *(args or ("--now", small_year.NOW)), **small_year.FROM_BUILD) as service:
            yield service
            self.assertEqual(service.process.poll(), None, service.log())

    def database(self, sql, *args):
        with contextlib.closing(sqlite3.connect(self.path("state/evidenced.db"))) as db:
            rows = db.execute(sql, args).fetchall()
            db.commit()
            return rows

    def set_clock(self, text):
        evtest.set_clock(self.path("state"), text)

    def mails(self, service):
        """{Message-ID: (kind, recipients, instances)} of all there ever were."""
        mails = {}
        for entry in service.ctl("queue", "--all", "--json").json():
            kind, recipients, items = mails.setdefault(
                entry["message_id"], (entry["kind"], [], [item.get("instance") for item in entry["items"]])
            )
            recipients.append(entry["recipient"].split("@")[0])
        return {identifier: (kind, sorted(recipients), items) for identifier, (kind, recipients, items) in mails.items()}

    def settled(self, service):
        """All mail has left."""

        def look():
            outbox = service.ctl("status", "--json").json()["outbox"]
            return outbox["sent"] > 0 and outbox["queued"] + outbox["handed"] == 0

        evtest.eventually(look, "an empty outbox")
        return self.mails(service)

    def news(self, service, before, n):
        """The mails since then, of which there are n, and no more a moment later."""

        def look():
            found = {k: v for k, v in self.mails(service).items() if k not in before}
            return found if len(found) >= n else None

        if n:
            evtest.eventually(look, f"{n} mails")
        time.sleep(1)
        found = sorted(v for k, v in self.mails(service).items() if k not in before)
        self.assertEqual(len(found), n, found)
        return found

    def start(self, service):
        return evtest.eventually(lambda: len(m := self.settled(service)) == len(small_year.REMINDERS) and m, "the first reminders")

    def shown(self, service, key):
        return service.ctl("show", key, "--json").json()

    def ledger(self, service, event):
        return [row for row in service.ctl("log", "--json").json() if row["event"] == event]


class People(Decisions):
    def test_the_end_of_a_snooze_reminds_at_once(self):
        with self.service() as service:
            self.start(service)
            service.ctl("snooze", "1.1", "--until", "2018-11-13", "--reason", "on leave")
            self.assertEqual(self.shown(service, "1.1")["instance"]["state"], "snoozed")
            row = self.ledger(service, "snooze")[-1]
            self.assertEqual((row["detail"]["reason"], row["detail"]["until"]), ("on leave", "2018-11-13"))
            self.assertIn("uid", row["detail"]["by"])
            said = service.ctl("explain", "1.1").out
            self.assertRegex(said, r"Snoozed by .*\(uid \d+\) on 2018-11-12 10:0\d: on leave")
            self.assertIn("Its snooze ends by itself at 2018-11-13 07:30", said)
            before = self.mails(service)
        self.set_clock("2018-11-13T07:29:58+07:00")
        with self.service() as service:
            found = self.news(service, before, 1 + 1)  # and 1.2, +2wd
            self.assertIn(("reminder", ["a"], ["1.1@2018-11-15"]), found)
            shown = self.shown(service, "1.1")
            self.assertEqual((shown["cause"], shown["episode"]), ("snooze-ended", 2))
            self.check_end(service, "snooze-ended")
        self.assertEqual(self.said().count("Note: the time without reminders is over"), 1)
        with self.service() as service:
            self.settled(service)
            self.check_end(service, "snooze-ended")

    def check_end(self, service, event):
        """Once, however often it started since."""
        (row,) = self.ledger(service, event)
        self.assertEqual((row["instance"], row["detail"]), ("1.1@2018-11-15", {"until": "2018-11-13"}))
        self.assertTrue(row["at"].startswith("2018-11-13T07:30:"), row)

    def said(self):
        """The texts of all mails."""
        texts = []
        for path in glob.glob(self.path("state/sent/new/*")):
            with open(path, "rb") as file:
                message = email.message_from_binary_file(file, policy=email.policy.default)
            texts.append(message.get_body(("plain",)).get_content())
        return "\n".join(texts)

    def test_the_end_of_a_waiver_while_nobody_looked(self):
        """Down on the day it ends, until the afternoon: told and written down then."""
        with self.service() as service:
            self.start(service)
            service.ctl("waive", "1.1", "--until", "2018-11-13", "--reason", "until they are back")
            before = self.mails(service)
        self.set_clock("2018-11-13T15:00:00+07:00")
        with self.service() as service:
            self.assertIn(("reminder", ["a"], ["1.1@2018-11-15"]), self.news(service, before, 1 + 1))
            (row,) = self.ledger(service, "waiver-ended")
            self.assertEqual((row["at"][:14], row["detail"]), ("2018-11-13T15:", {"until": "2018-11-13"}))
            service.ctl("reload")
            self.assertEqual(len(self.ledger(service, "waiver-ended")), 1)
        self.assertEqual(self.said().count("Note: the waiver has ended"), 1)

    def test_a_later_date_ends_an_extension(self):
        with self.service() as service:
            self.start(service)
            service.ctl("extend", "1.1", "--until", "2018-11-20", "--reason", "asked for")
            was = "2018-11-15"
            for due in ("2018-11-16", "2018-11-27"):  # the first is no later than the extension
                self.change((f'unit = "A"; due = "{was}"', f'unit = "A"; due = "{due}"'))
                service.ctl("reload")
                was = due
            (row,) = self.ledger(service, "extension-ended")
            self.assertEqual((row["instance"], row["detail"]), ("1.1@2018-11-15", {"until": "2018-11-20"}))

    def test_waive_and_reopen(self):
        with self.service() as service:
            before = self.start(service)
            service.ctl("waive", "1.1", "--reason", "none this year")
            self.assertEqual(self.shown(service, "1.1")["instance"]["state"], "waived")
            self.news(service, before, 0)
            self.assertEqual([d["ends"] for d in self.shown(service, "1.1")["decisions"]], [None])
            service.ctl("reopen", "1.1", "--reason", "after all")
            self.assertEqual(self.shown(service, "1.1")["decisions"], [])
            # it covers the step that has fired: no reminder beside it
            self.assertEqual(self.news(service, before, 1), [("reopened", ["a", "coordinator"], ["1.1@2018-11-15"])])
            self.assertIn("not waived", service.ctl("reopen", "1.1", "--reason", "twice", status=1).err)

    def test_reopen_overrules_an_explanation(self):
        explanation = self.path("evidence/1.1/GIAI-TRINH.docx")
        with self.service() as service:
            before = self.start(service)
            evtest.place(self.path("evidence"), "1.1/GIAI-TRINH.docx", seed="why")
            evtest.eventually(lambda: self.shown(service, "1.1")["instance"]["state"] == "explained", "explained")
            service.ctl("reopen", "1.1", "--reason", "that is no reason")
            self.assertEqual(self.shown(service, "1.1")["instance"]["state"], "open")
            # seen again under another name: a person's word stands
            os.rename(explanation, self.path("evidence/1.1/GIAI-TRINH 2.docx"))
            self.assertEqual(self.news(service, before, 1), [("reopened", ["a", "coordinator"], ["1.1@2018-11-15"])])
            self.assertEqual(self.shown(service, "1.1")["instance"]["state"], "open")
        with self.service() as service:
            time.sleep(3)
            self.assertEqual(self.shown(service, "1.1")["instance"]["state"], "open")
            evtest.place(self.path("evidence"), "1.1/GIAI-TRINH 3.docx", seed="a better one")
            evtest.eventually(lambda: self.shown(service, "1.1")["instance"]["state"] == "explained", "explained anew")

    def test_extend(self):
        with self.service() as service:
            before = self.start(service)
            for day in ("2018-11-08", "2018-11-01"):
                self.assertIn("after the deadline", service.ctl("extend", "1.2", "--until", day, "--reason", "no", status=1).err)
            service.ctl("extend", "1.2", "--until", "2018-11-30", "--reason", "the inspectors were ill")
            # to all who were mailed about it
            self.assertEqual(self.news(service, before, 1), [("deadline-changed", ["b", "coordinator", "head.b"], ["1.2@2018-11-08"])])
            found = self.shown(service, "1.2")["instance"]
            self.assertEqual((found["stated"], found["due"], found["extended"]), ("2018-11-08", "2018-11-30", True))
            self.assertEqual(self.ledger(service, "extend")[-1]["detail"]["until"], "2018-11-30")
            self.assertIn(": the inspectors were ill", service.ctl("explain", "1.2").out)

    def test_an_extension_must_move_the_deadline(self):
        self.change(('due = "2018-11-08"', 'due = "2018-11-09"'))  # a Friday
        with self.service() as service:
            before = self.start(service)
            said = service.ctl("extend", "1.2", "--until", "2018-11-11", "--reason", "the weekend", status=1).err
            self.assertIn("after the deadline", said)
            self.news(service, before, 0)


class Stops(Decisions):
    REPORTS = '''reports: (
        { id = "week"; repeat = "FREQ=WEEKLY;BYDAY=FR"; to = ["director"]; scope = "all"; },
        { id = "day"; repeat = "FREQ=DAILY"; to = ["unit"]; scope = "unit"; only_when = "changed"; } );
'''

    def test_what_was_missed_waits_for_a_working_day(self):
        """Down from Monday to Saturday. Receipts, refusals and reports wait as reminders do: until Monday, 07:30."""
        self.write("etc/evidenced.conf", self.read("etc/evidenced.conf") + self.REPORTS)
        with self.service() as service:
            before = self.start(service)
            evtest.place(self.path("evidence"), "1.3/B/scores.xlsx", seed=1)
            self.write("evidence/1.1/plan.pdf", "no PDF at all")
            evtest.eventually(lambda: self.shown(service, "1.3@2018-11-19/B")["instance"]["state"] == "complete")
            evtest.eventually(lambda: self.ledger(service, "evidence-refused"))
            service.ctl("extend", "1.2", "--until", "2018-12-20", "--reason", "the inspectors were ill")
            self.news(service, before, 1)
            before = self.mails(service)
        for silent in ("2018-11-17T10:00:00+07:00", "2018-11-19T06:59:58+07:00"):
            self.set_clock(silent)
            with self.service() as service:
                self.news(service, before, 0)
                time.sleep(1.5)
                self.news(service, before, 0)
                self.assertIn("2018-11-19T07:30", service.ctl("status", "--json").json()["next"])
        self.set_clock("2018-11-19T07:29:58+07:00")
        with self.service() as service:
            found = [(kind, to) for kind, to, _ in self.news(service, before, 6)]
            self.assertEqual(found, [
                ("received", ["b"]),
                ("refused", ["a", "coordinator"]),
                ("reminder", ["a", "coordinator", "head.a"]),
                ("reminder", ["a", "head.a"]),  # and so no daily report
                ("report", ["b"]),
                ("report", ["director"]),
            ])  # fmt: skip


class Previews(Decisions):
    @staticmethod
    def comparable(text):
        """Without what is drawn by lot for each mail, the second in which it is decided, and what a mailbox adds."""
        text = re.sub(r"(Return-Path|Delivered-To|Message-ID): .*\n|\r", "", text)
        text = re.sub(r"(?m)^(Date: .* \d\d:\d\d|DTSTAMP:\d+T\d{4})\S+", r"\1", text)
        return re.sub(r"=_(\d)_[0-9a-f]{32}", r"=_\1_", text)

    def test_the_very_bytes(self):
        """What leaves on Wednesday is what was previewed on Monday, two deadlines in one mail and one alone."""
        with self.service() as service:
            before = self.start(service)
            previews = {key: self.comparable(service.ctl("preview", key, "--eml").out) for key in ("1.1", "1.3@2018-11-19/A", "1.3@2018-11-19/B")}
            later = self.comparable(service.ctl("preview", "1.1", "--step", "0", "--eml").out)
            over = service.ctl("preview", "1.1", "--step", "-3wd").out
        self.assertEqual(previews["1.1"], previews["1.3@2018-11-19/A"])
        self.assertIn("2 criteria", previews["1.1"])
        self.assertNotIn("2 criteria", later)
        self.assertNotIn("2 criteria", over)
        self.set_clock("2018-11-14T07:29:58+07:00")
        with self.service() as service:
            self.news(service, before, 3)
        sent = []
        folder = self.path("state", "sent", "new")
        for name in os.listdir(folder):
            with open(os.path.join(folder, name), encoding="utf-8", newline="") as file:
                sent.append(self.comparable(file.read()))
        for key, preview in previews.items():
            self.assertIn(preview, sent, key)


class Configuration(Decisions):
    NEW = '{ id = "1.4"; area = "1"; title = "New"; points = 2.0; unit = "B"; due = "2018-12-20"; evidence: { dir = "1.4"; need = ( { match = [ "*.pdf" ]; } ); }; },'

    def edit(self):
        """1.1 has a new date, 1.2 is gone, 1.4 is new."""
        self.change(('unit = "A"; due = "2018-11-15"', 'unit = "A"; due = "2018-11-22"'))
        self.write("etc/tasks.d/1.conf", re.sub(r'\{ id = "1\.2".*?\}; \},', self.NEW, self.read("etc/tasks.d/1.conf"), flags=re.S))

    TOLD = [
        ("criteria-changed", ["b", "coordinator"]),
        ("deadline-changed", ["a"]),
    ]

    def check_edited(self, service, before):
        found = self.news(service, before, 2)
        self.assertEqual([(kind, to) for kind, to, _ in found], self.TOLD)
        edited = self.shown(service, "1.1@2018-11-15")["instance"]  # the key stays
        self.assertEqual((edited["stated"], edited["due"]), ("2018-11-22", "2018-11-22"))
        listed = [i["instance"] for i in service.ctl("list", "--json").json()]
        self.assertEqual(listed, ["1.1@2018-11-15", "1.3@2018-11-19/A", "1.3@2018-11-19/B", "1.4@2018-12-20"])

    def test_reload(self):
        with self.service() as service:
            before = self.start(service)
            service.ctl("snooze", "1.1", "--until", "2018-11-14", "--reason", "kept")
            self.edit()
            said = service.ctl("reload").out
            self.assertIn("1.4@2018-12-20", said)
            self.check_edited(service, before)
            self.assertEqual(self.shown(service, "1.1")["instance"]["state"], "snoozed")
            before = self.mails(service)
            service.ctl("reload")
            self.news(service, before, 0)
        with self.service() as service:
            evtest.eventually(lambda: self.shown(service, "1.3@2018-11-19/A")["instance"]["state"] == "open")
            self.news(service, before, 0)

    def test_restart(self):
        """Whoever edits and restarts is told the same as who reloads: what is covered was said."""
        with self.service() as service:
            before = self.start(service)
        self.edit()
        with self.service() as service:
            self.check_edited(service, before)

    def test_another_unit(self):
        with self.service() as service:
            before = self.start(service)
            self.change(('unit = "A"; due = "2018-11-15"', 'unit = "B"; due = "2018-11-15"'))
            service.ctl("reload")
            found = self.news(service, before, 3)
            self.assertEqual([(kind, to) for kind, to, _ in found], [
                ("criteria-changed", ["a", "coordinator"]),
                ("criteria-changed", ["b", "coordinator"]),
                ("reminder", ["b"]),
            ])  # fmt: skip

    def test_a_refused_configuration_changes_nothing(self):
        with self.service() as service:
            before = self.start(service)
            good = self.read("etc/tasks.d/1.conf")
            self.change(('id = "1.2"; area = "1"', 'id = "1.2"; area = "none"'))
            self.assertIn("none", service.ctl("reload", status=78).err)
            self.assertEqual(self.shown(service, "1.2")["instance"]["state"], "overdue")
            self.write("etc/tasks.d/1.conf", good)
            service.ctl("reload")
            self.news(service, before, 0)

    def test_before_the_release_nothing_is_news(self):
        with self.service("--config", self.config) as service:
            evtest.eventually(lambda: service.ctl("status", "--json").json()["held"], "hold")
            self.edit()
            service.ctl("reload")
            service.ctl("reload")
            self.assertEqual(self.database("SELECT count(*) FROM notice"), [(0,)])
            self.assertEqual(self.database("SELECT count(*) FROM record"), [(0,)])
            self.assertEqual(self.mails(service), {})

    def test_a_test_is_not_held(self):
        """Before the release, too: somebody wants to know whether mail works at all. Nothing else leaves."""
        with self.service("--config", self.config) as service:
            evtest.eventually(lambda: service.ctl("status", "--json").json()["held"], "hold")
            service.ctl("send-test", "an@dept.example")

            def sent():
                (mail,) = service.ctl("queue", "--all", "--json").json()
                self.assertEqual((mail["kind"], mail["state"]), ("test", "sent"), mail)
                return mail

            evtest.eventually(sent, "the test mail")
            self.assertTrue(service.ctl("status", "--json").json()["held"])

    def test_held_by_configuration(self):
        self.change(("mail: {", "mail: { hold = true;"), name="etc/evidenced.conf")
        with self.service() as service:
            evtest.eventually(lambda: self.shown(service, "1.1")["instance"]["state"] == "open", "the scan")
            self.news(service, {}, 0)
            self.assertEqual(self.database("SELECT count(*) FROM record"), [(0,)])
            self.change(("hold = true;", ""), name="etc/evidenced.conf")
            service.ctl("reload")
            found = self.news(service, {}, len(small_year.REMINDERS))
            self.assertEqual({kind for kind, _, _ in found}, {"reminder"})


    def test_more_deadlines_than_a_page_of_the_list_holds(self):
        rule = 'unit = "A"; due = "2018-11-15"; repeat = "FREQ=DAILY;COUNT=2500"; shift = "none"'
        self.change(('unit = "A"; due = "2018-11-15"', rule), ('dir = "1.1"', 'dir = "1.1/{year}-{month}"'))
        with self.service() as service:
            listed = [i["instance"] for i in service.ctl("list", "--json").json()]
            first = datetime.date(2018, 11, 15)
            self.assertEqual([key for key in listed if key.startswith("1.1@")], [f"1.1@{first + datetime.timedelta(days=n)}" for n in range(2500)])
            self.assertEqual(len(listed), 2503)


class Socket(Decisions):
    def connect(self, service):
        peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(peer.close)
        peer.settimeout(evtest.PATIENCE)
        peer.connect(service.socket)
        return peer

    @staticmethod
    def answers(peer, n):
        parts = []
        while n > 0 and (more := peer.recv(1 << 16)):
            parts.append(more)
            n -= more.count(b"\0")
        return [json.loads(text) for text in b"".join(parts).split(b"\0")[:-1]]

    def memory(self, service):
        with open(f"/proc/{service.process.pid}/smaps_rollup", encoding="ascii") as file:
            return int(re.search(r"^Private_Dirty:\s+(\d+) kB", file.read(), re.M)[1]) << 10

    def test_who_does_not_read_is_not_answered(self):
        n = 50_000
        with self.service() as service:
            self.start(service)
            before = self.memory(service)
            peer = self.connect(service)
            peer.setblocking(False)
            sent = 0
            end = time.monotonic() + 3
            while sent < n * len(LIST) and time.monotonic() < end:
                try:
                    sent += peer.send((LIST * n)[sent : sent + 65536])
                except BlockingIOError:
                    time.sleep(0.01)
            self.assertLess(sent, n * len(LIST), "it takes all and keeps the answers")
            service.ctl("status")  # others are answered
            self.assertLess(self.memory(service) - before, 40 << 20)
            # who begins to read gets every answer
            peer.settimeout(evtest.PATIENCE)
            whole = sent // len(LIST)
            found = self.answers(peer, whole)
            self.assertEqual(len(found), whole)
            self.assertTrue(all("instances" in answer["parameters"] for answer in found))

    def test_who_says_all_at_once_is_answered(self):
        with self.service() as service:
            peer = self.connect(service)
            peer.sendall(ASK * 3 + LIST)
            peer.shutdown(socket.SHUT_WR)
            found = self.answers(peer, 5)
            self.assertEqual(len(found), 4)
            self.assertIn("instances", found[3]["parameters"])

    def test_bad_requests_end_the_connection(self):
        for data in (b"x" * 200_000, b"{}\0", b"[]\0", b'{"method":3}\0', b"[" * 1000 + b"\0"):
            with self.subTest(data=data[:10]), self.service() as service:
                peer = self.connect(service)
                with contextlib.suppress(OSError):
                    peer.sendall(data)
                with contextlib.suppress(ConnectionError):
                    self.assertEqual(peer.recv(10), b"")
                service.ctl("status")

    @unittest.skipUnless(os.geteuid() == 0, "only root can be somebody else")
    def test_others_leave_room_for_the_administrator(self):
        with self.service() as service:
            os.chmod(service.folder, 0o755)
            with subprocess.Popen(
                [sys.executable, "-c", MANY, service.socket], stdin=subprocess.PIPE, stdout=subprocess.PIPE, user=65534, group=65534, extra_groups=[]
            ) as other:
                self.assertEqual(int(other.stdout.readline()), 16)
                service.ctl("release", "--show")
                self.assertIn("running", service.ctl("status").out)
                other.stdin.close()

    @unittest.skipUnless(os.geteuid() == 0, "only root can be somebody else")
    def test_others_may_ask_and_change_nothing(self):
        calls = {
            "Status": None, "List": None, "Queue": None, "Verify": None,
            "Reload": "NotPermitted", "Confirm": "NotPermitted", "Release": "NotPermitted",
            "Decide": "NotPermitted", "QueueAction": "NotPermitted", "SendTest": "NotPermitted",
        }  # fmt: skip
        ask = "import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.sendall(sys.argv[2].encode()+b'\\0'); s.shutdown(1); print(s.makefile('rb').read()[:-1].decode())"
        with self.service() as service:
            os.chmod(service.folder, 0o755)
            for method, error in calls.items():
                text = json.dumps({"method": f"org.evidenced.{method}", "parameters": {"id": "1.1", "kind": "waive", "reason": "x"}})
                said = subprocess.run(
                    [sys.executable, "-c", ask, service.socket, text], check=True, capture_output=True, user=65534, group=65534, extra_groups=[], timeout=evtest.PATIENCE
                ).stdout
                self.assertEqual(json.loads(said).get("error"), error and f"org.evidenced.{error}", method)


if __name__ == "__main__":
    evtest.main()
