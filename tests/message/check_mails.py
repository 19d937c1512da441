#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check_mails.py COMPOSE-ALL CONFIG TEMPLATES: a mail of every kind and language, read by Python's email package."""

import datetime
import glob
import html
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

import mails

KINDS = {
    "reminder", "received", "complete", "refused", "reopened", "deadline-changed", "criteria-changed", "ladder-ended",
    "unassigned", "explained", "report", "undeliverable", "trouble", "test",
}  # fmt: skip
ARGUMENTS = sys.argv[1:4]
ZONE = datetime.timezone(datetime.timedelta(hours=7))


class Mails(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mails = {}
        with tempfile.TemporaryDirectory() as out:
            subprocess.run([*ARGUMENTS, out], check=True)
            for path in sorted(glob.glob(os.path.join(out, "*.eml"))):
                with open(path, "rb") as eml, open(path[:-4] + ".json", encoding="utf-8") as said:
                    data = eml.read()
                    name = os.path.basename(path)[:-4]
                    cls.mails[name] = (mails.read(data, name), json.load(said), data)

    def each(self):
        return [(name, message, said) for name, (message, said, _) in self.mails.items()]

    def mail(self, name):
        return self.mails[name][:2]

    def test_all_kinds_in_both_languages(self):
        self.assertEqual({said["kind"] for _, _, said in self.each()}, KINDS)
        for language in ("vi", "en"):
            self.assertEqual({said["kind"] for _, _, said in self.each() if said["language"] == language}, KINDS)

    def test_headers(self):
        for name, message, said in self.each():
            with self.subTest(mail=name):
                mails.check_header_names(message, name)
                self.assertEqual(message["Subject"], said["subject"])
                self.assertTrue(said["subject"].startswith("[CCHC 2018] "))
                self.assertEqual([a.addr_spec for a in message["To"].addresses], said["to"])
                cc = [a.addr_spec for a in message["Cc"].addresses] if message["Cc"] else []
                self.assertEqual(cc, said["cc"])
                sender = message["From"].addresses[0]
                self.assertEqual((sender.display_name, sender.addr_spec), ("Bộ phận CCHC", "cchc@skhcn.example"))
                self.assertEqual(message["Message-ID"].strip(), said["message_id"])
                self.assertEqual(message["Date"].datetime, datetime.datetime.fromtimestamp(said["at"], ZONE))
                self.assertEqual(message["Date"].datetime.utcoffset(), datetime.timedelta(hours=7))
                self.assertEqual(message["Auto-Submitted"], "auto-generated")
                self.assertEqual(message["X-Evidenced-Kind"], said["kind"])
                self.assertEqual(message["Reply-To"].addresses[0].addr_spec, "cchc@skhcn.example")
                self.assertRegex(message["List-Id"], r"Sở KH&CN <evidenced\.skhcn\.example>$")

    def test_threads(self):
        message, said = self.mail("escalation-one.vi")
        self.assertEqual(message["In-Reply-To"], said["in_reply_to"])
        thread, first = message["References"].split()
        self.assertEqual(first, said["in_reply_to"])
        overdue, _ = self.mail("overdue-one.en")
        self.assertEqual(overdue["References"].split(), [thread])
        self.assertIsNone(overdue["In-Reply-To"])
        self.assertNotEqual(self.mail("lead-one.vi")[0]["References"], thread)
        for name in ("lead-many.vi", "report-all.vi", "trouble.en"):
            self.assertIsNone(self.mail(name)[0]["References"])

    def test_structure(self):
        for name, message, said in self.each():
            with self.subTest(mail=name):
                kinds = [part.get_content_type() for part in message.walk()]
                body = ["multipart/alternative", "text/plain", "text/html"]
                self.assertIn(kinds, (body, ["multipart/mixed", *body, "text/calendar"]))
                about_deadlines = re.match(r"lead|today|overdue|reopened|deadline|criteria", name)
                self.assertEqual("text/calendar" in kinds, bool(about_deadlines))
                self.assertEqual(mails.text_of(message).rstrip("\n"), said["text"].rstrip("\n"))

    def test_text_and_html_say_the_same(self):
        for name, message, said in self.each():
            with self.subTest(mail=name):
                text, page = mails.text_of(message), mails.squeeze(mails.read_html(mails.html_of(message)))
                self.assertIn(f'lang="{said["language"]}"', mails.html_of(message))
                for line in text.split("\n"):
                    line = mails.squeeze(re.sub(r"^\s*(?:- |== |-- $)|( ==$)", "", line))
                    head = re.match(r"^(?:\d+\. )?\S+ – .*", line)
                    if head and "): " in line or line.startswith(("Cộng", "Total", "Tiêu chí khác", "Other criteria", "Đã đủ ", "Complete ")):
                        continue  # laid out in columns there: test_tables
                    if re.match(r"^\d\. .*: (Tối đa|Max\.) ", line):
                        continue
                    if name.startswith("report-record") and re.search(r": (Accepted|Đã chuyển|To|Gửi đến) ", line):
                        continue  # test_record
                    for piece in re.split(r": | \| ", line):
                        self.assertIn(piece, page)

    def test_no_untranslated_words(self):
        vietnamese = re.compile(r"Kính gửi|Trân trọng|Nơi lưu|Thời hạn|điểm|ngày làm việc|giờ")
        english = re.compile(r"\b(Deadline|Folder|points|working days?|Respectfully|Maximum|Evidence)\b")
        for name, message, said in self.each():
            with self.subTest(mail=name):
                # Titles and names of units are the organisation's own.
                lines = [line for line in said["text"].split("\n") if " – " not in line]
                wrong = vietnamese if said["language"] == "en" else english
                for line in lines:
                    if said["language"] == "en" and re.search(r"1\.9|chấm|8\.|Lĩnh vực", line):
                        continue
                    self.assertIsNone(wrong.search(line), (name, line))

    def test_nothing_is_left_of_the_templates(self):
        for name, message, said in self.each():
            with self.subTest(mail=name):
                for text in (said["subject"], mails.text_of(message), mails.html_of(message)):
                    self.assertNotRegex(text, r"\{\{|\}\}|\(null\)| ,|\(\)|:\s*$(?!\n)")
                self.assertNotRegex(said["subject"], r"  ")

    def test_points_of_areas_add_up(self):
        for name in ("report-all.vi", "report-all.en"):
            message, _ = self.mail(name)
            rows = re.findall(r"<tr>(.*?)</tr>", mails.html_of(message), re.S)
            cells = [re.findall(r"<td[^>]*>([^<]*)</td>", row) for row in rows]
            table = [[float(c.replace(",", ".")) for c in row[1:]] for row in cells if len(row) == 6]
            self.assertEqual(len(table), 9)
            for row in table:
                self.assertAlmostEqual(row[0], sum(row[1:]))
            for column in zip(*table):
                self.assertAlmostEqual(sum(column[:-1]), column[-1])
            # The sample week of the design: 23.50 + 25.00 + 12.50 + 4.00 = 65.00.
            self.assertEqual(table[-1], [65.0, 23.5, 25.0, 12.5, 4.0])

    def test_points_of_a_unit_add_up(self):
        for name, rest in (("report-unit.vi", 0), ("report-unit.en", 0), ("report-unit-early.vi", 1), ("report-unit-early.en", 1)):
            message, said = self.mail(name)
            page = mails.html_of(message)
            cells = re.findall(r'align="right" style="padding:8px 0[^>]*>([^<]*)</td>', page)
            points = [float(c.replace(",", ".")) for c in cells if c != "–"]
            self.assertEqual(len(cells), len(said["points"]) + rest + 1)
            self.assertAlmostEqual(sum(points[:-1]), points[-1])
            bar = re.findall(r"(\d+[.,]\d\d)</span>", page)
            self.assertAlmostEqual(sum(float(b.replace(",", ".")) for b in bar), points[-1])
            percent = [int(p) for p in re.findall(r'width="(\d+)%" height', page)]
            self.assertEqual(sum(percent), 100)

    def test_record(self):
        """What the table has stands in the text as well, cell by cell; what it can not name is counted."""
        for name, more, why in (
            ("report-record.vi", "… và 310 ", ("Đã rút: đã giải quyết xong trước khi gửi", "Đã rút: an <b> đã bỏ")),
            ("report-record.en", "… and 310 more", ("Withdrawn: settled before it was sent", "Withdrawn: dropped by an <b>")),
        ):
            message, said = self.mail(name)
            rows = [re.findall(r"<td[^>]*>([^<]*)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", mails.html_of(message), re.S)]
            rows = [[html.unescape(cell) for cell in row] for row in rows if len(row) in (4, 5)]
            self.assertEqual(len(rows), 3 + 4 + 2)
            self.assertEqual(tuple(row[-1] for row in rows[5:7]), why)
            for row in rows:
                (line,) = (line for line in said["text"].split("\n") if line.startswith(row[0] + ": ") and row[-1] in line)
                for cell in row:
                    self.assertIn(cell, line)
            self.assertEqual([sum(int(row[k]) for row in rows[:2]) for k in (1, 2, 3, 4)], [int(c) for c in rows[2][1:]])
            self.assertIn(more, said["text"])
            self.assertIn("--since 2018-11-01T07:30:00+07:00 --until 2018-12-03T07:30:00+07:00", said["text"])
            self.assertIn("&lt;b&gt;Ok&lt;/b&gt;", mails.html_of(message))

    def test_last_day(self):
        for name, words in (
            ("report-unit.vi", "Trong 24 giờ qua: tiếp nhận 02 tệp (5.2, 5.5), 01 tệp không còn (4.3)."),
            ("report-unit.en", "In the last 24 hours: 2 files received (5.2, 5.5), 1 removed (4.3)."),
        ):
            self.assertIn(words, self.mail(name)[1]["text"])

    def test_files_in_a_page(self):
        """What lies there and does not count is said with the reason, up to five files, and how it is to be named."""
        for name, words, more, naming in (
            ("report-unit.vi", "tên tệp không khớp", "… và 01 tệp khác", "Đặt tên tệp: "),
            ("report-unit.en", "its name does not match", "… and 1 more file", "File name: "),
        ):
            text = self.mail(name)[1]["text"]
            self.assertRegex(text, f"4\\.3/bao cao dao tao 2018\\.pdf – {words}")
            self.assertEqual([letter for letter in "abcde" if f"4.3/{letter}.pdf" in text], list("abcd"))
            self.assertIn(more, text)
            self.assertEqual(text.count(naming), 1)  # of this criterion alone

    def test_points_stand_right(self):
        for name in ("lead-many.vi", "report-unit.vi", "escalation-many.en"):
            page = mails.html_of(self.mail(name)[0])
            self.assertRegex(page, r'<td valign="top" align="right"[^>]*>\d+[.,]\d\d</td>')

    def test_calendars(self):
        seen = 0
        for name, message, said in self.each():
            with self.subTest(mail=name):
                for part in message.iter_attachments() if message.get_content_type() == "multipart/mixed" else []:
                    seen += 1
                    self.assertEqual(part.get_content_type(), "text/calendar")
                    self.assertNotIn("method", part["Content-Type"].params)
                    self.assertNotIn("METHOD", part.get_content())
                    self.assertRegex(part.get_filename(), r"^[\w-]+\.ics$")
                    components = mails.read_calendar(part.get_content())
                    todos = [c for kind, c in components if kind == "VTODO"]
                    events = [c for kind, c in components if kind == "VEVENT"]
                    self.assertEqual(len(todos), len(events))
                    due = [item["due"] for item in said["items"] if not name.startswith("criteria") or item["task"] == "4.3"]
                    self.assertEqual([c["DTSTART"] for c in events], [d.replace("-", "") for d in due])
                    for todo, event in zip(todos, events):
                        day = datetime.datetime.strptime(event["DTSTART"], "%Y%m%d")
                        end = day + datetime.timedelta(days=1) - datetime.timedelta(hours=7)
                        self.assertEqual(todo["DUE"], end.strftime("%Y%m%dT%H%M%SZ"))
                        self.assertEqual(event["DTEND"], (day + datetime.timedelta(days=1)).strftime("%Y%m%d"))
        self.assertGreater(seen, 10)

    def component(self, name):
        attachment = next(self.mail(name)[0].iter_attachments())
        return mails.read_calendar(attachment.get_content())[0][1]

    def test_calendar_follows_an_extension(self):
        before, after = self.component("overdue-one.vi"), self.component("deadline-changed.vi")
        self.assertEqual(before["UID"], after["UID"])
        self.assertLess(int(before["SEQUENCE"]), int(after["SEQUENCE"]))
        self.assertEqual((before["DUE"], after["DUE"]), ("20181031T170000Z", "20181120T170000Z"))

    def test_second_opinion_on_calendars(self):
        try:
            import icalendar  # noqa: PLC0415
        except ImportError:
            self.skipTest("python3-icalendar is not installed")
        for name, message, _ in self.each():
            with self.subTest(mail=name):
                for part in message.iter_attachments() if message.get_content_type() == "multipart/mixed" else []:
                    calendar = icalendar.Calendar.from_ical(part.get_content())
                    for component in calendar.walk():
                        self.assertFalse(component.errors)
                        if component.name == "VTODO":
                            self.assertEqual(component.decoded("due").utcoffset(), datetime.timedelta())

    def test_subjects_are_documented(self):
        """docs/messages.md: every key, with words that the phrase really has."""
        root = os.path.dirname(ARGUMENTS[2].rstrip("/"))
        with open(os.path.join(root, "..", "docs", "messages.md"), encoding="utf-8") as page:
            rows = dict(re.findall(r"^\| `(subject-[a-z-]+)`(?:, `-many`)? \| (.*) \|$", page.read(), re.M))
        for column, language in enumerate(("vi", "en")):
            with open(os.path.join(ARGUMENTS[2], language, "strings"), encoding="utf-8") as strings:
                text = re.sub(r"\n[ \t]+", " ", strings.read())
            phrases = dict(re.findall(r"^(subject-[a-z-]+) = (.*)$", text, re.M))
            self.assertEqual(set(phrases) - {"subject-criteria-changed-many"}, set(rows))
            for key, row in rows.items():
                with self.subTest(key=key, language=language):
                    example = row.split(" | ")[column]
                    first = re.split(r"\{\{", phrases[key])[0]
                    self.assertTrue(example.startswith(first), (example, first))

    def test_the_same_input_gives_the_same_bytes(self):
        with tempfile.TemporaryDirectory() as out:
            subprocess.run([*ARGUMENTS, out], check=True)
            for name, (_, _, data) in self.mails.items():
                with open(os.path.join(out, name + ".eml"), "rb") as again:
                    self.assertEqual(again.read(), data)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
