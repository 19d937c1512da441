/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A civil date without time and zone: days since 1970-01-01, proleptic Gregorian. Pure arithmetic.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int32_t date_t;

#define DATE_NONE INT32_MIN
#define DATE_MIN_YEAR 1970
#define DATE_MAX_YEAR 2199
#define DATE_BUFFER 11 /* "2018-11-30" and NUL */

enum weekday { MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY, _WEEKDAY_MAX };

struct ymd {
        int year, month, day; /* month and day from 1 */
};

/** date_from_ymd() - Return: the date, DATE_NONE when there is no such day or the year is out of range */
date_t date_from_ymd(int year, int month, int day);
struct ymd date_to_ymd(date_t date);
enum weekday date_weekday(date_t date);
int date_iso_week(date_t date, int *ret_year); /* ISO 8601 week number */
int days_in_month(int year, int month);

/** date_parse() - "2018-11-30" exactly. Return: 0, -EINVAL (form), -ERANGE (no such day). */
int date_parse(const char *s, date_t *ret);
/** date_format() - ISO 8601 into @buf (DATE_BUFFER bytes). Return: @buf. */
const char *date_format(date_t date, char buf[DATE_BUFFER]);
