/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What people and monitoring look at, in publish.dir: index.html, calendar.ics and one for each unit, evidenced.prom. Each file is
 * replaced as a whole, and only when it would say something else (the metrics: the time of the pass alone once a minute). That it can not be written is
 * said once in the log and shown in `status`; it never stops the service.
 */

#include "base/clock.h"

struct manager;
struct publish;

#define PUBLISH_PAUSE_USEC (10 * USEC_PER_SEC) /* between two looks of a burst */
#define PUBLISH_RETRY_USEC (10 * USEC_PER_MINUTE)

/** publish_write() - after a pass. Return: 0 (written, nothing new, or left for a moment later) or -errno (said). */
int publish_write(struct manager *m);
/** publish_refresh() - the same when something else changed than what is due */
int publish_refresh(struct manager *m);
/** publish_error() - why the last look failed, in words; NULL: it did not. Borrowed. */
const char *publish_error(const struct manager *m);
struct publish *publish_free(struct publish *publish);
