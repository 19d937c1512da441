#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The demo's evidence against the sample year: check_demo_evidence.py MAKE_EVIDENCE CONF_DIR.

Makes the tree, sees that its documents are whole, counts them by the rules of docs/semantics.md the slow and obvious
way, and compares with the table in the generator's own description. Exits 1 and says every difference.
"""

import collections
import datetime
import fnmatch
import hashlib
import importlib.util
import io
import itertools
import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
import time
import unicodedata
import xml.dom.minidom
import zipfile
import zlib

import conf_text
import year

TODAY = datetime.date(2018, 11, 12)
TIME_ZONE = datetime.timezone(datetime.timedelta(hours=7))
STATES = ["complete", "pending", "due soon", "overdue"]  # the worst of a task's instances wins
# The weekly report of 12/11/2018, by area: hundredths of points in the order of STATES.
AREAS = {"1": [400, 300, 100, 0], "2": [450, 0, 250, 0], "3": [250, 800, 0, 0], "4": [300, 250, 0, 250],
         "5": [450, 400, 250, 0], "6": [300, 0, 200, 0], "7": [0, 750, 350, 150], "8": [200, 0, 100, 0]}

problems = []


def expect(where, what, found, wanted):
    if found != wanted:
        problems.append(f"{where}: {what} is {found!r}, should be {wanted!r}")


# ---- are the documents whole? Each returns the kind, or None.

def whole_pdf(data):
    if not data.startswith(b"%PDF-1.") or not data.endswith(b"%%EOF\n"):
        return None
    start = int(data.rsplit(b"startxref\n", 1)[1].split(b"\n")[0])
    head, _, entries = data[start:].partition(b" f \n")
    size = int(head.split(b"\n")[1].split()[1])
    offsets = [int(entry[:10]) for entry in entries.split(b"trailer")[0].split(b" n \n") if entry.strip()]
    numbered = all(data[offset:].startswith(b"%d 0 obj\n" % number) for number, offset in enumerate(offsets, 1))
    stream = re.search(rb"/Length (\d+) >>\nstream\n(.*)endstream", data, re.DOTALL)
    return "pdf" if numbered and len(offsets) + 1 == size and len(stream[2]) == int(stream[1]) else None


def whole_office(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if archive.testzip():
            return None
        for name in archive.namelist():
            xml.dom.minidom.parseString(archive.read(name))
        main = {"word/document.xml": "docx", "xl/workbook.xml": "xlsx"}
        types = archive.read("[Content_Types].xml").decode()
        return next((kind for name, kind in main.items() if name in archive.namelist() and f'"/{name}"' in types), None)


def whole_png(data):
    at, kinds, packed = 8, [], b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body, crc = data[at + 8:at + 8 + length], data[at + 8 + length:at + 12 + length]
        if struct.unpack(">I", crc)[0] != zlib.crc32(kind + body):
            return None
        kinds.append(kind)
        packed += body if kind == b"IDAT" else b""
        at += 12 + length
    width, height = struct.unpack(">II", data[16:24])
    return "png" if kinds[-1] == b"IEND" and len(zlib.decompress(packed)) == height * (width + 1) else None


def whole_jpg(data):
    """Walks the segments and then the scan: as many blocks as the size asks for, and nothing behind them but padding."""
    at, size = 2, None
    while data[at:at + 2] != b"\xff\xda":
        marker, length = data[at + 1], struct.unpack(">H", data[at + 2:at + 4])[0]
        if marker == 0xC0:
            size = struct.unpack(">HH", data[at + 5:at + 9])
        at += 2 + length
    at += 2 + struct.unpack(">H", data[at + 2:at + 4])[0]
    scan = data[at:-2].replace(b"\xff\x00", b"\xff")
    bits, position = "".join(f"{byte:08b}" for byte in scan), 0
    for _ in range(size[0] // 8 * (size[1] // 8)):
        position += 4 + int(bits[position:position + 4], 2)
        if bits[position] != "0":
            return None
        position += 1
    rest = bits[position:]
    return "jpg" if data.endswith(b"\xff\xd9") and len(rest) < 8 and "0" not in rest else None


def kind_of(data):
    for magic, whole in ((b"%PDF", whole_pdf), (b"PK\3\4", whole_office), (b"\x89PNG\r\n\x1a\n", whole_png),
                         (b"\xff\xd8\xff", whole_jpg)):
        if data.startswith(magic):
            return whole(data)
    return None


# ---- counting

def folded(text):
    plain = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    plain = "".join(c for c in plain if not unicodedata.combining(c)).lower()
    return plain.replace(" ", "-").replace("_", "-")


def matches(name, pattern):
    braces = re.search(r"\{([^}]*)\}", pattern)
    if not braces:
        return fnmatch.fnmatchcase(folded(name), folded(pattern))
    return any(matches(name, pattern[:braces.start()] + choice + pattern[braces.end():])
               for choice in braces[1].split(","))


def candidates(folder, need):
    """Files that count for a requirement, each content once."""
    ret = {}
    for path in sorted(folder.rglob("*")) if folder.is_dir() else []:
        data = path.read_bytes() if path.is_file() else b""
        if path.name.startswith(("~$", ".")) or not data:
            continue
        if any(matches(path.name, pattern) for pattern in need["match"]) and kind_of(data) in need["type"]:
            ret.setdefault(hashlib.sha256(data).digest(), path)
    return set(ret.values())


def assign(slots):
    """The most slots that can be filled with a file of their own: augmenting paths."""
    taken = {}

    def fill(slot, seen):
        for path in slots[slot]:
            if path not in seen:
                seen.add(path)
                if path not in taken or fill(taken[path], seen):
                    taken[path] = slot
                    return True
        return False
    return sum(fill(slot, set()) for slot in range(len(slots)))


def instances(task):
    for (stated, label), unit in itertools.product(year.occurrences(task), task.get("each_unit", [task.get("unit")])):
        folder = task["evidence"]["dir"].replace("{label}", label).replace("{unit}", unit)
        yield stated, folder, year.needs_of(task, label)


def count(task, root, calendar):
    """(have, need, state) of a task over all its instances."""
    have = want = 0
    worst = 0
    for stated, folder, needs in instances(task):
        slots = [candidates(root / folder, need) for need in needs for _ in range(need.get("count", 1))]
        filled = assign(slots)
        have, want = have + filled, want + len(slots)
        left = calendar.working_days_until(TODAY, calendar.effective(stated, task.get("due_word", "by")))
        state = "complete" if filled == len(slots) else "overdue" if left < 0 else "due soon" if left <= 5 else "pending"
        worst = max(worst, STATES.index(state))
    return have, want, STATES[worst]


def check_states(root, conf, described):
    calendar = year.Calendar(conf["calendar"])
    sums = collections.defaultdict(lambda: [0, 0, 0, 0])
    tracked = [task for task in conf["tasks"] if task.get("tracked", True)]
    for task in tracked:
        have, want, state = count(task, root, calendar)
        expect(task["id"], "what the tree amounts to", (f"{task['points']:.2f}", f"{have}/{want}", state),
               described.get(task["id"]))
        sums[task["area"]][STATES.index(state)] += round(100 * task["points"])
    expect("all", "tasks described", len(described), len(tracked))
    expect("all", "points by area", dict(sums), AREAS)


# ---- dates

def late(root, conf, documents):
    """Tasks with a document that was filed after the deadline that it belongs to."""
    calendar, ret = year.Calendar(conf["calendar"]), set()
    times = {path: datetime.datetime.strptime(when, "%Y-%m-%d %H:%M") for path, when, _ in documents}
    for task in conf["tasks"]:
        for stated, folder, needs in instances(task) if task.get("tracked", True) else []:
            end = calendar.effective(stated, task.get("due_word", "by"))
            ret |= {task["id"] for path, when in times.items()
                    if path.startswith(folder + "/") and when.date() > end
                    and any(matches(path.rpartition("/")[2], pattern) for need in needs for pattern in need["match"])}
    return ret


def check_dates(root, conf, documents):
    for path, when, special in documents:
        folder, _, name = path.rpartition("/")
        target = root / folder / (unicodedata.normalize("NFD", name) if special == "nfd" else name)
        filed = datetime.datetime.fromtimestamp(target.stat().st_mtime, TIME_ZONE)
        expect(path, "date", filed.strftime("%Y-%m-%d %H:%M"), when)
        expect(path, "before the morning of the demo", filed.date() < TODAY, True)
        expect(path, "on a working day", year.Calendar(conf["calendar"]).is_working(filed.date()), True)
    expect("all", "tasks with a late document", late(root, conf, documents), {"1.3", "1.8", "3.6"})


def tree(root):
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def check_as_of(make, temporary):
    """A service that starts at --now sees each file at the date in the table."""
    target = temporary / "as-of"
    start = datetime.datetime.fromisoformat("2018-11-12T07:29:50+07:00").timestamp()
    subprocess.run([sys.executable, make, target, "--as-of", "2018-11-12T07:29:50+07:00"], check=True,
                   stdout=subprocess.DEVNULL)
    offset = time.time() - start
    seen = os.stat(target / "1.1/KH-SKHCN-002-CCHC-nam-2018.pdf").st_mtime - offset
    wanted = datetime.datetime(2018, 1, 10, 9, 12, tzinfo=TIME_ZONE).timestamp()
    expect("--as-of", "date as the service sees it, within a minute", abs(seen - wanted) < 60, True)


def check_one(make, temporary):
    for kind in ("pdf", "docx", "xlsx", "png", "jpg"):
        path = temporary / "one" / f"document.{kind}"
        subprocess.run([sys.executable, make, "--one", kind, path, "Báo cáo (đào tạo) & <2018>\nđã ký"], check=True)
        expect("--one", f"kind of document.{kind}", kind_of(path.read_bytes()), kind)


def load(path):
    spec = importlib.util.spec_from_file_location("make_evidence", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main():
    make, conf = pathlib.Path(sys.argv[1]).resolve(), conf_text.read_tree(sys.argv[2])
    generator = load(make)
    rows = re.findall(rf"^ {{4}}(\d+\.\d+) +([\d.]+) +(\d+/\d+) +({'|'.join(STATES)})", generator.__doc__, re.M)
    described = {row[0]: row[1:] for row in rows}
    with tempfile.TemporaryDirectory() as name:
        temporary = pathlib.Path(name)
        for target in ("first", "second"):
            subprocess.run([sys.executable, make, temporary / target], check=True, stdout=subprocess.DEVNULL)
        root = temporary / "first"
        expect("all", "the same twice", tree(root) == tree(temporary / "second"), True)
        expect("all", "files", len(tree(root)), len(generator.DOCUMENTS))
        broken = {path for path, data in tree(root).items() if kind_of(data) != path.rpartition(".")[2]}
        expect("all", "broken documents", broken, {path for path, _, special in generator.DOCUMENTS
                                                   if special in ("half", "lock", "empty")})
        check_states(root, conf, described)
        check_dates(root, conf, generator.DOCUMENTS)
        check_as_of(make, temporary)
        check_one(make, temporary)
    print("\n".join(problems) or f"{len(described)} criteria stand as described")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
