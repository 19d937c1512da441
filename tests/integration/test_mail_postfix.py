#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A morning through a private Postfix: STARTTLS with a CA of our own, SASL, delivery into Maildirs.

The instance has its own configuration, queue and data folders and one loopback port; it ends by its own pid. Needs root (Postfix
does), postfix and sasl2-bin; skipped otherwise.
"""

import collections
import contextlib
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess

import evmail
import evtest
from evmail import TODAY, YESTERDAY, head_address, unit_address

MASTER = "/usr/lib/postfix/sbin/master"
USER, PASSWORD = "office", "a pass-word"

MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
meta_directory = /etc/postfix
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.office.example
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
maillog_file = {folder}/maillog
maillog_file_prefixes = {folder}
mynetworks =
alias_maps =
alias_database =
local_recipient_maps =
smtp_host_lookup = native
virtual_mailbox_domains = office.example
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = texthash:{folder}/etc/mailboxes
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {key}
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = cyrus
smtpd_sasl_path = smtpd
cyrus_sasl_config_path = {folder}/etc/sasl
smtpd_sasl_local_domain = office.example
smtpd_sasl_security_options = noanonymous
smtpd_client_restrictions =
smtpd_recipient_restrictions = permit_sasl_authenticated, reject
smtpd_relay_restrictions = permit_sasl_authenticated, reject
"""

