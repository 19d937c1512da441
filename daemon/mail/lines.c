/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mail/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Return: bytes written; @out NULL: only counted. */
static size_t convert(const char *text, size_t size, const char *end, char *out) {
        size_t n = 0, i = 0;

        while (i < size) {
                const char *start = text + i;
                size_t len = 0;

                while (i + len < size && start[len] != '\r' && start[len] != '\n')
                        len++;
                if (out)
                        memcpy(out + n, start, len);
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
