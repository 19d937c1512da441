/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy-text.h"

#include "base/strbuf.h"
#include "core/deadline.h"

static int setup(void **state) {
        (void)state;
        return zone_init("Asia/Ho_Chi_Minh");
}

/* One instance and its ladder. */
struct ladder_case {
        struct step_text steps[MAX_STEPS];
        const char *due;
        int time; /* of the day; -1: none */
        enum shift shift;
        const char *began; /* episode; NULL: long before */
        const char *opens, *closes;
        const char *firings; /* "OFFSET DATE HH:MM, …" */
};

static date_t day_or_none(const char *s) { return s ? day(s) : DATE_NONE; }

static void add_firing(struct strbuf *b, const struct firing *firing) {
        struct civil c = zone_civil(firing->instant);
        char offset[OFFSET_BUFFER], date[DATE_BUFFER];

        strbuf_addf(b, "%s%s %s %02d:%02d", b->len > 0 ? ", " : "",
                    offset_format(firing->rung->offset, offset), date_format(c.date, date),
                    c.second / 3600, c.second / 60 % 60);
}

static void check_ladder(const struct ladder_case *c) {
        _cleanup_(strbuf_done) struct strbuf found = STRBUF_INIT;
        _cleanup_arena_ struct arena *arena = arena_new();
        const struct calendar *cal = vietnam_2018(arena);
        const struct policy *policy = expanded(arena, c->steps);
        struct due due = {.date = day(c->due), .time_of_day = c->time};
        struct deadline deadline;
        struct ladder_base base;
        struct firing firings[100];
        size_t n;

        assert_int_equal(deadline_resolve(cal, &due, DUE_WORD_BY, c->shift, &deadline), 0);
        base = (struct ladder_base){
                .effective = deadline.effective,
                .deadline = deadline.instant,
                .base = ladder_base_date(cal, deadline.effective,
                                         instant(c->began ? c->began : "2018-01-01")),
                .opens = day_or_none(c->opens),
                .closes = day_or_none(c->closes),
        };
        n = ladder_resolve(cal, policy, &base, firings);
        for (size_t i = 0; i < n; i++)
                add_firing(&found, &firings[i]);
        assert_string_equal(strbuf_str(&found), c->firings);
}

static void check_ladders(const struct ladder_case *cases, size_t n) {
        for (size_t i = 0; i < n; i++)
                check_ladder(&cases[i]);
}

#define DEFAULT_STEPS                                                                              \
        {                                                                                          \
                {"-15wd,-10wd,-5wd,-3wd,-1wd"}, {"0"}, {"+1wd", "+1wd", "+4wd"},                   \
                        {"+5wd", "+1wd", "+9wd"}, {                                                \
                        "+10wd", "+5wd", "+40wd"                                                   \
                }                                                                                  \
        }

static void test_default_ladder(void **state) {
        static const struct ladder_case cases[] = {
                {DEFAULT_STEPS, "2018-11-15", -1, SHIFT_EARLIER, NULL, NULL, "2018-12-06",
                 "-15wd 2018-10-25 07:30, -10wd 2018-11-01 07:30, -5wd 2018-11-08 07:30, "
                 "-3wd 2018-11-12 07:30, -1wd 2018-11-14 07:30, 0 2018-11-15 07:30, "
                 "+1wd 2018-11-16 07:30, +2wd 2018-11-19 07:30, +3wd 2018-11-20 07:30, "
                 "+4wd 2018-11-21 07:30, +5wd 2018-11-22 07:30, +6wd 2018-11-23 07:30, "
                 "+7wd 2018-11-26 07:30, +8wd 2018-11-27 07:30, +9wd 2018-11-28 07:30, "
                 "+10wd 2018-11-29 07:30, +15wd 2018-12-06 07:30"},
                /* first seen on the Tuesday after: the foot of the ladder */
                {DEFAULT_STEPS, "2018-11-15", -1, SHIFT_EARLIER, "2018-11-20 10:00", "2018-11-14",
                 "2018-11-23",
                 "-1wd 2018-11-14 07:30, 0 2018-11-15 07:30, +1wd 2018-11-20 07:30, "
                 "+2wd 2018-11-21 07:30, +3wd 2018-11-22 07:30, +4wd 2018-11-23 07:30"},
        };

        (void)state;
        check_ladders(cases, ELEMENTSOF(cases));
}

