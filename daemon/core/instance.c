/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/instance.h"

#include <errno.h>
#include <string.h>

#include "base/zone.h"

static const char *const states[_STATE_MAX] = {
        [STATE_UNKNOWN] = "unknown", [STATE_COMPLETE] = "complete",   [STATE_LATE] = "late",
        [STATE_WAIVED] = "waived",   [STATE_EXPLAINED] = "explained", [STATE_SNOOZED] = "snoozed",
        [STATE_OVERDUE] = "overdue", [STATE_PARTIAL] = "partial",     [STATE_OPEN] = "open",
        [STATE_PLANNED] = "planned",
};

static const char *const causes[_EPISODE_CAUSE_MAX] = {
        [EPISODE_FIRST_KNOWN] = "first-known",
        [EPISODE_REOPENED] = "reopened",
        [EPISODE_DEADLINE_CHANGED] = "deadline-changed",
        [EPISODE_SNOOZE_ENDED] = "snooze-ended",
        [EPISODE_WAIVER_ENDED] = "waiver-ended",
        [EPISODE_EXPLANATION_ENDED] = "explanation-ended",
};

const char *state_to_string(enum state state) { return states[state]; }

const char *episode_cause_to_string(enum episode_cause cause) { return causes[cause]; }

int episode_cause_from_string(const char *s, enum episode_cause *ret) {
        for (int i = 0; i < _EPISODE_CAUSE_MAX; i++)
                if (strcmp(causes[i], s) == 0) {
                        *ret = (enum episode_cause)i;
                        return 0;
                }
        return -EINVAL;
}

struct deadline instance_deadline(const struct calendar *cal, const struct instance *instance,
                                  const struct history *history) {
        struct due due = {.date = history->extended_to, .time_of_day = -1};
        struct deadline d = instance->deadline;

        if (history->passed.instant != 0)
                return history->passed;
        /* Extensions were checked when they were made; should a new calendar have no day for one, the stated date holds. */
        if (history->extended_to != DATE_NONE)
                (void)deadline_resolve(cal, &due, DUE_WORD_BY, instance->task->shift, &d);
        return d;
}

uint32_t history_have(const struct history *history) {
        uint32_t sum = 0;

        for (size_t i = 0; i < history->n_have; i++)
                sum += history->have[i];
        return sum;
}

/*
 * The first step of a ladder fires first among the extremes of each unit before the deadline, or, where nothing is before
 * it, among the nearest of each unit after it: a handful of rungs to resolve instead of all of them.
 */
static size_t first_rungs(const struct policy *policy, struct rung ret[_OFFSET_UNIT_MAX]) {
        const struct rung *best[2][_OFFSET_UNIT_MAX] = {};
        size_t n = 0;

        for (size_t i = 0; i < policy->n_rungs; i++) {
                const struct rung *rung = &policy->rungs[i];
                const struct rung **b = &best[rung->offset.count > 0][rung->offset.unit];

                if (!*b || rung->offset.count < (*b)->offset.count)
                        *b = rung;
        }
        for (size_t i = 0; i < 2 && n == 0; i++)
                for (size_t unit = 0; unit < _OFFSET_UNIT_MAX; unit++)
                        if (best[i][unit])
                                ret[n++] = *best[i][unit];
        return n;
}

usec_t instance_opens(const struct calendar *cal, const struct instance *instance,
                      const struct history *history) {
        struct firing firings[_OFFSET_UNIT_MAX];
        struct rung rungs[_OFFSET_UNIT_MAX];
        const struct task *task = instance->task;
        struct deadline deadline;
        struct policy first = {.rungs = rungs};

        if (task->opens != DATE_NONE)
                return zone_instant(task->opens, 0);
        if (!instance->has_deadline || !task->policy)
                return 0;
        deadline = instance_deadline(cal, instance, history);
        first.n_rungs = first_rungs(task->policy, rungs);
        struct ladder_base base = {
                .effective = deadline.effective,
                .deadline = deadline.instant,
                .base = deadline.effective,
                .opens = DATE_NONE,
                .closes = task->closes,
        };
        /* As in climb_base(). */
        if (history->episode_began >= deadline.instant)
                base.base = ladder_base_date(cal, deadline.effective, history->episode_began);
        if (ladder_resolve(cal, &first, &base, firings) == 0)
                return 0;
        return zone_instant(zone_civil(firings[0].instant).date, 0);
}

static bool is_late(const struct instance *instance, const struct history *history,
                    const struct deadline *deadline) {
        return instance->has_deadline && history->complete_at >= deadline->instant;
}

enum state instance_decided(const struct instance *instance, const struct history *history,
                            const struct deadline *deadline, usec_t now) {
        if (!history->scanned && instance->dir)
                return STATE_UNKNOWN;
        if (history->complete_at != 0)
                return is_late(instance, history, deadline) ? STATE_LATE : STATE_COMPLETE;
        if (history->waived_until > now)
                return STATE_WAIVED;
        if (history->explained)
                return STATE_EXPLAINED;
        if (history->snoozed_until > now)
                return STATE_SNOOZED;
        return _STATE_MAX;
}

static bool has_passed(const struct instance *instance, const struct deadline *deadline,
                       usec_t now) {
        return instance->has_deadline && now >= deadline->instant;
}

bool instance_is_overdue(const struct calendar *cal, const struct instance *instance,
                         const struct history *history, usec_t now) {
        struct deadline deadline = instance_deadline(cal, instance, history);

        return has_passed(instance, &deadline, now) &&
               instance_decided(instance, history, &deadline, now) == _STATE_MAX;
}

enum state instance_state(const struct calendar *cal, const struct instance *instance,
                          const struct history *history, usec_t now) {
        struct deadline deadline = instance_deadline(cal, instance, history);
        enum state state = instance_decided(instance, history, &deadline, now);

        if (state != _STATE_MAX)
                return state;
        if (has_passed(instance, &deadline, now))
                return STATE_OVERDUE;
        if (history_have(history) > 0)
                return STATE_PARTIAL;
        return now >= instance_opens(cal, instance, history) ? STATE_OPEN : STATE_PLANNED;
}

bool state_is_open(enum state state) {
        return state == STATE_OVERDUE || state == STATE_PARTIAL || state == STATE_OPEN;
}
