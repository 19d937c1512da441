/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/notice.h"

#include <errno.h>
#include <string.h>

#include "base/zone.h"

static const char *const kinds[_NOTICE_KIND_MAX] = {
        [NOTICE_REMINDER] = "reminder",
        [NOTICE_RECEIVED] = "received",
        [NOTICE_COMPLETE] = "complete",
        [NOTICE_REFUSED] = "refused",
        [NOTICE_REOPENED] = "reopened",
        [NOTICE_DEADLINE_CHANGED] = "deadline-changed",
        [NOTICE_CRITERIA_CHANGED] = "criteria-changed",
        [NOTICE_LADDER_ENDED] = "ladder-ended",
        [NOTICE_UNASSIGNED] = "unassigned",
        [NOTICE_EXPLAINED] = "explained",
        [NOTICE_REPORT] = "report",
        [NOTICE_UNDELIVERABLE] = "undeliverable",
        [NOTICE_TROUBLE] = "trouble",
        [NOTICE_TEST] = "test",
};

const char *notice_kind_to_string(enum notice_kind kind) { return kinds[kind]; }

int notice_kind_from_string(const char *s, enum notice_kind *ret) {
        for (int i = 0; i < _NOTICE_KIND_MAX; i++)
                if (strcmp(kinds[i], s) == 0) {
                        *ret = (enum notice_kind)i;
                        return 0;
                }
        return -EINVAL;
}

int days_left(const struct calendar *cal, date_t effective, date_t today) {
        return today <= effective ? calendar_count_workdays(cal, today, effective)
                                  : -deadline_days_overdue(cal, effective, today);
}

/* The reminders sent so far. */
struct reminded {
        unsigned n;
        usec_t last;
};

static struct reminded count_reminders(const struct history *history) {
        struct reminded r = {.n = history->n_forgotten, .last = history->last_forgotten};

        for (size_t i = 0; i < history->n_records; i++) {
                const struct record *record = &history->records[i];

                if (record->kind != RECORD_SENT)
                        continue;
                r.n++;
                if (record->at > r.last)
                        r.last = record->at;
        }
        return r;
}

struct notice notice_with_state(const struct model *model, enum notice_kind kind,
                                const struct instance *instance, const struct history *history,
                                enum state state, usec_t now) {
        const struct calendar *cal = model->calendar;
        struct reminded reminded = count_reminders(history);
        struct notice notice = {
                .kind = kind,
                .instance = instance,
                .history = history,
                .unit = instance->unit,
                .state = state,
                .n_reminded = reminded.n,
                .last_reminded = reminded.last,
        };

        if (instance->has_deadline) {
                notice.stated = history->extended_to != DATE_NONE ? history->extended_to
                                                                  : instance->due.date;
                notice.deadline = instance_deadline(cal, instance, history);
                notice.days_left = days_left(cal, notice.deadline.effective, zone_civil(now).date);
        }
        return notice;
}

struct notice notice_about(const struct model *model, enum notice_kind kind,
                           const struct instance *instance, const struct history *history,
                           usec_t now) {
        return notice_with_state(model, kind, instance, history,
                                 instance_state(model->calendar, instance, history, now), now);
}

static bool is_leader(const struct model *model, const struct unit *unit, const char *role) {
        static const char *const others[] = {"unit", "owner", "co_units", "coordinator",
                                             "administrator"};

        for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
                if (strcmp(role, others[i]) == 0)
                        return false;
        return !(unit && role_find(&unit->roles, role)) && role_find(&model->roles, role);
}

enum notice_class notice_class_late(const struct model *model, const struct notice *notice) {
        const struct step *step = notice->rung ? notice->rung->step : NULL;

        for (size_t i = 0; step && i < step->n_to; i++)
                if (is_leader(model, notice->unit, step->to[i]))
                        return NOTICE_CLASS_ESCALATION;
        return NOTICE_CLASS_OVERDUE;
}

enum notice_class notice_class_on(const struct notice *notice, enum notice_class late, usec_t now) {
        if (notice->kind != NOTICE_REMINDER)
                return NOTICE_CLASS_INFO;
        if (now >= notice->deadline.instant)
                return late;
        return zone_civil(now).date == notice->deadline.effective ? NOTICE_CLASS_DUE_TODAY
                                                                  : NOTICE_CLASS_LEAD;
}
