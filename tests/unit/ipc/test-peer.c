/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ipc/worker.h"

/* What the callbacks saw, and what they are to do. */
struct seen {
        sd_event *event;
        struct peer *peer;
        int n_up, n_down, n_messages;
        char why[256];
        json_t *last;         /* owned */
        const char *on_up_do; /* sent as soon as it is up */
        bool free_in_message, free_in_down, free_in_up, restart_in_message;
};

static void do_send(struct peer *p, const char *what) {
        json_t *json = json_pack("{s:s}", "do", what);

        assert_int_equal(peer_send(p, json, NULL, 0), 0);
        json_decref(json);
}

static void on_up(struct peer *p, void *userdata) {
        struct seen *s = userdata;

        s->n_up++;
        assert_int_equal(peer_state(p), PEER_UP);
        if (s->free_in_up)
                s->peer = peer_free(p);
        else if (s->on_up_do)
                do_send(p, s->on_up_do);
}

static void on_message(struct peer *p, struct message *m, void *userdata) {
        struct seen *s = userdata;

        s->n_messages++;
        json_decref(s->last);
        s->last = steal_ptr(m->json);
        if (s->free_in_message)
                s->peer = peer_free(p);
        if (s->restart_in_message) {
                s->restart_in_message = false;
                peer_restart(p, "the test says so");
        }
}

static void on_down(struct peer *p, const char *why, void *userdata) {
        struct seen *s = userdata;

        s->n_down++;
        snprintf(s->why, sizeof(s->why), "%s", why);
        if (s->free_in_down)
                s->peer = peer_free(p);
        else
                assert_int_equal(peer_state(p), PEER_DOWN);
}

#define PATIENCE (30 * USEC_PER_SEC) /* a loaded machine is slow, */
#define SILENCE (2 * USEC_PER_SEC)   /* and a worker may have to wait for its turn */

static const struct peer_callbacks callbacks = {on_up, on_message, on_down};
static const struct peer_config spawn_it = {
        .name = "test",
        .program = "test-ipc-worker",
        .executable = TEST_WORKER,
        .environment = "CREDENTIALS_DIRECTORY=/ours",
        .silence_usec = SILENCE,
        .retry_usec = 20 * USEC_PER_MSEC,
};

static struct seen *start(const struct peer_config *config) {
        struct seen *s = calloc(1, sizeof(*s));

        assert_non_null(s);
        assert_int_equal(sd_event_new(&s->event), 0);
        assert_int_equal(peer_new(s->event, config, &callbacks, s, &s->peer), 0);
        return s;
}

static struct seen *end(struct seen *s) {
        peer_free(s->peer);
        sd_event_unref(s->event);
        json_decref(s->last);
        free(s);
        return NULL;
}

/* Runs the loop until *what is at least @n. */
static void run_until(struct seen *s, const int *what, int n) {
        usec_t limit = clock_monotonic() + PATIENCE;

        while (*what < n) {
                assert_true(clock_monotonic() < limit);
                assert_true(sd_event_run(s->event, 100 * USEC_PER_MSEC) >= 0);
        }
}

static void run_for(struct seen *s, usec_t usec) {
        usec_t limit = clock_monotonic() + usec;

        while (clock_monotonic() < limit)
                assert_true(sd_event_run(s->event, 10 * USEC_PER_MSEC) >= 0);
}

static void assert_no_children(void) {
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
        assert_int_equal(errno, ECHILD);
}

static void test_spawn_and_echo(void **state) {
        (void)state;
        struct seen *s = start(&spawn_it);
        json_t *json = json_pack("{s:s}", "do", "echo");

        assert_int_equal(peer_send(s->peer, json, NULL, 0), -ENOTCONN);
        run_until(s, &s->n_up, 1);
        assert_int_equal(peer_send(s->peer, json, "body", 4), 0);
        run_until(s, &s->n_messages, 1);
        assert_string_equal(json_string_value(json_object_get(s->last, "do")), "echo");
        assert_int_equal(json_integer_value(json_object_get(s->last, "body_bytes")), 4);
        assert_int_equal(s->n_down, 0);
        json_decref(json);
        s->peer = peer_free(s->peer);
        run_for(s, 200 * USEC_PER_MSEC);
        assert_no_children();
        assert_int_equal(s->n_down, 0); /* nobody is told who freed it */
        end(s);
}

static bool has(const json_t *list, const char *start_of) {
        const json_t *item;
        size_t i;

        json_array_foreach(list, i, item) if (strncmp(json_string_value(item), start_of,
                                                      strlen(start_of)) == 0) return true;
        return false;
}

