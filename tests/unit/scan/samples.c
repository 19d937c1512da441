/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "samples.h"

#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"

static void add_le(struct strbuf *b, uint64_t v, unsigned bytes) {
        for (; bytes > 0; bytes--, v >>= 8)
                strbuf_addc(b, (char)(v & 0xff));
}

static void add_be(struct strbuf *b, uint64_t v, unsigned bytes) {
        while (bytes-- > 0)
                strbuf_addc(b, (char)(v >> (8 * bytes) & 0xff));
}

static void add_fill(struct strbuf *b, char c, size_t n) {
        while (n-- > 0)
                strbuf_addc(b, c);
}

/* --- PDF ---------------------------------------------------------------------------------------- */

static void add_pdf_body(struct strbuf *b) {
        strbuf_adds(b, "%PDF-1.7\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n"
                       "2 0 obj\n<</Type/Pages/Kids[]/Count 0>>\nendobj\n");
}

static void add_pdf_trailer(struct strbuf *b, size_t base) {
        size_t at = b->len - base;

        strbuf_addf(b,
                    "xref\n0 1\n0000000000 65535 f \ntrailer\n<</Size 3/Root 1 0 "
                    "R>>\nstartxref\n%zu\n%%%%EOF\n",
                    at);
}

static void make_pdf(struct strbuf *b) {
        add_pdf_body(b);
        add_pdf_trailer(b, 0);
}

static void make_pdf_stream(struct strbuf *b) {
        size_t at;

        add_pdf_body(b);
        at = b->len;
        strbuf_addf(b,
                    "7 0 obj\n<</Type/XRef/Size "
                    "3>>\nstream\n\x01\x02\x03\nendstream\nendobj\nstartxref\r\n%zu\r\n"
                    "%%%%EOF\r\n",
                    at);
}

static void make_pdf_junk(struct strbuf *b) {
        strbuf_adds(b, "HTTP/1.1 200 OK\r\n\r\n");
        add_pdf_body(b);
        add_pdf_trailer(b, 19);
}

/* @dictionary: what stands before and behind /Contents */
static void add_signed(struct strbuf *b, const char *before, const char *after,
                       const char *contents) {
        size_t range, hole, end;
        char text[64];

        add_pdf_body(b);
        strbuf_addf(b, "5 0 obj\n<<%s/ByteRange ", before);
        range = b->len;
        add_fill(b, ' ', 48);
        strbuf_adds(b, "/Contents");
        hole = b->len;
        strbuf_addf(b, "<%s", contents);
        add_fill(b, '0', 9000 - strlen(contents));
        strbuf_adds(b, ">");
        end = b->len;
        strbuf_addf(b, "%s>>\nendobj\n", after);
        add_pdf_trailer(b, 0);
        snprintf(text, sizeof(text), "[0 %zu %zu %zu]", hole, end, b->len - end);
        memcpy(b->data + range, text, strlen(text));
}

static void make_pdf_signed(struct strbuf *b) {
        add_signed(b, "/Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached", "",
                   "30820abc");
}

static void make_pdf_signed_after(struct strbuf *b) {
        add_signed(b, "/M(D:2018)", "/Type /Sig", "3082");
}

/* Prepared for a signature that never came. */
static void make_pdf_prepared(struct strbuf *b) {
        add_signed(b, "/Type/Sig/Filter/Adobe.PPKLite", "", "0000");
}

static void make_pdf_talks_of_signing(struct strbuf *b) {
        add_pdf_body(b);
        strbuf_adds(b,
                    "6 0 obj\n<</Title(/Type/Sig /ByteRange [0 1 2 3] /Adobe.PPKLite)>>\nendobj\n");
        add_pdf_trailer(b, 0);
}

/* --- ZIP ---------------------------------------------------------------------------------------- */

struct part {
        const char *name, *data;
};

static void make_zip(struct strbuf *b, const struct part *parts, size_t n) {
        size_t places[8], directory;

        for (size_t i = 0; i < n; i++) {
                places[i] = b->len;
                strbuf_add(b, "PK\x03\x04\x14\0\0\0\0\0\0\0\0\0", 14);
                add_le(b, 0, 4); /* the checksum is not looked at */
                add_le(b, strlen(parts[i].data), 4);
                add_le(b, strlen(parts[i].data), 4);
                add_le(b, strlen(parts[i].name), 2);
                add_le(b, 0, 2);
                strbuf_addf(b, "%s%s", parts[i].name, parts[i].data);
        }
        directory = b->len;
        for (size_t i = 0; i < n; i++) {
                strbuf_add(b, "PK\x01\x02\x14\0\x14\0\0\0\0\0\0\0\0\0", 16);
                add_le(b, 0, 4);
                add_le(b, strlen(parts[i].data), 4);
                add_le(b, strlen(parts[i].data), 4);
                add_le(b, strlen(parts[i].name), 2);
                add_fill(b, 0, 12);
                add_le(b, places[i], 4);
                strbuf_adds(b, parts[i].name);
        }
        strbuf_add(b, "PK\x05\x06\0\0\0\0", 8);
        add_le(b, n, 2);
        add_le(b, n, 2);
        add_le(b, b->len - 12 - directory, 4);
        add_le(b, directory, 4);
        add_le(b, 0, 2);
}

