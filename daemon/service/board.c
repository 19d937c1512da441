/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/board.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/zone.h"
#include "service/calendars.h"

struct order {
        usec_t at;
        size_t instance;
};

static bool is_filed(enum state state) {
        return state == STATE_COMPLETE || state == STATE_LATE || state == STATE_WAIVED;
}

struct notice board_describe(struct document *doc, const struct board *b, size_t i,
                             struct value *object) {
        struct notice n = notice_about(b->model, NOTICE_REPORT, &b->instances->items[i],
                                       b->histories[i], b->now);

        n.unit = n.instance->unit;
        item_basics(doc, &n, object);
        item_describe(doc, &n, object);
        return n;
}

/* ---- points ---- */

static void set_points(struct document *doc, struct value *object, const struct score *score) {
        points_t owed = score->max - score->points[BUCKET_SURVEYED];

        value_set(doc->pool, object, "won",
                  words_points(doc->words, score->points[BUCKET_COMPLETE]));
        value_set(doc->pool, object, "owed", words_points(doc->words, owed));
        value_set_flag(doc->pool, object, "some_owed", owed > 0);
        if (score->points[BUCKET_SURVEYED] > 0)
                value_set(doc->pool, object, "surveyed",
                          words_points(doc->words, score->points[BUCKET_SURVEYED]));
        doc->blocks = value_list_in(doc->pool, object, "bars");
        document_bar(doc, score);
}

static void add_total(struct document *doc, const struct board *b) {
        const struct score *total = &b->scores->total;
        struct value *object = value_object_in(doc->pool, doc->root, "total"),
                     *tiles = value_list_in(doc->pool, object, "tiles");

        set_points(doc, object, total);
        for (int i = 0; i < BUCKET_SURVEYED; i++) {
                struct value *tile;

                if (i == BUCKET_WAIVED && total->points[i] == 0)
                        continue;
                tile = value_add_object(doc->pool, tiles);
                value_set(doc->pool, tile, "bucket", bucket_to_string((enum bucket)i));
                value_set(
                        doc->pool, tile, "title",
                        words_named(doc->words, "bucket-", bucket_to_string((enum bucket)i), NULL));
                value_set(doc->pool, tile, "points", words_points(doc->words, total->points[i]));
                value_set(doc->pool, tile, "criteria", words_count(doc->words, total->tasks[i]));
                value_set_flag(doc->pool, tile, "plural", total->tasks[i] != 1);
                value_set_flag(doc->pool, tile, "alarm",
                               i == BUCKET_OVERDUE && total->tasks[i] > 0);
        }
}

static void add_areas(struct document *doc, const struct board *b) {
        struct value *list = value_list_in(doc->pool, doc->root, "areas");

        for (size_t i = 0; i < b->model->n_areas && i < doc->max_items; i++) {
                const struct area *area = &b->model->areas[i];
                struct value *object;

                if (b->scores->areas[i].max == 0)
                        continue;
                object = value_add_object(doc->pool, list);
                value_set(doc->pool, object, "id",
                          is_stand_in(area->id) ? NULL : words_clean(doc->words, area->id));
                value_set(doc->pool, object, "title", words_clean(doc->words, area->title));
                value_set(doc->pool, object, "name",
                          words_phrase(doc->words, "value-area", object));
                set_points(doc, object, &b->scores->areas[i]);
        }
}

static void add_units(struct document *doc, const struct board *b) {
        struct value *list = value_list_in(doc->pool, doc->root, "units");

        for (size_t i = 0; i < b->model->n_units && i < doc->max_items; i++) {
                const struct unit *unit = &b->model->units[i];
                char file[CALENDARS_NAME_BUFFER];
                struct value *object;

                if (b->scores->units[i].max == 0)
                        continue;
                object = value_add_object(doc->pool, list);
                value_set(doc->pool, object, "name", words_clean(doc->words, unit->name));
                if (b->model->publish.ics && calendars_name(unit, file) == 0)
                        value_set(doc->pool, object, "calendar", file);
                set_points(doc, object, &b->scores->units[i]);
        }
}

/* ---- criteria ---- */

static const char *status_of(struct document *doc, const struct board *b, const struct notice *n) {
        bool soon = (n->state == STATE_OPEN || n->state == STATE_PARTIAL) &&
                    n->instance->has_deadline && n->days_left <= DUE_SOON_WORKDAYS &&
                    !notice_is_overdue(n, b->now);

        return soon ? words_phrase(doc->words, "state-due-soon", NULL)
                    : words_named(doc->words, "state-", state_to_string(n->state), NULL);
}

