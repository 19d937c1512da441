/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vietnam.h"

static void test_workdays(void **state) {
        static const struct {
                const char *date;
                bool workday;
                const char *name;
        } cases[] = {
                {"2018-01-01", false, "Tết Dương lịch"},
                {"2018-02-13", true, NULL},
                {"2018-02-14", false, "Tết Nguyên đán"},
                {"2018-02-20", false, "Tết Nguyên đán"},
                {"2018-02-21", true, NULL},
                {"2018-05-01", false, NULL}, /* off, but without a name */
                {"2018-11-23", true, NULL},  /* Friday */
                {"2018-11-24", false, NULL}, /* Saturday */
                {"2018-12-31", false, "Tết Dương lịch"},
                {"2019-01-02", true, NULL},
                {"2019-01-05", true, "Làm bù cho 31/12/2018"}, /* Saturday */
                {"2019-01-06", false, NULL},
        };
        _cleanup_arena_ struct arena *arena = arena_new();
        const struct calendar *cal = vietnam_2018(arena);

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const char *name = calendar_day_name(cal, day(cases[i].date));

                assert_int_equal(calendar_is_workday(cal, day(cases[i].date)), cases[i].workday);
                assert_int_equal(!name, !cases[i].name);
                if (name)
                        assert_string_equal(name, cases[i].name);
        }
        assert_false(calendar_is_workday(cal, day("1970-01-01") - 1));
        assert_false(calendar_is_workday(cal, day("2199-12-31") + 1));
        assert_false(calendar_is_workday(cal, DATE_NONE));
}

static void test_listed_years(void **state) {
        _cleanup_arena_ struct arena *arena = arena_new();
        const struct calendar *cal = vietnam_2018(arena);

        (void)state;
        assert_true(calendar_lists_year(cal, 2018));
        assert_true(calendar_lists_year(cal, 2019)); /* the end of a range */
        assert_false(calendar_lists_year(cal, 2017));
        assert_false(calendar_lists_year(cal, 2020));
        assert_false(calendar_lists_year(cal, 1969));
        assert_false(calendar_lists_year(cal, 2200));
}

static void test_steps(void **state) {
        static const struct {
                const char *from;
                int n;
                const char *to;
        } cases[] = {
                {"2018-11-15", -15, "2018-10-25"},
                {"2018-11-15", -3, "2018-11-12"},
                {"2018-11-15", 1, "2018-11-16"},
                {"2018-11-16", 1, "2018-11-19"},
                {"2018-11-17", 1, "2018-11-19"}, /* from a Saturday */
                {"2018-11-18", -1, "2018-11-16"},
                {"2018-02-13", 1, "2018-02-21"}, /* over Tết */
                {"2018-02-21", -1, "2018-02-13"},
                {"2018-02-16", 2, "2018-02-22"}, /* from inside it */
                {"2018-12-28", 1, "2019-01-02"},
                {"2019-01-04", 1, "2019-01-05"}, /* the make-up Saturday */
                {"2019-01-07", -1, "2019-01-05"},
        };
        _cleanup_arena_ struct arena *arena = arena_new();
        const struct calendar *cal = vietnam_2018(arena);
        char buf[DATE_BUFFER];

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                date_t to = calendar_add_workdays(cal, day(cases[i].from), cases[i].n);

                assert_string_equal(date_format(to, buf), cases[i].to);
        }
}

static void test_counts(void **state) {
        static const struct {
                const char *after, *until;
                int n;
        } cases[] = {
                {"2018-11-15", "2018-11-15", 0},   {"2018-11-15", "2018-11-16", 1},
                {"2018-11-16", "2018-11-18", 0},   {"2018-11-16", "2018-11-19", 1},
                {"2018-11-19", "2018-11-16", 0},   {"2018-02-13", "2018-02-20", 0},
                {"2018-02-12", "2018-02-21", 2},   {"2019-01-04", "2019-01-06", 1},
                {"2017-12-31", "2018-12-31", 250},
        };
        _cleanup_arena_ struct arena *arena = arena_new();
        const struct calendar *cal = vietnam_2018(arena);

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_int_equal(
                        calendar_count_workdays(cal, day(cases[i].after), day(cases[i].until)),
                        cases[i].n);
        assert_int_equal(calendar_count_workdays(cal, DATE_NONE, day("1970-01-01")), 1);
        assert_int_equal(calendar_count_workdays(cal, day("2199-12-31"), INT32_MAX), 0);
}

/* Stepping and counting are each other's inverse, from any day, over all distances. */
static void test_steps_and_counts_agree(void **state) {
        _cleanup_arena_ struct arena *arena = arena_new();
        const struct calendar *cal = vietnam_2018(arena);

        (void)state;
        for (date_t from = day("2018-01-28"); from < day("2018-03-10"); from++)
                for (int n = 1; n < 6000; n += n < 300 ? 1 : 97) {
                        date_t ahead = calendar_add_workdays(cal, from, n);
                        date_t back = calendar_add_workdays(cal, from, -n);

                        assert_true(calendar_is_workday(cal, ahead));
                        assert_int_equal(calendar_count_workdays(cal, from, ahead), n);
                        assert_true(calendar_is_workday(cal, back));
                        assert_int_equal(calendar_count_workdays(cal, back - 1, from - 1), n);
                }
}

