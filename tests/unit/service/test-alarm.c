/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/alarm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define HOUR USEC_PER_HOUR
#define DAY USEC_PER_DAY

static char told[256];

static int refusal; /* what telling returns */

static int on_tell(void *userdata, const char *text) {
        (void)userdata;
        strcat(strcat(told, text), ";");
        return refusal;
}

/* One look: root trouble since @root (0: none), mail trouble since @mail. */
static usec_t look(struct alarms *a, usec_t now, usec_t root, usec_t mail) {
        told[0] = '\0';
        alarms_begin(a);
        if (root)
                assert_int_equal(
                        alarms_report(a, "root", "root is gone", root, 15 * USEC_PER_MINUTE), 0);
        if (mail)
                assert_int_equal(alarms_report(a, "mail", "mail fails", mail, HOUR), 0);
        return alarms_end(a, now, on_tell, NULL);
}

static void test_told_once_then_rarely(void **state) {
        struct alarms a = {};
        usec_t t = 1000 * DAY;

        (void)state;
        assert_int_equal(look(&a, t, 0, 0), USEC_INFINITY);

        /* A hiccup is told to nobody. */
        assert_int_equal(look(&a, t, t, 0), t + 15 * USEC_PER_MINUTE);
        assert_string_equal(told, "");
        assert_int_equal(look(&a, t + USEC_PER_MINUTE, 0, 0), USEC_INFINITY);

        /* One that lasts: when its time is over, a day later, two days later, four. */
        look(&a, t, t, 0);
        assert_int_equal(look(&a, t + HOUR, t, 0), t + HOUR + DAY);
        assert_string_equal(told, "root is gone;");
        look(&a, t + 2 * HOUR, t, 0);
        assert_string_equal(told, "");
        assert_int_equal(look(&a, t + HOUR + DAY, t, 0), t + HOUR + 3 * DAY);
        assert_string_equal(told, "root is gone;");
        assert_int_equal(look(&a, t + HOUR + 3 * DAY, t, 0), t + HOUR + 7 * DAY);
        assert_string_equal(told, "root is gone;");

        /* Another cause has a time of its own; the first being over does not touch it. */
        assert_int_equal(look(&a, t + 4 * DAY, t, t + 4 * DAY), t + 4 * DAY + HOUR);
        assert_int_equal(look(&a, t + 4 * DAY + HOUR, 0, t + 4 * DAY), t + 5 * DAY + HOUR);
        assert_string_equal(told, "mail fails;");

        /* It begins anew when it comes back. */
        look(&a, t + 5 * DAY, t + 5 * DAY - HOUR, 0);
        assert_string_equal(told, "root is gone;");
        alarms_done(&a);
}

/* On a full disk nothing can be told: it is not taken as told. */
static void test_not_told_is_tried_again(void **state) {
        struct alarms a = {};
        usec_t t = 1000 * DAY;

        (void)state;
        refusal = -28;
        assert_int_equal(look(&a, t, t - HOUR, 0), t + ALARM_RETRY_USEC);
        assert_int_equal(look(&a, t + ALARM_RETRY_USEC, t - HOUR, 0), t + 2 * ALARM_RETRY_USEC);
        assert_string_equal(told, "root is gone;");
        refusal = 0;
        assert_int_equal(look(&a, t + HOUR, t - HOUR, 0), t + HOUR + DAY);
        assert_string_equal(told, "root is gone;");
        alarms_done(&a);
}

int main(void) {
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_told_once_then_rarely),
                                           cmocka_unit_test(test_not_told_is_tried_again)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
