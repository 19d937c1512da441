/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/policy.h"

#include <stdlib.h>

#include "base/zone.h"
#include "core/calendar.h"

#define SECONDS_PER_DAY 86400

/* The working day whose send_window holds @t, both ends included, else DATE_NONE. */
static date_t window_day(const struct calendar *cal, usec_t t) {
        const struct calendar_settings *s = calendar_settings(cal);
        date_t day = zone_civil(t).date;

        if (calendar_is_workday(cal, day) && zone_instant(day, s->window_start) <= t &&
            t <= zone_instant(day, s->window_end))
                return day;
        /* A window that ends at 24:00 includes the first instant of the next day. */
        if (s->window_end == SECONDS_PER_DAY && calendar_is_workday(cal, day - 1) &&
            t == zone_instant(day - 1, s->window_end))
                return day - 1;
        return DATE_NONE;
}

/* The first working day whose @second is at or after @t, else DATE_NONE. */
static date_t next_day_at(const struct calendar *cal, usec_t t, int second) {
        date_t day = calendar_workday_on_or_after(cal, zone_civil(t).date);

        if (day != DATE_NONE && zone_instant(day, second) < t)
                day = calendar_add_workdays(cal, day, 1);
        return day;
}

/* The last working day whose @second is at or before @t, else DATE_NONE. */
static date_t last_day_at(const struct calendar *cal, usec_t t, int second) {
        date_t day = calendar_workday_on_or_before(cal, zone_civil(t).date);

        if (day != DATE_NONE && zone_instant(day, second) > t)
                day = calendar_add_workdays(cal, day, -1);
        return day;
}

static usec_t instant_or_never(date_t day, int second) {
        return day == DATE_NONE ? USEC_INFINITY : zone_instant(day, second);
}

/* Where a step is before and after moving; day DATE_NONE: nowhere. */
struct place {
        date_t day;
        usec_t instant, nominal;
};

static struct place place_hours(const struct calendar *cal, const struct ladder_base *base,
                                int32_t hours) {
        const struct calendar_settings *s = calendar_settings(cal);
        struct place p;

        p.nominal = hours > 0 && base->base > base->effective
                            ? zone_instant(base->base, s->close_of_day)
                            : base->deadline;
        p.nominal += hours * USEC_PER_HOUR;
        p.instant = p.nominal;
        p.day = window_day(cal, p.nominal);
        if (p.day != DATE_NONE)
                return p;
        if (hours < 0) {
                p.day = last_day_at(cal, p.nominal, s->window_end);
                p.instant = instant_or_never(p.day, s->window_end);
        } else {
                p.day = next_day_at(cal, p.nominal, s->send_at);
                p.instant = instant_or_never(p.day, s->send_at);
        }
        return p;
}

static struct place place_before(const struct calendar *cal, const struct ladder_base *base,
                                 struct offset offset) {
        int send_at = calendar_settings(cal)->send_at;
        struct place p;
        date_t wanted;

        if (offset.unit == OFFSET_WORKING_DAYS && offset.count < 0)
                wanted = p.day = calendar_add_workdays(cal, base->effective, offset.count);
        else {
                wanted = base->effective + offset.count * (offset.unit == OFFSET_WEEKS ? 7 : 1);
                p.day = calendar_workday_on_or_before(cal, wanted);
        }
        p.nominal = instant_or_never(wanted, send_at);
        p.instant = instant_or_never(p.day, send_at);
        if (p.day != DATE_NONE && p.instant >= base->deadline) {
                p.day = calendar_add_workdays(cal, p.day, -1);
                p.instant = instant_or_never(p.day, send_at);
        }
        return p;
}

static struct place place_after(const struct calendar *cal, const struct ladder_base *base,
                                struct offset offset) {
        int send_at = calendar_settings(cal)->send_at;
        struct place p;
        date_t wanted;

        if (offset.unit == OFFSET_WORKING_DAYS)
                wanted = p.day = calendar_add_workdays(cal, base->base, offset.count);
        else {
                wanted = base->base + offset.count * (offset.unit == OFFSET_WEEKS ? 7 : 1);
                p.day = calendar_workday_on_or_after(cal, wanted);
        }
        p.nominal = instant_or_never(wanted, send_at);
        p.instant = instant_or_never(p.day, send_at);
        return p;
}

static struct place place_of(const struct calendar *cal, const struct ladder_base *base,
                             struct offset offset) {
        if (offset.unit == OFFSET_HOURS)
                return place_hours(cal, base, offset.count);
        return offset.count > 0 ? place_after(cal, base, offset) : place_before(cal, base, offset);
}

static int compare_firings(const void *a, const void *b) {
        const struct firing *x = a, *y = b;

        if (x->instant != y->instant)
                return x->instant < y->instant ? -1 : 1;
        if (x->nominal != y->nominal)
                return x->nominal < y->nominal ? -1 : 1;
        return (x->rung->order > y->rung->order) - (x->rung->order < y->rung->order);
}

size_t ladder_resolve(const struct calendar *cal, const struct policy *policy,
                      const struct ladder_base *base, struct firing *ret) {
        size_t n = 0, kept = 0;
        bool ordered = true;

        for (size_t i = 0; i < policy->n_rungs; i++) {
                const struct rung *rung = &policy->rungs[i];
                struct place p = place_of(cal, base, rung->offset);

                if (p.day == DATE_NONE || (base->opens != DATE_NONE && p.day < base->opens) ||
                    (base->closes != DATE_NONE && p.day > base->closes))
                        continue;
                ret[n] = (struct firing){.rung = rung, .instant = p.instant, .nominal = p.nominal};
                ordered = ordered && (n == 0 || compare_firings(&ret[n - 1], &ret[n]) < 0);
                n++;
        }
        /* Ladders are written from foot to top, so that there is seldom anything to sort. */
        if (!ordered)
                qsort(ret, n, sizeof(*ret), compare_firings);
        for (size_t i = 0; i < n; i++)
                if (i + 1 == n || ret[i].instant != ret[i + 1].instant)
                        ret[kept++] = ret[i];
        return kept;
}

date_t ladder_base_date(const struct calendar *cal, date_t effective, usec_t episode_began) {
        usec_t leaves = send_instant_caught_up(cal, episode_began);
        date_t before;

        if (leaves == USEC_INFINITY)
                return effective;
        before = calendar_workday_on_or_before(cal, zone_civil(leaves).date - 1);
        return before > effective ? before : effective; /* DATE_NONE is before all */
}

usec_t send_instant_caught_up(const struct calendar *cal, usec_t now) {
        const struct calendar_settings *s = calendar_settings(cal);
        date_t day = window_day(cal, now);

        if (day != DATE_NONE && now >= zone_instant(day, s->send_at))
                return now;
        return send_instant_next(cal, now);
}

usec_t send_instant_in_window(const struct calendar *cal, usec_t now) {
        int start = calendar_settings(cal)->window_start;

        if (window_day(cal, now) != DATE_NONE)
                return now;
        return instant_or_never(next_day_at(cal, now, start), start);
}

usec_t send_instant_next(const struct calendar *cal, usec_t now) {
        int send_at = calendar_settings(cal)->send_at;

        return instant_or_never(next_day_at(cal, now, send_at), send_at);
}
