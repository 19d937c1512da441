#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A folder of evidence for the sample year (conf/vn-2018) as it may look on the morning of 12/11/2018.

    make-evidence.py TARGET_DIR [--as-of TIME]    fill TARGET_DIR; the same bytes every time
    make-evidence.py --one KIND PATH TEXT         one document: pdf, docx, xlsx, png, jpg

Files carry the dates at which they were filed in 2018. A service that runs with `--now TIME` shifts file times together
with its clock: give the same TIME as --as-of, and the dates are written so that for that service they are those of 2018.

What the tree amounts to at 07:30 on 12/11/2018 (TLKC: documents counted of those asked for, all occurrences and units):

    task  points  TLKC   state        because
    1.1    1.00    1/1   complete
    1.2    2.00    3/4   pending      năm 2018 is missing, until 23/11
    1.3    0.50   10/12  due soon     tháng 11 until 14/11; tháng 07 came late
    1.4    1.50    5/5   complete
    1.5    1.00    8/9   pending      quý IV 1 of 2, until 29/11
    1.6    1.00    6/6   complete     each of the six units
    1.7    0.50    0/1   due soon     until 19/11
    1.8    0.50    2/2   complete     one document late
    1.9    0.00    1/6   pending      only KSTT has handed in, until 29/11
    2.1    2.50    2/2   complete
    2.2    2.50    2/3   due soon     the report is there as scan0001.pdf, which no pattern matches; until 15/11
    2.3    2.00    2/2   complete
    3.1    1.00    1/1   complete
    3.2    1.50    3/3   complete
    3.3    2.00    6/8   pending      quý IV
    3.4    1.50    7/8   pending      quý IV: the same photograph twice counts once
    3.5    1.50    3/4   pending      quý IV, until 23/11
    3.6    3.00    3/4   pending      quý IV; quý II came late
    4.1    3.00    4/4   complete
    4.2    2.50    1/2   pending      năm 2018, until 23/11
    4.3    2.50    2/4   overdue      since 31/10: a record and the conclusion are missing
    5.1    2.50    2/2   complete
    5.2    2.50    4/5   due soon     the report is still being written in Office; until 15/11
    5.3    2.00    2/2   complete
    5.4    2.00    0/2   pending      until 28/11
    5.5    2.00    3/4   pending      quý IV
    6.1    1.50    2/2   complete     the report of 6.3 lies here as well, in the wrong folder
    6.2    1.50    8/8   complete
    6.3    2.00    3/4   due soon     a report is in the folder of 6.1; until 15/11
    7.1    2.00    1/2   due soon     until 15/11
    7.2    2.50    3/4   pending      quý IV
    7.3    3.00    4/5   pending      quý IV
    7.4    2.00    3/4   pending      quý IV; quý II is the picture that 3.4 has, too (reused)
    7.5    1.50    1/3   overdue      since 31/10: the internal audit's PDF was cut off in copying
    7.6    1.50    2/4   due soon     the report is an empty file; until 15/11
    8.1    2.00    3/3   complete
    8.2    1.00    1/2   due soon     until 15/11

    complete 23.50, pending 25.00, due soon 12.50, overdue 4.00 of 65.00 points
