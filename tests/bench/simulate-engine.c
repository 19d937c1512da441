/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * simulate-engine CONFIG FROM TO: `evidencectl simulate` without a word printed: milliseconds for reading the configuration
 * and for the run, then mails and lines in them.
 */

#include <stdio.h>

#include "base/clock.h"
#include "base/zone.h"
#include "config/config.h"
#include "core/model.h"
#include "ctl/simulate.h"

struct count {
        size_t mails, items;
};

static int on_digest(void *userdata, const struct digest *digest, const struct scoreboard *scores) {
        struct count *count = userdata;

        (void)scores;
        count->mails++;
        count->items += digest->items.n;
        return 0;
}

static double ms(usec_t from, usec_t to) { return (double)(to - from) / 1000.0; }

int main(int argc, char **argv) {
        struct findings findings = FINDINGS_INIT;
        struct model *model = NULL;
        struct count count = {};
        usec_t from, to, began = clock_monotonic(), loaded, done;

        if (argc != 4 || config_load(argv[1], NULL, &model, &findings) < 0)
                return 1;
        findings_done(&findings);
        if (zone_init(model->organization.time_zone) < 0 || zone_parse(argv[2], &from) < 0 ||
            zone_parse(argv[3], &to) < 0)
                return 1;
        loaded = clock_monotonic();
        if (simulate_run(model, from, to, NULL, 0, on_digest, &count) < 0)
                return 1;
        done = clock_monotonic();
        printf("%.1f %.1f %zu %zu\n", ms(began, loaded), ms(loaded, done), count.mails,
               count.items);
        model_free(model);
        return 0;
}