static void test_environment(void **state) {
        (void)state;
        static const char *const gone[] = {"NOTIFY_SOCKET=",
                                           "LISTEN_FDS=",
                                           "LISTEN_PID=",
                                           "LISTEN_FDNAMES=",
                                           "WATCHDOG_USEC=",
                                           "WATCHDOG_PID=",
                                           "CREDENTIALS_DIRECTORY=/theirs"};
        struct seen *s;
        json_t *list;

        for (size_t i = 0; i < ELEMENTSOF(gone); i++) {
                char name[64];

                snprintf(name, sizeof(name), "%.*s", (int)strcspn(gone[i], "="), gone[i]);
                assert_int_equal(setenv(name, "/theirs", 1), 0);
        }
        assert_int_equal(setenv("TEST_KEPT", "yes", 1), 0);
        s = start(&spawn_it);
        s->on_up_do = "environment";
        run_until(s, &s->n_messages, 1);
        list = json_object_get(s->last, "environment");
        for (size_t i = 0; i < ELEMENTSOF(gone); i++) {
                assert_false(has(list, gone[i]));
                unsetenv(gone[i]);
        }
        assert_true(has(list, "CREDENTIALS_DIRECTORY=/ours"));
        assert_true(has(list, "TEST_KEPT=yes"));
        end(s);
}

/* Also what some library opened without CLOEXEC stays here. */
static void test_descriptors(void **state) {
        (void)state;
        int leak = dup(STDERR_FILENO);
        struct seen *s = start(&spawn_it);
        const json_t *item;
        size_t i;

        assert_true(leak > 3 || dup2(STDERR_FILENO, 40) == 40);
        s->on_up_do = "descriptors";
        run_until(s, &s->n_messages, 1);
        json_array_foreach(json_object_get(s->last, "descriptors"), i, item)
                assert_true(json_integer_value(item) <= 3);
        assert_int_equal(i, 4);
        close(leak);
        close(40);
        end(s);
}

static void test_death_is_replaced(void **state) {
        (void)state;
        static const struct {
                const char *what, *why;
        } cases[] = {
                {"exit", "ended with status 3"},
                {"bad", "sent something that is no message"},
                {"old", "ended: it is of another version, or speaks another protocol"},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct seen *s = start(&spawn_it);

                run_until(s, &s->n_up, 1);
                do_send(s->peer, cases[i].what);
                if (strcmp(cases[i].what, "bad") == 0) /* a NUL ends what is no JSON */
                        do_send(s->peer, "echo");
                run_until(s, &s->n_down, 1);
                assert_string_equal(s->why, cases[i].why);
                run_until(s, &s->n_up, 2);
                do_send(s->peer, "echo");
                run_until(s, &s->n_messages, 1);
                end(s);
        }
}

/* What a worker said just before its end is delivered before the end is. */
static void test_last_word(void **state) {
        (void)state;
        struct seen *s = start(&spawn_it);

        s->on_up_do = "last";
        run_until(s, &s->n_down, 3);
        assert_int_equal(s->n_messages, 3);
        assert_string_equal(s->why, "ended with status 0");
        end(s);
}

static void test_silence(void **state) {
        (void)state;
        struct seen *s = start(&spawn_it);
        usec_t begin;

        run_until(s, &s->n_up, 1);
        run_for(s, SILENCE + 200 * USEC_PER_MSEC);
        assert_int_equal(s->n_down, 0); /* nothing is expected: silence is peace */
        peer_expect(s->peer, 2);
        do_send(s->peer, "echo");
        run_until(s, &s->n_messages, 1);
        peer_expect(s->peer, -2);
        run_for(s, SILENCE + 200 * USEC_PER_MSEC);
        assert_int_equal(s->n_down, 0);
        do_send(s->peer, "mute");
        peer_expect(s->peer, 1);
        begin = clock_monotonic();
        run_until(s, &s->n_down, 1);
        assert_true(clock_monotonic() - begin >= SILENCE);
        assert_string_equal(s->why, "said nothing for 2 s");
        run_until(s, &s->n_up, 2);
        run_for(s, SILENCE + 200 * USEC_PER_MSEC);
        assert_int_equal(s->n_down, 1); /* and nothing is expected of the new one */
        end(s);
}

/* Every message of a busy worker puts the end off. */
static void test_words_break_silence(void **state) {
        (void)state;
        struct seen *s = start(&spawn_it);

        run_until(s, &s->n_up, 1);
        peer_expect(s->peer, 1);
        for (int i = 0; i < 12; i++) {
                run_for(s, SILENCE / 10);
                do_send(s->peer, "echo");
        }
        assert_int_equal(s->n_down, 0);
        end(s);
}

