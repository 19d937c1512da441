/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The master, tried as systemd starts it: a real process with a listening socket and LISTEN_FDS. */
#include "ipc/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define PATIENCE (30 * USEC_PER_SEC) /* a loaded machine is slow */

struct master {
        pid_t pid;
        char folder[32];
        struct sockaddr_un address;
};

static int never(struct framer *peer) {
        framer_free(peer);
        return 99;
}

static int listen_somewhere(struct master *m) {
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);

        strcpy(m->folder, "/tmp/test-worker-XXXXXX");
        assert_non_null(mkdtemp(m->folder));
        m->address.sun_family = AF_UNIX;
        snprintf(m->address.sun_path, sizeof(m->address.sun_path), "%s/socket", m->folder);
        assert_int_equal(bind(fd, (struct sockaddr *)&m->address, sizeof(m->address)), 0);
        assert_int_equal(listen(fd, 8), 0);
        return fd;
}

static struct master start_master(void) {
        struct master m = {};
        int fd = listen_somewhere(&m);

        m.pid = fork();
        assert_true(m.pid >= 0);
        if (m.pid == 0) {
                char self[32];

                prctl(PR_SET_PDEATHSIG, SIGKILL);
                snprintf(self, sizeof(self), "%d", (int)getpid());
                setenv("LISTEN_PID", self, 1);
                setenv("LISTEN_FDS", "1", 1);
                if (fd != 3)
                        dup2(fd, 3);
                execl(TEST_WORKER, "test-ipc-worker", NULL);
                _exit(127);
        }
        close(fd);
        return m;
}

static int wait_status(pid_t pid) {
        int status = 0;

        for (usec_t end = clock_monotonic() + PATIENCE; clock_monotonic() < end;) {
                if (waitpid(pid, &status, WNOHANG) == pid)
                        return status;
                usleep(10000);
        }
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        fail_msg("the process did not end");
        return -1;
}

static void remove_master(struct master *m) {
        unlink(m->address.sun_path);
        rmdir(m->folder);
}

static struct framer *connect_to(const struct master *m, const char *version) {
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        json_t *hello = worker_hello("evidenced");
        struct message message = {};
        struct framer *f;

        assert_int_equal(connect(fd, (const struct sockaddr *)&m->address, sizeof(m->address)), 0);
        if (version)
                json_object_set_new(json_object_get(hello, "hello"), "version",
                                    json_string(version));
        f = framer_new(fd);
        assert_int_equal(framer_send_all(f, hello, NULL, 0, PATIENCE), 0);
        json_decref(hello);
        assert_int_equal(framer_receive(f, PATIENCE, &message), 0);
        assert_int_equal(worker_check_hello(message.json, "test-ipc-worker", &(char *){NULL}), 0);
        message_done(&message);
        return f;
}

static void order(struct framer *f, const char *what) {
        json_t *json = json_pack("{s:s}", "do", what);

        assert_int_equal(framer_send_all(f, json, NULL, 0, PATIENCE), 0);
        json_decref(json);
}

static pid_t ask_pid(struct framer *f, const char *what) {
        struct message m = {};
        pid_t pid;

        order(f, what);
        assert_int_equal(framer_receive(f, PATIENCE, &m), 0);
        pid = (pid_t)json_integer_value(json_object_get(m.json, "pid"));
        assert_true(pid > 0);
        message_done(&m);
        return pid;
}

/* The child is no child of ours: only its disappearance can be seen. */
static void assert_goes(pid_t pid) {
        usec_t end = clock_monotonic() + PATIENCE;

        while (kill(pid, 0) == 0) {
                assert_true(clock_monotonic() < end);
                usleep(10000);
        }
        assert_int_equal(errno, ESRCH);
}

static void test_child_per_connection(void **state) {
        (void)state;
        struct master m = start_master();
        struct framer *a = connect_to(&m, NULL), *b = connect_to(&m, NULL);
        pid_t pid_a = ask_pid(a, "pid"), pid_b = ask_pid(b, "pid");

        assert_int_not_equal(pid_a, pid_b);
        assert_int_not_equal(pid_a, m.pid);
        framer_free(a);
        assert_goes(pid_a);
        assert_int_equal(ask_pid(b, "pid"), pid_b); /* the other one works on */
        framer_free(b);
        kill(m.pid, SIGTERM);
        assert_int_equal(wait_status(m.pid), 0);
        remove_master(&m);
}

