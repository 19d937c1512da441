#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check_words.py COMPOSE-WORDS CONFIG TEMPLATES: hostile and odd words in every place; what went in comes out, in its place.

The words are drawn with a fixed seed; EVIDENCED_SEED=NUMBER draws others.
"""

import glob
import json
import os
import random
import subprocess
import sys
import tempfile
import unittest

import mails

ARGUMENTS = sys.argv[1:4]
FIELDS = ("prefix", "from", "to", "title", "unit", "contact", "file", "need", "text", "root")
PIECES = [
    "a", "Z", "0", " ", "  ", ",", ";", ":", '"', "'", "\\", "<", ">", "(", ")", "@", "=", "?", "=?utf-8?Q?x?=", "_",
    "ế", "Đ", "ữ", "中", "😀", "👩‍👩‍👧", "e\u0301", "\u00a0", "&", "&amp;", "<b>", "</td>", "{{", "}}", "{{title}}", "%41",
    "--", "=_1_", ".", "From ", "word", "Bộ phận CCHC", "x" * 90, "ệ" * 60, "-", "/", "*", "[", "]", "{year}",
]  # fmt: skip
ATTACKS = [
    "\r\nBcc: evil@attacker.example", "\nBcc: evil@attacker.example", "\rBcc: evil@attacker.example", "\r\n\r\n<script>",
    "\r\n.\r\nMAIL FROM:<x@y>", "\u2028Bcc: x", "\u0085Bcc: x", "\x0bBcc: x", "\x00", "\x7f", "\u202egpj.exe", "\t",
    "\r\n--=_1_0000\r\n", "\nEND:VCALENDAR", "\r\nATTACH:http://attacker.example",
]  # fmt: skip


def draw(rng):
    pieces = [rng.choice(PIECES) for _ in range(rng.choice((1, 2, 5, 12, 40)))]
    if rng.random() < 0.4:
        pieces.insert(rng.randrange(len(pieces) + 1), rng.choice(ATTACKS))
    return "".join(pieces).replace("\x00", "\x01")


class Words(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        rng = random.Random(int(os.environ.get("EVIDENCED_SEED", "2018")))
        cls.lines = [{field: draw(rng) for field in FIELDS} for _ in range(150)]
        cls.lines.append({field: "" for field in FIELDS})
        cls.lines.append({field: "ế" * 5000 for field in FIELDS})
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in cls.lines)
        cls.mails, cls.bytes = {}, {}
        with tempfile.TemporaryDirectory() as out:
            subprocess.run([*ARGUMENTS, out], input=text.encode(), check=True)
            for path in glob.glob(os.path.join(out, "*.eml")):
                with open(path, "rb") as eml:
                    name = os.path.basename(path)[:-4]
                    cls.bytes[name] = eml.read()
                    cls.mails[name] = mails.read(cls.bytes[name], name)

    def each(self):
        return [(line, self.mails[str(n)], self.mails[f"{n}-trouble"]) for n, line in enumerate(self.lines)]

    def test_no_header_is_added(self):
        for line, reminder, trouble in self.each():
            with self.subTest(line=line):
                for message in (reminder, trouble):
                    mails.check_header_names(message, line)
                    self.assertEqual([a.addr_spec for a in message["To"].addresses], ["to@skhcn.example"])
                    self.assertEqual([a.addr_spec for a in message["From"].addresses], ["cchc@skhcn.example"])

    def test_names_come_out_as_they_went_in(self):
        for number, line in enumerate(self.lines):
            with self.subTest(line=line):
                for header, field in (("From", "from"), ("To", "to")):
                    names = mails.names_of(self.bytes[str(number)], header)
                    self.assertEqual(names, [mails.SEPARATORS.sub(" ", line[field])])

    def test_subjects_come_out_as_they_went_in(self):
        for line, reminder, trouble in self.each():
            with self.subTest(line=line):
                prefix = mails.sanitized(line["prefix"])
                bracketed = len(prefix) > 1 and prefix[0] == "[" and prefix[-1] == "]"
                prefix = (prefix if bracketed else f"[{prefix}]") + " " if prefix else ""
                prefix = prefix.replace("{year}", "2018")
                phrase = "Nhắc việc: còn 05 ngày làm việc cung cấp tài liệu kiểm chứng tiêu chí 1.2 (hạn 25/11/2018)"
                whole = mails.sanitized(prefix + phrase)
                self.assertEqual(reminder["Subject"].strip(), whole.strip())
                self.assertIn("Hệ thống nhắc việc:", trouble["Subject"] if len(prefix.encode()) < 400 else "Hệ thống nhắc việc:")

    def test_bodies_hold_the_words_and_nothing_else(self):
        for line, reminder, trouble in self.each():
            with self.subTest(line=line):
                text, page = mails.text_of(reminder), mails.html_of(reminder)
                visible = mails.squeeze(mails.read_html(page))
                for field in ("title", "need", "unit"):
                    words = mails.squeeze(mails.sanitized(line[field]))
                    # Where phrases end, blanks around words get lost.
                    self.assertIn(words.rstrip("…"), mails.squeeze(text))
                    self.assertIn(words.rstrip("…"), visible)
                # What ends lines for some reader ends none.
                for part in (text, page, mails.text_of(trouble)):
                    self.assertNotRegex(part.replace("\n", ""), mails.SEPARATORS)
                lines = [piece for piece in text.split("\n") if piece.startswith(("Bcc:", ".", "--=_"))]
                self.assertEqual(lines, [])

    def test_calendars_hold_the_title(self):
        for line, reminder, _ in self.each():
            with self.subTest(line=line):
                attachment = next(reminder.iter_attachments())
                components = mails.read_calendar(attachment.get_content())
                self.assertEqual([kind for kind, _ in components], ["VTODO", "VEVENT"])
                title = mails.squeeze(mails.sanitized(line["title"])).rstrip("…")
                self.assertIn(title, mails.squeeze(components[0][1]["DESCRIPTION"]))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
