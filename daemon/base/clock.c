/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/clock.h"

static usec_t read_clock(clockid_t id) {
        struct timespec ts;

        clock_gettime(id, &ts); /* cannot fail for these two */
        return (usec_t)ts.tv_sec * USEC_PER_SEC + ts.tv_nsec / 1000;
}

usec_t clock_realtime(void) { return read_clock(CLOCK_REALTIME); }

usec_t clock_monotonic(void) { return read_clock(CLOCK_MONOTONIC); }

usec_t clock_now(const struct clock *clock) { return clock_realtime() + clock->offset; }
