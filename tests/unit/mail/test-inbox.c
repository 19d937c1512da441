/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mail/inbox.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct ends {
        struct framer *decider, *peer;
        struct inbox in;
};

static int set_up(void **state) {
        struct ends *e = calloc(1, sizeof(*e));
        int fds[2];

        if (!e || socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0)
                return -1;
        e->decider = framer_new(fds[0]);
        e->peer = framer_new(fds[1]);
        *state = e;
        return inbox_init(&e->in, e->peer);
}

static int tear_down(void **state) {
        struct ends *e = *state;

        inbox_done(&e->in);
        framer_free(e->decider);
        framer_free(e->peer);
        free(e);
        return 0;
}

static void say(struct ends *e, const char *verb, int id) {
        json_t *json = json_pack("{s:s, s:i}", "verb", verb, "id", id);

        assert_int_equal(framer_send_all(e->decider, json, NULL, 0, 10 * USEC_PER_SEC), 0);
        json_decref(json);
}

/* @id: of the message that has to come; @aborted: is it to be given up at once? */
static void expect_message(struct ends *e, int id, bool aborted) {
        struct message m = {};

        assert_int_equal(inbox_wait(&e->in, 10 * USEC_PER_SEC, &m), 1);
        assert_int_equal(json_integer_value(json_object_get(m.json, "id")), id);
        assert_int_equal(inbox_unwanted(&e->in), aborted);
        message_done(&m);
}

static void answer(struct ends *e) {
        assert_int_equal(inbox_answer(&e->in, strdup("{\"reply\":1}")), 0);
}

static void poll_now(struct ends *e) {
        e->in.polled_at = 0;
        inbox_poll(&e->in);
}

static void test_in_turn(void **state) {
        struct ends *e = *state;
        struct message m;

        assert_int_equal(inbox_wait(&e->in, 1000, &m), 0);
        say(e, "send", 1);
        say(e, "send", 2); /* both before the first is taken */
        expect_message(e, 1, false);
        poll_now(e);
        assert_false(inbox_unwanted(&e->in));
        answer(e);
        expect_message(e, 2, false);
        say(e, "send", 3);
        poll_now(e);
        assert_false(e->in.stopped);
        answer(e);
        expect_message(e, 3, false);
}

static void test_one_too_many(void **state) {
        struct ends *e = *state;

        say(e, "send", 1);
        expect_message(e, 1, false);
        say(e, "send", 2);
        say(e, "send", 3);
        poll_now(e);
        assert_false(e->in.broken);
        say(e, "send", 4);
        poll_now(e);
        assert_true(e->in.broken);
        assert_true(inbox_unwanted(&e->in));
}

static void test_abort(void **state) {
        struct ends *e = *state;

        say(e, "abort", 0); /* of nothing */
        say(e, "send", 1);
        expect_message(e, 1, false);
        say(e, "send", 2);
        say(e, "abort", 0);
        assert_false(inbox_unwanted(&e->in));
        poll_now(e);
        assert_true(inbox_unwanted(&e->in));
        answer(e);
        expect_message(e, 2, true);
        say(e, "send", 3); /* after the abort: wanted */
        answer(e);
        expect_message(e, 3, false);
}

static void test_hang_up(void **state) {
        struct ends *e = *state;
        struct message m;

        say(e, "send", 1);
        expect_message(e, 1, false);
        e->decider = framer_free(e->decider);
        poll_now(e);
        assert_true(inbox_unwanted(&e->in));
        assert_int_equal(inbox_answer(&e->in, strdup("{}")), -EPIPE);
        assert_int_equal(inbox_wait(&e->in, -1, &m), -EPIPE);
        assert_false(e->in.broken);
}

static void test_terminate(void **state) {
        struct ends *e = *state;
        struct message m;

        say(e, "send", 1);
        say(e, "send", 2);
        expect_message(e, 1, false);
        raise(SIGTERM);
        poll_now(e);
        assert_true(inbox_unwanted(&e->in));
        answer(e);
        expect_message(e, 2, true); /* so that it is answered */
        answer(e);
        assert_int_equal(inbox_wait(&e->in, -1, &m), -EPIPE);
}

static void test_alive(void **state) {
        struct ends *e = *state;
        struct message m = {};

        say(e, "send", 1);
        expect_message(e, 1, false);
        poll_now(e);
        assert_int_equal(framer_receive(e->decider, 1000, &m), -ETIMEDOUT);
        e->in.alive_at -= INBOX_ALIVE_USEC;
        poll_now(e);
        poll_now(e);
        assert_int_equal(framer_receive(e->decider, 10 * USEC_PER_SEC, &m), 0);
        assert_string_equal(json_string_value(json_object_get(m.json, "event")), "alive");
        message_done(&m);
        assert_int_equal(framer_receive(e->decider, 1000, &m), -ETIMEDOUT);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_in_turn, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_one_too_many, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_abort, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_hang_up, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_terminate, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_alive, set_up, tear_down),
        };

        signal(SIGPIPE, SIG_IGN);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
