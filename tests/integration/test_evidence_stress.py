#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Nothing is lost when files are written at full speed: afterwards the store equals an independent walk, file by file."""

import os
import shutil
import subprocess
import tempfile
import time

import evidence_stress
import evtest
import small_year

N_FILES = int(os.environ.get("EVTEST_STRESS_FILES", evidence_stress.FILES))
N_FOLDERS = evidence_stress.TASKS * evidence_stress.FOLDERS_PER_TASK
FEW_WATCHES = N_FOLDERS // 4
MEMORY = "/dev/shm"

# The kernel's limit of watches, for this user namespace alone; the service is somebody who is not root outside it.
IN_NAMESPACE = [
    "unshare", "--user", "--map-root-user", "sh", "-c",
    f'echo {FEW_WATCHES} >/proc/sys/user/max_inotify_watches && exec "$@"', "sh",
]  # fmt: skip


def namespace_limits_watches():
    return subprocess.run([*IN_NAMESPACE, "true"], stdin=subprocess.DEVNULL, capture_output=True).returncode == 0


class Stress(evtest.TestCase):
    def use_memory(self):
        """The limits are the same on a tmpfs, and a slow disk would make of seconds minutes."""
        if os.path.isdir(MEMORY) and shutil.disk_usage(MEMORY).free > 2 << 30:
            self.folder = tempfile.mkdtemp(prefix="evtest-", dir=MEMORY)
            self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def stress(self, prefix=(), **env):
        config = evidence_stress.write_config(self)
        root, state = self.path("evidence"), self.path("state")
        running = evtest.Service(config, state, "--now", small_year.NOW, **small_year.FROM_BUILD, **env)
        running.prefix = list(prefix)
        with running as service:
            evtest.eventually(
                lambda: all(r["state"] == "ok" for r in service.ctl("status", "--json").json()["roots"]), "the first walk"
            )
            time.sleep(1)
            began = time.monotonic()
            evidence_stress.write_all(root, N_FILES)
            wrote = time.monotonic()
            # deleted and moved things among them, or the walk would prove little
            written = sum(len(names) for _, _, names in os.walk(root))
            self.assertTrue(0.9 * N_FILES < written < 0.98 * N_FILES, written)
            expected = evidence_stress.expected(root)

            def equal():
                missing, extra, different = evidence_stress.differences(expected, evidence_stress.stored(state))
                said = f"{len(missing)} missing, {len(extra)} extra, {len(different)} different"
                if missing or extra or different:
                    raise AssertionError(f"{said}: {(missing + extra + different)[:5]}")
                return True

            evtest.eventually(equal, "the store equals the walk", timeout=6 * evtest.PATIENCE, pause=0.5)
            print(
                f"{N_FILES} files in {N_FOLDERS} folders in {wrote - began:.1f} s,"
                f" stored {time.monotonic() - wrote:.1f} s after the last",
                flush=True,
            )
            return service.ctl("status", "--json").json()

    def test_full_speed(self):
        status = self.stress()
        self.assertNotIn("max_user_watches", str(status["reasons"]))

    def test_small_queue(self):
        self.use_memory()
        # fs.inotify.max_queued_events belongs to the whole machine: the program's own limit stands for it
        status = self.stress(EVIDENCED_SCAN_MAX_QUEUE=64)
        self.assertIn("max_queued_events", str(status["reasons"]))

    def test_few_watches(self):
        self.use_memory()
        if namespace_limits_watches():
            status = self.stress(IN_NAMESPACE)
        else:
            print("no user namespace to be had: the program's own limit instead of the kernel's", flush=True)
            status = self.stress(EVIDENCED_SCAN_MAX_WATCHES=FEW_WATCHES)
        self.assertIn("max_user_watches", str(status["reasons"]))


if __name__ == "__main__":
    evtest.main()
