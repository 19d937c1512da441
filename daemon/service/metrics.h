/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a monitoring system may want to know, in the text format that Prometheus, OpenMetrics readers and node_exporter's
 * textfile collector all take: gauges only. No names of people, files or criteria. Gathers nothing by itself.
 */

#include "base/strbuf.h"
#include "core/score.h"
#include "service/evidence.h"
#include "store/store.h"

/* All borrowed. */
struct metrics {
        const char *version;
        const struct score *total;
        size_t instances[_STATE_MAX];
        struct outbox_counts outbox;
        const struct evidence_root *roots;
        size_t n_roots;
        bool held; /* mail is */
        usec_t last_pass; /* real time, whatever --now says: it is compared with that of the monitoring system */
};

/** metrics_render() - appends all of it. Return: 0 or -ENOMEM. */
int metrics_render(const struct metrics *metrics, struct strbuf *ret);

/** metrics_root_is_up() - can the root be looked at (or is it being looked at for the first time)? */
bool metrics_root_is_up(const struct evidence_root *root);
