/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Is a reminder about one instance due, which one, and what became of the steps before it? Pure.
 * Rules: docs/semantics.md, sections 3 and 4.
 */

#include <stdbool.h>
#include <stddef.h>

#include "core/climb.h"
#include "core/notice.h"

#define PLANNER_PROMPT                                                                             \
        (15 * USEC_PER_MINUTE) /* a reminder this late still leaves at its own instant */

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

/* What one instance needs. A ladder has ended when its last firing is recorded, the instance is still open and nobody was
 * told: that is told from the first send_at after the record on, caught up like a reminder. */
struct outlook {
        bool due; /* a reminder leaves now */
        const struct rung
                *rung; /* what leaves now, or at `next` if nothing happens before; NULL: nothing */
        usec_t fired;
        bool caught_up;
        bool ladder_ended; /* the coordinator is told now */
        usec_t next; /* when to look again, if nothing is recorded; USEC_INFINITY: only when something happens */
};

/**
 * outlook_of() - pure: one instance at one instant
 * Level, not edge: calling it again after the reminder was recorded gives due = false.
 * Does not allocate for a ladder of up to CLIMB_ON_STACK rungs; short of memory for a longer one it asks to be called again
 * in a minute.
 */
void outlook_of(const struct model *model, const struct instance *instance,
                const struct history *history, usec_t now, struct outlook *ret);

/** instance_climbs() - does the instance have a ladder at all? */
bool instance_climbs(const struct instance *instance);
/** outlook_on() - outlook_of() with the ladder already resolved */
void outlook_on(const struct model *model, const struct climb *climb,
                const struct instance *instance, const struct history *history, usec_t now,
                struct outlook *ret);

/**
 * reminder_of() - outlook_of() with all that a mail says: superseded rungs, deadline, next step
 * Return: 0 (not due: ret->rung NULL), -ENOMEM. @ret->superseded is owned by the caller here (free()).
 */
int reminder_of(const struct model *model, const struct instance *instance,
                const struct history *history, usec_t now, struct reminder *ret);

/** reminder_on() - reminder_of() of an outlook that is due. Return: 0 or -ENOMEM. */
int reminder_on(const struct model *model, const struct climb *climb,
                const struct instance *instance, const struct history *history,
                const struct outlook *outlook, struct reminder *ret);

/** notice_from_reminder() - the line of a mail for it; files are added by the caller. */
struct notice notice_from_reminder(const struct model *model, const struct reminder *reminder,
                                   usec_t now);

/* A row of `explain`: every firing of the ladder and what became of it. */
enum ladder_status {
        LADDER_SENT,
        LADDER_COVERED,
        LADDER_SUPERSEDED,
        LADDER_MISSED,
        LADDER_DUE,
        LADDER_COMING,
        _LADDER_STATUS_MAX
};
const char *ladder_status_to_string(enum ladder_status status);
struct ladder_row {
        struct firing firing;
        enum ladder_status status;
        usec_t at; /* when it was recorded; 0 */
};
/** Return: rows written (room for policy->n_rungs), in order of time; none without a deadline, or when out of memory. */
size_t ladder_explain(const struct model *model, const struct instance *instance,
                      const struct history *history, usec_t now, struct ladder_row *ret);
