/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mail/lines.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"

/* Where @c is next, at or behind @i; @size: nowhere. */
static size_t find(const char *text, size_t size, size_t i, char c) {
        const char *found = i < size ? memchr(text + i, c, size - i) : NULL;

        return found ? (size_t)(found - text) : size;
}

static void convert(struct strbuf *b, const char *text, size_t size, const char *end, bool stuff) {
        size_t cr = find(text, size, 0, '\r'), lf = find(text, size, 0, '\n'), i = 0;

        strbuf_reserve(b, size + size / 16);
        while (i < size) {
                size_t stop;

                if (cr < i)
                        cr = find(text, size, i, '\r');
                if (lf < i)
                        lf = find(text, size, i, '\n');
                stop = cr < lf ? cr : lf;
                if (stuff && text[i] == '.')
                        strbuf_addc(b, '.');
                strbuf_add(b, text + i, stop - i);
                strbuf_adds(b, end);
                i = stop == cr && lf == cr + 1 ? stop + 2
                                               : stop + 1; /* the end of all is one, too */
        }
}

static int take(struct strbuf *b, char **ret, size_t *ret_size) {
        size_t n = b->len;
        char *out = strbuf_steal(b);

        if (!out)
                return -ENOMEM;
        *ret = out;
        *ret_size = n;
        return 0;
}

int lines_to_file(const char *text, size_t size, char **ret, size_t *ret_size) {
        _cleanup_(strbuf_done) struct strbuf b = STRBUF_INIT;

        convert(&b, text, size, "\n", false);
        strbuf_adds(&b, "");
        return take(&b, ret, ret_size);
}

int lines_to_smtp(const char *text, size_t size, char **ret, size_t *ret_size) {
        _cleanup_(strbuf_done) struct strbuf b = STRBUF_INIT;

        convert(&b, text, size, "\r\n", true);
        strbuf_adds(&b, ".\r\n");
        return take(&b, ret, ret_size);
}
