/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/cleanup.h"
#include "scan/inspect-types.h"

/* APPNOTE.TXT 6.3, sections 4.3 and 4.4. */
#define END_SIZE 22u
#define END_WITHIN (END_SIZE + 65535u)
#define ENTRY_SIZE 46u
#define LOCAL_SIZE 30u
#define MAX_ENTRIES 1000000u
#define LOCALS_CHECKED                                                                             \
        4096u /* local headers read to see that they are there: each is a jump through the file */
#define LOCALS_GUESSED 64u

struct directory {
        uint64_t at, size, n_entries;
};

/* What the parts of an office document are called. */
struct parts {
        bool content_types, word, excel, powerpoint;
        enum file_type by_mimetype;
};

static void note_part(struct parts *parts, const char *name) {
        static const char content_types[] = "[Content_Types].xml";

        parts->content_types |= strcasecmp(name, content_types) == 0;
        parts->word |= strcasecmp(name, "word/document.xml") == 0;
        parts->excel |= strcasecmp(name, "xl/workbook.xml") == 0 ||
                        strcasecmp(name, "xl/workbook.bin") == 0;
        parts->powerpoint |= strcasecmp(name, "ppt/presentation.xml") == 0;
}

static enum file_type type_of(const struct parts *parts) {
        if (parts->by_mimetype != FILE_TYPE_OTHER)
                return parts->by_mimetype;
        if (parts->content_types && parts->word)
                return FILE_TYPE_DOCX;
        if (parts->content_types && parts->excel)
                return FILE_TYPE_XLSX;
        if (parts->content_types && parts->powerpoint)
                return FILE_TYPE_PPTX;
        return FILE_TYPE_ZIP;
}

/* OpenDocument 1.2, part 3, section 3.3: the first file, "mimetype", stored. */
static enum file_type mimetype_of(struct bytes *s) {
        static const char odt[] = "application/vnd.oasis.opendocument.text";
        static const char ods[] = "application/vnd.oasis.opendocument.spreadsheet";
        char text[64] = "";
        uint32_t size = bytes_le32(s, 22);
        uint16_t extra = bytes_le16(s, 28);

        if (bytes_le16(s, 8) != 0 || bytes_le16(s, 26) != 8 || size == 0 || size >= sizeof(text) ||
            !bytes_read(s, LOCAL_SIZE, text, 8) || memcmp(text, "mimetype", 8) != 0)
                return FILE_TYPE_OTHER;
        memset(text, 0, sizeof(text));
        if (!bytes_read(s, LOCAL_SIZE + 8u + extra, text, size))
                return FILE_TYPE_OTHER;
        if (strcmp(text, odt) == 0)
                return FILE_TYPE_ODT;
        return strcmp(text, ods) == 0 ? FILE_TYPE_ODS : FILE_TYPE_OTHER;
}

/* The 64-bit form of the end record, by way of its locator just before the other one. */
static bool read_end64(struct bytes *s, uint64_t end, struct directory *d) {
        uint64_t at;

        if (end < 20 || bytes_le32(s, end - 20) != 0x07064b50)
                return false;
        at = bytes_le64(s, end - 20 + 8);
        if (at > end - 20 || end - 20 - at < 56 || bytes_le32(s, at) != 0x06064b50)
                return false;
        d->n_entries = bytes_le64(s, at + 32);
        d->size = bytes_le64(s, at + 40);
        d->at = bytes_le64(s, at + 48);
        return d->at <= at && d->size <= at - d->at;
}

static bool read_end(struct bytes *s, struct directory *d) {
        int64_t found = bytes_find_last(s, "PK\x05\x06", 4, END_WITHIN);
        uint64_t end = (uint64_t)found;

        if (found < 0 || s->size - end < END_SIZE ||
            s->size - end - END_SIZE < bytes_le16(s, end + 20))
                return false;
        *d = (struct directory){
                .n_entries = bytes_le16(s, end + 10),
                .size = bytes_le32(s, end + 12),
                .at = bytes_le32(s, end + 16),
        };
        if (d->n_entries == 0xffff || d->size == 0xffffffff || d->at == 0xffffffff)
                if (read_end64(s, end, d))
                        return true;
        return d->at <= end && d->size <= end - d->at;
}

/* The data of an entry lie before the directory, behind a header of their own. */
static bool check_local(struct bytes *s, const struct directory *d, uint64_t local, uint64_t size) {
        uint64_t header;

        if (local == 0xffffffff || size == 0xffffffff)
                return true; /* in a 64-bit extra field; the end record was checked */
        if (local > d->at || d->at - local < LOCAL_SIZE || bytes_le32(s, local) != 0x04034b50)
                return false;
        header = LOCAL_SIZE + (uint64_t)bytes_le16(s, local + 26) + bytes_le16(s, local + 28);
        return header <= d->at - local && size <= d->at - local - header;
}

/* Return: size of the entry at @at, 0 when it is none. */
static uint64_t read_entry(struct bytes *s, const struct directory *d, uint64_t at, bool check,
                           struct parts *parts) {
        uint64_t end = d->at + d->size, size;
        char name[32] = "";
        uint16_t name_len;

        if (end - at < ENTRY_SIZE || bytes_le32(s, at) != 0x02014b50)
                return 0;
        name_len = bytes_le16(s, at + 28);
        size = ENTRY_SIZE + (uint64_t)name_len + bytes_le16(s, at + 30) + bytes_le16(s, at + 32);
        if (size > end - at)
                return 0;
        if (name_len < sizeof(name) && bytes_read(s, at + ENTRY_SIZE, name, name_len))
                note_part(parts, name);
        if (check && !check_local(s, d, bytes_le32(s, at + 42), bytes_le32(s, at + 20)))
                return 0;
        return size;
}

static bool walk_directory(struct bytes *s, const struct directory *d, struct parts *parts) {
        uint64_t at = d->at;

        if (d->n_entries > MAX_ENTRIES)
                return false;
        for (uint64_t i = 0; i < d->n_entries; i++) {
                uint64_t size = read_entry(s, d, at, i < LOCALS_CHECKED, parts);

                if (size == 0 || s->error < 0)
                        return false;
                at += size;
        }
        return true;
}

/* A torn archive has lost its directory: its first files still tell what it was meant to be. */
static void guess_parts(struct bytes *s, struct parts *parts) {
        uint64_t at = 0;

        for (unsigned i = 0; i < LOCALS_GUESSED && bytes_le32(s, at) == 0x04034b50; i++) {
                uint16_t name_len = bytes_le16(s, at + 26);
                char name[32] = "";

                if (name_len < sizeof(name) && bytes_read(s, at + LOCAL_SIZE, name, name_len))
                        note_part(parts, name);
                parts->content_types |= i == 0 && strncasecmp(name, "_rels/", 6) == 0;
                parts->word |= strncasecmp(name, "word/", 5) == 0;
                parts->excel |= strncasecmp(name, "xl/", 3) == 0;
                parts->powerpoint |= strncasecmp(name, "ppt/", 4) == 0;
                if (bytes_le16(s, at + 6) & 8) /* the size comes behind the data */
                        return;
                at += LOCAL_SIZE + (uint64_t)name_len + bytes_le16(s, at + 28) +
                      bytes_le32(s, at + 18);
        }
}

void inspect_zip(struct bytes *s, struct content *c) {
        struct parts parts = {.by_mimetype = mimetype_of(s)};
        struct directory d;

        c->whole = read_end(s, &d) && walk_directory(s, &d, &parts);
        if (!c->whole)
                guess_parts(s, &parts);
        c->type = type_of(&parts);
}
