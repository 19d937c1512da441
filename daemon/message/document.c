/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "message/document.h"

#include <string.h>

#include "base/zone.h"

/* Readable on white and on black, so that a client may turn the colours of everything else around. */
static const char *const colours[BUCKET_SURVEYED] = {
        [BUCKET_COMPLETE] = "#2e8b57", [BUCKET_PENDING] = "#8a94a6", [BUCKET_DUE_SOON] = "#b7791f",
        [BUCKET_OVERDUE] = "#d93a3a",  [BUCKET_WAIVED] = "#7c6fb0",
};

struct document document_bare(const struct compose_context *context, const struct digest *digest,
                              struct words *words) {
        return (struct document){
                .context = context,
                .digest = digest,
                .pool = words->pool,
                .words = words,
                .today = zone_civil(digest->at).date,
        };
}

void document_init(struct document *doc, const struct compose_context *context,
                   const struct digest *digest, struct words *words, size_t max_items) {
        const struct model *m = context->model;
        struct value_pool *pool = words->pool;

        *doc = document_bare(context, digest, words);
        doc->root = value_object(pool);
        doc->max_items = max_items;
        value_set(pool, doc->root, "language", language_to_string(words->language));
        value_set(pool, doc->root, "organization", words_clean(words, m->organization.name));
        value_set(pool, doc->root, "organization_short",
                  words_clean(words, m->organization.short_name ? m->organization.short_name
                                                                : m->organization.name));
        value_set(pool, doc->root, "contact", words_clean(words, m->organization.contact));
        value_set(pool, doc->root, "year", words_year(words, doc->today));
        value_set(pool, doc->root, "date", words_date(words, doc->today));
        doc->blocks = value_list_in(pool, doc->root, "blocks");
}

void document_paragraph(struct document *doc, const char *text) {
        if (*text)
                value_set(doc->pool, value_add_object(doc->pool, doc->blocks), "paragraph", text);
}

void document_heading(struct document *doc, const char *text) {
        if (*text)
                value_set(doc->pool, value_add_object(doc->pool, doc->blocks), "heading", text);
}

struct value *document_items(struct document *doc, bool pointed) {
        struct value *block =
                value_object_in(doc->pool, value_add_object(doc->pool, doc->blocks), "itemized");

        value_set_flag(doc->pool, block, "pointed", pointed);
        return value_list_in(doc->pool, block, "items");
}

void document_more(struct document *doc, size_t n) {
        struct value *context = value_object(doc->pool);

        if (n <= doc->max_items)
                return;
        value_set(doc->pool, context, "count", words_count(doc->words, n - doc->max_items));
        document_paragraph(doc, words_phrase(doc->words, "more-items", context));
}

struct value *document_fact(struct document *doc, struct value *item, const char *label,
                            const char *value) {
        struct value *facts, *fact;

        if (!*value || !item)
                return NULL;
        facts = (struct value *)value_get(item, "facts", strlen("facts"));
        if (!facts)
                facts = value_list_in(doc->pool, item, "facts");
        fact = value_add_object(doc->pool, facts);
        value_set(doc->pool, fact, "label", words_named(doc->words, "label-", label, NULL));
        value_set(doc->pool, fact, "value", value);
        return fact;
}

void document_line(struct document *doc, struct value *fact, const char *text) {
        struct value *lines;

        if (!fact)
                return;
        lines = (struct value *)value_get(fact, "lines", strlen("lines"));
        if (!lines)
                lines = value_list_in(doc->pool, fact, "lines");
        value_add_text(doc->pool, lines, text);
}

struct value *document_table(struct document *doc) {
        struct value *table =
                value_object_in(doc->pool, value_add_object(doc->pool, doc->blocks), "table");

        value_list_in(doc->pool, table, "columns");
        value_list_in(doc->pool, table, "rows");
        return table;
}

static struct value *list_of(struct value *object, const char *name) {
        return (struct value *)value_get(object, name, strlen(name));
}

void document_column(struct document *doc, struct value *table, const char *title, bool right) {
        struct value *column = value_add_object(doc->pool, list_of(table, "columns"));

        value_set(doc->pool, column, "title", words_named(doc->words, "column-", title, NULL));
        value_set_flag(doc->pool, column, "right", right);
}

struct value *document_row(struct document *doc, struct value *table, bool total) {
        struct value *row = value_add_object(doc->pool, list_of(table, "rows"));

        value_set_flag(doc->pool, row, "total", total);
        value_list_in(doc->pool, row, "cells");
        return row;
}

/* The first cell of a row is its name; the others carry their column's title along, for the plain text. */
struct value *document_cell(struct document *doc, struct value *table, struct value *row,
                            const char *text) {
        struct value *cells = row ? list_of(row, "cells") : NULL;
        const struct value *column = table ? list_of(table, "columns") : NULL, *title;
        struct value *cell;
        size_t n = 0;

        if (!cells || !column)
                return NULL;
        for (const struct value *c = cells->first; c; c = c->next)
                n++;
        for (column = column->first; column && n > 0; n--)
                column = column->next;
        value_set_flag(doc->pool, cells->last, "followed",
                       cells->last && cells->last != cells->first);
        cell = value_add_object(doc->pool, cells);
        value_set(doc->pool, cell, "text", text);
        value_set_flag(doc->pool, cell, "first", cells->first == cell);
        title = value_get(column, "title", strlen("title"));
        value_set(doc->pool, cell, "title", title ? title->text : NULL);
        value_set_flag(doc->pool, cell, "right",
                       value_is_true(value_get(column, "right", strlen("right"))));
        return cell;
}

void document_bar(struct document *doc, const struct score *score) {
        points_t owed = score->max - score->points[BUCKET_SURVEYED];
        struct value *bar, *segments;
        int rest = 100, n = 0, seen = 0;

        for (int i = 0; i < BUCKET_SURVEYED; i++)
                n += score->points[i] > 0;
        if (owed <= 0 || n == 0)
                return;
        bar = value_object_in(doc->pool, value_add_object(doc->pool, doc->blocks), "bar");
        segments = value_list_in(doc->pool, bar, "segments");
        for (int i = 0; i < BUCKET_SURVEYED; i++) {
                struct value *segment;
                int percent;

                if (score->points[i] <= 0)
                        continue;
                seen++;
                percent = (int)(((int64_t)score->points[i] * 100 + owed / 2) / owed);
                percent = percent < 1                   ? 1
                          : percent > rest - (n - seen) ? rest - (n - seen)
                                                        : percent;
                if (seen == n)
                        percent = rest;
                rest -= percent;
                segment = value_add_object(doc->pool, segments);
                value_setf(doc->pool, segment, "percent", "%d", percent);
                value_set(doc->pool, segment, "colour", colours[i]);
                value_set(
                        doc->pool, segment, "title",
                        words_named(doc->words, "bucket-", bucket_to_string((enum bucket)i), NULL));
                value_set(doc->pool, segment, "points", words_points(doc->words, score->points[i]));
                value_set_flag(doc->pool, segment, "last", seen == n);
        }
}

void document_ledger_head(struct document *doc) {
        struct value *context = value_object(doc->pool);

        if (!doc->context->ledger_head)
                return;
        value_set(doc->pool, context, "head", words_clean(doc->words, doc->context->ledger_head));
        document_paragraph(doc, words_phrase(doc->words, "ledger-head", context));
}
