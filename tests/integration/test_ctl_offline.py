# SPDX-License-Identifier: LGPL-2.1-or-later
"""evidencectl without a daemon: command lines, check, init, import, simulate."""

import os
import subprocess

import evtest

MODEL = """
organization: { name = "Department"; time_zone = "Asia/Ho_Chi_Minh"; language = "en"; };
calendar: { off = ( "2018-01-01" ); };
mail: { from = "cchc@dept.example"; servers = ( { url = "maildir:sent"; } ); };
evidence: { roots = [ "%s" ]; };
areas: ( { id = "1"; title = "Direction"; points = %s; } );
units: ( { id = "VP"; name = "Office"; mail = [ "vp@dept.example" ]; roles: { head = [ "head.vp@dept.example" ]; }; },
         { id = "KHTC"; name = "Finance"; mail = [ "khtc@dept.example" ]; roles: { head = [ "head.khtc@dept.example" ]; }; } );
roles: { coordinator = [ "cchc@dept.example" ]; deputy = [ "deputy@dept.example" ];
         director = [ "director@dept.example" ]; administrator = [ "admin@dept.example" ]; };
policies: ( { id = "default"; steps = ( { at = [ "-3wd", "-1wd" ]; to = [ "unit" ]; },
                                        { at = "+1wd"; every = "1wd"; until = "+2wd"; to = [ "head" ]; cc = [ "unit" ]; } ); } );
"""

TASK = """
tasks: ( { id = "1.1"; area = "1"; title = "Plan"; points = 2.0; unit = "VP"; due = "2018-03-15";
           evidence: { dir = "1.1"; need = ( { name = "Plan"; match = [ "*plan*.pdf" ]; } ); }; } );
"""


def ctl(*args, **more):
    return evtest.run("evidencectl", *args, EVIDENCED_TEMPLATES=evtest.source("conf", "templates"), **more)


def shell(command):
    """A shell whose $0 is evidencectl, ended."""
    return subprocess.run(
        ["/bin/sh", "-c", command, evtest.binary("evidencectl")],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=evtest.environment(),
        timeout=evtest.PATIENCE,
    )


class Offline(evtest.TestCase):
    def configuration(self, tasks=TASK, points="2.0"):
        os.makedirs(self.path("evidence"), exist_ok=True)
        return self.write("etc/evidenced.conf", MODEL % (self.path("evidence"), points) + tasks)


class CommandLine(Offline):
    def test_usage_errors_are_64_and_name_the_nearest(self):
        for args, words in (
            ([], "which command?"),
            (["lits"], "did you mean 'list'?"),
            (["nonsense"], "unknown command 'nonsense'"),
            (["list", "--stat", "open"], "did you mean '--state'?"),
            (["list", "--state", "opne"], "did you mean 'open'?"),
            (["show"], "show needs ID"),
            (["waive", "1.1"], "--reason"),
            (["snooze", "1.1", "--reason", "x"], "--until"),
            (["extend", "1.1", "--reason", "x", "--until", "30/11/2018"], "no date"),
            (["log", "--since", "yesterday"], "--since"),
            (["log", "--limit", "-1"], "no whole number"),
            (["queue", "retyr", "1"], "did you mean 'retry'?"),
            (["queue", "drop"], "needs the number"),
            (["queue", "drop", "one"], "no number"),
            (["preview", "1.1", "--step", "soon"], "no step"),
            (["list", "extra"], "unexpected argument"),
        ):
            with self.subTest(args=args):
                done = ctl(*args, status=64)
                self.assertIn(words, done.err)
                self.assertEqual(done.out, "")

    def test_every_command_has_help(self):
        table = ctl("--help").out
        names = [line.split()[0] for line in table.splitlines() if line.startswith("  ") and not line.startswith("  -")]
        self.assertIn("explain", names)
        self.assertGreater(len(names), 20)
        for name in names:
            with self.subTest(name=name):
                self.assertIn(f"Usage: evidencectl {name}", ctl(name, "--help").out)

    def test_version(self):
        self.assertRegex(ctl("--version").out, r"^evidencectl \d+\.\d+")

    def test_no_daemon_is_69(self):
        for args in (["status"], ["list"], ["list", "--json"], ["reload"], ["queue", "retry", "1"]):
            with self.subTest(args=args):
                done = ctl("--socket", self.path("nobody"), *args, status=69)
                self.assertIn(self.path("nobody"), done.err)
        self.assertIn(self.path("env"), ctl("status", status=69, EVIDENCED_SOCKET=self.path("env")).err)

    def test_output_that_can_not_be_written_is_an_error(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("no /dev/full here")
        conf = self.configuration()
        command = f'exec "$0" check --config "{conf}" >/dev/full'
        done = shell(command)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"failed to write", done.stderr)


