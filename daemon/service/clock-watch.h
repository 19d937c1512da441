/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Notices that somebody set the clock: the kernel cancels a timer that asked for it, and the clock that runs on through
 * suspend says by how much. A suspend is no step. Decides nothing about what a step means.
 */

#include <systemd/sd-event.h>

#include "base/clock.h"

#define CLOCK_WATCH_STEP_USEC USEC_PER_SEC /* less is what setting it to the same second makes */

struct clock_watch;

/** @from, @to: real time as it would have been, and as it is. Both the same after a suspend or a step too small to matter. */
typedef void (*clock_step_fn)(void *userdata, usec_t from, usec_t to);

/** What the watch reads; tests have clocks of their own. */
struct clock_watch_clocks {
        usec_t (*real)(void), (*boot)(void);
};

/** clock_watch_new() - @clocks: NULL: the machine's. Return: 0 or -errno. */
int clock_watch_new(sd_event *event, const struct clock_watch_clocks *clocks, clock_step_fn on_step,
                    void *userdata, struct clock_watch **ret);
struct clock_watch *clock_watch_free(struct clock_watch *watch);

/** What happens when the kernel cancels the timer: arm it again, measure, tell. Return: 0 or -errno (it could not be armed). */
int clock_watch_look(struct clock_watch *watch);
int clock_watch_fd(const struct clock_watch *watch); /* the timer; borrowed */
