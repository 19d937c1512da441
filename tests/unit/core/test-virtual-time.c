/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Thousands of made-up departments live through a year in virtual time, from wake to wake. What was mailed is held against
 * what the contract says in one sentence each, and against an oracle that knows no heap, no cache and no records.
 * The seed is fixed: a failure comes back.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/zone.h"
#include "core/made-up-world.h"
#include "core/score.h"

#define N_WORLDS 3000
#define MAX_SPANS 4
#define SEED UINT64_C(0x5eed2018)

/* A time during which the service is up: [from, to). */
struct span {
        usec_t from, to;
};

struct mail {
        size_t instance;
        usec_t at;
        struct offset offset; /* of a reminder */
        usec_t fired;         /* 0: the end of the ladder */
};
struct mails ARRAY(struct mail);
struct records ARRAY(struct record);

/* ---- living in them ---- */

struct life {
        const struct world *w;
        struct history histories[MAX_INSTANCES];
        struct records records[MAX_INSTANCES];
        struct planner *planner;
        struct mails mails;
        unsigned n_superseded;
        bool forgetful; /* runs each pass twice before anything is recorded */
};

static void life_init(struct life *l, const struct world *w) {
        *l = (struct life){.w = w};
        for (size_t i = 0; i < w->set->n; i++)
                l->histories[i] = history_at(w->start);
}

static void life_done(struct life *l) {
        for (size_t i = 0; i < MAX_INSTANCES; i++)
                array_done(&l->records[i]);
        array_done(&l->mails);
        l->planner = planner_free(l->planner);
}

static void remember(struct life *l, const struct reminder *r, const struct rung *rung,
                     usec_t fired, enum record_kind kind, usec_t now) {
        size_t i = r->instance->index;
        struct record record = {
                .episode = l->histories[i].episode,
                .deadline = r->deadline.instant,
                .offset = rung->offset,
                .fired = fired,
                .at = now,
                .kind = kind,
        };

        assert_int_equal(array_push(&l->records[i], record), 0);
        l->histories[i].records = l->records[i].items;
        l->histories[i].n_records = l->records[i].n;
}

static void send_plan(struct life *l, const struct plan *plan, usec_t now) {
        for (size_t i = 0; i < plan->n_reminders; i++) {
                const struct reminder *r = &plan->reminders[i];
                struct mail mail = {r->instance->index, now, r->rung->offset, r->fired};

                assert_int_equal(array_push(&l->mails, mail), 0);
                for (size_t k = 0; k < r->n_superseded; k++)
                        remember(l, r, r->superseded[k].rung, r->superseded[k].fired,
                                 RECORD_SUPERSEDED, now);
                l->n_superseded += (unsigned)r->n_superseded;
                remember(l, r, r->rung, r->fired, RECORD_SENT, now);
                planner_update(l->planner, r->instance->index, &l->histories[r->instance->index],
                               now);
        }
        for (size_t i = 0; i < plan->n_ended; i++) {
                size_t index = plan->ended[i]->index;

                assert_int_equal(array_push(&l->mails, (struct mail){index, now, {}, 0}), 0);
                l->histories[index].ladder_end_told = true;
                planner_update(l->planner, index, &l->histories[index], now);
        }
}

static void file_evidence(struct life *l, usec_t now) {
        for (size_t i = 0; i < l->w->set->n; i++)
                if (l->w->complete[i] <= now && l->histories[i].complete_at == 0) {
                        l->histories[i].complete_at = l->w->complete[i];
                        planner_update(l->planner, i, &l->histories[i], now);
                }
}

static usec_t next_evidence(const struct life *l, usec_t now) {
        usec_t next = USEC_INFINITY;

        for (size_t i = 0; i < l->w->set->n; i++)
                if (l->w->complete[i] > now && l->w->complete[i] < next)
                        next = l->w->complete[i];
        return next;
}

/* What the planner should want next, asked one by one, without heap and known ladders. */
static usec_t next_one_by_one(const struct life *l, usec_t now) {
        usec_t next = USEC_INFINITY;

        for (size_t i = 0; i < l->w->set->n; i++) {
                struct outlook o;

                outlook_of(l->w->model, &l->w->set->items[i], &l->histories[i], now, &o);
                assert_false(o.due || o.ladder_ended);
                if (o.next < next)
                        next = o.next;
        }
        return next;
}

