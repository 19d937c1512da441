/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/digest.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>

struct sha256 {
        EVP_MD_CTX *ctx; /* owned; NULL once finished */
};

struct sha256 *sha256_new(void) {
        _cleanup_(sha256_free_p) struct sha256 *d = calloc(1, sizeof(*d));

        if (!d)
                return NULL;
        d->ctx = EVP_MD_CTX_new();
        if (!d->ctx || EVP_DigestInit_ex(d->ctx, EVP_sha256(), NULL) != 1)
                return NULL;
        return steal_ptr(d);
}

struct sha256 *sha256_free(struct sha256 *d) {
        if (d)
                EVP_MD_CTX_free(d->ctx);
        free(d);
        return NULL;
}

int sha256_update(struct sha256 *d, const void *data, size_t len) {
        if (!d->ctx)
                return -EINVAL;
        return EVP_DigestUpdate(d->ctx, data, len) == 1 ? 0 : -EIO;
}

int sha256_final(struct sha256 *d, uint8_t ret[SHA256_SIZE]) {
        int ok;

        if (!d->ctx)
                return -EINVAL;
        ok = EVP_DigestFinal_ex(d->ctx, ret, NULL);
        EVP_MD_CTX_free(steal_ptr(d->ctx));
        return ok == 1 ? 0 : -EIO;
}

int sha256_of(const void *data, size_t len, uint8_t ret[SHA256_SIZE]) {
        return EVP_Digest(data, len, ret, NULL, EVP_sha256(), NULL) == 1 ? 0 : -EIO;
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
