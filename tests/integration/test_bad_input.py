#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""`evidenced --check` against what people, editors and accidents put into a configuration: a finding each, never a crash."""

import os
import re
import shutil
import time

import evtest
import small_year

FINDING = re.compile(r"^(?P<file>/[^\n]*?)(?::(?P<line>\d+))?: (?P<class>error|warning): (?P<text>\S.*)$", re.M)
LIMIT = 20  # seconds; a FIFO without a writer or a file of 100 MB must not hold the check up
SPARSE = 100 * 1000 * 1000


class Check(evtest.TestCase):
    def setUp(self):
        super().setUp()
        self.config = small_year.write_year(self, "smtp://127.0.0.1:25")
        self.tasks = self.path("etc/tasks.d/1.conf")

    def check(self, status, *args, config=None):
        """The findings as (file, line or None, class, text); insists on the exit status and on a clean end."""
        began = time.monotonic()
        done = evtest.run("evidenced", "--config", config or self.config, "--check", *args, status=None, timeout=LIMIT)
        said = done.out + done.err
        self.assertEqual(done.status, status, said)
        self.assertLess(time.monotonic() - began, LIMIT)
        self.assertNotRegex(said, r"Sanitizer|Assertion|runtime error|dumped core")
        return [
            (found["file"], int(found["line"]) if found["line"] else None, found["class"], found["text"])
            for found in FINDING.finditer(said)
        ]

    def errors(self, *args, **more):
        """The errors of a configuration that must be refused."""
        found = [finding for finding in self.check(78, *args, **more) if finding[2] == "error"]
        self.assertTrue(found, "refused without an error")
        return found

    @staticmethod
    def read(path):
        with open(path, "rb") as file:
            return file.read()

    def change(self, old, new, path=None):
        """Replace old, which stands once in the file; returns the line of it."""
        path = path or self.tasks
        old, new = (part if isinstance(part, bytes) else part.encode() for part in (old, new))
        data = self.read(path)
        self.assertEqual(data.count(old), 1, old)
        with open(path, "wb") as file:
            file.write(data.replace(old, new))
        return data[: data.index(old)].count(b"\n") + 1

    def refused_at(self, line, *words, path=None):
        """One error at this line of the file, with these words in it; no error anywhere else."""
        errors = self.errors()
        self.assertEqual({(error[0], error[1]) for error in errors}, {(path or self.tasks, line)}, errors)
        for word in words:
            self.assertTrue(any(word in error[3] for error in errors), (word, errors))

    def refused_file(self, path, **more):
        """An error about this file, which has no line to point at."""
        errors = self.errors(**more)
        self.assertIn(path, [error[0] for error in errors], errors)
        return errors


class Good(Check):
    def test_small_year(self):
        self.assertEqual([finding for finding in self.check(0) if finding[2] == "error"], [])

    def test_shipped_configurations(self):
        for name in ("conf/evidenced.conf", "conf/vn-2018/evidenced.conf"):
            with self.subTest(name):
                found = self.check(0, config=evtest.source(name))
                self.assertEqual([finding for finding in found if finding[2] == "error"], [])

    def test_warning_changes_the_status_only_when_strict(self):
        self.change("points = 6.0;\n}", "points = 7.0;\n}", path=self.config)
        for args, status in (((), 0), (("--strict",), 78)):
            with self.subTest(args=args):
                found = self.check(status, *args)
                self.assertEqual([finding for finding in found if finding[2] == "error"], [])
                warned = [text for _, _, kind, text in found if kind == "warning"]
                self.assertTrue(any("point" in text for text in warned), found)

    def test_strict_without_a_finding(self):
        # the loopback in clear, a calendar for both years, points that add up, and a clock at which the deadlines lie ahead
        self.assertEqual(self.check(0, "--strict", "--now", "2018-10-01T10:00:00+07:00"), [])


