# SPDX-License-Identifier: LGPL-2.1-or-later
"""A configuration of n tasks over the year 2018, shaped like the sample year, and made larger: one unit for each hundred tasks."""

import os
from datetime import date, timedelta

PER_FILE = 10000  # a file has at most 16 MiB

HEAD = """\
organization: {{ name = "Office"; time_zone = "Asia/Ho_Chi_Minh"; language = "en"; }};
calendar: {{ off = ( "2018-01-01", "2018-02-14..2018-02-20", "2018-04-25", "2018-04-30", "2018-05-01", "2018-09-03", "2019-01-01" ); }};
mail: {{ from = "office@office.example"; servers = ( {{ url = "smtps://mail.office.example"; }} ); }};
evidence: {{ roots = [ "/srv/evidence" ]; }};
areas: ( {areas} );
units: (
{units}
);
roles: {{ coordinator = [ "coordinator@office.example" ]; deputy = [ "deputy@office.example" ];
        director = [ "director@office.example" ]; administrator = [ "admin@office.example" ]; }};
policies: ( {{ id = "default"; steps = (
        {{ at = [ "-15wd", "-10wd", "-5wd", "-3wd", "-1wd" ]; to = [ "unit" ]; }},
        {{ at = "0"; to = [ "unit" ]; cc = [ "head" ]; }},
        {{ at = "+1wd"; every = "1wd"; until = "+4wd"; to = [ "head" ]; cc = [ "unit", "coordinator" ]; }},
        {{ at = "+5wd"; every = "1wd"; until = "+9wd"; to = [ "deputy" ]; cc = [ "head", "coordinator" ]; }},
        {{ at = "+10wd"; every = "5wd"; until = "+40wd"; to = [ "director" ]; cc = [ "deputy", "head", "coordinator" ]; }}
); }} );
{reports}
"""
REPORTS = """\
reports: (
        { id = "weekly"; repeat = "FREQ=WEEKLY;BYDAY=MO"; at = "07:30"; to = [ "director", "deputy" ]; cc = [ "coordinator" ]; scope = "all"; },
        { id = "daily"; repeat = "FREQ=DAILY"; at = "07:30"; to = [ "unit" ]; cc = [ "head" ]; scope = "unit"; only_when = "changed"; }
);"""
UNIT = (
    '        {{ id = "U{0}"; name = "Unit {0}"; mail = [ "u{0}@office.example" ]; '
    'roles: {{ head = [ "head{0}@office.example" ]; }}; }}'
)
TASK = (
    '        {{ id = "{area}.{n}"; area = "{area}"; title = "Criterion {n} of the year"; points = 1.0; unit = "U{unit}"; due = "{due}";\n'
    '          evidence: {{ dir = "{area}/{n}"; need = ( {{ name = "Report"; match = [ "*BC-{n}*.pdf" ]; type = [ "pdf" ]; }} ); }}; }}'
)


def write(folder, n, reports=True):
    """Path of the configuration."""
    n_units, n_areas = max(1, n // 100), 20
    units = ",\n".join(UNIT.format(i) for i in range(n_units))
    areas = ", ".join(f'{{ id = "{i}"; title = "Area {i}"; }}' for i in range(1, n_areas + 1))
    tasks = [
        TASK.format(
            area=i % n_areas + 1,
            n=i,
            unit=i * 7 % n_units,
            due=date(2018, 1, 1) + timedelta(days=i * 13 % 365),
        )
        for i in range(n)
    ]
    folder = os.path.join(folder, f"year-{n}{'' if reports else '-plain'}")
    os.makedirs(os.path.join(folder, "tasks.d"))
    path = os.path.join(folder, "evidenced.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(HEAD.format(units=units, areas=areas, reports=REPORTS if reports else ""))
    for first in range(0, n, PER_FILE):
        with open(os.path.join(folder, "tasks.d", f"{first // PER_FILE:03d}.conf"), "w", encoding="utf-8") as file:
            file.write("tasks: (\n" + ",\n".join(tasks[first : first + PER_FILE]) + "\n);\n")
    return path
