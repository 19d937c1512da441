/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Loops over many instances wait for memory, each being far from the last: what a later turn needs is asked for some turns
 * ahead. A hint only; any address is fine.
 */

#include <stddef.h>

#define LOOK_AHEAD 8 /* turns */

static inline void look_ahead(const void *object, size_t size) {
        for (size_t i = 0; i < size; i += 64)
                __builtin_prefetch((const char *)object + i);
        /* A function that does nothing else is one without effects to gcc 12, which drops its calls. */
        __asm__ volatile("");
}
