#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A thousand mails while the service and its senders are killed at random: each arrives, and a second copy is the same mail.

EVTEST_SEED repeats the moments. A sender that is killed puts one mail in doubt; a service that is killed leaves those that were
with the senders alone until their timeout has passed.
"""

import collections
import contextlib
import os
import random
import signal
import time

import evmail
import evtest
from evmail import unit_address

SEED = int(os.environ.get("EVTEST_SEED", str(int(time.time()))))
MAILS = 1000
LIVES = 12  # of the service; in each of them some senders die


def senders_of(service):
    """Process ids of the evidenced-mail children that this service started, by parent: nobody else's."""
    found = []
    pid = service.process.pid
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            children = file.read().split()
    except OSError:
        return found
    for child in children:
        try:
            with open(f"/proc/{child}/comm", encoding="utf-8") as file:
                if file.read().strip() == "evidenced-mail":
                    found.append(int(child))
        except OSError:
            continue
    return found


class Killed(evmail.Office):
    def waiting(self, service):
        return [m for m in service.ctl("queue", "--json", timeout=60).json() if m["kind"] == "reminder"]

    def finish(self, server):
        """A run that is left alone, until nothing waits; what is in doubt is not waited for."""
        with self.service() as service:
            def look():
                for mail in self.waiting(service):
                    if mail["state"] in ("doubt", "queued") and mail["tries"] > 0:
                        service.ctl("queue", "retry", mail["id"], status=None)
                outbox = self.status(service)["outbox"]
                return outbox["sent"] == MAILS and not outbox["queued"] + outbox["handed"] + outbox["doubt"]

            evtest.eventually(look, f"all sent (EVTEST_SEED={SEED})", 3 * evtest.PATIENCE, pause=0.5)
            self.assertEqual(service.ctl("log", "--verify").status, 0)
            return service.ctl("queue", "--all", "--json", timeout=60).json()

    @staticmethod
    def until_taken(server, goal):
        end = time.monotonic() + evtest.PATIENCE
        while len(server.taken) < min(goal, MAILS) and time.monotonic() < end:
            time.sleep(0.002)

    def test_thousand(self):
        chance = random.Random(SEED)
        killed = collections.Counter()
        with evtest.SmtpServer() as server:
            self.office(evmail.server(server.url, timeout="2s"), units=MAILS, connections=4)
            while killed["service"] < LIVES and len(server.taken) < MAILS:
                with self.service() as service:
                    # after so many mails more, whatever time they take
                    goals = sorted(len(server.taken) + chance.randrange(1, MAILS // LIVES) for _ in range(1 + chance.randrange(3)))
                    for goal in goals[:-1]:
                        self.until_taken(server, goal)
                        for pid in senders_of(service)[:1]:
                            with contextlib.suppress(ProcessLookupError):  # the one that was killed a moment ago
                                os.kill(pid, signal.SIGKILL)
                                killed["sender"] += 1
                    self.until_taken(server, goals[-1])
                    time.sleep(chance.random() * 0.01)
                    service.kill()
                    killed["service"] += 1
            mails = self.finish(server)
            taken = server.taken
        self.assertGreaterEqual(killed["service"], LIVES // 2, killed)
        self.assertGreater(killed["sender"], 0, killed)
        self.assertEqual({m["recipient"] for m in mails}, {unit_address(n) for n in range(MAILS)})
        self.assertEqual({m["state"] for m in mails}, {"sent"})
        identifier = {m["recipient"]: m["message_id"] for m in mails}
        self.assertEqual(len(set(identifier.values())), MAILS)
        copies = collections.defaultdict(list)
        for message in taken:
            self.assertEqual(len(message.recipients), 1)
            copies[message.recipients[0]].append(message.raw)
        self.assertEqual(set(copies), set(identifier), f"EVTEST_SEED={SEED}")
        for recipient, raws in copies.items():
            self.assertEqual(len(set(raws)), 1, f"{recipient}: two wordings (EVTEST_SEED={SEED})")
            self.assertIn(f"Message-ID: {identifier[recipient]}".encode(), raws[0])
        doubles = len(taken) - MAILS
        # a sender dies with one mail under way; a service with three of each of four senders that were answered and not written down
        self.assertLessEqual(doubles, killed["sender"] + 12 * killed["service"], killed)
        print(f"{killed}, {doubles} doubles (EVTEST_SEED={SEED})", flush=True)


if __name__ == "__main__":
    evtest.main()
