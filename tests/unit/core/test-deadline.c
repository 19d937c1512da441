/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vietnam.h"

#include <errno.h>

#include "core/deadline.h"

static int setup(void **state) {
        (void)state;
        return zone_init("Asia/Ho_Chi_Minh");
}

struct stated {
        enum due_word word;
        const char *date;
        int time; /* -1: none */
        enum shift shift;
        const char *last, *effective, *instant;
};

static void check(const struct calendar *cal, const struct stated *s) {
        struct due due = {.date = day(s->date), .time_of_day = s->time};
        char last[DATE_BUFFER], effective[DATE_BUFFER], until[INSTANT_BUFFER];
        struct deadline d;

        assert_int_equal(deadline_resolve(cal, &due, s->word, s->shift, &d), 0);
        assert_string_equal(date_format(d.last, last), s->last);
        assert_string_equal(date_format(d.effective, effective), s->effective);
        assert_string_equal(zone_format(d.instant, until), s->instant);
}

static void test_stated_dates(void **state) {
        static const struct stated cases[] = {
                /* the examples of docs/semantics.md, section 2 */
                {DUE_WORD_BEFORE, "2018-11-25", -1, SHIFT_EARLIER, "2018-11-24", "2018-11-23",
                 "2018-11-24T00:00:00+07:00"},
                {DUE_WORD_BEFORE, "2018-02-15", -1, SHIFT_EARLIER, "2018-02-14", "2018-02-13",
                 "2018-02-14T00:00:00+07:00"},
                {DUE_WORD_BEFORE, "2018-09-05", -1, SHIFT_EARLIER, "2018-09-04", "2018-09-04",
                 "2018-09-05T00:00:00+07:00"},
                {DUE_WORD_BEFORE, "2018-11-30", -1, SHIFT_EARLIER, "2018-11-29", "2018-11-29",
                 "2018-11-30T00:00:00+07:00"},
                {DUE_WORD_BY, "2018-03-31", -1, SHIFT_EARLIER, "2018-03-31", "2018-03-30",
                 "2018-03-31T00:00:00+07:00"},
                {DUE_WORD_BY, "2018-12-31", -1, SHIFT_EARLIER, "2018-12-31", "2018-12-28",
                 "2018-12-29T00:00:00+07:00"},
                /* other ways to shift */
                {DUE_WORD_BY, "2018-12-31", -1, SHIFT_LATER, "2018-12-31", "2019-01-02",
                 "2019-01-03T00:00:00+07:00"},
                {DUE_WORD_BEFORE, "2018-09-03", -1, SHIFT_LATER, "2018-09-02", "2018-09-04",
                 "2018-09-05T00:00:00+07:00"},
                {DUE_WORD_BY, "2018-12-31", -1, SHIFT_NONE, "2018-12-31", "2018-12-31",
                 "2019-01-01T00:00:00+07:00"},
                {DUE_WORD_BY, "2019-01-05", -1, SHIFT_EARLIER, "2019-01-05", "2019-01-05",
                 "2019-01-06T00:00:00+07:00"},
                /* a time of day makes `before` mean the same as `by` */
                {DUE_WORD_BEFORE, "2018-11-30", AT(16, 30), SHIFT_EARLIER, "2018-11-30",
                 "2018-11-30", "2018-11-30T16:30:00+07:00"},
                {DUE_WORD_BY, "2018-11-30", 0, SHIFT_EARLIER, "2018-11-30", "2018-11-30",
                 "2018-11-30T00:00:00+07:00"},
                {DUE_WORD_BY, "2018-09-02", AT(9, 0), SHIFT_EARLIER, "2018-09-02", "2018-08-31",
                 "2018-08-31T09:00:00+07:00"},
        };
        _cleanup_arena_ struct arena *arena = arena_new();
        const struct calendar *cal = vietnam_2018(arena);

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                check(cal, &cases[i]);
}

