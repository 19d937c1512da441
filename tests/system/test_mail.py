#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Mail from the sandboxed sender: its secret, a stop in mid-air, and the configuration read again."""

import glob
import json
import os

import evsystem
from evsystem import PATIENCE, SmtpServer, eventually, run
from evtest import HANG

PASSWORD = "correct-horse-battery-staple"
OTHER = "quite-another-secret"
CREDENTIAL = "/etc/evidenced/credentials/smtp-password"


def secret(text):
    with open(CREDENTIAL, "w", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        file.write(text + "\n")


def server(smtp, login=True):
    user = ' user = "evidence"; credential = "smtp-password";' if login else ""
    return f'{{ url = "{smtp.url}"; security = "none";{user} }}'


def processes():
    """Command line, environment and memory maps' files of everything in our three units, as root sees them."""
    found = {}
    for unit in evsystem.UNITS:
        for path in glob.glob(f"/sys/fs/cgroup/system.slice/{unit}.service/cgroup.procs"):
            with open(path, encoding="ascii") as file:
                for pid in file.read().split():
                    found[(unit, pid)] = b""
                    for what in ("cmdline", "environ", "status"):
                        try:
                            with open(f"/proc/{pid}/{what}", "rb") as part:
                                found[(unit, pid)] += part.read()
                        except OSError:
                            pass
    return found


class Mail(evsystem.TestCase):
    def tearDown(self):
        # Nothing of a test's server may still be called in the next one.
        run("systemctl", "stop", *(f"{unit}.service" for unit in evsystem.UNITS))

    def release(self):
        run("evidencectl", "release", "--yes")

    def test_1_credential(self):
        with SmtpServer(users={"evidence": PASSWORD}) as smtp:
            secret(PASSWORD)
            self.start_over(servers=server(smtp))
            self.release()
            message = smtp.wait_for(1)[0]
            self.assertEqual(message.user, "evidence")
            # While the sender is there, holding it: seen nowhere else.
            everything = processes()
            self.assertIn("evidenced-mail", {unit for unit, _ in everything})
            for who, text in everything.items():
                self.assertNotIn(PASSWORD.encode(), text, who)
            for what in ("status", "list", "queue", "log", "export"):
                self.assertNotIn(PASSWORD, run("evidencectl", what, status=None).stdout, what)
            for unit in evsystem.UNITS:
                self.assertNotIn(PASSWORD, run("systemctl", "show", f"{unit}.service"))
            self.assertNotIn(PASSWORD, run("journalctl", "-o", "export", "--all"))
            state = run("grep", "-rl", PASSWORD, "/var/lib/evidenced", "/var/lib/evidenced-mail", "/var/cache/evidenced", status=None)
            self.assertEqual(state.stdout, "")
            with open(f"/proc/{self.pid('evidenced-mail.service')}/limits", encoding="ascii") as file:
                self.assertRegex(file.read(), r"(?m)^Max core file size +0 +0 ")
            # Only the sender has it: no other unit has a folder of credentials.
            ours = [name for name in os.listdir("/run/credentials") if name.startswith("evidenced")]
            self.assertEqual(ours, ["evidenced-mail.service"])
            self.healthy()

    def test_2_a_new_credential_needs_a_restart_of_the_sender_only(self):
        with SmtpServer(users={"evidence": OTHER}) as smtp:
            secret(PASSWORD)
            self.start_over(servers=server(smtp))
            decider = self.pid()
            refused = run("evidencectl", "send-test", "admin@test.example", status=None)
            self.assertEqual(smtp.taken, [])
            self.assertNotIn(PASSWORD, refused.stdout + refused.stderr)
            secret(OTHER)
            run("systemctl", "restart", "evidenced-mail.service")
            run("evidencectl", "queue", "retry", status=None)
            self.release()
            smtp.wait_for(1, timeout=2 * PATIENCE)
            self.assertEqual(self.pid(), decider)

    def test_3_a_missing_credential_is_said_and_stops_nothing(self):
        if os.path.exists(CREDENTIAL):
            os.unlink(CREDENTIAL)
        with SmtpServer(users={"evidence": PASSWORD}) as smtp:
            self.start_over(servers=server(smtp))
            self.release()
            self.wait_said("smtp-password", _SYSTEMD_UNIT="evidenced.service")
            self.healthy()
            self.assertEqual(smtp.taken, [])

    def test_4_an_encrypted_credential(self):
        if os.path.exists(CREDENTIAL):
            os.unlink(CREDENTIAL)
        made = run("systemd-creds", "encrypt", "--with-key=host", "--name=smtp_smtp-password", "-", "/etc/evidenced/smtp.cred",
                   input=PASSWORD, status=None)  # fmt: skip
        if made.returncode != 0:
            self.skipTest(f"systemd-creds can not encrypt here: {made.stderr.strip()}")
        self.addCleanup(os.unlink, "/etc/evidenced/smtp.cred")
        self.drop_in("evidenced-mail.service", "[Service]\nLoadCredentialEncrypted=smtp_smtp-password:/etc/evidenced/smtp.cred\n")
        with SmtpServer(users={"evidence": PASSWORD}) as smtp:
            self.start_over(servers=server(smtp))
            self.release()
            self.assertEqual(smtp.wait_for(1)[0].user, "evidence")

    def test_4_a_sender_that_is_killed_loses_nothing(self):
        with SmtpServer({"data": [HANG]}) as smtp:
            self.start_over(servers=server(smtp, login=False))
            self.release()
            smtp.wait_for_command("DATA")
            decider, sender = self.pid(), self.pid("evidenced-mail.service")
            run("systemctl", "kill", "--signal=KILL", "evidenced-mail.service")
            self.wait_said("in doubt")
            waiting = eventually(lambda: self.in_doubt(), "it is in doubt")
            run("evidencectl", "queue", "retry", *(str(mail["id"]) for mail in waiting))
            taken = smtp.wait_for(3, timeout=3 * PATIENCE)
            # Each recipient once, the one under way included.
            expected = ["coordinator@test.example", "head@test.example", "unit@test.example"]
            self.assertEqual(sorted(to for message in taken for to in message.recipients), expected)
            self.assertNotIn(self.pid("evidenced-mail.service"), (0, sender))
            self.assertEqual(self.pid(), decider)
            self.healthy()

    def in_doubt(self):
        return [mail for mail in json.loads(run("evidencectl", "queue", "--json")) if mail["state"] == "doubt"]

    def stop_in_flight(self, stage):
        with SmtpServer({stage: HANG}) as smtp:
            self.start_over(servers=server(smtp, login=False))
            self.release()
            smtp.wait_for_command("DATA")
            eventually(lambda: stage != "dot" or smtp.messages, "the final dot")
            # In two seconds, and not when the server would be given up, nor when systemd loses patience (15 s).
            run("systemctl", "stop", "evidenced.service")
            self.assertEqual(self.show("evidenced.service", "Result"), "success")
            first = [message.raw for message in smtp.messages]
        return first

    def test_5_stop_before_the_dot(self):
        self.stop_in_flight("data")
        # Nothing was taken, so it goes out when the service is back.
        with SmtpServer() as smtp:
            self.configure(servers=server(smtp, login=False))
            run("systemctl", "start", "evidenced.service")
            self.assertEqual(len(smtp.wait_for(1, timeout=3 * PATIENCE)), 1)

    def test_6_stop_after_the_dot(self):
        first = self.stop_in_flight("dot")
        self.assertEqual(len(first), 1)
        # Perhaps it was taken, perhaps not: neither forgotten nor counted as sent.
        run("systemctl", "start", "evidenced.service")
        mails = json.loads(run("evidencectl", "queue", "--all", "--json"))
        states = [mail["state"] for mail in mails]
        self.assertEqual((states.count("doubt"), states.count("sent")), (1, 0), states)

    def test_7_reload(self):
        self.start_over()
        before = self.pid()
        self.configure(tasks='{ id = "2.7"; area = "1"; title = "Another"; points = 1.0; unit = "U"; due = "2099-01-05";'
                       ' evidence: { dir = "x"; need = ( { name = "A"; match = [ "*" ]; } ); }; }')  # fmt: skip
        run("systemctl", "reload", "evidenced.service")
        self.assertEqual(self.instance("2.7")["task"], "2.7")
        self.wait_said("added 2.7@2099-01-05")

        with open(evsystem.CONFIG, "a", encoding="utf-8") as file:
            file.write("surprise = 1;\n")
        refused = run("systemctl", "reload", "evidenced.service", status=1)
        self.assertEqual(refused, "")
        self.assertEqual(self.instance("2.7")["task"], "2.7")
        self.wait_said("surprise")
        self.assertEqual(self.pid(), before)
        self.healthy()
        self.configure()
        run("systemctl", "reload", "evidenced.service")
        self.assertEqual(self.instance("1.1")["task"], "1.1")


if __name__ == "__main__":
    evsystem.main()
