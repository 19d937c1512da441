/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "message/document.h"

#include "base/cleanup.h"

/* The daily table of a unit and the table of areas for leaders. Sums are of hundredths of points: they add up. */

static const char *status_of(struct document *doc, const struct notice *n) {
        if (notice_is_overdue(n, doc->digest->at) && n->state == STATE_OVERDUE)
                return words_phrase(doc->words, "state-overdue", NULL);
        if ((n->state == STATE_OPEN || n->state == STATE_PARTIAL) && n->instance->has_deadline &&
            n->days_left <= DUE_SOON_WORKDAYS)
                return words_phrase(doc->words, "state-due-soon", NULL);
        return words_named(doc->words, "state-", state_to_string(n->state), NULL);
}

/* ---- the table of a unit ---- */

/* A task with several deadlines has its points once, on its first line: the column adds up. */
static bool is_first_of_task(const struct digest *d, size_t i) {
        for (size_t k = 0; k < i; k++)
                if (d->items.items[k].instance->task == d->items.items[i].instance->task)
                        return false;
        return true;
}

static void unit_item(struct document *doc, struct value *items, size_t i) {
        const struct notice *n = &doc->digest->items.items[i];
        struct value *item = value_add_object(doc->pool, items);
        struct words *w = doc->words;
        size_t refused;

        item_basics(doc, n, item);
        item_describe(doc, n, item);
        item_head(doc, n, item, i + 1, is_first_of_task(doc->digest, i));
        value_set(doc->pool, item, "status", status_of(doc, n));
        if (n->instance->n_slots > 0)
                document_fact(doc, item, "evidence", words_phrase(w, "value-evidence", item));
        refused = item_files(doc, n, item, "uncounted", ITEM_FEW_FILES);
        if (n->instance->has_deadline)
                document_fact(doc, item, "deadline", words_phrase(w, "value-deadline", item));
        if (notice_is_open(n, doc->digest->at))
                document_fact(doc, item, "folder", words_phrase(w, "value-folder", item));
        if (refused > 0)
                item_naming(doc, n, item);
}

static points_t owed(const struct score *s) { return s->max - s->points[BUCKET_SURVEYED]; }

static void item_points(struct document *doc, struct value *item, points_t points) {
        value_set(doc->pool, item, "points", words_points(doc->words, points));
        value_set_flag(doc->pool, item, "some_points", points > 0);
        value_set(doc->pool, item, "column_points", words_points(doc->words, points));
        value_set(doc->pool, item, "points_text", words_phrase(doc->words, "value-points", item));
}

/* Criteria that have not begun stand in no line of their own, but in the bar and the sum. Return: their points. */
static points_t unit_rest(struct document *doc, struct value *items) {
        const struct scoreboard *scores = doc->context->scores;
        points_t rest = 0;
        struct value *item;

        if (scores)
                rest = owed(&scores->units[doc->digest->unit->index]) - items_count(doc).all.points;
        if (rest <= 0)
                return 0;
        item = value_add_object(doc->pool, items);
        item_points(doc, item, rest);
        value_set(doc->pool, item, "head", words_phrase(doc->words, "other-criteria", item));
        value_set(doc->pool, item, "status", words_phrase(doc->words, "state-planned", NULL));
        return rest;
}

static void unit_total(struct document *doc, struct value *items, points_t rest) {
        const struct digest *d = doc->digest;
        struct value *item = value_add_object(doc->pool, items);
        size_t have = 0, need = 0;

        for (size_t i = 0; i < d->items.n; i++) {
                have += d->items.items[i].history ? history_have(d->items.items[i].history) : 0;
                need += d->items.items[i].instance->n_slots;
        }
        value_set(doc->pool, item, "have", words_count(doc->words, have));
        value_set(doc->pool, item, "need", words_count(doc->words, need));
        item_points(doc, item, items_count(doc).all.points + rest);
        value_set_flag(doc->pool, item, "total", true);
        value_set(doc->pool, item, "head", words_phrase(doc->words, "total", item));
        value_set(doc->pool, item, "status", words_phrase(doc->words, "value-progress", item));
}

