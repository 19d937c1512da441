/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Which reminders are due. For one instance a pure function; for all of them an index by next instant, so that a pass
 * in which nothing is due costs nothing. The same code serves the service, --once, simulate, next and explain.
 * Rules: docs/semantics.md, sections 3 and 4.
 */

#include <stdbool.h>
#include <stddef.h>

#include "core/notice.h"

#define PLANNER_PROMPT (15 * USEC_PER_MINUTE) /* a reminder this late still leaves at its own instant */

/* A rung passed over, and the one that took its place. */
struct superseded {
        const struct rung *rung;
        usec_t fired;
};

struct reminder {
        const struct instance *instance;
        const struct history *history;
        const struct rung *rung;
        usec_t fired;
        bool caught_up;
        struct deadline deadline;
        struct next_step next;
        const struct superseded *superseded; /* owned by the plan */
        size_t n_superseded;
};

/* What one instance needs. */
struct outlook {
        bool due; /* a reminder leaves now */
        const struct rung *rung;
        usec_t fired;
        bool caught_up;
        bool ladder_ended; /* the last firing is recorded, the instance still open, and nobody was told */
        usec_t next;       /* when to look again; USEC_INFINITY: only when something happens */
};

/**
 * outlook_of() - pure: one instance at one instant
 * Level, not edge: calling it again after the reminder was recorded gives due = false.
 */
void outlook_of(const struct model *model, const struct instance *instance, const struct history *history, usec_t now,
                struct outlook *ret);

/**
 * reminder_of() - outlook_of() with all that a mail says: superseded rungs, deadline, next step
 * Return: 0 (not due: ret->rung NULL), -ENOMEM. @ret->superseded is owned by the caller here (free()).
 */
int reminder_of(const struct model *model, const struct instance *instance, const struct history *history, usec_t now,
                struct reminder *ret);

/** notice_from_reminder() - the line of a mail for it; files are added by the caller. */
struct notice notice_from_reminder(const struct model *model, const struct reminder *reminder, usec_t now);

/* A row of `explain`: every firing of the ladder and what became of it. */
enum ladder_status { LADDER_SENT, LADDER_COVERED, LADDER_SUPERSEDED, LADDER_MISSED, LADDER_DUE, LADDER_COMING, _LADDER_STATUS_MAX };
const char *ladder_status_to_string(enum ladder_status status);
struct ladder_row {
        struct firing firing;
        enum ladder_status status;
        usec_t at; /* when it was recorded; 0 */
};
/** Return: rows written (room for policy->n_rungs), in order of time. */
size_t ladder_explain(const struct model *model, const struct instance *instance, const struct history *history,
                      usec_t now, struct ladder_row *ret);

struct planner;
struct plan {
        struct reminder *reminders; /* owned */
        size_t n_reminders;
        const struct instance **ended; /* owned: ladders that ended with the instance still open */
        size_t n_ended;
        usec_t next; /* the next instant worth waking for */
};
void plan_done(struct plan *plan);

struct planner *planner_new(const struct model *model, const struct instance_set *instances); /* both borrowed */
struct planner *planner_free(struct planner *planner);
/** planner_update() - the history of instance @index is new or changed; borrowed until the next update or free */
void planner_update(struct planner *planner, size_t index, const struct history *history, usec_t now);
usec_t planner_next(const struct planner *planner);
/**
 * planner_run() - all that is due at @now
 * The caller records what it sends (planner_update with the longer history) before it runs again.
 */
int planner_run(struct planner *planner, usec_t now, struct plan *ret);