/* The worst of a task's deadlines, or of one unit's copies, in words of the contract. */
static enum bucket bucket_of(const struct life *l, const struct task *task, const struct unit *unit,
                             usec_t now) {
        static const enum bucket by_badness[] = {BUCKET_COMPLETE, BUCKET_PENDING, BUCKET_DUE_SOON,
                                                 BUCKET_OVERDUE};
        const struct calendar *cal = l->w->model->calendar;
        int worst = -1;

        for (size_t i = 0; i < l->w->set->n; i++) {
                const struct instance *instance = &l->w->set->items[i];
                int days = 0, bad;

                if (instance->task != task || (unit && instance->unit != unit))
                        continue;
                for (date_t day = zone_civil(now).date + 1; day <= instance->deadline.effective;
                     day++)
                        days += calendar_is_workday(cal, day);
                bad = l->histories[i].complete_at != 0    ? 0
                      : now >= instance->deadline.instant ? 3
                      : days <= 5                         ? 2
                                                          : 1;
                worst = bad > worst ? bad : worst;
        }
        return by_badness[worst < 0 ? 1 : worst];
}

static points_t sum_of(const struct score *score) {
        points_t sum = 0;

        for (int i = 0; i < _BUCKET_MAX; i++)
                sum += score->points[i];
        return sum;
}

static void assert_points_zero(const struct score *score) {
        for (int i = 0; i < _BUCKET_MAX; i++)
                assert_int_equal(score->points[i], 0);
}

static bool owes(const struct task *task, const struct unit *unit) {
        for (size_t i = 0; i < task->n_each_unit; i++)
                if (task->each_unit[i] == unit)
                        return true;
        return task->n_each_unit == 0 && task->unit == unit;
}

/* What a mail says of points adds up, and is what the instances say one by one. */
static void assert_points(const struct life *l, usec_t now) {
        const struct model *model = l->w->model;
        const struct history *histories[MAX_INSTANCES];
        _cleanup_(scoreboard_done) struct scoreboard board = {};
        points_t buckets[_BUCKET_MAX] = {}, whole = 0;

        for (size_t i = 0; i < l->w->set->n; i++)
                histories[i] = &l->histories[i];
        assert_int_equal(scoreboard_compute(model, l->w->set, histories, now, &board), 0);
        for (size_t i = 0; i < model->n_tasks; i++) {
                const struct task *task = &model->tasks[i];

                buckets[bucket_of(l, task, NULL, now)] += task->points;
                whole += task->points;
                for (size_t u = 0; u < model->n_units; u++)
                        if (owes(task, &model->units[u]))
                                board.units[u].points[bucket_of(l, task, &model->units[u], now)] -=
                                        task->points;
        }
        assert_int_equal(board.total.max, whole);
        assert_int_equal(sum_of(&board.total), whole);
        assert_memory_equal(board.total.points, buckets, sizeof(buckets));
        for (size_t a = 0; a < model->n_areas; a++) {
                assert_int_equal(sum_of(&board.areas[a]), board.areas[a].max);
                for (int i = 0; i < _BUCKET_MAX; i++)
                        board.total.points[i] -= board.areas[a].points[i];
        }
        /* Nothing is left of the total without its areas, nor of a unit without its tasks. */
        assert_points_zero(&board.total);
        for (size_t u = 0; u < model->n_units; u++)
                assert_points_zero(&board.units[u]);
}

static void pass(struct life *l, usec_t now) {
        struct plan plan;

        assert_points(l, now);

        for (int i = 0; l->forgetful && i < 2; i++) {
                assert_int_equal(planner_run(l->planner, now, &plan), 0);
                plan_done(&plan);
        }
        assert_int_equal(planner_run(l->planner, now, &plan), 0);
        send_plan(l, &plan, now);
        plan_done(&plan);
        /* Running again changes nothing. */
        assert_int_equal(planner_run(l->planner, now, &plan), 0);
        assert_int_equal(plan.n_reminders + plan.n_ended, 0);
        assert_int_equal(plan.next, next_one_by_one(l, now));
        assert_int_equal(plan.next, planner_next(l->planner));
        assert_true(plan.next > now);
        plan_done(&plan);
}

static void live(struct life *l, struct span span) {
        usec_t now = span.from;

        l->planner = planner_new(l->w->model, l->w->set);
        assert_non_null(l->planner);
        for (size_t i = 0; i < l->w->set->n; i++)
                planner_update(l->planner, i, &l->histories[i], now);
        while (now < span.to) {
                usec_t next, evidence;

                file_evidence(l, now);
                pass(l, now);
                next = planner_next(l->planner);
                evidence = next_evidence(l, now);
                now = next < evidence ? next : evidence;
        }
        l->planner = planner_free(l->planner);
}

