/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/simulate.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/zone.h"
#include "core/ahead.h"
#include "core/planner.h"
#include "core/report.h"

/*
 * What happened to one instance so far. No deadline moves here, so that the last reminder says all that there is to know
 * about those before it; with many instances it is their memory that takes the time.
 */
struct past {
        struct history history;
        struct record last; /* history.records, once there is one */
        uint32_t *have;     /* owned; NULL: nothing filed */
};

/* A document that comes, and the thanks for it. */
struct arrival {
        const struct instance *instance;
        usec_t at, leaves;
};

struct page_prints {
        uint64_t *last; /* owned; fingerprints of the pages last sent */
        usec_t next;
};

/* Flushes on their way at most: what prints them has more to do on some days, and what finds them on others. */
#define N_DELIVERIES 4

/*
 * The mails of one flush. They are handed over in a thread, for printing them takes as long as finding them. What reports
 * say becomes mails there.
 */
struct delivery {
        usec_t at;
        struct digest_list digests;
        struct notice_list reports;
        struct scoreboard board; /* where one of them asks for it */
        bool ends;               /* nothing comes any more */
        int result;              /* of on_digest, or -ENOMEM, from the first that failed on */
};

struct simulation {
        const struct model *model;
        usec_t from, to;
        simulate_fn on_digest;
        void *userdata;
        struct instance_set *instances;   /* owned */
        struct planner *planner;          /* owned */
        struct past *pasts;               /* owned, one per instance */
        const struct history **histories; /* owned; of the pasts */
        struct arrival *arrivals;         /* owned, in order of time */
        size_t n_arrivals, arrived, thanked;
        struct page_prints *reports;              /* owned, one per report */
        struct notice_list notices;               /* of the flush */
        struct delivery deliveries[N_DELIVERIES]; /* a ring */
        size_t n_delivered;                       /* given to the thread so far */
        sem_t empty, full;                        /* of the ring */
        pthread_t thread;
        bool runs;
};

/* ---- handing over ---- */

static bool asks_for_scores(const struct digest *digest) {
        return digest->kind == NOTICE_REPORT && !digest->unit;
}

static int deliver(struct simulation *s, struct delivery *d) {
        int r = digests_build(s->model, d->reports.items, d->reports.n, d->at, &d->digests);

        for (size_t i = 0; i < d->digests.n && r == 0; i++) {
                const struct digest *digest = &d->digests.items[i];

                r = s->on_digest(s->userdata, digest, asks_for_scores(digest) ? &d->board : NULL);
        }
        return r;
}

static void delivery_done(struct delivery *d) {
        digest_list_done(&d->digests);
        scoreboard_done(&d->board);
}

static void *deliver_all(void *userdata) {
        struct simulation *s = userdata;
        int r = 0;

        for (size_t i = 0;; i++) {
                struct delivery *d = &s->deliveries[i % N_DELIVERIES];

                sem_wait(&s->full);
                if (d->ends)
                        return NULL;
                if (r == 0)
                        r = deliver(s, d);
                d->result = r;
                delivery_done(d);
                sem_post(&s->empty);
        }
}

/* Waits until everything is handed over. Return: what on_digest returned. */
static int delivered(struct simulation *s) {
        for (size_t i = 0; i < N_DELIVERIES; i++)
                sem_wait(&s->empty);
        for (size_t i = 0; i < N_DELIVERIES; i++)
                sem_post(&s->empty);
        return s->deliveries[(s->n_delivered + N_DELIVERIES - 1) % N_DELIVERIES].result;
}

/* Waits for a free place. Its result is that of the flush it was used for. */
static struct delivery *delivery_next(struct simulation *s) {
        sem_wait(&s->empty);
        return &s->deliveries[s->n_delivered++ % N_DELIVERIES];
}

/* Takes the mails over, and the board. What is told in reports is in s.notices. */
static int hand_over(struct simulation *s, struct digest_list *digests, struct scoreboard *board,
                     usec_t now) {
        struct delivery *d = delivery_next(s);
        struct notice_list told = s->notices;
        int r = d->result;

        s->notices = d->reports;
        *d = (struct delivery){
                .at = now,
                .digests = *digests,
                .reports = told,
                .board = *board,
        };
        *digests = (struct digest_list){};
        *board = (struct scoreboard){};
        sem_post(&s->full);
        return r;
}

