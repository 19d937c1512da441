/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/zone.h"
#include "service/board.h"

/*
 * Two lines of steps: the points that were to be won by each day (the last deadline of each criterion), and those that were
 * (the day its last document came). Criteria that are waived or have no deadline are in neither.
 */

#define CURVE_WIDTH 1000
#define CURVE_HEIGHT 200
#define CURVE_MAX_DAYS 4000 /* deadlines further away than that are drawn at the end */

struct step_point {
        date_t day;
        points_t points;
};
struct step_points ARRAY(struct step_point);

struct curve {
        struct step_points due, won;
        points_t total;
        date_t from, until, today;
};

static int compare_days(const void *a, const void *b) {
        const struct step_point *x = a, *y = b;

        return (x->day > y->day) - (x->day < y->day);
}

/* @i: the first instance of its task. Return: that of the next one, or -errno. */
static ssize_t add_task(const struct board *b, size_t i, struct curve *c) {
        const struct task *task = b->instances->items[i].task;
        date_t due = DATE_NONE;
        usec_t won = 0;
        int r = 0;

        for (; i < b->instances->n && b->instances->items[i].task == task; i++) {
                const struct instance *in = &b->instances->items[i];
                struct deadline d = instance_deadline(b->model->calendar, in, b->histories[i]);

                if (in->has_deadline && d.effective > due)
                        due = d.effective;
                if (b->histories[i]->complete_at > won)
                        won = b->histories[i]->complete_at;
        }
        if (due == DATE_NONE || task->points == 0 || b->scores->tasks[task->index] == BUCKET_WAIVED)
                return (ssize_t)i;
        c->total += task->points;
        r = array_push(&c->due, (struct step_point){due, task->points});
        if (r == 0 && won > 0 && b->scores->tasks[task->index] == BUCKET_COMPLETE)
                r = array_push(&c->won, (struct step_point){zone_civil(won).date, task->points});
        return r < 0 ? r : (ssize_t)i;
}

static int gather(const struct board *b, struct curve *c) {
        for (size_t i = 0; i < b->instances->n;) {
                ssize_t next = add_task(b, i, c);

                if (next < 0)
                        return (int)next;
                i = (size_t)next;
        }
        if (c->due.n > 0)
                qsort(c->due.items, c->due.n, sizeof(*c->due.items), compare_days);
        if (c->won.n > 0)
                qsort(c->won.items, c->won.n, sizeof(*c->won.items), compare_days);
        return 0;
}

static void set_span(const struct board *b, struct curve *c) {
        date_t first = c->due.items[0].day, last = c->due.items[c->due.n - 1].day;

        if (c->won.n > 0 && c->won.items[0].day < first)
                first = c->won.items[0].day;
        first = c->today < first ? c->today : first;
        last = c->today > last ? c->today : last;
        if (b->model->organization.closes != DATE_NONE && b->model->organization.closes > last)
                last = b->model->organization.closes;
        c->from = first - date_to_ymd(first).day + 1; /* of its month */
        c->until = last > c->from + CURVE_MAX_DAYS ? c->from + CURVE_MAX_DAYS : last;
        if (c->until == c->from)
                c->until++;
}

static int x_of(const struct curve *c, date_t day) {
        day = day > c->until ? c->until : day < c->from ? c->from : day;
        return (int)((int64_t)(day - c->from) * CURVE_WIDTH / (c->until - c->from));
}

static int y_of(const struct curve *c, int64_t points) {
        return CURVE_HEIGHT - (int)(points * CURVE_HEIGHT / c->total);
}

/* @until: the last day that the line is known for */
static void set_line(struct document *doc, struct value *curve, const char *name,
                     const struct curve *c, const struct step_points *points, date_t until) {
        _cleanup_(strbuf_done) struct strbuf b = STRBUF_INIT;
        int64_t sum = 0;

        strbuf_addf(&b, "M0 %d", CURVE_HEIGHT);
        for (size_t i = 0; i < points->n; i++) {
                sum += points->items[i].points;
                if (i + 1 < points->n && points->items[i + 1].day == points->items[i].day)
                        continue;
                strbuf_addf(&b, "H%dV%d", x_of(c, points->items[i].day), y_of(c, sum));
        }
        strbuf_addf(&b, "H%d", x_of(c, until));
        if (strbuf_error(&b) < 0)
                doc->words->error = -ENOMEM;
        value_set(doc->pool, curve, name, strbuf_str(&b));
}

static void set_months(struct document *doc, struct value *curve, const struct curve *c) {
        _cleanup_(strbuf_done) struct strbuf b = STRBUF_INIT;
        struct ymd ymd = date_to_ymd(c->from);

        for (date_t day = c->from; day <= c->until;
             day += days_in_month(ymd.year, ymd.month), ymd = date_to_ymd(day))
                strbuf_addf(&b, "M%d 0V%d", x_of(c, day), CURVE_HEIGHT);
        if (strbuf_error(&b) < 0)
                doc->words->error = -ENOMEM;
        value_set(doc->pool, curve, "months", strbuf_str(&b));
}

static void draw(struct document *doc, const struct board *b, struct curve *c) {
        struct value *curve = value_object_in(doc->pool, doc->root, "curve");

        set_span(b, c);
        value_setf(doc->pool, curve, "width", "%d", CURVE_WIDTH);
        value_setf(doc->pool, curve, "height", "%d", CURVE_HEIGHT);
        value_setf(doc->pool, curve, "today", "%d", x_of(c, c->today));
        set_line(doc, curve, "due", c, &c->due, c->until);
        set_line(doc, curve, "won", c, &c->won, c->today);
        set_months(doc, curve, c);
        value_set(doc->pool, curve, "from", words_date(doc->words, c->from));
        value_set(doc->pool, curve, "until", words_date(doc->words, c->until));
        value_set(doc->pool, curve, "points", words_points(doc->words, c->total));
}

int board_curve(struct document *doc, const struct board *b) {
        struct curve c = {.today = doc->today};
        int r = gather(b, &c);

        if (r == 0 && c.total > 0)
                draw(doc, b, &c);
        array_done(&c.due);
        array_done(&c.won);
        return r;
}
