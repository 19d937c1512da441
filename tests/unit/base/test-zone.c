/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/zone.h"

static void test_check(void **state) {
        static const struct {
                const char *name;
                int result;
        } cases[] = {
                {"Asia/Ho_Chi_Minh", 0},
                {"Europe/Berlin", 0},
                {"UTC", 0},
                {"", -EINVAL},
                {"/etc/localtime", -EINVAL},
                {":Europe/Berlin", -EINVAL},
                {"../zoneinfo/UTC", -EINVAL},
                {"Europe/../UTC", -EINVAL},
                {"Europe", -ENOENT},
                {"Europe/", -ENOENT},
                {"Europe/Hanoi", -ENOENT},
                {"Asia/Ho Chi Minh", -ENOENT},
                {"zone.tab", -ENOENT}, /* a file, but none of a zone */
                {"ICT-7", -ENOENT},    /* what POSIX would take for a rule */
                {"\xff", -ENOENT},
        };
        char longest[5000];

        (void)state;
        assert_int_equal(zone_init("UTC"), 0);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                assert_int_equal(zone_check(cases[i].name), cases[i].result);
                if (cases[i].result < 0) {
                        assert_int_equal(zone_init(cases[i].name), cases[i].result);
                        assert_string_equal(getenv("TZ"), "UTC"); /* as it was */
                }
        }
        memset(longest, 'x', sizeof(longest) - 1);
        longest[sizeof(longest) - 1] = '\0';
        assert_int_equal(zone_check(longest), -EINVAL);
}

static void write_text(const char *path, const char *text) {
        _cleanup_(fclose_p) FILE *f = fopen(path, "we");

        assert_non_null(f);
        fputs(text, f);
}

static void test_check_in_tzdir(void **state) {
        const char *tmp = getenv("TMPDIR");
        char folder[PATH_MAX / 4], path[PATH_MAX];

        (void)state;
        snprintf(folder, sizeof(folder), "%s/test-zone.XXXXXX", tmp ? tmp : "/tmp");
        assert_non_null(mkdtemp(folder));
        setenv("TZDIR", folder, 1);
        snprintf(path, sizeof(path), "%s/UTC", folder);
        assert_int_equal(zone_check("UTC"), -ENOENT);
        write_text(path, "TZi");
        assert_int_equal(zone_check("UTC"), -ENOENT);
        write_text(path, "TZif2");
        assert_int_equal(zone_check("UTC"), 0);
        unlink(path);
        assert_int_equal(mkfifo(path, 0600), 0);
        alarm(10); /* a FIFO must not make it wait */
        assert_int_equal(zone_check("UTC"), -ENOENT);
        alarm(0);
        unlink(path);
        rmdir(folder);
        setenv("TZDIR", "", 1);
        assert_int_equal(zone_check("UTC"), 0);
        unsetenv("TZDIR");
}

/* Civil times, ordinary, skipped and repeated; the rules are those of the tz database. */
static const struct {
        const char *zone, *date;
        int hour, minute;
        const char *instant;
} civil_cases[] = {
        {"Asia/Ho_Chi_Minh", "2018-11-12", 7, 30, "2018-11-12T07:30:00+07:00"},
        {"Asia/Ho_Chi_Minh", "2018-11-30", 24, 0, "2018-12-01T00:00:00+07:00"},
        {"Asia/Ho_Chi_Minh", "1975-06-12", 23, 30, "1975-06-12T23:30:00+08:00"}, /* repeated */
        {"Asia/Ho_Chi_Minh", "1975-06-13", 0, 0, "1975-06-13T00:00:00+07:00"},
        {"Europe/Berlin", "2018-03-25", 1, 59, "2018-03-25T01:59:00+01:00"},
        {"Europe/Berlin", "2018-03-25", 2, 0, "2018-03-25T03:00:00+02:00"},
        {"Europe/Berlin", "2018-03-25", 2, 30, "2018-03-25T03:00:00+02:00"},
        {"Europe/Berlin", "2018-03-25", 3, 0, "2018-03-25T03:00:00+02:00"},
        {"Europe/Berlin", "2018-03-25", 3, 1, "2018-03-25T03:01:00+02:00"},
        {"Europe/Berlin", "2018-10-28", 1, 59, "2018-10-28T01:59:00+02:00"},
        {"Europe/Berlin", "2018-10-28", 2, 0, "2018-10-28T02:00:00+02:00"},
        {"Europe/Berlin", "2018-10-28", 2, 59, "2018-10-28T02:59:00+02:00"},
        {"Europe/Berlin", "2018-10-28", 3, 0, "2018-10-28T03:00:00+01:00"},
        {"Europe/Berlin", "2150-03-29", 2, 30,
         "2150-03-29T03:00:00+02:00"}, /* beyond the table, by its rule */
        {"America/New_York", "2018-03-11", 2, 30, "2018-03-11T03:00:00-04:00"},
        {"America/New_York", "2018-11-04", 1, 30, "2018-11-04T01:30:00-04:00"},
        {"America/New_York", "2018-11-04", 2, 0, "2018-11-04T02:00:00-05:00"},
        {"America/New_York", "2018-11-04", 24, 0, "2018-11-05T00:00:00-05:00"},
        {"Australia/Lord_Howe", "2018-10-07", 2, 15, "2018-10-07T02:30:00+11:00"},
        {"Australia/Lord_Howe", "2018-04-01", 1, 45, "2018-04-01T01:45:00+11:00"},
        {"Australia/Lord_Howe", "2018-04-01", 2, 0, "2018-04-01T02:00:00+10:30"},
        {"America/Sao_Paulo", "2018-11-03", 24, 0,
         "2018-11-04T01:00:00-02:00"}, /* midnight is skipped */
        {"America/Sao_Paulo", "2018-11-04", 0, 0, "2018-11-04T01:00:00-02:00"},
        {"Pacific/Apia", "2011-12-29", 23, 59, "2011-12-29T23:59:00-10:00"},
        {"Pacific/Apia", "2011-12-29", 24, 0, "2011-12-31T00:00:00+14:00"},
        {"Pacific/Apia", "2011-12-30", 0, 0, "2011-12-31T00:00:00+14:00"}, /* the day is skipped */
        {"Pacific/Apia", "2011-12-30", 12, 0, "2011-12-31T00:00:00+14:00"},
        {"Pacific/Apia", "2011-12-30", 24, 0, "2011-12-31T00:00:00+14:00"},
        {"Pacific/Apia", "2011-12-31", 0, 1, "2011-12-31T00:01:00+14:00"},
        {"Asia/Kathmandu", "2018-11-12", 7, 30, "2018-11-12T07:30:00+05:45"},
        {"America/St_Johns", "2018-01-12", 7, 30, "2018-01-12T07:30:00-03:30"},
        {"UTC", "2018-11-12", 7, 30, "2018-11-12T07:30:00+00:00"},
};

