/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/array.h"

#include <stdint.h>

#define FIRST_CAP 8

int array_reserve_raw(void **items, size_t n, size_t *cap, size_t more, size_t item_size) {
        size_t need, want, bytes;
        void *grown;

        if (__builtin_add_overflow(n, more, &need))
                return -ENOMEM;
        if (need <= *cap)
                return 0;
        want = *cap > SIZE_MAX / 2 ? need : *cap * 2;
        if (want < FIRST_CAP)
                want = FIRST_CAP;
        if (want < need)
                want = need;
        if (__builtin_mul_overflow(want, item_size, &bytes))
                return -ENOMEM;
        grown = realloc(*items, bytes);
        if (!grown)
                return -ENOMEM;
        *items = grown;
        *cap = want;
        return 0;
}
