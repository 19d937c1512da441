/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A growing string, always ending in NUL once something was added. An allocation that fails is remembered
 * (strbuf_error), so that a long composition checks once, at its end.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct strbuf {
        char *data; /* owned; NULL while empty */
        size_t len, cap;
        bool failed;
};

#define STRBUF_INIT                                                                                \
        (struct strbuf) {}

void strbuf_done(struct strbuf *b);
void strbuf_reset(struct strbuf *b); /* keeps the memory */
void strbuf_add(struct strbuf *b, const void *data, size_t len);
void strbuf_adds(struct strbuf *b, const char *s);
void strbuf_addc(struct strbuf *b, char c);
void strbuf_addf(struct strbuf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void strbuf_addv(struct strbuf *b, const char *format, va_list ap)
        __attribute__((format(printf, 2, 0)));
/** Return: 0, or -ENOMEM when any addition since init/reset failed. */
int strbuf_error(const struct strbuf *b);
/** Return: the string ("" when empty), borrowed until the next change. */
const char *strbuf_str(const struct strbuf *b);
/** Return: the string, owned by the caller, NULL when an addition failed; the buffer is empty afterwards. */
char *strbuf_steal(struct strbuf *b);
