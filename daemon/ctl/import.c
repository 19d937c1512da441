/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/import.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strmap.h"
#include "base/text.h"
#include "config/value.h"
#include "core/pattern.h"
#include "core/placeholder.h"
#include "ctl/import-row.h"
#include "ctl/import-values.h"

#define NO_COLUMN SIZE_MAX

DEFINE_CLEANUP(struct strmap *, strmap_free)

struct import {
        const struct csv *csv;
        import_problem_fn on_problem;
        void *userdata;
        struct arena *arena;              /* owned */
        struct strmap *ids;               /* owned; id → its row */
        size_t place[_IMPORT_COLUMN_MAX]; /* of the column in a row; NO_COLUMN */
        size_t n_errors;
        unsigned row; /* being read; 0: none */
};

static void import_done(struct import *m) {
        arena_free(m->arena);
        strmap_free(m->ids);
}

static void __attribute__((format(printf, 3, 4)))
say(struct import *m, bool error, const char *format, ...) {
        _cleanup_free_ char *text = NULL;
        va_list ap;
        int n;

        va_start(ap, format);
        n = vasprintf(&text, format, ap);
        va_end(ap);
        m->n_errors += error;
        m->on_problem(m->userdata, m->row, error, n < 0 ? "out of memory" : text);
}

#define bad(m, ...) say((m), true, __VA_ARGS__)
#define note(m, ...) say((m), false, __VA_ARGS__)

/* ---- headings ---- */

static bool is_empty(const struct csv_row *row) {
        for (size_t i = 0; i < row->n; i++)
                if (row->cells[i][strspn(row->cells[i], " \t\r\n")])
                        return false;
        return true;
}

static void read_heading(struct import *m, const char *heading, size_t place) {
        enum import_column column;
        int r = import_column_from_heading(heading, &column);

        if (r == -ENOENT) {
                if (*heading)
                        note(m, "the column \"%s\" is left out: it is none that is known", heading);
        } else if (r < 0) {
                bad(m, "out of memory");
        } else if (m->place[column] != NO_COLUMN) {
                bad(m, "the columns %zu and %zu (\"%s\") are both '%s': rename one of them",
                    m->place[column] + 1, place + 1, heading, import_column_to_string(column));
        } else {
                m->place[column] = place;
        }
}

static void read_headings(struct import *m, const struct csv_row *row) {
        static const enum import_column wanted[] = {IMPORT_ID, IMPORT_AREA, IMPORT_TITLE,
                                                    IMPORT_POINTS, IMPORT_UNIT};

        m->row = row->number;
        for (size_t i = 0; i < row->n; i++) {
                const char *heading = import_clean(m->arena, row->cells[i]);

                read_heading(m, heading ? heading : "", i);
        }
        for (size_t i = 0; i < ELEMENTSOF(wanted); i++)
                if (m->place[wanted[i]] == NO_COLUMN)
                        bad(m, "there is no column '%s' (the first row has the headings)",
                            import_column_to_string(wanted[i]));
}

/* ---- one row ---- */

static const char *cell(struct import *m, const struct csv_row *row, enum import_column column) {
        size_t place = m->place[column];

        return place == NO_COLUMN || place >= row->n ? "" : row->cells[place];
}

static const char *clean_cell(struct import *m, const struct csv_row *row,
                              enum import_column column) {
        const char *text = import_clean(m->arena, cell(m, row, column));

        return text ? text : "";
}

static struct string_list list_cell(struct import *m, const struct csv_row *row,
                                    enum import_column column) {
        struct string_list list = {};

        if (import_split(m->arena, cell(m, row, column), &list) < 0)
                bad(m, "out of memory");
        return list;
}

static const char *id_cell(struct import *m, const struct csv_row *row, enum import_column column) {
        const char *text = clean_cell(m, row, column);

        if (!*text)
                bad(m, "'%s' is empty", import_column_to_string(column));
        else if (!value_is_id(text))
                bad(m, "\"%s\" is no id for '%s': no blanks, none of / @ , ; * ? { }", text,
                    import_column_to_string(column));
        return text;
}

static void check_ids(struct import *m, const struct string_list *list, const char *what) {
        for (size_t i = 0; i < list->n; i++)
                if (!value_is_id(list->items[i]))
                        bad(m, "\"%s\" is no id of a unit ('%s'): no blanks, none of / @ , * ? { }",
                            list->items[i], what);
}

