/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/outbox-group.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "service/outbox-internal.h"

#define NOW 0
#define SHORT (1 * USEC_PER_MSEC)
#define LONG (20 * USEC_PER_MSEC)

/* Of four senders: half of what they may have makes a group. */
#define FULL (4 * SENDER_DEPTH / 2)

static void test_wait(void **state) {
        static const struct {
                struct outbox_group group;
                usec_t wait;
        } table[] = {
                /* Everybody has something to do: answers wait for a group, but not for ever. */
                {{.n_senders = 4, .n_busy = 4, .n_answers = 1}, LONG},
                {{.n_senders = 4, .n_busy = 4, .n_answers = FULL - 1}, LONG},
                {{.n_senders = 4, .n_busy = 4, .n_answers = FULL}, NOW},
                {{.n_senders = 4, .n_busy = 4, .n_answers = FULL + 1}, NOW},
                /* Somebody has not: what others are about to say is waited for. */
                {{.n_senders = 4, .n_busy = 3, .n_answers = 1}, SHORT},
                {{.n_senders = 4, .n_busy = 1, .n_answers = FULL - 1}, SHORT},
                {{.n_senders = 4, .n_busy = 1, .n_answers = FULL}, NOW},
                /* Nobody has: nobody is waited for. */
                {{.n_senders = 4, .n_busy = 0, .n_answers = 1}, NOW},
                {{.n_senders = 1, .n_busy = 0, .n_answers = 1}, NOW},
                /* The last words of a service. */
                {{.n_senders = 4, .n_busy = 4, .n_answers = 1, .stopping = true}, NOW},
                /* One connection alone has no group to wait for. */
                {{.n_senders = 1, .n_busy = 1, .n_answers = 1}, NOW},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                if (outbox_group_wait(&table[i].group) != table[i].wait)
                        fail_msg("case %zu: %jd µs", i,
                                 (intmax_t)outbox_group_wait(&table[i].group));
}

/* A group never waits for more than the senders can have in hand beside it, so that it fills while they work. */
static void test_group_fills(void **state) {
        (void)state;
        for (size_t n = 1; n <= 64; n++) {
                size_t answers = 1;

                while (outbox_group_wait(&(struct outbox_group){
                               .n_senders = n, .n_busy = n, .n_answers = answers}) > 0)
                        answers++;
                assert_in_range(answers, 1, n * (SENDER_DEPTH - 1));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_wait),
                cmocka_unit_test(test_group_fills),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
