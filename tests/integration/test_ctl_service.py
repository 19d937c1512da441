# SPDX-License-Identifier: LGPL-2.1-or-later
"""evidencectl and the real daemon: a day in the life of one deadline, asked and decided from the command line."""

import contextlib
import os
import sqlite3

import evtest

CONF = """
organization: { name = "Department"; time_zone = "Asia/Ho_Chi_Minh"; language = "en"; };
calendar: { off = ( "2018-01-01" ); };
mail: { from = "cchc@dept.example"; servers = ( { url = "maildir:sent"; } ); };
evidence: { roots = [ "%s" ]; settle = "1s"; };
areas: ( { id = "1"; title = "Direction"; points = 3.0; } );
units: ( { id = "VP"; name = "Office"; mail = [ "vp@dept.example" ]; roles: { head = [ "head.vp@dept.example" ]; }; } );
roles: { coordinator = [ "cchc@dept.example" ]; deputy = [ "deputy@dept.example" ];
         director = [ "director@dept.example" ]; administrator = [ "admin@dept.example" ]; };
tasks: ( { id = "1.1"; area = "1"; title = "Plan"; points = 2.0; unit = "VP"; due = "2018-03-15";
           evidence: { dir = "1.1"; need = ( { name = "Plan"; match = [ "*plan*.pdf" ]; type = [ "pdf" ]; } ); }; },
         { id = "1.2"; area = "1"; title = "Report"; points = 1.0; unit = "VP"; due = ( "2018-06-05", "2018-09-05" );
           evidence: { dir = "1.2/{month}"; need = ( { name = "Report"; match = [ "*.pdf" ]; } ); }; } );
"""