static void last_day(struct document *doc) {
        const struct unit_day *day = doc->context->days;
        struct value *context = value_object(doc->pool);

        if (!day)
                return;
        day += doc->digest->unit->index;
        if (day->n_received > 0)
                value_set(doc->pool, context, "received", words_count(doc->words, day->n_received));
        value_set_flag(doc->pool, context, "received_plural", day->n_received != 1);
        value_set(doc->pool, context, "received_ids", words_clean(doc->words, day->received));
        if (day->n_gone > 0)
                value_set(doc->pool, context, "gone", words_count(doc->words, day->n_gone));
        value_set(doc->pool, context, "gone_ids", words_clean(doc->words, day->gone));
        document_paragraph(doc, words_phrase(doc->words, "report-unit-day", context));
}

static void unit_page(struct document *doc) {
        const struct digest *d = doc->digest;
        struct value *context = value_object(doc->pool), *items;

        value_set(doc->pool, context, "unit", words_clean(doc->words, d->unit->name));
        value_set(doc->pool, context, "moment", words_moment(doc->words, d->at));
        document_paragraph(doc, words_phrase(doc->words, "intro-report-unit", context));
        if (doc->context->scores)
                document_bar(doc, &doc->context->scores->units[d->unit->index]);
        if (d->items.n == 0) {
                document_paragraph(doc, words_phrase(doc->words, "report-unit-empty", context));
                return;
        }
        items = document_items(doc, true);
        for (size_t i = 0; i < d->items.n && i < doc->max_items; i++)
                unit_item(doc, items, i);
        unit_total(doc, items, unit_rest(doc, items));
        document_more(doc, d->items.n);
        last_day(doc);
        document_paragraph(doc, words_phrase(doc->words, "closing-report-unit", context));
}

/* ---- the page of leaders ---- */

static void score_cells(struct document *doc, struct value *table, struct value *row,
                        const struct score *s, bool waived) {
        static const enum bucket shown[] = {BUCKET_COMPLETE, BUCKET_PENDING, BUCKET_DUE_SOON,
                                            BUCKET_OVERDUE};

        document_cell(doc, table, row, words_points(doc->words, owed(s)));
        for (size_t i = 0; i < ELEMENTSOF(shown); i++) {
                struct value *cell = document_cell(doc, table, row,
                                                   words_points(doc->words, s->points[shown[i]]));

                value_set_flag(doc->pool, cell, "alarm",
                               shown[i] == BUCKET_OVERDUE && s->points[shown[i]] > 0);
        }
        if (waived)
                document_cell(doc, table, row, words_points(doc->words, s->points[BUCKET_WAIVED]));
}

static const char *area_id(struct document *doc, const struct area *area) {
        return is_stand_in(area->id) ? "" : words_clean(doc->words, area->id);
}

static void area_table(struct document *doc) {
        const struct model *m = doc->context->model;
        const struct scoreboard *board = doc->context->scores;
        bool waived = board->total.points[BUCKET_WAIVED] > 0;
        struct value *table = document_table(doc), *row;
        static const char *const columns[] = {"owed",     "complete", "pending",
                                              "due-soon", "overdue",  "waived"};

        document_column(doc, table, "area", false);
        for (size_t i = 0; i < ELEMENTSOF(columns) - !waived; i++)
                document_column(doc, table, columns[i], true);
        for (size_t i = 0; i < m->n_areas && i < doc->max_items; i++) {
                struct value *context = value_object(doc->pool);

                value_set(doc->pool, context, "id", area_id(doc, &m->areas[i]));
                value_set(doc->pool, context, "title", words_clean(doc->words, m->areas[i].title));
                row = document_row(doc, table, false);
                document_cell(doc, table, row, words_phrase(doc->words, "value-area", context));
                score_cells(doc, table, row, &board->areas[i], waived);
        }
        row = document_row(doc, table, true);
        document_cell(doc, table, row, words_phrase(doc->words, "total", NULL));
        score_cells(doc, table, row, &board->total, waived);
        document_more(doc, m->n_areas);
}

