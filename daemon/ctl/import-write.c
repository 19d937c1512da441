/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/cleanup.h"
#include "base/strmap.h"
#include "base/text.h"
#include "ctl/import-row.h"

DEFINE_CLEANUP(struct strmap *, strmap_free)

/* A libconfig string. What was cleaned holds no control characters. */
static void write_text(struct strbuf *out, const char *text) {
        strbuf_addc(out, '"');
        for (; *text; text++) {
                if (*text == '"' || *text == '\\')
                        strbuf_addc(out, '\\');
                strbuf_addc(out, *text);
        }
        strbuf_addc(out, '"');
}

static void write_texts(struct strbuf *out, const struct string_list *list) {
        strbuf_adds(out, "[ ");
        for (size_t i = 0; i < list->n; i++) {
                strbuf_adds(out, i > 0 ? ", " : "");
                write_text(out, list->items[i]);
        }
        strbuf_adds(out, " ]");
}

static void write_points(struct strbuf *out, points_t points) {
        if (points % 10 != 0)
                strbuf_addf(out, "%d.%02d", points / 100, points % 100);
        else
                strbuf_addf(out, "%d.%d", points / 100, points % 100 / 10);
}

static void write_date(struct strbuf *out, const struct due *due) {
        char date[DATE_BUFFER];

        strbuf_addf(out, "\"%s", date_format(due->date, date));
        if (due->time_of_day >= 0)
                strbuf_addf(out, " %02d:%02d", due->time_of_day / 3600, due->time_of_day / 60 % 60);
        strbuf_addc(out, '"');
}

static void write_due(struct strbuf *out, const struct due *due) {
        if (!due->label) {
                write_date(out, due);
                return;
        }
        strbuf_adds(out, "{ date = ");
        write_date(out, due);
        strbuf_adds(out, "; label = ");
        write_text(out, due->label);
        strbuf_adds(out, "; }");
}

static void write_dues(struct strbuf *out, const struct import_row *t) {
        bool one = t->n_dues == 1 && !t->dues[0].label;

        if (t->n_dues == 0)
                return;
        strbuf_adds(out, "\n          ");
        if (t->word == DUE_WORD_BEFORE)
                strbuf_adds(out, "due_word = \"before\"; ");
        strbuf_adds(out, one ? "due = " : "due = ( ");
        for (size_t i = 0; i < t->n_dues; i++) {
                strbuf_adds(out, i > 0 ? ", " : "");
                write_due(out, &t->dues[i]);
        }
        strbuf_adds(out, one ? ";" : " );");
}

static void write_people(struct strbuf *out, const struct import_row *t) {
        if (t->units.n == 1) {
                strbuf_adds(out, " unit = ");
                write_text(out, t->units.items[0]);
                strbuf_addc(out, ';');
        } else if (t->units.n > 1) {
                strbuf_adds(out, " each_unit = ");
                write_texts(out, &t->units);
                strbuf_addc(out, ';');
        }
        if (t->co_units.n > 0) {
                strbuf_adds(out, " co_units = ");
                write_texts(out, &t->co_units);
                strbuf_addc(out, ';');
        }
        if (!t->tracked)
                strbuf_adds(out, " tracked = false;");
}

static void write_evidence(struct strbuf *out, const struct import_row *t) {
        if (t->n_needs == 0)
                return;
        strbuf_adds(out, "\n          evidence: { dir = ");
        write_text(out, t->dir);
        strbuf_adds(out, "; need = (");
        for (size_t i = 0; i < t->n_needs; i++) {
                strbuf_adds(out, "\n                { match = [ ");
                write_text(out, t->needs[i].pattern);
                strbuf_adds(out, " ];");
                if (t->needs[i].count != 1)
                        strbuf_addf(out, " count = %u;", t->needs[i].count);
                strbuf_adds(out, i + 1 < t->n_needs ? " }," : " }");
        }
        strbuf_adds(out, "\n          ); };");
}

static void write_task(struct strbuf *out, const struct import_row *t) {
        strbuf_adds(out, "        { id = ");
        write_text(out, t->id);
        strbuf_adds(out, "; area = ");
        write_text(out, t->area);
        strbuf_adds(out, "; points = ");
        write_points(out, t->points);
        strbuf_addc(out, ';');
        write_people(out, t);
        strbuf_adds(out, "\n          title = ");
        write_text(out, t->title);
        strbuf_addc(out, ';');
        write_dues(out, t);
        write_evidence(out, t);
        strbuf_adds(out, " }");
}

/* Each name once, in the order in which it comes first. */
static void add_name(struct strbuf *out, struct strmap *seen, const char *name) {
        if (!seen || strmap_get(seen, name))
                return;
        strbuf_adds(out, strmap_size(seen) > 0 ? ", " : " ");
        strbuf_adds(out, name);
        (void)strmap_put(seen, name, seen);
}

static void write_names(const struct import_row *rows, size_t n, struct strbuf *out) {
        _cleanup_(strmap_free_p) struct strmap *areas = strmap_new(), *units = strmap_new();

        strbuf_adds(out, "# It names these areas:");
        for (size_t i = 0; i < n; i++)
                add_name(out, areas, rows[i].area);
        strbuf_adds(out, "\n# and these units:");
        for (size_t i = 0; i < n; i++) {
                for (size_t k = 0; k < rows[i].units.n; k++)
                        add_name(out, units, rows[i].units.items[k]);
                for (size_t k = 0; k < rows[i].co_units.n; k++)
                        add_name(out, units, rows[i].co_units.items[k]);
        }
        strbuf_adds(out, "\n");
}

void import_write(const struct import_row *rows, size_t n, const char *name, struct strbuf *out) {
        _cleanup_free_ char *clean = text_sanitize(name, strlen(name));

        strbuf_addf(out, "# %zu task%s, made by evidencectl import from %s.\n", n,
                    plural(n, "", "s"), clean ? clean : "?");
        write_names(rows, n, out);
        strbuf_adds(out, "\ntasks: (\n");
        for (size_t i = 0; i < n; i++) {
                write_task(out, &rows[i]);
                strbuf_adds(out, i + 1 < n ? ",\n\n" : "\n");
        }
        strbuf_adds(out, ");\n");
}
