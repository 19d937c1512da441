/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/lookup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FNV_PRIME UINT64_C(0x100000001b3)
#define FIRST_SIZE 16

static uint32_t fold(uint64_t hash) { return (uint32_t)(hash ^ hash >> 32); }

static void place(struct lookup *t, struct lookup_slot slot) {
        size_t i = slot.hash & t->mask;

        while (t->slots[i].value)
                i = (i + 1) & t->mask;
        t->slots[i] = slot;
}

int lookup_reserve(struct lookup *t, size_t more) {
        size_t size = t->slots ? t->mask + 1 : FIRST_SIZE;
        struct lookup bigger = {.n = t->n};

        while (size < (t->n + more) * 2)
                size *= 2;
        if (t->slots && size == t->mask + 1)
                return 0;
        bigger.mask = size - 1;
        bigger.slots = calloc(size, sizeof(*bigger.slots));
        if (!bigger.slots)
                return -ENOMEM;
        for (size_t i = 0; t->slots && i <= t->mask; i++)
                if (t->slots[i].value)
                        place(&bigger, t->slots[i]);
        free(t->slots);
        *t = bigger;
        return 0;
}

void lookup_done(struct lookup *t) {
        free(t->slots);
        *t = LOOKUP_INIT;
}

void lookup_clear(struct lookup *t) {
        if (t->slots)
                memset(t->slots, 0, (t->mask + 1) * sizeof(*t->slots));
        t->n = 0;
}

int lookup_add(struct lookup *t, uint64_t hash, uint32_t value) {
        int r = lookup_reserve(t, 1);

        if (r < 0)
                return r;
        place(t, (struct lookup_slot){.hash = fold(hash), .value = value + 1});
        t->n++;
        return 0;
}

uint32_t lookup_next(const struct lookup *t, uint64_t hash, size_t *cursor) {
        uint32_t wanted = fold(hash);

        /* The cursor counts the slots behind the first one that were looked at. */
        while (t->slots && *cursor <= t->mask) {
                const struct lookup_slot *slot = &t->slots[(wanted + (*cursor)++) & t->mask];

                if (!slot->value)
                        break;
                if (slot->hash == wanted)
                        return slot->value - 1;
        }
        return LOOKUP_NONE;
}

uint64_t hash_string(uint64_t hash, const char *s) {
        for (; *s; s++)
                hash = (hash ^ (unsigned char)*s) * FNV_PRIME;
        return (hash ^ 0xff) * FNV_PRIME; /* "ab" then "c" is not "a" then "bc" */
}
