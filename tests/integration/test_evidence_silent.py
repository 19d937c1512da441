#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Changes that the kernel tells nobody of: found by the walk at every rescan, and by polling where others change files."""

import mmap
import os
import shutil
import subprocess
import time

import evtest
from evidence_case import LETTER, SETTLE, Replay

EVERY = 2.0


class Silent(Replay):
    def every(self, key):
        with open(self.config, encoding="utf-8") as file:
            text = file.read()
        self.write("etc/evidenced.conf", text.replace("gone_after", f'{key} = "{EVERY:.0f}s"; gone_after', 1))

    def digest(self, service):
        return self.files(service)["1.1/report.pdf"]["sha256"]

    def test_written_through_memory(self):
        # a mapped file changes without an event as long as nobody closes it
        path = self.file("1.1/report.pdf", seed="1")
        for key, found in (("poll", False), ("rescan", True)):
            with self.subTest(key):
                self.use_settings(key)
                with open(path, "r+b") as file, mmap.mmap(file.fileno(), 0) as content, self.service() as service:
                    self.until(service, "complete")
                    time.sleep(SETTLE)
                    before, dated = self.digest(service), os.stat(path).st_mtime_ns
                    at = content.find(b"/MediaBox [0 0 ") + len("/MediaBox [0 0 ")
                    content[at : at + 3] = b"60%d" % found
                    content.flush()
                    if found and os.stat(path).st_mtime_ns == dated:
                        self.skipTest("this file system (tmpfs?) gives no date to what is written through memory")
                    if found:
                        evtest.eventually(lambda: self.digest(service) != before, "found by the rescan")
                    else:
                        time.sleep(2 * EVERY + SETTLE)
                        self.assertEqual(self.digest(service), before, "there was an event: this test proves nothing")

    def use_settings(self, key):
        self.use(self.tasks)
        self.every(key)

    def test_folder_on_another_file_system(self):
        # told for each folder: a FUSE mount somewhere below a root that is otherwise watched
        if not shutil.which("bindfs"):
            self.skipTest("bindfs is not installed")
        self.every("poll")
        share = self.path("evidence/1.2")
        os.makedirs(self.path("behind"))
        os.makedirs(share)
        bindfs = subprocess.Popen(["bindfs", "-f", self.path("behind"), share], stderr=subprocess.PIPE, text=True)
        self.addCleanup(bindfs.stderr.close)
        self.addCleanup(evtest.stop_process, bindfs, 10)
        end = time.monotonic() + 10
        while not os.path.ismount(share):
            if bindfs.poll() is not None or time.monotonic() > end:
                self.skipTest(f"FUSE can not be used here: {bindfs.stderr.read().strip()}")
            time.sleep(0.05)
        with self.service() as service:
            self.until(service, "open", LETTER)
            evtest.place(self.path("behind"), "quý I/deep/er/letter.docx", seed="1")
            self.until(service, "complete", LETTER)
            os.unlink(self.path("behind/quý I/deep/er/letter.docx"))
            self.until(service, "open", LETTER)
            service.stop()


if __name__ == "__main__":
    evtest.main()
