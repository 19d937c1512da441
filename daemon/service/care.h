/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the service does for itself: alarms about troubles that last, the nightly copy of the database and check of the
 * ledger, an eye on the clock, and a sign of life to those who watch for it. What makes its state "degraded" is said here.
 */

#include <jansson.h>

#include "base/clock.h"
#include "base/digest.h"
#include "service/alarm.h"
#include "service/heartbeat.h"
#include "store/store.h"

struct manager;
struct clock_watch;

#define CARE_ROOT_PATIENCE_USEC (15 * USEC_PER_MINUTE)
#define CARE_MAIL_PATIENCE_USEC USEC_PER_HOUR
#define CARE_KEEP_MAIL_USEC                                                                        \
        (60 * USEC_PER_DAY)           /* how long the bytes of a mail that was sent are kept */
#define CARE_BACKUP_SECOND (2 * 3600) /* of the day, by the service's clock */
#define CARE_SPACE_BYTES                                                                           \
        (UINT64_C(16) << 20)           /* less than that free is told while it still can be */
#define CARE_STEP_USEC USEC_PER_MINUTE /* a jump of the clock worth a mail */
#define CARE_CHECK_ROWS 20000          /* of the ledger, at once: some milliseconds */
#define CARE_WAITING_USEC USEC_PER_DAY /* a mail that waits for longer is no sign of health */

/* Kept between looks; in struct manager. */
struct care {
        struct alarms alarms;
        struct clock_watch *clock; /* owned */
        struct heartbeat heartbeat;
        bool begun; /* what the store remembers was read */

        struct ledger_check check; /* the nightly one, in parts */
        bool checking;
        int64_t broken; /* first row of the ledger that does not fit; 0: sound, as far as we know */
        int backup;     /* -errno of the last copy */

        char *zone_path; /* owned: file of the time zone as it was read */
        uint8_t zone[SHA256_SIZE];
        bool zone_known, zone_changed;
};

/** care_init() - begins to watch the clock. Return: 0 or -errno. */
int care_init(struct manager *m);
void care_done(struct manager *m);

/** care_look() - tells the administrator of what lasts, does the night's work when its hour has come. Return: when to look again. */
usec_t care_look(struct manager *m);

/** care_reasons() - one text into @reasons for each thing that makes the state "degraded" */
void care_reasons(struct manager *m, json_t *reasons);
/** What care itself watches over, for alarms and reasons alike; strings borrowed. Return: is there such a trouble? */
bool care_space_trouble(struct manager *m, struct trouble *ret);
bool care_ledger_trouble(struct manager *m, struct trouble *ret);
bool care_backup_trouble(struct manager *m, struct trouble *ret);
bool care_zone_trouble(struct manager *m, struct trouble *ret);