static int begin_deliveries(struct simulation *s) {
        int r;

        sem_init(&s->empty, 0, N_DELIVERIES);
        sem_init(&s->full, 0, 0);
        r = -pthread_create(&s->thread, NULL, deliver_all, s);
        s->runs = r == 0;
        return r;
}

static void end_deliveries(struct simulation *s) {
        if (!s->runs)
                return;
        delivery_next(s)->ends = true;
        sem_post(&s->full);
        pthread_join(s->thread, NULL);
        sem_destroy(&s->empty);
        sem_destroy(&s->full);
        for (size_t i = 0; i < N_DELIVERIES; i++)
                array_done(&s->deliveries[i].reports);
}

static void simulation_done(struct simulation *s) {
        end_deliveries(s);
        for (size_t i = 0; s->pasts && i < s->instances->n; i++)
                free(s->pasts[i].have);
        for (size_t i = 0; s->reports && i < s->model->n_reports; i++)
                free(s->reports[i].last);
        free(s->pasts);
        free(s->histories);
        free(s->arrivals);
        free(s->reports);
        array_done(&s->notices);
        planner_free(s->planner);
        instance_set_free(s->instances);
}

/* ---- the beginning ---- */

static int compare_arrivals(const void *a, const void *b) {
        const struct arrival *x = a, *y = b;

        if (x->at != y->at)
                return x->at < y->at ? -1 : 1;
        return (x->instance > y->instance) - (x->instance < y->instance);
}

static int take_completions(struct simulation *s, struct simulate_completion *completions,
                            size_t n) {
        int r = 0;

        s->arrivals = calloc(n + 1, sizeof(*s->arrivals));
        if (!s->arrivals)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                const struct instance *instance =
                        instance_set_find(s->instances, completions[i].instance);

                completions[i].unknown = !instance;
                if (!instance) {
                        r = -ENOENT;
                        continue;
                }
                s->arrivals[s->n_arrivals++] = (struct arrival){
                        .instance = instance,
                        .at = completions[i].at,
                        .leaves = send_instant_next(s->model->calendar, completions[i].at),
                };
        }
        qsort(s->arrivals, s->n_arrivals, sizeof(*s->arrivals), compare_arrivals);
        return r;
}

static int begin_reports(struct simulation *s) {
        s->reports = calloc(s->model->n_reports + 1, sizeof(*s->reports));
        if (!s->reports)
                return -ENOMEM;
        for (size_t i = 0; i < s->model->n_reports; i++) {
                const struct report *report = &s->model->reports[i];

                s->reports[i].last = calloc(report_n_pages(s->model, report) + 1, sizeof(uint64_t));
                if (!s->reports[i].last)
                        return -ENOMEM;
                s->reports[i].next = report_next(s->model, report, s->from);
        }
        return 0;
}

static int begin_instances(struct simulation *s) {
        size_t n = s->instances->n;

        s->pasts = calloc(n + 1, sizeof(*s->pasts));
        s->histories = calloc(n + 1, sizeof(*s->histories));
        s->planner = planner_new(s->model, s->instances);
        if (!s->pasts || !s->histories || !s->planner)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                struct history *history = &s->pasts[i].history;

                *history = HISTORY_INIT;
                history->first_known = history->episode_began = s->from;
                history->scanned = true;
                s->histories[i] = history;
                planner_update(s->planner, i, history, s->from);
        }
        return 0;
}

/* ---- one instant ---- */

static int fill(struct past *past, const struct instance *instance, usec_t at) {
        past->have = calloc(instance->n_requirements + 1, sizeof(*past->have));
        if (!past->have)
                return -ENOMEM;
        for (size_t i = 0; i < instance->n_requirements; i++)
                past->have[i] = instance->requirements[i].need->count;
        past->history.have = past->have;
        past->history.n_have = instance->n_requirements;
        past->history.complete_at = at;
        return 0;
}

