/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The published calendars: deadlines as iCalendar files that people subscribe to, one with all and one for each unit. The UIDs are
 * those of the mails' attachments, so that a calendar that has both shows a deadline once.
 */

#include "service/board.h"

#define CALENDARS_SPAN_DAYS 400  /* before and after today */
#define CALENDARS_MAX_ITEMS 5000 /* in one calendar, those of the first criteria */

#define CALENDARS_PREFIX "calendar-"
#define CALENDARS_SUFFIX ".ics"
#define CALENDARS_NAME_BUFFER 256

/**
 * calendars_name() - name of the file of @unit: "calendar-VP.ics"
 * Safe as a file's name and as a link: all but ASCII letters, digits, '.', '-' and '_' is written as ~XX.
 * Return: 0 or -ENAMETOOLONG.
 */
int calendars_name(const struct unit *unit, char ret[CALENDARS_NAME_BUFFER]);

/** calendars_render() - appends the calendar of @unit (NULL: of all). Return: 0 or -errno. */
int calendars_render(const struct board *board, const struct unit *unit, struct strbuf *ret);
