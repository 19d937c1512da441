/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/cleanup.h"
#include "scan/inspect-types.h"

#define MAX_PARTS 1000000u /* segments, chunks, strips */
#define MAX_PAGES 10000u

/* --- JPEG: ITU-T T.81, annex B ---------------------------------------------------------------------------------- */

/* The entropy-coded data behind a scan header end at a marker that is neither stuffing nor a restart. */
static uint64_t next_marker(struct bytes *s, uint64_t at) {
        while (at + 1 < s->size) {
                size_t n;
                const uint8_t *piece = bytes_piece(s, at, &n), *found;
                uint8_t code;

                if (!piece)
                        return 0;
                found = memchr(piece, 0xff, n);
                if (!found) {
                        at += n;
                        continue;
                }
                at += (uint64_t)(found - piece);
                if (!bytes_read(s, at + 1, &code, 1))
                        return 0;
                if (code != 0x00 && code != 0xff && (code < 0xd0 || code > 0xd7))
                        return at;
                at += code == 0xff ? 1 : 2;
        }
        return 0;
}

static bool is_bare(uint8_t code) { return code == 0x01 || (code >= 0xd0 && code <= 0xd8); }

/* From SOI to EOI; what cameras put behind it does not matter. A preview inside a segment is jumped over. */
static bool jpg_is_whole(struct bytes *s) {
        uint64_t at = 2;
        bool scanned = false;

        for (unsigned i = 0; i < MAX_PARTS; i++) {
                uint8_t marker[2];
                uint16_t len;

                if (!bytes_read(s, at, marker, 2) || marker[0] != 0xff)
                        return false;
                if (marker[1] == 0xff) { /* fill */
                        at++;
                        continue;
                }
                if (marker[1] == 0xd9)
                        return scanned;
                at += 2;
                if (is_bare(marker[1]))
                        continue;
                len = bytes_be16(s, at);
                if (len < 2)
                        return false;
                at += len;
                if (marker[1] != 0xda)
                        continue;
                scanned = true;
                at = next_marker(s, at);
                if (at == 0)
                        return false;
        }
        return false;
}

void inspect_jpg(struct bytes *s, struct content *c) {
        c->type = FILE_TYPE_JPG;
        c->whole = jpg_is_whole(s);
}

/* --- PNG: chunks from IHDR to IEND -------------------------------------------------------------------------------- */

static bool png_is_whole(struct bytes *s) {
        uint64_t at = 8;

        for (unsigned i = 0; i < MAX_PARTS; i++) {
                uint32_t len = bytes_be32(s, at);
                uint8_t type[4];

                if (!bytes_read(s, at + 4, type, 4) || len > INT32_MAX ||
                    s->size - at < 12 + (uint64_t)len)
                        return false;
                if (i == 0 && memcmp(type, "IHDR", 4) != 0)
                        return false;
                if (memcmp(type, "IEND", 4) == 0)
                        return true;
                at += 12 + (uint64_t)len;
        }
        return false;
}

void inspect_png(struct bytes *s, struct content *c) {
        c->type = FILE_TYPE_PNG;
        c->whole = png_is_whole(s);
}

/* --- TIFF 6.0: pages, each with strips or tiles --------------------------------------------------------------------- */

struct tif {
        struct bytes *s;
        bool big_endian;
};

static uint16_t get16(struct tif *t, uint64_t at) {
        return t->big_endian ? bytes_be16(t->s, at) : bytes_le16(t->s, at);
}

static uint32_t get32(struct tif *t, uint64_t at) {
        return t->big_endian ? bytes_be32(t->s, at) : bytes_le32(t->s, at);
}

/* A field of a directory with its numbers, 16 or 32 bits each. */
struct field {
        uint64_t at;
        uint32_t n;
        unsigned width;
};

static bool read_field(struct tif *t, uint64_t at, struct field *ret) {
        uint16_t type = get16(t, at + 2);
        struct field f = {.n = get32(t, at + 4), .width = type == 3 ? 2 : 4};

        if ((type != 3 && type != 4) || f.n == 0 || f.n > MAX_PARTS)
                return false;
        f.at = (uint64_t)f.n * f.width <= 4 ? at + 8 : get32(t, at + 8);
        if (f.at > t->s->size || (uint64_t)f.n * f.width > t->s->size - f.at)
                return false;
        *ret = f;
        return true;
}

static uint32_t field_value(struct tif *t, const struct field *f, uint32_t i) {
        uint64_t at = f->at + (uint64_t)i * f->width;

        return f->width == 2 ? get16(t, at) : get32(t, at);
}

/* Do all strips lie inside the file? */
static bool page_is_whole(struct tif *t, uint64_t at, uint16_t n_fields) {
        struct field offsets = {}, sizes = {};

        for (uint16_t i = 0; i < n_fields; i++) {
                uint64_t entry = at + 2 + 12 * (uint64_t)i;
                uint16_t tag = get16(t, entry);

                if ((tag == 273 || tag == 324) && !read_field(t, entry, &offsets))
                        return false;
                if ((tag == 279 || tag == 325) && !read_field(t, entry, &sizes))
                        return false;
        }
        if (offsets.n == 0 || offsets.n != sizes.n)
                return false;
        for (uint32_t i = 0; i < offsets.n; i++) {
                uint32_t offset = field_value(t, &offsets, i), size = field_value(t, &sizes, i);

                if (offset > t->s->size || size > t->s->size - offset)
                        return false;
        }
        return t->s->error == 0;
}

static bool tif_is_whole(struct tif *t) {
        uint64_t at = get32(t, 4);
        unsigned n_pages = 0;

        for (; at != 0; n_pages++) {
                uint16_t n_fields = get16(t, at);

                if (n_pages >= MAX_PAGES || n_fields == 0 || at > t->s->size ||
                    t->s->size - at < 2 + 12 * (uint64_t)n_fields + 4)
                        return false;
                if (!page_is_whole(t, at, n_fields))
                        return false;
                at = get32(t, at + 2 + 12 * (uint64_t)n_fields);
        }
        return n_pages > 0;
}

void inspect_tif(struct bytes *s, struct content *c) {
        uint8_t order = 0;
        struct tif t = {.s = s};

        bytes_read(s, 0, &order, 1);
        t.big_endian = order == 'M';
        c->type = FILE_TYPE_TIF;
        c->whole = tif_is_whole(&t);
}
