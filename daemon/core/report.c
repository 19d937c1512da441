/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/report.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/zone.h"
#include "core/lookup.h"
#include "core/score.h"

/* How far ahead the next occurrence is looked for: soon, then as far as leap days can be apart. */
#define NEAR_DAYS 40
#define FAR_DAYS (9 * 366)

/*
 * Rules without a date to count from have an interval of one, so that only what they leave out comes from here: the first
 * of a month or year, the Monday of a week.
 */
static date_t count_from(const struct report *report, date_t day) {
        date_t start;

        if (report->from != DATE_NONE)
                return report->from;
        start = date_from_ymd(date_to_ymd(day).year - 1, 1, 1);
        if (start == DATE_NONE)
                return 0;
        if (strcasestr(recurrence_text(report->repeat), "WEEKLY"))
                start -= (date_t)date_weekday(start);
        return start < 0 ? 0 : start;
}

static usec_t occurrence_instant(const struct model *model, const struct report *report,
                                 date_t day) {
        date_t workday = calendar_workday_on_or_after(model->calendar, day);

        if (workday == DATE_NONE)
                return USEC_INFINITY;
        return send_instant_in_window(model->calendar, zone_instant(workday, report->at));
}

static usec_t find_next(const struct model *model, const struct report *report, date_t start,
                        date_t first, date_t until, usec_t from) {
        date_t dates[RECURRENCE_MAX_DATES];
        usec_t at;
        int n;

        n = recurrence_expand_from(report->repeat, start, first, until, dates,
                                   RECURRENCE_MAX_DATES);
        for (int i = 0; i < n; i++) {
                at = occurrence_instant(model, report, dates[i]);
                if (at >= from)
                        return at;
        }
        return USEC_INFINITY;
}

usec_t report_next(const struct model *model, const struct report *report, usec_t from) {
        date_t today = zone_civil(from).date, last = date_from_ymd(DATE_MAX_YEAR, 12, 31);
        date_t before = calendar_workday_on_or_before(model->calendar, today - 1), first, start;
        usec_t at;

        /* The evening of the last working day can be moved to today; and to that day what lies behind the one before it. */
        first = before == DATE_NONE ? DATE_NONE
                                    : calendar_workday_on_or_before(model->calendar, before - 1);
        if (first == DATE_NONE)
                first = before == DATE_NONE ? today : before;
        start = count_from(report, first);
        if (today > last - FAR_DAYS)
                return USEC_INFINITY;
        at = find_next(model, report, start, first, today + NEAR_DAYS, from);
        if (at == USEC_INFINITY)
                at = find_next(model, report, start, first, today + FAR_DAYS, from);
        return at;
}

size_t report_n_pages(const struct model *model, const struct report *report) {
        return report->per_unit ? model->n_units : 1;
}

static size_t page_of(const struct report *report, const struct instance *instance) {
        return report->per_unit ? instance->unit->index : 0;
}

static bool unit_gets_one(const struct unit *unit, const struct recipients *reminded) {
        for (size_t k = 0; k < unit->mail.n; k++)
                if (recipients_contain(reminded, &unit->mail.items[k]))
                        return true;
        return false;
}

/* Whose pages are to be looked at. Return: owned, one per page, NULL when out of memory. */
static bool *pages_open(const struct model *model, const struct report *report,
                        const struct recipients *reminded) {
        size_t n = report_n_pages(model, report);
        bool *open = calloc(n + 1, sizeof(*open));

        for (size_t i = 0; open && i < n; i++)
                open[i] = report->per_unit ? !unit_gets_one(&model->units[i], reminded)
                                           : report->only_when_changed;
        return open;
}

/* What is pressing is said every day, what is all green once a week, whether anything changed or not. */
static uint64_t add_to_print(uint64_t print, const struct calendar *cal,
                             const struct instance *instance, const struct history *history,
                             usec_t now, date_t today) {
        enum bucket bucket = score_bucket(cal, instance, history, now);
        uint64_t flags = (uint64_t)bucket | (uint64_t)history->explained << 8 |
                         (uint64_t)history->scanned << 9;

        if (bucket == BUCKET_OVERDUE || bucket == BUCKET_DUE_SOON)
                print = hash_number(print, (uint64_t)today);
        print = hash_number(print, flags << 32 | history_have(history));
        print = hash_number(print, (uint64_t)history->extended_to);
        return hash_number(print, (uint64_t)instance->due.date);
}

