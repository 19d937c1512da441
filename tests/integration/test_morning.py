#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A Monday morning of the sample year, mail for mail: what leaves at 07:30 on 12/11/2018, to whom, about what, and nothing else.

What is expected is counted in morning_year.py, from the contract and by hand; HAND below was not even computed.
"""

import datetime
import email.utils
import html
import json
import os
import re
import shutil
import time
import unicodedata

import evtest
import morning_year
import small_year

MONDAY = datetime.date(2018, 11, 12)
TUESDAY = datetime.date(2018, 11, 13)
HANOI = datetime.timezone(datetime.timedelta(hours=7))
REPORT_TO = frozenset(["giamdoc@skhcn.example", "phogiamdoc@skhcn.example"])
COORDINATOR = "cchc@skhcn.example"
QUIET = 2.0  # seconds in which nothing more may come

# Some of the mails of Monday, counted on paper: To, Cc, criteria in order, documents there of those asked for.
HAND = [
    ("khtc@", (), ["6.3"], ["0/4"]),
    ("truongphong.khtc@", ("khtc@", "cchc@"), ["6.1"], ["1/2"]),
    ("vp@", (), ["5.2", "4.2", "5.4", "5.5", "1.9"], ["4/5", "0/1", "0/2", "0/1", "0/1"]),
    ("cctdc@", (), ["7.6", "1.9"], ["0/4", "0/1"]),
    ("chicuctruong@", ("cctdc@", "cchc@"), ["1.6", "7.5"], ["0/1", "1/3"]),
    ("tttk@", (), ["7.3", "7.2", "7.4"], ["0/1", "0/1", "0/1"]),
    (
        "chanhvp@",
        ("vp@", "cchc@"),
        ["5.5", "4.2", "4.1", "5.5", "5.1", "5.5", "4.3", "5.3"],
        ["0/1", "0/1", "0/4", "0/1", "0/2", "0/1", "2/4", "0/2"],
    ),
]


def instant(text):
    return datetime.datetime.fromisoformat(text)


def squeeze(text):
    return re.sub(r"\s+", " ", text)


def page_text(page):
    """What a person reads of an HTML page."""
    page = re.sub(r"(?is)<(style|title|head)\b.*?</\1>", " ", page)
    return squeeze(html.unescape(re.sub(r"<[^>]*>", " ", page)))


def dated(day):
    return f"{day:%d/%m/%Y}"


class Morning(evtest.TestCase):
    def setUp(self):
        super().setUp()
        if not evtest.SmtpSink.available():
            self.skipTest("no smtp-sink (Debian package postfix)")
        self.year = morning_year.Year()
        self.expected = morning_year.reminders(self.year, MONDAY, MONDAY)
        self.all = morning_year.instances(self.year)

    # ---- the department

    def prepare(self, url, now, settle="1s"):
        """The sample year with this server, and the evidence of the morning, for a service that starts at now."""
        shutil.copytree(evtest.source("conf", "vn-2018"), self.path("etc"), dirs_exist_ok=True)
        path = self.path("etc/evidenced.conf")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for old, new in (
            ('{ url = "maildir:sent"; }', f'{{ url = "{url}"; security = "none"; timeout = "10s"; }}'),
            ("/srv/evidence", self.path("evidence")),
            ("/var/cache/evidenced", self.path("board")),
            ('settle = "5s"', f'settle = "{settle}"'),
        ):
            self.assertIn(old, text)
            text = text.replace(old, new)
        self.write("etc/evidenced.conf", text)
        os.makedirs(self.path("board"), exist_ok=True)
        # the service shifts file times together with its clock
        shift = time.time() - instant(now).timestamp()
        for number, (name, filed) in enumerate(morning_year.FILES):
            if name.startswith("NFD:"):
                folder, _, base = name[4:].rpartition("/")
                name = f"{folder}/{unicodedata.normalize('NFD', base)}"
                self.assertNotEqual(name, unicodedata.normalize("NFC", name))
            when = datetime.datetime.fromisoformat(filed).replace(tzinfo=HANOI).timestamp()
            data = b"\0" * 100 if name.rpartition(".")[2] == "db" else None
            evtest.place(self.path("evidence"), name, seed=f"{number} {name}", mtime=when + shift, data=data)
        return path

    def once(self, config, *args, state="state", status=0):
        return evtest.run(
            "evidenced", "--config", config, "--state", self.path(state), "--socket", self.path("control"),
            "--once", *args, status=status, **small_year.FROM_BUILD,
        )  # fmt: skip

    # ---- what came

    def mails(self, messages):
        """The messages by mail: {To: (parsed, recipients)}; holds each to what every mail must be."""
        by_identifier = {}
        for message in messages:
            self.assertEqual(len(message.recipients), 1, "one recipient in each transaction")
            self.assertEqual(message.sender, COORDINATOR)
            parsed = message.parse()  # raises for any defect
            by_identifier.setdefault(str(parsed["Message-ID"]), []).append((message, parsed))
        mails = {}
        for identifier, copies in by_identifier.items():
            self.assertRegex(identifier, r"^<[^<>@\s]+@[^<>@\s]+>$")
            self.assertEqual(len({message.raw for message, _ in copies}), 1, f"{identifier}: copies differ")
            parsed = copies[0][1]
            recipients = [message.recipients[0] for message, _ in copies]
            self.assertEqual(len(recipients), len(set(recipients)), f"{parsed['Subject']}: to somebody twice")
            to, cc = self.addresses(parsed, "To"), self.addresses(parsed, "Cc")
            self.assertEqual(set(recipients), to | cc, f"{parsed['Subject']}: envelope and headers differ")
            self.assertFalse(to & cc)
            self.assertNotIn(to, mails, f"two mails to {set(to)}: {parsed['Subject']!r}, {mails.get(to)}")
            mails[to] = parsed
        return mails

    @staticmethod
    def addresses(parsed, header):
        found = [address.lower() for _, address in email.utils.getaddresses([str(v) for v in parsed.get_all(header, [])])]
        assert len(found) == len(set(found)), found
        return frozenset(found)

    def found_items(self, text):
        """(position, criterion) of every criterion that is introduced with its title, in order."""
        titles = {task["id"]: task["title"] for task in self.year.conf["tasks"]}
        found = []
        for identifier, title in titles.items():
            pattern = rf"(?<![\d.]){re.escape(identifier)}(?![\d])\W{{1,12}}" + re.escape(squeeze(title))
            found += [(match.start(), identifier) for match in re.finditer(pattern, text)]
        return sorted(found)

    def check_items(self, text, mail, today, what):
        """Criteria in order; in the part of each: counts, what is missing, dates, points, the folder."""
        found = self.found_items(text)
        self.assertEqual([identifier for _, identifier in found], [item.id for item, _ in mail.items], f"{what}:\n{text}")
        ends = [place for place, _ in found[1:]] + [len(text)]
        for (start, _), end, (item, _) in zip(found, ends, mail.items):
            part, where = text[start:end], f"{what}, {item.key}:\n{text[start:end]}"
            self.assertRegex(part, rf"(?<!\d)0?{item.have}/0?{item.need}(?!\d)", where)
            for name, count in item.missing:
                self.assertIn(squeeze(name), part, where)
                if count > 1:
                    self.assertRegex(part, rf"(?<!\d)0?{count}(?!\d)", where)
            for need in item.needs:
                if need["name"] not in [name for name, _ in item.missing]:
                    self.assertNotIn(need["name"], part, where)
            self.assertTrue(dated(item.effective) in part or dated(item.stated) in part, where)
            if item.points:
                self.assertIn(f"{item.points:.2f}".replace(".", ","), part, where)
            # as people see the share, not as the service has it mounted
            share = self.year.conf["evidence"]["display"][0]
            self.assertIn(share + "\\" + item.folder.replace("/", "\\"), part, where)
            if today > item.effective:
                number = self.year.working_days_after(item.effective, today)
            else:
                number = self.year.working_days_after(today, item.effective)
            self.assertRegex(part, rf"(?<!\d)0?{number} ngày làm việc", where)

    def check_subject(self, subject, mail, today):
        """Word for word, from docs/messages.md: class and numbers are those of the most severe item."""
        first = mail.items[0][0]
        # criteria, not occurrences: 5.5 may be owed for two quarters
        n_criteria = len({item.id for item, _ in mail.items})
        owner = self.year.units[first.unit]["name"]
        if today > first.effective:
            number = self.year.working_days_after(first.effective, today)
            one = f"QUÁ HẠN {number:02d} ngày làm việc: tài liệu kiểm chứng tiêu chí {first.id} ({owner})"
            many = f"QUÁ HẠN: {n_criteria:02d} tiêu chí chưa đủ tài liệu kiểm chứng"
        else:
            number, stated = self.year.working_days_after(today, first.effective), dated(first.stated)
            one = f"Nhắc việc: còn {number:02d} ngày làm việc cung cấp tài liệu kiểm chứng tiêu chí {first.id} (hạn {stated})"
            many = f"Nhắc việc: {n_criteria:02d} tiêu chí cần cung cấp tài liệu kiểm chứng, gần nhất hạn {stated}"
        self.assertNotEqual(today, first.effective, "no day of this year's mornings is one of these")
        self.assertEqual(subject, "[CCHC 2018] " + (one if len(mail.items) == 1 else many))

    def check_mail(self, parsed, mail, today, between):
        subject = str(parsed["Subject"])
        self.assertEqual(self.addresses(parsed, "Cc"), mail.cc, subject)
        self.assertEqual(self.addresses(parsed, "From"), {COORDINATOR})
        self.check_subject(subject, mail, today)
        date = parsed["Date"].datetime
        self.assertTrue(between[0] <= date <= between[1], f"{subject}: Date {date}, not within {between}")
        self.assertEqual(date.utcoffset(), datetime.timedelta(hours=7), f"{subject}: Date {date}")
        self.assertEqual(str(parsed["Auto-Submitted"]), "auto-generated")
        self.assertTrue(parsed["List-Id"])
        self.check_items(squeeze(evtest.body_text(parsed)), mail, today, f"text of {subject!r}")
        self.check_items(page_text(evtest.body_text(parsed, "html")), mail, today, f"page of {subject!r}")
        calendars = [part for part in parsed.walk() if part.get_content_type() == "text/calendar"]
        self.assertEqual(len(calendars), 1, subject)
        lines = re.sub(r"\r?\n[ \t]", "", calendars[0].get_content())
        for kind in ("VTODO", "VEVENT"):
            if kind == "VTODO" or f"BEGIN:{kind}" in lines:
                self.assertEqual(len(re.findall(rf"(?m)^BEGIN:{kind}\r?$", lines)), len(mail.items), lines)

    def check_morning(self, messages, expected, today, between, *, report):
        """All of these, and nothing else. report: must the weekly report be among them (None: it may)?"""
        mails = self.mails(messages)
        weekly = mails.pop(REPORT_TO, None)
        if report is not None:
            self.assertEqual(weekly is not None, report, "the weekly report")
        if weekly:
            self.check_weekly(weekly, today)
        self.assertEqual(set(mails), set(expected), [str(parsed["Subject"]) for parsed in mails.values()])
        for to, mail in expected.items():
            with self.subTest(to=sorted(to)):
                self.check_mail(mails[to], mail, today, between)
        return mails

    def check_weekly(self, parsed, today):
        areas, n_overdue = morning_year.points_by_area(self.year, today)
        complete = sum(area["complete"] for area in areas.values())
        overdue = sum(area["overdue"] for area in areas.values())
        subject = str(parsed["Subject"])
        self.assertEqual(self.addresses(parsed, "Cc"), {COORDINATOR})
        # the week that is over: Monday to Sunday before the report's day
        first, last = today - 7 * morning_year.DAY, today - morning_year.DAY
        wanted = (
            f"[CCHC 2018] Báo cáo tuần {first.isocalendar()[1]} ({first:%d/%m}–{last:%d/%m/%Y}): "
            f"đã đủ TLKC {complete:.2f}/65.00 điểm; {n_overdue:02d} tiêu chí quá hạn ({overdue:.2f} điểm)"
        )
        self.assertEqual(subject, re.sub(r"(\d)\.(\d\d)(?!\d)", r"\1,\2", wanted))
        text = squeeze(evtest.body_text(parsed))
        for area in areas.values():
            for points in area.values():
                self.assertIn(f"{points:.2f}".replace(".", ","), text)

    def nothing_more(self, sink, count):
        time.sleep(QUIET)
        self.assertEqual(len(sink.messages()), count, [str(m.parse()["Subject"]) for m in sink.messages()[count:]])

    def n_copies(self, expected):
        return sum(len(mail.to | mail.cc) for mail in expected.values())

    # ---- expectations against themselves

    def test_by_hand(self):
        """The counting above agrees with what was counted on paper."""
        for to, cc, criteria, counts in HAND:
            mail = self.expected[frozenset([to + "skhcn.example"])]
            self.assertEqual(mail.cc, {address + "skhcn.example" for address in cc})
            self.assertEqual([item.id for item, _ in mail.items], criteria)
            self.assertEqual([f"{item.have}/{item.need}" for item, _ in mail.items], counts)
        self.assertEqual(len(self.expected), 12)
        # six units alone, five heads with two in Cc, and one whose unit is the coordinator
        self.assertEqual(self.n_copies(self.expected), 6 + 5 * 3 + 2)
        tuesday = morning_year.reminders(self.year, TUESDAY, MONDAY)
        self.assertEqual([item.key for item, _ in tuesday[frozenset([COORDINATOR])].items], ["1.3@2018-11-15"])
        self.assertEqual(len(tuesday), 7)

    # ---- the mornings

    def test_service_before_half_past_seven(self):
        now = "2018-11-12T07:29:50+07:00"
        with evtest.SmtpSink() as sink:
            config = self.prepare(sink.url, now)
            began = time.monotonic()
            with evtest.Service(config, self.path("state"), "--now", now, **small_year.FROM_BUILD) as service:
                count = self.n_copies(self.expected) + len(REPORT_TO) + 1
                while True:
                    messages = sink.messages()
                    if time.monotonic() > began + 9.5:
                        break
                    self.assertEqual(messages, [], "something left before 07:30")
                    time.sleep(0.1)
                messages = sink.wait_for(count)
                self.nothing_more(sink, count)
                between = instant("2018-11-12T07:30:00+07:00"), instant("2018-11-12T07:30:30+07:00")
                self.check_morning(messages, self.expected, MONDAY, between, report=True)
                self.check_list(service)
                self.check_report(service)
                self.assertEqual(service.stop(), 0)
            # a minute later, from the same state: level, not edge
            with evtest.Service(config, self.path("state"), **small_year.FROM_BUILD) as service:
                evtest.eventually(lambda: service.ctl("list", "--json").json()[0]["state"] != "unknown", "the scan")
                self.nothing_more(sink, count)
                self.check_list(service)
            self.once(config)
            self.assertEqual(len(sink.messages()), count)

    def check_list(self, service):
        listed = {entry["instance"]: entry for entry in service.ctl("list", "--json").json() if "@" in (entry["instance"] or "")}
        self.assertEqual(set(listed), {instance.key for instance in self.all})
        for instance in self.all:
            entry = listed[instance.key]
            with self.subTest(instance.key):
                self.assertEqual(entry["state"], instance.state(MONDAY), entry)
                self.assertEqual((entry["have"], entry["need"]), (instance.have, instance.need), entry)
                self.assertEqual((entry["task"], entry["unit"]), (instance.id, instance.unit))
                self.assertEqual((entry["area"], entry["points"]), (instance.task["area"], instance.points))
                self.assertEqual((entry["stated"], entry["due"]), (str(instance.stated), str(instance.effective)), entry)
                said = json.dumps(entry["missing"], ensure_ascii=False)
                for need in instance.needs:
                    is_missing = need["name"] in [name for name, _ in instance.missing]
                    self.assertEqual(need["name"] in said, is_missing, entry)

    def check_report(self, service):
        areas, _ = morning_year.points_by_area(self.year, MONDAY)
        report = service.ctl("report", "--json").json()
        found = {str(area.get("id", area.get("area"))): area for area in report["areas"]}
        self.assertEqual(set(found), set(areas))
        for identifier, wanted in areas.items():
            with self.subTest(area=identifier):
                for name, points in wanted.items():
                    self.assertAlmostEqual(found[identifier][f"points_{name}"], points, msg=found[identifier])
        for row in report["areas"] + report["units"]:
            buckets = sum(row[f"points_{name}"] for name in morning_year.BUCKETS)
            others = sum(row.get(f"points_{name}", 0) for name in ("waived", "surveyed"))
            self.assertAlmostEqual(buckets + others, row["points_max"], msg=row)
        self.assertAlmostEqual(sum(area["points_max"] for area in report["areas"]), 100.0)

    def test_service_after_half_past_seven(self):
        now = "2018-11-12T07:30:05+07:00"
        with evtest.SmtpSink() as sink:
            config = self.prepare(sink.url, now)
            with evtest.Service(config, self.path("state"), "--now", now, **small_year.FROM_BUILD):
                count = self.n_copies(self.expected)
                sink.wait_for(count)
                time.sleep(QUIET)
                between = instant(now), instant("2018-11-12T07:30:30+07:00")
                self.check_morning(sink.messages(), self.expected, MONDAY, between, report=None)

    def test_once_around_half_past_seven(self):
        now = "2018-11-12T07:20:00+07:00"
        with evtest.SmtpSink() as sink:
            config = self.prepare(sink.url, now, settle="200ms")
            self.once(config, "--now", now)
            self.assertEqual(sink.messages(), [], "nothing is due before 07:30")
            evtest.pass_time(self.path("state"), minutes=10)
            # the offset of the clock is kept with the state, and wins over another --now
            self.once(config, "--now", "2018-11-12T07:20:00+07:00")
            between = instant("2018-11-12T07:30:00+07:00"), instant("2018-11-12T07:31:30+07:00")
            messages = sink.wait_for(self.n_copies(self.expected))
            self.check_morning(messages, self.expected, MONDAY, between, report=None)
            count = len(messages)
            self.once(config)
            self.nothing_more(sink, count)

    def test_once_on_another_morning(self):
        """A first start a day later: another state, since a clock that is kept with the state cannot be moved."""
        now = "2018-11-13T07:30:05+07:00"
        expected = morning_year.reminders(self.year, TUESDAY, TUESDAY)
        with evtest.SmtpSink() as sink:
            config = self.prepare(sink.url, now, settle="200ms")
            self.once(config, "--now", now)
            between = instant(now), instant("2018-11-13T07:30:30+07:00")
            messages = sink.wait_for(self.n_copies(expected))
            self.check_morning(messages, expected, TUESDAY, between, report=False)

    def test_two_mornings_simulated(self):
        """Monday's mails again, and Tuesday's, which only a service has that sent Monday's."""
        config = self.prepare("smtp://127.0.0.1:25", "2018-11-12T07:29:50+07:00")
        complete = []
        for instance in self.all:
            if not instance.is_open:
                complete += ["--complete", f"{instance.key}=2018-01-02T10:00:00+07:00"]
        lines = evtest.run(
            "evidencectl", "simulate", "--config", config, "--from", "2018-11-12T07:29:50+07:00",
            "--to", "2018-11-14T00:00:00+07:00", *complete, "--json", **small_year.FROM_BUILD,
        ).json_lines()  # fmt: skip
        for today in (MONDAY, TUESDAY):
            expected = morning_year.reminders(self.year, today, MONDAY)
            found = [line for line in lines if line["kind"] == "reminder" and line["time"].startswith(str(today))]
            self.assertEqual({line["time"] for line in found}, {f"{today}T07:30:00+07:00"})
            self.assertEqual({frozenset(line["to"]) for line in found}, set(expected))
            self.assertEqual(len(found), len(expected))
            for line in found:
                mail = expected[frozenset(line["to"])]
                with self.subTest(today=str(today), to=line["to"]):
                    self.assertEqual(line["cc"], sorted(mail.cc))
                    wanted = [
                        {
                            "instance": item.key,
                            "task": item.id,
                            "unit": item.unit,
                            "step": offset,
                            "due": str(item.effective),
                            "stated": str(item.stated),
                        }
                        for item, offset in mail.items
                    ]
                    said = [{key: item[key] for key in wanted[0]} for item in line["items"]]
                    self.assertEqual(said, wanted)
                    self.check_subject(line["subject"], mail, today)
        others = {line["kind"] for line in lines if line["time"] < "2018-11-12T07:30:00"}
        self.assertEqual(others, set(), "nothing before 07:30")


if __name__ == "__main__":
    evtest.main()
