/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/date.h"

static void test_known_days(void **state) {
        static const struct {
                int year, month, day;
                date_t date;
                enum weekday weekday;
                int week, week_year;
        } cases[] = {
                {1970, 1, 1, 0, THURSDAY, 1, 1970},      {1970, 12, 31, 364, THURSDAY, 53, 1970},
                {2000, 2, 29, 11016, TUESDAY, 9, 2000},  {2005, 1, 1, 12784, SATURDAY, 53, 2004},
                {2008, 12, 29, 14242, MONDAY, 1, 2009},  {2010, 1, 3, 14612, SUNDAY, 53, 2009},
                {2016, 2, 29, 16860, MONDAY, 9, 2016},   {2018, 11, 30, 17865, FRIDAY, 48, 2018},
                {2018, 12, 31, 17896, MONDAY, 1, 2019},  {2100, 2, 28, 47540, SUNDAY, 8, 2100},
                {2199, 12, 31, 84005, TUESDAY, 1, 2200},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                date_t date = date_from_ymd(cases[i].year, cases[i].month, cases[i].day);
                struct ymd d = date_to_ymd(cases[i].date);
                int year = 0;

                assert_int_equal(date, cases[i].date);
                assert_int_equal(d.year, cases[i].year);
                assert_int_equal(d.month, cases[i].month);
                assert_int_equal(d.day, cases[i].day);
                assert_int_equal(date_weekday(date), cases[i].weekday);
                assert_int_equal(date_iso_week(date, &year), cases[i].week);
                assert_int_equal(year, cases[i].week_year);
                assert_int_equal(date_iso_week(date, NULL), cases[i].week);
        }
}

/* Every day there is, against the C library's arithmetic, and some before 1970. */
static void test_every_day(void **state) {
        date_t date = 0;

        (void)state;
        for (int year = DATE_MIN_YEAR; year <= DATE_MAX_YEAR; year++)
                for (int month = 1; month <= 12; month++)
                        for (int day = 1; day <= days_in_month(year, month); day++, date++)
                                if (date_from_ymd(year, month, day) != date)
                                        fail_msg("%d-%d-%d", year, month, day);
        assert_int_equal(date, 84006);

        for (date = -200000; date < 200000; date++) {
                time_t t = (time_t)date * 86400;
                struct ymd d = date_to_ymd(date);
                int week, week_year = 0;
                char text[16], expected[16];
                struct tm tm;

                gmtime_r(&t, &tm);
                if (d.year != tm.tm_year + 1900 || d.month != tm.tm_mon + 1 ||
                    d.day != tm.tm_mday ||
                    date_weekday(date) != (enum weekday)((tm.tm_wday + 6) % 7))
                        fail_msg("day %d", (int)date);
                week = date_iso_week(date, &week_year);
                snprintf(text, sizeof(text), "%d-%02d", week_year, week);
                strftime(expected, sizeof(expected), "%G-%V", &tm);
                assert_string_equal(text, expected);
        }
}

static void test_no_such_day(void **state) {
        static const struct ymd cases[] = {
                {2018, 2, 29}, {2100, 2, 29}, {2018, 4, 31},  {2018, 0, 1}, {2018, 13, 1},
                {2018, 1, 0},  {2018, 1, 32}, {1969, 12, 31}, {2200, 1, 1}, {2018, -1, 1},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_int_equal(date_from_ymd(cases[i].year, cases[i].month, cases[i].day),
                                 DATE_NONE);
        assert_int_equal(days_in_month(2018, 0), 0);
        assert_int_equal(days_in_month(2018, 13), 0);
        assert_int_equal(days_in_month(2000, 2), 29);
        assert_int_equal(days_in_month(2100, 2), 28);
}

static void test_parse(void **state) {
        static const struct {
                const char *text;
                int result;
                date_t date;
        } cases[] = {
                {"2018-11-30", 0, 17865}, {"1970-01-01", 0, 0},
                {"2199-12-31", 0, 84005}, {"", -EINVAL},
                {"2018", -EINVAL},        {"2018-", -EINVAL},
                {"2018-11", -EINVAL},     {"2018-11-", -EINVAL},
                {"2018-11-3", -EINVAL},   {"2018-11-30 ", -EINVAL},
                {" 2018-11-30", -EINVAL}, {"2018-1-30", -EINVAL},
                {"2018/11/30", -EINVAL},  {"2018-11-301", -EINVAL},
                {"30-11-2018", -EINVAL},  {"+018-11-30", -EINVAL},
                {"2018-11--3", -EINVAL},  {"２018-11-30", -EINVAL},
                {"2018-02-29", -ERANGE},  {"2018-13-01", -ERANGE},
                {"2018-00-10", -ERANGE},  {"1969-12-31", -ERANGE},
                {"2200-01-01", -ERANGE},  {"0000-00-00", -ERANGE},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                date_t date = 4711;

                assert_int_equal(date_parse(cases[i].text, &date), cases[i].result);
                assert_int_equal(date, cases[i].result < 0 ? 4711 : cases[i].date);
        }
}

static void test_format(void **state) {
        static const struct {
                date_t date;
                const char *text;
        } cases[] = {
                {17865, "2018-11-30"},   {0, "1970-01-01"},       {-1, "1969-12-31"},
                {84005, "2199-12-31"},   {-719528, "0000-01-01"}, {-719529, "-"},
                {2932896, "9999-12-31"}, {2932897, "-"},          {DATE_NONE, "-"},
                {INT32_MAX, "-"},
        };
        char buf[DATE_BUFFER];

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                assert_ptr_equal(date_format(cases[i].date, buf), buf);
                assert_string_equal(buf, cases[i].text);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_known_days),  cmocka_unit_test(test_every_day),
                cmocka_unit_test(test_no_such_day), cmocka_unit_test(test_parse),
                cmocka_unit_test(test_format),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
