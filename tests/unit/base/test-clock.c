/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"

static void test_realtime(void **state) {
        usec_t before = (usec_t)time(NULL) * USEC_PER_SEC, now = clock_realtime();

        (void)state;
        assert_true(now >= before);
        assert_true(now < before + 60 * USEC_PER_SEC);
}

static void test_monotonic_runs(void **state) {
        usec_t begin = clock_monotonic();
        struct timespec pause = {.tv_nsec = 3000000};

        (void)state;
        nanosleep(&pause, NULL);
        assert_true(clock_monotonic() - begin >= 3000);
        assert_true(clock_monotonic() - begin < 10 * USEC_PER_SEC);
}

static void test_offset(void **state) {
        static const usec_t offsets[] = {0, USEC_PER_DAY, -8 * 365 * USEC_PER_DAY};

        (void)state;
        for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
                struct clock clock = {.offset = offsets[i]};
                usec_t before = clock_realtime(), now = clock_now(&clock), after = clock_realtime();

                assert_true(now - offsets[i] >= before && now - offsets[i] <= after);
        }
}

static void test_add_saturates(void **state) {
        (void)state;
        assert_true(usec_add(1, 2) == 3);
        assert_true(usec_add(USEC_INFINITY, 0) == USEC_INFINITY);
        assert_true(usec_add(USEC_INFINITY, 1) == USEC_INFINITY);
        assert_true(usec_add(USEC_INFINITY - 5, 5) == USEC_INFINITY);
        assert_true(usec_add(USEC_INFINITY - 5, 6) == USEC_INFINITY);
        assert_true(usec_add(USEC_INFINITY - 5, 4) == USEC_INFINITY - 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_realtime),
                cmocka_unit_test(test_monotonic_runs),
                cmocka_unit_test(test_offset),
                cmocka_unit_test(test_add_saturates),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
