/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"

struct pair {
        struct framer *a, *b;
        int raw; /* b's descriptor before a framer takes it, or -1 */
};

/* a is a framer; the other end is a framer too, or a bare descriptor to write anything into. */
static struct pair make_pair(bool raw) {
        struct pair p = {.raw = -1};
        int fds[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
        p.a = framer_new(fds[0]);
        assert_non_null(p.a);
        if (raw)
                p.raw = fds[1];
        else {
                p.b = framer_new(fds[1]);
                assert_non_null(p.b);
        }
        return p;
}

static void end_pair(struct pair *p) {
        framer_free(p->a);
        framer_free(p->b);
        if (p->raw >= 0)
                close(p->raw);
}

static void give(const struct pair *p, const void *data, size_t size) {
        assert_int_equal(write(p->raw, data, size), size);
        assert_int_equal(framer_fill(p->a), 1);
}

static void test_round_trip(void **state) {
        (void)state;
        struct pair p = make_pair(false);
        struct message m = {};
        json_t *json = json_pack("{s:s, s:i}", "verb", "send", "id", 7);
        static const char body[] = "bytes\0with a NUL";

        assert_int_equal(framer_send(p.a, json, body, sizeof(body)), 0);
        assert_null(json_object_get(json, "body_bytes")); /* the caller's object is left alone */
        assert_int_equal(framer_send(p.a, json, NULL, 0), 0);
        assert_int_equal(framer_flush(p.a), 1);
        assert_int_equal(framer_receive(p.b, 1000000, &m), 0);
        assert_int_equal(json_integer_value(json_object_get(m.json, "id")), 7);
        assert_int_equal(json_integer_value(json_object_get(m.json, "body_bytes")), sizeof(body));
        assert_int_equal(m.body_size, sizeof(body));
        assert_memory_equal(m.body, body, sizeof(body));
        message_done(&m);
        assert_int_equal(framer_receive(p.b, 1000000, &m), 0);
        assert_null(m.body);
        assert_true(json_equal(m.json, json));
        message_done(&m);
        assert_int_equal(framer_receive(p.b, 1000, &m), -ETIMEDOUT);

        assert_int_equal(framer_send_text(p.a, "{\"id\":8,\"body_bytes\":3}", body, 3), 0);
        assert_int_equal(framer_send_text(p.a, "{\"id\":9}", NULL, 0), 0);
        assert_int_equal(framer_flush(p.a), 1);
        assert_int_equal(framer_receive(p.b, 1000000, &m), 0);
        assert_int_equal(json_integer_value(json_object_get(m.json, "id")), 8);
        assert_int_equal(m.body_size, 3);
        assert_memory_equal(m.body, body, 3);
        message_done(&m);
        assert_int_equal(framer_receive(p.b, 1000000, &m), 0);
        assert_int_equal(json_integer_value(json_object_get(m.json, "id")), 9);
        message_done(&m);
        json_decref(json);
        end_pair(&p);
}

/* However the bytes arrive, one by one, the messages are the same. */
static void test_byte_by_byte(void **state) {
        (void)state;
        static const char wire[] = "{\"a\":1,\"body_bytes\":3}\0xyz{\"b\":\"}\"}";
        struct pair p = make_pair(true);
        int found = 0;

        for (size_t i = 0; i < sizeof(wire); i++) {
                struct message m = {};

                give(&p, wire + i, 1);
                if (framer_next(p.a, &m) != 1)
                        continue;
                found++;
                if (found == 1) {
                        assert_int_equal(m.body_size, 3);
                        assert_string_equal(m.body, "xyz");
                        assert_int_equal(i, 25);
                } else
                        assert_string_equal(json_string_value(json_object_get(m.json, "b")), "}");
                message_done(&m);
        }
        assert_int_equal(found, 2);
        end_pair(&p);
}

static void test_bad(void **state) {
        (void)state;
        static const struct {
                const char *text;
                int expect;
        } cases[] = {
                {"", -EBADMSG},
                {"[]", -EBADMSG},
                {"1", -EBADMSG},
                {"{\"a\":1", -EBADMSG},
                {"{\"a\":1}{}", -EBADMSG},
                {"{\"a\":1,\"a\":2}", -EBADMSG},
                {"{\"a\":\"\xff\"}", -EBADMSG},
                {"{\"a\":\"\\u0000\"}", -EBADMSG},
                {"{\"a\":1e999}", -EBADMSG},
                {"{\"a\":99999999999999999999}", -EBADMSG},
                {"{\"body_bytes\":-1}", -EBADMSG},
                {"{\"body_bytes\":\"3\"}", -EBADMSG},
                {"{\"body_bytes\":67108865}", -EBADMSG},
                {"{\"a\":\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[\"}", 1},
                {"{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}", 1},
                {"{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}",
                 -EBADMSG},
                {"{}", 1},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct pair p = make_pair(true);
                struct message m = {};

                give(&p, cases[i].text, strlen(cases[i].text) + 1);
                if (framer_next(p.a, &m) != cases[i].expect)
                        fail_msg("case %zu: %s", i, cases[i].text);
                message_done(&m);
                if (cases[i].expect < 0) { /* and nothing that follows is believed */
                        give(&p, "{}", 3);
                        assert_int_equal(framer_next(p.a, &m), -EBADMSG);
                }
                end_pair(&p);
        }
}

static void test_limits(void **state) {
        (void)state;
        struct pair p = make_pair(true);
        struct message m = {};
        char text[200];

        framer_set_limits(p.a, 100, 10);
        give(&p, "{\"body_bytes\":10}\0abcdefghij", 28);
        assert_int_equal(framer_next(p.a, &m), 1);
        message_done(&m);
        memset(text, ' ', sizeof(text));
        give(&p, text, 100);
        assert_int_equal(framer_next(p.a, &m), 0);
        give(&p, text, 1);
        assert_int_equal(framer_next(p.a, &m), -EBADMSG);
        end_pair(&p);

        p = make_pair(true);
        framer_set_limits(p.a, 100, 10);
        give(&p, "{\"body_bytes\":11}", 18);
        assert_int_equal(framer_next(p.a, &m), -EBADMSG);
        give(&p, text, sizeof(text));
        assert_int_equal(write(p.raw, text, 1), 1);
        assert_int_equal(framer_fill(p.a), -ENOBUFS); /* a reader that does not take them */
        end_pair(&p);
}

static void test_end_of_file(void **state) {
        (void)state;
        struct pair p = make_pair(true);
        struct message m = {};

        assert_int_equal(framer_fill(p.a), 0);
        give(&p, "{}\0{", 4);
        close(steal_fd(&p.raw));
        assert_int_equal(framer_fill(p.a), -EPIPE);
        assert_int_equal(framer_next(p.a, &m), 1);
        message_done(&m);
        assert_int_equal(framer_next(p.a, &m), 0);
        assert_int_equal(framer_receive(p.a, -1, &m), -EPIPE);
        end_pair(&p);
}

/* Writing to a peer that is gone is an error number, not a signal. */
static void test_no_signal(void **state) {
        (void)state;
        struct pair p = make_pair(true);
        json_t *json = json_object();

        close(steal_fd(&p.raw));
        assert_int_equal(framer_send(p.a, json, NULL, 0), 0);
        assert_int_equal(framer_flush(p.a), -EPIPE);
        json_decref(json);
        end_pair(&p);
}

static void test_caps_of_sending(void **state) {
        (void)state;
        struct pair p = make_pair(false);
        json_t *json = json_pack("{s:i}", "body_bytes", 4), *big;
        char *text = malloc(FRAME_MAX_JSON + 1), *body = calloc(1, FRAME_MAX_BODY);
        size_t queued;
        int n = 0;

        assert_non_null(text);
        assert_non_null(body);
        assert_int_equal(framer_send(p.a, json, "abc", 3), -EINVAL);
        assert_int_equal(framer_send(p.a, json, NULL, 0), -EINVAL);
        assert_int_equal(framer_send(p.a, json, "abcd", 4), 0);
        queued = framer_queued(p.a);
        assert_int_equal(queued, sizeof("{\"body_bytes\":4}") + 4);

        memset(text, 'x', FRAME_MAX_JSON);
        text[FRAME_MAX_JSON] = 0;
        big = json_pack("{s:s}", "a", text);
        assert_int_equal(framer_send(p.a, big, NULL, 0), -EMSGSIZE);
        assert_int_equal(framer_queued(p.a), queued);
        assert_int_equal(framer_send_text(p.a, "{}", body, FRAME_MAX_BODY + 1), -EMSGSIZE);
        assert_int_equal(framer_queued(p.a), queued);
        json_decref(json);

        json = json_object();
        while (n < 5 && framer_send(p.a, json, body, FRAME_MAX_BODY) == 0)
                n++;
        assert_int_equal(n, 3); /* and the fourth would be over 256 MiB */
        assert_int_equal(framer_send(p.a, json, body, FRAME_MAX_BODY), -ENOBUFS);
        json_decref(big);
        json_decref(json);
        free(text);
        free(body);
        end_pair(&p);
}

/* Much more than a socket holds, through both blocking forms, in two processes. */
static void test_large(void **state) {
        (void)state;
        static const size_t size = 20u << 20;
        struct pair p = make_pair(false);
        char *body = malloc(size);
        struct message m = {};
        json_t *json = json_object();
        int status;
        pid_t pid;

        assert_non_null(body);
        for (size_t i = 0; i < size; i++)
                body[i] = (char)(i * 31 >> 3);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                p.b = framer_free(p.b);
                for (int i = 0; i < 3; i++)
                        if (framer_send_all(p.a, json, body, size, 10000000) < 0)
                                _exit(1);
                _exit(0);
        }
        p.a = framer_free(p.a);
        for (int i = 0; i < 3; i++) {
                assert_int_equal(framer_receive(p.b, 10000000, &m), 0);
                assert_int_equal(m.body_size, size);
                assert_memory_equal(m.body, body, size);
                message_done(&m);
        }
        assert_int_equal(framer_receive(p.b, 10000000, &m), -EPIPE);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        json_decref(json);
        free(body);
        end_pair(&p);
}

