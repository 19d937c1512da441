/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"

static void test_u64(void **state) {
        static const struct {
                const char *text;
                int result;
                uint64_t value;
        } cases[] = {
                {"0", 0, 0},
                {"42", 0, 42},
                {"007", 0, 7},
                {"18446744073709551615", 0, UINT64_MAX},
                {"18446744073709551616", -ERANGE},
                {"99999999999999999999999", -ERANGE},
                {"99999999999999999999999x", -EINVAL},
                {"", -EINVAL},
                {"-1", -EINVAL},
                {"+1", -EINVAL},
                {" 1", -EINVAL},
                {"1 ", -EINVAL},
                {"0x10", -EINVAL},
                {"1.0", -EINVAL},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                uint64_t value = 4711;

                assert_int_equal(parse_u64(cases[i].text, &value), cases[i].result);
                assert_true(value == (cases[i].result ? 4711 : cases[i].value));
        }
}

static void test_i32(void **state) {
        static const struct {
                const char *text;
                int result;
                int32_t value;
        } cases[] = {
                {"0", 0, 0},
                {"-0", 0, 0},
                {"-15", 0, -15},
                {"+5", 0, 5},
                {"2147483647", 0, INT32_MAX},
                {"2147483648", -ERANGE},
                {"-2147483648", 0, INT32_MIN},
                {"-2147483649", -ERANGE},
                {"18446744073709551616", -ERANGE},
                {"", -EINVAL},
                {"-", -EINVAL},
                {"--1", -EINVAL},
                {"- 1", -EINVAL},
                {"5wd", -EINVAL},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                int32_t value = 4711;

                assert_int_equal(parse_i32(cases[i].text, &value), cases[i].result);
                assert_int_equal(value, cases[i].result ? 4711 : cases[i].value);
        }
}

static void test_size(void **state) {
        static const struct {
                const char *text;
                int result;
                uint64_t bytes;
        } cases[] = {
                {"0", 0, 0},
                {"1000", 0, 1000},
                {"10K", 0, 10240},
                {"2M", 0, 2097152},
                {"1G", 0, 1073741824},
                {"3T", 0, UINT64_C(3) << 40},
                {"16777215T", 0, UINT64_C(16777215) << 40},
                {"16777216T", -ERANGE},
                {"18446744073709551616", -ERANGE},
                {"", -EINVAL},
                {"K", -EINVAL},
                {"10k", -EINVAL},
                {"10KB", -EINVAL},
                {"10 K", -EINVAL},
                {"1.5M", -EINVAL},
                {"-1K", -EINVAL},
                {"18446744073709551616X", -EINVAL},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                uint64_t bytes = 4711;

                assert_int_equal(parse_size(cases[i].text, &bytes), cases[i].result);
                assert_true(bytes == (cases[i].result ? 4711 : cases[i].bytes));
        }
}

static void test_duration(void **state) {
        static const struct {
                const char *text;
                int result;
                int64_t usec;
        } cases[] = {
                {"0", 0, 0},
                {"0s", 0, 0},
                {"500ms", 0, 500 * USEC_PER_MSEC},
                {"5s", 0, 5 * USEC_PER_SEC},
                {"10m", 0, 10 * USEC_PER_MINUTE},
                {"1h", 0, USEC_PER_HOUR},
                {"5d", 0, 5 * USEC_PER_DAY},
                {"2w", 0, 14 * USEC_PER_DAY},
                {"1h30m", 0, 90 * USEC_PER_MINUTE},
                {"1m30s500ms", 0, 90500 * USEC_PER_MSEC},
                {"106751991d", 0, 106751991 * USEC_PER_DAY},
                {"106751992d", -ERANGE},
                {"106751991d24h", -ERANGE},
                {"99999999999999999999s", -ERANGE},
                {"99999999999999999999q", -EINVAL},
                {"", -EINVAL},
                {"5", -EINVAL},
                {"00", -EINVAL},
                {"s", -EINVAL},
                {"5 s", -EINVAL},
                {"5S", -EINVAL},
                {"1h30", -EINVAL},
                {"1h 30m", -EINVAL},
                {"-5s", -EINVAL},
                {"1.5h", -EINVAL},
                {"5sec", -EINVAL},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                int64_t usec = 4711;

                assert_int_equal(parse_duration(cases[i].text, &usec), cases[i].result);
                assert_true(usec == (cases[i].result ? 4711 : cases[i].usec));
        }
}

static void test_format_size(void **state) {
        static const struct {
                uint64_t bytes;
                char decimal;
                const char *text;
        } cases[] = {
                {0, '.', "0 B"},
                {1023, '.', "1023 B"},
                {1024, '.', "1.0 KB"},
                {1536, ',', "1,5 KB"},
                {1572864, '.', "1.5 MB"},
                {1048524, '.', "1023.9 KB"},
                {1048525, '.', "1.0 MB"}, /* 1023.95 KB, which would read "1024.0 KB" */
                {1048576, '.', "1.0 MB"},
                {UINT64_C(5) << 40, '.', "5.0 TB"},
                {UINT64_MAX, '.', "16.0 EB"},
        };
        char buf[32];

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_string_equal(format_size(cases[i].bytes, cases[i].decimal, buf, sizeof(buf)),
                                    cases[i].text);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_u64),         cmocka_unit_test(test_i32),
                cmocka_unit_test(test_size),        cmocka_unit_test(test_duration),
                cmocka_unit_test(test_format_size),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
