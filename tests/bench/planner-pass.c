/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * planner-pass CONFIG NOW: every instance first known at NOW, whatever is due then recorded as sent; then, in
 * milliseconds, a look at each instance anew, a pass in which nothing is due, and the question when to wake next.
 * Prints "INSTANCES LOOK PASS NEXT".
 */

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/zone.h"
#include "config/config.h"
#include "core/model.h"
#include "core/planner.h"

#define PASSES 1000

struct past {
        struct history history;
        struct record sent;
};

static double ms(usec_t from, usec_t to) { return (double)(to - from) / 1000.0; }

static int begin(struct planner *planner, struct past *pasts, size_t n, usec_t now) {
        struct plan plan = {};
        int r;

        for (size_t i = 0; i < n; i++) {
                pasts[i].history = HISTORY_INIT;
                pasts[i].history.first_known = pasts[i].history.episode_began = now;
                pasts[i].history.scanned = true;
                planner_update(planner, i, &pasts[i].history, now);
        }
        r = planner_run(planner, now, &plan);
        for (size_t i = 0; r >= 0 && i < plan.n_reminders; i++) {
                const struct reminder *reminder = &plan.reminders[i];
                struct past *past = &pasts[reminder->instance->index];

                past->sent = (struct record){.episode = past->history.episode,
                                             .deadline = reminder->deadline.instant,
                                             .offset = reminder->rung->offset,
                                             .fired = reminder->fired,
                                             .at = now,
                                             .kind = RECORD_SENT};
                past->history.records = &past->sent;
                past->history.n_records = 1;
                planner_update(planner, reminder->instance->index, &past->history, now);
        }
        for (size_t i = 0; r >= 0 && i < plan.n_ended; i++) {
                struct past *past = &pasts[plan.ended[i]->index];

                past->history.ladder_end_told = true;
                planner_update(planner, plan.ended[i]->index, &past->history, now);
        }
        plan_done(&plan);
        return r;
}

static int measure(struct planner *planner, const struct past *pasts, size_t n, usec_t now) {
        usec_t next = 0, began = clock_monotonic(), looked, passed;
        struct plan plan = {};

        for (size_t i = 0; i < n; i++)
                planner_update(planner, i, &pasts[i].history, now);
        looked = clock_monotonic();
        for (int i = 0; i < PASSES; i++) {
                plan_done(&plan);
                if (planner_run(planner, now, &plan) < 0 || plan.n_reminders + plan.n_ended > 0)
                        return -1; /* not what is to be measured */
        }
        passed = clock_monotonic();
        for (int i = 0; i < PASSES; i++)
                next += planner_next(planner);
        printf("%zu %.3f %.6f %.6f\n", n, ms(began, looked), ms(looked, passed) / PASSES,
               ms(passed, clock_monotonic()) / PASSES);
        plan_done(&plan);
        return next == 0 ? -1 : 0;
}

int main(int argc, char **argv) {
        struct findings findings = FINDINGS_INIT;
        struct instance_set *instances = NULL;
        struct planner *planner;
        struct model *model = NULL;
        struct past *pasts;
        usec_t now;
        int r;

        if (argc != 3 || config_load(argv[1], NULL, &model, &findings) < 0)
                return 1;
        findings_done(&findings);
        if (zone_init(model->organization.time_zone) < 0 || zone_parse(argv[2], &now) < 0)
                return 1;
        if (instance_set_new(model, planner_horizon(model, zone_civil(now).date), NULL, NULL,
                             &instances) < 0)
                return 1;
        planner = planner_new(model, instances);
        pasts = calloc(instances->n + 1, sizeof(*pasts));
        if (!planner || !pasts)
                return 1;
        r = begin(planner, pasts, instances->n, now);
        if (r >= 0)
                r = measure(planner, pasts, instances->n, now);
        planner_free(planner);
        instance_set_free(instances);
        free(pasts);
        model_free(model);
        return r < 0;
}