static void test_send_all_times_out(void **state) {
        (void)state;
        struct pair p = make_pair(false);
        char *body = calloc(1, 8u << 20);
        json_t *json = json_object();

        assert_int_equal(framer_send_all(p.a, json, body, 8u << 20, 50000), -ETIMEDOUT);
        json_decref(json);
        free(body);
        end_pair(&p);
}

static void test_names(void **state) {
        (void)state;
        static const struct {
                const char *bytes, *json;
        } cases[] = {
                {"", ""},
                {"1.2/quý I/Báo cáo.pdf", "1.2/quý I/Báo cáo.pdf"},
                {"a\nb", "\xEF\xBF\xBD"
                         "610a62"},
                {"\x7f", "\xEF\xBF\xBD"
                         "7f"},
                {"\xC2\x9B", "\xEF\xBF\xBD"
                             "c29b"},
                {"\xC2\xA0", "\xC2\xA0"},
                {"b\xE1o c\xE1o.pdf", "\xEF\xBF\xBD"
                                      "62e16f2063e16f2e706466"},
                {"\xEF\xBF\xBD"
                 "61",
                 "\xEF\xBF\xBD"
                 "efbfbd3631"}, /* what looks like the other form */
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                json_t *json = frame_name(cases[i].bytes);
                char *back = frame_name_decode(json);

                assert_non_null(json);
                assert_string_equal(json_string_value(json), cases[i].json);
                assert_non_null(back);
                assert_string_equal(back, cases[i].bytes);
                json_decref(json);
                free(back);
        }
}