static void test_instant(void **state) {
        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(civil_cases); i++) {
                char buf[INSTANT_BUFFER];
                usec_t instant, parsed;
                date_t date;

                assert_int_equal(zone_init(civil_cases[i].zone), 0);
                assert_int_equal(date_parse(civil_cases[i].date, &date), 0);
                instant =
                        zone_instant(date, civil_cases[i].hour * 3600 + civil_cases[i].minute * 60);
                assert_string_equal(zone_format(instant, buf), civil_cases[i].instant);
                assert_int_equal(zone_init("UTC"), 0); /* its offset says all */
                assert_int_equal(zone_parse(civil_cases[i].instant, &parsed), 0);
                assert_true(parsed == instant);
        }
}

static void test_civil(void **state) {
        static const struct {
                const char *zone;
                int64_t second;
                const char *date;
                int of_day, offset;
        } cases[] = {
                {"UTC", 0, "1970-01-01", 0, 0},
                {"UTC", -1, "1969-12-31", 86399, 0},
                {"Asia/Ho_Chi_Minh", 1541982600, "2018-11-12", 27000, 25200},
                {"Europe/Berlin", 1521939599, "2018-03-25", 7199, 3600},
                {"Europe/Berlin", 1521939600, "2018-03-25", 10800, 7200},
                {"Europe/Berlin", 1540688399, "2018-10-28", 10799, 7200},
                {"Europe/Berlin", 1540688400, "2018-10-28", 7200, 3600},
                {"Pacific/Apia", 1325239199, "2011-12-29", 86399, -36000},
                {"Pacific/Apia", 1325239200, "2011-12-31", 0, 50400},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char buf[DATE_BUFFER];
                struct civil c;

                assert_int_equal(zone_init(cases[i].zone), 0);
                for (int usec = 0; usec < 1000000; usec += 999999) { /* both ends of the second */
                        c = zone_civil(cases[i].second * USEC_PER_SEC + usec);
                        assert_string_equal(date_format(c.date, buf), cases[i].date);
                        assert_int_equal(c.second, cases[i].of_day);
                        assert_int_equal(c.utc_offset, cases[i].offset);
                }
        }
}

/* Dates that share a place in the cache, and another zone after the first, must not see each other's answers. */
static void test_cache(void **state) {
        date_t summer = date_from_ymd(2018, 7, 1), winter = summer + 2048;

        (void)state;
        assert_int_equal(zone_init("Europe/Berlin"), 0);
        for (date_t day = 0; day < 80000; day += 1024) {
                date_t far = day + 2048 < 80000 ? day + 2048 : day - 2048;

                for (int k = 0; k < 3; k++) {
                        struct civil a = zone_civil(zone_instant(day, 43200)),
                                     b = zone_civil(zone_instant(far, 43200));

                        assert_int_equal(a.date, day);
                        assert_int_equal(a.second, 43200);
                        assert_int_equal(b.date, far);
                }
        }
        for (int k = 0; k < 3; k++) {
                assert_int_equal(zone_civil(zone_instant(summer, 43200)).utc_offset, 7200);
                assert_int_equal(zone_civil(zone_instant(winter, 43200)).utc_offset, 3600);
        }
        assert_int_equal(zone_civil(zone_instant(summer, 0)).utc_offset, 7200);
        assert_int_equal(zone_init("Asia/Ho_Chi_Minh"), 0);
        assert_int_equal(zone_civil(zone_instant(summer, 0)).utc_offset, 25200);
}

