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

struct fingerprint { /* of a folder; all zero: of one without files */
        uint64_t sums[FINGERPRINT_SIZE / sizeof(uint64_t)];
};

/** A file more, in any order. @hash: file_hash(), @flags: as told to the decider */
void fingerprint_add(struct fingerprint *print, uint64_t hash, uint32_t flags);
/** One of those that were added is no longer there, or has other flags. */
void fingerprint_remove(struct fingerprint *print, uint64_t hash, uint32_t flags);

#define FINGERPRINT_TEXT (2 * FINGERPRINT_SIZE + 1)
const char *fingerprint_to_string(const struct fingerprint *print, char buf[FINGERPRINT_TEXT]);
int fingerprint_from_string(const char *text, struct fingerprint *ret); /* Return: 0, -EINVAL */
