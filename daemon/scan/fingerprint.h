/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Hashes by which a folder's content is known to be what it was: SipHash-2-4 with a fixed key, so that a fingerprint
 * means the same after a restart. Not against an adversary: one who may write into the folder can do worse.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

#define FINGERPRINT_SIZE 16

uint64_t hash_bytes(const void *data, size_t len);
/** file_hash() - name and what changes when the content does */
uint64_t file_hash(uint64_t name_hash, uint64_t size, usec_t mtime, uint64_t inode);

struct mark { /* one file of a folder */
        uint64_t hash;
        uint64_t flags;
};

/** folder_fingerprint() - of the files in any order; sorts @marks in place */
void folder_fingerprint(struct mark *marks, size_t n, uint8_t ret[FINGERPRINT_SIZE]);
