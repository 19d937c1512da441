/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/score.h"

#include <errno.h>
#include <stdlib.h>

#include "base/zone.h"

static const char *const buckets[_BUCKET_MAX] = {
        [BUCKET_COMPLETE] = "complete", [BUCKET_PENDING] = "pending",
        [BUCKET_DUE_SOON] = "due-soon", [BUCKET_OVERDUE] = "overdue",
        [BUCKET_WAIVED] = "waived",     [BUCKET_SURVEYED] = "surveyed",
};

/* How bad a bucket is for the task that has an instance in it: waived ones do not count while another has something. */
static const int badness[_BUCKET_MAX] = {
        [BUCKET_WAIVED] = 1,   [BUCKET_COMPLETE] = 2, [BUCKET_PENDING] = 3,
        [BUCKET_DUE_SOON] = 4, [BUCKET_OVERDUE] = 5,
};

/* No instance yet. */
#define BUCKET_NONE _BUCKET_MAX

const char *bucket_to_string(enum bucket bucket) { return buckets[bucket]; }

static enum bucket bucket_by_date(const struct calendar *cal, const struct deadline *deadline,
                                  usec_t now) {
        date_t today = zone_civil(now).date;

        if (now >= deadline->instant)
                return BUCKET_OVERDUE;
        return calendar_count_workdays(cal, today, deadline->effective) <= DUE_SOON_WORKDAYS
                       ? BUCKET_DUE_SOON
                       : BUCKET_PENDING;
}

enum bucket score_bucket(const struct calendar *cal, const struct instance *instance,
                         const struct history *history, usec_t now) {
        struct deadline deadline = instance_deadline(cal, instance, history);

        switch (instance_decided(instance, history, &deadline, now)) {
        case STATE_COMPLETE:
        case STATE_LATE:
                return BUCKET_COMPLETE;
        case STATE_WAIVED:
                return BUCKET_WAIVED;
        case STATE_UNKNOWN: /* nothing was seen that would say otherwise: by their date, like all that is not filed */
        case STATE_EXPLAINED:
        case STATE_SNOOZED:
        case STATE_OVERDUE:
        case STATE_PARTIAL:
        case STATE_OPEN:
        case STATE_PLANNED:
        case _STATE_MAX:
                break;
        }
        return instance->has_deadline ? bucket_by_date(cal, &deadline, now) : BUCKET_PENDING;
}

static void worsen(enum bucket *bucket, enum bucket other) {
        if (*bucket == BUCKET_NONE || badness[other] > badness[*bucket])
                *bucket = other;
}

static void add(struct score *score, points_t points, enum bucket bucket) {
        if (bucket == BUCKET_NONE)
                bucket = BUCKET_PENDING; /* no deadline within the horizon */
        score->points[bucket] += points;
        score->max += points;
        score->tasks[bucket]++;
}

/* Scores a task that may belong to one unit or be owed by several, each by its own copy. */
struct scoring {
        const struct model *model;
        const struct instance_set *instances;
        const struct history *const *histories;
        usec_t now;
        enum bucket *units; /* owned: of the task being looked at, per unit of the model */
};

/* @i: the first instance of the task. Return: the first of the next one. */
static size_t score_instances(struct scoring *s, const struct task *task, size_t i,
                              enum bucket *ret) {
        for (; i < s->instances->n && s->instances->items[i].task == task; i++) {
                const struct instance *instance = &s->instances->items[i];
                enum bucket bucket =
                        score_bucket(s->model->calendar, instance, s->histories[i], s->now);

                worsen(ret, bucket);
                worsen(&s->units[instance->unit->index], bucket);
        }
        return i;
}

static void add_to_units(struct scoring *s, const struct task *task, enum bucket whole,
                         struct score *units) {
        for (size_t i = 0; i < task->n_each_unit; i++) {
                size_t unit = task->each_unit[i]->index;

                add(&units[unit], task->points, task->tracked ? s->units[unit] : whole);
                s->units[unit] = BUCKET_NONE;
        }
        if (task->n_each_unit == 0 && task->unit) {
                add(&units[task->unit->index], task->points, whole);
                s->units[task->unit->index] = BUCKET_NONE;
        }
}

static void score_tasks(struct scoring *s, struct scoreboard *board) {
        size_t i = 0;

        for (size_t u = 0; u < s->model->n_units; u++)
                s->units[u] = BUCKET_NONE;
        for (size_t t = 0; t < s->model->n_tasks; t++) {
                const struct task *task = &s->model->tasks[t];
                enum bucket bucket = BUCKET_NONE;

                if (task->tracked)
                        i = score_instances(s, task, i, &bucket);
                else
                        bucket = BUCKET_SURVEYED;
                add(&board->total, task->points, bucket);
                if (task->area)
                        add(&board->areas[task->area - s->model->areas], task->points, bucket);
                add_to_units(s, task, bucket, board->units);
                board->tasks[t] = bucket == BUCKET_NONE ? BUCKET_PENDING : bucket;
        }
}

void scoreboard_done(struct scoreboard *board) {
        free(board->areas);
        free(board->units);
        free(board->tasks);
        *board = (struct scoreboard){};
}

int scoreboard_compute(const struct model *model, const struct instance_set *instances,
                       const struct history *const *histories, usec_t now, struct scoreboard *ret) {
        struct scoreboard board = {
                .areas = calloc(model->n_areas + 1, sizeof(*board.areas)),
                .units = calloc(model->n_units + 1, sizeof(*board.units)),
                .tasks = calloc(model->n_tasks + 1, sizeof(*board.tasks)),
        };
        struct scoring scoring = {
                .model = model,
                .instances = instances,
                .histories = histories,
                .now = now,
                .units = calloc(model->n_units + 1, sizeof(*scoring.units)),
        };

        if (!board.areas || !board.units || !board.tasks || !scoring.units) {
                scoreboard_done(&board);
                free(scoring.units);
                return -ENOMEM;
        }
        score_tasks(&scoring, &board);
        free(scoring.units);
        *ret = board;
        return 0;
}