static void test_parse(void **state) {
        static const struct {
                const char *text;
                int result;
                int64_t second;
                int usec;
        } cases[] = {
                {"2018-11-12T07:30:00+07:00", 0, 1541982600},
                {"2018-11-12t07:30:00+07:00", 0, 1541982600},
                {"2018-11-12 07:30:00+07:00", 0, 1541982600},
                {"2018-11-12T07:30+07:00", 0, 1541982600},
                {"2018-11-12T00:30:00Z", 0, 1541982600},
                {"2018-11-12T00:30:00z", 0, 1541982600},
                {"2018-11-11T19:00:00-05:30", 0, 1541982600},
                {"2018-11-12T07:30:00.25+07:00", 0, 1541982600, 250000},
                {"2018-11-12T07:30:00.1234567890123456789Z", 0, 1542007800, 123456},
                {"2018-11-12", 0, 1541955600},
                {"2018-11-12 07:30", 0, 1541982600}, /* local */
                {"2018-11-12T07:30", 0, 1541982600},
                {"2018-11-12 07:30:05", 0, 1541982605},
                {"2018-11-12 24:00", 0, 1542042000},
                {"2018-11-12T23:59:59+07:00", 0, 1542041999},
                {"", -EINVAL},
                {"now", -EINVAL},
                {"2018-11-12T", -EINVAL},
                {"2018-11-12Z", -EINVAL}, /* a date has no offset */
                {"2018-11-12+07:00", -EINVAL},
                {"2018-11-12x07:30", -EINVAL},
                {"2018-11-12T7:30", -EINVAL},
                {"2018-11-12T07", -EINVAL},
                {"2018-11-12T07:3", -EINVAL},
                {"2018-11-12T07:30:", -EINVAL},
                {"2018-11-12T07:30:0", -EINVAL},
                {"2018-11-12T07:30:00.", -EINVAL},
                {"2018-11-12T07:30:00+07", -EINVAL},
                {"2018-11-12T07:30:00+0700", -EINVAL},
                {"2018-11-12T07:30:00+07:00 ", -EINVAL},
                {"2018-11-12T07:30:00 +07:00", -EINVAL},
                {"2018-11-12T07:30:00Zx", -EINVAL},
                {"2018-11-12T07:30:00+", -EINVAL},
                {"12/11/2018", -EINVAL},
                {"2018-02-30T07:30:00Z", -ERANGE},
                {"2018-11-12T25:00", -ERANGE},
                {"2018-11-12T24:01", -ERANGE},
                {"2018-11-12T07:60", -ERANGE},
                {"2018-11-12T07:30:60Z", -ERANGE},
                {"2018-11-12T07:30:00+24:00", -ERANGE},
                {"2018-11-12T07:30:00+07:60", -ERANGE},
                {"2018-11-12T24:00:00Z", -ERANGE}, /* RFC 3339, 5.6: hours are 00-23 */
        };

        (void)state;
        assert_int_equal(zone_init("Asia/Ho_Chi_Minh"), 0);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                usec_t instant = 4711;
                int r = zone_parse(cases[i].text, &instant);

                if (r != cases[i].result)
                        fail_msg("'%s': %d", cases[i].text, r);
                if (instant != (r < 0 ? 4711 : cases[i].second * USEC_PER_SEC + cases[i].usec))
                        fail_msg("'%s': %jd", cases[i].text, (intmax_t)instant);
        }
}

static void test_format_extremes(void **state) {
        char buf[INSTANT_BUFFER];

        (void)state;
        assert_int_equal(zone_init("Asia/Ho_Chi_Minh"), 0);
        assert_string_equal(zone_format(USEC_INFINITY, buf), "never");
        assert_string_equal(zone_format(-1, buf), "1970-01-01T07:59:59+08:00");
        assert_int_equal(zone_init("Africa/Monrovia"),
                         0); /* -00:44:30 until 1972; the offset printed has whole minutes */
        assert_string_equal(zone_format(0, buf), "1969-12-31T23:15:00-00:45");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_check),           cmocka_unit_test(test_check_in_tzdir),
                cmocka_unit_test(test_instant),         cmocka_unit_test(test_civil),
                cmocka_unit_test(test_cache),           cmocka_unit_test(test_parse),
                cmocka_unit_test(test_format_extremes),
        };

        if (access("/usr/share/zoneinfo/Europe/Berlin", R_OK) < 0) {
                printf("skipped: no time zones are installed\n");
                return 77;
        }
        return cmocka_run_group_tests(tests, NULL, NULL);
}
