/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/mail-servers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log.h"

#define MINUTE USEC_PER_MINUTE

static const struct mail_server servers[] = {{.url = "smtps://a.example"},
                                             {.url = "smtps://b.example"}};
static const struct model model = {.mail = {.servers = servers, .n_servers = 2}};

static void test_order_and_back_off(void **state) {
        struct mail_servers s;
        usec_t until = 0, now = 1000 * MINUTE;

        (void)state;
        assert_int_equal(mail_servers_init(&s, &model), 0);
        assert_int_equal(mail_servers_choose(&s, now, &until), 0);

        /* The first is down: the second, until the first has had its time. */
        mail_servers_heard(&s, 0, "no route", now);
        assert_int_equal(mail_servers_choose(&s, now, &until), 1);
        assert_int_equal(mail_servers_choose(&s, now + MINUTE, &until), 0);

        /* Both are down: nobody, and the nearer of the two instants. */
        mail_servers_heard(&s, 1, "refused", now);
        assert_int_equal(mail_servers_choose(&s, now, &until), SIZE_MAX);
        assert_true(until > now && until <= now + MINUTE);

        /* Every failure waits longer, up to a quarter of an hour and its jitter. */
        for (int i = 0; i < 30; i++) {
                now += 20 * MINUTE;
                mail_servers_heard(&s, 0, "no route", now);
        }
        mail_servers_heard(&s, 1, "refused", now);
        assert_int_equal(mail_servers_choose(&s, now, &until), SIZE_MAX);
        mail_servers_heard(&s, 1, NULL, now);
        assert_int_equal(mail_servers_choose(&s, now + 10 * MINUTE, &until), 1);
        assert_int_equal(mail_servers_choose(&s, now + 19 * MINUTE, &until), 0);

        /* One answer, and it is as good as new. */
        mail_servers_heard(&s, 0, NULL, now);
        assert_int_equal(mail_servers_choose(&s, now, &until), 0);
        assert_null(s.items[0].text);
        mail_servers_heard(&s, 0, "no route", now);
        assert_int_equal(mail_servers_choose(&s, now + MINUTE, &until), 0);
        mail_servers_done(&s);
}

static void test_many_senders_one_trouble(void **state) {
        struct mail_servers s;
        usec_t until = 0, now = 1000 * MINUTE;

        (void)state;
        assert_int_equal(mail_servers_init(&s, &model), 0);
        for (int i = 0; i < 64; i++)
                mail_servers_heard(&s, 0, "refused", now + i);
        assert_int_equal(mail_servers_choose(&s, now + MINUTE, &until), 0);

        /* Asked for by a person: at once, but down until it answers. */
        mail_servers_heard(&s, 1, "refused", now);
        mail_servers_try_all(&s, now);
        assert_int_equal(mail_servers_choose(&s, now, &until), 0);
        assert_int_not_equal(s.items[0].down_until, 0);
        mail_servers_done(&s);
}

static void test_jitter_stays_near(void **state) {
        usec_t least = USEC_INFINITY, most = 0;

        (void)state;
        for (int i = 0; i < 1000; i++) {
                usec_t t = jitter(100 * MINUTE);

                assert_in_range(t, 80 * MINUTE, 120 * MINUTE);
                least = t < least ? t : least;
                most = t > most ? t : most;
        }
        assert_true(most - least > 20 * MINUTE);
}

static void test_back_off_doubles(void **state) {
        (void)state;
        assert_int_equal(back_off(MINUTE, 60 * MINUTE, 0), MINUTE);
        assert_int_equal(back_off(MINUTE, 60 * MINUTE, 3), 8 * MINUTE);
        assert_int_equal(back_off(MINUTE, 60 * MINUTE, 6), 60 * MINUTE);
        assert_int_equal(back_off(MINUTE, 60 * MINUTE, 4000000000u), 60 * MINUTE);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_order_and_back_off),
                cmocka_unit_test(test_many_senders_one_trouble),
                cmocka_unit_test(test_jitter_stays_near),
                cmocka_unit_test(test_back_off_doubles),
        };

        log_set_max_level(LOG_CRIT);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