/* A child that is deep in something, and deaf to SIGTERM, is ended by the master when the peer hangs up. */
static void test_hang_up_kills(void **state) {
        (void)state;
        struct master m = start_master();
        struct framer *a = connect_to(&m, NULL), *b;
        pid_t pid = ask_pid(a, "pid");
        usec_t begin;

        order(a, "mute"); /* sleeps, and reads its connection no more */
        usleep(50000);
        framer_free(a);
        assert_goes(pid);

        b = connect_to(&m, NULL);
        pid = ask_pid(b, "stubborn");
        begin = clock_monotonic();
        framer_free(b);
        assert_goes(pid);
        assert_true(clock_monotonic() - begin >= WORKER_GRACE_USEC);
        kill(m.pid, SIGTERM);
        assert_int_equal(wait_status(m.pid), 0);
        remove_master(&m);
}

static void test_terminate(void **state) {
        (void)state;
        struct master m = start_master();
        struct framer *a = connect_to(&m, NULL);
        pid_t pid = ask_pid(a, "pid");

        kill(m.pid, SIGTERM);
        assert_int_equal(wait_status(m.pid), 0);
        assert_goes(pid);
        framer_free(a);
        remove_master(&m);
}

static void test_orphans_end(void **state) {
        (void)state;
        struct master m = start_master();
        struct framer *a = connect_to(&m, NULL);
        pid_t pid = ask_pid(a, "pid");

        kill(m.pid, SIGKILL);
        wait_status(m.pid);
        assert_goes(pid);
        framer_free(a);
        remove_master(&m);
}

/* After an upgrade the old master makes room for the new program; it ends only with its last child. */
static void test_other_version(void **state) {
        (void)state;
        struct master m = start_master();
        struct framer *good = connect_to(&m, NULL), *bad = connect_to(&m, "999");
        struct message message = {};

        assert_int_equal(framer_receive(bad, PATIENCE, &message), -EPIPE);
        ask_pid(good, "pid");
        framer_free(good);
        framer_free(bad);
        assert_int_equal(wait_status(m.pid), 0);
        remove_master(&m);

        /* The same when the peer hangs up at once. */
        m = start_master();
        bad = connect_to(&m, "999");
        framer_free(bad);
        assert_int_equal(wait_status(m.pid), 0);
        remove_master(&m);
}

/* Where a mount changed, the whole process starts anew: the other children end, too, and whoever does not is killed. */
static void test_renewal(void **state) {
        (void)state;
        struct master m = start_master();
        struct framer *one = connect_to(&m, NULL), *other = connect_to(&m, NULL),
                      *deaf = connect_to(&m, NULL);
        pid_t pid_other = ask_pid(other, "pid"), pid_deaf = ask_pid(deaf, "stubborn");

        order(one, "renew");
        assert_int_equal(wait_status(m.pid), 0);
        assert_goes(pid_other);
        assert_goes(pid_deaf);
        framer_free(one);
        framer_free(other);
        framer_free(deaf);
        remove_master(&m);
}

static int run_idle_master(usec_t idle_usec, usec_t *ret_took) {
        struct master m = {};
        int fd = listen_somewhere(&m), r;
        usec_t begin = clock_monotonic();

        r = worker_run_master(fd, "test-ipc-worker", never, idle_usec);
        *ret_took = clock_monotonic() - begin;
        assert_int_equal(fcntl(fd, F_GETFD), -1);
        remove_master(&m);
        return r;
}

static void test_idle_end(void **state) {
        (void)state;
        usec_t took;

        assert_int_equal(run_idle_master(200 * USEC_PER_MSEC, &took), 0);
        assert_true(took >= 200 * USEC_PER_MSEC && took < PATIENCE);
}

/* Started with two socketpair ends or none: what does worker_main() say? */
static void test_command_line(void **state) {
        (void)state;
        static const struct {
                const char *argument;
                int status;
        } cases[] = {
                {"--version", 0},     {"--help", 0},        {"--fd=99", EX_USAGE},
                {"--fd=x", EX_USAGE}, {"--fd=0", EX_USAGE}, {"more", EX_USAGE},
                {"--what", EX_USAGE}, {NULL, EX_USAGE}, /* no socket from systemd */
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                pid_t pid = fork();
                int status;

                assert_true(pid >= 0);
                if (pid == 0) {
                        int null = open("/dev/null", O_RDWR);

                        dup2(null, STDOUT_FILENO);
                        dup2(null, STDERR_FILENO);
                        unsetenv("LISTEN_FDS");
                        execl(TEST_WORKER, "test-ipc-worker", cases[i].argument, NULL);
                        _exit(127);
                }
                status = wait_status(pid);
                assert_true(WIFEXITED(status));
                assert_int_equal(WEXITSTATUS(status), cases[i].status);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_child_per_connection),
                cmocka_unit_test(test_hang_up_kills),
                cmocka_unit_test(test_terminate),
                cmocka_unit_test(test_orphans_end),
                cmocka_unit_test(test_other_version),
                cmocka_unit_test(test_renewal),
                cmocka_unit_test(test_idle_end),
                cmocka_unit_test(test_command_line),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