#define DEFINE_ZIP(function, ...)                                                                  \
        static void function(struct strbuf *b) {                                                   \
                static const struct part parts[] = {__VA_ARGS__};                                  \
                                                                                                   \
                make_zip(b, parts, ELEMENTSOF(parts));                                             \
        }

DEFINE_ZIP(make_plain_zip, {"a.txt", "some text"}, {"b/c.txt", ""})
DEFINE_ZIP(make_docx, {"[Content_Types].xml", "<Types/>"}, {"_rels/.rels", "<r/>"},
           {"word/document.xml", "<w:document/>"})
DEFINE_ZIP(make_xlsx, {"[Content_Types].xml", "<Types/>"}, {"xl/workbook.xml", "<workbook/>"})
DEFINE_ZIP(make_xlsb, {"[Content_Types].xml", "<Types/>"}, {"xl/workbook.bin", "x"})
DEFINE_ZIP(make_pptx, {"[Content_Types].xml", "<Types/>"}, {"ppt/presentation.xml", "<p/>"})
DEFINE_ZIP(make_no_docx, {"word/document.xml", "<w:document/>"})
DEFINE_ZIP(make_odt, {"mimetype", "application/vnd.oasis.opendocument.text"},
           {"content.xml", "<c/>"})
DEFINE_ZIP(make_ods, {"mimetype", "application/vnd.oasis.opendocument.spreadsheet"},
           {"content.xml", "<c/>"})
DEFINE_ZIP(make_odp, {"mimetype", "application/vnd.oasis.opendocument.presentation"},
           {"content.xml", "<c/>"})

static void make_zip_comment(struct strbuf *b) {
        make_plain_zip(b);
        b->data[b->len - 2] = 7;
        strbuf_adds(b, "comment");
}

/* --- OLE ---------------------------------------------------------------------------------------- */

#define OLE_SECTOR 512u

static void add_ole_name(struct strbuf *b, const char *name, uint8_t kind) {
        size_t at = b->len;

        for (const char *p = name; *p; p++)
                add_le(b, (uint8_t)*p, 2);
        add_fill(b, 0, at + 64 - b->len);
        add_le(b, 2 * (strlen(name) + 1), 2);
        add_le(b, kind, 1);
        add_fill(b, 0, at + 128 - b->len);
}

/* Sectors: 0..@n_data-1 the stream, then directory, then FAT. */
static void make_ole(struct strbuf *b, const char *stream, uint32_t n_data) {
        uint32_t directory = n_data, fat = n_data + 1;

        strbuf_add(b, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8);
        add_fill(b, 0, 16);
        add_le(b, 0x003e, 2);
        add_le(b, 3, 2);
        add_le(b, 0xfffe, 2);
        add_le(b, 9, 2);
        add_fill(b, 0, 12);
        add_le(b, 1, 4); /* FAT sectors */
        add_le(b, directory, 4);
        add_fill(b, 0, 8);
        add_le(b, 0xfffffffe, 4);
        add_le(b, 0, 4);
        add_le(b, 0xfffffffe, 4);
        add_le(b, 0, 4);
        add_le(b, fat, 4);
        add_fill(b, (char)0xff, OLE_SECTOR - b->len);
        for (uint32_t i = 0; i < n_data; i++)
                add_fill(b, 'x', OLE_SECTOR);
        add_ole_name(b, "Root Entry", 5);
        add_ole_name(b, stream, 2);
        add_fill(b, 0, 256);
        for (uint32_t i = 0; i < OLE_SECTOR / 4; i++)
                add_le(b,
                       i + 1 < n_data ? i + 1
                       : i < fat      ? 0xfffffffe
                       : i == fat     ? 0xfffffffd
                                      : 0xffffffff,
                       4);
}

static void make_doc(struct strbuf *b) {
        make_ole(b, "WordDocument", 5);
        memcpy(b->data + OLE_SECTOR, "\xec\xa5", 2); /* the torn one is known by it */
}