static void read_names(struct import *m, const struct csv_row *row, struct import_row *t) {
        const char *points = clean_cell(m, row, IMPORT_POINTS);
        const struct csv_row *first;

        t->id = id_cell(m, row, IMPORT_ID);
        t->area = id_cell(m, row, IMPORT_AREA);
        t->title = clean_cell(m, row, IMPORT_TITLE);
        if (!*t->title)
                bad(m, "'title' is empty");
        first = *t->id ? strmap_get(m->ids, t->id) : NULL;
        if (first)
                bad(m, "the id '%s' stands in row %u already", t->id, first->number);
        else if (*t->id && strmap_put(m->ids, t->id, (void *)row) < 0)
                bad(m, "out of memory");
        if (*points && import_points(points, &t->points) < 0)
                bad(m, "\"%s\" is no number of points: write it like 2, 0.5 or 0,5", points);
        t->units = list_cell(m, row, IMPORT_UNIT);
        check_ids(m, &t->units, "unit");
        t->co_units = list_cell(m, row, IMPORT_CO_UNITS);
        check_ids(m, &t->co_units, "co_units");
}

static int compare_dues(const void *pa, const void *pb) {
        const struct due *a = pa, *b = pb;

        return (a->date > b->date) - (a->date < b->date);
}

static void read_dues(struct import *m, const struct csv_row *row, struct import_row *t) {
        struct string_list texts = list_cell(m, row, IMPORT_DUE);
        const char *word = clean_cell(m, row, IMPORT_WORD);
        struct due *dues = arena_new_array(m->arena, struct due, texts.n);

        t->word = DUE_WORD_BY;
        if (*word && import_due_word(word, &t->word) < 0)
                bad(m,
                    "\"%s\" does not say how a deadline counts: write by or before (chậm nhất "
                    "ngày, trước ngày)",
                    word);
        for (size_t i = 0; i < texts.n; i++) {
                int r = import_due(m->arena, texts.items[i], &dues[t->n_dues]);

                if (r == -ERANGE)
                        bad(m, "there is no day \"%s\" (the day stands before the month)",
                            texts.items[i]);
                else if (r < 0)
                        bad(m,
                            "\"%s\" is no deadline: write it like 2018-11-30, 30/11/2018, "
                            "2018-11-30 16:30 or 2018-11-30 (quý III)",
                            texts.items[i]);
                else
                        t->n_dues++;
        }
        if (t->n_dues > 1)
                qsort(dues, t->n_dues, sizeof(*dues), compare_dues);
        for (size_t i = 1; i < t->n_dues; i++)
                if (dues[i].date == dues[i - 1].date)
                        bad(m, "a deadline stands twice in 'due'");
        t->dues = dues;
}

/* "*BC*.pdf ×3": the pattern and how many. */
static void read_pattern(struct import *m, const char *text, struct import_need *ret) {
        const char *last = strrchr(text, ' '), *times = strstr(text, " ×");

        ret->pattern = text;
        ret->count = 1;
        if (!times && last && last[1] == 'x' && import_count(last + 1, &ret->count) == 0)
                times = last;
        if (!times)
                return;
        ret->pattern =
                import_clean(m->arena, arena_strndup(m->arena, text, (size_t)(times - text)));
        ret->stated = true;
        if (import_count(times + 1, &ret->count) < 0)
                bad(m, "\"%s\" does not say how many files: write it like \"*.pdf ×3\"", text);
        if (!ret->pattern || !*ret->pattern)
                bad(m, "there is no pattern in \"%s\"", text);
}

static void read_counts(struct import *m, const struct csv_row *row, struct import_row *t) {
        struct string_list counts = list_cell(m, row, IMPORT_COUNT);
        uint32_t count;

        if (counts.n > 1 && counts.n != t->n_needs) {
                bad(m, "'count' has %zu numbers for %zu patterns: give one, or one each", counts.n,
                    t->n_needs);
                return;
        }
        for (size_t i = 0; i < counts.n; i++)
                if (import_count(counts.items[i], &count) < 0) {
                        bad(m, "\"%s\" is no count: write a number from 1 to 10000",
                            counts.items[i]);
                        return;
                }
        for (size_t i = 0; counts.n > 0 && i < t->n_needs; i++)
                if (!t->needs[i].stated)
                        (void)import_count(counts.items[counts.n == 1 ? 0 : i], &t->needs[i].count);
}

static void read_evidence(struct import *m, const struct csv_row *row, struct import_row *t) {
        struct string_list patterns = list_cell(m, row, IMPORT_PATTERNS);

        t->dir = clean_cell(m, row, IMPORT_DIR);
        t->n_needs = patterns.n > 0 ? patterns.n : *t->dir ? 1 : 0;
        t->needs = arena_new_array(m->arena, struct import_need, t->n_needs);
        for (size_t i = 0; i < patterns.n; i++)
                read_pattern(m, patterns.items[i], &t->needs[i]);
        if (patterns.n == 0 && t->n_needs == 1)
                t->needs[0] = (struct import_need){.pattern = "*", .count = 1};
        if (t->n_needs > 0 && !*t->dir)
                bad(m, "there are patterns, but no folder ('dir')");
        if (*t->dir == '/' || strcmp(t->dir, "..") == 0 || startswith(t->dir, "../") ||
            strstr(t->dir, "/../") || endswith(t->dir, "/.."))
                bad(m, "the folder \"%s\" must lie below the evidence roots", t->dir);
        if (t->n_needs > 0)
                read_counts(m, row, t);
        else if (*clean_cell(m, row, IMPORT_COUNT))
                note(m, "'count' is left out: there are neither patterns nor a folder");
}

