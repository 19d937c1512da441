/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What each unit filed and lost in the last 24 hours, from the ledger: the last line of its daily page. */

#include "message/compose.h"
#include "store/store.h"

struct last_day {
        struct unit_day *units; /* owned, with its texts; per unit of the model */
        size_t n;
};
void last_day_done(struct last_day *day);

/** last_day_gather() - @ret: last_day_done(); untouched on failure. Return: 0 or -errno. */
int last_day_gather(struct store *store, const struct model *model, usec_t now,
                    struct last_day *ret);
