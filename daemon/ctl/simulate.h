/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Every mail of a span of time, in virtual time from wake to wake, as if the service had first started at its beginning:
 * all folders scanned, nothing filed but what is said to come. Needs no daemon, no store and no evidence, and decides
 * nothing itself: planner, digests and reports are core's. What depends on servers and people (refused mail, daily_limit,
 * decisions) does not happen here.
 */

#include <stdbool.h>
#include <stddef.h>

#include "core/digests.h"
#include "core/score.h"

struct simulate_completion {
        const char *instance; /* its key; borrowed */
        usec_t at;            /* when the last document comes; before the span: it was there */
        bool unknown;         /* set by simulate_run(): there is no such instance */
};

/**
 * Called in order of time, of one instant in order of kind and To. @scores: for the report about all units, as its subject
 * names its points; else NULL. Never two at a time, but in a thread of its own, while simulate_run() goes on: of a history it
 * may read anything but records and what was told. Return: 0 to go on, anything else ends the run.
 */
typedef int (*simulate_fn)(void *userdata, const struct digest *digest,
                           const struct scoreboard *scores);

/**
 * simulate_run() - the mails of [@from, @to)
 * @completions: in any order; of two for one instance the earlier counts
 *
 * Return: 0, what @on_digest returned, -ENOENT (a completion is unknown), -EINVAL (the configuration has an error that
 * its check tells), -ENOMEM.
 */
int simulate_run(const struct model *model, usec_t from, usec_t to,
                 struct simulate_completion *completions, size_t n_completions,
                 simulate_fn on_digest, void *userdata);
