#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What people look at: the page, the calendars and the metrics in publish.dir, and how they follow what is filed."""

import grp
import html.parser
import os
import re
import shutil
import stat
import subprocess
import time
import unittest

import evtest
import small_year

HOSTILE = "<script>alert(1)</script> & \\\"co\\\""
TAGS_WITHOUT_END = {"meta", "br", "path", "line"}
SAMPLE = re.compile(r'(evidenced_\w+)(?:\{(\w+)="((?:[^"\\\n]|\\["\\n])*)"\})? (-?\d+(?:\.\d+)?)')
PAUSE = 10  # seconds between two looks of a burst


class Page(html.parser.HTMLParser):
    """A page whose tags close in order; all text, all tags, everything it refers to."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.links, self.words = [], set(), [], []
        self.feed(text)
        self.close()
        if self.open:
            raise AssertionError(f"not closed: {self.open}")

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.links += [value for name, value in attrs if name in ("href", "src", "action", "data", "srcset")]
        if tag not in TAGS_WITHOUT_END:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            raise AssertionError(f"</{tag}> at {self.getpos()} closes another tag")

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)

    def text(self):
        return " ".join(" ".join(self.words).split())


def read_metrics(text):
    """{(name, label value or ''): number}, each after its HELP and TYPE, no family twice, # EOF at the end."""
    values, described, typed = {}, [], None
    lines = text.split("\n")
    if lines[-2:] != ["# EOF", ""]:
        raise AssertionError(f"does not end as it should: {lines[-3:]}")
    for line in lines[:-2]:
        if line.startswith("# HELP "):
            described.append(line.split()[2])
        elif line.startswith("# TYPE "):
            typed = line.split()[2]
            assert line.split()[3] == "gauge" and typed == described[-1], line
        else:
            match = SAMPLE.fullmatch(line)
            assert match and match[1] == typed, line
            assert (match[1], match[3] or "") not in values, line
            values[match[1], match[3] or ""] = float(match[4])
    assert len(described) == len(set(described)), described
    return values


def read_calendar(data):
    """Unfolded lines of a calendar that keeps the rules of RFC 5545, section 3.1, and whose parts close in order."""
    assert data.endswith(b"\r\n") and b"\n" not in data.replace(b"\r\n", b""), data[-80:]
    assert all(len(line) <= 75 for line in data.split(b"\r\n"))
    lines = data.decode().replace("\r\n ", "").split("\r\n")[:-1]
    parts = []
    for line in lines:
        assert re.match(r"[A-Z-]+[:;]", line), line
        if line.startswith("BEGIN:"):
            parts.append(line[6:])
        elif line.startswith("END:"):
            assert parts.pop() == line[4:], line
    assert not parts and lines[0] == "BEGIN:VCALENDAR" and "VERSION:2.0" in lines
    return lines


