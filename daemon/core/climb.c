/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/climb.h"

#include <errno.h>
#include <stdlib.h>

struct ladder_base climb_base(const struct model *model, const struct instance *instance,
                              const struct history *history) {
        const struct task *task = instance->task;
        struct deadline deadline = instance_deadline(model->calendar, instance, history);
        struct ladder_base base = {
                .effective = deadline.effective,
                .deadline = deadline.instant,
                .base = deadline.effective,
                .opens = task->opens,
                .closes = task->closes != DATE_NONE ? task->closes : model->organization.closes,
        };

        /* Before the end of E no later day can be B, and that is the case that has to be fast. */
        if (history->episode_began >= deadline.instant)
                base.base = ladder_base_date(model->calendar, deadline.effective,
                                             history->episode_began);
        return base;
}

int climb_init(struct climb_buffer *buffer, const struct model *model,
               const struct instance *instance, const struct history *history) {
        const struct policy *policy = instance->task->policy;
        struct firing *room = buffer->stack;

        buffer->heap = NULL;
        if (policy->n_rungs > CLIMB_ON_STACK) {
                room = buffer->heap = calloc(policy->n_rungs, sizeof(*room));
                if (!room)
                        return -ENOMEM;
        }
        buffer->climb = (struct climb){
                .policy = policy,
                .base = climb_base(model, instance, history),
                .firings = room,
        };
        buffer->climb.n = ladder_resolve(model->calendar, policy, &buffer->climb.base, room);
        return 0;
}

void climb_done(struct climb_buffer *buffer) {
        free(buffer->heap);
        buffer->heap = NULL;
}

size_t climb_current(const struct climb *climb, usec_t now) {
        size_t low = 0, high = climb->n;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (climb->firings[middle].instant <= now)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low == 0 ? SIZE_MAX : low - 1;
}

/* When an offset fires that is not among the firings: alone, it loses to nobody. */
static usec_t lone_instant(const struct calendar *cal, const struct climb *climb,
                           const struct record *record) {
        struct rung rung = {.offset = record->offset};
        struct policy alone = {.rungs = &rung, .n_rungs = 1};
        struct firing firing;

        if (ladder_resolve(cal, &alone, &climb->base, &firing) == 1)
                return firing.instant;
        return record->fired;
}

/* @hint: where the last one was found; records and firings are walked down together */
static usec_t record_instant(const struct calendar *cal, const struct climb *climb,
                             const struct record *record, size_t *hint) {
        while (*hint > 0 && climb->firings[*hint].instant > record->fired)
                --*hint;
        /* As a rule nothing moved since it was recorded. */
        if (offset_equal(climb->firings[*hint].rung->offset, record->offset))
                return climb->firings[*hint].instant;
        for (size_t i = 0; i < climb->n; i++)
                if (offset_equal(climb->firings[i].rung->offset, record->offset))
                        return climb->firings[i].instant;
        return lone_instant(cal, climb, record);
}

static bool record_is_about(const struct climb *climb, const struct history *history,
                            const struct record *record) {
        return record->episode == history->episode && record->deadline == climb->base.deadline;
}

bool climb_is_handled(const struct calendar *cal, const struct climb *climb,
                      const struct history *history, const struct firing *firing) {
        size_t hint = climb->n - 1;

        for (size_t i = history->n_records; i-- > 0;) {
                const struct record *record = &history->records[i];

                if (record->kind != RECORD_SUPERSEDED && record_is_about(climb, history, record) &&
                    (offset_equal(record->offset, firing->rung->offset) ||
                     record_instant(cal, climb, record, &hint) >= firing->instant))
                        return true;
        }
        return false;
}

usec_t climb_recorded_at(const struct climb *climb, const struct history *history) {
        usec_t at = 0;

        for (size_t i = 0; i < history->n_records; i++) {
                const struct record *record = &history->records[i];

                if (record->kind != RECORD_SUPERSEDED && record_is_about(climb, history, record) &&
                    record->at > at)
                        at = record->at;
        }
        return at;
}

const struct record *climb_record(const struct climb *climb, const struct history *history,
                                  const struct firing *firing) {
        const struct record *best = NULL;

        for (size_t i = 0; i < history->n_records; i++) {
                const struct record *record = &history->records[i];

                if (record_is_about(climb, history, record) &&
                    offset_equal(record->offset, firing->rung->offset) &&
                    (!best || record->kind < best->kind))
                        best = record;
        }
        return best;
}
