/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A growing array of any type: struct { T *items; size_t n, cap; }, doubled when full. Owned by whoever
 * declares it.
 *
 *         struct date_array ARRAY(date_t);        a named type
 *         r = array_push(&a, value);              0 or -ENOMEM
 *         array_done(&a);                         frees the items, empties the array
 */

#include <errno.h>
#include <stdlib.h>

#define ARRAY(type)                                                                                \
        {                                                                                          \
                type *items; /* NOLINT(bugprone-macro-parentheses) */                              \
                size_t n, cap;                                                                     \
        }

/* Makes room for @more items; 0 or -ENOMEM. */
#define array_reserve(a, more)                                                                     \
        array_reserve_raw((void **)&(a)->items, (a)->n, &(a)->cap, (more), sizeof(*(a)->items))

#define array_push(a, ...)                                                                         \
        ({                                                                                         \
                int _r = array_reserve((a), 1);                                                    \
                if (_r == 0)                                                                       \
                        (a)->items[(a)->n++] = (__VA_ARGS__);                                      \
                _r;                                                                                \
        })

#define array_done(a)                                                                              \
        do {                                                                                       \
                free((a)->items);                                                                  \
                (a)->items = NULL;                                                                 \
                (a)->n = (a)->cap = 0;                                                             \
        } while (0)

int array_reserve_raw(void **items, size_t n, size_t *cap, size_t more, size_t item_size);
