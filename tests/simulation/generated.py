# SPDX-License-Identifier: LGPL-2.1-or-later
"""Small configurations that nobody would write: random calendars, zones, policies, roles and deadlines, as text."""

from datetime import date, timedelta

from simulated import naive_planner  # first: it makes the folders below known

from compare_ladder import random_policy  # noqa: E402
from random_calendar import ZONES, random_day, random_ranges  # noqa: E402

ROLES = ("unit", "owner", "co_units", "head", "coordinator", "deputy", "director", "ghost")
UNITS = ("A", "B", "C", "D")


def clock(minute):
    return f"{minute // 60:02d}:{minute % 60:02d}"


def quoted(values):
    return "[ " + ", ".join(f'"{value}"' for value in values) + " ]"


def dates(name, found):
    if not found:
        return ""
    texts = ", ".join(f'"{a}"' if a == b else f'"{a}..{b}"' for a, b in found)
    return f"        {name} = ( {texts} );\n"


class Generator:
    def __init__(self, rng):
        self.rng = rng
        self.year = rng.randint(2005, 2040)
        self.first = random_day(rng, date(self.year, 1, 1), date(self.year, 12, 31))
        self.days = rng.randint(60, 400)

    def chance(self, part):
        return self.rng.random() < part

    def some(self, values, least=0):
        return self.rng.sample(values, self.rng.randint(least, min(3, len(values))))

    def address(self, name):
        """Some outside the fence, some with a display name, some in capitals."""
        text = f"{name}@{self.rng.choice(('in.example', 'in.example', 'in.example', 'out.example'))}"
        if self.chance(0.2):
            text = text.upper()
        return f"{name} <{text}>" if self.chance(0.2) else text

    def calendar(self):
        rng = self.rng
        workdays = naive_planner.WEEKDAYS[:5] if self.chance(0.6) else self.some(naive_planner.WEEKDAYS, 1)
        start = rng.randint(4 * 60, 10 * 60)
        end = 24 * 60 if self.chance(0.1) else rng.randint(start + 1, 22 * 60)
        self.send_at = rng.randint(start, min(end, 24 * 60 - 1))
        close = rng.choice((24 * 60, 24 * 60, 17 * 60, 150, rng.randint(0, 24 * 60)))
        return (
            f"calendar: {{\n        workdays = {quoted(workdays)};\n"
            f'        send_at = "{clock(self.send_at)}"; send_window = "{clock(start)}-{clock(end)}";\n'
            f'        close_of_day = "{clock(close)}";\n'
            + dates("off", random_ranges(rng, self.year, rng.randint(0, 25), 20))
            + dates("work", random_ranges(rng, self.year, rng.randint(0, 8), 3))
            + "};\n"
        )

    def steps(self):
        # an offset in two steps is two offsets: whose step it is must be clear
        seen, texts = set(), []
        for at, every, until in random_policy(self.rng):
            offsets = set(naive_planner.naive.expand([(at, every, until)]))
            if seen & offsets or len(offsets) < len(at):
                continue
            seen |= offsets
            text = f"at = {quoted(at)}; " if len(at) > 1 else f'at = "{at[0]}"; '
            text += f'every = "{every}"; ' if every else ""
            text += f'until = "{until}"; ' if until else ""
            text += f"to = {quoted(self.some(ROLES, 1))}; "
            cc = self.some(ROLES)
            texts.append(f"                {{ {text}{f'cc = {quoted(cc)}; ' if cc else ''}}}")
        return ",\n".join(texts) or '                { at = "0"; to = [ "unit" ]; }'

    def policies(self):
        texts = [f'        {{ id = "{name}"; steps = (\n{self.steps()}\n        ); }}' for name in ("default", "other")]
        return "policies: (\n" + ",\n".join(texts) + "\n);\n"

    def units(self):
        texts = []
        for name in UNITS:
            head = f' roles: {{ head = {quoted([self.address("head." + name.lower())])}; }};' if self.chance(0.7) else ""
            mails = [self.address(self.rng.choice((name.lower(), "shared"))) for _ in range(self.rng.choice((1, 1, 2)))]
            texts.append(f'        {{ id = "{name}"; name = "Unit {name}"; mail = {quoted(mails)};{head} }}')
        return "units: (\n" + ",\n".join(texts) + "\n);\n"

    def due_day(self):
        return self.first + timedelta(days=self.rng.randint(-50, self.days + 40))

    def due(self):
        rng = self.rng
        days = sorted({self.due_day() for _ in range(rng.choice((1, 1, 2, 4)))})
        times = [f" {clock(rng.randint(0, 24 * 60 - 1))}" if self.chance(0.2) else "" for _ in days]
        texts = [f'"{day}{time}"' for day, time in zip(days, times)]
        return texts[0] if len(texts) == 1 else "( " + ", ".join(texts) + " )"

    def task(self, number):
        rng = self.rng
        text = f'id = "{number // 4 + 1}.{number * 5 % 13}"; area = "1"; title = "Task {number}"; '
        text += f"points = {rng.choice(('0.0', '1.0', '2.5'))}; due = {self.due()}; "
        text += f"each_unit = {quoted(self.some(UNITS, 2))}; " if self.chance(0.3) else f'unit = "{rng.choice(UNITS)}"; '
        text += 'due_word = "before"; ' if self.chance(0.4) else ""
        text += f'shift = "{rng.choice(("earlier", "later", "none"))}"; ' if self.chance(0.5) else ""
        text += 'policy = "other"; ' if self.chance(0.5) else ""
        text += f'owner = {quoted([self.address(rng.choice(("an", "binh")))])}; ' if self.chance(0.4) else ""
        text += f"co_units = {quoted(self.some(UNITS, 1))}; " if self.chance(0.4) else ""
        text += f'opens = "{self.due_day()}"; ' if self.chance(0.1) else ""
        text += f'closes = "{self.due_day()}"; ' if self.chance(0.15) else ""
        text += (
            f'evidence: {{ dir = "t{number}/{{unit}}/{{year}}-{{month}}"; need = ( {{ name = "Proof"; match = [ "*.pdf" ]; }} ); }};'
        )
        return f"        {{ {text} }}"

    def reports(self):
        """The leaders' at any time of day, each unit's daily."""
        rng = self.rng
        rule = rng.choice((f"FREQ=WEEKLY;BYDAY={rng.choice(naive_planner.RULE_DAYS)}", f"FREQ=MONTHLY;BYMONTHDAY={rng.randint(1, 28)}"))
        return (
            f'reports: (\n        {{ id = "leaders"; repeat = "{rule}"; at = "{clock(rng.randint(0, 24 * 60 - 1))}"; '
            'to = [ "director" ]; cc = [ "deputy" ]; scope = "all"; },\n'
            '        { id = "units"; repeat = "FREQ=DAILY"; to = [ "unit" ]; scope = "unit"; only_when = "changed"; }\n);\n'
        )

    def text(self):
        closes = f'closes = "{self.due_day()}"; ' if self.chance(0.3) else ""
        fence = 'allowed_domains = [ "in.example" ];' if self.chance(0.5) else ""
        roles = [
            f"{name} = {quoted([self.address(name)])};" for name in ("coordinator", "deputy", "director") if self.chance(0.8)
        ]
        return (
            f'organization: {{ name = "Office"; time_zone = "{self.rng.choice(ZONES)}"; language = "en"; {closes}}};\n'
            + self.calendar()
            + f'mail: {{ from = "office@in.example"; {fence} servers = ( {{ url = "maildir:sent"; }} ); }};\n'
            + 'evidence: { roots = [ "/srv/evidence" ]; };\nareas: ( { id = "1"; title = "All"; } );\n'
            + self.units()
            + f"roles: {{ administrator = [ \"admin@in.example\" ]; {' '.join(roles)} }};\n"
            + self.policies()
            + (self.reports() if self.chance(0.5) else "")
            + "tasks: (\n"
            + ",\n".join(self.task(number) for number in range(self.rng.randint(1, 12)))
            + "\n);\n"
        )

    def span(self, cal):
        """Seconds; it begins at any moment of a day, often where something fires."""
        rng = self.rng
        of_day = rng.choice((0, 86399, cal.send_at, cal.send_at + 1, cal.send_at + 900, cal.end, rng.randint(0, 86399)))
        start = cal.at(self.first, of_day)
        return start, cal.at(self.first + timedelta(days=self.days), 0)

    def completions(self, owed, start, end):
        found = {}
        for one in owed:
            if self.chance(0.5):
                found[one.key] = self.rng.randint(start - 86400 * 30, end)
                if self.chance(0.2) and one.firings:
                    found[one.key] = self.rng.choice(one.firings)[0]  # to the second
        return found