static int receive(struct simulation *s, usec_t now) {
        int r;

        if (s->arrived < s->n_arrivals && s->arrivals[s->arrived].at <= now) {
                /* Mails that are being handed over show what was there before. */
                r = delivered(s);
                if (r != 0)
                        return r;
        }
        while (s->arrived < s->n_arrivals && s->arrivals[s->arrived].at <= now) {
                struct arrival *arrival = &s->arrivals[s->arrived++];
                size_t index = arrival->instance->index;
                struct past *past = &s->pasts[index];

                if (past->have || arrival->at < s->from)
                        arrival->leaves = 0; /* no thanks: it was there, or they are said */
                if (past->have)
                        continue;
                r = fill(past, arrival->instance, arrival->at);
                if (r < 0)
                        return r;
                planner_update(s->planner, index, &past->history, now);
        }
        return 0;
}

static int thank(struct simulation *s, usec_t now) {
        int r = 0;

        for (; s->thanked < s->arrived && r >= 0; s->thanked++) {
                const struct arrival *arrival = &s->arrivals[s->thanked];

                if (arrival->leaves > now)
                        break;
                if (arrival->leaves != 0)
                        r = array_push(&s->notices,
                                       notice_about(s->model, NOTICE_COMPLETE, arrival->instance,
                                                    s->histories[arrival->instance->index], now));
        }
        return r;
}

static void foresee(const struct plan *plan, size_t i) {
        if (i + LOOK_AHEAD < plan->n_reminders) {
                look_ahead(plan->reminders[i + LOOK_AHEAD].instance, sizeof(struct instance));
                look_ahead(plan->reminders[i + LOOK_AHEAD].history, sizeof(struct past));
        }
}

static int remind(struct simulation *s, const struct plan *plan, usec_t now) {
        int r;

        r = array_reserve(&s->notices, plan->n_reminders + plan->n_ended);
        if (r < 0)
                return r;
        for (size_t i = 0; i < plan->n_reminders; i++) {
                foresee(plan, i);
                s->notices.items[s->notices.n++] =
                        notice_from_reminder(s->model, &plan->reminders[i], now);
        }
        for (size_t i = 0; i < plan->n_ended; i++)
                s->notices.items[s->notices.n++] =
                        notice_about(s->model, NOTICE_LADDER_ENDED, plan->ended[i],
                                     s->histories[plan->ended[i]->index], now);
        return 0;
}

static void remember(struct past *past, const struct reminder *reminder, usec_t now) {
        struct history *history = &past->history;

        history->n_forgotten += (unsigned)history->n_records;
        history->last_forgotten = past->last.at;
        past->last = (struct record){
                .episode = history->episode,
                .deadline = reminder->deadline.instant,
                .offset = reminder->rung->offset,
                .fired = reminder->fired,
                .at = now,
                .kind = RECORD_SENT,
        };
        history->records = &past->last;
        history->n_records = 1;
}

static void record_plan(struct simulation *s, const struct plan *plan, usec_t now) {
        for (size_t i = 0; i < plan->n_reminders; i++) {
                size_t index = plan->reminders[i].instance->index;

                foresee(plan, i);
                remember(&s->pasts[index], &plan->reminders[i], now);
                planner_update(s->planner, index, &s->pasts[index].history, now);
        }
        for (size_t i = 0; i < plan->n_ended; i++) {
                size_t index = plan->ended[i]->index;

                s->pasts[index].history.ladder_end_told = true;
                planner_update(s->planner, index, &s->pasts[index].history, now);
        }
}