static void make_xls(struct strbuf *b) {
        make_ole(b, "Workbook", 3);
        memcpy(b->data + OLE_SECTOR, "\x09\x08", 2);
}

static void make_msi(struct strbuf *b) { make_ole(b, "Something", 3); }

/* --- pictures ----------------------------------------------------------------------------------- */

static void make_jpg(struct strbuf *b) {
        strbuf_add(b,
                   "\xff\xd8\xff\xe1\x00\x0e"
                   "Exif\0\0\xff\xd8\xff\xd9..",
                   18); /* with a preview */
        strbuf_add(b, "\xff\xc0\x00\x0b\x08\x00\x01\x00\x01\x01\x01\x11\x00", 13);
        strbuf_add(b, "\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00", 10);
        strbuf_add(b, "data\xff\x00more\xff\xd3yet more", 19);
        strbuf_add(b,
                   "\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00"
                   "second scan\xff\xd9",
                   23);
}

static void add_png_chunk(struct strbuf *b, const char *type, const char *data, size_t n) {
        add_be(b, n, 4);
        strbuf_adds(b, type);
        strbuf_add(b, data, n);
        add_be(b, 0, 4);
}

static void make_png(struct strbuf *b) {
        strbuf_adds(b, "\x89PNG\r\n\x1a\n");
        add_png_chunk(b, "IHDR", "\0\0\0\1\0\0\0\1\x08\0\0\0\0", 13);
        add_png_chunk(b, "IDAT", "IEND, but only as data", 22);
        add_png_chunk(b, "IEND", "", 0);
}

static void add_tif(struct strbuf *b, void (*add)(struct strbuf *b, uint64_t v, unsigned bytes)) {
        static const unsigned fields[][3] = {{256, 3, 16}, {273, 4, 50}, {279, 4, 32}};

        add(b, 42, 2);
        add(b, 8, 4);
        add(b, ELEMENTSOF(fields), 2);
        for (size_t i = 0; i < ELEMENTSOF(fields); i++) {
                add(b, fields[i][0], 2);
                add(b, fields[i][1], 2);
                add(b, 1, 4);
                add(b, fields[i][2], fields[i][1] == 3 ? 2 : 4);
                if (fields[i][1] == 3)
                        add(b, 0, 2);
        }
        add(b, 0, 4);
        add_fill(b, 'p', 32); /* the strip, at 50 */
}

static void make_tif_little(struct strbuf *b) {
        strbuf_adds(b, "II");
        add_tif(b, add_le);
}

static void make_tif_big(struct strbuf *b) {
        strbuf_adds(b, "MM");
        add_tif(b, add_be);
}

/* --- archives ----------------------------------------------------------------------------------- */

static void make_rar5(struct strbuf *b) {
        strbuf_add(b, "Rar!\x1a\x07\x01\x00", 8);
        strbuf_add(b, "CRC.\x03\x01\x00\x00", 8);       /* main */
        strbuf_add(b, "CRC.\x05\x02\x02\x86\x00.", 10); /* file, six bytes of data */
        strbuf_adds(b, "abcdef");
        strbuf_add(b, "CRC.\x03\x05\x00\x00", 8); /* end */
}

static void make_rar4(struct strbuf *b) {
        strbuf_add(b, "Rar!\x1a\x07\x00", 7);
        strbuf_add(b, "cc\x73\x00\x00\x0d\x00......", 13);
        strbuf_add(b, "cc\x74\x00\x80\x10\x00\x04\x00\x00\x00.....", 16);
        strbuf_adds(b, "abcd");
        strbuf_add(b, "cc\x7b\x00\x40\x07\x00", 7);
}

static void make_7z(struct strbuf *b) {
        strbuf_add(b, "7z\xbc\xaf\x27\x1c\x00\x04....", 12);
        add_le(b, 10, 8);
        add_le(b, 5, 8);
        strbuf_adds(b, "CRC.0123456789head.");
}

/* --- text --------------------------------------------------------------------------------------- */

static void make_txt(struct strbuf *b) {
        strbuf_adds(b, "B\xc3\xa1o c\xc3\xa1o qu\xc3\xbd I\r\n\tdone\n");
}
static void make_txt_legacy(struct strbuf *b) { strbuf_adds(b, "B\xb8o c\xb8o qu\xfd I\n"); }
static void make_txt_utf16(struct strbuf *b) {
        strbuf_add(b,
                   "\xff\xfe"
                   "a\0b\0",
                   6);
}
static void make_txt_from(struct strbuf *b) {
        strbuf_adds(b, "From: me\nTo: you\n\nno mail, it has no date\n");
}
static void make_html(struct strbuf *b) {
        strbuf_adds(b, "<!DOCTYPE html><html><body></body></html>\n");
}
static void make_other(struct strbuf *b) {
        strbuf_add(b,
                   "\x7f"
                   "ELF\x02\x01\x01\0\0\0",
                   10);
}