static void add_row(struct document *doc, const struct board *b, struct value *list, size_t i) {
        struct value *row = value_add_object(doc->pool, list);
        struct notice n = board_describe(doc, b, i, row);
        struct words *w = doc->words;

        value_set(doc->pool, row, "criterion", words_phrase(w, "value-criterion", row));
        value_set(doc->pool, row, "status", status_of(doc, b, &n));
        value_set(
                doc->pool, row, "bucket",
                bucket_to_string(score_bucket(b->model->calendar, n.instance, n.history, b->now)));
        if (n.instance->n_slots > 0)
                value_set(doc->pool, row, "evidence", words_phrase(w, "value-evidence", row));
        if (n.instance->has_deadline && !is_filed(n.state))
                value_set(doc->pool, row, "remaining", words_phrase(w, "value-remaining", row));
}

static void add_more(struct document *doc, const char *name, size_t n) {
        struct value *context = value_object(doc->pool);

        if (n <= doc->max_items)
                return;
        value_set(doc->pool, context, "count", words_count(doc->words, n - doc->max_items));
        value_set(doc->pool, doc->root, name, words_phrase(doc->words, "more-items", context));
}

static void add_criteria(struct document *doc, const struct board *b) {
        struct value *list = value_list_in(doc->pool, doc->root, "criteria");

        for (size_t i = 0; i < b->instances->n && i < doc->max_items; i++)
                add_row(doc, b, list, i);
        add_more(doc, "more_criteria", b->instances->n);
}

static int compare_orders(const void *a, const void *b) {
        const struct order *x = a, *y = b;

        if (x->at != y->at)
                return x->at < y->at ? -1 : 1;
        return (x->instance > y->instance) - (x->instance < y->instance);
}

static int add_next(struct document *doc, const struct board *b) {
        struct orders ARRAY(struct order) orders = {};
        usec_t until = zone_instant(doc->today + BOARD_NEXT_DAYS, 86400);
        struct value *list = value_list_in(doc->pool, doc->root, "next");
        int r = 0;

        for (size_t i = 0; i < b->instances->n && r == 0; i++) {
                const struct instance *in = &b->instances->items[i];
                struct deadline d = instance_deadline(b->model->calendar, in, b->histories[i]);

                if (in->has_deadline && d.instant <= until &&
                    !is_filed(instance_state(b->model->calendar, in, b->histories[i], b->now)))
                        r = array_push(&orders, (struct order){d.instant, i});
        }
        if (orders.n > 0)
                qsort(orders.items, orders.n, sizeof(*orders.items), compare_orders);
        for (size_t i = 0; i < orders.n && i < doc->max_items && r == 0; i++)
                add_row(doc, b, list, orders.items[i].instance);
        add_more(doc, "more_next", orders.n);
        value_set_flag(doc->pool, doc->root, "some_next", orders.n > 0);
        array_done(&orders);
        return r;
}

/* ---- the page ---- */

static int fill(struct document *doc, const struct board *b) {
        const struct model *m = b->model;
        int r;

        value_set(doc->pool, doc->root, "moment", words_moment(doc->words, b->now));
        if (m->organization.closes != DATE_NONE)
                value_set(doc->pool, doc->root, "closes",
                          words_date(doc->words, m->organization.closes));
        value_set(doc->pool, doc->root, "calendar_all", m->publish.ics ? "calendar.ics" : NULL);
        add_total(doc, b);
        add_areas(doc, b);
        add_units(doc, b);
        add_criteria(doc, b);
        r = add_next(doc, b);
        if (r == 0)
                r = board_curve(doc, b);
        if (r == 0)
                r = value_pool_error(doc->pool);
        return r < 0 ? r : doc->words->error;
}

static int render(const struct board *b, size_t max_rows, struct strbuf *ret) {
        const struct compose_context context = {.model = b->model, .templates = b->templates};
        const struct digest digest = {.at = b->now};
        _cleanup_(value_pool_done) struct value_pool pool = VALUE_POOL_INIT;
        struct words words;
        struct document doc;
        int r;

        words_init(&words, b->templates, b->model->organization.language, &pool);
        document_init(&doc, &context, &digest, &words, max_rows);
        r = fill(&doc, b);
        return r < 0 ? r
                     : templates_render(b->templates, words.language, "board.html", true, doc.root,
                                        ret);
}

int board_render(const struct board *b, struct strbuf *ret) {
        _cleanup_(strbuf_done) struct strbuf page = STRBUF_INIT;
        int r = render(b, BOARD_MAX_ROWS, &page);

        if (r == -E2BIG) {
                strbuf_reset(&page);
                r = render(b, BOARD_FEW_ROWS, &page);
        }
        if (r == 0)
                r = strbuf_error(&page);
        if (r < 0)
                return r;
        strbuf_add(ret, page.data, page.len);
        return strbuf_error(ret);
}
