/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * An index from hashes to positions in somebody else's array. It keeps no keys: the caller compares what it finds.
 *
 *         size_t cursor = 0;
 *         while ((i = lookup_next(&t, hash, &cursor)) != LOOKUP_NONE)
 *                 if (the i-th is the one) …
 */

#include <stddef.h>
#include <stdint.h>

#define LOOKUP_NONE UINT32_MAX

struct lookup_slot {
        uint32_t hash, value; /* value + 1; 0: free */
};

struct lookup {
        struct lookup_slot *slots; /* owned */
        size_t mask, n;            /* mask + 1 slots, a power of two; none while slots is NULL */
};

#define LOOKUP_INIT                                                                                \
        (struct lookup) {}

void lookup_done(struct lookup *t);
void lookup_clear(struct lookup *t); /* keeps the memory */
/** lookup_add() - @value < LOOKUP_NONE - 1; equal hashes and values may stand there twice. Return: 0 or -ENOMEM. */
int lookup_add(struct lookup *t, uint64_t hash, uint32_t value);
/** lookup_reserve() - room for @more, so that it grows once. Return: 0 or -ENOMEM. */
int lookup_reserve(struct lookup *t, size_t more);
/** lookup_next() - the next value under @hash; *@cursor starts at 0 */
uint32_t lookup_next(const struct lookup *t, uint64_t hash, size_t *cursor);

/* Start with HASH_SEED and feed one after the other. */
#define HASH_SEED UINT64_C(0xcbf29ce484222325)
uint64_t hash_string(uint64_t hash, const char *s);
/* Pointers too, as uintptr_t. The finaliser of MurmurHash3: every bit of the number reaches every bit of the hash. */
static inline uint64_t hash_number(uint64_t hash, uint64_t number) {
        hash ^= number;
        hash = (hash ^ hash >> 33) * UINT64_C(0xff51afd7ed558ccd);
        hash = (hash ^ hash >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
        return hash ^ hash >> 33;
}
