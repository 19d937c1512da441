/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "message/document.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/zone.h"
#include "message/record.h"

/* The record of reminders: how many about each unit, then mail by mail. */

static const char *const fates[_FATE_MAX] = {
        [FATE_ACCEPTED] = "accepted",
        [FATE_DOUBT] = "in-doubt",
        [FATE_PARKED] = "parked",
        [FATE_WITHDRAWN] = "withdrawn",
};

static void count_row(struct document *doc, struct value *table, const char *name,
                      const struct record_count *count, bool total) {
        struct value *row = document_row(doc, table, total);

        document_cell(doc, table, row, name);
        for (size_t i = 0; i < _FATE_MAX; i++) {
                struct value *cell =
                        document_cell(doc, table, row, words_count(doc->words, count->n[i]));

                value_set_flag(doc->pool, cell, "alarm", i == FATE_PARKED && count->n[i] > 0);
        }
}

static bool is_empty(const struct record_count *count) {
        size_t n = 0;

        for (size_t i = 0; i < _FATE_MAX; i++)
                n += count->n[i];
        return n == 0;
}

/* A mail about several units stands in the row of each, so that the rows may be more than the last. */
static void count_table(struct document *doc, const struct record_page *page) {
        const struct model *m = doc->context->model;
        struct value *table = document_table(doc);
        size_t n = 0;

        document_column(doc, table, "record-unit", false);
        for (size_t i = 0; i < _FATE_MAX; i++)
                document_column(doc, table, fates[i], true);
        for (size_t i = 0; i < m->n_units; i++)
                if (!is_empty(&page->units[i]) && n++ < doc->max_items)
                        count_row(doc, table, words_clean(doc->words, m->units[i].name),
                                  &page->units[i], false);
        count_row(doc, table, words_phrase(doc->words, "record-total", NULL), &page->total, true);
        document_more(doc, n);
}

/* A date does not break in the middle, however narrow the page. */
static void time_cell(struct document *doc, struct value *table, struct value *row, usec_t at) {
        struct value *cell = document_cell(doc, table, row, words_moment(doc->words, at));

        value_set_flag(doc->pool, cell, "whole", true);
}

/* A server's words as they are; ours in the office's language. */
static const char *answer_words(struct document *doc, const char *answer) {
        static const struct {
                const char *why, *phrase;
        } known[] = {
                {WHY_UNASKED, "why-unasked"},
                {WHY_SETTLED, "why-settled"},
                {WHY_LATER, "why-later"},
        };
        struct value *context;

        for (size_t i = 0; i < ELEMENTSOF(known); i++)
                if (strcmp(answer, known[i].why) == 0)
                        return words_phrase(doc->words, known[i].phrase, NULL);
        if (!startswith(answer, WHY_DROPPED))
                return words_clean(doc->words, answer);
        context = value_object(doc->pool);
        value_set(doc->pool, context, "by", words_clean(doc->words, answer + strlen(WHY_DROPPED)));
        return words_phrase(doc->words, "why-dropped", context);
}

/* @fate: say it before the answer. A column of its own would leave too little of a narrow page to the others. */
static void answer_cell(struct document *doc, struct value *table, struct value *row,
                        const struct record_mail *mail, bool fate) {
        bool withdrawn = mail->fate == FATE_WITHDRAWN;
        const char *answer =
                withdrawn ? answer_words(doc, mail->answer) : said_words(doc->words, mail->answer);
        struct value *cell = document_cell(doc, table, row, answer);

        if (fate)
                value_setf(doc->pool, cell, "text", "%s%s%s",
                           words_named(doc->words, "column-", fates[mail->fate], NULL),
                           *answer ? ": " : "", answer);
}

static void mail_table(struct document *doc, const char *heading, const struct record_list *list,
                       bool fate) {
        struct value *table;
        size_t n = list->n < doc->max_items ? list->n : doc->max_items;

        if (list->all == 0)
                return;
        document_heading(doc, words_phrase(doc->words, heading, NULL));
        table = document_table(doc);
        document_column(doc, table, "record-time", false);
        document_column(doc, table, "record-address", false);
        document_column(doc, table, "record-subject", false);
        document_column(doc, table, "record-answer", false);
        for (size_t i = 0; i < n; i++) {
                const struct record_mail *mail = &list->items[i];
                struct value *row = document_row(doc, table, false);

                time_cell(doc, table, row, mail->at);
                document_cell(doc, table, row, words_clean(doc->words, mail->address));
                document_cell(doc, table, row, words_clean(doc->words, mail->subject));
                answer_cell(doc, table, row, mail, fate);
        }
        if (list->all > n) {
                struct value *context = value_object(doc->pool);

                value_set(doc->pool, context, "count", words_count(doc->words, list->all - n));
                document_paragraph(doc, words_phrase(doc->words, "more-items", context));
        }
}

void record_body(struct document *doc) {
        const struct record_page *page = doc->context->record;
        struct value *context = value_object(doc->pool);
        char since[INSTANT_BUFFER], until[INSTANT_BUFFER];

        if (!page) /* nothing but a subject is known of it: simulate */
                return;
        value_set(doc->pool, context, "from", words_moment(doc->words, page->from));
        value_set(doc->pool, context, "moment", words_moment(doc->words, page->until));
        value_set(doc->pool, context, "since", zone_format(page->from, since));
        value_set(doc->pool, context, "until", zone_format(page->until, until));
        document_paragraph(doc, words_phrase(doc->words, "intro-report-record", context));
        if (is_empty(&page->total)) {
                document_paragraph(doc, words_phrase(doc->words, "record-empty", context));
        } else {
                count_table(doc, page);
                mail_table(doc, "heading-record-others", &page->others, true);
                mail_table(doc, "heading-record-accepted", &page->accepted, false);
        }
        document_paragraph(doc, words_phrase(doc->words, "closing-report-record", context));
        document_ledger_head(doc);
}
