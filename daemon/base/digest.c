/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The functions below and not EVP, which reads openssl.cnf and loads a provider for its first digest: a third of what the
 * service would keep in memory at rest. They are the same code underneath, and as fast.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "base/digest.h"

#include <errno.h>
#include <openssl/sha.h>
#include <stdlib.h>

struct sha256 {
        SHA256_CTX ctx;
        bool finished;
};

struct sha256 *sha256_new(void) {
        _cleanup_(sha256_free_p) struct sha256 *d = calloc(1, sizeof(*d));

        if (!d || SHA256_Init(&d->ctx) != 1)
                return NULL;
        return steal_ptr(d);
}

struct sha256 *sha256_free(struct sha256 *d) {
        free(d);
        return NULL;
}

int sha256_update(struct sha256 *d, const void *data, size_t len) {
        if (d->finished)
                return -EINVAL;
        return SHA256_Update(&d->ctx, data, len) == 1 ? 0 : -EIO;
}

int sha256_final(struct sha256 *d, uint8_t ret[SHA256_SIZE]) {
        if (d->finished)
                return -EINVAL;
        d->finished = true;
        return SHA256_Final(ret, &d->ctx) == 1 ? 0 : -EIO;
}

int sha256_of(const void *data, size_t len, uint8_t ret[SHA256_SIZE]) {
        SHA256_CTX ctx;

        if (SHA256_Init(&ctx) != 1 || SHA256_Update(&ctx, data, len) != 1)
                return -EIO;
        return SHA256_Final(ret, &ctx) == 1 ? 0 : -EIO;
}

const char *hex_encode(const uint8_t *data, size_t len, char *buf) {
        static const char digits[] = "0123456789abcdef";

        for (size_t i = 0; i < len; i++) {
                buf[2 * i] = digits[data[i] >> 4];
                buf[2 * i + 1] = digits[data[i] & 15];
        }
        buf[2 * len] = '\0';
        return buf;
}

static int hex_value(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -1;
}

int hex_decode(const char *hex, uint8_t *ret, size_t len) {
        for (size_t i = 0; i < 2 * len; i++)
                if (hex_value(hex[i]) < 0) /* also the NUL of a short one */
                        return -EINVAL;
        if (hex[2 * len] != '\0')
                return -EINVAL;
        for (size_t i = 0; i < len; i++)
                ret[i] = (uint8_t)((unsigned)hex_value(hex[2 * i]) << 4 |
                                   (unsigned)hex_value(hex[2 * i + 1]));
        return 0;
}