SERVICES = """\
127.0.0.1:{port} inet n - n - - smtpd
cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 300 1 qmgr
rewrite   unix - - n - - trivial-rewrite
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
trace     unix - - n - 0 bounce
error     unix - - n - - error
retry     unix - - n - - error
virtual   unix - n n - - virtual
tlsmgr    unix - - n 1000? 1 tlsmgr
anvil     unix - - n - 1 anvil
proxymap  unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
showq     unix n - n - - showq
postlog   unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """One instance below folder, which others must be able to enter."""

    def __init__(self, folder, addresses):
        self.folder, self.port, self.process = folder, 0, None
        self.addresses = addresses

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def log(self):
        with contextlib.suppress(FileNotFoundError), open(self.path("maillog"), encoding="utf-8", errors="replace") as file:
            return file.read()
        return ""

    def prepare(self):
        user = pwd.getpwnam("nobody")
        postfix = pwd.getpwnam("postfix")
        for name in ("etc/sasl", "queue", "data", "mail"):
            os.makedirs(self.path(name))
        os.chown(self.path("data"), postfix.pw_uid, postfix.pw_gid)
        os.chown(self.path("mail"), user.pw_uid, user.pw_gid)
        self.certificate, key = evtest.make_certificate(self.folder)
        self.write(
            "etc/main.cf",
            MAIN.format(folder=self.folder, uid=user.pw_uid, gid=user.pw_gid, certificate=self.certificate, key=key),
        )
        self.write("etc/mailboxes", "".join(f"{a} {a.partition('@')[0]}/\n" for a in self.addresses))
        self.write(
            "etc/sasl/smtpd.conf",
            f"pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: {self.path('etc/sasldb2')}\nmech_list: PLAIN LOGIN\n",
        )
        subprocess.run(
            ["saslpasswd2", "-p", "-c", "-f", self.path("etc/sasldb2"), "-u", "office.example", USER],
            input=PASSWORD.encode(),
            check=True,
        )
        os.chown(self.path("etc/sasldb2"), postfix.pw_uid, postfix.pw_gid)
        self.port = evtest.free_port()
        self.write("etc/master.cf", SERVICES.format(port=self.port))
        # folders of the queue, with the owners that Postfix insists on
        subprocess.run(
            ["postfix", "-c", self.path("etc"), "check"], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def __enter__(self):
        self.prepare()
        with open(self.path("master.log"), "wb") as log:
            self.process = subprocess.Popen(
                [MASTER, "-c", self.path("etc"), "-d"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

        def answers():
            if self.process.poll() is not None:
                with open(self.path("master.log"), encoding="utf-8", errors="replace") as file:
                    raise RuntimeError(f"postfix ended with {self.process.returncode}: {file.read()} {self.log()[-6000:]}")
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                connection.settimeout(2)
                return connection.recv(100).startswith(b"220 ")

        try:
            evtest.eventually(answers, "postfix's greeting")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        # SIGTERM to master ends its services, too
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(20)

    def mails(self):
        """{mailbox: [bytes of a mail]}"""
        found = collections.defaultdict(list)
        for mailbox in os.listdir(self.path("mail")):
            for sub in ("new", "cur"):
                folder = self.path("mail", mailbox, sub)
                for name in os.listdir(folder) if os.path.isdir(folder) else []:
                    with open(os.path.join(folder, name), "rb") as file:
                        found[mailbox].append(file.read())
        return found


def why_not():
    if os.geteuid() != 0:
        return "not root"
    if not os.access(MASTER, os.X_OK):
        return "no postfix"
    if not shutil.which("saslpasswd2"):
        return "no saslpasswd2 (Debian package sasl2-bin)"
    return None


class ThroughPostfix(evmail.Office):
    def test_morning(self):
        reason = why_not()
        if reason:
            self.skipTest(reason)
        os.chmod(self.folder, stat.S_IRWXU | stat.S_IXGRP | stat.S_IXOTH)
        folder = self.path("postfix")
        os.mkdir(folder)
        self.write("secret", PASSWORD + "\n")
        os.chmod(self.path("secret"), 0o600)
        units = 40
        dues = [(evmail.IN_THREE_DAYS, TODAY, YESTERDAY)[n % 3] for n in range(units)]
        addresses = [a(n) for n in range(units) for a in (unit_address, head_address)]
        with Postfix(folder, addresses) as postfix:
            server = evmail.server(
                f"smtp://127.0.0.1:{postfix.port}", security="tls", user=f"{USER}@office.example",
                password_file=self.path("secret"), ca_file=postfix.certificate,
            )  # fmt: skip
            self.office(server, units=units, due=dues, connections=4, language="vi")
            with self.service() as service:
                wanted = collections.Counter()
                for n, due in enumerate(dues):
                    wanted[unit_address(n)] += 1
                    if due == YESTERDAY:
                        wanted[head_address(n)] += 1

                def all_there():
                    found = postfix.mails()
                    self.assertEqual(sum(map(len, found.values())), wanted.total(), f"{self.status(service)}\n{postfix.log()[-6000:]}")
                    return found

                found = evtest.eventually(all_there, "every mail in its Maildir")
                evtest.eventually(lambda: self.status(service)["outbox"]["sent"] == wanted.total(), "every answer written down")
                queue = service.ctl("queue", "--all", "--json").json()
                self.assertEqual(self.status(service)["state"], "running")
            self.assertEqual(postfix.log().count("sasl_method="), wanted.total(), "each mail was sent by somebody known")
        self.assertEqual({m["state"] for m in queue}, {"sent"})
        self.assertTrue(all("queued as" in m["reply"] for m in queue), queue[0])
        self.assertEqual(collections.Counter({f"{box}@office.example": len(mails) for box, mails in found.items()}), wanted)
        by_recipient = {m["recipient"]: m for m in queue}
        for mailbox, mails in found.items():
            (raw,) = mails
            parsed = evtest.parse_message(raw)  # raises for any defect
            said = by_recipient[f"{mailbox}@office.example"]
            self.assertEqual(str(parsed["Message-ID"]), said["message_id"])
            self.assertEqual(str(parsed["Subject"]), said["subject"])
            self.assertEqual(str(parsed["To"].addresses[0].addr_spec), said["to"])
            self.assertEqual(str(parsed["Delivered-To"]), said["recipient"])
            self.assertIn("with ESMTPSA", str(parsed["Received"]).replace("\n", " "))
            self.assertTrue(evtest.body_text(parsed).strip() and evtest.body_text(parsed, "html").strip())


if __name__ == "__main__":
    evtest.main()
