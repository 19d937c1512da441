/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Rows of a spreadsheet's text file: RFC 4180, with the separators that spreadsheets use in its place. Knows nothing of
 * what stands in the cells, but that what is written must not be taken for a formula.
 */

#include <stddef.h>

#include "base/strbuf.h"

#define CSV_MAX_BYTES (16u << 20)
#define CSV_MAX_ROWS 100000
#define CSV_MAX_CELLS 1000       /* of one row */
#define CSV_MAX_CELL (64u << 10) /* bytes */

struct csv_row {
        unsigned
                number; /* as a spreadsheet counts, from 1; a line break inside a cell does not count */
        char *const *cells; /* UTF-8 with a NUL behind it */
        size_t n;
};

struct csv {
        struct arena *arena; /* owned: all rows and cells */
        struct csv_row *rows;
        size_t n;
};

void csv_done(struct csv *csv);

/** csv_guess_delimiter() - tab, ';' or ',': what the first row has most of outside quotes, ',' when it has none */
char csv_guess_delimiter(const char *text, size_t size);

/**
 * csv_parse() - all rows, the empty ones as well
 * @text:      UTF-8, with or without a byte order mark; rows end in LF, CR LF or CR
 * @ret:       the caller's (csv_done()); untouched on failure
 * @ret_row:   the row with the error, 0 when it is the file's
 * @ret_error: static words
 *
 * Return: 0, -EINVAL (a quote in the wrong place, one that is never closed, no UTF-8, NUL bytes), -E2BIG (over a cap), -ENOMEM.
 */
int csv_parse(const char *text, size_t size, char delimiter, struct csv *ret, unsigned *ret_row,
              const char **ret_error);

/** What a file for spreadsheets begins with: some of them take UTF-8 for something else without it. */
#define CSV_MARK "\xef\xbb\xbf"

/**
 * csv_add_row() - one row, ending in CR LF
 * @cells: NULL: empty. One that a spreadsheet would run as a formula (it begins with = + - @, a tab or a line break) gets an
 *         apostrophe in front; NUL and other control characters are the caller's to keep out.
 */
void csv_add_row(struct strbuf *b, const char *const *cells, size_t n);
