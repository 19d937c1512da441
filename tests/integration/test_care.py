# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the service does for itself: heartbeat, the ledger's check, the time zone's rules, and a week of downtime."""

import http.server
import os
import shutil
import sqlite3
import threading

import evmail
import evtest

SUNDAY_AT_THREE, TUESDAY_AT_THREE = "2018-11-18T03:00:01+07:00", "2018-11-20T03:00:01+07:00"


class Watcher:
    """A dead-man's switch: answers what .answer says, remembers what it was asked for."""

    def __init__(self, answer=200):
        watcher = self
        self.answer, self.asked = answer, []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                watcher.asked.append((self.path, dict(self.headers)))
                self.send_response(watcher.answer)
                if watcher.answer == 302:
                    self.send_header("Location", f"http://127.0.0.1:{watcher.port}/elsewhere")
                self.end_headers()
                try:
                    self.wfile.write(b"x" * 200_000)  # more than anybody should read
                except OSError:
                    pass

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_port
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *error):
        self.server.shutdown()
        self.server.server_close()


class Care(evmail.Office):
    def configure(self, text):
        """More keys of the section mail, in a file of its own."""
        return self.write("etc/tasks.d/zz-care.conf", f"mail: {{ {text} }};\n")

    def state_db(self):
        db = sqlite3.connect(self.path("state", "evidenced.db"), isolation_level=None)
        self.addCleanup(db.close)
        return db

    def value(self, name):
        row = self.state_db().execute("SELECT value FROM value WHERE name = ?", (name,)).fetchone()
        return row and row[0]

    def pass_time(self, **span):
        evtest.pass_time(self.path("state"), **span)

    def night_falls(self, service, clock):
        """Another day begins while it runs, at its next turn."""
        clock.set(86400)
        service.ctl("reload")

    def reasons(self, service):
        status = service.ctl("status", "--json").json()
        return status["state"], status["reasons"]