class Check(Offline):
    def test_warnings_and_strict(self):
        conf = self.configuration()
        done = ctl("check", "--config", conf)
        self.assertIn("warning: nobody is mailed yet", done.out)
        self.assertRegex(done.out, r"0 errors, \d+ warnings?; 1 task, 2 units, 1 area\n")
        ctl("check", "--config", conf, "--strict", status=78)
        ctl("--config", conf, "check")

    def test_every_error_with_its_place(self):
        conf = self.configuration(TASK.replace('"VP"', '"VQ"').replace("points = 2.0", "pionts = 2.0"))
        done = ctl("check", "--config", conf, status=78)
        errors = [line for line in done.out.splitlines() if ": error: " in line]
        self.assertEqual(len(errors), 2, done.out)
        for line in errors:
            self.assertRegex(line, r"evidenced\.conf:\d+: error: ")

    def test_json(self):
        conf = self.configuration(TASK.replace('"VP"', '"VQ"'))
        findings = ctl("check", "--config", conf, "--json", status=78).json()
        self.assertIn(("error", conf), [(f["severity"], f["file"]) for f in findings])
        self.assertTrue(all(f["line"] >= 1 and f["text"] for f in findings))

    def test_missing_file(self):
        self.assertIn("error", ctl("check", "--config", self.path("none.conf"), status=78).out)


class Init(Offline):
    def test_writes_what_is_shipped_and_passes_the_check(self):
        ctl("init", self.path("new"))
        ctl("check", "--config", self.path("new", "evidenced.conf"))
        for name in ("evidenced.conf", "calendar.d/README", "units.d/README", "tasks.d/README"):
            with open(self.path("new", name), "rb") as ours, open(evtest.source("conf", name), "rb") as shipped:
                self.assertEqual(ours.read(), shipped.read(), name)

    def test_never_overwrites(self):
        conf = self.write("there/tasks.d/README", "mine")
        done = ctl("init", self.path("there"), status=1)
        self.assertIn("exists", done.err)
        self.assertFalse(os.path.exists(self.path("there", "evidenced.conf")))
        with open(conf, encoding="utf-8") as file:
            self.assertEqual(file.read(), "mine")


