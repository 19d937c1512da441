/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mail/lines.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Length of the line at @i. @lf: where the next LF at or behind @i is, kept so that each byte is searched once. */
static size_t line_length(const char *text, size_t size, size_t i, size_t *lf) {
        const char *found;

        if (*lf == SIZE_MAX || *lf < i) {
                found = memchr(text + i, '\n', size - i);
                *lf = found ? (size_t)(found - text) : size;
        }
        found = memchr(text + i, '\r', *lf - i);
        return found ? (size_t)(found - text) - i : *lf - i;
}

/* Return: bytes written; @out NULL: only counted. */
static size_t convert(const char *text, size_t size, const char *end, char *out) {
        size_t n = 0, i = 0, lf = SIZE_MAX;

        while (i < size) {
                size_t len = line_length(text, size, i, &lf);

                if (out)
                        memcpy(out + n, text + i, len);
                n += len;
                for (const char *p = end; *p; p++, n++)
                        if (out)
                                out[n] = *p;
                i += len;
                if (i + 1 < size && text[i] == '\r' && text[i + 1] == '\n')
                        i++;
                i++; /* the line end, or the end of all */
        }
        return n;
}

int lines_convert(const char *text, size_t size, const char *end, char **ret, size_t *ret_size) {
        size_t n = convert(text, size, end, NULL);
        char *out = malloc(n + 1);

        if (!out)
                return -ENOMEM;
        convert(text, size, end, out);
        out[n] = 0;
        *ret = out;
        *ret_size = n;
        return 0;
}
