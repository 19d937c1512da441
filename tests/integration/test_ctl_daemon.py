# SPDX-License-Identifier: LGPL-2.1-or-later
"""evidencectl against a stand-in for the daemon: what it asks, what it makes of answers and errors, exit statuses."""

import fcntl
import json
import os
import pty
import re
import socket
import struct
import subprocess
import termios
import threading
import unicodedata

import evtest

ERROR = "org.evidenced."


class Daemon:
    """Listens, answers each call from .answers (method: parameters, or a function of them), remembers .calls."""

    def __init__(self, path, answers):
        self.path, self.answers, self.calls = path, answers, []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.bind(path)
        self.socket.listen(16)
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def serve(self):
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            with peer:
                self.talk(peer)

    def talk(self, peer):
        data = b""
        while not data.endswith(b"\0"):
            more = peer.recv(65536)
            if not more:
                return
            data += more
        call = json.loads(data[:-1])
        method, parameters = call["method"].removeprefix("org.evidenced."), call["parameters"]
        self.calls.append((method, parameters))
        answer = self.answers[method]
        if callable(answer):
            answer = answer(parameters)
        if answer is None:
            return  # hang up
        if not isinstance(answer, bytes):
            answer = json.dumps(answer if "error" in answer else {"parameters": answer}).encode() + b"\0"
        peer.sendall(answer)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *error):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(evtest.PATIENCE)


def instance(key, **more):
    task, _, rest = key.partition("@")
    return {
        "instance": key, "task": task, "title": "Báo cáo", "area": "1", "unit": "VP", "points": 2.0, "state": "open",
        "have": 0, "need": 1, "stated": rest[:10], "due": rest[:10], "deadline": rest[:10] + "T24:00:00+07:00",
        "extended": False, "unverified": False, "dir": "1", "missing": ["Báo cáo"], **more,
    }  # fmt: skip


def error(name, **parameters):
    return {"error": ERROR + name, "parameters": parameters}


class Ctl(evtest.TestCase):
    def ask(self, answers, *args, **more):
        """Run evidencectl against these answers; the calls it made are in self.calls."""
        path = self.path("control")
        if os.path.exists(path):
            os.unlink(path)
        with Daemon(path, answers) as daemon:
            done = evtest.run("evidencectl", "--socket", path, *args, **more)
            self.calls = daemon.calls
        return done


class Errors(Ctl):
    def test_statuses_and_sentences(self):
        for answer, status, words in (
            (error("NotPermitted", text="only root may"), 77, "only root may"),
            (error("InvalidArgument", text="mail is not held"), 1, "mail is not held"),
            (error("TryAgain", text="busy"), 75, "busy"),
            (error("Failed", text="disk full"), 1, "disk full"),
            (error("ConfigurationInvalid", findings=["a.conf:3: error: bad"]), 78, "a.conf:3: error: bad\n"),
            ({"error": "org.varlink.service.MethodNotFound", "parameters": {"method": "x"}}, 1, "another version"),
            (error("Strange"), 1, "Strange"),
            (None, 69, "hung up"),
            (b"no json\0", 1, "does not speak Varlink"),
            (b"[]\0", 1, "does not speak Varlink"),
            (b'{"parameters": 3}\0', 1, "does not speak Varlink"),
        ):
            with self.subTest(answer=answer):
                done = self.ask({"Reload": answer}, "reload", status=status)
                self.assertIn(words, done.err)
                self.assertEqual(done.out, "")

    def test_no_such_instance(self):
        for nearest, words in (("1.2@2018-03-05", "did you mean '1.2@2018-03-05'"), (None, "evidencectl list"), ("1.3@2018-01-01", "several deadlines")):
            asked = "1.3" if nearest == "1.3@2018-01-01" else "9.2@2018-03-05"
            done = self.ask({"Show": error("NoSuchInstance", id=asked, nearest=nearest)}, "show", asked, status=1)
            self.assertIn(words, done.err)

    def test_text_of_others_can_not_drive_the_terminal(self):
        evil = "x\033[2J\x07\u202ey"
        listed = {"instances": [instance("1.1@2018-01-15", missing=[evil])]}
        for done in (
            self.ask({"List": listed}, "list"),
            self.ask({"Show": {"instance": instance("1.1@2018-01-15", title=evil, dir=evil), "files": [{"path": evil, "size": 1, "verdict": "name"}]}}, "explain", "1.1"),
            self.ask({"Preview": {"subject": evil, "to": [evil], "cc": [], "text": f"a{evil}\r\nb", "bytes": ""}}, "preview", "1.1"),
            self.ask({"Reload": error("Failed", text=evil)}, "reload", status=1),
        ):
            for bad in ("\033", "\x07", "\u202e"):
                self.assertNotIn(bad, done.out + done.err)
            self.assertIn("y", done.out + done.err)


