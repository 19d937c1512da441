/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * From what an official letter states to the instant it ends. Pure. Rules: docs/semantics.md, section 2.
 */

#include "base/clock.h"
#include "base/date.h"

struct calendar;

enum due_word { DUE_WORD_BY, DUE_WORD_BEFORE, _DUE_WORD_MAX };
enum shift { SHIFT_EARLIER, SHIFT_LATER, SHIFT_NONE, _SHIFT_MAX };
const char *due_word_to_string(enum due_word word);
int due_word_from_string(const char *s, enum due_word *ret);
const char *shift_to_string(enum shift shift);
int shift_from_string(const char *s, enum shift *ret);

/* A stated deadline. */
struct due {
        date_t date;       /* D */
        int time_of_day;   /* second of the day; -1: none stated */
        const char *label; /* "quý I"; NULL: none; borrowed */
};

struct deadline {
        date_t last;      /* L: last day as stated */
        date_t effective; /* E: after shifting */
        usec_t instant;   /* overdue from here on */
};

/**
 * deadline_resolve() - stated date to effective date and instant
 * @ret: untouched on failure
 *
 * Return: 0, or -ERANGE when no working day lies within reach.
 */
int deadline_resolve(const struct calendar *cal, const struct due *due, enum due_word word,
                     enum shift shift, struct deadline *ret);

/** Working days after E up to and including @today; 0 when not past E. */
int deadline_days_overdue(const struct calendar *cal, date_t effective, date_t today);
