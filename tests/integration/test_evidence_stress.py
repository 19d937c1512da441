#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Nothing is lost when files are written at full speed: afterwards the store equals an independent walk, file by file."""

import os
import time

import evidence_stress
import evtest
import small_year

N_FILES = int(os.environ.get("EVTEST_STRESS_FILES", "20000"))


class Stress(evtest.TestCase):
    def stress(self, n_files, **env):
        config = evidence_stress.write_config(self)
        root, state = self.path("evidence"), self.path("state")
        with evtest.Service(config, state, "--now", small_year.NOW, **small_year.FROM_BUILD, **env) as service:
            evtest.eventually(
                lambda: all(r["state"] == "ok" for r in service.ctl("status", "--json").json()["roots"]), "the first walk"
            )
            time.sleep(1)
            began = time.monotonic()
            evidence_stress.write_all(root, n_files)
            wrote = time.monotonic()

            def equal():
                missing, extra, different = evidence_stress.differences(root, state)
                said = f"{len(missing)} missing, {len(extra)} extra, {len(different)} different"
                if missing or extra or different:
                    raise AssertionError(f"{said}: {(missing + extra + different)[:5]}")
                return True

            evtest.eventually(equal, "the store equals the walk", timeout=3 * evtest.PATIENCE, pause=0.5)
            print(f"{n_files} files in {wrote - began:.1f} s, stored {time.monotonic() - wrote:.1f} s after the last", flush=True)
            return service.ctl("status", "--json").json()

    def test_full_speed(self):
        self.stress(N_FILES)

    def test_small_queue(self):
        status = self.stress(N_FILES, EVIDENCED_SCAN_MAX_QUEUE=64)
        self.assertIn("max_queued_events", str(status["reasons"]))

    def test_few_watches(self):
        status = self.stress(N_FILES // 4, EVIDENCED_SCAN_MAX_WATCHES=500)
        self.assertIn("max_user_watches", str(status["reasons"]))


if __name__ == "__main__":
    evtest.main()