class Import(Offline):
    SHEET = (
        "\ufeffMã,Lĩnh vực,Nội dung,Điểm,Đơn vị,Thời hạn,Cách tính hạn,Thư mục,Mẫu tên tệp,Số lượng\r\n"
        '1.1,1,"Kế hoạch ""năm""","0,5",VP,15/03/2018,trước ngày,1.1,*KH*.pdf,1\r\n'
        '1.2,1,Báo cáo,1.5,VP;KHTC,"31/03/2018 (quý I)\n30/06/2018 (quý II)",,1.2/{unit}/{label},*BC*.pdf;*danh-muc*.xlsx ×2,\r\n'
        "\r\n"
        "1.10,1,Điều tra xã hội học,2,,,,,,\r\n"
    )

    def test_what_it_writes_passes_the_check(self):
        sheet = self.write("tasks.csv", self.SHEET)
        conf = self.configuration("", "4.0")
        output = self.path("etc", "tasks.d", "sheet.conf")
        os.makedirs(os.path.dirname(output))
        done = ctl("import", sheet, "--output", output)
        self.assertIn("row 5: warning", done.err)
        checked = ctl("check", "--config", conf)
        self.assertNotIn("sheet.conf", checked.out)
        self.assertIn("3 tasks", checked.out)
        self.assertIn("0 errors", checked.out)
        self.assertIn("exists", ctl("import", sheet, "--output", output, status=1).err)

    def test_stdout_is_the_same_text(self):
        sheet = self.write("tasks.csv", self.SHEET)
        ctl("import", sheet, "--output", self.path("out.conf"))
        with open(self.path("out.conf"), encoding="utf-8") as file:
            self.assertEqual(ctl("import", sheet).out, file.read())

    def test_other_separators(self):
        comma = self.write("a.csv", 'id,area,title,points,unit,dir\n1,1,"a, b",1,VP,d\n')
        semicolon = self.write("a2.csv", "id;area;title;points;unit;dir\n1;1;a, b;1;VP;d\n")
        tab = self.write("a.tsv", "id\tarea\ttitle\tpoints\tunit\tdir\n1\t1\ta, b\t1\tVP\td\n")
        texts = {ctl("import", path).out.split("\n", 1)[1] for path in (comma, semicolon, tab)}
        self.assertEqual(len(texts), 1)

    def test_every_problem_with_its_row(self):
        sheet = self.write(
            "bad.csv",
            "id,area,title,points,unit,due,dir\n1,1,a,1,VP,soon,d\n,1,b,x,VP,2018-01-02,e\n1,1,c,1,VP,30/02/2018,f\n",
        )
        done = ctl("import", sheet, status=1)
        self.assertEqual(done.out, "")
        rows = [line.split(": ")[1] for line in done.err.splitlines() if ": error: " in line]
        self.assertEqual(rows, ["row 2", "row 3", "row 3", "row 4", "row 4"], done.err)

    def test_broken_files(self):
        for text, words in (("id,title\n1,\"a\n", "row 2"), ("", "nothing in it"), ("\x00", "UTF-8")):
            with self.subTest(words=words):
                self.assertIn(words, ctl("import", self.write("x.csv", text), status=1).err)
        self.assertIn("No such file", ctl("import", self.path("none.csv"), status=1).err)
        with open(self.path("latin.csv"), "wb") as file:
            file.write(b"id,title\n1,caf\xe9\n")
        self.assertIn("UTF-8", ctl("import", self.path("latin.csv"), status=1).err)