static void test_moved_days(void **state) {
        static const struct ladder_case cases[] = {
                /* calendar days and weeks around Quốc khánh (Sunday and Monday) */
                {{{"-4d,-1d"}, {"+1d,+2d"}, {"-1w,+1w"}},
                 "2018-09-05",
                 -1,
                 SHIFT_EARLIER,
                 NULL,
                 NULL,
                 NULL,
                 "-1w 2018-08-29 07:30, -4d 2018-08-31 07:30, -1d 2018-09-04 07:30, "
                 "+1d 2018-09-06 07:30, +2d 2018-09-07 07:30, +1w 2018-09-12 07:30"},
                {{{"-2d"}, {"+3d"}},
                 "2018-09-04",
                 -1,
                 SHIFT_EARLIER,
                 NULL,
                 NULL,
                 NULL,
                 "-2d 2018-08-31 07:30, +3d 2018-09-07 07:30"},
                {{{"+2d"}},
                 "2018-11-15",
                 -1,
                 SHIFT_EARLIER,
                 NULL,
                 NULL,
                 NULL,
                 "+2d 2018-11-19 07:30"},
                /* no shift: the deadline is a Sunday, `0` comes on Friday */
                {{{"-1wd"}, {"0"}, {"+1wd"}},
                 "2018-11-18",
                 -1,
                 SHIFT_NONE,
                 NULL,
                 NULL,
                 NULL,
                 "0 2018-11-16 07:30, +1wd 2018-11-19 07:30"},
                {{{"-2wd"}, {"0"}},
                 "2018-11-18",
                 -1,
                 SHIFT_NONE,
                 NULL,
                 NULL,
                 NULL,
                 "-2wd 2018-11-15 07:30, 0 2018-11-16 07:30"},
                /* due at 7:00 and at 7:30 sharp, before `0` would go: the working day before */
                {{{"-2wd"}, {"0"}},
                 "2018-11-19",
                 AT(7, 0),
                 SHIFT_EARLIER,
                 NULL,
                 NULL,
                 NULL,
                 "-2wd 2018-11-15 07:30, 0 2018-11-16 07:30"},
                {{{"0"}},
                 "2018-11-19",
                 AT(7, 30),
                 SHIFT_EARLIER,
                 NULL,
                 NULL,
                 NULL,
                 "0 2018-11-16 07:30"},
                {{{"0"}},
                 "2018-11-19",
                 AT(7, 31),
                 SHIFT_EARLIER,
                 NULL,
                 NULL,
                 NULL,
                 "0 2018-11-19 07:30"},
                /* the same on a Sunday without shift: already before it */
                {{{"0"}},
                 "2018-11-18",
                 AT(7, 0),
                 SHIFT_NONE,
                 NULL,
                 NULL,
                 NULL,
                 "0 2018-11-16 07:30"},
        };

        (void)state;
        check_ladders(cases, ELEMENTSOF(cases));
}

static void test_hours(void **state) {
        static const struct ladder_case cases[] = {
                {{{"-2h"}, {"+1h"}},
                 "2018-11-15",
                 AT(16, 30),
                 SHIFT_EARLIER,
                 NULL,
                 NULL,
                 NULL,
                 "-2h 2018-11-15 14:30, +1h 2018-11-15 17:30"},
                /* the end of the day: outside the window on both sides */
                {{{"-2h"}, {"+2h"}},
                 "2018-11-16",
                 -1,
                 SHIFT_EARLIER,
                 NULL,
                 NULL,
                 NULL,
                 "-2h 2018-11-16 18:00, +2h 2018-11-19 07:30"},
                /* both ends of the window are inside */
                {{{"-6h"}, {"-17h"}},
                 "2018-11-16",
                 -1,
                 SHIFT_EARLIER,
                 NULL,
                 NULL,
                 NULL,
                 "-17h 2018-11-16 07:00, -6h 2018-11-16 18:00"},
                /* in the night before: the end of the last window, over a weekend too */
                {{{"-1h"}, {"+1h"}},
                 "2018-11-19",
                 AT(7, 30),
                 SHIFT_EARLIER,
                 NULL,
                 NULL,
                 NULL,
                 "-1h 2018-11-16 18:00, +1h 2018-11-19 08:30"},
                {{{"-48h"}},
                 "2018-11-19",
                 AT(16, 0),
                 SHIFT_EARLIER,
                 NULL,
                 NULL,
                 NULL,
                 "-48h 2018-11-16 18:00"},
                /* between window_start and send_at it leaves at once, before it at send_at */
                {{{"+1h"}},
                 "2018-11-15",
                 AT(6, 10),
                 SHIFT_EARLIER,
                 NULL,
                 NULL,
                 NULL,
                 "+1h 2018-11-15 07:10"},
                {{{"+1h"}},
                 "2018-11-15",
                 AT(5, 10),
                 SHIFT_EARLIER,
                 NULL,
                 NULL,
                 NULL,
                 "+1h 2018-11-15 07:30"},
                /* from B's close of day when B is later than E: Monday 24:00 + 10 h */
                {{{"+10h"}},
                 "2018-11-15",
                 AT(16, 30),
                 SHIFT_EARLIER,
                 "2018-11-20 10:00",
                 NULL,
                 NULL,
                 "+10h 2018-11-20 10:00"},
                /* the day of B is E: the deadline instant stands */
                {{{"+1h"}},
                 "2018-11-15",
                 AT(16, 30),
                 SHIFT_EARLIER,
                 "2018-11-16 10:00",
                 NULL,
                 NULL,
                 "+1h 2018-11-15 17:30"},
        };

        (void)state;
        check_ladders(cases, ELEMENTSOF(cases));
}