class Bad(Check):
    def test_unknown_key(self):
        line = self.change('title = "Inspection";', 'titel = "x"; title = "Inspection";')
        self.refused_at(line, "titel")

    def test_unknown_key_names_the_nearest(self):
        line = self.change("gone_after", "gone_aftr", path=self.config)
        self.refused_at(line, "gone_aftr", "gone_after", path=self.config)

    def test_unknown_section(self):
        self.write("etc/units.d/1.conf", "\n\nreprots: ( );\n")
        self.refused_at(3, "reprots", path=self.path("etc/units.d/1.conf"))

    def test_wrong_types(self):
        cases = [
            ('title = "Inspection";', "title = 7;"),
            ("points = 2.0;", 'points = "two";'),
            ('match = [ "*record*.pdf" ];', "match = 3;"),
            ('due = "2018-11-08";', "due = 20181108;"),
            ('each_unit = [ "A", "B" ];', "each_unit = [ 1, 2 ];"),
        ]
        before = self.read(self.tasks).decode()
        for old, new in cases:
            with self.subTest(new):
                self.write("etc/tasks.d/1.conf", before)
                line = self.change(old, new)
                self.refused_at(line)

    def test_bad_values(self):
        cases = [
            "2018-02-30", "2018-13-01", "2018-00-10", "08/11/2018", "2018-11-8", "", "tomorrow", "2018-11-08 25:00",
            "2018-11-08 ", "99999-01-01",
        ]  # fmt: skip
        before = self.read(self.tasks).decode()
        for text in cases:
            with self.subTest(text):
                self.write("etc/tasks.d/1.conf", before)
                line = self.change('due = "2018-11-08"', f'due = "{text}"')
                self.refused_at(line)

    def test_bad_settings(self):
        cases = [
            ('settle = "1s"', 'settle = "soon"'),
            ('settle = "1s"', 'settle = "-1s"'),
            ('time_zone = "Asia/Ho_Chi_Minh"', 'time_zone = "Asia/Hanoi Nord"'),
            ('time_zone = "Asia/Ho_Chi_Minh"', 'time_zone = "../../etc/passwd"'),
            ('"-5wd", "-3wd"', '"-5wd", "-3wx"'),
            ("office@small.example", "office at small.example"),
            ('"coordinator@small.example"', '"a@b.example\\r\\nBcc: c@d.example"'),
            ("smtp://127.0.0.1:25", "gopher://127.0.0.1"),
        ]
        before = self.read(self.config).decode()
        for old, new in cases:
            with self.subTest(new):
                self.write("etc/evidenced.conf", before)
                line = self.change(old, new, path=self.config)
                errors = self.errors()
                self.assertIn((self.config, line), [(error[0], error[1]) for error in errors], errors)

    def test_password_in_the_configuration(self):
        line = self.change('security = "none";', 'security = "none"; user = "x"; password = "geheim";', path=self.config)
        errors = self.errors()
        self.assertIn((self.config, line), [(error[0], error[1]) for error in errors], errors)
        self.assertFalse(any("geheim" in error[3] for error in errors), "the password is printed")

    def test_unknown_unit(self):
        line = self.change('unit = "B"; due', 'unit = "BB"; due')
        self.refused_at(line, "BB")

    def test_unknown_area(self):
        line = self.change('area = "1"; title = "Scores"', 'area = "2"; title = "Scores"')
        self.refused_at(line, "2")

    def test_unknown_policy(self):
        line = self.change('title = "Scores";', 'title = "Scores"; policy = "gentle";')
        self.refused_at(line, "gentle")

    def test_duplicate_task(self):
        line = self.change('{ id = "1.2";', '{ id = "1.1";')
        self.refused_at(line, "1.1")

    def test_duplicate_in_another_file(self):
        path = self.write("etc/tasks.d/2.conf", '\ntasks: (\n    { id = "1.1"; area = "1"; title = "x"; tracked = false; }\n);\n')
        self.refused_at(3, "1.1", path=path)

    def test_duplicate_unit(self):
        line = self.change('{ id = "B"; name', '{ id = "A"; name', path=self.config)
        errors = self.errors()
        self.assertIn((self.config, line), [(error[0], error[1]) for error in errors], errors)

    def test_duplicate_key(self):
        line = self.change('title = "Inspection";', 'title = "Inspection"; title = "Again";')
        self.refused_at(line)

    def test_two_equal_deadlines(self):
        line = self.change('due = "2018-11-08"', 'due = ( "2018-11-08", "2018-11-08" )')
        self.refused_at(line)

    def test_folder_outside_the_roots(self):
        for folder in ("../elsewhere", "/etc", "1.2/../../x"):
            with self.subTest(folder):
                small_year.write_year(self, "smtp://127.0.0.1:25")
                line = self.change('dir = "1.2"', f'dir = "{folder}"')
                self.refused_at(line)

    def test_rule_that_yields_nothing(self):
        line = self.change('due = "2018-11-08";', 'due = "2018-11-08"; repeat = "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=31";')
        self.refused_at(line)

    def test_syntax(self):
        line = self.change('title = "Inspection";', 'title = = "Inspection";')
        self.refused_at(line)

    def test_unfinished(self):
        self.change('      ); }; }\n);', '      ); }; }\n')
        errors = self.errors()
        self.assertEqual({error[0] for error in errors}, {self.tasks}, errors)
        self.assertIsNotNone(errors[0][1])

    def test_includes(self):
        self.write("etc/more", "x = 1;\n")
        for what in ("more", "tasks.d", "/etc/passwd", "no-such-file"):
            with self.subTest(what):
                path = self.write("etc/tasks.d/2.conf", f'# a comment\n\n@include "{what}"\n')
                self.refused_at(3, "include", path=path)

    def test_include_with_blanks_before_it(self):
        path = self.write("etc/tasks.d/2.conf", '# a comment\n \t@include "/etc/passwd"\n')
        self.refused_at(2, "include", path=path)