class Asking(Ctl):
    LIST = {
        "instances": [
            instance("1.1@2018-01-15", state="overdue"),
            instance("1.2@2018-03-05", area="2", unit="KHTC", have=1, need=3, state="partial"),
            instance("1.10@2018-04-05", state="complete", have=1, missing=[], unverified=True, extended=True),
        ]
    }

    def keys(self, *args):
        return [i["instance"] for i in self.ask({"List": self.LIST}, "list", "--json", *args).json()]

    def test_list_is_an_array_with_filters(self):
        self.assertEqual(self.keys(), ["1.1@2018-01-15", "1.2@2018-03-05", "1.10@2018-04-05"])
        self.assertEqual(self.keys("--state", "overdue,partial"), ["1.1@2018-01-15", "1.2@2018-03-05"])
        self.assertEqual(self.keys("--unit", "KHTC"), ["1.2@2018-03-05"])
        self.assertEqual(self.keys("--area", "1", "--state", "complete"), ["1.10@2018-04-05"])
        self.assertEqual(self.keys("--task", "1.1"), ["1.1@2018-01-15"])
        self.assertEqual(self.keys("--unit", "none"), [])

    def test_list_comes_in_pages(self):
        whole = self.LIST["instances"]
        keys = [i["instance"] for i in whole]

        def page(p):
            first = keys.index(p["after"]) + 1 if "after" in p else 0
            return {"instances": whole[first : first + 2], "next": keys[first + 1] if first == 0 else None}

        self.assertEqual([i["instance"] for i in self.ask({"List": page}, "list", "--json").json()], keys)
        self.assertEqual(self.calls, [("List", {}), ("List", {"after": keys[1]})])
        # one that goes round in circles
        self.assertEqual(self.ask({"List": {"instances": [], "next": "1.1"}}, "list", "--json").json(), [])
        self.ask({"List": lambda p: error("TryAgain", text="changed") if p else {"instances": whole, "next": "gone"}}, "list", status=75)

    def test_list_as_a_table(self):
        out = self.ask({"List": self.LIST}, "list").out
        self.assertRegex(out, r"1\.2@2018-03-05 +KHTC +partial +2018-03-05 +1/3 +2 +Báo cáo")
        self.assertRegex(out, r"complete\? +2018-04-05\+")
        self.assertNotIn("\033", out)
        self.assertIn("Nothing", self.ask({"List": {"instances": []}}, "list").out)

    def test_vietnamese_in_a_locale_without_it(self):
        out = self.ask({"List": self.LIST}, "list", LC_ALL="C").out
        self.assertIn("Báo cáo", out)

    def test_degraded_status_is_0_and_says_why(self):
        status = {
            "state": "degraded", "reasons": ["evidence root /srv is missing"], "text": "3 overdue", "version": "1", "now": "2018-03-05T07:00:00+07:00",
            "pid": 3, "next": None, "held": True, "counts": {"overdue": 3, "open": 0, "instances": 5, "tasks": 2}, "outbox": {"parked": 1},
            "roots": [{"path": "/srv", "state": "missing", "since": None, "text": None, "folders": 0, "files": 0}],
            "servers": [{"url": "smtps://x", "state": "down", "text": "no route"}],
        }  # fmt: skip
        out = self.ask({"Status": status}, "status").out
        for words in ("degraded", "evidence root /srv is missing", "release", "5 (3 overdue)", "1 parked", "/srv: missing", "smtps://x: down: no route"):
            self.assertIn(words, out)
        self.assertEqual(self.ask({"Status": status}, "status", "--json").json(), status)

    def test_status_cuts_what_is_endless(self):
        """A path of thousands of bytes: how it begins, and what is wrong with it; one of each is not several."""
        path = "/srv/" + "thư mục/" * 1000
        status = {
            "state": "degraded", "reasons": [f"1 folder can not be read, among them {path}: Permission denied"],
            "text": "", "counts": {}, "outbox": {}, "servers": [],
            "roots": [{"path": path, "state": "ok", "text": None, "folders": 1, "files": 1}],
        }  # fmt: skip
        out = self.ask({"Status": status}, "status").out
        self.assertIn("1 folder can not be read, among them /srv/thư mục/", out)
        self.assertRegex(out, "…[^\n]*/: Permission denied\n")
        self.assertIn(": ok, 1 folder, 1 file\n", out)
        self.assertLess(max(len(line.encode()) for line in out.split("\n")), 600)

    def test_next_is_in_order_of_time_and_cut(self):
        mails = [
            {"time": "2018-03-09T07:30:00+07:00", "instance": "1.10@2018-04-05", "unit": "VP", "step": "-3wd"},
            {"time": "2018-03-08T07:30:00+07:00", "instance": "1.10@2018-04-05", "unit": "VP", "step": "-3wd"},
            {"time": "2018-03-08T07:30:00+07:00", "instance": "1.9@2018-04-05", "unit": "VP", "step": "0"},
            {"time": "2018-03-08T01:00:00+00:00", "instance": "1.1@2018-04-05", "unit": "VP", "step": "0"},
        ]
        got = self.ask({"Next": {"mails": mails}}, "next", "--json", "--limit", "3").json()
        self.assertEqual(got, [mails[2], mails[1], mails[3]])
        self.assertRegex(self.ask({"Next": {"mails": mails}}, "next").out, r"2018-03-09 07:30 +-3wd +1\.10@2018-04-05 +VP")

    def test_log_reads_page_after_page(self):
        rows = [{"seq": n, "at": "2018-03-05T07:30:00+07:00", "event": "waive", "instance": f"1.{n}", "detail": {"by": "an"}, "hash": ""} for n in range(1, 2501)]

        def answer(parameters):
            page = [row for row in rows if row["seq"] > parameters["after"]][:1000]
            return {"rows": page, "last": page[-1]["seq"] if page else 0}

        got = self.ask({"Log": answer}, "log", "--json", "--limit", "3", "--unit", "VP", "--since", "2018-01-01").json()
        self.assertEqual([row["seq"] for row in got], [2498, 2499, 2500])
        self.assertEqual([(p["after"], p["unit"], p["since"]) for _, p in self.calls], [(n, "VP", "2018-01-01") for n in (0, 1000, 2000, 2500)])
        self.assertEqual(len(self.ask({"Log": answer}, "log", "--json", "--limit", "0").json()), 2500)
        self.assertRegex(self.ask({"Log": answer}, "log").out, r"2451 2018-03-05 07:30 +waive +1\.2451 +by=an")

    def test_log_verify(self):
        sound = {"sound": True, "broken": None, "head": "ab", "rows": 7}
        self.assertIn("Sound: 7 rows", self.ask({"Verify": sound}, "log", "--verify").out)
        broken = self.ask({"Verify": {"sound": False, "broken": 4, "head": "ab", "rows": 7}}, "log", "--verify", status=1)
        self.assertIn("Broken at row 4 of 7", broken.out)

    def test_report(self):
        score = {"id": "1", "title": "Chỉ đạo", "points_max": 10.0, "points_complete": 2.5, "points_pending": 5.0, "points_due_soon": 0.0,
                 "points_overdue": 2.5, "points_waived": 0.0, "points_surveyed": 0.0}  # fmt: skip
        report = {"total": {**score, "id": ""}, "areas": [score], "units": [{**score, "id": "VP"}]}
        self.assertEqual(self.ask({"Report": report}, "report", "--json").json(), report)
        out = self.ask({"Report": report}, "report").out
        for row in (r"1 +10 +2\.5 +5 +0 +2\.5 +0 +0 +Chỉ đạo", r"total +10 ", r"VP +10 "):
            self.assertRegex(out, row)

    def test_preview(self):
        preview = {"subject": "Nhắc", "to": ["a@x"], "cc": ["b@x"], "text": "Kính gửi\r\nxin", "bytes": "Subject: =?utf-8?Q?x?=\r\n\r\nbody\r\n"}
        self.assertEqual(self.ask({"Preview": preview}, "preview", "1.1").out, "To: a@x\nCc: b@x\nSubject: Nhắc\n\nKính gửi\nxin\n")
        self.ask({"Preview": preview}, "preview", "1.1", "--step", "+2wd", "--eml")
        self.assertEqual(self.calls, [("Preview", {"id": "1.1", "step": "+2wd"})])

    def test_explain_says_why(self):
        show = {
            "instance": instance("1.1@2018-01-15", state="overdue"),
            "requirements": [{"name": "Kế hoạch", "match": ["*KH*.pdf"], "have": 0, "need": 1}],
            "files": [{"path": "1/a.doc", "size": 3, "received": None, "verdict": "type", "requirement": None, "sha256": None, "detail": "doc, not pdf"}],
            "steps": [{"step": "-1wd", "at": "2018-01-12T07:30:00+07:00", "status": "sent", "recorded": "2018-01-12T07:30:00+07:00", "to": ["a@x"], "cc": []},
                      {"step": "+1wd", "at": "2018-01-16T07:30:00+07:00", "status": "coming", "recorded": None, "to": ["h@x"], "cc": ["a@x"]}],
            "log": [], "cause": "reopened", "episode": 2,
        }  # fmt: skip
        out = self.ask({"Show": show}, "explain", "1.1").out
        for words in (
            "It is overdue: its deadline has passed",
            "it was reopened",
            "missing Kế hoạch: 0 of 1, named like *KH*.pdf",
            "1/a.doc: its content is of another type than asked for, whatever its name says (doc, not pdf)",
            "-1wd  2018-01-12 07:30  was sent (2018-01-12 07:30): to a@x",
            "+1wd  2018-01-16 07:30  is to come: to h@x, cc a@x",
            "Filing what is missing (Báo cáo) into 1 ends it by itself.",
        ):
            self.assertIn(words, out)

    def test_explain_says_who_decided_and_until_when(self):
        decision = {"at": "2018-01-10T09:00:00+07:00", "by": "an (uid 1000)", "reason": "on leave", "until": "2018-01-20"}
        for state, kind, ends, expected, not_said in (
            ("snoozed", "snooze", "2018-01-20T07:30:00+07:00", ["Snoozed by an (uid 1000) on 2018-01-10 09:00: on leave", "None is taken before the snooze ends",
             "Its snooze ends by itself at 2018-01-20 07:30", "reopen '1.1@2018-01-15'"], "no step to come is taken"),
            ("waived", "waive", None, ["Waived by an (uid 1000) on 2018-01-10 09:00: on leave", "no step to come is taken"], "by itself at"),
            ("open", "extend", None, ["Extended to 2018-01-20 by an (uid 1000) on 2018-01-10 09:00: on leave"], "by itself at"),
        ):  # fmt: skip
            with self.subTest(kind=kind):
                steps = [{"step": "-1wd", "at": "2018-01-19T07:30:00+07:00", "status": "coming", "recorded": None, "to": ["a@x"], "cc": []}]
                show = {"instance": instance("1.1@2018-01-15", state=state), "decisions": [{"kind": kind, "ends": ends, **decision}], "steps": steps}
                out = self.ask({"Show": show}, "explain", "1.1").out
                for words in expected:
                    self.assertIn(words, out)
                self.assertNotIn(not_said, out)
                self.assertIn(expected[0], self.ask({"Show": show}, "show", "1.1").out)

    def test_export_has_everything(self):
        answers = {
            "Status": {"state": "running"}, "List": self.LIST, "Report": {"areas": [], "units": []}, "Queue": {"mails": []},
            "Log": lambda p: {"rows": [{"seq": 1}], "last": 1} if p["after"] == 0 else {"rows": [], "last": 0},
        }  # fmt: skip
        self.ask(answers, "export", "--output", self.path("all.json"))
        with open(self.path("all.json"), encoding="utf-8") as file:
            everything = json.load(file)
        self.assertEqual(everything["list"], self.LIST["instances"])
        self.assertEqual(everything["log"], [{"seq": 1}])
        self.assertEqual(self.ask(answers, "export").json(), everything)