class Simulate(Offline):
    SPAN = ("--from", "2018-03-01", "--to", "2018-04-01")

    def reminders(self, *args, tasks=TASK):
        done = ctl("simulate", "--config", self.configuration(tasks), *self.SPAN, "--json", *args)
        return [mail for mail in done.json_lines() if mail["kind"] == "reminder"]

    def test_the_exact_list(self):
        mails = self.reminders()
        self.assertEqual(
            [(mail["time"], mail["to"], mail["cc"], [item["step"] for item in mail["items"]]) for mail in mails],
            [
                ("2018-03-12T07:30:00+07:00", ["vp@dept.example"], [], ["-3wd"]),
                ("2018-03-14T07:30:00+07:00", ["vp@dept.example"], [], ["-1wd"]),
                ("2018-03-16T07:30:00+07:00", ["head.vp@dept.example"], ["vp@dept.example"], ["+1wd"]),
                ("2018-03-19T07:30:00+07:00", ["head.vp@dept.example"], ["vp@dept.example"], ["+2wd"]),
            ],
        )
        self.assertEqual(
            mails[0]["items"],
            [{"instance": "1.1@2018-03-15", "task": "1.1", "unit": "VP", "step": "-3wd", "due": "2018-03-15", "stated": "2018-03-15"}],
        )
        self.assertTrue(all(mail["subject"] for mail in mails))
        self.assertEqual(list(mails[0]), ["time", "kind", "to", "cc", "subject", "items"])

    def test_completing_stops(self):
        self.assertEqual(len(self.reminders("--complete", "1.1@2018-03-15=2018-03-13")), 1)
        self.assertEqual(len(self.reminders("--complete", "1.1@2018-03-15=2018-02-01")), 0)

    def test_the_span_is_half_open(self):
        conf = self.configuration()
        for end, n in (("2018-03-12T07:30:00+07:00", 0), ("2018-03-12T00:30:01Z", 1)):
            done = ctl("simulate", "--config", conf, "--from", "2018-03-01", "--to", end, "--json")
            self.assertEqual(len([m for m in done.json_lines() if m["kind"] == "reminder"]), n, end)

    def test_table(self):
        done = ctl("simulate", "--config", self.configuration(), *self.SPAN)
        self.assertRegex(done.out, r"2018-03-16 07:30 +reminder +head\.vp@dept\.example +vp@dept\.example +1 ")
        self.assertNotIn("\033", done.out)

    def test_refusals(self):
        conf = self.configuration()
        for args, status, words in (
            (["--to", "2018-04-01"], 64, "--from"),
            (["--from", "x", "--to", "2018-04-01"], 64, "no time"),
            (["--from", "2018-04-01", "--to", "2018-04-01"], 64, "not after"),
            ([*self.SPAN, "--complete", "1.1"], 64, "--complete"),
            ([*self.SPAN, "--complete", "9.9@2018-01-01=2018-03-01"], 1, "9.9@2018-01-01"),
        ):
            with self.subTest(args=args):
                done = ctl("simulate", "--config", conf, *args, status=status)
                self.assertIn(words, done.err)
                self.assertEqual(done.out, "")
        broken = self.configuration(TASK.replace('"VP"', '"VQ"'))
        self.assertIn("error:", ctl("simulate", "--config", broken, *self.SPAN, status=78).err)

    def test_templates_beside_the_configuration_win(self):
        conf = self.configuration()
        self.write("etc/templates/en/strings", "subject-reminder-lead-one = our own words about {{id}}\n")
        done = ctl("simulate", "--config", conf, *self.SPAN, "--json")
        self.assertTrue(done.json_lines()[-1])
        subjects = [mail["subject"] for mail in done.json_lines() if mail["kind"] == "reminder"]
        self.assertIn("our own words about 1.1", subjects[0])

    def test_check_finds_errors_in_templates(self):
        conf, ours = self.configuration(), self.path("etc", "templates")
        self.assertEqual(ctl("check", "--config", conf).status, 0)
        for name, text, place, words in (
            ("vi/strings", "\n# ours\ntotal = {{#n}}x{{/m}}\n", 3, "'m' closes 'n', opened in the same line"),
            ("en/strings", "total = {{>total}}\n", 1, "'total' would be put into itself"),
            ("mail.html.mustache", "<p>\n{{>nothing-of-the-kind}}\n", 2, "there is no 'nothing-of-the-kind'"),
        ):
            with self.subTest(name=name):
                path = self.write("etc/templates/" + name, text)
                wanted = f"{os.path.join(ours, name)}:{place}: error: {words}"
                self.assertIn(wanted, ctl("check", "--config", conf, status=78).out)
                done = evtest.run("evidenced", "--check", "--config", conf, status=78, EVIDENCED_TEMPLATES=evtest.source("conf", "templates"))
                self.assertIn(wanted, done.out)
                os.unlink(path)

    def test_templates_that_are_not_there(self):
        nowhere = self.path("no-such-folder")
        args = ("evidencectl", "simulate", "--config", self.configuration(), *self.SPAN)
        self.assertIn(nowhere, evtest.run(*args, status=78, EVIDENCED_TEMPLATES=nowhere).err)


if __name__ == "__main__":
    evtest.main()
