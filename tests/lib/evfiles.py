# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tiny documents that are what their names say, the same bytes for the same seed, others for another one."""

import hashlib
import io
import os
import struct
import zipfile
import zlib

_FIXED_TIME = (2018, 1, 2, 3, 4, 6)
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006"


def _noise(seed, size):
    """size bytes that look random and depend on nothing but the seed."""
    blocks = (hashlib.sha256(f"{seed}/{n}".encode()).digest() for n in range(size // 32 + 1))
    return b"".join(blocks)[:size]


def pdf(seed=0):
    """One page that shows the seed, with a cross-reference table that is right."""
    shown = str(seed).encode("ascii", "replace").translate(None, b"()\\")
    page = b"BT /F1 24 Tf 72 720 Td (" + shown + b") Tj ET"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(page), page),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    count = len(objects) + 1
    return out + b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        count,
        table,
        count,
        len(out),
    )


def _container(members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            entry = zipfile.ZipInfo(name, _FIXED_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, text)
    return out.getvalue()


def _office(main, content_type, members):
    """An Office Open XML package whose main part is called main."""
    return _container(
        {
            "[Content_Types].xml": f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
            f'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Default Extension="xml" ContentType="application/xml"/>'
            f'<Override PartName="/{main}" ContentType="{content_type}"/></Types>',
            "_rels/.rels": f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1"'
            f' Type="{_OFFICE}/relationships/officeDocument" Target="{main}"/></Relationships>',
            **members,
        }
    )


def docx(seed=0):
    name = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    body = f'{_XML}<w:document xmlns:w="{name}"><w:body><w:p><w:r><w:t>{seed}</w:t></w:r></w:p></w:body></w:document>'
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    return _office("word/document.xml", kind, {"word/document.xml": body})


def xlsx(seed=0):
    name = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    sheet = (
        f'{_XML}<worksheet xmlns="{name}"><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>{seed}</t></is></c>'
        f"</row></sheetData></worksheet>"
    )
    book = (
        f'{_XML}<workbook xmlns="{name}" xmlns:r="{_OFFICE}/relationships"><sheets>'
        f'<sheet name="1" sheetId="1" r:id="rId1"/></sheets></workbook>'
    )
    links = (
        f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1"'
        f' Type="{_OFFICE}/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>'
    )
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
    parts = {"xl/workbook.xml": book, "xl/_rels/workbook.xml.rels": links, "xl/worksheets/sheet1.xml": sheet}
    return _office("xl/workbook.xml", kind, parts)


def zipped(seed=0):
    """A plain zip archive, which is no office document."""
    return _container({"readme.txt": f"{seed}\n"})


def png(seed=0):
    """8 × 8 grey pixels."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    pixels = _noise(seed, 64)
    rows = b"".join(b"\0" + pixels[i : i + 8] for i in range(0, 64, 8))
    header = struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def jpg(seed=0):
    """64 × 64 grey pixels in blocks of one shade: a baseline JPEG with DC coefficients only."""

    def segment(marker, data):
        return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data

    # DC: sixteen codes of four bits would leave no code of all ones free, so eleven: category n is the number n
    dc_lengths = bytes([0, 0, 0, 11] + [0] * 12)
    ac_lengths = bytes([1] + [0] * 15)  # one code, "0": end of block
    bits, before = "", 0
    for byte in _noise(seed, 64):
        step = (byte - 128) - before
        before = byte - 128
        size = abs(step).bit_length()
        bits += f"{size:04b}"
        if size:
            bits += f"{step if step > 0 else step + (1 << size) - 1:0{size}b}"
        bits += "0"
    bits += "1" * (-len(bits) % 8)
    scan = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
    return b"".join(
        [
            b"\xff\xd8",
            segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"),
            segment(0xDB, b"\0" + b"\x08" * 64),
            segment(0xC0, struct.pack(">BHHB", 8, 64, 64, 1) + b"\x01\x11\0"),
            segment(0xC4, b"\0" + dc_lengths + bytes(range(11))),
            segment(0xC4, b"\x10" + ac_lengths + b"\0"),
            segment(0xDA, b"\x01\x01\0\0\x3f\0"),
            scan,
            b"\xff\xd9",
        ]
    )


MAKERS = {"pdf": pdf, "docx": docx, "xlsx": xlsx, "zip": zipped, "png": png, "jpg": jpg}


def document(name, seed=0):
    """The bytes of a document whose kind the suffix of name says."""
    return MAKERS[name.rpartition(".")[2].lower()](seed)


def place(folder, name, seed=0, mtime=None, data=None):
    """File a document as a clerk does: below folder, folders made as needed, in one go; returns its path."""
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(document(name, seed) if data is None else data)
    if mtime is not None:
        os.utime(path, (mtime, mtime))
    return path
