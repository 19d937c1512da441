#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""SIGKILL at any moment: every reminder arrives, once, or a second time under the same Message-ID.

Some rounds are killed after a random time, some at a chosen word of the SMTP dialogue. EVTEST_SEED repeats a run.
"""

import collections
import os
import random
import signal
import subprocess
import threading
import time

import evtest
import small_year

SEED = int(os.environ.get("EVTEST_SEED", str(int(time.time()))))
RANDOM_ROUNDS = 16
SLOWNESS = evtest.PATIENCE / 30
# the sender's timeout is 3 s, and a message in doubt is not touched before; then back-off
FINISHES_WITHIN = 45 * max(1.0, SLOWNESS)

# (recipient, criteria): what has to reach whom, worked out in small_year
WANTED = {(recipient, ids) for to, cc, ids in small_year.REMINDERS for recipient in to + cc}


class Killed(evtest.TestCase):
    def prepare(self, server):
        self.number = getattr(self, "number", 0) + 1
        self.round = f"round-{self.number}"
        config = small_year.write_year(self, server.url, settle="200ms", timeout="3s")
        self.command = [
            evtest.binary("evidenced"), "--config", config, "--state", self.path(self.round, "state"),
            "--socket", self.path(self.round, "control"), "--once", "--now", small_year.NOW,
        ]  # fmt: skip
        os.makedirs(self.path(self.round))

    def start(self):
        log = open(self.path(self.round, "log"), "ab")
        self.addCleanup(log.close)
        process = subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=evtest.environment(**small_year.FROM_BUILD),
            start_new_session=True,
        )
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.kill()
            process.wait()

    def log(self):
        with open(self.path(self.round, "log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def finish(self):
        """Run until everything is sent; returns how many runs that took."""
        end, runs = time.monotonic() + FINISHES_WITHIN, 0
        while True:
            process = self.start()
            status = process.wait(FINISHES_WITHIN)
            runs += 1
            if status == 0:
                return runs
            # 75: some mail still queued, nothing else may be wrong
            self.assertEqual(status, 75, self.log())
            self.assertLess(time.monotonic(), end, f"still queued after {runs} runs:\n{self.log()}")
            time.sleep(0.3)

    def kill(self, process):
        process.send_signal(signal.SIGKILL)
        process.wait()

    def no_workers_left(self, process):
        """Workers of a dead decider end by themselves (the session of start() holds nobody else)."""

        def gone():
            for name in filter(str.isdigit, os.listdir("/proc")):
                try:
                    with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                        state, _, group = file.read().rpartition(")")[2].split()[:3]
                except OSError:
                    continue
                # one that only waits for init to notice its end is gone
                if int(group) == process.pid and state != "Z":
                    return False
            return True

        evtest.eventually(gone, "the workers' end", 10)

    def check(self, server, kills, what):
        arrived = collections.defaultdict(list)
        for message in server.taken:
            parsed = message.parse()
            self.assertEqual(len(message.recipients), 1, "one recipient in each transaction")
            key = (message.recipients[0], self.criteria(parsed))
            arrived[key].append((str(parsed["Message-ID"]), message.raw))
        self.assertEqual(set(arrived), WANTED, f"{what}:\n{self.log()}")
        doubles = 0
        for key, copies in arrived.items():
            self.assertEqual(len({identifier for identifier, _ in copies}), 1, f"{what}: {key} under two Message-IDs")
            self.assertEqual(len({raw for _, raw in copies}), 1, f"{what}: {key} in two wordings")
            self.assertLessEqual(len(copies), 1 + kills, f"{what}: {key} arrived {len(copies)} times")
            doubles += len(copies) - 1
        return doubles

    @staticmethod
    def criteria(parsed):
        """Which criteria a mail is about, by their titles."""
        text = evtest.body_text(parsed)
        titles = {"1.1": "Plan and report", "1.2": "Inspection", "1.3": "Scores"}
        return tuple(sorted(identifier for identifier, title in titles.items() if title in text))

    # ---- the rounds

    def test_undisturbed(self):
        """How a round goes that nobody disturbs: what the others are measured by."""
        with evtest.SmtpServer() as server:
            self.prepare(server)
            self.assertEqual(self.finish(), 1)
            self.assertEqual(self.check(server, 0, "undisturbed"), 0)
            # and a run more has nothing to say
            self.assertEqual(self.finish(), 1)
            self.assertEqual(self.check(server, 0, "once more"), 0)

    def test_any_moment(self):
        chance = random.Random(SEED)
        with evtest.SmtpServer(latency=0.01) as server:
            self.prepare(server)
            began = time.monotonic()
            self.finish()
            length = time.monotonic() - began
        moments = []
        for number in range(RANDOM_ROUNDS):
            # one in each slice of the way, so that none is left out, at a random place in it
            delay = (number + chance.random()) / RANDOM_ROUNDS * length
            kills = 1 if number % 4 else 2
            what = f"killed {kills} times after {delay:.3f} s of {length:.2f} s (EVTEST_SEED={SEED})"
            with self.subTest(what), evtest.SmtpServer(latency=0.01) as server:
                self.prepare(server)
                hit = 0
                for _ in range(kills):
                    process = self.start()
                    time.sleep(delay)
                    hit += process.poll() is None
                    self.kill(process)
                    self.no_workers_left(process)
                runs = self.finish()
                moments.append((delay, hit, runs, self.check(server, hit, what)))
        self.assertGreater(sum(hit for _, hit, _, _ in moments), RANDOM_ROUNDS // 2, "most rounds are over before the kill")

    def kill_at(self, stage, nth, after=None):
        """A round in which the nth time a stage of the dialogue is reached the decider is killed, before the reply.

        after: seconds more until the kill, while the reply goes out.
        """
        what = f"killed at {stage} number {nth}, {after} s after"
        killed = threading.Event()
        seen = [0]
        process = None

        def act(_):
            seen[0] += 1
            if seen[0] != nth or killed.is_set():
                return None
            if after is None:
                self.kill(process)
                killed.set()
            else:
                threading.Timer(after, lambda: (self.kill(process), killed.set())).start()
            return None

        with self.subTest(what), evtest.SmtpServer({stage: act}) as server:
            self.prepare(server)
            process = self.start()
            self.assertTrue(killed.wait(evtest.PATIENCE), f"{what}: never reached\n{self.log()}")
            self.no_workers_left(process)
            self.finish()
            return self.check(server, 1, what)

    def test_at_each_word(self):
        for stage, nth in (
            ("connect", 1),
            ("ehlo", 1),
            ("mail", 2),
            ("rcpt", 1),
            ("data", 2),
            ("body", 1),
            ("dot", 1),
            ("dot", 3),
            ("dot", 5),
        ):
            self.kill_at(stage, nth)

    def test_around_the_last_reply(self):
        for nth, after in ((1, 0.0005), (3, 0.002), (5, 0.001), (5, 0.01)):
            self.kill_at("dot", nth, after)


if __name__ == "__main__":
    evtest.main()
