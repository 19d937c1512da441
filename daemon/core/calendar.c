/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/calendar.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#define N_DAYS 84006 /* 1970-01-01 .. 2199-12-31; date_t counts from the first of them */
#define N_WORDS ((N_DAYS + 63) / 64)
#define N_YEARS (DATE_MAX_YEAR - DATE_MIN_YEAR + 1)
#define REACH_DAYS 731 /* two years */

/*
 * One bit a day, and how many working days lie before each word of them: counting is a subtraction, and
 * the n-th working day a step from a sample, in 20 KB, whatever the calendar looks like.
 */
struct calendar {
        struct calendar_settings settings; /* arrays owned by the arena */
        uint64_t days[N_WORDS];            /* bit set: a working day */
        uint32_t before[N_WORDS +
                        1]; /* working days in the words before; the last one is the total */
        uint16_t sample[N_WORDS +
                        1]; /* [i]: the word that holds working day number 64 * i, from 0 */
        bool lists_year[N_YEARS];
};

static date_t clamp_day(date_t date) { return date < 0 ? 0 : date >= N_DAYS ? N_DAYS - 1 : date; }

/* Sets or clears the days of @range, a word at a time: a range may span two centuries. */
static void mark_range(uint64_t *days, const struct day_range *range, bool set) {
        date_t first = clamp_day(range->first), last = clamp_day(range->last);

        if (range->last < range->first || range->last < 0 || range->first >= N_DAYS)
                return;
        for (date_t w = first / 64; w <= last / 64; w++) {
                uint64_t mask = UINT64_MAX;

                if (w == first / 64)
                        mask &= UINT64_MAX << (first % 64);
                if (w == last / 64)
                        mask &= UINT64_MAX >> (63 - last % 64);
                if (set)
                        days[w] |= mask;
                else
                        days[w] &= ~mask;
        }
}

static void mark_years(struct calendar *cal, const struct day_range *off) {
        if (off->last < off->first || off->last < 0 || off->first >= N_DAYS)
                return;
        for (int y = date_to_ymd(clamp_day(off->first)).year;
             y <= date_to_ymd(clamp_day(off->last)).year; y++)
                cal->lists_year[y - DATE_MIN_YEAR] = true;
}

static const struct day_range *copy_ranges(struct arena *arena, const struct day_range *ranges,
                                           size_t n) {
        struct day_range *copy = arena_new_array(arena, struct day_range, n);

        if (n > 0)
                memcpy(copy, ranges, n * sizeof(*copy));
        return copy;
}

static void build_index(struct calendar *cal) {
        size_t next_sample = 0;

        for (size_t w = 0; w < N_WORDS; w++) {
                cal->before[w + 1] = cal->before[w] + (uint32_t)__builtin_popcountll(cal->days[w]);
                for (; next_sample * 64 < cal->before[w + 1]; next_sample++)
                        cal->sample[next_sample] = (uint16_t)w;
        }
}

const struct calendar *calendar_new(struct arena *arena, const struct calendar_settings *settings) {
        struct calendar *cal = arena_alloc(arena, sizeof(*cal));

        cal->settings = *settings;
        cal->settings.off = copy_ranges(arena, settings->off, settings->n_off);
        cal->settings.work = copy_ranges(arena, settings->work, settings->n_work);
        for (date_t d = 0; d < N_DAYS; d++)
                if (settings->workdays & (1U << date_weekday(d)))
                        cal->days[d / 64] |= UINT64_C(1) << (d % 64);
        for (size_t i = 0; i < settings->n_off; i++) {
                mark_range(cal->days, &settings->off[i], false);
                mark_years(cal, &settings->off[i]);
        }
        for (size_t i = 0; i < settings->n_work; i++)
                mark_range(cal->days, &settings->work[i], true);
        build_index(cal);
        return cal;
}

const struct calendar_settings *calendar_settings(const struct calendar *cal) {
        return &cal->settings;
}

bool calendar_is_workday(const struct calendar *cal, date_t date) {
        return date >= 0 && date < N_DAYS && (cal->days[date / 64] >> (date % 64) & 1);
}

static const struct day_range *find_range(const struct day_range *ranges, size_t n, date_t date) {
        for (size_t i = 0; i < n; i++)
                if (ranges[i].first <= date && date <= ranges[i].last)
                        return &ranges[i];
        return NULL;
}

const char *calendar_day_name(const struct calendar *cal, date_t date) {
        const struct day_range *range = find_range(cal->settings.work, cal->settings.n_work, date);

        if (!range)
                range = find_range(cal->settings.off, cal->settings.n_off, date);
        return range ? range->name : NULL;
}

bool calendar_lists_year(const struct calendar *cal, int year) {
        return year >= DATE_MIN_YEAR && year <= DATE_MAX_YEAR &&
               cal->lists_year[year - DATE_MIN_YEAR];
}

/* Working days before @date: the number, from 0, of the first working day at or after it. */
static int32_t rank_of(const struct calendar *cal, date_t date) {
        if (date <= 0)
                return 0;
        if (date >= N_DAYS)
                return (int32_t)cal->before[N_WORDS];
        return (int32_t)cal->before[date / 64] +
               __builtin_popcountll(cal->days[date / 64] & ((UINT64_C(1) << (date % 64)) - 1));
}

/* The working day of that number, from 0. */
static date_t day_of_rank(const struct calendar *cal, int64_t rank) {
        uint64_t word;
        size_t w;

        if (rank < 0 || rank >= cal->before[N_WORDS])
                return DATE_NONE;
        w = cal->sample[rank / 64];
        while (cal->before[w + 1] <= rank)
                w++;
        word = cal->days[w];
        for (int64_t skip = rank - cal->before[w]; skip > 0; skip--)
                word &= word - 1;
        return (date_t)(w * 64) + __builtin_ctzll(word);
}

date_t calendar_workday_on_or_before(const struct calendar *cal, date_t date) {
        date_t day;

        if (calendar_is_workday(cal, date))
                return date;
        day = day_of_rank(cal, (int64_t)rank_of(cal, date) - 1);
        return day == DATE_NONE || (int64_t)date - day > REACH_DAYS ? DATE_NONE : day;
}

date_t calendar_workday_on_or_after(const struct calendar *cal, date_t date) {
        date_t day;

        if (calendar_is_workday(cal, date))
                return date;
        day = day_of_rank(cal, rank_of(cal, date));
        return day == DATE_NONE || (int64_t)day - date > REACH_DAYS ? DATE_NONE : day;
}

date_t calendar_add_workdays(const struct calendar *cal, date_t date, int n) {
        assert(n != 0);
        if (n < 0)
                return day_of_rank(cal, (int64_t)rank_of(cal, date) + n);
        return day_of_rank(cal,
                           (int64_t)rank_of(cal, date) + calendar_is_workday(cal, date) + n - 1);
}

int calendar_count_workdays(const struct calendar *cal, date_t after, date_t until) {
        if (until <= after)
                return 0;
        return rank_of(cal, until) + calendar_is_workday(cal, until) - rank_of(cal, after) -
               calendar_is_workday(cal, after);
}