class Terminal(Ctl):
    """On a terminal: tables as wide as it is, and colours unless NO_COLOR forbids them."""

    WIDTH = 80

    def show(self, answers, *args, **env):
        path = self.path("control")
        if os.path.exists(path):
            os.unlink(path)
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 25, self.WIDTH, 0, 0))
        with Daemon(path, answers), os.fdopen(ours, "rb", buffering=0) as screen:
            process = subprocess.Popen(
                [evtest.binary("evidencectl"), "--socket", path, *args],
                stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env=evtest.environment(TERM="xterm", COLUMNS=None, **env),
            )  # fmt: skip
            os.close(theirs)
            text = b""
            while True:
                try:
                    more = screen.read(65536)
                except OSError:  # Linux: everybody has closed the other side
                    break
                if not more:
                    break
                text += more
            self.assertEqual(process.wait(evtest.PATIENCE), 0, text)
        return text.decode().replace("\r\n", "\n")

    @staticmethod
    def columns(line):
        plain = re.sub(r"\033\[[0-9;]*m", "", unicodedata.normalize("NFC", line))
        return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in plain)

    ANSWERS = {
        "List": {"instances": [instance("1.1@2018-01-15", state="overdue", missing=["Báo cáo kết quả kiểm tra " * 9]),
                               instance("1.2@2018-01-15", missing=["証拠書類の提出状況に関する報告書" * 5])]},
        "Queue": {"mails": [{"id": 1, "state": "parked", "tries": 3, "next_try": None, "recipient": "very.long.address@department.example",
                             "subject": "Nhắc việc: còn 05 ngày làm việc " * 4, "reply": "550 5.1.1 no such user " * 4}]},
        "Report": {"total": {"title": "x" * 90}, "areas": [{"id": "1", "title": "Công tác chỉ đạo " * 9, "points_overdue": 1.5}], "units": []},
    }  # fmt: skip

    def test_fits_and_is_coloured(self):
        for command in ("list", "queue", "report"):
            with self.subTest(command=command):
                text = self.show(self.ANSWERS, command)
                self.assertIn("\033[", text)
                for line in text.splitlines():
                    self.assertLessEqual(self.columns(line), self.WIDTH, line)

    def test_no_color(self):
        text = self.show(self.ANSWERS, "list", NO_COLOR="1")
        self.assertNotIn("\033", text)
        self.assertIn("overdue", text)


