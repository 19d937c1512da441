/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* SHA-256 (libcrypto), whole or in pieces, and its hexadecimal form. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

#define SHA256_SIZE 32
#define SHA256_HEX 65 /* with NUL */

struct sha256; /* running digest, owned */

struct sha256 *sha256_new(void); /* NULL when out of memory */
struct sha256 *sha256_free(struct sha256 *d);
DEFINE_CLEANUP(struct sha256 *, sha256_free)
int sha256_update(struct sha256 *d, const void *data, size_t len);
/* The digest can not be updated afterwards. */
int sha256_final(struct sha256 *d, uint8_t ret[SHA256_SIZE]);
int sha256_of(const void *data, size_t len, uint8_t ret[SHA256_SIZE]);

/* @buf: 2 * len + 1 bytes; returned */
const char *hex_encode(const uint8_t *data, size_t len, char *buf);
/* Exactly 2 * len digits, or -EINVAL. */
int hex_decode(const char *hex, uint8_t *ret, size_t len);