int report_fingerprints(const struct model *model, const struct instance_set *instances,
                        const struct history *const *histories, const struct report *report,
                        const struct recipients *reminded, usec_t now, uint64_t *ret) {
        _cleanup_free_ bool *open = pages_open(model, report, reminded);
        date_t today = zone_civil(now).date;
        int year, week = date_iso_week(today, &year);
        uint64_t start = hash_number(HASH_SEED, (uint64_t)(year * 100 + week));

        if (!open)
                return -ENOMEM;
        memset(ret, 0, report_n_pages(model, report) * sizeof(*ret));
        for (size_t i = 0; i < instances->n; i++) {
                const struct instance *instance = &instances->items[i];
                size_t page = page_of(report, instance);

                if (open[page])
                        ret[page] = add_to_print(ret[page] ? ret[page] : start, model->calendar,
                                                 instance, histories[i], now, today);
        }
        return 0;
}

static int compare_addresses(const void *a, const void *b) {
        return strcmp((*(const struct address *const *)a)->key,
                      (*(const struct address *const *)b)->key);
}

/* Sorted once: with a thousand units there are as many mails, and each unit is looked for. */
int report_reminded(const struct digest_list *reminders, struct recipients *ret) {
        size_t kept = 0;
        int r = 0;

        for (size_t i = 0; i < reminders->n && r >= 0; i++) {
                const struct digest *digest = &reminders->items[i];

                for (size_t k = 0; digest->kind == NOTICE_REMINDER && k < digest->to.n && r >= 0;
                     k++)
                        r = array_push(ret, digest->to.items[k]);
        }
        if (ret->n == 0 || r < 0)
                return r;
        qsort(ret->items, ret->n, sizeof(*ret->items), compare_addresses);
        for (size_t i = 0; i < ret->n; i++)
                if (kept == 0 || strcmp(ret->items[kept - 1]->key, ret->items[i]->key) != 0)
                        ret->items[kept++] = ret->items[i];
        ret->n = kept;
        return 0;
}

bool report_is_wanted(const struct report *report, uint64_t fingerprint, uint64_t last) {
        if (report->only_when_changed && fingerprint == last)
                return false;
        return fingerprint != 0 || !report->per_unit;
}

/* The leaders' page is a mail though nothing is overdue; a unit that has nothing to be told of gets none. */
static int add_heads(const struct model *model, const struct report *report, const bool *wanted,
                     const bool *has_lines, struct notice_list *ret) {
        int r = 0;

        for (size_t i = 0; i < report_n_pages(model, report) && r >= 0; i++)
                if (wanted[i] && (has_lines[i] || !report->per_unit))
                        r = array_push(ret,
                                       (struct notice){
                                               .kind = NOTICE_REPORT,
                                               .report = report,
                                               .unit = report->per_unit ? &model->units[i] : NULL,
                                       });
        return r;
}

static bool stands_in(const struct report *report, const struct calendar *cal,
                      const struct instance *instance, const struct history *history, usec_t now,
                      enum state *ret) {
        if (!report->per_unit && !instance_is_overdue(cal, instance, history, now))
                return false;
        *ret = instance_state(cal, instance, history, now);
        return *ret != STATE_PLANNED;
}

int report_notices(const struct model *model, const struct instance_set *instances,
                   const struct history *const *histories, const struct report *report,
                   const bool *wanted, usec_t now, struct notice_list *ret) {
        _cleanup_free_ bool *has_lines =
                calloc(report_n_pages(model, report) + 1, sizeof(*has_lines));
        int r = has_lines ? 0 : -ENOMEM;

        for (size_t i = 0; i < instances->n && r >= 0; i++) {
                const struct instance *instance = &instances->items[i];
                struct notice notice;
                enum state state;

                if (!wanted[page_of(report, instance)] || report->of_reminders ||
                    !stands_in(report, model->calendar, instance, histories[i], now, &state))
                        continue;
                notice =
                        notice_with_state(model, NOTICE_REPORT, instance, histories[i], state, now);
                notice.report = report;
                notice.unit = report->per_unit ? instance->unit : NULL;
                has_lines[page_of(report, instance)] = true;
                r = array_push(ret, notice);
        }
        return r < 0 ? r : add_heads(model, report, wanted, has_lines, ret);
}
