/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scan/fingerprint.h"

#include <endian.h>
#include <string.h>

#include "base/digest.h"

/* A change of what goes into a fingerprint changes the key: then nothing is known any more, and all is sent again. */
#define KEY_0 0x65766964656e6365ULL
#define KEY_1 0x642d7363616e2d32ULL

struct sip {
        uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t x, unsigned n) { return x << n | x >> (64 - n); }

static void sip_rounds(struct sip *s, unsigned n) {
        for (; n > 0; n--) {
                s->v0 += s->v1;
                s->v2 += s->v3;
                s->v1 = rotate(s->v1, 13) ^ s->v0;
                s->v3 = rotate(s->v3, 16) ^ s->v2;
                s->v0 = rotate(s->v0, 32);
                s->v2 += s->v1;
                s->v0 += s->v3;
                s->v1 = rotate(s->v1, 17) ^ s->v2;
                s->v3 = rotate(s->v3, 21) ^ s->v0;
                s->v2 = rotate(s->v2, 32);
        }
}

/* SipHash-2-4 (Aumasson and Bernstein, 2012), in its form of 128 bits; the first half is enough for 64. */
static void sip_hash(const void *data, size_t len, uint64_t ret[2]) {
        const uint8_t *p = data, *end = p + (len & ~(size_t)7);
        struct sip s = {
                KEY_0 ^ 0x736f6d6570736575ULL,
                KEY_1 ^ 0x646f72616e646f6dULL ^ 0xee,
                KEY_0 ^ 0x6c7967656e657261ULL,
                KEY_1 ^ 0x7465646279746573ULL,
        };
        uint64_t m;

        for (; p < end; p += 8) {
                memcpy(&m, p, 8);
                m = le64toh(m);
                s.v3 ^= m;
                sip_rounds(&s, 2);
                s.v0 ^= m;
        }
        m = (uint64_t)len << 56;
        for (size_t i = 0; i < (len & 7); i++)
                m |= (uint64_t)p[i] << (8 * i);
        s.v3 ^= m;
        sip_rounds(&s, 2);
        s.v0 ^= m;
        s.v2 ^= 0xee;
        sip_rounds(&s, 4);
        ret[0] = s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
        s.v1 ^= 0xdd;
        sip_rounds(&s, 4);
        ret[1] = s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t hash_bytes(const void *data, size_t len) {
        uint64_t hash[2];

        sip_hash(data, len, hash);
        return hash[0];
}

uint64_t file_hash(uint64_t name_hash, uint64_t size, usec_t mtime, uint64_t inode) {
        uint64_t fields[4] = {htole64(name_hash), htole64(size), htole64((uint64_t)mtime),
                              htole64(inode)};

        return hash_bytes(fields, sizeof(fields));
}

static void hash_mark(uint64_t hash, uint32_t flags, uint64_t ret[2]) {
        const uint64_t fields[2] = {htole64(hash), htole64(flags)};

        sip_hash(fields, sizeof(fields), ret);
}

void fingerprint_add(struct fingerprint *print, uint64_t hash, uint32_t flags) {
        uint64_t mark[2];

        hash_mark(hash, flags, mark);
        print->sums[0] += mark[0];
        print->sums[1] += mark[1];
}

void fingerprint_remove(struct fingerprint *print, uint64_t hash, uint32_t flags) {
        uint64_t mark[2];

        hash_mark(hash, flags, mark);
        print->sums[0] -= mark[0];
        print->sums[1] -= mark[1];
}

const char *fingerprint_to_string(const struct fingerprint *print, char buf[FINGERPRINT_TEXT]) {
        return hex_encode((const uint8_t *)print->sums, FINGERPRINT_SIZE, buf);
}

int fingerprint_from_string(const char *text, struct fingerprint *ret) {
        return hex_decode(text, (uint8_t *)ret->sums, FINGERPRINT_SIZE);
}
