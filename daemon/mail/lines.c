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

int lines_convert(const char *text, size_t size, const char *end, char **ret, size_t *ret_size) {
        _cleanup_(strbuf_done) struct strbuf b = STRBUF_INIT;
        size_t cr = find(text, size, 0, '\r'), lf = find(text, size, 0, '\n'), n, i = 0;
        char *out;

        strbuf_reserve(&b, size + size / 16);
        strbuf_adds(&b, "");
        while (i < size) {
                size_t stop;

                if (cr < i)
                        cr = find(text, size, i, '\r');
                if (lf < i)
                        lf = find(text, size, i, '\n');
                stop = cr < lf ? cr : lf;
                strbuf_add(&b, text + i, stop - i);
                strbuf_adds(&b, end);
                i = stop == cr && lf == cr + 1 ? stop + 2
                                               : stop + 1; /* the end of all is one, too */
        }
        n = b.len;
        out = strbuf_steal(&b);
        if (!out)
                return -ENOMEM;
        *ret = out;
        *ret_size = n;
        return 0;
}