class Heartbeat(Care):
    def test_once_a_day_when_all_is_well(self):
        with Watcher() as watcher:
            self.office(evmail.server("maildir:sent"))
            self.configure(f'heartbeat = "http://127.0.0.1:{watcher.port}/ping/0f3a";')
            with self.service() as service:
                evtest.eventually(lambda: self.value("heartbeat_day"), "the heartbeat")
                self.assertEqual(self.reasons(service), ("running", []))
            with self.service() as service:  # the same day, started again
                evtest.eventually(lambda: service.ctl("status", "--json").json()["state"] == "running")
                service.ctl("reload")
            self.assertEqual([path for path, _ in watcher.asked], ["/ping/0f3a"])
            self.pass_time(days=1)
            with self.service() as service:
                evtest.eventually(lambda: len(watcher.asked) == 2, "the next day's")
            self.assertNotIn("Authorization", watcher.asked[0][1])

    def test_failure_is_told_and_tried_again_after_an_hour(self):
        with Watcher(answer=500) as watcher:
            self.office(evmail.server("maildir:sent"))
            self.configure(f'heartbeat = "http://127.0.0.1:{watcher.port}/x";')
            with self.service() as service:
                evtest.eventually(lambda: self.reasons(service)[0] == "degraded", "the reason")
                self.assertEqual(self.reasons(service)[1], ["The heartbeat could not be sent: HTTP 500"])
                self.assertIn("The heartbeat could not be sent (HTTP 500), trying again in an hour", service.log())
                service.ctl("reload")  # turns do not make it come sooner
                self.assertEqual(len(watcher.asked), 1)
            self.assertIsNone(self.value("heartbeat_day"))
            watcher.answer = 204
            self.pass_time(hours=1)
            with self.service():
                evtest.eventually(lambda: self.value("heartbeat_day"), "the second try")
            self.assertEqual(len(watcher.asked), 2)

    def test_no_redirect_is_followed(self):
        with Watcher(answer=302) as watcher:
            self.office(evmail.server("maildir:sent"))
            self.configure(f'heartbeat = "http://127.0.0.1:{watcher.port}/x";')
            with self.service() as service:
                evtest.eventually(lambda: "redirect" in "".join(self.reasons(service)[1]), "the reason")
            self.assertEqual([path for path, _ in watcher.asked], ["/x"])

    def test_silent_while_something_is_wrong(self):
        down, clock = evtest.SmtpServer(), evtest.Later(self.folder)
        down.take_port()
        self.addCleanup(down.stop)
        with Watcher() as watcher:
            self.office(evmail.server(down.url))
            self.configure(f'heartbeat = "http://127.0.0.1:{watcher.port}/x";')
            with self.service(now="2018-11-12T02:30:00+07:00", **clock.env) as service:
                service.ctl("send-test", "unit0@office.example")
                evtest.eventually(lambda: self.reasons(service)[0] == "degraded", "a server that is down")
                clock.set(1800)
                service.ctl("reload")
                evtest.eventually(lambda: "No heartbeat: not all is well" in service.log(), "03:00")
            self.assertEqual(watcher.asked, [])

    def test_silent_while_mail_is_held(self):
        with Watcher() as watcher:
            self.office(evmail.server("maildir:sent"))
            self.configure(f'hold = true; heartbeat = "http://127.0.0.1:{watcher.port}/x";')
            with self.service() as service:
                evtest.eventually(lambda: "No heartbeat: not all is well" in service.log(), "the decision")
                self.assertEqual(self.reasons(service), ("held", []))
            self.assertEqual(watcher.asked, [])


    def test_mail_that_waits_for_the_window(self):
        """Put off at the end of a Friday it waits until Monday, and that is no trouble; a day of refusals is one."""
        with evtest.SmtpServer({"rcpt": lambda _: "450 4.2.0 later"}) as server, Watcher() as watcher:
            self.office(evmail.server(server.url), due="2018-11-21")  # -3wd is that Friday
            self.configure(f'heartbeat = "http://127.0.0.1:{watcher.port}/x";')
            with self.service(now="2018-11-16T17:59:00+07:00") as service:
                self.wait_state(service, evmail.unit_address(0), "queued", tries=1)
                evtest.eventually(lambda: self.value("heartbeat_day"), "the heartbeat of Friday")
            evtest.set_clock(self.path("state"), SUNDAY_AT_THREE)
            with self.service() as service:
                evtest.eventually(lambda: len(watcher.asked) == 2, "the heartbeat of Sunday")
                self.assertEqual(self.mail(service, evmail.unit_address(0))["next_try"], "2018-11-19T07:00:00+07:00")
            # the window is closed again, but it was open all Monday
            evtest.set_clock(self.path("state"), TUESDAY_AT_THREE)
            with self.service() as service:
                evtest.eventually(lambda: "No heartbeat: not all is well" in service.log(), "the decision")
                self.assertEqual(self.mail(service, evmail.unit_address(0))["next_try"], "2018-11-20T07:00:00+07:00")
            self.assertEqual(len(watcher.asked), 2)


