#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Filing is all that a clerk does: the running service sees documents come, change and go, and its reminders follow.

Also how it starts, stops, reloads and keeps a second one away from its state.
"""

import json
import os
import re
import signal
import time

import evtest
import small_year

SETTLE = 1.0
# What was moved or saved over has to settle in its new place before that: a machine that is busy has the difference for it.
GONE_AFTER = 4.0
# two seconds and a little; with a server that would let it wait for a minute
STOPS_WITHIN = 15.0


def is_running(pid):
    """Whether a process is there and not only waiting to be reaped."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as file:
        return [int(child) for child in file.read().split()]


class Filing(evtest.TestCase):
    """A service with the small year; its mail goes to a server that takes everything."""

    def setUp(self):
        super().setUp()
        self.server = evtest.SmtpServer()
        self.server.start()
        self.addCleanup(self.server.stop)
        self.config = small_year.write_year(self, self.server.url, settle="1s", gone_after="4s", timeout="60s")

    def service(self, *args, **more):
        return evtest.Service(self.config, self.path("state"), "--now", small_year.NOW, *args, **small_year.FROM_BUILD, **more)

    def file(self, name, seed=0, **more):
        return evtest.place(self.path("evidence"), name, seed=seed, **more)

    def instance(self, service, key="1.1@2018-11-15"):
        listed = service.ctl("list", "--json").json()
        found = [entry for entry in listed if entry["instance"] == key]
        self.assertEqual(len(found), 1, listed)
        return found[0]

    def state(self, service, key="1.1@2018-11-15"):
        return self.instance(service, key)["state"]

    def until_state(self, service, state, key="1.1@2018-11-15"):
        evtest.eventually(lambda: self.state(service, key) == state, f"{key} {state}", pause=0.05)

    def stays(self, service, state, seconds, since=None, key="1.1@2018-11-15"):
        """It is in this state for so long since then, or now. What was answered later is not asked for."""
        end = (since or time.monotonic()) + seconds
        while True:
            found = self.state(service, key)
            if time.monotonic() > end:
                return
            self.assertEqual(found, state)
            time.sleep(0.1)

    def upcoming(self, service, key="1.1@2018-11-15"):
        """What `next` announces for an instance, with whatever it is said in."""
        return [entry for entry in service.ctl("next", "--json").json() if key in json.dumps(entry, ensure_ascii=False)]


