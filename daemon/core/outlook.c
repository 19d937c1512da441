/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/outlook.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"

static const char *const statuses[_LADDER_STATUS_MAX] = {
        [LADDER_SENT] = "sent",
        [LADDER_COVERED] = "covered",
        [LADDER_SUPERSEDED] = "superseded",
        [LADDER_MISSED] = "missed",
        [LADDER_DUE] = "due",
        [LADDER_COMING] = "coming",
};

const char *ladder_status_to_string(enum ladder_status status) { return statuses[status]; }

bool instance_climbs(const struct instance *instance) {
        return instance->has_deadline && instance->task->policy;
}

/* The end of a snooze or waiver, whichever is to be looked at first. */
static usec_t decision_ends(const struct history *history, usec_t now) {
        usec_t next = USEC_INFINITY;

        if (history->snoozed_until > now)
                next = history->snoozed_until;
        if (history->waived_until > now && history->waived_until < next)
                next = history->waived_until;
        return next;
}

/* The current step is not recorded: now, later, or not any more because the next one takes its place. */
static void outlook_unrecorded(const struct calendar *cal, const struct firing *current,
                               const struct firing *coming, usec_t now, struct outlook *ret) {
        bool prompt =
                now - current->instant <= PLANNER_PROMPT && send_instant_in_window(cal, now) == now;
        usec_t leaves = prompt ? now : send_instant_caught_up(cal, now);

        ret->next = coming ? coming->instant : USEC_INFINITY;
        ret->due = leaves == now;
        if (!ret->due && coming && coming->instant <= leaves) {
                ret->rung = coming->rung;
                ret->fired = coming->instant;
                return;
        }
        ret->rung = current->rung;
        ret->fired = current->instant;
        ret->caught_up = !prompt;
        if (!ret->due)
                ret->next = leaves;
}

static void outlook_at_end(const struct calendar *cal, const struct climb *climb,
                           const struct history *history, usec_t now, struct outlook *ret) {
        usec_t at;

        if (history->ladder_end_told)
                return;
        at = send_instant_next(cal, climb_recorded_at(climb, history) + 1);
        if (now >= at)
                at = send_instant_caught_up(cal, now);
        ret->ladder_ended = at == now;
        if (!ret->ladder_ended)
                ret->next = at;
}

void outlook_on(const struct model *model, const struct climb *climb,
                const struct instance *instance, const struct history *history, usec_t now,
                struct outlook *ret) {
        const struct calendar *cal = model->calendar;
        /* The last day is of no concern here. */
        struct deadline deadline = {
                .effective = climb->base.effective,
                .instant = climb->base.deadline,
        };
        const struct firing *current, *coming;
        size_t i;

        *ret = (struct outlook){.next = USEC_INFINITY};
        if (instance_decided(instance, history, &deadline, now) != _STATE_MAX) {
                ret->next = decision_ends(history, now);
                return;
        }
        i = climb_current(climb, now);
        current = i == SIZE_MAX ? NULL : &climb->firings[i];
        coming = i + 1 < climb->n ? &climb->firings[i + 1] : NULL; /* SIZE_MAX + 1 is 0 */
        if (current && !climb_is_handled(cal, climb, history, current)) {
                outlook_unrecorded(cal, current, coming, now, ret);
        } else if (coming) {
                ret->rung = coming->rung;
                ret->fired = coming->instant;
                ret->next = coming->instant;
        } else if (current) {
                outlook_at_end(cal, climb, history, now, ret);
        }
}

void outlook_of(const struct model *model, const struct instance *instance,
                const struct history *history, usec_t now, struct outlook *ret) {
        _cleanup_(climb_done) struct climb_buffer buffer;

        buffer.heap = NULL;
        *ret = (struct outlook){.next = USEC_INFINITY};
        if (!instance_climbs(instance))
                return;
        if (climb_init(&buffer, model, instance, history) < 0) {
                ret->next = now + USEC_PER_MINUTE;
                return;
        }
        outlook_on(model, &buffer.climb, instance, history, now, ret);
}

/*
 * The steps that the current one passed over. Once one is recorded, so are all before it; and one that was written down as
 * superseded by an earlier reminder is no news.
 */