class Night(Care):
    @staticmethod
    def told(server):
        return [evtest.body_text(m.parse()) for m in server.messages if evmail.ADMINISTRATOR in m.recipients]

    def test_a_ledger_that_was_changed(self):
        words = "The ledger does not verify: row 2 is the first that does not fit"
        self.forge_ledger("en", words, words)

    def test_in_the_language_of_the_office(self):
        """The mail speaks Vietnamese; journal and status stay as an administrator searches for them."""
        self.forge_ledger(
            "vi",
            "The ledger does not verify: row 2 is the first that does not fit",
            "Sổ ghi không khớp: dòng 2 là dòng đầu tiên bị sai",
        )

    def forge_ledger(self, language, words, mailed):
        with evtest.SmtpServer() as server:
            self.office(evmail.server(server.url), language=language)
            self.once()
            db = self.state_db()
            for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                db.execute(f"DROP TRIGGER {name}")
            db.execute("UPDATE ledger SET detail = '{\"reason\":\"forged\"}' WHERE seq = 2")
            db.close()
            self.pass_time(days=1)
            with self.service() as service:
                evtest.eventually(lambda: words in "".join(self.reasons(service)[1]), "the reason")
                evtest.eventually(lambda: any(mailed in text for text in self.told(server)), "the mail")
                subjects = [str(message.parse()["Subject"]) for message in server.taken]
                self.assertTrue(any(mailed in subject for subject in subjects), subjects)
                self.assertIn(words, service.log())
                row = [r["detail"] for r in self.log_of(service, "--event", "notice-decided") if r["detail"].get("kind") == "trouble"]
                self.assertIn(words, row[0]["text"])
            with self.service() as service:  # before the next check it is no sounder
                evtest.eventually(lambda: words in "".join(self.reasons(service)[1]), "the reason again")

    def test_rules_of_the_time_zone(self):
        zones = self.path("zones")
        for name in ("Asia/Ho_Chi_Minh", "UTC"):
            os.makedirs(os.path.dirname(os.path.join(zones, name)), exist_ok=True)
            shutil.copy(f"/usr/share/zoneinfo/{name}", os.path.join(zones, name))
        with evtest.SmtpServer() as server:
            self.office(evmail.server(server.url))
            clock = evtest.Later(self.folder)
            with self.service(TZDIR=zones, **clock.env) as service:
                shutil.copy(os.path.join(zones, "UTC"), os.path.join(zones, "new"))
                os.rename(os.path.join(zones, "new"), os.path.join(zones, "Asia/Ho_Chi_Minh"))
                self.night_falls(service, clock)
                words = "The rules of the time zone changed"
                evtest.eventually(lambda: words in "".join(self.reasons(service)[1]), "the reason")
                evtest.eventually(lambda: any(words in text for text in self.told(server)), "the mail")

    def test_the_same_rules_in_a_new_file(self):
        zones = self.path("zones")
        os.makedirs(os.path.join(zones, "Asia"))
        zone = os.path.join(zones, "Asia/Ho_Chi_Minh")
        shutil.copy("/usr/share/zoneinfo/Asia/Ho_Chi_Minh", zone)
        self.office(evmail.server("maildir:sent"))
        clock = evtest.Later(self.folder)
        with self.service(TZDIR=zones, **clock.env) as service:
            before = evtest.eventually(lambda: self.value("backup_day"), "the first night's work")
            shutil.copy(zone, zone + ".new")
            os.rename(zone + ".new", zone)
            self.night_falls(service, clock)
            evtest.eventually(lambda: self.value("backup_day") > before, "the night")
            self.assertEqual(self.reasons(service), ("running", []))


class Downtime(Care):
    def test_a_week_of_it(self):
        """One reminder, of the most severe step; those passed over are in the ledger, with the reason."""
        with evtest.SmtpServer() as server:
            self.office(evmail.server(server.url))
            key = "1.1@2018-11-15/0"
            with self.service() as service:
                evtest.eventually(lambda: self.status(service)["outbox"]["sent"] == 1, "the reminder of -3wd")
            self.assertEqual(server.messages[0].recipients, [evmail.unit_address(0)])
            self.pass_time(days=8)  # Tuesday, 20 November: -1wd, 0, +1wd, +2wd have passed, +3wd is today
            with self.service() as service:
                evtest.eventually(lambda: len(server.messages) >= 3, "the reminder caught up")
                evtest.eventually(lambda: self.status(service)["outbox"]["queued"] == 0, "the end of it")
                rows = self.log_of(service, "--instance", key)
                plain = service.ctl("log", "--instance", key).out
            late = server.messages[1:]
            self.assertEqual(sorted(m.recipients[0] for m in late), [evmail.head_address(0), evmail.unit_address(0)])
            self.assertEqual(len({m.raw for m in late}), 1, "one mail, to both")
            self.assertIn("OVERDUE by 3 working days", late[0].parse()["Subject"])
            decided = [row["detail"]["step"] for row in rows if row["event"] == "notice-decided"]
            self.assertEqual(decided, ["-3wd", "+3wd"])
            passed = [row["detail"] for row in rows if row["event"] == "notice-superseded"][1:]
            self.assertEqual([(d["step"], d["by"]) for d in passed], [(s, "+3wd") for s in ("-1wd", "0", "+1wd", "+2wd")])
            self.assertEqual(plain.count("reason=a later step was reached"), 5, plain)
            with self.service() as service:  # and it was the last of that day
                evtest.eventually(lambda: self.status(service)["next"] or None, "a plan")
            self.assertEqual(len(server.messages), 3)


if __name__ == "__main__":
    evtest.main()
