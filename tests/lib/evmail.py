# SPDX-License-Identifier: LGPL-2.1-or-later
"""An office of any size that owes one report in each unit, for tests and benchmarks of the way a mail takes.

Seen from NOW each of its units gets one reminder and nothing else leaves: to unit<N>@office.example, about task 1.1, whose step
of the day is -3wd (due-today with due=TODAY, overdue with due=YESTERDAY, then to the head of the unit, with the unit in copy).
"""

import collections
import os

import evtest

FROM_BUILD = {"EVIDENCED_TEMPLATES": evtest.source("conf", "templates")}

NOW = "2018-11-12T10:00:00+07:00"
IN_THREE_DAYS, TODAY, YESTERDAY = "2018-11-15", "2018-11-12", "2018-11-09"
ADMINISTRATOR = "administrator@office.example"
COORDINATOR = "coordinator@office.example"

HEAD = """\
organization: {{ name = "Office"; time_zone = "Asia/Ho_Chi_Minh"; language = "{language}"; points = 3.0; }};
calendar: {{ off = ( "2018-01-01", "2019-01-01" ); }};
mail: {{
        from = "Office <office@office.example>";
        connections = {connections};
        retry_for = "{retry_for}";
        servers = ( {servers} );
}};
evidence: {{ roots = [ "{root}" ]; settle = "100ms"; gone_after = "1s"; }};
publish: {{ dir = "{board}"; html = false; ics = false; metrics = false; }};
areas: ( {{ id = "1"; title = "Everything"; points = 3.0; }} );
roles: {{
        coordinator = [ "coordinator@office.example" ];
        director = [ "director@office.example" ];
        administrator = [ "administrator@office.example" ];
}};
policies: ( {{ id = "default"; steps = (
        {{ at = [ "-5wd", "-3wd", "-1wd" ]; to = [ "unit" ]; }},
        {{ at = "0"; to = [ "unit" ]; }},
        {{ at = "+1wd"; every = "1wd"; until = "+4wd"; to = [ "head" ]; cc = [ "unit" ]; }},
        {{ at = "+5wd"; every = "5wd"; until = "+40wd"; to = [ "director" ]; }}
); }} );
{reports}
"""


def server(url, **more):
    """A server of mail.servers; more: its other keys."""
    keys = {"security": "none" if url.startswith("smtp://") else None, "timeout": "10s", **more}
    return "{ url = \"%s\"; %s }" % (url, " ".join(f'{key} = "{value}";' for key, value in keys.items() if value))


def unit_address(number):
    return f"unit{number}@office.example"


def head_address(number):
    return f"head{number}@office.example"


def write_office(folder, *servers, units=1, due=IN_THREE_DAYS, **more):
    """The configuration below folder, with an empty evidence root; due of all units, or a list with one for each.

    more: connections (2), retry_for ("5d"), language ("en"), reports (configuration text), head (False: nobody is).
    """
    dues = due if isinstance(due, list) else [due] * units
    for name in ("evidence/1.1", "board", "etc/units.d", "etc/tasks.d"):
        os.makedirs(os.path.join(folder, name), exist_ok=True)
    text = HEAD.format(
        servers=", ".join(servers),
        root=os.path.join(folder, "evidence"),
        board=os.path.join(folder, "board"),
        connections=more.get("connections", 2),
        retry_for=more.get("retry_for", "5d"),
        language=more.get("language", "en"),
        reports=more.get("reports", ""),
    )
    with open(os.path.join(folder, "etc/units.d/units.conf"), "w", encoding="utf-8") as file:
        roles = "" if more.get("head") is False else ' roles: {{ head = [ "{}" ]; }};'
        rows = [
            f'{{ id = "{n}"; name = "Unit {n}"; mail = [ "{unit_address(n)}" ];{roles.format(head_address(n))} }}'
            for n in range(units)
        ]
        file.write("units: (\n" + ",\n".join(rows) + "\n);\n")
    by_due = collections.defaultdict(list)
    for n, day in enumerate(dues):
        by_due[day].append(f'"{n}"')
    with open(os.path.join(folder, "etc/tasks.d/tasks.conf"), "w", encoding="utf-8") as file:
        rows = [
            f'{{ id = "1.{n}"; area = "1"; title = "Report {n}"; points = {3.0 / len(by_due):.6f}; '
            f'each_unit = [ {", ".join(ids)} ]; due = "{day}"; evidence: {{ dir = "1.{n}/{{unit}}"; '
            f'need = ( {{ name = "The report"; match = [ "*report*.pdf" ]; type = [ "pdf" ]; }} ); }}; }}'
            for n, (day, ids) in enumerate(sorted(by_due.items()), 1)
        ]
        file.write("tasks: (\n" + ",\n".join(rows) + "\n);\n")
    path = os.path.join(folder, "etc/evidenced.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


class Office(evtest.TestCase):
    """A test with one office, self.config."""

    def office(self, *servers, **more):
        self.config = write_office(self.folder, *servers, **more)
        return self.config

    def once(self, status=0, now=NOW):
        """One pass; the service's own words are in what it returns."""
        return evtest.run(
            "evidenced", "--config", self.config, "--state", self.path("state"), "--once", "--now", now,
            status=status, **FROM_BUILD,
        )  # fmt: skip

    def service(self, now=NOW, state="state", **more):
        return evtest.Service(self.config, self.path(state), "--now", now, **{**FROM_BUILD, **more})

    @staticmethod
    def queue(service):
        """Every mail there ever was: {(recipient, kind): mail}; a list where there are several."""
        mails = {}
        for mail in service.ctl("queue", "--all", "--json").json():
            key = (mail["recipient"], mail["kind"])
            mails[key] = [*([mails[key]] if isinstance(mails[key], dict) else mails[key]), mail] if key in mails else mail
        return mails

    def mail(self, service, recipient, kind="reminder"):
        found = self.queue(service).get((recipient, kind))
        self.assertIsInstance(found, dict, f"not one {kind} to {recipient}: {found}")
        return found

    def wait_state(self, service, recipient, state, kind="reminder", tries=None):
        """Wait until the one mail of that kind to recipient is in that state; returns it."""

        def look():
            mail = self.mail(service, recipient, kind)
            self.assertEqual(mail["state"], state, mail)
            self.assertTrue(tries is None or mail["tries"] == tries, mail)
            return mail

        return evtest.eventually(look, f"{recipient} {state}")

    def status(self, service):
        return service.ctl("status", "--json").json()

    def log_of(self, service, *args):
        return service.ctl("log", "--json", *args).json()