static void test_ends_of_time(void **state) {
        _cleanup_arena_ struct arena *arena = arena_new();
        const struct calendar *cal = vietnam_2018(arena);

        (void)state;
        assert_int_equal(calendar_add_workdays(cal, day("1970-01-02"), -1), day("1970-01-01"));
        assert_int_equal(calendar_add_workdays(cal, day("1970-01-01"), -1), DATE_NONE);
        assert_int_equal(calendar_add_workdays(cal, day("2199-12-30"), 1), day("2199-12-31"));
        assert_int_equal(calendar_add_workdays(cal, day("2199-12-31"), 1), DATE_NONE);
        assert_int_equal(calendar_add_workdays(cal, day("2018-11-15"), INT32_MAX), DATE_NONE);
        assert_int_equal(calendar_add_workdays(cal, day("2018-11-15"), INT32_MIN), DATE_NONE);
        assert_int_equal(calendar_workday_on_or_before(cal, day("1970-01-01") - 1), DATE_NONE);
        assert_int_equal(calendar_workday_on_or_after(cal, day("2199-12-31") + 1), DATE_NONE);
        assert_int_equal(calendar_workday_on_or_after(cal, day("1970-01-01") - 1), 0);
}

/* A break of two years is as far as a look goes; counting steps has no such end. */
static void test_reach(void **state) {
        _cleanup_arena_ struct arena *arena = arena_new();
        struct day_range off = {day("2020-01-01"), 0, NULL};
        struct calendar_settings settings = {
                .workdays = (1U << _WEEKDAY_MAX) - 1, .off = &off, .n_off = 1};

        (void)state;
        for (int length = 729; length <= 732; length++) {
                const struct calendar *cal;
                bool reached = length < 731;

                off.last = off.first + length; /* length + 1 days off */
                cal = calendar_new(arena, &settings);
                assert_int_equal(calendar_workday_on_or_after(cal, off.first),
                                 reached ? off.last + 1 : DATE_NONE);
                assert_int_equal(calendar_workday_on_or_before(cal, off.last),
                                 reached ? off.first - 1 : DATE_NONE);
                assert_int_equal(calendar_add_workdays(cal, off.first, 1), off.last + 1);
        }
}

static void test_odd_ranges(void **state) {
        _cleanup_arena_ struct arena *arena = arena_new();
        const struct day_range off[] = {
                {day("2018-03-10"), day("2018-03-01"), "backwards"}, /* holds no day */
                {day("1970-01-01") - 400, day("1970-01-01"), "across the beginning"},
                {day("2199-12-31"), day("2199-12-31") + 400, "across the end"},
                {day("2199-12-31") + 10, day("2199-12-31") + 20, "beyond"},
                {day("2018-06-01"), day("2018-06-30"), "a month"},
        };
        const struct day_range work[] = {{day("2018-06-15"), day("2018-06-17"), NULL}};
        const struct calendar *cal =
                calendar_new(arena, &(struct calendar_settings){.workdays = WEEKDAYS_MON_FRI,
                                                                .off = off,
                                                                .n_off = ELEMENTSOF(off),
                                                                .work = work,
                                                                .n_work = ELEMENTSOF(work)});

        (void)state;
        assert_true(calendar_is_workday(cal, day("2018-03-05")));
        assert_false(calendar_is_workday(cal, day("1970-01-01")));
        assert_true(calendar_is_workday(cal, day("1970-01-02")));
        assert_false(calendar_is_workday(cal, day("2199-12-31")));
        assert_true(calendar_is_workday(cal, day("2199-12-30")));
        assert_int_equal(calendar_count_workdays(cal, day("2018-05-31"), day("2018-06-30")), 3);
        assert_null(calendar_day_name(cal, day("2018-06-16"))); /* work wins, and has no name */
        assert_ptr_not_equal(calendar_settings(cal)->off, off);
        assert_int_equal(calendar_settings(cal)->n_off, ELEMENTSOF(off));
}

static void test_no_workday_at_all(void **state) {
        _cleanup_arena_ struct arena *arena = arena_new();
        const struct day_range off = {day("1970-01-01"), day("2199-12-31"), NULL};
        const struct calendar *cal = calendar_new(
                arena, &(struct calendar_settings){.workdays = 0x7f, .off = &off, .n_off = 1});

        (void)state;
        assert_int_equal(calendar_workday_on_or_before(cal, day("2018-11-15")), DATE_NONE);
        assert_int_equal(calendar_workday_on_or_after(cal, day("2018-11-15")), DATE_NONE);
        assert_int_equal(calendar_add_workdays(cal, day("2018-11-15"), 1), DATE_NONE);
        assert_int_equal(calendar_add_workdays(cal, day("2018-11-15"), -1), DATE_NONE);
        assert_int_equal(calendar_count_workdays(cal, 0, day("2199-12-31")), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_workdays),
                cmocka_unit_test(test_listed_years),
                cmocka_unit_test(test_steps),
                cmocka_unit_test(test_counts),
                cmocka_unit_test(test_steps_and_counts_agree),
                cmocka_unit_test(test_ends_of_time),
                cmocka_unit_test(test_reach),
                cmocka_unit_test(test_odd_ranges),
                cmocka_unit_test(test_no_workday_at_all),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
