/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "scan/inspect-types.h"

#define TRAILER_WITHIN 2048 /* bytes of junk behind %%EOF; some servers add a page or blanks */
#define MAX_BYTE_RANGES 256 /* looked at; nobody signs more often */
#define DICTIONARY 4096     /* bytes of a signature's dictionary on either side of its contents */

static bool is_space(uint8_t c) {
        return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\0';
}

/* A number in text, blanks before it skipped; true when there is one. */
static bool take_number(const uint8_t **p, const uint8_t *end, uint64_t *ret) {
        const uint8_t *q = *p;
        uint64_t n = 0;
        unsigned digits = 0;

        while (q < end && is_space(*q))
                q++;
        for (; q < end && *q >= '0' && *q <= '9' && digits < 18; q++, digits++)
                n = 10 * n + (uint64_t)(*q - '0');
        if (digits == 0 || (q < end && *q >= '0' && *q <= '9'))
                return false;
        *p = q;
        *ret = n;
        return true;
}

/* At the place that startxref gives: a table ("xref") or a stream ("12 0 obj"). */
static bool is_cross_reference(struct bytes *s, uint64_t at) {
        uint8_t text[40];
        size_t n =
                s->size > at && s->size - at < sizeof(text) ? (size_t)(s->size - at) : sizeof(text);
        const uint8_t *p = text, *end = text + n;
        uint64_t number, generation;

        if (!bytes_read(s, at, text, n))
                return false;
        while (p < end && is_space(*p))
                p++;
        if (end - p >= 4 && memcmp(p, "xref", 4) == 0)
                return true;
        if (!take_number(&p, end, &number) || !take_number(&p, end, &generation))
                return false;
        while (p < end && is_space(*p))
                p++;
        return end - p >= 3 && memcmp(p, "obj", 3) == 0;
}

/* The last trailer: startxref, where the cross references are, %%EOF. Offsets count from the header or from the first byte. */
static bool has_trailer(struct bytes *s, uint64_t header) {
        int64_t eof = bytes_find_last(s, "%%EOF", 5, TRAILER_WITHIN);
        int64_t start = bytes_find_last(s, "startxref", 9, 2 * TRAILER_WITHIN);
        uint8_t text[40];
        const uint8_t *p = text;
        uint64_t at;

        if (eof < 0 || start < 0 || start > eof || eof - start < 10 ||
            eof - start > (int64_t)sizeof(text))
                return false;
        if (!bytes_read(s, (uint64_t)start + 9, text, (size_t)(eof - start) - 9) ||
            !take_number(&p, text + (eof - start) - 9, &at) || at == 0)
                return false;
        return is_cross_reference(s, at) || (header > 0 && is_cross_reference(s, at + header));
}

/* Is there /NAME in @text, with no letter behind it? */
static bool has_name(const uint8_t *text, size_t n, const char *name) {
        size_t len = strlen(name);

        for (const uint8_t *p = text; (p = memmem(p, n - (size_t)(p - text), name, len));
             p += len) {
                const uint8_t *after = p + len;

                if (after == text + n || is_space(*after) || strchr("/<>[]()%", *after))
                        return true;
        }
        return false;
}

static bool has_signature_type(const uint8_t *text, size_t n) {
        for (const uint8_t *p = text; (p = memmem(p, n - (size_t)(p - text), "/Type", 5)); p += 5) {
                const uint8_t *after = p + 5;

                while (after < text + n && is_space(*after))
                        after++;
                if (has_name(after, (size_t)(text + n - after) < 5 ? (size_t)(text + n - after) : 5,
                             "/Sig") ||
                    has_name(after,
                             (size_t)(text + n - after) < 14 ? (size_t)(text + n - after) : 14,
                             "/DocTimeStamp"))
                        return true;
        }
        return has_name(text, n, "/Adobe.PPKLite");
}

/* The dictionary around the hole that the signature fills: from @hole back, and from @end on. */
static bool is_signature_dictionary(struct bytes *s, uint64_t hole, uint64_t end) {
        _cleanup_free_ uint8_t *text = malloc(2 * DICTIONARY);
        size_t before = hole < DICTIONARY ? (size_t)hole : DICTIONARY, after;

        if (!text)
                return false;
        after = s->size - end < DICTIONARY ? (size_t)(s->size - end) : DICTIONARY;
        if (!bytes_read(s, hole - before, text, before) ||
            !bytes_read(s, end, text + before, after))
                return false;
        return has_signature_type(text, before) || has_signature_type(text + before, after);
}

/* A prepared but unsigned document has zeros in the hole; a signature is DER and begins with a sequence (or a string). */
static bool is_filled(struct bytes *s, uint64_t hole, uint64_t end) {
        uint8_t text[64], last;
        size_t n = end - hole < sizeof(text) ? (size_t)(end - hole) : sizeof(text), i = 1;

        if (end - hole < 10 || !bytes_read(s, hole, text, n) || text[0] != '<' ||
            !bytes_read(s, end - 1, &last, 1) || last != '>')
                return false;
        while (i < n && is_space(text[i]))
                i++;
        return i + 2 <= n && (memcmp(text + i, "30", 2) == 0 || memcmp(text + i, "04", 2) == 0);
}

/* What stands behind /ByteRange: [0 before end after]. */
static bool is_signed_range(struct bytes *s, uint64_t at) {
        uint8_t text[128];
        size_t n = s->size - at < sizeof(text) ? (size_t)(s->size - at) : sizeof(text);
        const uint8_t *p = text, *end = text + n;
        uint64_t range[4];

        if (!bytes_read(s, at, text, n))
                return false;
        while (p < end && is_space(*p))
                p++;
        if (p == end || *p++ != '[')
                return false;
        for (size_t i = 0; i < ELEMENTSOF(range); i++)
                if (!take_number(&p, end, &range[i]))
                        return false;
        if (range[0] != 0 || range[1] >= range[2] || range[2] > s->size ||
            range[3] > s->size - range[2])
                return false;
        return is_filled(s, range[1], range[2]) && is_signature_dictionary(s, range[1], range[2]);
}

/* Every /ByteRange of the file: signature dictionaries are never compressed, for they say where they lie. */
static bool has_signature(struct bytes *s) {
        static const char needle[] = "/ByteRange";
        const size_t len = sizeof(needle) - 1;
        unsigned n_ranges = 0;

        for (uint64_t at = 0; at + len <= s->size;) {
                size_t n;
                const uint8_t *piece = bytes_piece(s, at, &n), *found;
                uint8_t edge[sizeof(needle)];

                if (!piece)
                        return false;
                found = memmem(piece, n, needle, len);
                if (found) {
                        at += (uint64_t)(found - piece) + len;
                        if (is_signed_range(s, at))
                                return true;
                        if (++n_ranges == MAX_BYTE_RANGES)
                                return false;
                        continue;
                }
                if (n < len) { /* at the edge of two pieces */
                        if (bytes_read(s, at, edge, len) && memcmp(edge, needle, len) == 0) {
                                at += len;
                                if (is_signed_range(s, at))
                                        return true;
                        } else {
                                at++;
                        }
                        continue;
                }
                at += n - len + 1;
        }
        return false;
}

void inspect_pdf(struct bytes *s, uint64_t header, struct content *c) {
        c->type = FILE_TYPE_PDF;
        c->whole = has_trailer(s, header);
        c->signed_pdf = c->whole && has_signature(s);
}