static void test_equal_instants(void **state) {
        static const struct ladder_case cases[] = {
                /* the later before any moving: `0` (Sunday) before -1d (Saturday) and -1wd (Friday) */
                {{{"0"}, {"-1d"}, {"-1wd"}},
                 "2018-11-18",
                 -1,
                 SHIFT_NONE,
                 NULL,
                 NULL,
                 NULL,
                 "0 2018-11-16 07:30"},
                {{{"-1d"}, {"-1wd"}},
                 "2018-11-18",
                 -1,
                 SHIFT_NONE,
                 NULL,
                 NULL,
                 NULL,
                 "-1d 2018-11-16 07:30"},
                /* 0 moved before a timed deadline meets -1wd */
                {{{"0"}, {"-1wd"}},
                 "2018-11-19",
                 AT(7, 0),
                 SHIFT_EARLIER,
                 NULL,
                 NULL,
                 NULL,
                 "0 2018-11-16 07:30"},
                /* +2h would have been at 2:00, +1wd is at 7:30 by itself */
                {{{"+1wd"}, {"+2h"}},
                 "2018-11-15",
                 -1,
                 SHIFT_EARLIER,
                 NULL,
                 NULL,
                 NULL,
                 "+1wd 2018-11-16 07:30"},
                /* equal even before moving: the later in the policy */
                {{{"-1wd"}, {"-1d"}},
                 "2018-11-15",
                 -1,
                 SHIFT_EARLIER,
                 NULL,
                 NULL,
                 NULL,
                 "-1d 2018-11-14 07:30"},
                {{{"-1d"}, {"-1wd"}},
                 "2018-11-15",
                 -1,
                 SHIFT_EARLIER,
                 NULL,
                 NULL,
                 NULL,
                 "-1wd 2018-11-14 07:30"},
                {{{"+5d"}, {"+1w"}, {"+7d"}},
                 "2018-11-15",
                 -1,
                 SHIFT_EARLIER,
                 NULL,
                 NULL,
                 NULL,
                 "+5d 2018-11-20 07:30, +7d 2018-11-22 07:30"},
        };

        (void)state;
        check_ladders(cases, ELEMENTSOF(cases));
}

static void test_suppressed(void **state) {
        static const struct ladder_case cases[] = {
                {{{"-5wd,-3wd"}, {"0"}, {"+1wd,+2wd"}},
                 "2018-11-15",
                 -1,
                 SHIFT_EARLIER,
                 NULL,
                 "2018-11-12",
                 "2018-11-16",
                 "-3wd 2018-11-12 07:30, 0 2018-11-15 07:30, +1wd 2018-11-16 07:30"},
                {{{"-5wd,-3wd"}, {"0"}},
                 "2018-11-15",
                 -1,
                 SHIFT_EARLIER,
                 NULL,
                 "2018-11-13",
                 "2018-11-14",
                 ""},
                /* what counts is the day on which it fires: Saturday opens, Friday it would fire */
                {{{"0"}}, "2018-11-18", -1, SHIFT_NONE, NULL, "2018-11-17", NULL, ""},
                {{{"+2d"}}, "2018-11-15", -1, SHIFT_EARLIER, NULL, NULL, "2018-11-18", ""},
                /* beyond the last year there is nothing to fire on */
                {{{"-1wd"}, {"+1wd"}},
                 "2199-12-31",
                 -1,
                 SHIFT_EARLIER,
                 NULL,
                 NULL,
                 NULL,
                 "-1wd 2199-12-30 07:30"},
                {{{"-20w"}, {"+1wd"}},
                 "1970-03-02",
                 -1,
                 SHIFT_EARLIER,
                 "1970-01-05",
                 NULL,
                 NULL,
                 "+1wd 1970-03-03 07:30"},
        };

        (void)state;
        check_ladders(cases, ELEMENTSOF(cases));
}