class Service(evtest.TestCase):
    def service(self, now="2018-03-12T06:00:00+07:00"):
        os.makedirs(self.path("evidence", "1.1"))
        os.makedirs(self.path("state"))
        config = self.write("etc/evidenced.conf", CONF % self.path("evidence"))
        return evtest.Service(
            config, self.path("state"), "--now", now,
            EVIDENCED_TEMPLATES=evtest.source("conf", "templates"),
        )  # fmt: skip

    def state(self, service, key):
        return {i["instance"]: i for i in service.ctl("list", "--json").json()}[key]["state"]

    def test_asking(self):
        with self.service() as service:
            evtest.eventually(lambda: self.state(service, "1.1@2018-03-15") == "open", "the scan")
            status = service.ctl("status", "--json").json()
            self.assertEqual(status["state"], "running", status)
            self.assertIn("running", service.ctl("status").out)
            report = service.ctl("report", "--json").json()
            self.assertEqual([(a["id"], a["points_max"]) for a in report["areas"]], [("1", 3.0)])
            self.assertEqual(report["total"]["points_max"], 3.0)
            upcoming = service.ctl("next", "--json").json()
            self.assertEqual(upcoming[0]["instance"], "1.1@2018-03-15")
            show = service.ctl("show", "1.1", "--json").json()
            self.assertEqual(show["instance"]["instance"], "1.1@2018-03-15")
            self.assertIn("-3wd  2018-03-12 07:30", service.ctl("explain", "1.1").out)
            self.assertIn("Subject: ", service.ctl("preview", "1.1", "--step", "+1wd").out)
            self.assertIn("MIME-Version: 1.0", service.ctl("preview", "1.1", "--eml").out)
            self.assertIn("did you mean '1.1@2018-03-15'", service.ctl("show", "1.1@2018-03-16", status=1).err)
            self.assertIn("several deadlines", service.ctl("show", "1.2", status=1).err)
            self.assertEqual(service.ctl("export").json()["list"], service.ctl("list", "--json").json())

    def test_criteria_and_deadlines(self):
        """A criterion counts once, as in mails and reports, however many of its deadlines are overdue."""
        with self.service(now="2018-10-01T06:00:00+07:00") as service:
            words = "2 criteria, 2 overdue (3 deadlines); "
            evtest.eventually(lambda: words in service.ctl("status").out, words)
            counts = service.ctl("status", "--json").json()["counts"]
            self.assertEqual((counts["tasks"], counts["instances"], counts["overdue"]), (2, 3, 3))

    def test_explain_names_what_a_file_lacks(self):
        with self.service() as service:
            evtest.eventually(lambda: self.state(service, "1.1@2018-03-15") == "open", "the scan")
            self.write("evidence/1.1/plan-2018.pdf", "no PDF at all\n")
            words = "its content is of another type than asked for"
            evtest.eventually(lambda: words in service.ctl("explain", "1.1").out, "the verdict")
            self.assertIn("1.1/plan-2018.pdf", service.ctl("show", "1.1").out)

    def test_deciding(self):
        with self.service() as service:
            evtest.eventually(lambda: self.state(service, "1.1@2018-03-15") == "open", "the scan")
            service.ctl("waive", "1.1", "--reason", "không áp dụng")
            self.assertEqual(self.state(service, "1.1@2018-03-15"), "waived")
            service.ctl("reopen", "1.1", "--reason", "mistaken")
            self.assertEqual(self.state(service, "1.1@2018-03-15"), "open")
            done = service.ctl("extend", "1.1", "--reason", "asked for", "--until", "2018-03-20")
            self.assertIn("due 2018-03-20", done.out)
            service.ctl("snooze", "1.1", "--reason", "on leave", "--until", "2018-03-14")
            self.assertEqual(self.state(service, "1.1@2018-03-15"), "snoozed")
            rows = service.ctl("log", "--json", "--instance", "1.1@2018-03-15").json()
            decided = [(row["event"], row["detail"]["reason"]) for row in rows if "reason" in row["detail"]]
            self.assertEqual(decided, [("waive", "không áp dụng"), ("reopen", "mistaken"), ("extend", "asked for"), ("snooze", "on leave")])
            self.assertIn("Sound", service.ctl("log", "--verify").out)

    def test_a_ledger_that_can_not_be_read(self):
        """An answer without who decided would be a wrong one."""
        with self.service() as service:
            evtest.eventually(lambda: self.state(service, "1.1@2018-03-15") == "open", "the scan")
            service.ctl("waive", "1.1", "--reason", "none this year")
            with contextlib.closing(sqlite3.connect(self.path("state/evidenced.db"))) as db:
                db.execute("ALTER TABLE ledger RENAME TO hidden")
            for question in (["show", "1.1"], ["log", "--verify"]):
                service.ctl(*question, status=1)
            with contextlib.closing(sqlite3.connect(self.path("state/evidenced.db"))) as db:
                db.execute("ALTER TABLE hidden RENAME TO ledger")
            self.assertIn("Waived by", service.ctl("show", "1.1").out)

    def test_reload(self):
        with self.service() as service:
            evtest.eventually(lambda: self.state(service, "1.1@2018-03-15") == "open", "the scan")
            self.write("etc/tasks.d/broken.conf", "tasks: ( { id = ; } );\n")
            self.assertIn("broken.conf:1: error", service.ctl("reload", status=78).err)
            os.unlink(self.path("etc", "tasks.d", "broken.conf"))
            self.write("etc/tasks.d/more.conf", CONF[CONF.index("tasks:") :].replace('"1.1"', '"1.3"').replace('"1.2"', '"1.4"').replace("1.2/", "1.4/"))
            self.assertIn("added 1.3@2018-03-15", service.ctl("reload").out)
            self.assertIn("1.3@2018-03-15", service.ctl("list").out)

    def test_mail(self):
        with self.service() as service:
            self.assertIn("in the queue", service.ctl("send-test", "an@dept.example").out)
            evtest.eventually(lambda: any(m["state"] == "sent" for m in service.ctl("queue", "--all", "--json").json()), "the test mail")
            self.assertIn("no mail address", service.ctl("send-test", "nobody", status=1).err)
            self.assertIn("no mail of that number", service.ctl("queue", "drop", "4711", status=1).err)


if __name__ == "__main__":
    evtest.main()
