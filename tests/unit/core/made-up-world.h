/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Departments made up by chance: any calendar, policies, tasks and arrivals, the same ones for the same seed. */

#include "core/model-builder.h"

#define MAX_INSTANCES 12
#define N_AREAS 2

/* A department, and when its evidence comes. */
struct world {
        struct builder b;
        const struct model *model;
        struct instance_set *set;
        usec_t start, end;
        usec_t complete[MAX_INSTANCES]; /* USEC_INFINITY: never */
};

void world_seed(uint64_t seed);
/** any() - a number below @n */
int any(int n);
int between(int low, int high);

void world_init(struct world *w);
void world_done(struct world *w);
/** An instant at or after @from at which something may be decided: close to a firing, or just any within @days. */
usec_t some_instant(const struct world *w, usec_t from, int days);
