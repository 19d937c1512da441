#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""SIGKILL at any moment: every reminder arrives, once, or a second time under the same Message-ID.

Some rounds are killed after a random time, some at a chosen word of the SMTP dialogue. EVTEST_SEED repeats a run. Rounds
run side by side: most of their time is waiting, since a message that was in flight is not touched before the sender's
timeout has passed.
"""

import collections
import concurrent.futures
import os
import random
import signal
import subprocess
import threading
import time

import evtest
import small_year

SEED = int(os.environ.get("EVTEST_SEED", str(int(time.time()))))
RANDOM_ROUNDS = 18
AT_ONCE = 9
TRIES = 10
FINISHES_WITHIN = 60 * max(1.0, evtest.PATIENCE / 30)

# (recipient, criteria): what has to reach whom, worked out in small_year
WANTED = {(recipient, ids) for to, cc, ids in small_year.REMINDERS for recipient in to + cc}
TITLES = {"1.1": "Plan and report", "1.2": "Inspection", "1.3": "Scores"}


def group_is_gone(group):
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                state, _, its_group = file.read().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        # one that only waits for init to notice its end is gone
        if int(its_group) == group and state != "Z":
            return False
    return True


class Round:
    """One department, one mail server, and a decider that is killed now and then; runs in a thread of its own."""

    def __init__(self, folder, what, script=None):
        self.folder, self.what = folder, what
        self.server = evtest.SmtpServer(script, latency=0.01)
        self.process = None
        self.kills = 0
        os.makedirs(folder)

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def write(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def __enter__(self):
        self.server.start()
        config = small_year.write_year(self, self.server.url, settle="200ms", timeout="3s")
        self.command = [
            evtest.binary("evidenced"), "--config", config, "--state", self.path("state"),
            "--socket", self.path("control"), "--once", "--now", small_year.NOW,
        ]  # fmt: skip
        return self

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.server.stop()

    def start(self):
        with open(self.path("log"), "ab") as log:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=evtest.environment(**small_year.FROM_BUILD),
                start_new_session=True,
            )

    def kill(self):
        """SIGKILL for the decider alone; its workers are to end by themselves. Counts when it was not over before."""
        self.kills += self.process.poll() is None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def workers_end(self):
        group = self.process.pid
        evtest.eventually(lambda: group_is_gone(group), f"{self.what}: the workers' end")

    def finish(self):
        """Run until everything is sent; returns how many runs that took."""
        end, runs = time.monotonic() + FINISHES_WITHIN, 0
        while True:
            self.start()
            status = self.process.wait(FINISHES_WITHIN)
            runs += 1
            if status == 0:
                return runs
            # 75: some mail still queued; nothing else may be wrong
            if status != 75 or time.monotonic() > end:
                raise AssertionError(f"{self.what}: status {status} after {runs} runs\n{self.log()}")
            time.sleep(0.7)

    def log(self):
        with open(self.path("log"), encoding="utf-8", errors="replace") as file:
            return file.read()[-5000:]

    def check(self):
        """Everything arrived as it should; returns how many copies came twice."""
        arrived = collections.defaultdict(list)
        for message in self.server.taken:
            parsed = message.parse()
            text = evtest.body_text(parsed)
            criteria = tuple(sorted(identifier for identifier, title in TITLES.items() if title in text))
            assert len(message.recipients) == 1, f"{self.what}: {message.recipients} in one transaction"
            arrived[message.recipients[0], criteria].append((str(parsed["Message-ID"]), message.raw))
        assert set(arrived) == WANTED, f"{self.what}: arrived {sorted(arrived)}\n{self.log()}"
        for key, copies in arrived.items():
            assert len({identifier for identifier, _ in copies}) == 1, f"{self.what}: {key} under two Message-IDs"
            assert len({raw for _, raw in copies}) == 1, f"{self.what}: {key} in two wordings"
            assert len(copies) <= 1 + self.kills, f"{self.what}: {key} came {len(copies)} times"
        return sum(len(copies) - 1 for copies in arrived.values())


class Killed(evtest.TestCase):
    def side_by_side(self, rounds):
        """Run functions, each of them a round with the name before it; returns what they return."""
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            running = [(what, pool.submit(play, self.path(f"round-{n}"), what)) for n, (what, play) in enumerate(rounds)]
            found = []
            for what, future in running:
                with self.subTest(what):
                    found.append(future.result())
        return found

    def test_undisturbed(self):
        with Round(self.path("calm"), "undisturbed") as calm:
            self.assertEqual(calm.finish(), 1)
            self.assertEqual(calm.check(), 0)
            # and a run more has nothing to say
            self.assertEqual(calm.finish(), 1)
            self.assertEqual(calm.check(), 0)

    def test_any_moment(self):
        chance = random.Random(SEED)
        with Round(self.path("calm"), "undisturbed") as calm:
            began = time.monotonic()
            calm.finish()
            # those that run beside each other are slower
            length = 1.5 * (time.monotonic() - began)

        def hit(folder, what, delay, kills):
            with Round(folder, what) as one:
                for _ in range(kills):
                    one.start()
                    time.sleep(delay)
                    one.kill()
                    one.workers_end()
                one.finish()
                one.check()
                return one.kills > 0

        def round_of(delay, kills):
            def play(folder, what):
                # how fast the machine is may have changed: a round that was over before the kill is played again
                return any(hit(f"{folder}-{n}", what, delay * 0.6**n, kills) for n in range(TRIES))

            return f"killed {kills} times after {delay:.3f} s of {length:.2f} s (EVTEST_SEED={SEED})", play

        # one in each slice of the way, so that none is left out, at a random place in it; every fourth is hit twice
        delays = [(n + chance.random()) / RANDOM_ROUNDS * length for n in range(RANDOM_ROUNDS)]
        hits = self.side_by_side([round_of(delay, 1 if n % 4 else 2) for n, delay in enumerate(delays)])
        self.assertTrue(all(hits), "rounds were over before the kill, whatever its time")

    @staticmethod
    def at_word(stage, nth, after=None):
        """A round killed when a stage of the dialogue is reached for the nth time, before the reply.

        after: seconds more until the kill, while the reply goes out.
        """

        def play(folder, what):
            seen, killed, gate = [0], threading.Event(), threading.Lock()

            def kill():
                one.kill()
                killed.set()

            def act(_):
                # Another connection that comes to the same stage while the first is at the kill waits for it: else it would
                # go on, and its message would be accepted by a decider that is still alive and never writes it down.
                with gate:
                    seen[0] += 1
                    if seen[0] == nth and not killed.is_set():
                        if after is None:
                            kill()
                        else:
                            threading.Timer(after, kill).start()

            with Round(folder, what, {stage: act}) as one:
                one.start()
                assert killed.wait(evtest.PATIENCE), f"{what}: never reached\n{one.log()}"
                one.workers_end()
                one.finish()
                return one.check()

        return f"killed at {stage} number {nth}, {after} s after", play

    def test_at_each_word(self):
        first = [(stage, 1) for stage in ("connect", "ehlo", "mail", "rcpt", "data")]
        # at "body" all of a small message may be on its way, and beside the second of a kind the first may have arrived
        later = [("body", 1), ("mail", 2), ("rcpt", 4), ("data", 2)]
        doubles = self.side_by_side([self.at_word(stage, nth) for stage, nth in first + later])
        self.assertEqual(doubles[: len(first)], [0] * len(first), "nothing was accepted, so nothing can come twice")

    def test_at_the_final_dot(self):
        # the server has it, the decider never hears so: the one double that is promised to be possible
        doubles = self.side_by_side([self.at_word("dot", nth) for nth in (1, 3, 5)])
        self.assertTrue(all(n <= 2 for n in doubles), doubles)
        self.assertGreater(sum(doubles), 0, "a kill before the 250 went unnoticed: the rounds miss their moment")

    def test_around_the_last_reply(self):
        self.side_by_side([self.at_word("dot", n, after) for n, after in ((1, 0.012), (3, 0.011), (5, 0.013), (5, 0.03))])


if __name__ == "__main__":
    evtest.main()
