/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/outbox-group.h"

#include "service/outbox-internal.h"

#define GROUP_USEC (20 * USEC_PER_MSEC)
#define GROUP_STARVING_USEC (1 * USEC_PER_MSEC) /* a sender has nothing to do meanwhile */

usec_t outbox_group_wait(const struct outbox_group *g) {
        if (g->stopping || g->n_busy == 0 || g->n_answers >= g->n_senders * SENDER_DEPTH / 2)
                return 0;
        return g->n_busy < g->n_senders ? GROUP_STARVING_USEC : GROUP_USEC;
}
