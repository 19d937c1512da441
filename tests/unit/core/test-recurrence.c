/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vietnam.h"

#include <errno.h>
#include <string.h>

#include "base/strbuf.h"
#include "core/recurrence.h"

static const struct recurrence *parse(struct arena *arena, const char *text) {
        const struct recurrence *rule;
        const char *error;

        if (recurrence_parse(arena, text, &rule, &error) < 0)
                fail_msg("%s: %s", text, error);
        return rule;
}

static void check_dates(const char *text, const char *start, const char *until, const char *dates) {
        _cleanup_(strbuf_done) struct strbuf found = STRBUF_INIT;
        _cleanup_arena_ struct arena *arena = arena_new();
        date_t list[100];
        char buf[DATE_BUFFER];
        int n;

        n = recurrence_expand(parse(arena, text), day(start), day(until), list, ELEMENTSOF(list));
        for (int i = 0; i < n; i++)
                strbuf_addf(&found, "%s%s", i > 0 ? " " : "", date_format(list[i], buf));
        if (n < 0 || strcmp(strbuf_str(&found), dates) != 0)
                fail_msg("%s from %s: %d dates: %s", text, start, n, strbuf_str(&found));
}

static void test_dates(void **state) {
        static const struct {
                const char *rule, *start, *until, *dates;
        } cases[] = {
                /* what DTSTART fills in */
                {"FREQ=DAILY", "2018-02-27", "2018-03-02",
                 "2018-02-27 2018-02-28 2018-03-01 2018-03-02"},
                {"FREQ=WEEKLY;COUNT=3", "2018-11-15", "2199-12-31",
                 "2018-11-15 2018-11-22 2018-11-29"},
                {"FREQ=MONTHLY;COUNT=4", "2018-01-15", "2199-12-31",
                 "2018-01-15 2018-02-15 2018-03-15 2018-04-15"},
                {"FREQ=YEARLY", "2018-11-25", "2020-12-31", "2018-11-25 2019-11-25 2020-11-25"},
                {"FREQ=YEARLY;BYMONTH=3,6,9", "2018-01-05", "2018-12-31",
                 "2018-03-05 2018-06-05 2018-09-05"},
                /* days that not every month has are left out */
                {"FREQ=MONTHLY", "2018-01-31", "2018-06-30", "2018-01-31 2018-03-31 2018-05-31"},
                {"FREQ=YEARLY", "2016-02-29", "2025-12-31", "2016-02-29 2020-02-29 2024-02-29"},
                {"FREQ=MONTHLY;BYMONTHDAY=-1", "2018-01-01", "2018-04-30",
                 "2018-01-31 2018-02-28 2018-03-31 2018-04-30"},
                /* the end: both included */
                {"FREQ=MONTHLY;UNTIL=20180305", "2018-01-05", "2018-12-31",
                 "2018-01-05 2018-02-05 2018-03-05"},
                {"FREQ=MONTHLY;UNTIL=20181231", "2018-01-05", "2018-03-05",
                 "2018-01-05 2018-02-05 2018-03-05"},
                {"FREQ=DAILY;UNTIL=20180101", "2018-01-02", "2018-12-31", ""},
                {"FREQ=DAILY", "2018-01-02", "2018-01-01", ""},
                {"FREQ=DAILY", "2199-12-30", "2199-12-31", "2199-12-30 2199-12-31"},
                /* DTSTART that the rule does not match is neither given nor counted */
                {"FREQ=MONTHLY;BYMONTHDAY=5;COUNT=2", "2018-01-10", "2018-12-31",
                 "2018-02-05 2018-03-05"},
                {"FREQ=WEEKLY;BYDAY=MO;COUNT=2", "2018-11-15", "2018-12-31",
                 "2018-11-19 2018-11-26"},
                /* numbered weekdays: of the month, of the year */
                {"FREQ=MONTHLY;BYDAY=-1FR", "2018-01-01", "2018-03-31",
                 "2018-01-26 2018-02-23 2018-03-30"},
                {"FREQ=MONTHLY;BYDAY=1MO,3MO", "2018-01-01", "2018-02-28",
                 "2018-01-01 2018-01-15 2018-02-05 2018-02-19"},
                {"FREQ=MONTHLY;BYDAY=5WE", "2018-01-01", "2018-06-30", "2018-01-31 2018-05-30"},
                {"FREQ=YEARLY;BYDAY=20MO", "1997-05-19", "1999-12-31",
                 "1997-05-19 1998-05-18 1999-05-17"},
                {"FREQ=YEARLY;BYMONTH=3;BYDAY=2TU", "2018-01-01", "2019-12-31",
                 "2018-03-13 2019-03-12"},
                /* a union, as the RFC has it */
                {"FREQ=MONTHLY;BYDAY=FR,1MO", "2018-11-01", "2018-11-30",
                 "2018-11-02 2018-11-05 2018-11-09 2018-11-16 2018-11-23 2018-11-30"},
                /* both have to hold */
                {"FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "2018-01-01", "2019-12-31",
                 "2018-04-13 2018-07-13 2019-09-13 2019-12-13"},
                {"FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
                 "1996-11-05", "2004-12-31", "1996-11-05 2000-11-07 2004-11-02"},
                /* the last working day of a quarter's month */
                {"FREQ=MONTHLY;INTERVAL=3;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "2018-03-01",
                 "2018-12-31", "2018-03-30 2018-06-29 2018-09-28 2018-12-31"},
                {"FREQ=YEARLY;BYDAY=MO;BYSETPOS=1,-1", "2018-01-01", "2018-12-31",
                 "2018-01-01 2018-12-31"},
                {"FREQ=MONTHLY;BYDAY=MO;BYSETPOS=5,6", "2018-01-01", "2018-07-31",
                 "2018-01-29 2018-04-30 2018-07-30"},
                /* a position counts in the whole week, wherever DTSTART is in it */
                {"FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=1", "2018-11-14", "2018-11-27",
                 "2018-11-19 2018-11-26"},
                /* RFC 5545: the day on which a week starts matters */
                {"FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", "1997-08-05", "2199-12-31",
                 "1997-08-05 1997-08-10 1997-08-19 1997-08-24"},
                {"FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", "1997-08-05", "2199-12-31",
                 "1997-08-05 1997-08-17 1997-08-19 1997-08-31"},
                {"FREQ=DAILY;INTERVAL=10;BYMONTH=1", "2018-12-28", "2019-02-28",
                 "2019-01-07 2019-01-17 2019-01-27"},
                {"FREQ=WEEKLY;BYMONTH=1;BYDAY=MO", "2018-12-25", "2019-01-20",
                 "2019-01-07 2019-01-14"},
                {"FREQ=DAILY;BYMONTHDAY=-2", "2018-02-01", "2018-03-31", "2018-02-27 2018-03-30"},
                /* never, in all the years there are */
                {"FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "1970-01-01", "2199-12-31", ""},
                {"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "1970-01-01", "2199-12-31", ""},
                {"freq=monthly;byday=-1fr;count=1", "2018-01-01", "2018-03-31", "2018-01-26"},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                check_dates(cases[i].rule, cases[i].start, cases[i].until, cases[i].dates);
}

static void test_refused(void **state) {
        static const struct {
                const char *rule;
                int r;
                const char *words;
        } cases[] = {
                {"", -EINVAL, "'' is not of the form NAME=VALUE"},
                {"COUNT=3", -EINVAL, "a rule needs FREQ"},
                {"RRULE:FREQ=DAILY", -EINVAL, "without \"RRULE:\""},
                {"FREQ=DAILY;", -EINVAL, "NAME=VALUE"},
                {"FREQ=DAILY;COUNT", -EINVAL, "'COUNT' is not"},
                {"FREQ=", -EINVAL, "FREQ is DAILY, WEEKLY, MONTHLY or YEARLY"},
                {"FREQ=OFTEN", -EINVAL, "FREQ is DAILY"},
                {"FREQ=HOURLY", -ENOTSUP, "rules are on dates"},
                {"FREQ=DAILY;FREQ=DAILY", -EINVAL, "FREQ is given twice"},
                {"FREQ=DAILY;BYHOUR=7", -ENOTSUP, "BYHOUR is not supported: rules are on dates"},
                {"FREQ=YEARLY;BYWEEKNO=20", -ENOTSUP, "BYWEEKNO"},
                {"FREQ=YEARLY;BYYEARDAY=20", -ENOTSUP, "BYYEARDAY"},
                {"RSCALE=CHINESE;FREQ=YEARLY", -ENOTSUP, "RSCALE"},
                {"FREQ=DAILY;BYMOON=1", -EINVAL, "'BYMOON' is no part of a rule"},
                {"FREQ=DAILY;INTERVAL=0", -EINVAL, "INTERVAL is a number from 1"},
                {"FREQ=DAILY;INTERVAL=-1", -EINVAL, "INTERVAL"},
                {"FREQ=DAILY;INTERVAL=2x", -EINVAL, "INTERVAL"},
                {"FREQ=DAILY;INTERVAL=99999999999999999999", -EINVAL, "INTERVAL"},
                {"FREQ=DAILY;COUNT=0", -EINVAL, "COUNT"},
                {"FREQ=DAILY;COUNT=10001", -EINVAL, "COUNT is a number from 1 to 10000"},
                {"FREQ=DAILY;COUNT=2;UNTIL=20181231", -EINVAL, "exclude each other"},
                {"FREQ=DAILY;UNTIL=20180231", -EINVAL, "UNTIL is no date"},
                {"FREQ=DAILY;UNTIL=2018-12-31", -EINVAL, "UNTIL is a date such as 20181231"},
                {"FREQ=DAILY;UNTIL=20181231T235959Z", -ENOTSUP, "UNTIL with a time"},
                {"FREQ=YEARLY;BYMONTH=13", -EINVAL, "BYMONTH"},
                {"FREQ=YEARLY;BYMONTH=1,", -EINVAL, "BYMONTH"},
                {"FREQ=YEARLY;BYMONTH=-1", -EINVAL, "BYMONTH"},
                {"FREQ=MONTHLY;BYMONTHDAY=0", -EINVAL, "BYMONTHDAY"},
                {"FREQ=MONTHLY;BYMONTHDAY=32", -EINVAL, "BYMONTHDAY"},
                {"FREQ=MONTHLY;BYMONTHDAY=-32", -EINVAL, "BYMONTHDAY"},
                {"FREQ=WEEKLY;BYMONTHDAY=5", -EINVAL, "BYMONTHDAY does not go with WEEKLY"},
                {"FREQ=WEEKLY;BYDAY=1MO", -EINVAL, "numbers in BYDAY"},
                {"FREQ=DAILY;BYDAY=-1MO", -EINVAL, "numbers in BYDAY"},
                {"FREQ=MONTHLY;BYDAY=0MO", -EINVAL, "BYDAY"},
                {"FREQ=MONTHLY;BYDAY=54MO", -EINVAL, "BYDAY"},
                {"FREQ=MONTHLY;BYDAY=1", -EINVAL, "BYDAY"},
                {"FREQ=MONTHLY;BYDAY=MON", -EINVAL, "BYDAY"},
                {"FREQ=MONTHLY;BYDAY=", -EINVAL, "BYDAY"},
                {"FREQ=MONTHLY;BYSETPOS=1", -EINVAL, "BYSETPOS needs BYDAY"},
                {"FREQ=MONTHLY;BYDAY=MO;BYSETPOS=0", -EINVAL, "BYSETPOS"},
                {"FREQ=MONTHLY;BYDAY=MO;BYSETPOS=367", -EINVAL, "BYSETPOS"},
                {"FREQ=WEEKLY;WKST=XX", -EINVAL, "WKST"},
                {"FREQ=DAILY; COUNT=2", -EINVAL, "' COUNT' is no part"},
        };
        _cleanup_arena_ struct arena *arena = arena_new();

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const struct recurrence *rule = (const void *)arena;
                const char *error = NULL;

                assert_int_equal(recurrence_parse(arena, cases[i].rule, &rule, &error), cases[i].r);
                assert_ptr_equal(rule, arena); /* untouched */
                if (!error || !strstr(error, cases[i].words))
                        fail_msg("%s: %s", cases[i].rule, error);
        }
}

static void test_caps_on_text(void **state) {
        _cleanup_(strbuf_done) struct strbuf many = STRBUF_INIT;
        _cleanup_arena_ struct arena *arena = arena_new();
        const struct recurrence *rule;
        const char *error;

        (void)state;
        strbuf_adds(&many, "FREQ=YEARLY;BYDAY=1MO");
        for (int i = 0; i < 63; i++)
                strbuf_adds(&many, ",1MO");
        assert_int_equal(recurrence_parse(arena, strbuf_str(&many), &rule, &error), 0);
        assert_string_equal(recurrence_text(rule), strbuf_str(&many));
        strbuf_adds(&many, ",1MO");
        assert_int_equal(recurrence_parse(arena, strbuf_str(&many), &rule, &error), -EINVAL);
        assert_string_equal(error, "BYDAY has more than 64 entries");
        for (int i = 0; i < 250; i++)
                strbuf_adds(&many, ",1MO");
        assert_int_equal(recurrence_parse(arena, strbuf_str(&many), &rule, &error), -EINVAL);
        assert_string_equal(error, "the rule is longer than 1000 characters");
}

static void test_room(void **state) {
        _cleanup_arena_ struct arena *arena = arena_new();
        const struct recurrence *daily = parse(arena, "FREQ=DAILY");
        const struct recurrence *ten = parse(arena, "FREQ=DAILY;COUNT=10");
        date_t start = day("2018-01-01"), far = day("2199-12-31"), dates[10];

        (void)state;
        assert_int_equal(recurrence_expand(daily, start, start + 9, dates, 10), 10);
        assert_int_equal(recurrence_expand(daily, start, start + 10, dates, 10), -E2BIG);
        assert_int_equal(recurrence_expand(ten, start, far, dates, 10), 10);
        assert_int_equal(recurrence_expand(ten, start, far, dates, 9), -E2BIG);
        assert_int_equal(recurrence_expand(ten, start, start - 1, dates, 0), 0);
        assert_int_equal(recurrence_expand(daily, DATE_NONE, far, dates, 10), 0);
        assert_int_equal(recurrence_expand(daily, far, INT32_MAX, dates, 10), 1);
}

static void test_endless(void **state) {
        _cleanup_arena_ struct arena *arena = arena_new();

        (void)state;
        assert_true(recurrence_is_endless(parse(arena, "FREQ=DAILY")));
        assert_false(recurrence_is_endless(parse(arena, "FREQ=DAILY;COUNT=1")));
        assert_false(recurrence_is_endless(parse(arena, "FREQ=DAILY;UNTIL=20181231")));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_dates),        cmocka_unit_test(test_refused),
                cmocka_unit_test(test_caps_on_text), cmocka_unit_test(test_room),
                cmocka_unit_test(test_endless),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
