#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A mail server that refuses, hangs, drops and lies at every stage: what the queue says of each mail, and what arrived.

Nothing is lost; nothing comes twice but under the same Message-ID, and that only where the server's last word was not heard.
"""

import collections
import os
import time

import evmail
import evtest
from evmail import head_address, unit_address
from evtest import DROP, HANG, LOSE, RESET, Delay

# stage, what the server does there once, state after it, stage's code (0: the sender's own words), server down?
ONCE = [
    ("connect", "554 5.3.2 no service", "queued", 554, True),
    ("connect", "421 4.3.2 busy", "queued", 421, True),
    ("connect", DROP, "queued", 0, True),
    ("connect", RESET, "queued", 0, True),
    ("connect", HANG, "queued", 0, True),
    ("connect", "this is no mail server", "queued", 0, True),
    ("ehlo", DROP, "queued", 0, True),
    ("ehlo", HANG, "queued", 0, True),
    ("ehlo", "421 4.3.2 going down", "queued", 0, True),  # libcurl asks HELO, and hears nothing any more
    ("mail", "450 4.1.8 later", "queued", 450, False),
    ("mail", "550 5.7.1 not you", "parked", 550, False),
    ("mail", DROP, "queued", 0, None),
    ("mail", HANG, "queued", 0, None),
    ("rcpt", "450 4.2.0 greylisted", "queued", 450, False),
    ("rcpt", "452 4.2.2 mailbox full", "queued", 452, False),
    ("rcpt", "550 5.1.1 nobody of that name", "parked", 550, False),
    ("rcpt", "553 5.1.3 odd", "parked", 553, False),
    ("rcpt", DROP, "queued", 0, None),
    ("rcpt", RESET, "queued", 0, None),
    ("rcpt", HANG, "queued", 0, None),
    ("rcpt", "421 4.7.0 too many", "queued", 421, True),
    ("data", "451 4.3.0 later", "queued", 451, False),
    ("data", "554 5.7.1 no", "parked", 554, False),
    ("data", DROP, "queued", 0, None),
    ("data", HANG, "queued", 0, None),
    ("body", DROP, None, 0, None),  # a small body may be out whole by then: queued or doubt
    ("dot", "452 4.3.1 disk full", "queued", 452, False),
    ("dot", "554 5.7.1 spam", "parked", 554, False),
    ("dot", DROP, "doubt", 0, None),
    ("dot", RESET, "doubt", 0, None),
    ("dot", HANG, "doubt", 0, None),
    ("dot", LOSE, "doubt", 0, None),
    ("dot", "250", "sent", 250, False),
    ("dot", Delay(0.4), "sent", 250, False),
    ("rset", "421 4.3.2 gone", "sent", 250, False),
]


def at_first(action):
    """The action once, then as usual; DROP and its kin cut off what the server had to say, too."""
    return [action]


class Refusals(evmail.Office):
    def play_once(self, number, stage, action, state, code, down):
        """One office with one unit and a server that misbehaves once."""
        folder = self.path(f"office-{number}")
        lost = stage == "dot" and action == LOSE
        timeout = "1s" if action == HANG else "20s"  # a busy machine is no server that hangs
        with evtest.SmtpServer({stage: at_first(action)}) as server:
            self.config = evmail.write_office(folder, evmail.server(server.url, timeout=timeout), connections=1)
            unit, head = unit_address(0), head_address(0)
            with self.service(state=f"state-{number}") as service:
                wanted = [state] if state else ["queued", "doubt"]

                def look():
                    mail = self.mail(service, unit)
                    self.assertIn(mail["state"], wanted, mail)
                    self.assertEqual(mail["tries"], 1, mail)
                    return mail

                mail = evtest.eventually(look, f"{stage} {action}")
                self.assertEqual(mail["code"], code, mail)
                self.assertTrue(mail["reply"] or action == "250", mail)
                if code and action != "250" and isinstance(action, str):
                    self.assertEqual(mail["enhanced"], "2.0.0" if state == "sent" else action.split()[1], mail)
                elif not code:
                    self.assertIsNone(mail["enhanced"], mail)
                self.assertEqual(mail["server"], server.url)
                status = self.status(service)
                if down:
                    self.assertEqual(status["servers"][0]["state"], "down", status)
                    self.assertEqual(status["state"], "degraded", status)
                    words = " ".join(str(part) for part in (mail["code"], mail["enhanced"], mail["reply"]) if part)
                    self.assertIn(f"mail server {server.url}: {words}", status["reasons"][0])
                elif down is False:
                    self.assertEqual(status["servers"][0]["state"], "ok", status)
                if state == "parked":
                    self.check_parked(service, server, unit, head, mail)
                    return
                if state != "sent":
                    if not down:  # else it waits for the server
                        self.assertGreater(mail["next_try"], mail["created"], "tried again without a pause")
                    self.assertEqual(status["state"] == "degraded", bool(status["reasons"]), status)
                    service.ctl("queue", "retry", mail["id"])
                    again = self.wait_state(service, unit, "sent")
                    self.assertEqual(again["message_id"], mail["message_id"])
                    self.assertEqual((again["tries"], again["code"]), (2, 250), again)
                self.assertEqual([m["event"] for m in self.log_of(service, "--event", "mail-accepted")], ["mail-accepted"])
                self.assertEqual(len(self.log_of(service, "--event", "mail-in-doubt")), int(mail["state"] == "doubt"))
                self.assertEqual(self.status(service)["state"], "running")
            taken = [m for m in server.taken if m.recipients == [unit]]
            self.assertEqual(len(taken), 2 if lost else 1, taken)
            self.assertEqual(len({m.raw for m in taken}), 1)
            self.assertEqual(str(taken[0].parse()["Message-ID"]), mail["message_id"])
            self.assertEqual(len(server.taken), len(taken), "somebody else got mail")

    def check_parked(self, service, server, unit, head, mail):
        """The head gets the very same message, the coordinator is told once, and status says so."""
        instead = self.wait_state(service, head, "sent")
        self.assertEqual(instead["message_id"], mail["message_id"])
        trouble = self.wait_state(service, evmail.COORDINATOR, "sent", "undeliverable")
        self.assertNotEqual(trouble["message_id"], mail["message_id"])
        words = [m for m in server.taken if m.recipients == [evmail.COORDINATOR]]
        self.assertEqual(len(words), 1)
        self.assertIn(unit, evtest.body_text(words[0].parse()))
        answer = f"{mail['code']} {mail['enhanced']} {mail['reply']}"
        self.assertIn(answer, evtest.body_text(words[0].parse()))
        self.assertIn(answer, service.ctl("queue", "--all").out)
        self.assertEqual([m.recipients[0] for m in server.taken].count(unit), 0)
        status = self.status(service)
        self.assertEqual(status["state"], "degraded")
        self.assertTrue(any("1 mail could not be delivered" in reason for reason in status["reasons"]), status)
        row = self.log_of(service, "--event", "mail-parked")
        told = [(r["address"], r["unit"], r["detail"]["code"], r["detail"]["enhanced"]) for r in row]
        self.assertEqual(told, [(unit, "0", mail["code"], mail["enhanced"])])
        # the address works again: a person sends it once more
        service.ctl("queue", "retry", mail["id"])
        self.wait_state(service, unit, "sent")
        self.assertEqual(self.status(service)["state"], "running")

    def test_each_stage_once(self):
        for number, (stage, action, state, code, down) in enumerate(ONCE):
            name = f"Delay({action.seconds})" if isinstance(action, Delay) else action
            with self.subTest(stage=stage, action=name):
                self.play_once(number, stage, action, state, code, down)

    def test_two_servers_two_mails(self):
        """Greylisting of one recipient holds up nobody else."""
        grey = {unit_address(1): ["450 4.2.0 greylisted"]}

        def rcpt(address):
            return grey[address].pop() if grey.get(address) else None

        with evtest.SmtpServer({"rcpt": rcpt}) as server:
            self.office(evmail.server(server.url), units=4)
            with self.service() as service:
                server.wait_for(3)
                mail = self.wait_state(service, unit_address(1), "queued", tries=1)
                self.assertEqual((mail["code"], mail["reply"]), (450, "greylisted"))
                evtest.eventually(lambda: self.status(service)["outbox"]["sent"] == 3, "three sent")
                service.ctl("queue", "retry", mail["id"])
                self.assertEqual(self.wait_state(service, unit_address(1), "sent")["tries"], 2)
            self.assertEqual(
                collections.Counter(m.recipients[0] for m in server.taken),
                collections.Counter(unit_address(n) for n in range(4)),
            )

    BEYOND_ASCII = "nguyễn.thị@office.example"

    def office_beyond_ascii(self, server, language="en"):
        """Unit 0 has two addresses; Message-ID and To stay ASCII for the sake of the other."""
        self.office(evmail.server(server.url), units=1, language=language)
        path = self.path("etc/units.d/units.conf")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace(f'mail = [ "{unit_address(0)}" ]', f'mail = [ "{unit_address(0)}", "Thị <{self.BEYOND_ASCII}>" ]'))

    def test_beyond_ascii(self):
        with evtest.SmtpServer(extensions=("8BITMIME", "SMTPUTF8")) as server:
            self.office_beyond_ascii(server)
            with self.service() as service:
                self.wait_state(service, self.BEYOND_ASCII, "sent")
                self.wait_state(service, unit_address(0), "sent")
            asked = {m.recipients[0]: "SMTPUTF8" in m.sender_options for m in server.taken}
            self.assertEqual(asked, {self.BEYOND_ASCII: True, unit_address(0): False})
            self.assertEqual(len({m.raw for m in server.taken}), 1)
            to = server.taken[0].parse()["To"]
            self.assertEqual([str(a) for a in to.addresses], [unit_address(0)])
            self.assertEqual([g.display_name for g in to.groups if not g.addresses], [f"Thị <{self.BEYOND_ASCII}>"])

    def test_beyond_ascii_is_not_offered(self):
        """Refused for good in our words, or the office's; the other address of the very mail is not kept from it."""
        with evtest.SmtpServer() as server:
            self.office_beyond_ascii(server, "vi")
            with self.service() as service:
                mail = self.wait_state(service, self.BEYOND_ASCII, "parked")
                self.assertIn("needs SMTPUTF8", mail["reply"])
                self.wait_state(service, unit_address(0), "sent")
                self.wait_state(service, head_address(0), "sent")
                self.wait_state(service, evmail.COORDINATOR, "sent", "undeliverable")
                self.assertIn("ok", {s["state"] for s in self.status(service)["servers"]})
            (told,) = [m for m in server.taken if m.recipients == [evmail.COORDINATOR]]
            text = " ".join(evtest.body_text(told.parse()).split())
            self.assertIn(f"{self.BEYOND_ASCII}: phần trước dấu @ có chữ ngoài bảng ASCII, cần máy chủ thư hỗ trợ SMTPUTF8", text)
            self.assertIn("đề nghị dùng địa chỉ khác hoặc máy chủ có hỗ trợ – ", text)

    def test_wrong_password(self):
        """The status has the server's words, and where a password is to be put that is not there."""
        with evtest.SmtpServer(users={"cchc": "right"}) as server:
            secret = self.write("secret", "wrong\n")
            os.chmod(secret, 0o600)
            missing = "there is no password 'smtp-password': put it into "
            for keys, words in (({"password_file": secret}, "535 5.7.8 wrong"), ({"credential": "smtp-password"}, missing)):
                with self.subTest(words=words):
                    self.config = evmail.write_office(self.path(words[:3]), evmail.server(server.url, user="cchc", **keys))
                    with self.service(state=f"state-{words[:3]}", CREDENTIALS_DIRECTORY=self.folder) as service:
                        words = f"mail server {server.url}: {words}"
                        evtest.eventually(lambda: words in "\n".join(self.status(service)["reasons"]), words)

    def test_bad_address_is_told_once(self):
        """Every mail to one address refused: one word to the coordinator, not one for each."""
        with evtest.SmtpServer({"rcpt": lambda a: "550 5.1.1 nobody" if a == unit_address(0) else None}) as server:
            self.office(evmail.server(server.url), units=1)
            with self.service() as service:
                self.wait_state(service, unit_address(0), "parked")
                self.wait_state(service, evmail.COORDINATOR, "sent", "undeliverable")
                for _ in range(3):
                    service.ctl("send-test", unit_address(0))

                def all_parked():
                    tests = self.queue(service).get((unit_address(0), "test"))
                    self.assertIsInstance(tests, list)
                    return [t["state"] for t in tests] == ["parked"] * 3

                evtest.eventually(all_parked, "three test mails parked")
                time.sleep(0.3)
                self.wait_state(service, evmail.COORDINATOR, "sent", "undeliverable")  # still one
        self.assertEqual([m.recipients[0] for m in server.taken].count(evmail.COORDINATOR), 1)

    def test_no_head(self):
        """Nobody is head of unit 0: as everywhere the organisation's head is asked, else the coordinator."""
        refused = {"rcpt": lambda a: "550 5.1.1 nobody" if a == unit_address(0) else None}
        for chief in (None, "chief@office.example"):
            with self.subTest(chief=chief), evtest.SmtpServer(refused) as server:
                folder = self.path(f"office-{chief}")
                self.config = evmail.write_office(folder, evmail.server(server.url), head=False)
                if chief:
                    with open(self.config, encoding="utf-8") as file:
                        text = file.read().replace("roles: {", 'roles: { head = [ "%s" ];' % chief)
                    with open(self.config, "w", encoding="utf-8") as file:
                        file.write(text)
                with self.service(state=f"state-{chief}") as service:
                    mail = self.wait_state(service, unit_address(0), "parked")
                    instead = self.wait_state(service, chief or evmail.COORDINATOR, "sent")
                    self.assertEqual(instead["message_id"], mail["message_id"])

    def test_nobody_takes_anything(self):
        """5xx for all: the trouble itself is refused, and that is the end of it."""
        with evtest.SmtpServer({"rcpt": lambda _: "550 5.7.1 go away"}) as server:
            self.office(evmail.server(server.url), units=2)
            with self.service() as service:
                for address in (unit_address(0), unit_address(1), head_address(0), head_address(1)):
                    self.wait_state(service, address, "parked")

                def all_parked():
                    mails = service.ctl("queue", "--all", "--json").json()
                    told = [m["recipient"] for m in mails if m["kind"] == "undeliverable"]
                    self.assertEqual({m["state"] for m in mails}, {"parked"}, mails)
                    self.assertEqual(set(told), {evmail.COORDINATOR, evmail.ADMINISTRATOR})
                    self.assertLessEqual(len(told), 8)
                    return mails

                before = evtest.eventually(all_parked, "what tells of it parked, too")
                time.sleep(0.3)
                self.assertEqual(all_parked(), before)
            self.assertEqual(server.taken, [])

    def test_one_pass(self):
        """--once: 75 while something waits, 0 when all is sent or parked; the trouble leaves in the same pass."""
        script = {"rcpt": {}.get}
        with evtest.SmtpServer(script) as server:
            answers = {unit_address(0): "450 4.2.0 later", unit_address(1): "550 5.1.1 nobody"}
            server.script["rcpt"] = answers.get
            self.office(evmail.server(server.url), units=3)
            self.once(status=75)
            got = collections.Counter(m.recipients[0] for m in server.taken)
            self.assertEqual(got, collections.Counter([unit_address(2), head_address(1), evmail.COORDINATOR, evmail.ADMINISTRATOR]))
            answers.clear()
            self.once(status=75)  # its next try is a minute away
            with self.service() as service:
                mail = self.mail(service, unit_address(0))
                service.ctl("queue", "retry", mail["id"])
                self.wait_state(service, unit_address(0), "sent")
            self.once(status=0)
            self.assertEqual(len(server.taken), 5)


if __name__ == "__main__":
    evtest.main()
