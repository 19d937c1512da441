/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/strbuf.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAP 64

bool strbuf_reserve(struct strbuf *b, size_t more) {
        size_t need, cap;
        char *grown;

        if (b->failed)
                return false;
        if (more >= SIZE_MAX / 2 - b->len) {
                b->failed = true;
                return false;
        }
        need = b->len + more + 1;
        if (need <= b->cap)
                return true;
        cap = b->cap * 2 > need ? b->cap * 2 : need;
        if (cap < FIRST_CAP)
                cap = FIRST_CAP;
        grown = realloc(b->data, cap);
        if (!grown) {
                b->failed = true;
                return false;
        }
        b->data = grown;
        b->cap = cap;
        return true;
}

void strbuf_done(struct strbuf *b) {
        free(b->data);
        *b = STRBUF_INIT;
}

void strbuf_reset(struct strbuf *b) {
        b->len = 0;
        b->failed = false;
        if (b->data)
                b->data[0] = '\0';
}

void strbuf_addv(struct strbuf *b, const char *format, va_list ap) {
        va_list again;
        size_t room;
        int n;

        if (!strbuf_reserve(b, 0))
                return;
        room = b->cap - b->len;
        va_copy(again, ap);
        n = vsnprintf(b->data + b->len, room, format, ap);
        if (n >= 0 && (size_t)n >= room && strbuf_reserve(b, (size_t)n))
                n = vsnprintf(b->data + b->len, (size_t)n + 1, format, again);
        va_end(again);
        if (n < 0)
                b->failed = true;
        if (b->failed)
                b->data[b->len] = '\0'; /* what did not fit is not half there */
        else
                b->len += (size_t)n;
}

void strbuf_addf(struct strbuf *b, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        strbuf_addv(b, format, ap);
        va_end(ap);
}

/* By the byte: is it written otherwise, or the end? */
static const bool is_special[256] = {
        [0 ... 0x1f] = true,
        [0x7f] = true,
        ['"'] = true,
        ['\\'] = true,
};

static void add_escaped(struct strbuf *b, const char *s) {
        for (; *s; s++) {
                if (!is_special[(unsigned char)*s])
                        strbuf_addc(b, *s);
                else if (*s == '"' || *s == '\\')
                        strbuf_addf(b, "\\%c", *s);
                else
                        strbuf_addf(b, "\\u%04x", (unsigned char)*s);
        }
}

void strbuf_add_json(struct strbuf *b, const char *s) {
        size_t n = 0;

        if (!s) {
                strbuf_adds(b, "null");
                return;
        }
        while (!is_special[(unsigned char)s[n]])
                n++;
        strbuf_addc(b, '"');
        strbuf_add(b, s, n);
        if (s[n])
                add_escaped(b, s + n);
        strbuf_addc(b, '"');
}

void strbuf_add_member(struct strbuf *b, const char *name, const char *value) {
        if (!value)
                return;
        strbuf_adds(b, name);
        strbuf_add_json(b, value);
}

int strbuf_error(const struct strbuf *b) { return b->failed ? -ENOMEM : 0; }

const char *strbuf_str(const struct strbuf *b) { return b->data ? b->data : ""; }

char *strbuf_steal(struct strbuf *b) {
        char *s = NULL;

        if (!b->failed) {
                s = b->data ? b->data : strdup("");
                b->data = NULL;
        }
        strbuf_done(b);
        return s;
}
