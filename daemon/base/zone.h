/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The organisation's time zone: civil time to instants and back. One zone a process, set once before any
 * thread, because the C library keeps it process-wide. Source of rules: docs/semantics.md, section 1.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/date.h"

#define INSTANT_BUFFER 32 /* "2018-11-12T07:30:00+07:00" and NUL, with room */

/**
 * zone_check() - is there a zone of this name?
 * Refuses empty names, a leading '/' or ':', "..", and names without a TZif file. Return: 0, -EINVAL, -ENOENT.
 */
int zone_check(const char *iana);

/** zone_init() - zone_check(), then make it this process's zone. May be called again (tests). */
int zone_init(const char *iana);

/**
 * zone_instant() - the instant of a civil time
 * @second: of the day, 0..86400 (86400: the end of the day)
 *
 * A time that does not exist is the first instant after the gap; one that exists twice is the first of the two.
 */
usec_t zone_instant(date_t date, int second);

struct civil {
        date_t date;
        int second;     /* of the day, by the wall clock */
        int utc_offset; /* seconds east of UTC */
};

struct civil zone_civil(usec_t instant);

/**
 * zone_format() - RFC 3339 with offset, whole seconds ("2018-11-12T07:30:00+07:00"); "never" for USEC_INFINITY
 * Return: @buf.
 */
const char *zone_format(usec_t instant, char buf[INSTANT_BUFFER]);
/**
 * zone_parse() - RFC 3339 with offset or Z, or a date, or a local date and time ("2018-11-12 07:30", also 24:00)
 * Return: 0, -EINVAL or -ERANGE.
 */
int zone_parse(const char *s, usec_t *ret);
