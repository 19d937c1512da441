/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Points won, pending and at risk; buckets that add up. Pure. Rules: docs/semantics.md, section 6 (Points).
 */

#include <stddef.h>

#include "core/instance.h"

#define DUE_SOON_WORKDAYS 5

enum bucket {
        BUCKET_COMPLETE,
        BUCKET_PENDING,
        BUCKET_DUE_SOON,
        BUCKET_OVERDUE,
        BUCKET_WAIVED,
        BUCKET_SURVEYED,
        _BUCKET_MAX
};
const char *bucket_to_string(enum bucket bucket);

struct score {
        points_t points[_BUCKET_MAX]; /* add up to max */
        points_t max;
        uint32_t tasks[_BUCKET_MAX];
};

/** score_bucket() - the bucket of one instance */
enum bucket score_bucket(const struct calendar *cal, const struct instance *instance,
                         const struct history *history, usec_t now);

struct scoreboard {
        struct score total;
        struct score *areas; /* owned; model.n_areas */
        struct score *
                units; /* owned; model.n_units; an each_unit task counts whole for each of its units */
        enum bucket *tasks; /* owned; model.n_tasks: the bucket of the worst instance */
};
void scoreboard_done(struct scoreboard *board);

/** @histories: one per instance of the set, in its order. Return: 0 or -ENOMEM. */
int scoreboard_compute(const struct model *model, const struct instance_set *instances,
                       const struct history *const *histories, usec_t now, struct scoreboard *ret);