/* ---- the oracle ---- */

static usec_t leaves(const struct calendar *cal, usec_t fired, usec_t now) {
        if (now - fired <= 15 * USEC_PER_MINUTE && send_instant_in_window(cal, now) == now)
                return now;
        return send_instant_caught_up(cal, now);
}

static void expect_instance(const struct world *w, size_t index, const struct span *spans,
                            size_t n_spans, struct mails *ret) {
        const struct instance *instance = &w->set->items[index];
        struct history history = history_at(w->start);
        usec_t complete = w->complete[index], last_at = 0, last_fired = 0;
        struct climb_buffer buffer;
        const struct firing *f;
        size_t n;

        assert_int_equal(climb_init(&buffer, w->model, instance, &history), 0);
        f = buffer.climb.firings;
        n = buffer.climb.n;
        for (size_t s = 0; s < n_spans; s++) {
                usec_t until = spans[s].to < complete ? spans[s].to : complete;
                usec_t leave = USEC_INFINITY, end;
                size_t i = 0;

                /* The latest step passed, unless one that fires before it can leave takes its place. */
                while (i < n && f[i].instant <= spans[s].from)
                        i++;
                if (i > 0 && f[i - 1].instant > last_fired)
                        leave = leaves(w->model->calendar, f[i - 1].instant, spans[s].from);
                if (leave < until && !(i < n && f[i].instant <= leave)) {
                        last_at = leave;
                        last_fired = f[i - 1].instant;
                        assert_int_equal(
                                array_push(ret, (struct mail){index, leave, f[i - 1].rung->offset,
                                                              last_fired}),
                                0);
                }
                for (; i < n && f[i].instant < until; i++) {
                        last_at = last_fired = f[i].instant;
                        assert_int_equal(array_push(ret, (struct mail){index, last_at,
                                                                       f[i].rung->offset, last_at}),
                                         0);
                }
                if (n == 0 || last_fired != f[n - 1].instant)
                        continue;
                end = send_instant_next(w->model->calendar, last_at + 1);
                if (end < spans[s].from)
                        end = send_instant_caught_up(w->model->calendar, spans[s].from);
                if (end < until) {
                        assert_int_equal(array_push(ret, (struct mail){index, end, {}, 0}), 0);
                        break;
                }
        }
        climb_done(&buffer);
}

static int compare_mails(const void *a, const void *b) {
        const struct mail *x = a, *y = b;

        if (x->at != y->at)
                return x->at < y->at ? -1 : 1;
        if (x->instance != y->instance)
                return x->instance < y->instance ? -1 : 1;
        return (x->fired > y->fired) - (x->fired < y->fired);
}

static void sort_mails(struct mails *mails) {
        if (mails->n > 0)
                qsort(mails->items, mails->n, sizeof(*mails->items), compare_mails);
}

static void print_mails(const struct world *w, const char *name, const struct mails *mails) {
        char offset[OFFSET_BUFFER], when[INSTANT_BUFFER];

        for (size_t i = 0; i < mails->n; i++)
                print_error("%s %s %s %s\n", name, zone_format(mails->items[i].at, when),
                            w->set->items[mails->items[i].instance].key,
                            mails->items[i].fired ? offset_format(mails->items[i].offset, offset)
                                                  : "end");
}

static void assert_same_mails(const struct world *w, const struct mails *got,
                              const struct mails *expected) {
        bool same = got->n == expected->n;

        for (size_t i = 0; same && i < got->n; i++)
                same = got->items[i].at == expected->items[i].at &&
                       got->items[i].instance == expected->items[i].instance &&
                       got->items[i].fired == expected->items[i].fired &&
                       offset_equal(got->items[i].offset, expected->items[i].offset);
        if (same)
                return;
        print_mails(w, "got     ", got);
        print_mails(w, "expected", expected);
        fail_msg("other mails than the contract says");
}

static void expect(const struct world *w, const struct span *spans, size_t n_spans,
                   struct mails *ret) {
        for (size_t i = 0; i < w->set->n; i++)
                expect_instance(w, i, spans, n_spans, ret);
        sort_mails(ret);
}

/* ---- the sentences of the contract ---- */