"""

import argparse
import datetime
import hashlib
import io
import os
import pathlib
import struct
import sys
import time
import unicodedata
import zipfile
import zlib
from xml.sax.saxutils import escape

TIME_ZONE = datetime.timezone(datetime.timedelta(hours=7))  # Vietnam has no daylight saving time
ZIP_DATE = (2018, 1, 1, 0, 0, 0)

# ---------------------------------------------------------------------------------------------------- documents


def fold(text):
    """Letters without diacritics: the fonts that every PDF reader brings along have no Vietnamese ones."""
    plain = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(c for c in plain if not unicodedata.combining(c)).encode("latin-1", "replace").decode("latin-1")


def pdf_page(text):
    lines = ["SO KHOA HOC VA CONG NGHE", "Doc lap - Tu do - Hanh phuc", ""] + fold(text).splitlines()
    shown = "".join("({}) Tj T*\n".format(line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)"))
                    for line in lines)
    return f"BT /F1 12 Tf 72 770 Td 18 TL\n{shown}ET\n".encode("latin-1")


def pdf(text):
    page = pdf_page(text)
    title = b"<" + ("\ufeff" + text.splitlines()[0]).encode("utf-16-be").hex().encode() + b">"
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>",
               b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
               b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
               b" /Resources << /Font << /F1 5 0 R >> >> >>",
               b"<< /Length %d >>\nstream\n%sendstream" % (len(page), page),
               b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
               b"<< /Title %s /Producer (evidenced demo) >>" % title]
    ret, offsets = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"), []
    for number, body in enumerate(objects, 1):
        offsets.append(len(ret))
        ret += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    xref = len(ret)
    ret += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    ret += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    ret += b"trailer\n<< /Size %d /Root 1 0 R /Info 6 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, xref)
    return bytes(ret)


OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def package(parts, main, main_type, others=()):
    """An Office file: @parts by name, the content type of each, and the relation that leads to the main one."""
    overrides = "".join(f'<Override PartName="/{name}" ContentType="application/vnd.openxmlformats-officedocument.'
                        f'{kind}+xml"/>' for name, kind in ((main, main_type), *others))
    parts = {"[Content_Types].xml":
             f'{XML}<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" ContentType="application/vnd.'
             f'openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>'
             f'{overrides}</Types>',
             "_rels/.rels":
             f'{XML}<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" Type="{OFFICE}/'
             f'officeDocument" Target="{main}"/></Relationships>', **parts}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in parts.items():
            info = zipfile.ZipInfo(name, ZIP_DATE)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return out.getvalue()


def docx(text):
    w = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    body = "".join(f'<w:p><w:r><w:t xml:space="preserve">{escape(line)}</w:t></w:r></w:p>'
                   for line in text.splitlines())
    document = f'{XML}<w:document xmlns:w="{w}"><w:body>{body}<w:sectPr/></w:body></w:document>'
    return package({"word/document.xml": document}, "word/document.xml", "wordprocessingml.document.main")


def xlsx(text):
    s = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    rows = "".join(f'<row r="{n}"><c r="A{n}"><v>{n}</v></c>'
                   f'<c r="B{n}" t="inlineStr"><is><t>{escape(line)}</t></is></c></row>'
                   for n, line in enumerate(text.splitlines(), 1))
    workbook = (f'{XML}<workbook xmlns="{s}" xmlns:r="{OFFICE}"><sheets>'
                f'<sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>')
    relations = (f'{XML}<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1"'
                 f' Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>')
    sheet = f'{XML}<worksheet xmlns="{s}"><sheetData>{rows}</sheetData></worksheet>'
    return package({"xl/workbook.xml": workbook, "xl/_rels/workbook.xml.rels": relations,
                    "xl/worksheets/sheet1.xml": sheet},
                   "xl/workbook.xml", "spreadsheetml.sheet.main",
                   (("xl/worksheets/sheet1.xml", "spreadsheetml.worksheet"),))


def tiles(text, n):
    """@n grey values that depend on the text: a picture that is small, valid, and different for each document."""
    return [hashlib.sha256(f"{text}#{i}".encode()).digest()[0] for i in range(n)]


def png(text):
    columns, rows, size = 16, 12, 20
    grey = tiles(text, columns * rows)
    lines = b""
    for row in range(rows):
        lines += (b"\0" + b"".join(bytes([g]) * size for g in grey[row * columns:(row + 1) * columns])) * size

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", columns * size, rows * size, 8, 0, 0, 0, 0))
            + chunk(b"tEXt", b"Title\0" + fold(text).replace("\n", " ").encode("latin-1"))
            + chunk(b"IDAT", zlib.compress(lines, 9)) + chunk(b"IEND", b""))


def jpg(text):
    """Baseline JPEG of one grey value for each 8 x 8 block: only DC coefficients, so one small Huffman table each."""
    columns, rows = 40, 30

    def segment(marker, data):
        return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data
    # DC categories 0-11, all of four bits (0000 to 1011); AC: end of block alone, one bit (0).
    dc_table = b"\x00" + bytes([0, 0, 0, 12] + [0] * 12) + bytes(range(12))
    ac_table = b"\x10" + bytes([1] + [0] * 15) + b"\x00"
    bits, before = [], 0
    for grey in tiles(text, columns * rows):
        value = grey - 128  # quantised by 8, as is the mean of a block: the coefficient is the level itself
        step, before = value - before, value
        category = abs(step).bit_length()
        bits.append(f"{category:04b}")
        if category:
            bits.append(f"{step if step > 0 else step + (1 << category) - 1:0{category}b}")
        bits.append("0")
    stream = "".join(bits)
    stream += "1" * (-len(stream) % 8)
    scan = int(stream, 2).to_bytes(len(stream) // 8, "big").replace(b"\xff", b"\xff\x00")
    return (b"\xff\xd8" + segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0") + segment(0xFE, text.encode())
            + segment(0xDB, b"\0" + bytes([8] * 64))
            + segment(0xC0, struct.pack(">BHHB", 8, rows * 8, columns * 8, 1) + b"\1\x11\0")
            + segment(0xC4, dc_table) + segment(0xC4, ac_table)
            + segment(0xDA, b"\1\1\0\0\x3f\0") + scan + b"\xff\xd9")


KINDS = {"pdf": pdf, "docx": docx, "xlsx": xlsx, "png": png, "jpg": jpg}

# ---------------------------------------------------------------------------------------------------- the tree

ROMAN = ("I", "II", "III", "IV")
UNITS = ("BPCCHC", "VP", "KHTC", "TTTK", "CCTDC", "KSTT")


def quarterly(task, dates, *names):
    """(path, when, what) for each quarter that has a date; {q} in a name is the quarter."""
    return [(f"{task}/quý {q}/{name.format(q=q)}", when, None)
            for q, when in zip(ROMAN, dates) for name in names]


# (path below the root, when it was filed, what is special about it).
DOCUMENTS = [
    ("1.1/KH-SKHCN-002-CCHC-nam-2018.pdf", "2018-01-10 09:12", None),
    ("1.2/quý I/BC-SKHCN-015-CCHC-quy-I-2018.pdf", "2018-03-01 15:20", None),
    ("1.2/6 tháng/BC-SKHCN-048-CCHC-6-thang-2018.pdf", "2018-06-01 10:05", None),
    ("1.2/quý III/BC-SKHCN-083-CCHC-quy-III-2018.pdf", "2018-08-31 16:41", None),
    *[(f"1.3/tháng {m:02}/BC-SKHCN-{5 + 9 * m:03}-CCHC-thang-{m:02}-2018.pdf", when, None) for m, when in enumerate((
        "2018-01-11 14:02", "2018-02-12 16:30", "2018-03-13 09:45", "2018-04-12 10:10", "2018-05-11 15:25",
        "2018-06-13 08:50", "2018-07-17 11:15",  # late: the last day was 13/07
        "2018-08-13 14:00", "2018-09-13 16:20", "2018-10-11 10:35"), 1) if m != 3],
    ("1.3/tháng 03/Báo cáo số 032 BC-SKHCN CCHC tháng 03.pdf", "2018-03-13 09:45", "nfd"),
    ("1.4/KH-SKHCN-021-kiem-tra-CCHC-2018.pdf", "2018-04-03 08:30", None),
    ("1.4/BB-01-kiem-tra-CCHC-VP.pdf", "2018-07-19 16:00", None),
    ("1.4/BB-02-kiem-tra-CCHC-CCTDC.pdf", "2018-08-16 16:10", None),
    ("1.4/BB-03-kiem-tra-CCHC-TTTK.pdf", "2018-09-20 15:50", None),
    ("1.4/BC-SKHCN-096-ket-qua-kiem-tra-CCHC.pdf", "2018-10-26 09:40", None),
    ("1.5/quý I/KH-SKHCN-009-tuyen-truyen-CCHC-2018.pdf", "2018-02-06 10:00", None),
    *quarterly("1.5", ("2018-03-28 14:15", "2018-06-27 09:30", "2018-09-26 15:05"),
               "tin-bai-CCHC-quy-{q}.docx", "anh-hoi-nghi-CCHC-quy-{q}.jpg"),
    ("1.5/quý IV/tin-bai-CCHC-quy-IV.docx", "2018-11-07 10:20", None),
    *[(f"1.6/{unit}/BB-hop-quan-triet-CCHC-2017-{unit}.pdf", f"2018-04-{day} 15:30", None)
      for unit, day in zip(UNITS, (16, 17, 18, 19, 20, 23))],
    ("1.8/QD-SKHCN-034-phan-cong-tieu-chi-CCHC.pdf", "2018-03-22 11:00", None),
    ("1.8/sang-kien-rut-ngan-thoi-gian-TTHC.pdf", "2018-04-03 09:05", None),  # late: the last day was 30/03
    ("1.9/KSTT/bang-tu-cham-KSTT-2018.xlsx", "2018-11-08 17:02", None),
    ("2.1/TTr-SKHCN-061-du-thao-QD-UBND.pdf", "2018-08-14 10:45", None),
    ("2.1/BC-STP-117-tham-dinh.pdf", "2018-10-12 14:50", None),
    ("2.2/KH-SKHCN-012-ra-soat-VBQPPL.pdf", "2018-02-08 08:40", None),
    ("2.2/danh-muc-VBQPPL-KHCN-2018.xlsx", "2018-10-30 16:15", None),
    ("2.2/scan0001.pdf", "2018-11-09 10:12", None),
    ("2.3/KH-SKHCN-018-theo-doi-thi-hanh-phap-luat.pdf", "2018-02-26 09:20", None),
    ("2.3/BC-SKHCN-091-tinh-hinh-thi-hanh-phap-luat.pdf", "2018-10-11 15:35", None),
    ("3.1/KH-SKHCN-006-kiem-soat-ra-soat-TTHC-2018.pdf", "2018-01-26 14:25", None),
    ("3.2/BC-SKHCN-085-ra-soat-TTHC-2018.pdf", "2018-09-11 09:00", None),
    ("3.2/Bieu-02-RS-KSTT.xlsx", "2018-09-11 09:02", None),
    ("3.2/Bieu-03-SCM-KSTT.docx", "2018-09-11 09:03", None),
    *quarterly("3.3", ("2018-03-21 10:30", "2018-06-20 10:30", "2018-09-19 10:30"),
               "TTr-SKHCN-cong-bo-TTHC-quy-{q}.pdf", "QD-UBND-cong-bo-TTHC-quy-{q}.pdf"),
    *quarterly("3.4", ("2018-03-27 08:20", "2018-06-26 08:20", "2018-09-25 08:20"),
               "anh-niem-yet-mot-cua-quy-{q}.jpg", "anh-chup-trang-TTDT-quy-{q}.png"),
    ("3.4/quý IV/anh-niem-yet-mot-cua-quy-IV.jpg", "2018-11-06 08:15", None),
    ("3.4/quý IV/IMG_20181106_081502.jpg", "2018-11-06 08:16", "as 3.4/quý IV/anh-niem-yet-mot-cua-quy-IV.jpg"),
    *quarterly("3.5", ("2018-03-13 16:30", "2018-06-13 16:30", "2018-09-12 16:30"), "BC-SKHCN-KSTTHC-quy-{q}-2018.pdf"),
    # Late: the last day of quý II was 29/06.
    *quarterly("3.6", ("2018-03-29 17:00", "2018-07-03 08:45", "2018-09-27 17:00"), "thong-ke-ho-so-TTHC-quy-{q}.xlsx"),
    ("4.1/VP/QĐ-SKHCN-052 chức năng nhiệm vụ cơ cấu tổ chức.pdf", "2018-06-18 10:00", None),
    ("4.1/VP/quy-che-lam-viec-So-KHCN.pdf", "2018-06-20 14:30", None),
    ("4.1/CCTDC/quy-che-lam-viec-CCTDC.pdf", "2018-06-22 09:10", None),
    ("4.1/TTTK/quy-che-lam-viec-TTTK.pdf", "2018-06-25 15:40", None),
    ("4.2/6 tháng/BC-SKHCN-051-bien-che-6-thang-2018.pdf", "2018-06-12 11:05", None),
    ("4.3/KH-SKHCN-040-kiem-tra-don-vi-truc-thuoc.pdf", "2018-05-15 09:30", None),
    ("4.3/BB-kiem-tra-TTTK.pdf", "2018-10-24 16:20", None),
    ("5.1/QD-UBND-vi-tri-viec-lam-SKHCN.pdf", "2018-07-31 10:15", None),
    ("5.1/BC-SKHCN-088-de-an-VTVL.pdf", "2018-09-24 14:05", None),
    ("5.2/KH-SKHCN-014-dao-tao-boi-duong-2018.pdf", "2018-02-27 10:40", None),
    ("5.2/QĐ-SKHCN-029 cử đi học cao cấp lý luận chính trị.pdf", "2018-04-11 08:55", "nfd"),
    ("5.2/QD-SKHCN-057-cu-boi-duong-chuyen-vien.pdf", "2018-07-05 09:25", None),
    ("5.2/QD-SKHCN-104-cu-tap-huan-ISO.pdf", "2018-11-09 15:42", None),
    ("5.2/BC-SKHCN-dao-tao-2018 (dự thảo).docx", "2018-11-09 16:55", None),
    ("5.2/~$-SKHCN-dao-tao-2018 (dự thảo).docx", "2018-11-09 16:30", "lock"),
    ("5.3/QD-SKHCN-073-bo-nhiem-truong-phong.pdf", "2018-08-20 10:30", None),
    ("5.3/BC-SKHCN-097-tuyen-dung-bo-nhiem.pdf", "2018-10-29 15:15", None),
    *quarterly("5.5", ("2018-03-23 16:40", "2018-06-22 16:40", "2018-09-21 16:40"),
               "BB-kiem-tra-ky-luat-ky-cuong-quy-{q}.pdf"),
    ("6.1/KHTC/QD-SKHCN-019-ban-hanh-quy-che.pdf", "2018-02-26 10:10", None),
    ("6.1/KHTC/quy-che-chi-tieu-noi-bo-2018.pdf", "2018-02-26 10:12", None),
    ("6.1/CCTDC/BC-CCTDC-tu-chu-2018.pdf", "2018-11-08 09:30", None),  # belongs into 6.3
    *[(f"6.2/{label}/{name}-{tail}.{kind}", when, None)
      for label, tail, when in (("quý IV năm 2017", "quy-IV-2017", "2018-01-11 09:50"),
                                ("quý I", "quy-I-2018", "2018-04-11 09:50"),
                                ("quý II", "quy-II-2018", "2018-07-11 09:50"),
                                ("quý III", "quy-III-2018", "2018-10-11 09:50"))
      for name, kind in (("TB-SKHCN-cong-khai-ngan-sach", "pdf"), ("bieu-cong-khai", "xlsx"))],
    ("6.3/CCTDC/QD-SKHCN-045-giao-tu-chu-CCTDC.pdf", "2018-05-22 14:40", None),
    ("6.3/TTTK/QD-SKHCN-046-giao-tu-chu-TTTK.pdf", "2018-05-22 14:42", None),
    ("6.3/TTTK/BC-TTTK-tu-chu-2018.pdf", "2018-11-05 11:20", None),
    ("7.1/KH-SKHCN-008-ung-dung-CNTT-2018.pdf", "2018-01-30 15:10", None),
    *quarterly("7.2", ("2018-03-26 13:30", "2018-06-25 13:30", "2018-09-24 13:30"),
               "thong-ke-van-ban-dien-tu-quy-{q}.xlsx"),
    ("7.3/quý I/danh-muc-DVCTT-muc-3-4.pdf", "2018-03-19 10:05", None),
    *quarterly("7.3", ("2018-03-29 10:05", "2018-06-28 10:05", "2018-09-27 10:05"),
               "thong-ke-ho-so-DVCTT-quy-{q}.xlsx"),
    ("7.4/quý I/anh-chup-trang-chu-quy-I.png", "2018-03-28 09:00", None),
    ("7.4/quý II/anh-chup-trang-chu-quy-II.png", "2018-06-27 09:00", "as 3.4/quý II/anh-chup-trang-TTDT-quy-II.png"),
    ("7.4/quý III/BC-buu-chinh-cong-ich-quy-III.pdf", "2018-09-26 09:00", None),
    ("7.5/muc-tieu-chat-luong-2018.pdf", "2018-02-13 10:50", None),
    ("7.5/BC-CCTDC-danh-gia-noi-bo-2018.pdf", "2018-10-30 17:25", "half"),
    ("7.6/KH-SKHCN-022-kiem-tra-ISO-2018.pdf", "2018-04-05 09:35", None),
    ("7.6/BB-kiem-tra-ISO-VP.pdf", "2018-10-18 15:20", None),
    ("7.6/BC-CCTDC-ap-dung-ISO-2018.pdf", "2018-11-09 11:48", "empty"),
    ("8.1/KH-SKHCN-043-khao-sat-hai-long.pdf", "2018-05-18 08:35", None),
    ("8.1/phieu-khao-sat-mau.xlsx", "2018-05-18 08:36", None),
    ("8.1/BC-SKHCN-099-muc-do-hai-long-2018.pdf", "2018-10-30 10:25", None),
    ("8.2/TB-SKHCN-031-ket-qua-khao-sat.pdf", "2018-11-06 14:10", None),
]


def content(path, special):
    if special == "empty":
        return b""
    if special == "lock":  # what Office leaves beside an open file: the user's name, padded
        return (b"\x0cChanh Van phong".ljust(55) + "Chánh Văn phòng".encode("utf-16-le")).ljust(162, b"\0")
    if special and special.startswith("as "):
        return content(special[3:], None)
    stem, _, kind = path.rpartition("/")[2].rpartition(".")
    data = KINDS[kind](f"{stem}\nTài liệu kiểm chứng tiêu chí {path.split('/')[0]}\n{path}\n"
                       "Ví dụ, không có giá trị pháp lý")
    return data[:len(data) // 2] if special == "half" else data


def file_document(root, path, when, special, shift):
    folder, _, name = path.rpartition("/")
    target = root / folder / (unicodedata.normalize("NFD", name) if special == "nfd" else name)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content(path, special))
    filed = datetime.datetime.strptime(when, "%Y-%m-%d %H:%M").replace(tzinfo=TIME_ZONE).timestamp()
    os.utime(target, (filed + shift, filed + shift))


def arguments():
    parser = argparse.ArgumentParser(description="Make evidence for the sample year, or one document.")
    parser.add_argument("target", nargs="?", type=pathlib.Path, metavar="TARGET_DIR")
    parser.add_argument("--as-of", metavar="TIME", type=datetime.datetime.fromisoformat,
                        help="the --now of the service that will look, with its UTC offset")
    parser.add_argument("--one", nargs=3, metavar=("KIND", "PATH", "TEXT"), help="one of " + ", ".join(KINDS))
    args = parser.parse_args()
    if (args.target is None) == (args.one is None):
        parser.error("give either TARGET_DIR or --one")
    if args.one and args.one[0] not in KINDS:
        parser.error(f"unknown kind {args.one[0]}: {', '.join(KINDS)}")
    if args.one and not args.one[2].strip():
        parser.error("TEXT is empty")
    if args.as_of and args.as_of.tzinfo is None:
        parser.error("TIME needs its UTC offset, as in 2018-11-12T07:29:50+07:00")
    return args


def main():
    args = arguments()
    if args.one:
        kind, path, text = args.one
        pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
        pathlib.Path(path).write_bytes(KINDS[kind](text))
        return 0
    shift = time.time() - args.as_of.timestamp() if args.as_of else 0
    for path, when, special in DOCUMENTS:
        file_document(args.target, path, when, special, shift)
    print(f"{len(DOCUMENTS)} files in {args.target}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
