/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The ladder of reminders: steps as configured, and the same steps expanded into rungs. Pure.
 * Rules: docs/semantics.md, section 3.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/date.h"

struct calendar;

enum offset_unit {
        OFFSET_WORKING_DAYS, /* wd */
        OFFSET_DAYS,         /* d */
        OFFSET_WEEKS,        /* w */
        OFFSET_HOURS,        /* h */
        _OFFSET_UNIT_MAX
};

struct offset {
        int32_t count; /* < 0 before the deadline, 0 on its day, > 0 after */
        enum offset_unit unit;
};

#define OFFSET_BUFFER 24 /* "-15wd" */
#define OFFSET_MAX 5000  /* greatest count of any unit */
#define STEP_DEFAULT_FIRINGS 60
#define POLICY_MAX_RUNGS 1000 /* reminders of one ladder, after expansion */

/** "-15wd", "0", "+2h". "-0wd", "0d", a missing sign or a count above OFFSET_MAX: -EINVAL. */
int offset_parse(const char *s, struct offset *ret);
/** "1wd" or "+1wd", as `every` is written; at least one, else -EINVAL. */
int offset_parse_distance(const char *s, struct offset *ret);
const char *offset_format(struct offset offset, char buf[OFFSET_BUFFER]);
bool offset_equal(struct offset a, struct offset b);

struct step {
        const struct offset *at;
        size_t n_at;
        const char *const *to; /* role names */
        size_t n_to;
        const char *const *cc;
        size_t n_cc;
        struct offset every, until; /* where has_every, has_until say so */
        const char *file;           /* where it was configured */
        unsigned line;
        bool has_every, has_until;
};

/* One firing of a step: its offset after expansion. */
struct rung {
        struct offset offset;
        const struct step *step;
        unsigned order; /* position in the policy's order (steps, then offsets in a step) */
        bool per_task;  /* who is told depends on the task, too, not only on its unit */
};

struct policy {
        const char *id;
        const struct step *steps;
        size_t n_steps;
        const struct rung *rungs; /* expanded, in the policy's order */
        size_t n_rungs;
};

/**
 * policy_expand() - fill in policy->rungs from its steps
 * @ret_error: on failure, what is wrong with @ret_step, in words (arena)
 *
 * Return: 0, or -EINVAL: `every` with several `at`, before the deadline, in another unit, until before at, …
 */
int policy_expand(struct arena *arena, struct policy *policy, const struct step **ret_step,
                  const char **ret_error);

/* A rung with its instant for one instance. */
struct firing {
        const struct rung *rung;
        usec_t instant; /* when it fires, after moving into the window */
        usec_t nominal; /* before any moving; orders two that fire together */
};

/* What the instants of a ladder depend on. */
struct ladder_base {
        date_t effective; /* E */
        usec_t deadline;  /* the deadline instant */
        date_t base;      /* B ≥ E */
        date_t opens,
                closes; /* DATE_NONE: no limit; steps whose firing date is before opens or after closes are suppressed */
};

/**
 * ladder_resolve() - instants of all rungs, equal instants collapsed, in order of time
 * @ret: room for policy->n_rungs firings
 *
 * Return: the number of firings written.
 */
size_t ladder_resolve(const struct calendar *cal, const struct policy *policy,
                      const struct ladder_base *base, struct firing *ret);

/** ladder_base_date() - B for an episode that began at @episode_began (docs/semantics.md, section 3). */
date_t ladder_base_date(const struct calendar *cal, date_t effective, usec_t episode_began);

/** When something that waits may leave, at or after @now: at once between send_at and the end of the window of a
 *  working day, else at the next send_at of a working day. USEC_INFINITY when there is none. */
usec_t send_instant_caught_up(const struct calendar *cal, usec_t now);
/** "At once in the window": @now inside send_window of a working day, else the start of the next window. */
usec_t send_instant_in_window(const struct calendar *cal, usec_t now);
/** The first send_at of a working day at or after @now. */
usec_t send_instant_next(const struct calendar *cal, usec_t now);