static void test_close_of_day_and_clock_changes(void **state) {
        static const struct stated cases[] = {
                {DUE_WORD_BY, "2018-11-15", -1, SHIFT_EARLIER, "2018-11-15", "2018-11-15",
                 "2018-11-15T02:30:00+01:00"},
                /* 2:30 does not exist: the first instant after the gap */
                {DUE_WORD_BY, "2018-03-25", -1, SHIFT_EARLIER, "2018-03-25", "2018-03-25",
                 "2018-03-25T03:00:00+02:00"},
                /* 2:30 exists twice: the first */
                {DUE_WORD_BY, "2018-10-28", -1, SHIFT_EARLIER, "2018-10-28", "2018-10-28",
                 "2018-10-28T02:30:00+02:00"},
                {DUE_WORD_BY, "2018-10-28", AT(3, 0), SHIFT_EARLIER, "2018-10-28", "2018-10-28",
                 "2018-10-28T03:00:00+01:00"},
        };
        _cleanup_arena_ struct arena *arena = arena_new();
        const struct calendar *cal = calendar_new(
                arena, &(struct calendar_settings){.workdays = 0x7f, .close_of_day = AT(2, 30)});

        (void)state;
        assert_int_equal(zone_init("Europe/Berlin"), 0);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                check(cal, &cases[i]);
        assert_int_equal(zone_init("Asia/Ho_Chi_Minh"), 0);
}

static void test_out_of_reach(void **state) {
        _cleanup_arena_ struct arena *arena = arena_new();
        const struct day_range off = {day("2018-01-01"), day("2199-12-31"), NULL};
        const struct calendar *cal = calendar_new(
                arena, &(struct calendar_settings){.workdays = 0x7f, .off = &off, .n_off = 1});
        const struct {
                date_t date;
                enum due_word word;
                enum shift shift;
                int r;
        } cases[] = {
                {day("2025-06-01"), DUE_WORD_BY, SHIFT_EARLIER, -ERANGE},
                {day("2018-06-01"), DUE_WORD_BY, SHIFT_EARLIER, 0},
                {day("2018-06-01"), DUE_WORD_BY, SHIFT_LATER, -ERANGE},
                {day("2025-06-01"), DUE_WORD_BY, SHIFT_NONE, 0},
                {day("1970-01-01"), DUE_WORD_BY, SHIFT_NONE, 0},
                {day("1970-01-01"), DUE_WORD_BEFORE, SHIFT_NONE, -ERANGE},
                {day("2199-12-31") + 1, DUE_WORD_BY, SHIFT_NONE, -ERANGE},
                {DATE_NONE, DUE_WORD_BY, SHIFT_NONE, -ERANGE},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct due due = {.date = cases[i].date, .time_of_day = -1};
                struct deadline d = {.last = 1, .effective = 2, .instant = 3};

                assert_int_equal(deadline_resolve(cal, &due, cases[i].word, cases[i].shift, &d),
                                 cases[i].r);
                if (cases[i].r < 0) { /* untouched */
                        assert_int_equal(d.last, 1);
                        assert_int_equal(d.effective, 2);
                        assert_int_equal(d.instant, 3);
                }
        }
}

static void test_days_overdue(void **state) {
        static const struct {
                const char *effective, *today;
                int n;
        } cases[] = {
                {"2018-11-15", "2018-11-14", 0}, {"2018-11-15", "2018-11-15", 0},
                {"2018-11-15", "2018-11-16", 1}, {"2018-11-15", "2018-11-18", 1},
                {"2018-11-15", "2018-11-19", 2}, {"2018-02-13", "2018-02-20", 0},
                {"2018-02-13", "2018-02-21", 1}, {"2018-12-28", "2019-01-05", 4},
        };
        _cleanup_arena_ struct arena *arena = arena_new();
        const struct calendar *cal = vietnam_2018(arena);

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_int_equal(
                        deadline_days_overdue(cal, day(cases[i].effective), day(cases[i].today)),
                        cases[i].n);
}

static void test_names(void **state) {
        enum due_word word;
        enum shift shift;

        (void)state;
        for (int i = 0; i < _DUE_WORD_MAX; i++) {
                assert_int_equal(due_word_from_string(due_word_to_string((enum due_word)i), &word),
                                 0);
                assert_int_equal(word, i);
        }
        for (int i = 0; i < _SHIFT_MAX; i++) {
                assert_int_equal(shift_from_string(shift_to_string((enum shift)i), &shift), 0);
                assert_int_equal(shift, i);
        }
        assert_string_equal(due_word_to_string(DUE_WORD_BEFORE), "before");
        assert_string_equal(shift_to_string(SHIFT_NONE), "none");
        assert_int_equal(due_word_from_string("Before", &word), -EINVAL);
        assert_int_equal(shift_from_string("", &shift), -EINVAL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_stated_dates),
                cmocka_unit_test(test_close_of_day_and_clock_changes),
                cmocka_unit_test(test_out_of_reach),
                cmocka_unit_test(test_days_overdue),
                cmocka_unit_test(test_names),
        };

        return cmocka_run_group_tests(tests, setup, NULL);
}