/* One that ignores SIGTERM is killed, and there are never two at a time. */
static void test_stubborn(void **state) {
        (void)state;
        struct seen *s = start(&spawn_it);
        pid_t pid;

        s->on_up_do = "stubborn";
        run_until(s, &s->n_messages, 1);
        pid = (pid_t)json_integer_value(json_object_get(s->last, "pid"));
        assert_true(pid > 0);
        s->on_up_do = "pid";
        peer_restart(s->peer, "for the test");
        assert_int_equal(s->n_down, 1);
        assert_string_equal(s->why, "for the test");
        run_for(s, 500 * USEC_PER_MSEC);
        assert_int_equal(kill(pid, 0), 0); /* in its grace still, and not replaced */
        assert_int_equal(s->n_up, 1);
        run_until(s, &s->n_messages, 2);
        assert_int_equal(kill(pid, 0), -1);
        assert_int_not_equal(json_integer_value(json_object_get(s->last, "pid")), pid);
        end(s);
}

/* However the decider ends, its workers end with it. */
static void test_no_orphans(void **state) {
        int fds[2], status;
        pid_t decider, worker = 0;

        (void)state;
        assert_int_equal(pipe(fds), 0);
        decider = fork();
        assert_true(decider >= 0);
        if (decider == 0) {
                struct seen *s = start(&spawn_it);

                s->on_up_do = "stubborn"; /* deaf to SIGTERM, and to the hang-up */
                run_until(s, &s->n_messages, 1);
                worker = (pid_t)json_integer_value(json_object_get(s->last, "pid"));
                if (write(fds[1], &worker, sizeof(worker)) != (ssize_t)sizeof(worker))
                        _exit(1);
                for (;;)
                        pause();
        }
        assert_int_equal(read(fds[0], &worker, sizeof(worker)), sizeof(worker));
        assert_int_equal(kill(worker, 0), 0);
        kill(decider, SIGKILL);
        assert_int_equal(waitpid(decider, &status, 0), decider);
        for (usec_t end = clock_monotonic() + PATIENCE;
             kill(worker, 0) == 0 && clock_monotonic() < end;)
                usleep(10000);
        assert_int_equal(kill(worker, 0), -1);
        close(fds[0]);
        close(fds[1]);
}

static void test_free_in_callbacks(void **state) {
        (void)state;
        struct seen *s = start(&spawn_it);

        s->free_in_up = true;
        run_until(s, &s->n_up, 1);
        run_for(s, 50 * USEC_PER_MSEC);
        end(s);

        s = start(&spawn_it);
        s->on_up_do = "pid";
        s->free_in_message = true;
        run_until(s, &s->n_messages, 1);
        run_for(s, 50 * USEC_PER_MSEC);
        assert_int_equal(s->n_down, 0);
        end(s);

        s = start(&spawn_it);
        s->on_up_do = "exit";
        s->free_in_down = true;
        run_until(s, &s->n_down, 1);
        run_for(s, 50 * USEC_PER_MSEC);
        assert_int_equal(s->n_up, 1);
        end(s);
}

static void test_restart_in_callback(void **state) {
        (void)state;
        struct seen *s = start(&spawn_it);

        s->restart_in_message = true;
        run_until(s, &s->n_up, 1);
        do_send(s->peer, "pid");
        do_send(s->peer, "pid");
        run_until(s, &s->n_up, 2);
        assert_int_equal(s->n_down, 1);
        assert_int_equal(s->n_messages, 1);
        end(s);
}

static void test_wrong_worker(void **state) {
        (void)state;
        struct peer_config config = spawn_it;
        struct seen *s;

        config.environment = "TEST_PROGRAM=evidenced-scan";
        s = start(&config);
        run_until(s, &s->n_down, 1);
        assert_string_equal(s->why, "is evidenced-scan, not test-ipc-worker");
        assert_int_equal(s->n_up, 0);
        end(s);
}

static void test_cannot_start(void **state) {
        (void)state;
        static const struct {
                const char *executable, *why;
        } cases[] = {
                {"/nonexistent/worker",
                 "cannot be started as '/nonexistent/worker': No such file or directory"},
                {SOURCE_DIR "/CMakeLists.txt",
                 "cannot be started as '" SOURCE_DIR "/CMakeLists.txt': Permission denied"},
                {"/bin/false", "ended with status 1"},
                {"/", "could not be executed"},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct peer_config config = spawn_it;
                struct seen *s;

                config.executable = cases[i].executable;
                s = start(&config);
                run_until(s, &s->n_down, 2);
                assert_string_equal(s->why, cases[i].why);
                end(s);
        }
}

