/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* evidenced-scan itself where things are scarce, missing or forbidden. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "ipc/worker.h"
#include "scan-driver.h"

#define SETTLE (200 * USEC_PER_MSEC) /* of scan_start() */
#define REGULAR 1
#define SETTLED 3
#define LINK_INSIDE 4
#define LINK_OUT 8
#define UNREADABLE 16

static int setup(void **state) {
        static struct scan s;

        *state = scan_prepare(&s);
        return 0;
}

static int teardown(void **state) {
        scan_done(*state);
        return 0;
}

static void start(struct scan *s) { scan_start(s, &(struct scan_options){0}); }

static void test_root_missing(void **state) {
        struct scan *s = *state;
        char elsewhere[96];
        json_t *m;

        assert_int_equal(rmdir(s->root), 0);
        start(s);
        m = scan_expect(s, "event", "root", NULL);
        assert_string_equal(json_string_value(json_object_get(m, "state")), "missing");
        json_decref(m);
        assert_int_equal(mkdir(s->root, 0755), 0);
        scan_write(s, "a.pdf", "x");
        m = scan_expect(s, "state", "ok", NULL);
        json_decref(m);
        scan_expect_file(s, "", "a.pdf", SETTLED);
        /* gone meanwhile: no listing and no "gone" is drawn from that, and back again */
        snprintf(elsewhere, sizeof(elsewhere), "%s-elsewhere", s->root);
        assert_int_equal(rename(s->root, elsewhere), 0);
        json_decref(scan_expect(s, "state", "missing", NULL));
        scan_expect_silence(s, 2 * SETTLE);
        assert_int_equal(rename(elsewhere, s->root), 0);
        json_decref(scan_expect(s, "state", "ok", NULL));
        m = scan_next(s, PATIENCE); /* nothing changed: nothing but this */
        assert_string_equal(json_string_value(json_object_get(m, "event")), "scanned");
        json_decref(m);
        scan_write(s, "b.pdf", "x");
        scan_expect_file(s, "", "b.pdf", SETTLED);
}

/* Beyond the limit folders are polled: it takes longer, but nothing is lost. */
static void test_watch_limit(void **state) {
        struct scan *s = *state;

        for (char name[] = "a"; name[0] < 'f'; name[0]++)
                scan_mkdir(s, name);
        scan_start(s, &(struct scan_options){.poll = 500 * USEC_PER_MSEC,
                                             .environment = "EVIDENCED_SCAN_MAX_WATCHES=3"});
        json_decref(scan_expect(s, "kind", "watches", NULL));
        scan_expect_walk(s);
        scan_write(s, "a/x.pdf", "x");
        scan_expect_file(s, "a", "x.pdf", SETTLED);
        scan_write(s, "e/x.pdf", "x");
        scan_expect_file(s, "e", "x.pdf", SETTLED);
        scan_mkdir(s, "e/new");
        scan_write(s, "e/new/y.pdf", "y");
        scan_expect_file(s, "e/new", "y.pdf", SETTLED);
}

/* The queue of events runs over: everything is looked at again. */
static void test_overflow(void **state) {
        enum { N = 500 };
        struct scan *s = *state;
        unsigned settled[5] = {};
        bool told = false;

        for (char name[] = "a"; name[0] < 'f'; name[0]++)
                scan_mkdir(s, name);
        scan_start(s, &(struct scan_options){.environment = "EVIDENCED_SCAN_MAX_QUEUE=20"});
        scan_expect_walk(s);
        assert_int_equal(kill(s->pid, SIGSTOP), 0); /* so that they queue up */
        for (unsigned i = 0; i < N; i++) {
                char name[32];

                snprintf(name, sizeof(name), "%c/%u.pdf", 'a' + (int)(i % 5), i);
                scan_write(s, name, "x");
        }
        assert_int_equal(kill(s->pid, SIGCONT), 0);
        for (unsigned bits = 0; bits != 31 || !told;) {
                json_t *m = scan_next(s, PATIENCE), *files;
                const char *path;
                size_t values;

                assert_non_null(m);
                told |= streq_ptr(json_string_value(json_object_get(m, "kind")), "queue");
                path = json_string_value(json_object_get(m, "path"));
                files = json_object_get(m, "files");
                values = 2;
                if (streq_ptr(json_string_value(json_object_get(m, "event")), "folder")) {
                        values = 5;
                        if (path[0])
                                settled[path[0] - 'a'] = 0;
                }
                for (size_t i = 0; i < json_array_size(files); i += values)
                        settled[path[0] - 'a'] +=
                                (json_integer_value(json_array_get(files, i + values - 1)) & 2) !=
                                0;
                if (path && path[0] && settled[path[0] - 'a'] == N / 5)
                        bits |= 1u << (path[0] - 'a');
                json_decref(m);
        }
}

