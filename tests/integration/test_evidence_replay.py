#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""How people's programs put files into folders, replayed on the running service: what counts, when, and what nobody is told."""

import json
import os
import pwd
import shutil
import subprocess
import time
import unicodedata
import unittest

import evtest
from evidence_case import GONE_AFTER, LETTER, MINUTES, REPORT, SETTLE, TASKS, Replay


def padded(seed, size):
    """A whole PDF that is not written in one go."""
    head, tail = evtest.document("x.pdf", seed).split(b"\n", 1)
    start, end = tail.rsplit(b"startxref\n", 1)
    return b"%s\n%%%s\n%sstartxref\n%d\n%%%%EOF\n" % (head, b"." * size, start, int(end.split()[0]) + size + 2)


class Programs(Replay):
    """Half a document never counts, and a whole one always does."""

    def need(self, program):
        if not shutil.which(program) and not os.path.exists(f"/usr/sbin/{program}"):
            self.skipTest(f"{program} is not installed")

    def test_rsync(self):
        self.need("rsync")
        source = self.outside("from/1.1/annual report.pdf", seed="rsync")
        with self.service() as service:
            self.until(service, "open")
            # it writes ".annual report.pdf.XXXXXX" and renames that, keeping the date of the original
            os.utime(source, (1_500_000_000, 1_500_000_000))
            subprocess.run(["rsync", "-rt", self.path("outside/from") + "/", self.path("evidence")], check=True)
            self.until(service, "complete")
            self.never_refused(service)
            self.assertEqual(set(self.files(service)), {"1.1/README", "1.1/annual report.pdf"})
            # received when it was seen, not as dated
            self.assertTrue(self.files(service)["1.1/annual report.pdf"]["received"].startswith("2018-11-12"))

    def test_rsync_in_place(self):
        self.need("rsync")
        self.outside("from/1.1/annual report.pdf", seed="rsync", data=padded("r", 300_000))
        with self.service() as service:
            self.until(service, "open")
            command = ["rsync", "-r", "--inplace", "--bwlimit=100", self.path("outside/from") + "/", self.path("evidence")]
            with subprocess.Popen(command) as copying:
                while True:
                    found = self.state(service)
                    if copying.poll() is not None:
                        break
                    self.assertEqual(found, "open", "counted while it was copied")
                    time.sleep(0.1)
            self.until(service, "complete")
            # it makes the file and takes its time before the first byte; what is half there is never judged
            self.assertLessEqual({e["detail"]["verdict"] for e in self.log(service, "evidence-refused")}, {"empty"})

    def test_samba(self):
        self.need("smbd")
        self.need("smbclient")
        port = evtest.free_port()
        for folder in ("smb/private", "smb/lock", "smb/state", "smb/cache", "smb/pid", "smb/ncalrpc"):
            os.makedirs(self.path(folder))
        config = self.write(
            "smb/smb.conf",
            f"""[global]
                server role = standalone server
                map to guest = Bad User
                guest account = {pwd.getpwuid(os.geteuid()).pw_name}
                smb ports = {port}
                interfaces = lo
                bind interfaces only = yes
                disable netbios = yes
                load printers = no
                private dir = {self.path("smb/private")}
                lock directory = {self.path("smb/lock")}
                state directory = {self.path("smb/state")}
                cache directory = {self.path("smb/cache")}
                pid directory = {self.path("smb/pid")}
                ncalrpc dir = {self.path("smb/ncalrpc")}
                log file = {self.path("smb/log")}
            [evidence]
                path = {self.path("evidence")}
                guest ok = yes
                read only = no
            """,
        )
        document = self.outside("annual report.pdf", seed="samba", data=padded("smb", 3_000_000))
        smbd = shutil.which("smbd") or "/usr/sbin/smbd"
        server = subprocess.Popen(
            [smbd, "--foreground", "--no-process-group", f"--configfile={config}", "--debug-stdout"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        self.addCleanup(evtest.stop_process, server, 10)

        def client(command):
            return subprocess.run(
                ["smbclient", "//127.0.0.1/evidence", "-p", str(port), "-N", "-s", config, "-c", command],
                capture_output=True, text=True, timeout=evtest.PATIENCE,
            )  # fmt: skip

        def answers():
            self.assertIsNone(server.poll(), "smbd ended")
            return client("ls").returncode == 0

        evtest.eventually(answers, "smbd answers", pause=0.3)
        with self.service() as service:
            self.until(service, "open")
            done = client(f'cd 1.1; put "{document}" "annual report.pdf"')
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.until(service, "complete")
            self.never_refused(service)
            done = client('cd 1.1; rename "annual report.pdf" "signed report.pdf"')
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.stays(service, "complete", GONE_AFTER + SETTLE + 1)
            done = client('cd 1.1; rm "signed report.pdf"')
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.until(service, "open")

    def test_word_saves_by_rename(self):
        # Microsoft Office: an owner file, the new text under a temporary name, the old one moved aside before it takes its place
        letter = self.file("1.2/quý I/letter.docx", seed="first")
        with self.service() as service:
            self.until(service, "complete", LETTER)
            first = self.files(service, LETTER)["1.2/quý I/letter.docx"]
            owner = self.file("1.2/quý I/~$letter.docx", data=b"\x05clerk")
            for n, edition in enumerate(("second", "third"), 1):
                new = self.file("1.2/quý I/~WRD0000.tmp", data=evtest.document("x.docx", edition))
                aside = self.path("evidence/1.2/quý I/~WRL0001.tmp")
                os.rename(letter, aside)
                self.stays(service, "complete", 0.3, LETTER)
                os.rename(new, letter)
                os.unlink(aside)
                self.wait_log(service, "evidence-replaced", n)
            self.stays(service, "complete", GONE_AFTER + SETTLE, LETTER)
            os.unlink(owner)
            self.never_refused(service)
            last = self.files(service, LETTER)["1.2/quý I/letter.docx"]
            self.assertNotEqual(first["sha256"], last["sha256"])
            # both versions are in the ledger
            counted = {entry["detail"]["sha256"] for entry in self.log(service, "evidence-counted")}
            self.assertLessEqual({first["sha256"], last["sha256"]}, counted)
            self.assertEqual(self.log(service, "evidence-gone"), [])

    def test_partial_names(self):
        # browsers and Nextcloud: the whole content arrives under a name that is on the ignore list
        data = evtest.document("x.pdf", "download")
        with self.service() as service:
            self.until(service, "open")
            for name in ("report.pdf.crdownload", "report.pdf.part", "report.pdf.ocTransferId1234.part"):
                with self.subTest(name):
                    partial = self.path("evidence/1.1", name)
                    with open(partial, "wb", buffering=0) as file:
                        file.write(data[: len(data) // 2])
                        self.stays(service, "open", SETTLE + 0.5)
                        file.write(data[len(data) // 2 :])
                    self.stays(service, "open", SETTLE + 0.5)
                    os.rename(partial, self.path("evidence/1.1/report.pdf"))
                    self.until(service, "complete")
                    os.unlink(self.path("evidence/1.1/report.pdf"))
                    self.until(service, "open")
            self.never_refused(service)

    def test_slow_copy(self):
        # pauses longer than settle, closed in between: half a PDF is settled, and does not count
        data = evtest.document("x.pdf", "slow")
        with self.service() as service:
            self.until(service, "open")
            path = self.path("evidence/1.1/report.pdf")
            for at in range(0, len(data), len(data) // 3 + 1):
                self.stays(service, "open", SETTLE + 1)
                with open(path, "ab") as file:
                    file.write(data[at : at + len(data) // 3 + 1])
            self.until(service, "complete")


class Digest(Replay):
    def test_what_is_there_when_it_leaves(self):
        # renamed, and saved over: the mail of the next morning names what counts then, where it lies
        with self.service() as service:
            self.until(service, "open", within=10)
            self.file("1.1/first report.pdf", seed="1")
            self.file("1.3/minutes 1.pdf", seed="2")
            self.until(service, "complete")
            self.until(service, "partial", MINUTES)
            os.rename(self.path("evidence/1.1/first report.pdf"), self.path("evidence/1.1/signed report.pdf"))
            evtest.eventually(lambda: "1.1/signed report.pdf" in self.files(service), "renamed")
            os.rename(self.path("evidence/1.3/minutes 1.pdf"), self.path("evidence/1.3/signed minutes.pdf"))
            evtest.eventually(lambda: "1.3/signed minutes.pdf" in self.files(service, MINUTES), "renamed")
            os.rename(self.outside("new.pdf", seed="3"), self.path("evidence/1.1/signed report.pdf"))
            evtest.eventually(lambda: self.log(service, "evidence-replaced"), "replaced")
            sha256 = self.files(service)["1.1/signed report.pdf"]["sha256"]
        evtest.set_clock(self.path("state"), "2018-11-13T07:29:58+07:00")
        with self.service():

            def receipts():
                texts = [evtest.body_text(message.parse()) for message in self.server.taken]
                return [" ".join(text.split()) for text in texts if "SHA-256" in text]

            [said] = evtest.eventually(receipts, "the receipts")
            self.assertEqual(said.count("1.1/"), 1, said)
            self.assertIn("1.1/signed report.pdf", said)
            self.assertIn(f"SHA-256 {sha256[:8]}", said)
            self.assertIn("1.3/signed minutes.pdf", said)
            self.assertNotIn("1.3/minutes 1.pdf", said)


class Names(Replay):
    def test_written_again_while_it_settles(self):
        """What was found in a file before it had settled stands only if nothing happens to it until then."""
        self.use(TASKS, settle="10s")
        with self.service() as service:
            self.until(service, "open")
            path = self.file("1.1/annual report.pdf", seed="early")
            before = os.stat(path)
            evtest.eventually(lambda: self.files(service).get("1.1/annual report.pdf", {}).get("sha256"), "looked into early")
            self.assertEqual(self.state(service), "open")
            with open(path, "r+b") as file:
                file.write(b"x" * before.st_size)
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
            evtest.eventually(lambda: self.log(service, "evidence-refused"), "refused")
            self.assertEqual(self.state(service), "open")
            self.assertEqual([e["detail"]["verdict"] for e in self.log(service, "evidence-refused")], ["type"])
            self.assertEqual(self.log(service, "evidence-counted"), [])

    def test_decomposed(self):
        # a Mac's name of the folder and of the file; đ and diacritics do not matter either
        folder = unicodedata.normalize("NFD", "1.2/quý I")
        self.file(f"{folder}/" + unicodedata.normalize("NFD", "letter số 12 đến Sở.docx"), seed="nfd")
        self.file("1.1/BAO_CAO nam.pdf", seed="folded")
        with self.service() as service:
            self.until(service, "complete")
            self.until(service, "complete", LETTER)

    def test_broken_encodings(self):
        names = [
            "b¸o c¸o report.pdf".encode("latin-1"),  # TCVN3
            b"report \xff\xfe\x80.pdf",
            b"report \xc3.pdf",
        ]
        for number, name in enumerate(names):
            with open(os.path.join(self.path("evidence/1.1").encode(), name), "wb") as file:
                file.write(evtest.document("x.pdf", f"broken {number}"))
        with self.service() as service:
            self.until(service, "open")
            evtest.eventually(lambda: len(self.log(service, "evidence-refused")) == 3, "refused")
            refused = self.log(service, "evidence-refused")
            self.assertEqual({entry["detail"]["verdict"] for entry in refused}, {"bad-name"})
            self.assertEqual([entry["verdict"] for entry in self.files(service).values()].count("bad-name"), 3)
            self.file("1.1/report.pdf", seed="good")
            self.until(service, "complete")

    def test_links(self):
        target = self.outside("report.pdf", seed="outside")
        os.symlink(target, self.path("evidence/1.1/report 1.pdf"))
        os.symlink(self.path("nowhere"), self.path("evidence/1.1/report 2.pdf"))
        os.symlink(self.path("outside"), self.path("evidence/1.1/more"))
        with self.service() as service:
            self.until(service, "open")
            self.stays(service, "open", SETTLE + 1)
            files = self.files(service)
            self.assertEqual(files["1.1/report 1.pdf"]["verdict"], "not-regular")
            self.assertEqual(files["1.1/report 2.pdf"]["verdict"], "not-regular")
            self.assertNotIn("1.1/more/report.pdf", files)
            os.symlink("original/the report.pdf", self.path("evidence/1.1/report 3.pdf"))
            self.file("1.1/original/the report.pdf", seed="inside")
            self.until(service, "complete")


class Moved(Replay):
    def texts(self):
        bodies = [message.parse().get_body(("plain",)) for message in self.server.taken]
        return [" ".join(body.get_content().split()) for body in bodies]

    def test_into_another_folder(self):
        # to a criterion that asks for it, and to one that does not need it
        self.file("1.1/minutes report.pdf", seed="1")
        self.file("1.3/minutes 1.pdf", seed="2")
        with self.service() as service:
            self.until(service, "complete", within=10)
            self.until(service, "partial", MINUTES)
            os.rename(self.path("evidence/1.1/minutes report.pdf"), self.path("evidence/1.3/minutes report.pdf"))
            self.until(service, "open")
            self.until(service, "complete", MINUTES)
            [gone] = self.log(service, "evidence-gone")
            self.assertEqual(
                [gone["instance"], gone["detail"]["path"], gone["detail"]["now"], gone["detail"]["verdict"]],
                [REPORT, "1.1/minutes report.pdf", "1.3/minutes report.pdf", "counted"],
            )
            said = evtest.eventually(lambda: [t for t in self.texts() if "now lacks evidence" in t], "told")[0]
            self.assertRegex(said, r"1\.1/minutes report\.pdf – noticed at [^;]*; it lies in 1\.3/minutes report\.pdf now")
            # and back, which leaves the other one
            os.rename(self.path("evidence/1.3/minutes report.pdf"), self.path("evidence/1.1/minutes report.pdf"))
            self.until(service, "complete")
            self.until(service, "partial", MINUTES)
            self.assertEqual([e["instance"] for e in self.log(service, "evidence-gone")], [REPORT, MINUTES])

    def test_where_nothing_is_missing(self):
        # it fills no slot there, and none where it was
        self.file("1.1/minutes report.pdf", seed="1")
        for number in (2, 3):
            self.file(f"1.3/minutes {number}.pdf", seed=str(number))
        with self.service() as service:
            self.until(service, "complete", within=10)
            self.until(service, "complete", MINUTES)
            os.rename(self.path("evidence/1.1/minutes report.pdf"), self.path("evidence/1.3/minutes report.pdf"))
            self.until(service, "open")
            entry = self.files(service, MINUTES)["1.3/minutes report.pdf"]
            self.assertEqual((entry["verdict"], entry["detail"]), ("surplus", None))
            os.unlink(self.path("evidence/1.3/minutes 2.pdf"))
            self.until(service, "complete", MINUTES)
            evtest.eventually(lambda: self.files(service, MINUTES)["1.3/minutes report.pdf"]["verdict"] == "counted", "it fills the free one")


class Content(Replay):
    def test_twice(self):
        self.file("1.3/minutes 1.pdf", seed="same")
        with self.service() as service:
            self.until(service, "partial", MINUTES)
            self.file("1.3/minutes 2.pdf", seed="same")
            evtest.eventually(lambda: self.log(service, "evidence-refused"), "the copy is refused")
            copy = self.files(service, MINUTES)["1.3/minutes 2.pdf"]
            self.assertEqual((copy["verdict"], copy["detail"]), ("duplicate", "1.3/minutes 1.pdf"))
            self.assertEqual(self.state(service, MINUTES), "partial")
            self.file("1.3/minutes 3.pdf", seed="other")
            self.until(service, "complete", MINUTES)

    def test_wrong_type(self):
        # it is said what it is, whatever its name says
        with self.service() as service:
            self.until(service, "open", within=10)
            self.file("1.1/report.pdf", data=evtest.document("x.jpg"))
            self.file("1.2/quý I/letter.docx", data=evtest.document("x.pdf"))
            evtest.eventually(lambda: len(self.log(service, "evidence-refused")) == 2, "refused", 10)
            self.assertEqual(self.files(service)["1.1/report.pdf"]["detail"], "jpg, not pdf")
            self.assertEqual(self.files(service, LETTER)["1.2/quý I/letter.docx"]["detail"], "pdf, not docx, odt")
            self.assertIn("(jpg, not pdf)", service.ctl("explain", REPORT).out)

    def test_reused(self):
        self.file("1.1/report.pdf", seed="same")
        with self.service() as service:
            self.until(service, "complete")
            self.file("1.3/minutes.pdf", seed="same")
            self.until(service, "partial", MINUTES)
            reused = [entry for entry in self.log(service, "evidence-counted") if entry["detail"].get("reused")]
            self.assertEqual([(entry["instance"], entry["detail"]["reused"]) for entry in reused], [(MINUTES, REPORT)])

    def test_explanation(self):
        with self.service() as service:
            self.until(service, "open")
            path = self.file("1.1/GIAI-TRINH.docx", seed="why")
            self.until(service, "explained")
            # saved over: neither away nor unsettled for a moment is an end
            os.rename(self.file("1.1/x.tmp", data=evtest.document("x.docx", "why, again")), path)
            self.stays(service, "explained", SETTLE + 0.5)
            before = len(self.reminded(service))
            os.unlink(path)
            self.until(service, "open")
            # the step it stands at is due at once: nothing else says that the explanation ended
            evtest.eventually(lambda: len(self.reminded(service)) == before + 1, "reminded")

    def test_two_tasks_one_folder(self):
        """A file counts for one task; for the other it is said which. A copy counts for the other."""
        report = TASKS[TASKS.index('{ name = "The report"') : TASKS.index("); }; },")]
        minutes = TASKS[TASKS.index('dir = "1.3"') : TASKS.rindex(" ); }; }")]
        fresh = report.replace('type = [ "pdf" ];', 'type = [ "pdf" ]; fresh = "5d";')
        self.use(TASKS.replace(report, fresh).replace(minutes, 'dir = "1.1"; need = (\n' + report.replace("The report", "The minutes").replace('type = [ "pdf" ];', "")))
        with self.service() as service:
            self.until(service, "open")
            self.file("1.1/report.pdf", seed="shared")
            self.until(service, "complete")
            self.stays(service, "open", 1, MINUTES)
            entry = self.files(service, MINUTES)["1.1/report.pdf"]
            self.assertEqual((entry["verdict"], entry["detail"]), ("surplus", REPORT))
            self.file("1.1/report 2.pdf", seed="shared")
            self.until(service, "complete", MINUTES)
            self.assertEqual([row["detail"].get("reused") for row in self.log(service, "evidence-counted")], [None, REPORT])
            service.stop()
        with self.service() as service:  # it stays so, and is written down no second time
            for key in (REPORT, MINUTES):
                self.until(service, "complete", key)
            self.stays(service, "complete", SETTLE)
            self.assertEqual(len(self.log(service, "evidence-counted")), 2)
            os.unlink(self.path("evidence/1.1/report 2.pdf"))
            self.until(service, "open", MINUTES)
            # too old for the first, it is free for the other, although nothing happens to the file
            service.ctl("extend", REPORT, "--until", "2018-12-28", "--reason", "why not")
            service.ctl("reload")
            self.until(service, "complete", MINUTES)
            self.assertEqual(self.files(service, REPORT)["1.1/report.pdf"]["detail"], MINUTES)

    def reminded(self, service):
        return [row for row in self.log(service, "notice-decided") if row["detail"]["kind"] == "reminder" and row["instance"] == REPORT]

    def test_misplaced(self):
        tasks = TASKS.replace('"*report*.pdf", "*báo cáo*.pdf"', '"*BC-SKHCN*.pdf"')
        self.use(tasks)
        with self.service() as service:
            self.until(service, "open")
            self.file("1.3/12 BC-SKHCN nam.pdf", seed="misplaced")
            self.file("1.3/holiday.jpg", seed="no evidence")
            refused = evtest.eventually(lambda: self.log(service, "evidence-refused"), "told as misplaced")
            self.assertEqual([(e["instance"], e["detail"]["meant_for"]) for e in refused], [(MINUTES, REPORT)])
            entry = self.files(service, MINUTES)["1.3/12 BC-SKHCN nam.pdf"]
            self.assertEqual((entry["verdict"], entry["detail"], entry["folder"]), ("name", REPORT, "1.1"))
            other = evtest.eventually(lambda: self.files(service, MINUTES).get("1.3/holiday.jpg"), "the other file is seen")
            self.assertIsNone(other["detail"])
            os.rename(self.path("evidence/1.3/12 BC-SKHCN nam.pdf"), self.path("evidence/1.1/12 BC-SKHCN nam.pdf"))
            self.until(service, "complete")
            service.stop()
        with self.service() as service:
            self.until(service, "complete")
            time.sleep(SETTLE)
            self.assertEqual(len(self.log(service, "evidence-refused")), 1, "told once")


class Received(Replay):
    """First seen settled decides between complete and late, not the date that a file brings along (which is kept beside it)."""

    LATE = TASKS.replace('due = "2018-11-15"', 'due = "2018-11-09"')
    KEY = "1.1@2018-11-09"

    def setUp(self):
        super().setUp()
        self.use(self.LATE)
        # as seen from the service's clock: the day before the deadline
        self.in_time = time.time() - 4 * 86400

    def test_filed_late_with_an_early_date(self):
        with self.service() as service:
            self.until(service, "overdue", self.KEY)
            self.file("1.1/report.pdf", seed="1", mtime=self.in_time)
            self.until(service, "late", self.KEY)
            received = self.files(service, self.KEY)["1.1/report.pdf"]["received"]
            self.assertTrue(received.startswith("2018-11-12"), received)
            # another file in its place, and the same one again: late it is and stays
            os.rename(self.path("evidence/1.1/report.pdf"), self.path("evidence/1.1/the report.pdf"))
            self.stays(service, "late", GONE_AFTER + SETTLE + 1, self.KEY)
            self.assertEqual(self.files(service, self.KEY)["1.1/the report.pdf"]["received"], received)

    def test_found_at_the_first_scan(self):
        # nobody saw it come: its own date is all there is, and it is marked as such
        self.file("1.1/report.pdf", seed="1", mtime=self.in_time)
        with self.service() as service:
            self.until(service, "complete", self.KEY)
            entry = self.files(service, self.KEY)["1.1/report.pdf"]
            self.assertTrue(entry["received"].startswith("2018-11-08"), entry)
            counted = self.log(service, "evidence-counted")
            self.assertIn("2018-11-08", json.dumps(counted), "the ledger has it")

    def test_touched_later(self):
        # its own date moves on; when it was received does not
        path = self.file("1.1/report.pdf", seed="1", mtime=self.in_time)
        with self.service() as service:
            self.until(service, "complete", self.KEY)
            os.utime(path)
            self.stays(service, "complete", SETTLE + 1.5, self.KEY)
            self.assertTrue(self.files(service, self.KEY)["1.1/report.pdf"]["received"].startswith("2018-11-08"))


class Folders(Replay):
    def test_deeper_than_a_path_can_name(self):
        self.file("1.3/minutes 1.pdf", seed="1")
        here = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
        self.addCleanup(os.close, here)
        self.addCleanup(subprocess.run, ["rm", "-rf", self.path("evidence")])  # shutil.rmtree gives up on it
        os.chdir(self.path("evidence/1.3"))
        try:
            for _ in range(30):
                os.mkdir("d" * 200)
                os.chdir("d" * 200)
            evtest.place(".", "minutes 3.pdf", seed="3")
        finally:
            os.fchdir(here)
        with self.service() as service:
            self.until(service, "partial", MINUTES)
            status = evtest.eventually(
                lambda: (s := service.ctl("status", "--json").json())["roots"][0]["unreadable_folders"] and s, "reported"
            )
            self.assertIn("can not be read", str(status["reasons"]))
            self.file("1.3/minutes 2.pdf", seed="2")
            self.until(service, "complete", MINUTES)

    def test_moves(self):
        self.file("1.3/a/minutes 1.pdf", seed="1")
        self.file("1.3/a/b/minutes 2.pdf", seed="2")
        with self.service() as service:
            self.until(service, "complete", MINUTES)
            received = {e["sha256"]: e["received"] for e in self.files(service, MINUTES).values()}
            os.rename(self.path("evidence/1.3/a"), self.path("evidence/1.3/c"))
            self.stays(service, "complete", GONE_AFTER + SETTLE + 1, MINUTES)
            there = {"1.3/c/minutes 1.pdf", "1.3/c/b/minutes 2.pdf"}
            files = evtest.eventually(lambda: set(found := self.files(service, MINUTES)) == there and found, "the new places")
            self.assertEqual({e["sha256"]: e["received"] for e in files.values()}, received, "received-at is kept")
            # out of the root, and in again
            os.rename(self.path("evidence/1.3/c"), self.path("away"))
            self.until(service, "open", MINUTES)
            os.rename(self.path("away"), self.path("evidence/1.3/c"))
            self.until(service, "complete", MINUTES)
            # the folder of the instance itself, deleted and made again
            shutil.rmtree(self.path("evidence/1.3"))
            self.until(service, "open", MINUTES)
            self.file("1.3/minutes 3.pdf", seed="3")
            self.file("1.3/minutes 4.pdf", seed="4")
            self.until(service, "complete", MINUTES)

    @unittest.skipIf(os.geteuid() == 0 and not shutil.which("setpriv"), "root reads everything, and setpriv is not installed")
    def test_unreadable_folder(self):
        self.file("1.3/closed/minutes 1.pdf", seed="1")
        self.file("1.3/minutes 2.pdf", seed="2")
        os.chmod(self.path("evidence/1.3/closed"), 0)
        self.addCleanup(os.chmod, self.path("evidence/1.3/closed"), 0o755)
        with self.service_as_nobody() as service:
            self.until(service, "partial", MINUTES)
            status = evtest.eventually(
                lambda: (s := service.ctl("status", "--json").json())["roots"][0]["unreadable_folders"] == 1 and s, "reported"
            )
            self.assertIn("1.3/closed", str(status["reasons"]))
            os.chmod(self.path("evidence/1.3/closed"), 0o755)
            self.until(service, "complete", MINUTES)
            evtest.eventually(lambda: service.ctl("status", "--json").json()["roots"][0]["unreadable_folders"] == 0, "well again")


    @unittest.skipIf(os.geteuid() == 0 and not shutil.which("setpriv"), "root reads everything, and setpriv is not installed")
    def test_unreadable_file(self):
        # what was read goes on counting while it is the same; the administrator is told, not the unit
        first = self.file("1.3/minutes 1.pdf", seed="1")
        self.file("1.3/closed/minutes 2.pdf", seed="2")
        with self.service_as_nobody() as service:
            self.until(service, "complete", MINUTES)
            os.chmod(first, 0)
            os.chmod(self.path("evidence/1.3/closed"), 0o400)  # its names, but nothing about them
            self.addCleanup(os.chmod, self.path("evidence/1.3/closed"), 0o755)

            def told():
                status = service.ctl("status", "--json").json()
                root = status["roots"][0]
                self.assertEqual((root["unreadable_files"], root["unreadable_folders"]), (1, 1))
                self.assertIn("can no longer be read, among them " + first, str(status["reasons"]))
                return True

            evtest.eventually(told, "status says it", pause=0.1)
            self.stays(service, "complete", GONE_AFTER + SETTLE + 1, MINUTES)
            self.assertIn("can not be read now", service.ctl("explain", MINUTES).out)
            # one that was never read does not count
            never = self.outside("report.pdf", seed="3")
            os.chmod(never, 0)
            os.rename(never, self.path("evidence/1.1/report.pdf"))
            evtest.eventually(lambda: self.log(service, "evidence-refused"), "refused")
            self.assertEqual([e["detail"]["verdict"] for e in self.log(service, "evidence-refused")], ["unreadable"])
            self.assertEqual((self.state(service), self.state(service, MINUTES)), ("open", "complete"))
            os.chmod(first, 0o644)
            evtest.eventually(lambda: service.ctl("status", "--json").json()["roots"][0]["unreadable_files"] == 0, "well again")


    def amounts(self, amount, wanted):
        def right():
            self.assertEqual(amount(), wanted)
            return True

        evtest.eventually(right, "the amount")

    def test_amount(self):
        # status does not wait for the next walk
        with self.service() as service:
            self.until(service, "open", within=10)

            def amount():
                root = service.ctl("status", "--json").json()["roots"][0]
                return root["folders"], root["files"]

            folders, files = amount()
            for n in range(5):
                self.file(f"1.3/new {n}/a.txt", data=b"x")
            os.mkdir(self.path("evidence/somewhere else"))
            self.amounts(amount, (folders + 7, files + 5))  # 1.3 as well
            shutil.rmtree(self.path("evidence/1.3/new 0"))
            os.unlink(self.path("evidence/1.3/new 1/a.txt"))
            self.amounts(amount, (folders + 6, files + 3))


class Roots(Replay):
    def degraded(self, service):
        return [r for r in service.ctl("status", "--json").json()["reasons"] if self.path("evidence") in r]

    def test_missing_at_start(self):
        shutil.rmtree(self.path("evidence"))
        with self.service() as service:
            self.assertEqual(self.state(service), "unknown")
            evtest.eventually(lambda: self.degraded(service), "the reason in status")
            os.makedirs(self.path("made"))
            evtest.place(self.path("made"), "1.1/report.pdf", seed="1")
            os.rename(self.path("made"), self.path("evidence"))
            self.until(service, "complete")
            evtest.eventually(lambda: not self.degraded(service), "well again")

    def test_vanishes_and_returns(self):
        self.file("1.1/report.pdf", seed="1")
        with self.service() as service:
            self.until(service, "complete")
            os.rename(self.path("evidence"), self.path("gone"))
            evtest.eventually(lambda: self.degraded(service), "the reason in status")
            self.stays(service, "complete", GONE_AFTER + SETTLE + 1)
            evtest.eventually(lambda: self.instances(service)[REPORT]["unverified"], "marked as unverified")
            os.rename(self.path("gone"), self.path("evidence"))
            evtest.eventually(lambda: not self.degraded(service), "well again")
            self.stays(service, "complete", GONE_AFTER + SETTLE + 1)
            evtest.eventually(lambda: not self.instances(service)[REPORT]["unverified"], "verified")
            self.assertEqual(self.log(service, "evidence-gone"), [])
            self.assertFalse([e for e in self.log(service, "notice-decided") if "reopened" in json.dumps(e)])


class Many(Replay):
    TASK = (
        '{{ id = "9.{n}"; area = "1"; title = "T"; points = 0.0; unit = "A"; due = "2018-11-29";'
        ' evidence: {{ dir = "9/{n}"; need = ( {{ name = "x"; match = [ "x*.pdf" ]; }} ); }}; }}'
    )

    def setUp(self):
        super().setUp()
        self.use("tasks: (\n" + ",\n".join(self.TASK.format(n=n) for n in range(20)) + "\n);\n")
        for n in range(20):
            self.file(f"9/{n}/x.pdf", seed=f"x {n}")

    def count(self, service, state):
        return [entry["state"] for entry in self.instances(service).values()].count(state)

    def test_many_at_once_wait(self):
        with self.service() as service:
            evtest.eventually(lambda: self.count(service, "complete") == 20, "all complete")
            # not all in one moment: a slow rm, over longer than one pass
            for n in range(14):
                os.unlink(self.path(f"evidence/9/{n}/x.pdf"))
                time.sleep(0.1)
            evtest.eventually(lambda: "confirm" in str(service.ctl("status", "--json").json()["reasons"]), "held")
            time.sleep(GONE_AFTER + 1)
            self.assertEqual(self.count(service, "complete"), 20)
            self.assertEqual(self.log(service, "evidence-gone"), [])
            # some come back, what is new goes on to count
            self.file("9/0/x again.pdf", seed="again")
            evtest.eventually(lambda: "x again" in str(self.log(service, "evidence-counted")), "the others go on")
            service.ctl("confirm")
            evtest.eventually(lambda: self.count(service, "complete") == 7, "reopened after the word")

    def test_few_do_not_wait(self):
        with self.service() as service:
            evtest.eventually(lambda: self.count(service, "complete") == 20, "all complete")
            for n in range(10):
                os.unlink(self.path(f"evidence/9/{n}/x.pdf"))
            evtest.eventually(lambda: self.count(service, "complete") == 10, "reopened")


if __name__ == "__main__":
    evtest.main()
