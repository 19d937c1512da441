/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Working days of the organisation, and the hours in which mail may leave. Pure.
 * Rules: docs/semantics.md, section 1.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/date.h"

struct calendar; /* opaque; memory in the arena it was made with */

struct day_range {
        date_t first, last; /* both included */
        const char *name;   /* NULL: none; borrowed, lives in the same arena */
};

struct calendar_settings {
        unsigned workdays;           /* bits 1 << enum weekday; not 0 */
        const struct day_range *off; /* borrowed during the call, names kept */
        size_t n_off;
        const struct day_range *work;
        size_t n_work;
        int send_at;      /* second of the day, inside the window, before 24:00 */
        int window_start; /* second of the day, included */
        int window_end;   /* second of the day, included: 18:00:00 sharp is inside */
        int close_of_day; /* second of the day, 86400 = the end of it */
};

/** calendar_new() - built once per model. Return: never NULL (arena rules). */
const struct calendar *calendar_new(struct arena *arena, const struct calendar_settings *settings);
const struct calendar_settings *calendar_settings(const struct calendar *cal);

bool calendar_is_workday(const struct calendar *cal, date_t date); /* work wins over off */
/** Name of the off day or make-up day, NULL when it has none. */
const char *calendar_day_name(const struct calendar *cal, date_t date);
/** Is any off day listed in that year? (A reached year without one is a warning.) */
bool calendar_lists_year(const struct calendar *cal, int year);

/* DATE_NONE when there is no such day within two years, or in the years of base/date.h. */
date_t calendar_workday_on_or_before(const struct calendar *cal, date_t date);
date_t calendar_workday_on_or_after(const struct calendar *cal, date_t date);
/**
 * calendar_add_workdays() - n > 0: the n-th working day strictly after @date; n < 0: strictly before; 0 is a bug
 * Constant time. Return: DATE_NONE when it lies outside the years of base/date.h.
 */
date_t calendar_add_workdays(const struct calendar *cal, date_t date, int n);
/** Working days d with after < d ≤ until; 0 when until ≤ after. Constant time. */
int calendar_count_workdays(const struct calendar *cal, date_t after, date_t until);
