# SPDX-License-Identifier: LGPL-2.1-or-later
"""A configuration with two units and three tasks, for tests that change one thing in it.

Seen from Monday 12/11/2018, 10:00 in Vietnam: 1.1 (two documents) is due on Thursday 15/11 (its step -3wd has fired), 1.2 was due
on Thursday 08/11 and starts at the foot of the ladder (+1wd, to the head), 1.3 (each unit) is due on 19/11 (-5wd has fired).
"""

import evtest

# What a program needs that is run from the build folder.
FROM_BUILD = {"EVIDENCED_TEMPLATES": evtest.source("conf", "templates")}

NOW = "2018-11-12T10:00:00+07:00"

CONFIG = """\
organization: {{
        name = "Small Office";
        time_zone = "Asia/Ho_Chi_Minh";
        language = "en";
        subject_prefix = "[Small]";
        points = 6.0;
}};
calendar: {{ off = ( "2018-01-01", "2019-01-01" ); }};
mail: {{
        from = "Small Office <office@small.example>";
        connections = {connections};
        servers = ( {{ url = "{url}"; security = "none"; timeout = "{timeout}"; }} );
}};
evidence: {{
        roots = [ "{root}" ];
        settle = "{settle}";
        gone_after = "{gone_after}";
}};
publish: {{ dir = "{board}"; html = false; ics = false; metrics = false; }};
areas: ( {{ id = "1"; title = "Everything"; points = 6.0; }} );
units: (
        {{ id = "A"; name = "Unit A"; mail = [ "a@small.example" ]; roles: {{ head = [ "head.a@small.example" ]; }}; }},
        {{ id = "B"; name = "Unit B"; mail = [ "b@small.example" ]; roles: {{ head = [ "head.b@small.example" ]; }}; }}
);
roles: {{
        coordinator = [ "coordinator@small.example" ];
        deputy = [ "deputy@small.example" ];
        director = [ "director@small.example" ];
        administrator = [ "administrator@small.example" ];
}};
policies: (
        {{ id = "default"; steps = (
                {{ at = [ "-5wd", "-3wd", "-1wd" ]; to = [ "unit" ]; }},
                {{ at = "0"; to = [ "unit" ]; cc = [ "head" ]; }},
                {{ at = "+1wd"; every = "1wd"; until = "+4wd"; to = [ "head" ]; cc = [ "unit", "coordinator" ]; }},
                {{ at = "+5wd"; every = "5wd"; until = "+40wd"; to = [ "director" ]; cc = [ "deputy", "head", "coordinator" ]; }}
        ); }}
);
"""

TASKS = """\
tasks: (
        { id = "1.1"; area = "1"; title = "Plan and report"; points = 3.0; unit = "A"; due = "2018-11-15";
          evidence: { dir = "1.1"; need = (
                { name = "The plan"; match = [ "*plan*.pdf" ]; type = [ "pdf" ]; },
                { name = "The report"; match = [ "*report*.pdf" ]; type = [ "pdf" ]; }
          ); }; },
        { id = "1.2"; area = "1"; title = "Inspection"; points = 2.0; unit = "B"; due = "2018-11-08";
          evidence: { dir = "1.2"; need = (
                { name = "The record"; match = [ "*record*.pdf" ]; type = [ "pdf" ]; }
          ); }; },
        { id = "1.3"; area = "1"; title = "Scores"; points = 1.0; each_unit = [ "A", "B" ]; due = "2018-11-19";
          evidence: { dir = "1.3/{unit}"; need = (
                { name = "The scores"; match = [ "*scores*.xlsx" ]; type = [ "xlsx" ]; }
          ); }; }
);
"""

# Every reminder that is due at NOW with no evidence at all: (To, Cc, criteria in the order of the mail).
REMINDERS = [
    (("a@small.example",), (), ("1.1", "1.3")),
    (("b@small.example",), (), ("1.3",)),
    (("head.b@small.example",), ("b@small.example", "coordinator@small.example"), ("1.2",)),
]


def write_year(test, url, *, settle="1s", gone_after="2s", timeout="10s", connections=2, tasks=TASKS):
    """Write the configuration below test.folder, with an empty evidence root; returns the path of evidenced.conf."""
    root = test.path("evidence")
    test.write("evidence/1.1/README", "what is filed here\n")
    text = CONFIG.format(
        url=url,
        root=root,
        settle=settle,
        gone_after=gone_after,
        timeout=timeout,
        connections=connections,
        board=test.path("board"),
    )
    test.write("board/.keep", "")
    test.write("etc/tasks.d/1.conf", tasks)
    return test.write("etc/evidenced.conf", text)