/* ---- what only the whole row shows ---- */

static void check_pattern(struct import *m, const struct task *task, const struct unit *unit,
                          const struct due *due, const char *text) {
        const char *expanded = placeholders_expand_pattern(m->arena, text, task, unit, due), *error;
        const struct pattern *pattern;

        if (!expanded)
                bad(m,
                    "the pattern \"%s\" has a {word} that is none of year, month, quarter, "
                    "label, unit, task, or without a value here",
                    text);
        else if (pattern_compile(m->arena, expanded, true, &pattern, &error) < 0)
                bad(m, "\"%s\" is no pattern: %s", text, error);
}

static void check_placeholders(struct import *m, const struct import_row *t,
                               const struct due *due) {
        const struct unit unit = {.id = t->units.n > 0 ? t->units.items[0] : "-"};
        const struct task task = {.id = t->id, .unit = &unit};
        const struct { const char *name, *text; } texts[] = {{"title", t->title}, {"dir", t->dir}};

        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                if (!placeholders_expand(m->arena, texts[i].text, &task, &unit, due)) {
                        bad(m,
                            "'%s' has a {word} that is none of year, month, quarter, label, "
                            "unit, task, or without a value here: \"%s\"",
                            texts[i].name, texts[i].text);
                        return;
                }
        for (size_t i = 0; i < t->n_needs; i++)
                if (t->needs[i].pattern)
                        check_pattern(m, &task, &unit, due, t->needs[i].pattern);
}

static void check_row(struct import *m, struct import_row *t) {
        size_t before = m->n_errors;

        t->tracked = t->units.n > 0 || t->n_dues > 0 || t->n_needs > 0;
        if (!t->tracked)
                note(m, "no unit, no deadline, no evidence: taken as points that others survey "
                        "(tracked = false)");
        else if (t->n_needs == 0)
                bad(m, "nothing says which evidence is owed: fill in 'dir' and 'patterns'");
        else if (t->units.n == 0)
                bad(m, "nobody owes it: fill in 'unit'");
        if (t->n_dues == 0)
                check_placeholders(m, t, NULL);
        for (size_t i = 0; i < t->n_dues && m->n_errors == before; i++)
                check_placeholders(m, t, &t->dues[i]);
}

static bool has_more(const struct import *m, const struct csv_row *heading,
                     const struct csv_row *row) {
        (void)m;
        for (size_t i = heading->n; i < row->n; i++)
                if (*row->cells[i])
                        return true;
        return false;
}

static void read_row(struct import *m, const struct csv_row *heading, const struct csv_row *row,
                     struct import_row *t) {
        m->row = row->number;
        if (has_more(m, heading, row))
                bad(m, "it has more cells than the row of headings: is a quote missing?");
        read_names(m, row, t);
        read_dues(m, row, t);
        read_evidence(m, row, t);
        check_row(m, t);
}

int import_tasks(const struct csv *csv, const char *name, import_problem_fn on_problem,
                 void *userdata, struct strbuf *out) {
        _cleanup_(import_done) struct import m = {.csv = csv,
                                                  .on_problem = on_problem,
                                                  .userdata = userdata,
                                                  .arena = arena_new(),
                                                  .ids = strmap_new()};
        struct import_row *rows;
        size_t first = 0, n = 0;

        if (!m.arena || !m.ids)
                return -ENOMEM;
        for (size_t i = 0; i < _IMPORT_COLUMN_MAX; i++)
                m.place[i] = NO_COLUMN;
        while (first < csv->n && is_empty(&csv->rows[first]))
                first++;
        if (first == csv->n) {
                bad(&m, "there is nothing in it");
                return -EINVAL;
        }
        read_headings(&m, &csv->rows[first]);
        if (m.n_errors > 0)
                return -EINVAL;
        rows = arena_new_array(m.arena, struct import_row, csv->n);
        for (size_t i = first + 1; i < csv->n; i++)
                if (!is_empty(&csv->rows[i]))
                        read_row(&m, &csv->rows[first], &csv->rows[i], &rows[n++]);
        m.row = 0;
        if (n == 0)
                bad(&m, "there is no task below the row of headings");
        if (m.n_errors > 0)
                return -EINVAL;
        import_write(rows, n, name, out);
        return strbuf_error(out);
}