static void assert_sound(const struct world *w, const struct mails *mails) {
        const struct calendar *cal = w->model->calendar;

        for (size_t i = 0; i < w->set->n; i++) {
                struct history history = history_at(w->start);
                struct ladder_base base = climb_base(w->model, &w->set->items[i], &history);

                assert_int_equal(base.base, ladder_base_date(cal, base.effective, w->start));
        }
        for (size_t i = 0; i < mails->n; i++) {
                const struct mail *m = &mails->items[i];

                /* No mail outside the window or on a day off; none after the evidence came. */
                assert_int_equal(send_instant_in_window(cal, m->at), m->at);
                assert_true(m->at < w->complete[m->instance]);
                assert_true(m->at >= w->start && m->at >= m->fired);
                /* No (instance, episode, deadline, firing) twice; never down the ladder. */
                for (size_t k = 0; k < i; k++) {
                        const struct mail *before = &mails->items[k];

                        if (before->instance != m->instance)
                                continue;
                        assert_true(before->fired != 0); /* nothing after the end */
                        if (m->fired != 0) {
                                assert_false(offset_equal(before->offset, m->offset));
                                assert_true(before->fired < m->fired);
                                assert_true(before->at < m->at);
                        }
                }
        }
}

static void some_spans(const struct world *w, struct span *spans, size_t *ret_n) {
        size_t n = (size_t)between(2, MAX_SPANS);
        usec_t at_ = w->start;

        for (size_t i = 0; i < n; i++) {
                spans[i].from = at_;
                spans[i].to = some_instant(w, at_ + 1, 120);
                at_ = any(3) ? spans[i].to + (usec_t)any(3600) * USEC_PER_SEC
                             : some_instant(w, spans[i].to, 30);
        }
        spans[n - 1].to = w->end > spans[n - 1].from ? w->end : spans[n - 1].from + 1;
        *ret_n = n;
}

static void test_year_in_one_go(void **state) {
        unsigned n_mails = 0;

        (void)state;
        world_seed(SEED);
        for (int i = 0; i < N_WORLDS; i++) {
                _cleanup_free_ struct world *w = malloc(sizeof(*w));
                struct mails expected = {};
                struct span span;
                struct life l;

                world_init(w);
                span = (struct span){w->start, w->end};
                life_init(&l, w);
                l.forgetful = i % 2;
                live(&l, span);
                sort_mails(&l.mails);
                assert_sound(w, &l.mails);
                expect(w, &span, 1, &expected);
                assert_same_mails(w, &l.mails, &expected);
                n_mails += (unsigned)l.mails.n;
                array_done(&expected);
                life_done(&l);
                world_done(w);
        }
        assert_true(n_mails > N_WORLDS * 10); /* worlds in which nothing happens prove nothing */
}

static void test_stops_and_starts(void **state) {
        unsigned n_superseded = 0;

        (void)state;
        world_seed(SEED + 1);
        for (int i = 0; i < N_WORLDS; i++) {
                _cleanup_free_ struct world *w = malloc(sizeof(*w));
                struct mails expected = {};
                struct span spans[MAX_SPANS];
                struct life l;
                size_t n;

                world_init(w);
                some_spans(w, spans, &n);
                life_init(&l, w);
                for (size_t k = 0; k < n; k++)
                        live(&l, spans[k]);
                sort_mails(&l.mails);
                assert_sound(w, &l.mails);
                expect(w, spans, n, &expected);
                assert_same_mails(w, &l.mails, &expected);
                n_superseded += l.n_superseded;
                array_done(&expected);
                life_done(&l);
                world_done(w);
        }
        assert_true(n_superseded > N_WORLDS / 10);
}

/* A stop and a start at once, between any two wakes, are not to be noticed. */
static void test_restarts_leave_no_trace(void **state) {
        (void)state;
        world_seed(SEED + 2);
        for (int i = 0; i < N_WORLDS / 10; i++) {
                _cleanup_free_ struct world *w = malloc(sizeof(*w));
                struct life one, two;
                usec_t now;

                world_init(w);
                life_init(&one, w);
                life_init(&two, w);
                live(&one, (struct span){w->start, w->end});
                for (now = w->start; now < w->end;) {
                        usec_t next = now + (usec_t)between(1, 9 * 86400) * USEC_PER_SEC;

                        live(&two, (struct span){now, next < w->end ? next : w->end});
                        now = next;
                }
                sort_mails(&one.mails);
                sort_mails(&two.mails);
                assert_same_mails(w, &two.mails, &one.mails);
                life_done(&one);
                life_done(&two);
                world_done(w);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_year_in_one_go),
                cmocka_unit_test(test_stops_and_starts),
                cmocka_unit_test(test_restarts_leave_no_trace),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
