/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Scope-bound release of what a function owns, and nothing else.
 *
 *         _cleanup_(strbuf_done) struct strbuf b = STRBUF_INIT;
 *         _cleanup_free_ char *s = strdup(x);
 *         return steal_ptr(s);
 */

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))

/* Defines f_p(T **), the form that the cleanup attribute wants. */
#define DEFINE_CLEANUP(type, f)                                                                    \
        static inline void f##_p(type *p) { /* NOLINT(bugprone-macro-parentheses) */               \
                if (*p)                                                                            \
                        f(*p);                                                                     \
        }

static inline void free_p(void *p) { free(*(void **)p); }

static inline void close_p(int *fd) { /* NOLINT(readability-non-const-parameter) */
        if (*fd >= 0)
                close(*fd);
}

DEFINE_CLEANUP(FILE *, fclose)
DEFINE_CLEANUP(DIR *, closedir)

#define _cleanup_free_ _cleanup_(free_p)
#define _cleanup_close_ _cleanup_(close_p)

#define steal_ptr(p)                                                                               \
        ({                                                                                         \
                __typeof__(p) _stolen = (p);                                                       \
                (p) = NULL;                                                                        \
                _stolen;                                                                           \
        })

static inline int steal_fd(int *fd) {
        int stolen = *fd;

        *fd = -1;
        return stolen;
}

#define ELEMENTSOF(a) (sizeof(a) / sizeof((a)[0]))
