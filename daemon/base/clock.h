/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Instants (UTC, microseconds since 1970) and the service's clock, which --now shifts.
 */

#include <stdint.h>
#include <time.h>

typedef int64_t usec_t;

#define USEC_PER_MSEC ((usec_t)1000)
#define USEC_PER_SEC ((usec_t)1000000)
#define USEC_PER_MINUTE (60 * USEC_PER_SEC)
#define USEC_PER_HOUR (60 * USEC_PER_MINUTE)
#define USEC_PER_DAY (24 * USEC_PER_HOUR)
#define USEC_INFINITY INT64_MAX

usec_t clock_realtime(void);  /* CLOCK_REALTIME */
usec_t clock_monotonic(void); /* CLOCK_MONOTONIC */

/* The clock of the service: real time plus an offset that is kept with the state. */
struct clock {
        usec_t offset;
};

usec_t clock_now(const struct clock *clock);

static inline usec_t usec_add(usec_t a, usec_t b) { /* saturates at USEC_INFINITY; a, b ≥ 0 */
        return a > USEC_INFINITY - b ? USEC_INFINITY : a + b;
}
