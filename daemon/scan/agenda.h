/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Which folder to look at next: those of a walk (depth first), and those that have a time of their own. Knows nothing of
 * files and watches.
 */

#include "base/array.h"
#include "scan/folder.h"

struct agenda {
        struct ARRAY(struct folder *) heap; /* by due; the earliest first */
        struct folder *queue; /* to look at as soon as possible; the last one put in first */
        size_t n_in_walk;     /* queued folders that belong to the whole walk */
};

void agenda_done(struct agenda *a);
/** agenda_due() - look at @folder at @due (CLOCK_MONOTONIC) or earlier; never puts a look off. Return: 0 or -ENOMEM. */
int agenda_due(struct agenda *a, struct folder *folder, usec_t due);
void agenda_queue(struct agenda *a, struct folder *folder);
/** agenda_mark_walk() - queue @folder as a part of the whole walk */
void agenda_mark_walk(struct agenda *a, struct folder *folder);
/** agenda_drop() - forget it: it is being looked at, or goes away */
void agenda_drop(struct agenda *a, struct folder *folder);
/** When there is something to do: 0 now, USEC_INFINITY never. */
usec_t agenda_next(const struct agenda *a);
/** The folder to look at now: what is due by @now comes before the queue. Borrowed; NULL: none. Stays on the agenda. */
struct folder *agenda_first(const struct agenda *a, usec_t now);