/* 20, 40, 80, 160 ms: the fifth attempt cannot come before 300 ms. */
static void test_back_off(void **state) {
        (void)state;
        struct peer_config config = spawn_it;
        usec_t begin = clock_monotonic();
        struct seen *s;

        config.socket = "/nonexistent/socket";
        s = start(&config);
        run_until(s, &s->n_down, 5);
        assert_true(clock_monotonic() - begin >= 300 * USEC_PER_MSEC);
        assert_string_equal(
                s->why, "cannot be reached at '/nonexistent/socket': No such file or directory");
        end(s);
}

static int listen_at(const char *path) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
        assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(listen(fd, 4), 0);
        return fd;
}

static void test_socket(void **state) {
        (void)state;
        char folder[] = "/tmp/test-peer-XXXXXX", path[64];
        struct peer_config config = spawn_it;
        struct framer *other;
        struct message m = {};
        json_t *json;
        struct seen *s;
        int fd;

        assert_non_null(mkdtemp(folder));
        snprintf(path, sizeof(path), "%s/socket", folder);
        fd = listen_at(path);
        config.socket = path;
        config.executable = NULL;
        s = start(&config);
        run_for(s, 50 * USEC_PER_MSEC);
        assert_int_equal(peer_state(s->peer), PEER_CONNECTING);
        other = framer_new(accept(fd, NULL, NULL));
        assert_non_null(other);
        assert_int_equal(framer_receive(other, USEC_PER_SEC, &m), 0);
        assert_string_equal(
                json_string_value(json_object_get(json_object_get(m.json, "hello"), "program")),
                "evidenced");
        message_done(&m);
        json = worker_hello("test-ipc-worker");
        assert_int_equal(framer_send_all(other, json, NULL, 0, -1), 0);
        json_decref(json);
        run_until(s, &s->n_up, 1);
        framer_free(other);
        run_until(s, &s->n_down, 1);
        assert_string_equal(s->why, "hung up");
        end(s);
        close(fd);
        unlink(path);
        rmdir(folder);
}

static void test_hello(void **state) {
        (void)state;
        static const struct {
                const char *json, *why;
        } cases[] = {
                {"{\"hello\":{\"program\":\"evidenced-scan\",\"version\":\"" EVIDENCED_VERSION
                 "\",\"protocol\":1}}",
                 NULL},
                {"{\"hello\":{\"program\":\"evidenced-mail\",\"version\":\"" EVIDENCED_VERSION
                 "\",\"protocol\":1}}",
                 "is evidenced-mail, not evidenced-scan"},
                {"{\"hello\":{\"program\":\"evidenced-scan\",\"version\":\"0.0\\u001b\","
                 "\"protocol\":1}}",
                 "is version 0.0 , not " EVIDENCED_VERSION},
                {"{\"hello\":{\"program\":\"evidenced-scan\",\"version\":\"" EVIDENCED_VERSION
                 "\",\"protocol\":2}}",
                 "speaks protocol 2, not 1"},
                {"{\"hello\":{\"program\":\"evidenced-scan\",\"protocol\":1}}",
                 "did not say hello"},
                {"{\"hello\":1}", "did not say hello"},
                {"{}", "did not say hello"},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                json_t *json = json_loads(cases[i].json, 0, NULL);
                char *why = NULL;
                int r = worker_check_hello(json, "evidenced-scan", &why);

                assert_int_equal(r, cases[i].why ? -EPROTO : 0);
                if (cases[i].why)
                        assert_string_equal(why, cases[i].why);
                else
                        assert_null(why);
                free(why);
                json_decref(json);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_spawn_and_echo),
                cmocka_unit_test(test_environment),
                cmocka_unit_test(test_descriptors),
                cmocka_unit_test(test_death_is_replaced),
                cmocka_unit_test(test_last_word),
                cmocka_unit_test(test_silence),
                cmocka_unit_test(test_words_break_silence),
                cmocka_unit_test(test_stubborn),
                cmocka_unit_test(test_no_orphans),
                cmocka_unit_test(test_free_in_callbacks),
                cmocka_unit_test(test_restart_in_callback),
                cmocka_unit_test(test_wrong_worker),
                cmocka_unit_test(test_cannot_start),
                cmocka_unit_test(test_back_off),
                cmocka_unit_test(test_socket),
                cmocka_unit_test(test_hello),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
