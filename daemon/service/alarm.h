/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Troubles that last, as mails to the administrator: one for each cause, again after 1, 2, 4 … days while it lasts. Told once
 * a trouble has lasted long enough not to be a hiccup. Kept in memory: a restart begins anew.
 */

#include "base/array.h"
#include "base/clock.h"

struct alarm {
        char *cause;    /* owned; what makes it the same trouble: "root /srv/evidence" */
        char *text;     /* owned; what it is, for whoever tells */
        usec_t due;     /* when it is told next */
        usec_t pause;   /* between this telling and the one after */
        unsigned round; /* of alarms_begin() in which it was last seen */
};

struct alarms {
        struct alarm *items; /* owned */
        size_t n, cap;
        unsigned round;
};

void alarms_done(struct alarms *alarms);

/**
 * One look at everything: alarms_begin(), alarms_report() for each trouble there is, alarms_end(). What was not reported is
 * over and forgotten.
 */
void alarms_begin(struct alarms *alarms);
/** @since: when the trouble began; @patience: how long it may last untold. Return: 0 or -ENOMEM. */
int alarms_report(struct alarms *alarms, const char *cause, const char *text, usec_t since,
                  usec_t patience);

#define ALARM_RETRY_USEC (10 * USEC_PER_MINUTE)

/** Return: 0, or -errno when it could not be told: tried again after ALARM_RETRY_USEC. */
typedef int (*alarm_fn)(void *userdata, const char *text);
/** Tells what is due at @now. Return: when to look again, USEC_INFINITY. */
usec_t alarms_end(struct alarms *alarms, usec_t now, alarm_fn tell, void *userdata);
