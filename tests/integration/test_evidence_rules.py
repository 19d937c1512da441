#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every rule of what counts (semantics, section 6) as a row of a table, judged by the running service.

The whole table is one tree with a folder for each row. It is judged twice: found at the first scan, and filed while the service runs.
"""

import os
import re
import socket
import time
import unicodedata

import evtest
from evidence_case import SETTLE, Replay

DUE = "2018-11-15"
DAY = 86400
PDF = evtest.document("x.pdf")
SIGNED_XML = (
    b'<?xml version="1.0"?>\n<invoice><ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#">'
    b"<ds:SignatureValue>x</ds:SignatureValue></ds:Signature></invoice>\n"
)


def sample(name):
    """A document of that kind, one of those the content checks were written against."""
    with open(evtest.source("tests/fuzz/corpus/inspect", name), "rb") as file:
        return file.read()


def pdf(seed):
    return evtest.document("x.pdf", seed)


def nfd(text):
    return unicodedata.normalize("NFD", text)


def need(**keys):
    def value(v):
        if isinstance(v, bool):
            return str(v).lower()
        if isinstance(v, list):
            return "[ " + ", ".join(value(x) for x in v) + " ]"
        return str(v) if isinstance(v, int) else '"' + v.replace("\\", "\\\\") + '"'

    return "{ " + " ".join(f"{key} = {value(v)};" for key, v in keys.items()) + " }"


class Old:
    """Content that was modified so many days ago."""

    def __init__(self, data, days):
        self.data, self.days = data, days


# kind: (its sample, another one that is no such thing though its name says so, half of it)
TYPES = {
    "pdf": ("pdf", "docx", "pdf-half"),
    "docx": ("docx", "zip", "docx-half"),
    "xlsx": ("xlsx", "docx", None),
    "pptx": ("pptx", "odt", "pptx-half"),
    "odt": ("odt", "ods", None),
    "ods": ("ods", "odp", "ods-half"),
    "doc": ("doc", "xls", None),
    "xls": ("xls", "msi", "xls-half"),
    "jpg": ("jpg", "png", None),
    "png": ("png", "jpg", "png-half"),
    "tif": ("tif-little", "png", None),
    "zip": ("zip", "rar5", None),
    "rar": ("rar5", "7z", "rar5-half"),
    "7z": ("7z", "zip", None),
    "xml": ("xml", "html", "xml-half"),
    "txt": ("txt", "other", None),
    "eml": ("eml", "txt", "eml-half"),
    "other": ("other", "pdf", None),
}

# (rule, requirements, {name: (content, verdict)}, state). A name of bytes is no UTF-8.
ROWS = [
    ("braces", [need(match=["{plan,report}{1,2}*.{pdf,txt}"], count=2)], {
        "plan1.pdf": (PDF, "counted"), "report2 x.TXT": (b"x", "counted"), "report2.odt": (pdf(2), "name"), "plan3.pdf": (pdf(3), "name"), "plan,report1.pdf": (pdf(4), "name"),
    }, "complete"),
    ("case", [need(match=["Report*.PDF"])], {"rEPORT one.pdf": (PDF, "counted")}, "complete"),
    ("composed pattern, decomposed name", [need(match=["báo cáo quý*"], fold=False)], {nfd("Báo cáo Quý I.pdf"): (PDF, "counted")}, "complete"),
    ("decomposed pattern, composed name", [need(match=[nfd("báo cáo quý*")], fold=False)], {"Báo cáo Quý I.pdf": (PDF, "counted")}, "complete"),
    ("diacritics and the crossed d are folded", [need(match=["dieu hanh*"])], {"ĐIỀU-HÀNH_2018.pdf": (PDF, "counted")}, "complete"),
    ("folded from both sides", [need(match=["điều hành*"])], {"dieu hanh.pdf": (PDF, "counted")}, "complete"),
    ("what can not be seen in a name", [need(match=["the report.pdf"], count=5)], {
        "the report.pdf ": (pdf(1), "counted"), "the\u00a0report.pdf": (pdf(2), "counted"), " the \u3000report .pdf": (pdf(3), "counted"),
        "the report.pdf\u00a0": (pdf(4), "counted"), "the re\u200bport.pdf": (pdf(5), "counted"), "the report. pdf": (pdf(6), "name"),
    }, "complete"),
    ("not folded", [need(match=["dieu hanh*"], fold=False)], {"điều hành.pdf": (PDF, "name"), "dieu_hanh.pdf": (pdf(2), "name")}, "open"),
    ("TCVN3", [need(match=["*"])], {"b¸o c¸o n¨m.pdf".encode("latin-1"): (PDF, "bad-name")}, "open"),
    ("VNI", [need(match=["*"])], {"baùo caùo naêm.pdf".encode("latin-1"): (PDF, "bad-name")}, "open"),
    ("no UTF-8", [need(match=["*"])], {
        b"truncated \xc3.pdf": (pdf(1), "bad-name"), b"overlong \xc0\xaf.pdf": (pdf(2), "bad-name"),
        b"surrogate \xed\xa0\x80.pdf": (pdf(3), "bad-name"), b"\xff\xfe\x80": (pdf(4), "bad-name"), "good.pdf": (pdf(5), "counted"),
    }, "complete"),
    ("names that are text, if odd", [need(match=["*"], count=8)], {
        "line\nbreak.pdf": (pdf(1), "counted"), "tab\t.pdf": (pdf(2), "counted"), " .pdf": (pdf(3), "counted"),
        "right \u202efdp.pdf": (pdf(4), "counted"), "x" * 251 + ".pdf": (pdf(5), "counted"), "-rf": (pdf(6), "counted"),
        "$(reboot);'\"`.pdf": (pdf(7), "counted"), "%s%n.pdf": (pdf(8), "counted"),
    }, "complete"),
    ("ignored names", [need(match=["*"])], {
        ".hidden.pdf": (PDF, "ignored"), "~$report.docx": (PDF, "ignored"), ".~lock.report.odt#": (PDF, "ignored"), "Thumbs.db": (PDF, "ignored"),
        "report.pdf.crdownload": (PDF, "ignored"), "report.pdf.part": (PDF, "ignored"), "~WRL0001.tmp": (PDF, "ignored"), "desktop.ini": (PDF, "ignored"),
    }, "open"),
    ("empty", [need()], {"empty.pdf": (b"", "empty")}, "open"),
    ("min_size", [need(min_size="100")], {"99": (b"x" * 99, "too-small"), "100": (b"y" * 100, "counted")}, "complete"),
    ("too large", [need()], {"terabyte.pdf": (1 << 40, "too-large")}, "open"),
    ("fresh", [need(fresh="10d")], {"old": (Old(b"old", 20), "stale"), "new": (Old(b"new", 1), "counted")}, "complete"),
    ("since", [need(since="2018-11-10")], {"old": (Old(b"old", 3), "stale"), "new": (Old(b"new", 1), "counted")}, "complete"),
    ("signed", [need(signed=True)], {
        "signed.pdf": (sample("pdf-signed"), "counted"), "plain.pdf": (PDF, "unsigned"), "place for it.pdf": (sample("pdf-prepared"), "unsigned"),
        "talks of it.pdf": (sample("pdf-talks"), "unsigned"), "half.pdf": (sample("pdf-signed-half"), "broken"),
    }, "complete"),
    ("signed later", [need(signed=True)], {"signed.pdf": (sample("pdf-signed-after"), "counted")}, "complete"),
    ("signed XML", [need(type=["xml"])], {"invoice.xml": (SIGNED_XML, "counted"), "cut.xml": (SIGNED_XML[:-12], "broken")}, "complete"),
    ("a mail is a text", [need(type=["txt"])], {"mail": (sample("eml"), "counted")}, "complete"),
    ("the same content twice", [need(count=2)], {"a.pdf": (PDF, "counted"), "b.pdf": (PDF, "duplicate")}, "partial"),
    ("a hard link is the same content", [need(count=2)], {"a.pdf": (PDF, "counted"), "b.pdf": ("hard a.pdf", "duplicate")}, "partial"),
    # whoever came first: "b" can be one of them only, and so the other one is the other
    ("best assignment", [need(name="A", match=["*.pdf"]), need(name="B", match=["*b.pdf"])], {
        "a b.pdf": (pdf(1), "counted"), "z.pdf": (pdf(2), "counted"),
    }, "complete"),
    ("best assignment in a chain", [need(name="A", match=["{1,2}"]), need(name="B", match=["{2,3}"]), need(name="C", match=["3"])], {
        "1": (pdf(1), "counted"), "2": (pdf(2), "counted"), "3": (pdf(3), "counted"),
    }, "complete"),
    ("below the folder", [need()], {"a/b/c/d.pdf": (PDF, "counted")}, "complete"),
    ("a folder with the name of a document", [need(match=["*.pdf"])], {"report.pdf/x.txt": (b"x", "name")}, "open"),
    ("links out", [need()], {
        "absolute.pdf": ("link /etc/passwd", "not-regular"), "up.pdf": ("link ../../../../../../../../etc/passwd", "not-regular"),
        "nowhere.pdf": ("link nowhere", "not-regular"), "loop.pdf": ("link loop.pdf", "not-regular"), "magic.pdf": ("link /proc/self/fd/0", "not-regular"),
        "sibling.pdf": ("link {root}-outside/x.pdf", "not-regular"), "folder": ("link /etc", "not-regular"), "itself": ("link .", "not-regular"),
    }, "open"),
    ("a link inside", [need(match=["*link*"])], {"the link.pdf": ("link below/real.pdf", "counted"), "below/real.pdf": (PDF, "name")}, "complete"),
    ("no files at all", [need()], {"fifo.pdf": ("fifo", "not-regular"), "socket.pdf": ("socket", "not-regular")}, "open"),
    ("half of a document that is named otherwise", [need(type=["pdf"])], {
        "head.pdf": (PDF[: len(PDF) // 2], "broken"), "tail.pdf": (PDF[len(PDF) // 2 :], "type"), "page.pdf": (b"<html>404</html>", "type"),
    }, "open"),
    ("broken whatever is asked for", [need()], {"half.zip": (sample("zip")[:-30], "broken")}, "open"),
    *(
        (f"type {kind}", [need(type=[kind])], {
            "document": (sample(good), "counted"), f"document.{kind}": (sample(wrong), "type"),
            **({f"half.{kind}": (sample(half), "broken")} if half else {}),
        }, "complete")
        for kind, (good, wrong, half) in TYPES.items()
    ),
]  # fmt: skip


def shown(name):
    """What people are shown: nothing that would change the line around it."""
    return re.sub("[\n\t\u202e]", " ", name) if isinstance(name, str) else name


class Rules(Replay):
    def setUp(self):
        super().setUp()
        tasks = [
            f'{{ id = "r{n}"; area = "1"; title = "{rule}"; points = 0.0; unit = "A"; due = "{DUE}";'
            f' evidence: {{ dir = "r{n}"; need = ( {", ".join(needs)} ); }}; }}'
            for n, (rule, needs, _, _) in enumerate(ROWS)
        ]
        self.use("tasks: (\n" + ",\n".join(tasks) + "\n);\n")
        self.sockets = []
        self.addCleanup(lambda: [s.close() for s in self.sockets])

    def make(self, folder, name, content):
        path = os.path.join(os.fsencode(folder), os.fsencode(name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        days = 0
        if isinstance(content, Old):
            content, days = content.data, content.days
        if isinstance(content, bytes):
            with open(path, "wb") as file:
                file.write(content)
            if days:
                os.utime(path, (time.time() - days * DAY,) * 2)
        elif isinstance(content, int):
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
            os.truncate(path, content)
        elif content == "fifo":
            os.mkfifo(path)
        elif content == "socket":
            self.sockets.append(socket.socket(socket.AF_UNIX))
            self.sockets[-1].bind(path)
        elif content.startswith("hard "):
            os.link(os.path.join(folder, content[5:]), path)
        else:
            os.symlink(content[5:].format(root=self.path("evidence")), path)

    def make_all(self):
        evtest.place(self.path("evidence-outside"), "x.pdf", seed="outside")
        for n, (_, _, files, _) in enumerate(ROWS):
            for name, (content, _) in files.items():
                self.make(self.path("evidence", f"r{n}"), name, content)

    def wrong(self, service):
        """Rows that are not as the table says: (rule, what is, what should be)."""
        listed, found = self.instances(service), []
        for n, (rule, _, files, state) in enumerate(ROWS):
            key = f"r{n}@{DUE}"
            said = {path.split("/", 1)[1]: entry["verdict"] for path, entry in self.files(service, key).items()}
            want = {shown(name): verdict for name, (_, verdict) in files.items()}
            # what a name that is no text is shown as is not the question here
            odd = sum(isinstance(name, bytes) for name in want)
            if odd:
                bad = [v for v in said.values() if v == "bad-name"]
                said = {name: v for name, v in said.items() if v != "bad-name"}
                said["?"], want["?"] = bad, ["bad-name"] * odd
                want = {name: v for name, v in want.items() if not isinstance(name, bytes)}
            if (said, listed[key]["state"]) != (want, state):
                found.append((rule, (said, listed[key]["state"]), (want, state)))
        return found

    def check(self, service):
        def right():
            wrong = self.wrong(service)
            self.assertEqual(wrong, [])
            return True

        evtest.eventually(right, "every row is as the table says", 3 * evtest.PATIENCE, pause=0.5)
        time.sleep(SETTLE)
        self.assertEqual(self.wrong(service), [], "and stays so")

    def test_found_at_start(self):
        self.make_all()
        with self.service() as service:
            self.check(service)

    def test_filed_while_it_runs(self):
        with self.service() as service:
            self.until(service, "open", f"r0@{DUE}")
            self.make_all()
            self.check(service)
            service.stop()
        # a second life begins with what the first one knew, and comes to the same
        with self.service() as service:
            self.check(service)


if __name__ == "__main__":
    evtest.main()
