/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * RFC 5545 recurrence rules on dates: FREQ=DAILY|WEEKLY|MONTHLY|YEARLY with INTERVAL, COUNT, UNTIL, BYMONTH,
 * BYMONTHDAY (negative too), BYDAY (ordinals with MONTHLY and YEARLY), BYSETPOS, WKST. Anything else is refused.
 * BYDAY=FR,1MO is a union; BYSETPOS counts in the whole period, also where DTSTART lies in its middle. COUNT and
 * INTERVAL reach 10000, lists 64 entries. Pure. DTSTART itself is given and counted only when the rule matches it
 * (RFC 5545, section 3.8.5.3, leaves the other case undefined; python-dateutil does the same as we).
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/date.h"

#define RECURRENCE_MAX_DATES 10000

struct recurrence; /* opaque, in the arena */

/**
 * recurrence_parse() - @text as in RRULE, without the "RRULE:"
 * @ret_error: on failure, what is wrong, in words ("BYHOUR is not supported: rules are on dates"); static or arena
 *
 * Return: 0, -EINVAL (grammar), -ENOTSUP (a part outside the subset).
 */
int recurrence_parse(struct arena *arena, const char *text, const struct recurrence **ret,
                     const char **ret_error);
const char *recurrence_text(const struct recurrence *rule); /* as configured */
bool recurrence_is_endless(const struct recurrence *rule);  /* neither COUNT nor UNTIL */

/**
 * recurrence_expand() - the dates of the rule from @start on
 * @start: DTSTART
 * @until: last date wanted (included)
 * @ret:   room for @max dates
 *
 * Return: the number of dates written, ≤ @max; -E2BIG when there are more than @max up to @until.
 */
int recurrence_expand(const struct recurrence *rule, date_t start, date_t until, date_t *ret,
                      size_t max);
/** recurrence_expand_from() - the same without the dates before @first, which count for COUNT all the same */
int recurrence_expand_from(const struct recurrence *rule, date_t start, date_t first, date_t until,
                           date_t *ret, size_t max);
