/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The ladder of one instance, with its instants, and how far it was climbed: what the records say about it. Pure.
 * Rules: docs/semantics.md, sections 3 and 4.
 */

#include <stdbool.h>
#include <stddef.h>

#include "core/instance.h"

#define CLIMB_ON_STACK 128 /* rungs */

struct climb {
        const struct policy *policy;
        struct ladder_base base;
        const struct firing *firings; /* in order of time */
        size_t n;
};

/* A climb with its own room. */
struct climb_buffer {
        struct climb climb;
        struct firing *heap; /* owned; NULL: on the stack */
        struct firing stack[CLIMB_ON_STACK];
};

/** climb_init() - the ladder of an instance that has a deadline and a policy. Return: 0 or -ENOMEM. */
int climb_init(struct climb_buffer *buffer, const struct model *model,
               const struct instance *instance, const struct history *history);
void climb_done(struct climb_buffer *buffer);

/** climb_base() - what the instants of an instance's ladder depend on */
struct ladder_base climb_base(const struct model *model, const struct instance *instance,
                              const struct history *history);
/** climb_current() - the latest firing not after @now. Return: its position, SIZE_MAX when there is none. */
size_t climb_current(const struct climb *climb, usec_t now);
/**
 * climb_is_handled() - is a record, sent or covered, there for this firing or for one that fires after it?
 * Records count for their episode and deadline instant. An offset that the ladder does not have any more stands where it
 * would fire today.
 */
bool climb_is_handled(const struct calendar *cal, const struct climb *climb,
                      const struct history *history, const struct firing *firing);
/** climb_recorded_at() - when the last of the records, sent or covered, was made; 0: there is none */
usec_t climb_recorded_at(const struct climb *climb, const struct history *history);
/** climb_record() - the record of exactly this firing of this episode and deadline; sent before covered before superseded */
const struct record *climb_record(const struct climb *climb, const struct history *history,
                                  const struct firing *firing);
