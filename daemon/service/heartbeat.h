/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Once a day, when all is well, a sign of life to mail.heartbeat, so that somebody else alarms when it does not come. The
 * sender fetches the url over a connection of its own; what is healthy others say (service/care.h).
 */

#include <stdbool.h>

#include "base/clock.h"

struct manager;
struct peer;

#define HEARTBEAT_SECOND (3 * 3600) /* of the day: when the nightly work is done */
#define HEARTBEAT_RETRY_USEC USEC_PER_HOUR

struct heartbeat {
        struct manager *manager; /* borrowed; set while one is under way */
        struct peer *peer;       /* owned; NULL: none is under way */
        char *url;               /* owned, of the one under way */
        char *trouble;           /* owned: why the last one failed; NULL: it did not */
        usec_t next_try;         /* after a failure, or a look at a day that was not healthy */
};

void heartbeat_done(struct heartbeat *hb);

/** Is it time for one, but for health? @ret_next: when to look again; USEC_INFINITY: no heartbeat is configured, or one is under way. */
bool heartbeat_wanted(struct heartbeat *heartbeat, struct manager *manager, usec_t now,
                      usec_t *ret_next);
void heartbeat_put_off(struct heartbeat *hb, usec_t now); /* not healthy: look again later */
/** Begins one. Whatever comes of it is logged, kept, and followed by manager_turn(). */
void heartbeat_start(struct heartbeat *hb, struct manager *m);