static void test_base_date(void **state) {
        static const struct {
                const char *effective, *began, *base;
        } cases[] = {
                {"2018-11-15", "2018-06-01 10:00", "2018-11-15"}, /* long before */
                {"2018-11-15", "2018-11-16 12:00", "2018-11-15"}, /* the day after: E itself */
                {"2018-11-15", "2018-11-20 07:29", "2018-11-19"}, /* leaves the same day at 7:30 */
                {"2018-11-15", "2018-11-20 18:00", "2018-11-19"}, /* at once: still in the window */
                {"2018-11-15", "2018-11-20 18:01", "2018-11-20"}, /* leaves on Wednesday */
                {"2018-11-15", "2018-11-16 18:01", "2018-11-16"}, /* leaves on Monday */
                {"2018-11-15", "2018-11-24 10:00", "2018-11-23"}, /* Saturday */
                {"2018-02-09", "2018-02-13 19:00", "2018-02-13"}, /* leaves after Tết */
                {"2018-02-09", "2018-02-21 07:00", "2018-02-13"},
        };
        _cleanup_arena_ struct arena *arena = arena_new();
        const struct calendar *cal = vietnam_2018(arena);
        char buf[DATE_BUFFER];

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                date_t base =
                        ladder_base_date(cal, day(cases[i].effective), instant(cases[i].began));

                assert_string_equal(date_format(base, buf), cases[i].base);
        }
        assert_int_equal(ladder_base_date(cal, day("2018-11-15"), USEC_INFINITY),
                         day("2018-11-15"));
}

static void test_leaving(void **state) {
        static const struct {
                const char *now, *caught_up, *in_window, *next;
        } cases[] = {
                {"2018-11-16 06:59", "2018-11-16 07:30", "2018-11-16 07:00", "2018-11-16 07:30"},
                {"2018-11-16 07:00", "2018-11-16 07:30", "2018-11-16 07:00", "2018-11-16 07:30"},
                {"2018-11-16 07:30", "2018-11-16 07:30", "2018-11-16 07:30", "2018-11-16 07:30"},
                {"2018-11-16 07:31", "2018-11-16 07:31", "2018-11-16 07:31", "2018-11-19 07:30"},
                {"2018-11-16 18:00", "2018-11-16 18:00", "2018-11-16 18:00", "2018-11-19 07:30"},
                {"2018-11-16 18:00:00.000001", "2018-11-19 07:30", "2018-11-19 07:00",
                 "2018-11-19 07:30"},
                {"2018-11-17 10:00", "2018-11-19 07:30", "2018-11-19 07:00", "2018-11-19 07:30"},
                {"2018-02-14 10:00", "2018-02-21 07:30", "2018-02-21 07:00", "2018-02-21 07:30"},
                {"2019-01-05 10:00", "2019-01-05 10:00", "2019-01-05 10:00", "2019-01-07 07:30"},
        };
        _cleanup_arena_ struct arena *arena = arena_new();
        const struct calendar *cal = vietnam_2018(arena);

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                usec_t now = instant(cases[i].now);

                assert_int_equal(send_instant_caught_up(cal, now), instant(cases[i].caught_up));
                assert_int_equal(send_instant_in_window(cal, now), instant(cases[i].in_window));
                assert_int_equal(send_instant_next(cal, now), instant(cases[i].next));
        }
        assert_int_equal(send_instant_caught_up(cal, USEC_INFINITY), USEC_INFINITY);
        assert_int_equal(send_instant_in_window(cal, USEC_INFINITY), USEC_INFINITY);
        assert_int_equal(send_instant_next(cal, USEC_INFINITY), USEC_INFINITY);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_default_ladder), cmocka_unit_test(test_moved_days),
                cmocka_unit_test(test_hours),          cmocka_unit_test(test_equal_instants),
                cmocka_unit_test(test_suppressed),     cmocka_unit_test(test_base_date),
                cmocka_unit_test(test_leaving),
        };

        return cmocka_run_group_tests(tests, setup, NULL);
}