static void test_no_names(void **state) {
        (void)state;
        static const char *const cases[] = {"\xEF\xBF\xBD"
                                            "6",
                                            "\xEF\xBF\xBD"
                                            "zz",
                                            "\xEF\xBF\xBD"
                                            "610062"};
        json_t *json;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                json = json_string(cases[i]);
                assert_null(frame_name_decode(json));
                json_decref(json);
        }
        json = json_stringn("a\0b", 3);
        assert_null(frame_name_decode(json));
        json_decref(json);
        json = json_integer(1);
        assert_null(frame_name_decode(json));
        json_decref(json);
        assert_null(frame_name_decode(NULL));
}

static void test_new_takes_over(void **state) {
        (void)state;
        int fds[2];
        struct framer *f;

        assert_null(framer_new(-1));
        assert_int_equal(pipe(fds), 0);
        f = framer_new(fds[0]);
        assert_non_null(f);
        assert_int_equal(framer_fd(f), fds[0]);
        assert_true(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
        assert_true(fcntl(fds[0], F_GETFD) & FD_CLOEXEC);
        framer_free(f);
        assert_int_equal(fcntl(fds[0], F_GETFD), -1);
        close(fds[1]);
        assert_null(framer_free(NULL));
        message_done(NULL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_round_trip),
                cmocka_unit_test(test_byte_by_byte),
                cmocka_unit_test(test_bad),
                cmocka_unit_test(test_limits),
                cmocka_unit_test(test_end_of_file),
                cmocka_unit_test(test_no_signal),
                cmocka_unit_test(test_caps_of_sending),
                cmocka_unit_test(test_large),
                cmocka_unit_test(test_send_all_times_out),
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_no_names),
                cmocka_unit_test(test_new_takes_over),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
