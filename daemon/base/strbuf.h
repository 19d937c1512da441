/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A growing string, always ending in NUL once something was added. An allocation that fails is remembered
 * (strbuf_error), so that a long composition checks once, at its end.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct strbuf {
        char *data; /* owned; NULL while empty */
        size_t len, cap;
        bool failed;
};

#define STRBUF_INIT                                                                                \
        (struct strbuf) {}

void strbuf_done(struct strbuf *b);
void strbuf_reset(struct strbuf *b); /* keeps the memory */
/** strbuf_reserve() - room for @more bytes and the NUL. Return: false when there is none, which is remembered. */
bool strbuf_reserve(struct strbuf *b, size_t more);

/* Here, so that what is mostly a copy of a few bytes costs no more than that. */
static inline void strbuf_add(struct strbuf *b, const void *data, size_t len) {
        if ((b->failed || b->cap - b->len <= len) && !strbuf_reserve(b, len))
                return;
        if (len > 0)
                memcpy(b->data + b->len, data, len);
        b->len += len;
        b->data[b->len] = '\0';
}
static inline void strbuf_adds(struct strbuf *b, const char *s) { strbuf_add(b, s, strlen(s)); }
static inline void strbuf_addc(struct strbuf *b, char c) { strbuf_add(b, &c, 1); }

void strbuf_addf(struct strbuf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void strbuf_addv(struct strbuf *b, const char *format, va_list ap)
        __attribute__((format(printf, 2, 0)));
/** strbuf_add_json() - UTF-8 as a string of JSON, with its quotation marks; NULL: null */
void strbuf_add_json(struct strbuf *b, const char *s);
/** strbuf_add_member() - @name, written with all that stands before the value, and a string of JSON; NULL: nothing at all */
void strbuf_add_member(struct strbuf *b, const char *name, const char *value);
/** Return: 0, or -ENOMEM when any addition since init/reset failed. */
int strbuf_error(const struct strbuf *b);
/** Return: the string ("" when empty), borrowed until the next change. */
const char *strbuf_str(const struct strbuf *b);
/** Return: the string, owned by the caller, NULL when an addition failed; the buffer is empty afterwards. */
char *strbuf_steal(struct strbuf *b);
