/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scan/inspect-types.h"

#define MAX_BLOCKS 1000000u

/* --- RAR 5: https://www.rarlab.com/technote.htm ------------------------------------------------------------------- */

#define RAR5_ENCRYPTION 4
#define RAR5_END 5
#define RAR5_HAS_EXTRA 1u
#define RAR5_HAS_DATA 2u

/* Seven bits a byte, the lowest first. */
static bool take_vint(struct bytes *s, uint64_t *at, uint64_t *ret) {
        uint64_t v = 0;
        uint8_t byte;

        for (unsigned shift = 0; shift < 63; shift += 7) {
                if (!bytes_read(s, (*at)++, &byte, 1))
                        return false;
                v |= (uint64_t)(byte & 0x7f) << shift;
                if (!(byte & 0x80)) {
                        *ret = v;
                        return true;
                }
        }
        return false;
}

/* Return: the place of the next block; 0 when this one is torn. */
static uint64_t rar5_block(struct bytes *s, uint64_t at, uint64_t *ret_type) {
        uint64_t size, begin, flags, extra = 0, data = 0;

        at += 4; /* CRC */
        if (!take_vint(s, &at, &size))
                return 0;
        begin = at;
        if (!take_vint(s, &at, ret_type) || !take_vint(s, &at, &flags) ||
            (flags & RAR5_HAS_EXTRA && !take_vint(s, &at, &extra)) ||
            (flags & RAR5_HAS_DATA && !take_vint(s, &at, &data)))
                return 0;
        if (begin > s->size || size > s->size - begin || data > s->size - begin - size)
                return 0;
        return begin + size + data;
}

static bool rar5_is_whole(struct bytes *s) {
        uint64_t at = 8, type;

        for (unsigned i = 0; i < MAX_BLOCKS; i++) {
                at = rar5_block(s, at, &type);
                if (at == 0)
                        return false;
                if (type == RAR5_END)
                        return true;
                if (type ==
                    RAR5_ENCRYPTION) /* what follows can not be read; its end can not be told */
                        return at < s->size;
        }
        return false;
}

/* --- RAR 4 -------------------------------------------------------------------------------------------------------- */

#define RAR4_MAIN 0x73
#define RAR4_FILE 0x74
#define RAR4_SERVICE 0x7a
#define RAR4_END 0x7b
#define RAR4_HAS_DATA 0x8000u
#define RAR4_LARGE 0x0100u     /* of a file: the upper half of its size is there */
#define RAR4_ENCRYPTED 0x0080u /* of the main header: all others are */

static bool rar4_is_whole(struct bytes *s) {
        uint64_t at = 7;

        for (unsigned i = 0; i < MAX_BLOCKS && at < s->size; i++) {
                uint8_t type;
                uint16_t flags = bytes_le16(s, at + 3), size = bytes_le16(s, at + 5);
                uint64_t data = 0;

                if (!bytes_read(s, at + 2, &type, 1) || size < 7 || size > s->size - at)
                        return false;
                if (type == RAR4_END)
                        return true;
                if (type == RAR4_MAIN && flags & RAR4_ENCRYPTED)
                        return at + size < s->size;
                if (type == RAR4_FILE || type == RAR4_SERVICE || flags & RAR4_HAS_DATA)
                        data = bytes_le32(s, at + 7);
                if ((type == RAR4_FILE || type == RAR4_SERVICE) && flags & RAR4_LARGE)
                        data |= (uint64_t)bytes_le32(s, at + 32) << 32;
                if (data > s->size - at - size)
                        return false;
                at += size + data;
        }
        return false; /* only those of before 2002 have no end block */
}

void inspect_rar(struct bytes *s, struct content *c) {
        uint8_t version = 0;

        if (!bytes_read(s, 6, &version, 1) || version > 1)
                return;
        c->type = FILE_TYPE_RAR;
        c->whole = version == 1 ? rar5_is_whole(s) : rar4_is_whole(s);
}

/* --- 7z: the first header says where the last one is ---------------------------------------------------------------- */

void inspect_7z(struct bytes *s, struct content *c) {
        uint64_t offset = bytes_le64(s, 12), size = bytes_le64(s, 20);

        c->type = FILE_TYPE_7Z;
        c->whole = s->size >= 32 && offset <= s->size - 32 && size <= s->size - 32 - offset &&
                   size > 0;
}
