/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the service does for itself: alarms about troubles that last, and the nightly copy of the database.
 */

#include "base/clock.h"

struct manager;

#define CARE_ROOT_PATIENCE_USEC (15 * USEC_PER_MINUTE)
#define CARE_MAIL_PATIENCE_USEC USEC_PER_HOUR
#define CARE_KEEP_MAIL_USEC                                                                        \
        (60 * USEC_PER_DAY)           /* how long the bytes of a mail that was sent are kept */
#define CARE_BACKUP_SECOND (2 * 3600) /* of the day, by the service's clock */

/** care_look() - tells the administrator of what lasts, makes the copy when its hour has come. Return: when to look again. */
usec_t care_look(struct manager *m);