static void test_large_folder(void **state) {
        enum { N = 4097 };
        struct scan *s = *state;
        size_t n = 0, n_messages = 0;
        bool more = true;

        for (unsigned i = 0; i < N; i++) {
                char name[16];

                snprintf(name, sizeof(name), "%u", i);
                scan_write(s, name, "");
        }
        poll(NULL, 0, 250);
        start(s);
        while (more) {
                json_t *m = scan_expect(s, "event", "folder", "");

                n += json_array_size(json_object_get(m, "files")) / 5;
                n_messages++;
                more = json_is_true(json_object_get(m, "more"));
                json_decref(m);
        }
        assert_int_equal(n, N);
        assert_int_equal(n_messages, 2);
}

/* Watches that the scanner has, from what the kernel says of its inotify descriptor. */
static unsigned count_watches(pid_t pid) {
        char folder[64];
        _cleanup_(closedir_p) DIR *dir = NULL;
        unsigned n = 0;

        snprintf(folder, sizeof(folder), "/proc/%d/fdinfo", (int)pid);
        dir = opendir(folder);
        assert_non_null(dir);
        for (const struct dirent *d; (d = readdir(dir));) {
                char path[PATH_MAX], line[512];
                _cleanup_(fclose_p) FILE *f = NULL;

                snprintf(path, sizeof(path), "%s/%s", folder, d->d_name);
                f = d->d_name[0] == '.' ? NULL : fopen(path, "r");
                while (f && fgets(line, sizeof(line), f))
                        n += startswith(line, "inotify wd:");
        }
        return n;
}

/* Who does not read makes the scanner wait, not grow: the walk stops. */
static void test_deaf_peer(void **state) {
        enum { FOLDERS = 50, FILES = 50 };
        struct scan *s = *state;

        for (unsigned i = 0; i < FOLDERS; i++) {
                char name[32];

                snprintf(name, sizeof(name), "d%u", i);
                scan_mkdir(s, name);
                for (unsigned k = 0; k < FILES; k++) {
                        snprintf(name, sizeof(name), "d%u/a-file-with-a-name-%u", i, k);
                        scan_write(s, name, "");
                }
        }
        scan_start(s, &(struct scan_options){.small_buffer = true});
        while (count_watches(s->pid) == 0)
                poll(NULL, 0, 10);
        poll(NULL, 0, 500);
        assert_true(count_watches(s->pid) < FOLDERS / 2);
        scan_write(s, "d0/late", "x");
        scan_expect_file(s, "d0", "late", SETTLED);
        /* The walk goes on while somebody reads, whatever came first. */
        for (usec_t end = clock_monotonic() + PATIENCE; count_watches(s->pid) < FOLDERS + 1;) {
                json_decref(scan_next(s, 50 * USEC_PER_MSEC));
                assert_true(clock_monotonic() < end);
        }
}

static bool holds_something_of(pid_t pid, const char *root) {
        char folder[64];
        _cleanup_(closedir_p) DIR *dir = NULL;

        snprintf(folder, sizeof(folder), "/proc/%d/fd", (int)pid);
        dir = opendir(folder);
        assert_non_null(dir);
        for (const struct dirent *d; (d = readdir(dir));) {
                char target[PATH_MAX] = "";

                if (readlinkat(dirfd(dir), d->d_name, target, sizeof(target) - 1) > 0 &&
                    startswith(target, root))
                        return true;
        }
        return false;
}

/* Between passes, which are an hour apart, nothing keeps the administrator from unmounting. */
static void test_no_descriptor_kept(void **state) {
        struct scan *s = *state;
        usec_t end;

        scan_mkdir(s, "a");
        scan_write(s, "a/x.pdf", "x");
        start(s);
        scan_expect_file(s, "a", "x.pdf", SETTLED);
        for (end = clock_monotonic() + PATIENCE; holds_something_of(s->pid, s->root);) {
                poll(NULL, 0, 10);
                assert_true(clock_monotonic() < end);
        }
        poll(NULL, 0, 100);
        assert_false(holds_something_of(s->pid, s->root));
}

