/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Which reminders are due. For one instance a pure function (core/outlook.h); here for all of them, an index by next
 * instant, so that a pass in which nothing is due costs nothing. The same code serves the service, --once, simulate, next
 * and explain.
 * Rules: docs/semantics.md, sections 3 and 4.
 */

#include <stdbool.h>
#include <stddef.h>

#include "core/outlook.h"

struct planner;
struct plan {
        struct reminder *reminders; /* owned */
        size_t n_reminders;
        const struct instance **ended; /* owned: ladders that ended with the instance still open */
        size_t n_ended;
        usec_t next; /* the next instant worth waking for, whether what is due now gets recorded or not */
};
void plan_done(struct plan *plan);

/** planner_horizon() - how far endless rules have to be expanded so that every step up to @until is known */
date_t planner_horizon(const struct model *model, date_t until);

struct planner *planner_new(const struct model *model,
                            const struct instance_set *instances); /* both borrowed */
struct planner *planner_free(struct planner *planner);
/**
 * planner_update() - the history of instance @index is new or changed
 * @history: borrowed until the next update of the same instance, or free; NULL: it is not to be reminded of
 */
void planner_update(struct planner *planner, size_t index, const struct history *history,
                    usec_t now);
/** planner_next() - when planner_run() would find something; in the past while something due is not recorded */
usec_t planner_next(const struct planner *planner);
/**
 * planner_run() - all that is due at @now
 * The caller records what it sends (planner_update with the longer history) before it runs again; what is not recorded is due
 * again. While mail is held it records nothing and waits for plan.next. Return: 0 or -ENOMEM (run it again).
 */
int planner_run(struct planner *planner, usec_t now, struct plan *ret);