class Documents(Filing):
    def test_the_missing_document_ends_the_reminders(self):
        self.file("1.1/plan.pdf", seed="plan")
        with self.service() as service:
            self.until_state(service, "partial")
            entry = self.instance(service)
            self.assertEqual((entry["have"], entry["need"]), (1, 2))
            self.assertIn("The report", json.dumps(entry["missing"]))
            self.assertNotIn("The plan", json.dumps(entry["missing"]))
            self.assertTrue(self.upcoming(service), "an open instance has a next reminder")

            filed = time.monotonic()
            self.file("1.1/the report.pdf", seed="report")
            self.until_state(service, "complete")
            self.assertGreater(time.monotonic() - filed, SETTLE, "counted before it was settled")
            entry = self.instance(service)
            self.assertEqual((entry["have"], entry["need"], entry["missing"]), (2, 2, []))
            self.assertEqual(self.upcoming(service), [])
            self.assertTrue(self.upcoming(service, "1.3@2018-11-19/A"), "the others go on")
            said = service.ctl("explain", "1.1@2018-11-15").out
            self.assertRegex(said, r"(?i)complete")

    def test_gone_and_back(self):
        self.file("1.1/plan.pdf", seed="plan")
        report = self.file("1.1/report.pdf", seed="report")
        with self.service() as service:
            self.until_state(service, "complete")
            self.server.wait_for(5)
            removed = time.monotonic()
            os.unlink(report)
            # away for a moment is how editors save: not gone before gone_after
            self.stays(service, "complete", GONE_AFTER, since=removed)
            self.until_state(service, "partial")
            self.assertEqual(self.instance(service)["have"], 1)
            self.assertTrue(self.upcoming(service), "reopened: reminded again")

            # told at once in the window: unit, cc coordinator
            def told():
                return [
                    message
                    for message in self.server.taken
                    if str(message.parse()["To"]) == "a@small.example"
                    and "coordinator@small.example" in str(message.parse()["Cc"] or "")
                ]

            evtest.eventually(lambda: len(told()) == 2, "reopened told to unit and coordinator")
            self.assertEqual({message.recipients[0] for message in told()}, {"a@small.example", "coordinator@small.example"})
            self.assertIn("1.1", str(told()[0].parse()["Subject"]))
            self.assertIn("1.1/report.pdf", evtest.body_text(told()[0].parse()), "it says which file went")

            self.file("1.1/report.pdf", seed="another report")
            self.until_state(service, "complete")

    def test_all_gone_is_open(self):
        plan = self.file("1.1/plan.pdf", seed="plan")
        with self.service() as service:
            self.until_state(service, "partial")
            os.unlink(plan)
            self.until_state(service, "open")

    def moves(self, *names):
        """File 1.1's report, let it count, and move it along these names: it stays complete, and nobody is told."""
        self.file("1.1/plan.pdf", seed="plan")
        place = self.file("1.1/report.pdf", seed="report")
        with self.service() as service:
            self.until_state(service, "complete")
            before = len(self.server.wait_for(5))
            for name in names:
                target = self.path("evidence/1.1", name)
                os.makedirs(os.path.dirname(target), exist_ok=True)
                os.rename(place, target)
                place = target
                self.stays(service, "complete", GONE_AFTER + SETTLE + 1)
            self.assertEqual(self.server.taken[before:], [])
            self.assertNotRegex(service.log(), r"(?i)reopened")
            # and the new place is what counts
            os.unlink(place)
            self.until_state(service, "partial")

    def test_renaming_does_not_reopen(self):
        self.moves("Final report, signed.pdf")

    def test_renaming_twice_does_not_reopen(self):
        self.moves("Final report.pdf", "Final report, signed.pdf")

    def test_moving_deeper_does_not_reopen(self):
        self.moves("signed/report.pdf")

    def test_saving_over_does_not_reopen(self):
        self.file("1.1/plan.pdf", seed="plan")
        report = self.file("1.1/report.pdf", seed="report")
        with self.service() as service:
            self.until_state(service, "complete")
            new = self.file("1.1/report.pdf.tmp", data=evtest.document("x.pdf", "second edition"))
            os.rename(new, report)
            self.stays(service, "complete", GONE_AFTER + SETTLE + 1)

    def test_slow_writer(self):
        self.file("1.1/plan.pdf", seed="plan")
        with self.service() as service:
            self.until_state(service, "partial")
            data = evtest.document("x.pdf", "report")
            step = len(data) // 15 + 1
            with open(self.path("evidence/1.1/report.pdf"), "wb", buffering=0) as file:
                for at in range(0, len(data), step):
                    file.write(data[at : at + step])
                    time.sleep(0.2)
                    self.assertEqual(self.state(service), "partial")
                finished = time.monotonic()
            self.until_state(service, "complete")
            self.assertGreater(time.monotonic() - finished, SETTLE)

    def test_open_writer(self):
        # whole, quiet for longer than settle, and still open: its writer may yet go on
        self.file("1.1/plan.pdf", seed="plan")
        with self.service() as service:
            self.until_state(service, "partial")
            with open(self.path("evidence/1.1/report.pdf"), "wb", buffering=0) as file:
                file.write(evtest.document("x.pdf", "report"))
                self.stays(service, "partial", SETTLE + 1.5)
            self.until_state(service, "complete")

    def test_what_does_not_count(self):
        self.file("1.1/plan.pdf", seed="plan")
        whole = evtest.document("x.pdf", "report")
        with self.service() as service:
            self.until_state(service, "partial")
            self.file("1.1/report cut.pdf", data=whole[: len(whole) // 2])
            self.file("1.1/report empty.pdf", data=b"")
            self.file("1.1/report zip.pdf", data=evtest.document("x.zip"))
            self.file("1.1/~$report.pdf", data=whole)
            self.file("1.1/.report.pdf", data=whole)
            self.file("1.1/minutes.pdf", seed="minutes")
            self.file("1.2/report.pdf", seed="wrong folder")
            os.symlink(self.file("../outside/report.pdf", seed="outside"), self.path("evidence/1.1/report link.pdf"))
            os.makedirs(self.path("evidence/1.1/report folder.pdf"))
            os.mkfifo(self.path("evidence/1.1/report fifo.pdf"))
            self.stays(service, "partial", SETTLE + 2)

            def told():
                said = service.ctl("explain", "1.1@2018-11-15").out + service.ctl("show", "1.1@2018-11-15").out
                return all(name in said for name in ("report cut.pdf", "report empty.pdf", "report zip.pdf"))

            evtest.eventually(told, "why a file was not counted is shown")
            self.assertEqual(self.state(service), "partial")
            self.file("1.2/record.pdf", seed="record")
            self.until_state(service, "late", key="1.2@2018-11-08")

    def test_explanation(self):
        with self.service() as service:
            self.until_state(service, "open")
            self.file("1.1/GIAI-TRINH vi sao.docx", seed="why")
            self.until_state(service, "explained")
            self.assertEqual(self.upcoming(service), [])
            self.assertIn("vi sao.docx: it explains why there is no evidence", service.ctl("explain", "1.1@2018-11-15").out)
            self.write("evidence/1.2/GIAI-TRINH.docx", "")
            evtest.eventually(lambda: "GIAI-TRINH.docx: it is empty" in service.ctl("explain", "1.2@2018-11-08").out)

    def test_restart_keeps_what_was_counted(self):
        tasks = small_year.TASKS.replace('match = [ "*record*.pdf" ];', 'match = [ "*record*.pdf" ]; count = 3;')
        self.assertNotEqual(tasks, small_year.TASKS)
        self.write("etc/tasks.d/1.conf", tasks)
        for number in range(3):
            self.file(f"1.2/record {number}.pdf", seed=f"record {number}")
        self.file("1.1/plan.pdf", seed="plan")
        with self.service() as service:
            self.until_state(service, "late", key="1.2@2018-11-08")
            self.until_state(service, "partial")
            service.stop()
        with self.service() as service:
            # from the first answer on, as stored, and after the scan as well
            end = time.monotonic() + SETTLE + 2
            while time.monotonic() < end:
                for key, state, have in (("1.2@2018-11-08", "late", 3), ("1.1@2018-11-15", "partial", 1)):
                    entry = self.instance(service, key)
                    self.assertEqual((entry["state"], entry["have"]), (state, have), entry)
                time.sleep(0.1)

    def test_nobody_is_reminded_before_the_first_scan_is_judged(self):
        # a first scan that takes its time, and settles late: what it has not judged yet is not missing
        self.config = small_year.write_year(self, self.server.url, settle="3s")
        for number in range(2000):
            os.makedirs(self.path(f"evidence/1.1/{number}"))
        self.file("1.1/1999/plan.pdf", seed="plan")
        with self.service() as service:
            seen = []
            while not seen or seen[-1] != "partial":
                state = self.state(service)
                if not seen or seen[-1] != state:
                    seen.append(state)
                self.assertEqual(seen, [known for known in ("unknown", "open", "partial") if known in seen])
            self.server.wait_for(5)
            mails = [message.parse() for message in self.server.taken if message.recipients == ["a@small.example"]]
            self.assertEqual(len(mails), 1)
            self.assertIn("1 of 2", evtest.body_text(mails[0]))
            self.assertNotIn("The plan", evtest.body_text(mails[0]))

    def test_new_folder_is_seen(self):
        with self.service() as service:
            self.until_state(service, "open", key="1.3@2018-11-19/B")
            self.file("1.3/B/deep/er/scores 2018.xlsx", seed="scores")
            self.until_state(service, "complete", key="1.3@2018-11-19/B")
            self.assertEqual(self.state(service, "1.3@2018-11-19/A"), "open")


class Life(Filing):
    def test_ready_and_status(self):
        with self.service() as service:
            evtest.eventually(lambda: any(line.startswith("STATUS=") for d in service.notify.poll() for line in d), "STATUS=")
            self.assertEqual(sum("READY=1" in datagram for datagram in service.notify.poll()), 1)
            self.server.wait_for(5)
            self.assertEqual(service.stop(), 0)
            self.assertTrue(service.notify.has("STOPPING=1"))

    def test_term(self):
        with self.service() as service:
            self.server.wait_for(5)
            workers = children(service.process.pid)
            self.assertTrue(workers, "a scanner at least")
            began = time.monotonic()
            service.process.send_signal(signal.SIGTERM)
            self.assertEqual(service.process.wait(evtest.PATIENCE), 0)
            self.assertLess(time.monotonic() - began, STOPS_WITHIN)
            evtest.eventually(lambda: not any(map(is_running, workers)), "the workers' end")
            self.assertFalse(os.path.exists(service.socket), "the control socket is left behind")

    def test_term_at_once(self):
        with self.service(ready=False) as service:
            time.sleep(0.05)
            began = time.monotonic()
            service.process.send_signal(signal.SIGTERM)
            status = service.process.wait(evtest.PATIENCE)
            self.assertLess(time.monotonic() - began, STOPS_WITHIN)
            # before the handler stands the default action ends it: nothing was done yet
            self.assertIn(status, (0, -signal.SIGTERM))

    def test_term_while_the_server_is_silent(self):
        self.server.script["dot"] = lambda _: evtest.HANG
        with self.service() as service:
            self.server.wait_for_command("DATA")
            began = time.monotonic()
            service.process.send_signal(signal.SIGTERM)
            self.assertEqual(service.process.wait(evtest.PATIENCE), 0)
            self.assertLess(time.monotonic() - began, STOPS_WITHIN)

    def change_title(self, old, new):
        with open(self.path("etc/tasks.d/1.conf"), encoding="utf-8") as file:
            text = file.read()
        self.assertIn(old, text)
        self.write("etc/tasks.d/1.conf", text.replace(old, new))

    def add_task(self):
        self.write(
            "etc/tasks.d/2.conf",
            'tasks: ( { id = "1.4"; area = "1"; title = "New"; points = 0.0; unit = "B"; due = "2018-11-28";\n'
            '    evidence: { dir = "1.4"; need = ( { name = "x"; match = [ "*" ]; } ); }; } );\n',
        )

    def keys(self, service):
        return {entry["instance"] for entry in service.ctl("list", "--json").json()}

    def test_reload(self):
        with self.service() as service:
            self.until_state(service, "open")
            before = self.keys(service)
            self.add_task()
            service.ctl("reload")
            self.assertEqual(self.keys(service), before | {"1.4@2018-11-28"})

            self.change_title('unit = "B"; due', 'unit = "BB"; due')
            os.unlink(self.path("etc/tasks.d/2.conf"))
            done = service.ctl("reload", status=None)
            self.assertIn(done.status, (1, 78))
            self.assertRegex(done.out + done.err, re.escape(self.path("etc/tasks.d/1.conf")) + r":\d+: error: .*BB")
            self.assertEqual(self.keys(service), before | {"1.4@2018-11-28"}, "the running configuration is kept")
            self.assertIsNone(service.process.poll())

            self.change_title('unit = "BB"; due', 'unit = "B"; due')
            service.ctl("reload")
            self.assertEqual(self.keys(service), before)

    def test_hangup(self):
        with self.service() as service:
            self.until_state(service, "open")
            before = self.keys(service)
            self.change_title('title = "Scores";', 'titel = "x"; title = "Scores";')
            service.process.send_signal(signal.SIGHUP)
            finding = re.escape(self.path("etc/tasks.d/1.conf")) + r":\d+: .*titel"
            evtest.eventually(lambda: re.search(finding, service.log()), "the finding in the log")
            self.assertEqual(self.keys(service), before)

            self.change_title('titel = "x"; title = "Scores";', 'title = "Scores";')
            self.add_task()
            service.process.send_signal(signal.SIGHUP)
            evtest.eventually(lambda: "1.4@2018-11-28" in self.keys(service), "the new task")
            datagrams = service.notify.poll()
            reloading = [i for i, d in enumerate(datagrams) if "RELOADING=1" in d]
            self.assertTrue(reloading, datagrams)
            self.assertTrue(any(line.startswith("MONOTONIC_USEC=") for line in datagrams[reloading[-1]]), datagrams)
            evtest.eventually(
                lambda: any("READY=1" in d for d in service.notify.poll()[reloading[-1] :]), "READY=1 behind RELOADING=1"
            )

    def test_reload_sends_nothing_again(self):
        with self.service() as service:
            self.server.wait_for(5)
            with open(self.config, encoding="utf-8") as file:
                text = file.read()
            self.write("etc/evidenced.conf", text.replace("calendar: {", 'calendar: { send_at = "08:15";'))
            service.ctl("reload")
            time.sleep(2)
            self.assertEqual(len(self.server.taken), 5, self.server.taken)

    def test_second_one_is_kept_away(self):
        with self.service() as service:
            for more in ((), ("--once",)):
                with self.subTest(more):
                    done = evtest.run(
                        "evidenced", "--config", self.config, "--state", self.path("state"),
                        "--socket", self.path("other"), *more, status=75, **small_year.FROM_BUILD,
                    )  # fmt: skip
                    self.assertRegex(done.out + done.err, rf"\b{service.process.pid}\b")
            self.assertIsNone(service.process.poll())
            service.ctl("status")
            service.kill()
        # a lock dies with its holder
        with self.service() as service:
            service.ctl("status")


if __name__ == "__main__":
    evtest.main()
