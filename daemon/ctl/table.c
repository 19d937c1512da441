/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdint.h>

#include <libsmartcols.h>

#include "base/cleanup.h"
#include "ctl/output.h"

struct table {
        struct libscols_table *scols; /* owned reference */
        size_t n_columns, n_rows;
        bool failed;
};

static int column_flags(int flags) {
        return (flags & COLUMN_RIGHT ? SCOLS_FL_RIGHT : 0) |
               (flags & COLUMN_CUT ? SCOLS_FL_TRUNC : 0) |
               (flags & COLUMN_WRAP ? SCOLS_FL_WRAP : 0);
}

struct table *table_new(const struct column *columns, size_t n) {
        struct table *t = calloc(1, sizeof(*t));

        if (t)
                t->scols = scols_new_table();
        if (!t || !t->scols) {
                no_memory();
                return table_free(t);
        }
        t->n_columns = n;
        scols_table_enable_colors(t->scols, *colour("bold") != '\0');
        for (size_t i = 0; i < n; i++) {
                struct libscols_column *c =
                        scols_table_new_column(t->scols, columns[i].name, columns[i].width,
                                               column_flags(columns[i].flags));

                if (!c)
                        t->failed = true;
                else if (*colour("bold"))
                        scols_cell_set_color(scols_column_get_header(c), "bold");
        }
        return t;
}

struct table *table_free(struct table *t) {
        if (t)
                scols_unref_table(t->scols);
        free(t);
        return NULL;
}

void table_row(struct table *t, const char *const *cells, size_t coloured, const char *name) {
        struct libscols_line *line = scols_table_new_line(t->scols, NULL);

        t->n_rows++;
        for (size_t i = 0; line && i < t->n_columns; i++) {
                char *clean = clean_text(cells[i] ? cells[i] : "");

                if (!clean || scols_line_refer_data(line, i, clean) < 0)
                        t->failed = true;
        }
        if (!line)
                t->failed = true;
        else if (name && *colour(name))
                scols_cell_set_color(scols_line_get_cell(line, coloured), name);
}

size_t table_size(const struct table *t) { return t->n_rows; }

int table_print(struct table *t) {
        int r = t->failed || scols_print_table(t->scols) < 0 ? EXIT_FAILURE : 0;

        table_free(t);
        if (r != 0)
                complain("out of memory");
        return r;
}
