#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""LibreOffice itself writes into the folders: converts, opens, saves over, with its lock files beside the document."""

import contextlib
import os
import shutil
import subprocess
import time

import evtest
from evidence_case import GONE_AFTER, SETTLE, Replay

try:
    import uno
    from com.sun.star.beans import PropertyValue
except ImportError:
    uno = None

TASKS = """\
tasks: (
        { id = "2.1"; area = "1"; title = "Document"; points = 3.0; unit = "A"; due = "2018-11-19";
          evidence: { dir = "2.1"; need = ( { name = "D"; match = [ "*" ]; type = [ "docx", "odt", "pdf" ]; } ); }; },
        { id = "2.2"; area = "1"; title = "Sheet"; points = 3.0; unit = "B"; due = "2018-11-19";
          evidence: { dir = "2.2"; need = ( { name = "S"; match = [ "*.xlsx" ]; type = [ "xlsx" ]; } ); }; }
);
"""
DOCUMENT = "2.1@2018-11-19"
SHEET = "2.2@2018-11-19"


class Office(Replay):
    def setUp(self):
        super().setUp()
        if not shutil.which("soffice"):
            self.skipTest("LibreOffice is not installed")
        self.use(TASKS)
        for folder in ("2.1", "2.2"):
            os.makedirs(self.path("evidence", folder))
        self.soffice = ["soffice", f"-env:UserInstallation=file://{self.path('profile')}", "--headless", "--norestore", "--nologo"]

    def office(self, *args):
        done = subprocess.run([*self.soffice, *args], capture_output=True, text=True, timeout=4 * evtest.PATIENCE, env=self.env())
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def env(self):
        return evtest.environment(HOME=self.folder)

    def convert(self, text, kind, folder, source="letter.txt"):
        """Has LibreOffice write FOLDER/letter.KIND; returns the path."""
        self.write(f"from/{source}", text)
        target = self.path("evidence", folder)
        self.office("--convert-to", kind, "--outdir", target, self.path("from", source))
        return os.path.join(target, f"letter.{kind}")

    def converted(self, kind, folder, key, source="letter.txt"):
        with self.service() as service:
            self.until(service, "open", key)
            self.convert("one, two\n", kind, folder, source)
            self.until(service, "complete", key)
            # onto the same name: the document was complete all the time, and both versions are in the ledger
            self.convert("three, four\n", kind, folder, source)
            self.wait_log(service, "evidence-replaced", 1)
            self.stays(service, "complete", GONE_AFTER + SETTLE, key)
            self.assertEqual(self.log(service, "evidence-gone"), [])
            self.assertEqual(len(self.versions(service)), 2)
            self.never_refused(service)
            self.assertEqual(set(self.files(service, key)), {f"{folder}/letter.{kind}"})

    def versions(self, service):
        return {entry["detail"]["sha256"] for entry in self.log(service, "evidence-counted") + self.log(service, "evidence-replaced")}

    def test_converts_to_docx(self):
        self.converted("docx", "2.1", DOCUMENT)

    def test_converts_to_odt(self):
        self.converted("odt", "2.1", DOCUMENT)

    def test_converts_to_pdf(self):
        self.converted("pdf", "2.1", DOCUMENT)

    def test_converts_to_xlsx(self):
        self.converted("xlsx", "2.2", SHEET, source="letter.csv")

    @contextlib.contextmanager
    def desktop(self):
        """LibreOffice's desktop, driven as a person drives it."""
        if not uno:
            self.skipTest("python3-uno is not installed")
        pipe = f"evtest-{os.getpid()}"
        process = subprocess.Popen(
            [*self.soffice, f"--accept=pipe,name={pipe};urp;"], env=self.env(), stderr=subprocess.DEVNULL, start_new_session=True
        )
        self.addCleanup(evtest.stop_process, process, evtest.PATIENCE)
        local = uno.getComponentContext()
        resolver = local.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", local)

        def answers():
            self.assertIsNone(process.poll(), "soffice ended")
            try:
                return resolver.resolve(f"uno:pipe,name={pipe};urp;StarOffice.ComponentContext")
            except uno.getClass("com.sun.star.connection.NoConnectException"):
                return None

        context = evtest.eventually(answers, "LibreOffice answers", 4 * evtest.PATIENCE, pause=0.1)
        desktop = context.ServiceManager.createInstanceWithContext("com.sun.star.frame.Desktop", context)
        yield desktop
        with contextlib.suppress(uno.getClass("com.sun.star.lang.DisposedException")):
            desktop.terminate()
        process.wait(evtest.PATIENCE)

    def load(self, desktop, url):
        return desktop.loadComponentFromURL(url, "_blank", 0, (PropertyValue("Hidden", 0, True, 0),))

    def test_opens_and_saves_over(self):
        path = self.path("evidence/2.1/letter.odt")
        lock = self.path("evidence/2.1/.~lock.letter.odt#")
        url = f"file://{path}"
        with self.desktop() as desktop, self.service() as service:
            self.until(service, "open", DOCUMENT)
            # made in the folder: the lock file comes with it, and stays as long as it is open
            letter = self.load(desktop, "private:factory/swriter")
            letter.Text.setString("first")
            letter.storeAsURL(url, (PropertyValue("FilterName", 0, "writer8", 0),))
            self.assertTrue(os.path.exists(lock), "LibreOffice locks what it edits")
            self.until(service, "complete", DOCUMENT)
            letter.close(True)
            self.assertFalse(os.path.exists(lock))
            # opened again: only looking at it, with its lock file, changes nothing
            letter = self.load(desktop, url)
            self.assertTrue(os.path.exists(lock))
            self.stays(service, "complete", SETTLE + 1, DOCUMENT)
            self.assertEqual(self.log(service, "evidence-replaced"), [])
            for n, edition in enumerate(("second", "third"), 1):
                before = os.stat(path).st_ino
                letter.Text.setString(edition)
                letter.store()
                self.assertNotEqual(os.stat(path).st_ino, before, "it saves by renaming")
                self.wait_log(service, "evidence-replaced", n)
            letter.close(True)
            self.stays(service, "complete", GONE_AFTER + SETTLE, DOCUMENT)
            self.assertEqual(self.log(service, "evidence-gone"), [])
            self.assertEqual(len(self.log(service, "evidence-replaced")), 2)
            self.assertEqual(len(self.versions(service)), 3, "every version is in the ledger")
            self.never_refused(service)
            self.assertEqual(set(self.files(service, DOCUMENT)), {"2.1/letter.odt"})
            self.assertFalse([e for e in self.log(service, "notice-decided") if "reopened" in str(e)])

    def test_a_lock_file_left_behind_counts_for_nothing(self):
        # LibreOffice was killed: only its lock file is in the folder of a task that takes any name
        path = self.path("evidence/2.1/letter.odt")
        with self.desktop() as desktop, self.service() as service:
            letter = self.load(desktop, "private:factory/swriter")
            letter.storeAsURL(f"file://{path}", (PropertyValue("FilterName", 0, "writer8", 0),))
            self.until(service, "complete", DOCUMENT)
            os.unlink(path)
            time.sleep(GONE_AFTER)
            self.until(service, "open", DOCUMENT)
            self.assertEqual(os.listdir(self.path("evidence/2.1")), [".~lock.letter.odt#"])
            self.never_refused(service)
            letter.close(True)


if __name__ == "__main__":
    evtest.main()