class Publish(evtest.TestCase):
    def setUp(self):
        super().setUp()
        self.configure()

    def configure(self, publish="", tasks=small_year.TASKS):
        config = small_year.write_year(self, "maildir:sent", tasks=tasks)
        with open(config, encoding="utf-8") as file:
            text = file.read()
        text = text.replace("html = false; ics = false; metrics = false;", publish)
        self.config = self.write("etc/evidenced.conf", text)

    def service(self):
        return evtest.Service(self.config, self.path("state"), "--now", small_year.NOW, **small_year.FROM_BUILD)

    def once(self):
        args = ("--config", self.config, "--state", self.path("state"), "--once", "--now", small_year.NOW)
        return evtest.run("evidenced", *args, **small_year.FROM_BUILD)

    def read(self, name):
        with open(self.path("board", name), "rb") as file:
            return file.read()

    def made(self, name):
        """Another one for each file that takes this name: a number alone is used again."""
        status = os.stat(self.path("board", name))
        return status.st_ino, status.st_mtime_ns

    def listing(self):
        return sorted(name for name in os.listdir(self.path("board")) if not name.startswith("."))

    def metrics(self):
        return read_metrics(self.read("evidenced.prom").decode())

    def test_all(self):
        self.once()
        self.assertEqual(
            self.listing(), ["calendar-A.ics", "calendar-B.ics", "calendar.ics", "evidenced.prom", "index.html"]
        )
        for name in self.listing():
            self.assertEqual(stat.S_IMODE(os.stat(self.path("board", name)).st_mode), 0o640, name)

    def test_page(self):
        self.configure(tasks=small_year.TASKS.replace("Plan and report", HOSTILE))
        self.once()
        text = self.read("index.html").decode()
        page = Page(text)
        self.assertFalse(page.tags & {"script", "img", "link", "iframe", "object"}, page.tags)
        self.assertEqual(sorted(page.links), ["calendar-A.ics", "calendar-B.ics", "calendar.ics"])
        self.assertTrue(set(page.links) <= set(self.listing()))
        self.assertNotRegex(text, r"url\(|@import|https?:")
        self.assertNotIn("@small.example", text)
        self.assertIn('1.1 – <script>alert(1)</script> & "co"', page.text())
        for words in ("0.00 of 6.00 points", "Overdue 2.00 1 criterion", "Due soon 4.00 2 criteria",
                      "missing: The plan; The report", "As of 10:00 on 12/11/2018"):  # fmt: skip
            self.assertIn(words, page.text())

    def test_calendars(self):
        self.once()
        whole = read_calendar(self.read("calendar.ics"))
        a, b = read_calendar(self.read("calendar-A.ics")), read_calendar(self.read("calendar-B.ics"))
        uids = [line for line in whole if line.startswith("UID:")]
        self.assertEqual(len(uids), len(set(uids)))
        self.assertEqual(len(uids), 8)  # four deadlines, each in two forms
        self.assertEqual(sorted(line for line in a + b if line.startswith("UID:")), sorted(uids))
        self.assertIn("X-WR-CALNAME:Evidence deadlines: Unit A", a)
        self.assertIn("DTSTART;VALUE=DATE:20181115", a)
        self.assertNotIn("DTSTART;VALUE=DATE:20181115", b)

    def test_only_what_is_asked_for(self):
        self.configure("html = false; ics = false;")
        self.once()
        self.assertEqual(self.listing(), ["evidenced.prom"])

    def test_unit_that_is_gone(self):
        self.write("board/calendar-GONE.ics", "")
        self.write("board/mine.ics", "")
        self.once()
        self.assertNotIn("calendar-GONE.ics", self.listing())
        self.assertIn("mine.ics", self.listing())

    def test_follows(self):
        with self.service() as service:
            evtest.eventually(lambda: os.path.exists(self.path("board/evidenced.prom")), "metrics")
            before = self.metrics()
            self.assertEqual(before["evidenced_points", "complete"], 0)
            self.assertEqual(before["evidenced_points", "overdue"], 2)
            self.assertEqual(before["evidenced_root_up", self.path("evidence")], 1)
            self.assertEqual(before["evidenced_mail_held", ""], 0)
            self.assertLess(abs(before["evidenced_last_pass_timestamp_seconds", ""] - time.time()), 60)
            calendar = self.made("calendar.ics")
            evtest.place(self.path("evidence"), "1.2/record.pdf")
            evtest.eventually(
                lambda: self.metrics()["evidenced_points", "complete"] == 2, "points", PAUSE + evtest.PATIENCE
            )
            after = self.metrics()
            points = sum(value for (name, _), value in after.items() if name == "evidenced_points")
            self.assertEqual(points, 6)
            self.assertEqual(after["evidenced_instances", "late"], 1)
            self.assertIn("2.00 of 6.00 points", Page(self.read("index.html").decode()).text())
            self.assertIn(b"STATUS:COMPLETED", self.read("calendar.ics"))
            self.assertNotEqual(self.made("calendar.ics"), calendar)
            # once more, with nothing new to show but one mail: the page stays the same file
            page, sent = self.made("index.html"), self.all_sent(service)
            service.ctl("send-test", "a@small.example")
            evtest.eventually(
                lambda: self.metrics()["evidenced_outbox_messages", "sent"] == sent + 1, "metrics", PAUSE + evtest.PATIENCE
            )
            self.assertEqual(self.made("index.html"), page)
            # another look, with nothing new at all but the time of the pass, which is told once a minute
            metrics = self.made("evidenced.prom")
            service.ctl("reload")
            time.sleep(PAUSE + 2)
            now = self.made("evidenced.prom")
            if time.time() - metrics[1] / 1e9 < 50:  # else it took long to come here
                self.assertEqual(now, metrics)

    def all_sent(self, service):
        """How many mails there are, when none of them waits."""

        def look():
            outbox = service.ctl("status", "--json").json()["outbox"]
            self.assertEqual(outbox["queued"] + outbox["handed"], 0)
            return outbox["sent"]

        return evtest.eventually(look, "an idle outbox")

    def test_no_disk_is_waited_for(self):
        """All of it is made anew at a start: a pass must not wait for a disk for its sake."""
        if not shutil.which("strace") or subprocess.run(["strace", "-o", self.path("try"), "true"], capture_output=True).returncode != 0:
            self.skipTest("strace is not installed, or can not be used here")
        args = ["--config", self.config, "--state", self.path("state"), "--once", "--now", small_year.NOW]
        env = {**os.environ, **small_year.FROM_BUILD, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}
        command = ["strace", "-f", "-y", "-o", self.path("trace"), "-e", "trace=fsync,fdatasync,rename,renameat,renameat2"]
        subprocess.run([*command, evtest.binary("evidenced"), *args], env=env, capture_output=True, check=True, timeout=120)
        with open(self.path("trace"), encoding="utf-8", errors="replace") as file:
            calls = [line for line in file if self.path("board") in line]
        self.assertTrue([call for call in calls if "rename" in call], calls)
        self.assertEqual([call for call in calls if "sync(" in call], [])

    def test_can_not_be_written(self):
        board = self.path("board")
        os.rename(board, board + ".away")
        self.write("board", "no folder")
        with self.service() as service:
            evtest.eventually(lambda: service.ctl("status", "--json").json()["state"] == "degraded", "degraded")
            status = service.ctl("status", "--json").json()
            self.assertTrue([r for r in status["reasons"] if f"Failed to publish in '{board}'" in r], status)
            evtest.eventually(lambda: service.ctl("status", "--json").json()["outbox"]["sent"] > 0, "mail")
            self.assertEqual(service.log().count("Failed to publish"), 1, service.log())
            os.unlink(board)
            evtest.place(self.path("evidence"), "1.2/record.pdf")
            evtest.eventually(lambda: os.path.exists(self.path("board/index.html")), "page", PAUSE + evtest.PATIENCE)
            evtest.eventually(lambda: not service.ctl("status", "--json").json()["reasons"], "an end of it")
            self.assertEqual(service.log().count("Failed to publish"), 1, service.log())

    def test_unknown_group(self):
        self.configure('group = "nobody-has-this-group";')
        with self.service() as service:
            evtest.eventually(lambda: "publish.group" in service.log(), "a word about it")

    @unittest.skipUnless(os.geteuid() == 0, "only root may give files to any group")
    def test_group(self):
        """Also the folder, whether it was there (as CacheDirectory= makes it) or not."""
        self.configure('group = "daemon";')
        self.once()
        self.check_group()
        os.rename(self.path("board"), self.path("board.away"))
        self.once()
        self.check_group()

    def check_group(self):
        for path in (self.path("board"), self.path("board/index.html"), self.path("board/evidenced.prom")):
            self.assertEqual(os.stat(path).st_gid, grp.getgrnam("daemon").gr_gid, path)


if __name__ == "__main__":
    evtest.main()