static void test_unreadable(void **state) {
        struct scan *s = *state;
        json_t *m;

        scan_mkdir(s, "closed");
        scan_write(s, "closed/a.pdf", "x");
        scan_write(s, "secret.pdf", "x");
        assert_int_equal(chmod(scan_path(s, "secret.pdf"), 0), 0);
        assert_int_equal(chmod(scan_path(s, "closed"), 0), 0);
        scan_start(s, &(struct scan_options){.poll = 300 * USEC_PER_MSEC,
                                             .as_nobody = geteuid() == 0});
        m = scan_expect(s, "event", "folder", "");
        assert_int_equal(scan_flags(m, "secret.pdf"), REGULAR | UNREADABLE);
        json_decref(m);
        m = scan_expect(s, "event", "trouble", "closed");
        assert_int_equal(json_integer_value(json_object_get(m, "errno")), EACCES);
        json_decref(m);
        assert_int_equal(chmod(scan_path(s, "secret.pdf"), 0644), 0);
        scan_expect_file(s, "", "secret.pdf", SETTLED);
        scan_expect_silence(s, 400 * USEC_PER_MSEC); /* said once */
        assert_int_equal(chmod(scan_path(s, "closed"), 0755), 0);
        scan_expect_file(s, "closed", "a.pdf", SETTLED);
        m = scan_expect(s, "event", "trouble", "closed");
        assert_int_equal(json_integer_value(json_object_get(m, "errno")), 0);
        json_decref(m);
        /* its names may be read, but nothing about them */
        assert_int_equal(chmod(scan_path(s, "closed"), 0644), 0);
        m = scan_expect(s, "event", "trouble", "closed");
        assert_int_equal(json_integer_value(json_object_get(m, "errno")), EACCES);
        json_decref(m);
        assert_int_equal(chmod(scan_path(s, "closed"), 0755), 0);
}

static void test_rescan(void **state) {
        struct scan *s = *state;

        scan_write(s, "a.pdf", "x");
        scan_start(s, &(struct scan_options){.rescan = 300 * USEC_PER_MSEC});
        scan_expect_file(s, "", "a.pdf", SETTLED);
        for (unsigned i = 0; i < 3; i++) {
                json_t *m =
                        scan_next(s, PATIENCE); /* nothing changed: only that it was looked at */

                assert_string_equal(json_string_value(json_object_get(m, "event")), "scanned");
                json_decref(m);
        }
}

/* In namespaces of its own: mounts something below the root, and over it. */
static int mount_child(struct scan *s) {
        int status;

        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0 ||
            mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                return 77;
        start(s);
        scan_expect_walk(s);
        if (mount("none", "/mnt", "tmpfs", 0, NULL) < 0)
                return 77;
        scan_expect_silence(s, 2 * SETTLE); /* elsewhere: none of its business */
        if (mount("none", scan_path(s, "sub"), "tmpfs", 0, NULL) < 0)
                return 77;
        for (json_t *m; (m = scan_next(s, PATIENCE));) {
                bool gone = streq_ptr(json_string_value(json_object_get(m, "event")), "gone") ||
                            streq_ptr(json_string_value(json_object_get(m, "event")), "folder");

                json_decref(m);
                if (gone)
                        return 1;
        }
        return waitpid(s->pid, &status, 0) == s->pid && WIFEXITED(status) &&
                               WEXITSTATUS(status) == WORKER_EXIT_RENEW
                       ? 0
                       : 2;
}

static void test_mount_below(void **state) {
        struct scan *s = *state;
        int status;
        pid_t pid;

        scan_mkdir(s, "sub");
        scan_write(s, "sub/a.pdf", "x");
        poll(NULL, 0, 250);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                _exit(mount_child(s));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        if (WEXITSTATUS(status) == 77)
                skip(); /* no namespaces here */
        assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_bad_message(void **state) {
        struct scan *s = *state;
        int status;

        start(s);
        scan_expect_walk(s);
        scan_send(s, json_pack("{ss}", "verb", "dance"));
        assert_null(scan_next(s, PATIENCE));
        assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 0);
        s->pid = -1;
        s->peer = framer_free(s->peer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_root_missing), TEST(test_watch_limit), TEST(test_overflow),
                TEST(test_large_folder), TEST(test_deaf_peer),   TEST(test_no_descriptor_kept),
                TEST(test_unreadable),   TEST(test_rescan),      TEST(test_mount_below),
                TEST(test_bad_message),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