static void make_xml(struct strbuf *b) {
        strbuf_adds(b, "\xef\xbb\xbf<?xml version=\"1.0\"?>\n<!-- <no> -->\n<!DOCTYPE r [<!ENTITY "
                       "x \"y\">]>\n"
                       "<r:report xmlns:r=\"u\"><a/><r:b>x</r:b></r:report>\n");
}

static void make_xml_empty(struct strbuf *b) {
        strbuf_adds(b, "<?xml version=\"1.0\"?><a b=\"c\"/>");
}
static void make_xml_bare(struct strbuf *b) { strbuf_adds(b, "<svg><g/></svg>\n<!-- end -->\n"); }

static void make_eml(struct strbuf *b) {
        strbuf_adds(b, "Received: from x\r\n\tby y\r\nFrom: a@x.example\r\nDate: Mon, 1 Jan 2018 "
                       "00:00:00 +0700\r\n"
                       "Content-Type: multipart/mixed;\r\n "
                       "boundary=\"=_b\"\r\n\r\n--=_b\r\n\r\ntext\r\n--=_b--\r\n");
}

const struct sample samples[] = {
        {"pdf", make_pdf, FILE_TYPE_PDF, .slack = 1},
        {"pdf-stream", make_pdf_stream, FILE_TYPE_PDF, .slack = 2},
        {"pdf-junk", make_pdf_junk, FILE_TYPE_PDF, .slack = 1},
        {"pdf-signed", make_pdf_signed, FILE_TYPE_PDF, .signed_pdf = true, .slack = 1},
        {"pdf-signed-after", make_pdf_signed_after, FILE_TYPE_PDF, .signed_pdf = true, .slack = 1},
        {"pdf-prepared", make_pdf_prepared, FILE_TYPE_PDF, .slack = 1},
        {"pdf-talks", make_pdf_talks_of_signing, FILE_TYPE_PDF, .slack = 1},
        {"zip", make_plain_zip, FILE_TYPE_ZIP},
        {"zip-comment", make_zip_comment, FILE_TYPE_ZIP},
        {"docx", make_docx, FILE_TYPE_DOCX},
        {"xlsx", make_xlsx, FILE_TYPE_XLSX},
        {"xlsb", make_xlsb, FILE_TYPE_XLSX},
        {"pptx", make_pptx, FILE_TYPE_PPTX},
        {"no-docx", make_no_docx, FILE_TYPE_ZIP},
        {"odt", make_odt, FILE_TYPE_ODT},
        {"ods", make_ods, FILE_TYPE_ODS},
        {"odp", make_odp, FILE_TYPE_ZIP},
        {"doc", make_doc, FILE_TYPE_DOC},
        {"xls", make_xls, FILE_TYPE_XLS},
        {"msi", make_msi, FILE_TYPE_OTHER},
        {"jpg", make_jpg, FILE_TYPE_JPG},
        {"png", make_png, FILE_TYPE_PNG},
        {"tif-little", make_tif_little, FILE_TYPE_TIF},
        {"tif-big", make_tif_big, FILE_TYPE_TIF},
        {"rar5", make_rar5, FILE_TYPE_RAR},
        {"rar4", make_rar4, FILE_TYPE_RAR},
        {"7z", make_7z, FILE_TYPE_7Z},
        {"xml", make_xml, FILE_TYPE_XML, .slack = 1},
        {"xml-empty", make_xml_empty, FILE_TYPE_XML},
        {"xml-bare", make_xml_bare, FILE_TYPE_XML, .formless = true},
        {"eml", make_eml, FILE_TYPE_EML, .slack = 2},
        {"txt", make_txt, FILE_TYPE_TXT, .formless = true},
        {"txt-legacy", make_txt_legacy, FILE_TYPE_TXT, .formless = true},
        {"txt-utf16", make_txt_utf16, FILE_TYPE_TXT, .formless = true},
        {"txt-from", make_txt_from, FILE_TYPE_TXT, .formless = true},
        {"html", make_html, FILE_TYPE_TXT, .formless = true},
        {"other", make_other, FILE_TYPE_OTHER, .formless = true},
};
const size_t n_samples = ELEMENTSOF(samples);