static int add_report(struct simulation *s, size_t index, usec_t now,
                      const struct recipients *reminded) {
        const struct report *report = &s->model->reports[index];
        uint64_t *last = s->reports[index].last;
        size_t n = report_n_pages(s->model, report);
        _cleanup_free_ uint64_t *prints = calloc(n + 1, sizeof(*prints));
        _cleanup_free_ bool *wanted = calloc(n + 1, sizeof(*wanted));
        int r;

        if (!prints || !wanted)
                return -ENOMEM;
        r = report_fingerprints(s->model, s->instances, s->histories, report, reminded, now,
                                prints);
        if (r < 0)
                return r;
        for (size_t i = 0; i < n; i++) {
                wanted[i] = report_is_wanted(report, prints[i], last[i]);
                if (wanted[i])
                        last[i] = prints[i];
        }
        s->reports[index].next = report_next(s->model, report, now + 1);
        return report_notices(s->model, s->instances, s->histories, report, wanted, now,
                              &s->notices);
}

/* @ret_board: computed for the report about all units */
static int add_reports(struct simulation *s, usec_t now, const struct digest_list *digests,
                       struct scoreboard *ret_board) {
        _cleanup_(recipients_done) struct recipients reminded = RECIPIENTS_INIT;
        bool scored = false;
        int r;

        s->notices.n = 0;
        r = report_reminded(digests, &reminded);
        for (size_t i = 0; i < s->model->n_reports && r >= 0; i++) {
                if (s->reports[i].next > now)
                        continue;
                scored = scored || !s->model->reports[i].per_unit;
                r = add_report(s, i, now, &reminded);
        }
        if (r < 0 || !scored)
                return r;
        return scoreboard_compute(s->model, s->instances, s->histories, now, ret_board);
}

/* The mails borrow histories, of which they show nothing that record_plan() changes; for what does, see receive(). */
static int flush(struct simulation *s, const struct plan *plan, usec_t now) {
        _cleanup_(digest_list_done) struct digest_list digests = {};
        _cleanup_(scoreboard_done) struct scoreboard board = {};
        int r;

        s->notices.n = 0;
        r = remind(s, plan, now);
        if (r >= 0)
                r = thank(s, now);
        if (r >= 0)
                r = digests_build(s->model, s->notices.items, s->notices.n, now, &digests);
        if (r >= 0)
                r = add_reports(s, now, &digests, &board);
        if (r >= 0)
                r = hand_over(s, &digests, &board, now);
        if (r == 0)
                record_plan(s, plan, now);
        return r;
}

static int step(struct simulation *s, usec_t now) {
        _cleanup_(plan_done) struct plan plan = {};
        int r;

        r = receive(s, now);
        if (r == 0)
                r = planner_run(s->planner, now, &plan);
        return r != 0 ? r : flush(s, &plan, now);
}

static usec_t next_wake(const struct simulation *s) {
        usec_t next = planner_next(s->planner);

        if (s->arrived < s->n_arrivals && s->arrivals[s->arrived].at < next)
                next = s->arrivals[s->arrived].at;
        /* Those that need no thanks were passed over when they were to be thanked for. */
        if (s->thanked < s->arrived && s->arrivals[s->thanked].leaves < next)
                next = s->arrivals[s->thanked].leaves;
        for (size_t i = 0; i < s->model->n_reports; i++)
                if (s->reports[i].next < next)
                        next = s->reports[i].next;
        return next;
}

static int begin(struct simulation *s, struct simulate_completion *completions, size_t n) {
        date_t horizon = planner_horizon(s->model, zone_civil(s->to).date);
        int r;

        r = instance_set_new(s->model, horizon, NULL, NULL, &s->instances);
        if (r >= 0)
                r = take_completions(s, completions, n);
        if (r >= 0)
                r = begin_reports(s);
        if (r >= 0)
                r = begin_instances(s);
        return r < 0 ? r : begin_deliveries(s);
}

int simulate_run(const struct model *model, usec_t from, usec_t to,
                 struct simulate_completion *completions, size_t n_completions,
                 simulate_fn on_digest, void *userdata) {
        _cleanup_(simulation_done) struct simulation s = {
                .model = model,
                .from = from,
                .to = to,
                .on_digest = on_digest,
                .userdata = userdata,
        };
        int r;

        r = begin(&s, completions, n_completions);
        for (usec_t now = from; r == 0 && now < to; now = next_wake(&s))
                r = step(&s, now);
        return r == 0 ? delivered(&s) : r;
}
