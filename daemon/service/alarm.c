/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/alarm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void alarm_done(struct alarm *alarm) {
        free(alarm->cause);
        free(alarm->text);
}

void alarms_done(struct alarms *alarms) {
        for (size_t i = 0; i < alarms->n; i++)
                alarm_done(&alarms->items[i]);
        array_done(alarms);
}

void alarms_begin(struct alarms *alarms) { alarms->round++; }

static struct alarm *find(struct alarms *alarms, const char *cause) {
        for (size_t i = 0; i < alarms->n; i++)
                if (strcmp(alarms->items[i].cause, cause) == 0)
                        return &alarms->items[i];
        return NULL;
}

int alarms_report(struct alarms *alarms, const char *cause, const char *text, usec_t since,
                  usec_t patience) {
        struct alarm *known = find(alarms, cause);
        char *copy = strdup(text);
        struct alarm fresh;
        int r;

        if (!copy)
                return -ENOMEM;
        if (known) {
                free(known->text);
                known->text = copy;
                known->round = alarms->round;
                return 0;
        }
        fresh = (struct alarm){.cause = strdup(cause),
                               .text = copy,
                               .due = usec_add(since, patience),
                               .pause = USEC_PER_DAY,
                               .round = alarms->round};
        r = fresh.cause ? array_push(alarms, fresh) : -ENOMEM;
        if (r < 0)
                alarm_done(&fresh);
        return r;
}

usec_t alarms_end(struct alarms *alarms, usec_t now, alarm_fn tell, void *userdata) {
        usec_t next = USEC_INFINITY;

        for (size_t i = 0; i < alarms->n;) {
                struct alarm *a = &alarms->items[i];

                if (a->round != alarms->round) {
                        alarm_done(a);
                        *a = alarms->items[--alarms->n];
                        continue;
                }
                if (a->due <= now && tell(userdata, a->text) < 0) {
                        a->due = usec_add(now, ALARM_RETRY_USEC);
                } else if (a->due <= now) {
                        a->due = usec_add(now, a->pause);
                        a->pause *= 2;
                }
                next = a->due < next ? a->due : next;
                i++;
        }
        return next;
}
