/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What every target has: the entry that libFuzzer and replay.c call, and a check that is not compiled away.
 * Properties are checked, not only crashes: a parser that accepts what it cannot print again is wrong as well.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)                                                                           \
        do {                                                                                       \
                if (!(condition)) {                                                                \
                        fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__,          \
                                #condition);                                                       \
                        abort();                                                                   \
                }                                                                                  \
        } while (0)

/* The input as a string of its own, so that reading past it is seen. Owned by the caller. */
static inline char *fuzz_string(const uint8_t *data, size_t size) {
        char *s = malloc(size + 1);

        CHECK(s);
        if (size > 0)
                memcpy(s, data, size);
        s[size] = '\0';
        return s;
}