class Changing(Ctl):
    def test_decisions(self):
        decided = {"instance": instance("1.1@2018-01-15", state="waived")}
        out = self.ask({"Decide": decided}, "waive", "1.1", "--reason", "không áp dụng").out
        self.assertEqual(self.calls, [("Decide", {"kind": "waive", "id": "1.1", "reason": "không áp dụng"})])
        self.assertIn("1.1@2018-01-15 is waived now", out)
        self.ask({"Decide": decided}, "extend", "1.1", "--reason", "x", "--until", "2018-02-01")
        self.assertEqual(self.calls[0][1]["until"], "2018-02-01")

    def test_what_is_no_utf8_is_not_sent(self):
        done = self.ask({}, "waive", "1.1", "--reason", os.fsdecode(b"caf\xe9"), status=64)
        self.assertIn("UTF-8", done.err)
        done = self.ask({}, "log", "--unit", os.fsdecode(b"caf\xe9"), status=64)
        self.assertIn("UTF-8", done.err)
        done = self.ask({}, "show", os.fsdecode(b"caf\xe9"), status=64)
        self.assertIn("UTF-8", done.err)
        self.assertEqual(self.calls, [])

    def test_queue_actions_one_by_one(self):
        answers = {"QueueAction": lambda p: {} if p["id"] != 4 else error("InvalidArgument", text="no mail of that number")}
        self.ask(answers, "queue", "retry", "3", "4", "5", status=1)
        self.assertEqual([p for _, p in self.calls], [{"action": "retry", "id": n} for n in (3, 4, 5)])

    def test_release_needs_a_yes(self):
        mail = {"time": "2018-03-05T07:30:00+07:00", "kind": "reminder", "to": ["a@x"], "cc": [], "subject": "Nhắc", "items": [{}, {}]}
        answers = {"Release": {"mails": [mail]}}
        done = self.ask(answers, "release", status=64)
        self.assertIn("--yes", done.err)
        self.assertEqual(self.calls, [("Release", {"show": True})])
        self.assertRegex(self.ask(answers, "release", "--show").out, r"reminder +a@x +2 +Nhắc")
        self.assertEqual(self.calls, [("Release", {"show": True})])
        self.assertIn("Mail flows", self.ask(answers, "release", "--yes").out)
        self.assertEqual(self.calls[-1], ("Release", {"show": False}))

    def test_reload_confirm_and_test_mail(self):
        out = self.ask({"Reload": {"changes": ["added 1.1@2018-01-15"], "warnings": ["a:1: warning: x"]}}, "reload").out
        self.assertIn("added 1.1@2018-01-15", out)
        self.assertIn("a:1: warning: x", out)
        self.assertIn("2 may reopen", self.ask({"Confirm": {"instances": ["1", "2"]}}, "confirm").out)
        self.assertIn("<id@x>", self.ask({"SendTest": {"message_id": "<id@x>"}}, "send-test", "a@x").out)
        self.assertEqual(self.calls, [("SendTest", {"address": "a@x"})])


if __name__ == "__main__":
    evtest.main()