class Strange(Check):
    def test_missing(self):
        path = self.path("etc/nowhere.conf")
        self.refused_file(path, config=path)

    def test_directory_for_a_file(self):
        path = self.path("etc/tasks.d/2.conf")
        os.mkdir(path)
        self.refused_file(path)
        self.refused_file(self.path("etc"), config=self.path("etc"))

    def test_fifo(self):
        path = self.path("etc/tasks.d/2.conf")
        os.mkfifo(path)
        self.refused_file(path)
        os.unlink(self.config)
        os.mkfifo(self.config)
        self.refused_file(self.config)

    def test_device(self):
        path = self.path("etc/tasks.d/2.conf")
        os.symlink("/dev/zero", path)
        self.refused_file(path)

    def test_dangling_link(self):
        path = self.path("etc/tasks.d/2.conf")
        os.symlink("/nonexistent", path)
        self.refused_file(path)

    def test_huge(self):
        path = self.path("etc/tasks.d/2.conf")
        with open(path, "wb") as file:
            file.truncate(SPARSE)
        self.refused_file(path)
        shutil.move(path, self.config)
        self.refused_file(self.config)

    def test_invalid_utf8(self):
        for bad in (b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80", b"V\xe2n ph\xf2ng"):
            with self.subTest(bad):
                small_year.write_year(self, "smtp://127.0.0.1:25")
                line = self.change(b"Inspection", b"Insp" + bad + b"ection")
                errors = self.errors()
                self.assertIn((self.tasks, line), [(error[0], error[1]) for error in errors], errors)

    def test_zero_bytes(self):
        self.change(b"Inspection", b"Insp\0ection")
        self.refused_file(self.tasks)

    def test_empty_files(self):
        # nothing in a drop-in is nothing wrong; nothing at all is
        self.write("etc/tasks.d/2.conf", "")
        self.check(0)
        self.write("etc/evidenced.conf", "")
        self.errors()

    def test_deep(self):
        path = self.write("etc/tasks.d/2.conf", "tasks: " + "(" * 100000)
        self.refused_file(path)

    def test_long_string(self):
        self.write("etc/tasks.d/2.conf", 'tasks: ( { id = "9"; area = "1"; tracked = false; title = "' + "x" * 1000000 + '"; } );\n')
        done = evtest.run("evidenced", "--config", self.config, "--check", status=None, timeout=LIMIT)
        self.assertIn(done.status, (0, 78), done.err)


class Several(Check):
    def test_all_findings_at_once(self):
        wanted = set()
        wanted.add((self.tasks, self.change('title = "Plan and report"', 'titel = "x"; title = "Plan and report"')))
        wanted.add((self.tasks, self.change('unit = "B"; due', 'unit = "BB"; due')))
        wanted.add((self.tasks, self.change('due = "2018-11-19"', 'due = "2018-11-31"')))
        wanted.add((self.config, self.change('settle = "1s"', 'settle = "soon"', path=self.config)))
        fifo = self.path("etc/tasks.d/2.conf")
        os.mkfifo(fifo)
        found = self.check(78)
        errors = {(file, line) for file, line, kind, _ in found if kind == "error"}
        self.assertLessEqual(wanted, errors, found)
        self.assertIn(fifo, {file for file, _ in errors}, found)

    def test_errors_come_first(self):
        self.change("points = 6.0;\n}", "points = 7.0;\n}", path=self.config)
        self.change('title = "Scores";', 'titel = "x"; title = "Scores";')
        kinds = [finding[2] for finding in self.check(78)]
        self.assertEqual(kinds, sorted(kinds), "error before warning")
        self.assertIn("error", kinds)

    def test_strict_and_errors(self):
        self.change('title = "Scores";', 'titel = "x"; title = "Scores";')
        self.check(78, "--strict")


if __name__ == "__main__":
    evtest.main()
