/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/cleanup.h"
#include "scan/inspect-types.h"

/* [MS-CFB]: sectors after a header that takes the place of one; the FAT says which sector follows which. */
#define HEADER_FAT_SECTORS 109u
#define FREE_SECTOR 0xffffffffu
#define LAST_REGULAR 0xfffffffau
#define DIRECTORY_ENTRY 128u
#define MAX_SECTORS                                                                                \
        (4u << 20) /* of 512 bytes: files up to 2 GiB, which is as long as they can be */

struct ole {
        struct bytes *s;
        uint32_t sector_size; /* bytes */
        uint32_t n_inside;    /* sectors that begin inside the file, without the header */
        uint32_t n_fat;       /* FAT sectors */
        uint32_t next_difat;  /* first sector with more of them */
        /* the FAT sector read last */
        uint32_t fat_index, fat_sector;
};

static uint64_t offset_of(const struct ole *o, uint32_t sector) {
        return ((uint64_t)sector + 1) * o->sector_size;
}

static bool is_inside(const struct ole *o, uint32_t sector) {
        return sector <= LAST_REGULAR && offset_of(o, sector) < o->s->size;
}

/* Where FAT sector number @index lies; FREE_SECTOR when that is nowhere. */
static uint32_t find_fat_sector(struct ole *o, uint32_t index) {
        uint32_t per_sector = o->sector_size / 4 - 1, sector = o->next_difat;

        if (index < HEADER_FAT_SECTORS)
                return bytes_le32(o->s, 76 + 4 * (uint64_t)index);
        index -= HEADER_FAT_SECTORS;
        for (; index >= per_sector; index -= per_sector) {
                if (!is_inside(o, sector))
                        return FREE_SECTOR;
                sector = bytes_le32(o->s, offset_of(o, sector) + 4 * (uint64_t)per_sector);
        }
        return is_inside(o, sector) ? bytes_le32(o->s, offset_of(o, sector) + 4 * (uint64_t)index)
                                    : FREE_SECTOR;
}

static bool fat_entry(struct ole *o, uint32_t sector, uint32_t *ret) {
        uint32_t per_sector = o->sector_size / 4, index = sector / per_sector;

        if (index >= o->n_fat)
                return false;
        if (o->fat_index != index) {
                o->fat_sector = find_fat_sector(o, index);
                o->fat_index = index;
        }
        if (!is_inside(o, o->fat_sector))
                return false;
        *ret = bytes_le32(o->s, offset_of(o, o->fat_sector) + 4 * (uint64_t)(sector % per_sector));
        return true;
}

/* Every sector that the FAT has in use begins inside the file, and so do those of the FAT: no more than there are. */
static bool has_all_sectors(struct ole *o) {
        uint32_t per_sector = o->sector_size / 4, entry;

        if (o->n_fat > MAX_SECTORS / per_sector || o->n_fat > o->n_inside)
                return false;
        for (uint32_t sector = o->n_inside; sector < o->n_fat * per_sector; sector++) {
                if (!fat_entry(o, sector, &entry) || entry != FREE_SECTOR)
                        return false;
        }
        for (uint32_t i = 0; i < o->n_fat; i++)
                if (!is_inside(o, find_fat_sector(o, i)))
                        return false;
        return o->n_fat > 0;
}

static bool entry_is(struct bytes *s, uint64_t at, const char *name) {
        uint8_t raw[64];
        size_t len = strlen(name);

        if (!bytes_read(s, at, raw, sizeof(raw)) || bytes_le16(s, at + 64) != 2 * (len + 1))
                return false;
        for (size_t i = 0; i < len; i++)
                if (raw[2 * i] != (uint8_t)name[i] || raw[2 * i + 1] != 0)
                        return false;
        return true;
}

/* The streams that Word and Excel keep their documents in; false when the chain of the directory breaks. */
static bool read_directory(struct ole *o, uint32_t sector, enum file_type *type) {
        for (uint32_t n = 0; sector <= LAST_REGULAR; n++) {
                if (n >= o->n_inside || !is_inside(o, sector) || o->s->error < 0)
                        return false;
                for (uint32_t i = 0; i < o->sector_size; i += DIRECTORY_ENTRY) {
                        uint64_t at = offset_of(o, sector) + i;

                        if (entry_is(o->s, at, "WordDocument"))
                                *type = FILE_TYPE_DOC;
                        else if (entry_is(o->s, at, "Workbook") || entry_is(o->s, at, "Book"))
                                *type = *type == FILE_TYPE_DOC ? FILE_TYPE_DOC : FILE_TYPE_XLS;
                }
                if (!fat_entry(o, sector, &sector))
                        return false;
        }
        return true;
}

/* A torn file has lost its directory: documents mostly begin in the first sector. */
static enum file_type guess_type(struct ole *o) {
        switch (bytes_le16(o->s, offset_of(o, 0))) {
        case 0xa5ec: /* [MS-DOC], FibBase.wIdent */
                return FILE_TYPE_DOC;
        case 0x0809: /* [MS-XLS], BOF */
                return FILE_TYPE_XLS;
        default:
                return FILE_TYPE_OTHER;
        }
}

void inspect_ole(struct bytes *s, struct content *c) {
        struct ole o = {.s = s, .fat_index = UINT32_MAX};
        uint16_t shift = bytes_le16(s, 30);
        bool directory;

        if (shift != 9 && shift != 12)
                return;
        o.sector_size = 1u << shift;
        o.n_fat = bytes_le32(s, 44);
        o.next_difat = bytes_le32(s, 68);
        if (s->size <= o.sector_size)
                return;
        o.n_inside = s->size / o.sector_size < MAX_SECTORS
                             ? (uint32_t)((s->size - 1) / o.sector_size)
                             : MAX_SECTORS;
        directory = read_directory(&o, bytes_le32(s, 48), &c->type);
        c->whole = directory && has_all_sectors(&o);
        if (!c->whole && c->type == FILE_TYPE_OTHER)
                c->type = guess_type(&o);
}
