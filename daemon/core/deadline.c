/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/deadline.h"

#include <errno.h>
#include <string.h>

#include "base/zone.h"
#include "core/calendar.h"

static const char *const due_words[_DUE_WORD_MAX] = {
        [DUE_WORD_BY] = "by",
        [DUE_WORD_BEFORE] = "before",
};

static const char *const shifts[_SHIFT_MAX] = {
        [SHIFT_EARLIER] = "earlier",
        [SHIFT_LATER] = "later",
        [SHIFT_NONE] = "none",
};

static int find_name(const char *const *names, size_t n, const char *s) {
        for (size_t i = 0; i < n; i++)
                if (strcmp(names[i], s) == 0)
                        return (int)i;
        return -EINVAL;
}

const char *due_word_to_string(enum due_word word) { return due_words[word]; }

int due_word_from_string(const char *s, enum due_word *ret) {
        int r = find_name(due_words, _DUE_WORD_MAX, s);

        if (r < 0)
                return r;
        *ret = (enum due_word)r;
        return 0;
}

const char *shift_to_string(enum shift shift) { return shifts[shift]; }

int shift_from_string(const char *s, enum shift *ret) {
        int r = find_name(shifts, _SHIFT_MAX, s);

        if (r < 0)
                return r;
        *ret = (enum shift)r;
        return 0;
}

static date_t shifted(const struct calendar *cal, date_t last, enum shift shift) {
        switch (shift) {
        case SHIFT_EARLIER:
                return calendar_workday_on_or_before(cal, last);
        case SHIFT_LATER:
                return calendar_workday_on_or_after(cal, last);
        case SHIFT_NONE:
        case _SHIFT_MAX:
                break;
        }
        return last;
}

int deadline_resolve(const struct calendar *cal, const struct due *due, enum due_word word,
                     enum shift shift, struct deadline *ret) {
        bool has_time = due->time_of_day >= 0;
        struct deadline d;

        d.last = !has_time && word == DUE_WORD_BEFORE ? due->date - 1 : due->date;
        if (d.last < 0 || d.last > date_from_ymd(DATE_MAX_YEAR, 12, 31))
                return -ERANGE;
        d.effective = shifted(cal, d.last, shift);
        if (d.effective == DATE_NONE)
                return -ERANGE;
        d.instant = zone_instant(d.effective, has_time ? due->time_of_day
                                                       : calendar_settings(cal)->close_of_day);
        *ret = d;
        return 0;
}

int deadline_days_overdue(const struct calendar *cal, date_t effective, date_t today) {
        return calendar_count_workdays(cal, effective, today);
}