static int find_superseded(const struct model *model, const struct climb *climb,
                           const struct history *history, size_t current, struct reminder *ret) {
        _cleanup_free_ struct superseded *list = NULL;
        size_t first = current, n = 0;

        while (first > 0 &&
               !climb_is_handled(model->calendar, climb, history, &climb->firings[first - 1]))
                first--;
        if (first == current)
                return 0;
        list = calloc(current - first, sizeof(*list));
        if (!list)
                return -ENOMEM;
        for (size_t i = first; i < current; i++)
                if (!climb_record(climb, history, &climb->firings[i]))
                        list[n++] = (struct superseded){.rung = climb->firings[i].rung,
                                                        .fired = climb->firings[i].instant};
        if (n > 0)
                ret->superseded = steal_ptr(list);
        ret->n_superseded = n;
        return 0;
}

int reminder_on(const struct model *model, const struct climb *climb,
                const struct instance *instance, const struct history *history,
                const struct outlook *outlook, struct reminder *ret) {
        size_t current = climb_current(climb, outlook->fired);
        struct reminder reminder = {
                .instance = instance,
                .history = history,
                .rung = outlook->rung,
                .fired = outlook->fired,
                .caught_up = outlook->caught_up,
                .deadline = instance_deadline(model->calendar, instance, history),
        };
        int r;

        if (current + 1 < climb->n) {
                const struct firing *coming = &climb->firings[current + 1];

                reminder.next = (struct next_step){
                        .exists = true,
                        .offset = coming->rung->offset,
                        .at = coming->instant,
                        .step = coming->rung->step,
                };
        }
        r = find_superseded(model, climb, history, current, &reminder);
        if (r < 0)
                return r;
        *ret = reminder;
        return 0;
}

int reminder_of(const struct model *model, const struct instance *instance,
                const struct history *history, usec_t now, struct reminder *ret) {
        _cleanup_(climb_done) struct climb_buffer buffer;
        struct outlook outlook;
        int r;

        buffer.heap = NULL;
        if (instance_climbs(instance)) {
                r = climb_init(&buffer, model, instance, history);
                if (r < 0)
                        return r;
                outlook_on(model, &buffer.climb, instance, history, now, &outlook);
                if (outlook.due)
                        return reminder_on(model, &buffer.climb, instance, history, &outlook, ret);
        }
        *ret = (struct reminder){.instance = instance, .history = history};
        return 0;
}

struct notice notice_from_reminder(const struct model *model, const struct reminder *reminder,
                                   usec_t now) {
        enum state state = STATE_OPEN; /* what is planned has no current step */
        struct notice notice;

        if (now >= reminder->deadline.instant)
                state = STATE_OVERDUE;
        else if (history_have(reminder->history) > 0)
                state = STATE_PARTIAL;
        notice = notice_with_state(model, NOTICE_REMINDER, reminder->instance, reminder->history,
                                   state, now);
        notice.rung = reminder->rung;
        notice.fired = reminder->fired;
        notice.next = reminder->next;
        return notice;
}

static struct ladder_row explain_one(const struct model *model, const struct climb *climb,
                                     const struct history *history, const struct firing *firing,
                                     bool is_current, usec_t now) {
        static const enum ladder_status of_record[_RECORD_KIND_MAX] = {
                [RECORD_SENT] = LADDER_SENT,
                [RECORD_COVERED] = LADDER_COVERED,
                [RECORD_SUPERSEDED] = LADDER_SUPERSEDED,
        };
        const struct record *record = climb_record(climb, history, firing);
        struct ladder_row row = {.firing = *firing, .status = LADDER_COMING};

        if (record) {
                row.status = of_record[record->kind];
                row.at = record->at;
        } else if (firing->instant <= now) {
                row.status =
                        is_current && !climb_is_handled(model->calendar, climb, history, firing)
                                ? LADDER_DUE
                                : LADDER_MISSED;
        }
        return row;
}

size_t ladder_explain(const struct model *model, const struct instance *instance,
                      const struct history *history, usec_t now, struct ladder_row *ret) {
        _cleanup_(climb_done) struct climb_buffer buffer;
        struct deadline deadline;
        size_t current;
        bool open;

        buffer.heap = NULL;
        if (!instance_climbs(instance) || climb_init(&buffer, model, instance, history) < 0)
                return 0;
        deadline = instance_deadline(model->calendar, instance, history);
        open = instance_decided(instance, history, &deadline, now) == _STATE_MAX;
        current = climb_current(&buffer.climb, now);
        for (size_t i = 0; i < buffer.climb.n; i++)
                ret[i] = explain_one(model, &buffer.climb, history, &buffer.climb.firings[i],
                                     open && i == current, now);
        return buffer.climb.n;
}
