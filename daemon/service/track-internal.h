/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Shared by track.c (histories that change) and track-match.c (histories that are found again). */

#include "service/track.h"

/** track_link() - lets the history point to the arrays beside it again, after one of them moved */
void track_link(struct track *t);
/** track_row() - what the store keeps of it; strings and arrays borrowed */
struct stored_instance track_row(const struct tracks *tracks, const struct track *t);
/** track_decision_ended() - its row in the ledger: a decision ended that nobody ended; inside the caller's transaction
 *  @until: as it was decided */
int track_decision_ended(struct tracks *tracks, const struct track *t, const char *event,
                         date_t until, usec_t now);
