# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the judges of mails share: reading one, its lines, its parts, its calendar."""

import email
import email.header
import email.policy
import email.utils
import html.parser
import re
import unicodedata

SEPARATORS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")


def check_bytes(data, name):
    """RFC 5322 and 2045: CRLF, 7-bit, lines of at most 998 bytes (ours: 78 but for Message-IDs)."""
    assert data.endswith(b"\r\n"), name
    for line in data[:-2].split(b"\r\n"):
        assert b"\r" not in line and b"\n" not in line, (name, line)
        assert len(line) <= 78 or b"<" in line, (name, len(line), line)
        assert all(32 <= c < 127 or c == 9 for c in line), (name, line)


def read(data, name="?"):
    check_bytes(data, name)
    message = email.message_from_bytes(data, policy=email.policy.default)
    for part in message.walk():
        assert not part.defects, (name, part.get_content_type(), part.defects)
        for key, value in part.items():
            assert not value.defects, (name, key, value, value.defects)
    return message


ALLOWED_HEADERS = {
    "From", "To", "Cc", "Reply-To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "List-Id",
    "Auto-Submitted", "X-Evidenced-Kind", "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
    "Content-Disposition",
}  # fmt: skip


def check_header_names(message, name):
    """Whatever went in: each header once, and none but ours."""
    for part in message.walk():
        keys = part.keys()
        assert len(keys) == len({key.lower() for key in keys}), (name, keys)
        assert set(keys) <= ALLOWED_HEADERS, (name, set(keys) - ALLOWED_HEADERS)


def names_of(data, header):
    """Display names of an address list, decoded by email.header: the address parser of email.policy loses and adds blanks
    between encoded words (CPython issue 79728)."""
    raw = email.message_from_bytes(data)[header]
    pairs = email.utils.getaddresses([str(raw)])
    return [str(email.header.make_header(email.header.decode_header(name))) for name, _ in pairs]


def text_of(message):
    return message.get_body(("plain",)).get_content().replace("\r\n", "\n")


def html_of(message):
    return message.get_body(("html",)).get_content().replace("\r\n", "\n")


class _Words(html.parser.HTMLParser):
    """The words of a page, and what must not be in it."""

    VOID = {"meta", "br"}

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.words, self.open, self.problems = [], [], []

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)
        for key, value in attrs:
            if key.startswith("on") or key in ("src", "background", "class", "id"):
                self.problems.append(f"{tag} {key}={value}")
            if value and re.search(r"https?:|url\(|javascript:", value):
                self.problems.append(f"{tag} {key}={value}")
        if tag in ("script", "style", "link", "img", "iframe", "form", "a"):
            self.problems.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}>")

    def handle_data(self, data):
        if "title" not in self.open:
            self.words.append(data)


def read_html(text):
    """The visible text; fails on unbalanced tags, and on anything fetched, clicked or run."""
    parser = _Words()
    parser.feed(text)
    parser.close()
    assert not parser.problems, parser.problems
    assert not parser.open, parser.open
    return " ".join(parser.words)


def squeeze(text):
    return re.sub(r"\s+", " ", unicodedata.normalize("NFC", text)).strip()


def sanitized(text):
    """What may be left of somebody's words: controls are blanks, at most 500 bytes, then an ellipsis."""
    text = SEPARATORS.sub(" ", text)
    if len(text.encode()) > 500:
        text = text.encode()[:500].decode(errors="ignore") + "…"
    return text


# ---- iCalendar, by the rules of RFC 5545 ----


def unfold(text):
    assert text.endswith("\r\n") or text.endswith("\n")
    lines = text.replace("\r\n", "\n").rstrip("\n").split("\n")
    for line in lines:
        assert len(line.encode()) <= 75, line
    unfolded = []
    for line in lines:
        if line.startswith(" "):
            unfolded[-1] += line[1:]
        else:
            unfolded.append(line)
    return unfolded


LINE = re.compile(r"^([A-Z-]+)((?:;[A-Z-]+=[^:;]+)*):(.*)$")
UTC = re.compile(r"^\d{8}T\d{6}Z$")
REQUIRED = {
    "VCALENDAR": {"VERSION", "PRODID"},
    "VTODO": {"UID", "DTSTAMP", "DUE", "SEQUENCE", "SUMMARY", "STATUS"},
    "VEVENT": {"UID", "DTSTAMP", "DTSTART", "DTEND", "SEQUENCE", "SUMMARY"},
}


def unescape(text):
    assert not re.search(r"(?<!\\)(?:\\\\)*[,;]", text), text
    assert not re.search(r"(?<!\\)(?:\\\\)*\\[^\\,;n]", text), text
    return re.sub(r"\\(.)", lambda m: "\n" if m.group(1) == "n" else m.group(1), text)


def read_calendar(text):
    """The components: [(name, {property: value})]."""
    stack, components = [], []
    for line in unfold(text):
        found = LINE.match(line)
        assert found, line
        name, _, value = found.groups()
        if name == "BEGIN":
            stack.append((value, {}))
        elif name == "END":
            kind, properties = stack.pop()
            assert kind == value, line
            assert REQUIRED[kind] <= set(properties), (kind, REQUIRED[kind] - set(properties))
            components.append((kind, properties))
        else:
            properties = stack[-1][1]
            assert name not in properties, line
            properties[name] = unescape(value) if name in ("SUMMARY", "DESCRIPTION") else value
    assert not stack
    assert components[-1][0] == "VCALENDAR" and components[-1][1]["VERSION"] == "2.0"
    for kind, properties in components[:-1]:
        assert UTC.match(properties["DTSTAMP"]), properties
        if kind == "VTODO":
            assert UTC.match(properties["DUE"]), properties
        else:
            assert re.match(r"^\d{8}$", properties["DTSTART"]), properties
    uids = [properties["UID"] for kind, properties in components[:-1]]
    assert len(uids) == len(set(uids)), uids
    return components[:-1]
