/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/csv.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/arena.h"
#include "base/array.h"
#include "base/cleanup.h"
#include "base/strbuf.h"
#include "base/text.h"

struct row_list ARRAY(struct csv_row);
struct cell_list ARRAY(char *);

struct reader {
        const char *p, *end;
        char delimiter;
        struct arena *arena;    /* owned until it is given away */
        struct strbuf cell;     /* the one being read */
        struct cell_list cells; /* of the row being read */
        struct row_list rows;
        const char *error;
        int result;
};

static void reader_done(struct reader *r) {
        arena_free(r->arena);
        strbuf_done(&r->cell);
        array_done(&r->cells);
        array_done(&r->rows);
}

void csv_done(struct csv *csv) {
        arena_free(csv->arena);
        *csv = (struct csv){};
}

static int fail(struct reader *r, int result, const char *error) {
        if (!r->error) {
                r->error = error;
                r->result = result;
        }
        return r->result;
}

char csv_guess_delimiter(const char *text, size_t size) {
        static const char candidates[] = {',', ';', '\t'};
        size_t counts[sizeof(candidates)] = {}, best = 0;
        bool quoted = false;

        for (size_t i = 0; i < size && (quoted || (text[i] != '\n' && text[i] != '\r')); i++) {
                if (text[i] == '"')
                        quoted = !quoted;
                for (size_t k = 0; k < sizeof(candidates) && !quoted; k++)
                        counts[k] += text[i] == candidates[k];
        }
        for (size_t k = 1; k < sizeof(candidates); k++)
                if (counts[k] > counts[best])
                        best = k;
        return candidates[best];
}

static bool at_end_of_row(const struct reader *r) {
        return r->p == r->end || *r->p == '\n' || *r->p == '\r';
}

static void skip_end_of_row(struct reader *r) {
        if (r->p < r->end && *r->p == '\r')
                r->p++;
        else if (r->p < r->end) {
                r->p++;
                return;
        }
        if (r->p < r->end && *r->p == '\n')
                r->p++;
}

/* Behind the opening quote. */
static int read_quoted(struct reader *r) {
        for (; r->p < r->end; r->p++) {
                if (*r->p == '"') {
                        if (r->p + 1 == r->end || r->p[1] != '"') {
                                r->p++;
                                if (!at_end_of_row(r) && *r->p != r->delimiter)
                                        return fail(r, -EINVAL,
                                                    "there is text behind a closing quote");
                                return 0;
                        }
                        r->p++; /* two stand for one */
                }
                if (r->cell.len >= CSV_MAX_CELL)
                        return fail(r, -E2BIG, "a cell is longer than 64 KiB");
                strbuf_addc(&r->cell, *r->p);
        }
        return fail(r, -EINVAL, "a quote is never closed");
}

static int read_plain(struct reader *r) {
        for (; !at_end_of_row(r) && *r->p != r->delimiter; r->p++) {
                if (*r->p == '"')
                        return fail(r, -EINVAL,
                                    "there is a quote inside a cell that does not begin with one");
                if (r->cell.len >= CSV_MAX_CELL)
                        return fail(r, -E2BIG, "a cell is longer than 64 KiB");
                strbuf_addc(&r->cell, *r->p);
        }
        return 0;
}

static int read_cell(struct reader *r) {
        int result;

        strbuf_reset(&r->cell);
        if (r->p < r->end && *r->p == '"') {
                r->p++;
                result = read_quoted(r);
        } else {
                result = read_plain(r);
        }
        if (result < 0)
                return result;
        if (r->cells.n >= CSV_MAX_CELLS)
                return fail(r, -E2BIG, "a row has more than 1000 cells");
        if (strbuf_error(&r->cell) < 0 ||
            array_push(&r->cells, arena_strdup(r->arena, strbuf_str(&r->cell))) < 0)
                return fail(r, -ENOMEM, "out of memory");
        return 0;
}

static int read_row(struct reader *r) {
        struct csv_row row = {.number = (unsigned)r->rows.n + 1};
        char **cells;
        int result;

        r->cells.n = 0;
        for (;;) {
                result = read_cell(r);
                if (result < 0)
                        return result;
                if (at_end_of_row(r))
                        break;
                r->p++; /* the delimiter */
        }
        skip_end_of_row(r);
        if (r->rows.n >= CSV_MAX_ROWS)
                return fail(r, -E2BIG, "there are more than 100000 rows");
        cells = arena_new_array(r->arena, char *, r->cells.n);
        memcpy(cells, r->cells.items, r->cells.n * sizeof(*cells));
        row.cells = cells;
        row.n = r->cells.n;
        return array_push(&r->rows, row) < 0 ? fail(r, -ENOMEM, "out of memory") : 0;
}

static int check_text(struct reader *r, const char *text, size_t size) {
        if (size > CSV_MAX_BYTES)
                return fail(r, -E2BIG, "the file is larger than 16 MiB");
        if (memchr(text, '\0', size))
                return fail(r, -EINVAL,
                            "this is no text, or UTF-16: save it as CSV in UTF-8 (\"CSV UTF-8\")");
        if (!utf8_valid(text, size))
                return fail(r, -EINVAL,
                            "this is not UTF-8: save it as CSV in UTF-8 (\"CSV UTF-8\")");
        return 0;
}

int csv_parse(const char *text, size_t size, char delimiter, struct csv *ret, unsigned *ret_row,
              const char **ret_error) {
        _cleanup_(reader_done) struct reader r = {.delimiter = delimiter};
        int result = check_text(&r, text, size);

        if (result < 0) {
                *ret_row = 0;
                *ret_error = r.error;
                return result;
        }
        r.arena = arena_new();
        if (!r.arena)
                return -ENOMEM;
        r.p = text + (size >= 3 && memcmp(text, CSV_MARK, 3) == 0 ? 3 : 0);
        r.end = text + size;
        while (r.p < r.end && result == 0)
                result = read_row(&r);
        if (result < 0) {
                *ret_row = (unsigned)r.rows.n + 1;
                *ret_error = r.error;
                return result;
        }
        *ret = (struct csv){.n = r.rows.n};
        ret->rows = arena_new_array(r.arena, struct csv_row, r.rows.n);
        if (r.rows.n > 0)
                memcpy(ret->rows, r.rows.items, r.rows.n * sizeof(*ret->rows));
        ret->arena = steal_ptr(r.arena);
        return 0;
}

/* ---- writing ---- */

static void add_cell(struct strbuf *b, const char *cell) {
        const char *p = cell;

        strbuf_addc(b, '"');
        if (*p && strchr("=+-@\t\r\n", *p))
                strbuf_addc(b, '\'');
        for (; *p; p++) {
                if (*p == '"')
                        strbuf_addc(b, '"');
                strbuf_addc(b, *p);
        }
        strbuf_addc(b, '"');
}

void csv_add_row(struct strbuf *b, const char *const *cells, size_t n) {
        for (size_t i = 0; i < n; i++) {
                strbuf_adds(b, i > 0 ? "," : "");
                if (cells[i] && *cells[i])
                        add_cell(b, cells[i]);
        }
        strbuf_adds(b, "\r\n");
}