static void decision_item(struct document *doc, struct value *items, const struct notice *n,
                          size_t number) {
        struct value *item = value_add_object(doc->pool, items);
        struct words *w = doc->words;

        item_basics(doc, n, item);
        item_describe(doc, n, item);
        item_head(doc, n, item, number, true);
        value_set(doc->pool, item, "status", words_phrase(w, "value-remaining", item));
        document_fact(doc, item, "unit", words_clean(w, n->instance->unit->name));
        if (n->instance->n_slots > 0)
                document_fact(doc, item, "evidence", words_phrase(w, "value-evidence", item));
        document_fact(doc, item, "deadline", words_phrase(w, "value-deadline", item));
        document_fact(doc, item, "reminded", words_phrase(w, "value-reminded", item));
}

static void decisions(struct document *doc) {
        const struct digest *d = doc->digest;
        struct value *items;

        document_heading(doc, words_phrase(doc->words, "heading-decisions", NULL));
        if (d->items.n == 0) {
                document_paragraph(doc, words_phrase(doc->words, "nothing-overdue", NULL));
                return;
        }
        items = document_items(doc, true);
        for (size_t i = 0; i < d->items.n && i < doc->max_items; i++)
                decision_item(doc, items, &d->items.items[i], i + 1);
        document_more(doc, d->items.n);
}

/* Areas known to have no owner, or with tracked tasks of which none has one. */
static bool area_is_unassigned(const struct model *m, const struct area *area) {
        bool tracked = false;

        if (area->unassigned)
                return true;
        for (size_t i = 0; i < m->n_tasks; i++) {
                const struct task *t = &m->tasks[i];

                if (t->area != area || !t->tracked)
                        continue;
                if ((t->unit && !is_stand_in(t->unit->id)) || t->n_each_unit > 0)
                        return false;
                tracked = true;
        }
        return tracked;
}

static void unassigned_areas(struct document *doc) {
        const struct model *m = doc->context->model;
        struct value *context = value_object(doc->pool),
                     *areas = value_list_in(doc->pool, context, "areas"), *last = NULL;

        for (size_t i = 0; i < m->n_areas && i < doc->max_items; i++) {
                if (!area_is_unassigned(m, &m->areas[i]))
                        continue;
                value_set_flag(doc->pool, last, "followed", true);
                last = value_add_object(doc->pool, areas);
                value_set(doc->pool, last, "id", area_id(doc, &m->areas[i]));
                value_set(doc->pool, last, "title", words_clean(doc->words, m->areas[i].title));
        }
        if (last) {
                document_heading(doc, words_phrase(doc->words, "heading-notes", NULL));
                document_paragraph(doc, words_phrase(doc->words, "unassigned-areas", context));
        }
}

static void leaders_page(struct document *doc) {
        const struct model *m = doc->context->model;
        const struct scoreboard *board = doc->context->scores;
        struct value *context = value_object(doc->pool);
        date_t closes = m->organization.closes;

        value_setf(doc->pool, context, "year", "%d", date_to_ymd(doc->today).year);
        value_set(doc->pool, context, "moment", words_moment(doc->words, doc->digest->at));
        if (closes != DATE_NONE && closes >= doc->today) {
                int days = calendar_count_workdays(m->calendar, doc->today, closes);

                value_set(doc->pool, context, "closes", words_date(doc->words, closes));
                value_set(doc->pool, context, "days", words_count(doc->words, (size_t)days));
                value_set_flag(doc->pool, context, "days_plural", days != 1);
        }
        document_paragraph(doc, words_phrase(doc->words, "intro-report-all", context));
        if (board) {
                value_set(doc->pool, context, "points_owed",
                          words_points(doc->words, owed(&board->total)));
                if (board->total.points[BUCKET_SURVEYED] > 0)
                        value_set(doc->pool, context, "points_surveyed",
                                  words_points(doc->words, board->total.points[BUCKET_SURVEYED]));
                document_heading(doc, words_phrase(doc->words, "heading-areas", context));
                document_paragraph(doc, words_phrase(doc->words, "report-owed", context));
                document_bar(doc, &board->total);
                area_table(doc);
        }
        decisions(doc);
        unassigned_areas(doc);
        document_paragraph(doc, words_phrase(doc->words, "closing-report-all", context));
        document_ledger_head(doc);
}

void report_body(struct document *doc) {
        if (doc->digest->report && doc->digest->report->of_reminders)
                record_body(doc);
        else if (doc->digest->unit)
                unit_page(doc);
        else
                leaders_page(doc);
}
