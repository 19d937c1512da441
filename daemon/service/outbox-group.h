/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * How long what the senders said waits to be written down. A commit costs a wait for the disk, and each of several answers would
 * write the same pages again. So they wait for one another: until half of what the senders may have is answered, while they go on
 * with the other half; never long, and not at all when nobody would be kept busy by it. Pure.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"

struct outbox_group {
        size_t n_senders, n_busy; /* busy: with something that is not answered yet */
        size_t n_answers;         /* that wait */
        bool stopping;
};

/** outbox_group_wait() - Return: for how long from now, at most; 0: they are written at once */
usec_t outbox_group_wait(const struct outbox_group *group);
