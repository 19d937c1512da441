/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* evidenced-scan itself: what happens in a folder, and what it says of it. */

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

static void test_first_words(void **state) {
        struct scan *s = *state;
        json_t *m;

        scan_mkdir(s, "1.2");
        scan_write(s, "1.2/a.pdf", "12345");
        start(s);
        m = scan_next(s, PATIENCE);
        assert_string_equal(json_string_value(json_object_get(m, "event")), "root");
        assert_string_equal(json_string_value(json_object_get(m, "state")), "ok");
        assert_true(strlen(json_string_value(json_object_get(m, "source"))) > 0);
        assert_true(strlen(json_string_value(json_object_get(m, "fstype"))) > 0);
        json_decref(m);
        m = scan_expect(s, "event", "folder", "1.2");
        assert_int_equal(strlen(json_string_value(json_object_get(m, "fingerprint"))), 32);
        assert_int_equal(json_array_size(json_object_get(m, "files")), 5);
        assert_int_equal(json_integer_value(json_array_get(json_object_get(m, "files"), 1)), 5);
        assert_false(json_is_true(json_object_get(m, "more")));
        json_decref(m);
        m = scan_expect(s, "event", "scanned", NULL);
        assert_int_equal(json_integer_value(json_object_get(m, "folders")), 2);
        assert_int_equal(json_integer_value(json_object_get(m, "files")), 1);
        json_decref(m);
}

/* A new file is told of, and told settled in time: not before, and without waiting for another look. */
static void test_new_file(void **state) {
        struct scan *s = *state;
        usec_t begin;

        start(s);
        scan_expect_walk(s);
        begin = clock_monotonic();
        scan_write(s, "a.pdf", "x");
        scan_expect_file(s, "", "a.pdf", REGULAR);
        scan_expect_file(s, "", "a.pdf", SETTLED);
        assert_true(s->told - begin >= SETTLE);
        assert_true(s->told - begin < SETTLE + 10 * USEC_PER_SEC); /* of its own accord */
        scan_expect_silence(s, 2 * SETTLE);
}

/* The folder is told again when what is new in it is quiet; what settles is told by itself. */
static void test_second_file(void **state) {
        struct scan *s = *state;
        json_t *m;

        scan_start(s, &(struct scan_options){.settle = USEC_PER_SEC});
        scan_expect_walk(s);
        scan_write(s, "a.pdf", "x");
        scan_expect_file(s, "", "a.pdf", REGULAR);
        scan_write(s, "b.pdf", "x");
        m = scan_expect(s, "event", "folder", "");
        assert_int_equal(scan_flags(m, "b.pdf"), REGULAR);
        json_decref(m);
        /* what settles is told by itself */
        m = scan_expect(s, "event", "settled", "");
        assert_int_equal(scan_flags(m, "a.pdf"), SETTLED);
        assert_int_equal(scan_flags(m, "b.pdf"), -1);
        json_decref(m);
        scan_expect_file(s, "", "b.pdf", SETTLED);
}

/* As long as somebody writes it is not settled, however long he pauses. */
static void test_slow_writer(void **state) {
        struct scan *s = *state;
        int fd;

        start(s);
        scan_expect_walk(s);
        fd = open(scan_path(s, "slow.pdf"), O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
        assert_int_equal(write(fd, "x", 1), 1);
        scan_expect_file(s, "", "slow.pdf", REGULAR);
        scan_expect_silence(s, 5 * SETTLE);
        assert_int_equal(write(fd, "y", 1), 1);
        scan_expect_file(s, "", "slow.pdf", REGULAR);
        close(fd);
        scan_expect_file(s, "", "slow.pdf", SETTLED);
        /* written again: not settled again, and then settled */
        fd = open(scan_path(s, "slow.pdf"), O_WRONLY | O_APPEND | O_CLOEXEC);
        assert_int_equal(write(fd, "z", 1), 1);
        close(fd);
        scan_expect_file(s, "", "slow.pdf", REGULAR);
        scan_expect_file(s, "", "slow.pdf", SETTLED);
        /* opened for writing and closed as it was */
        close(open(scan_path(s, "slow.pdf"), O_WRONLY | O_APPEND | O_CLOEXEC));
        scan_expect_silence(s, 2 * SETTLE);
}

/* An old file is settled at the first look; one that was just made is not. */
static void test_at_rest(void **state) {
        /* so long that a busy machine starts the scanner before the new one is at rest, too */
        const usec_t settle = 2 * USEC_PER_SEC;
        struct scan *s = *state;
        json_t *m;

        scan_write(s, "old.pdf", "x");
        poll(NULL, 0, (int)(settle / USEC_PER_MSEC) + 100);
        scan_write(s, "new.pdf", "x");
        scan_start(s, &(struct scan_options){.settle = settle});
        m = scan_expect(s, "event", "folder", "");
        assert_int_equal(scan_flags(m, "old.pdf"), SETTLED);
        assert_int_equal(scan_flags(m, "new.pdf"), REGULAR);
        json_decref(m);
        scan_expect_file(s, "", "new.pdf", SETTLED);
}

static void test_rename_and_delete(void **state) {
        struct scan *s = *state;
        json_t *m;

        scan_mkdir(s, "d");
        scan_write(s, "d/a.pdf", "x");
        start(s);
        scan_expect_file(s, "d", "a.pdf", SETTLED);
        scan_rename(s, "d/a.pdf", "d/b.pdf");
        m = scan_expect(s, "event", "folder", "d");
        assert_int_equal(scan_flags(m, "a.pdf"), -1);
        assert_int_equal(scan_flags(m, "b.pdf"), REGULAR);
        json_decref(m);
        scan_expect_file(s, "d", "b.pdf", SETTLED);
        scan_rename(s, "d/b.pdf", "b.pdf"); /* to another folder */
        scan_expect_file(s, "", "b.pdf", SETTLED);
        scan_unlink(s, "b.pdf");
        scan_expect_file(s, "", "b.pdf", -1);
        assert_int_equal(rmdir(scan_path(s, "d")), 0);
        json_decref(scan_expect(s, "event", "gone", "d"));
}

/* Made at once, before any of the watches stands. */
static void test_mkdir_and_file(void **state) {
        struct scan *s = *state;

        start(s);
        scan_expect_walk(s);
        for (unsigned i = 0; i < 8; i++) {
                char names[3][32];

                snprintf(names[0], sizeof(names[0]), "d%u", i);
                snprintf(names[1], sizeof(names[1]), "d%u/e", i);
                snprintf(names[2], sizeof(names[2]), "d%u/e/f.pdf", i);
                scan_mkdir(s, names[0]);
                scan_mkdir(s, names[1]);
                scan_write(s, names[2], "x");
                scan_expect_file(s, names[1], "f.pdf", SETTLED);
        }
}

static void test_tree_moves_in(void **state) {
        struct scan *s = *state;
        struct scan outside;

        scan_prepare(&outside);
        scan_mkdir(&outside, "tree");
        scan_mkdir(&outside, "tree/sub");
        scan_write(&outside, "tree/sub/a.pdf", "x");
        start(s);
        scan_expect_walk(s);
        assert_int_equal(rename(scan_path(&outside, "tree"), scan_path(s, "tree")), 0);
        scan_expect_file(s, "tree/sub", "a.pdf", SETTLED);
        /* and it is watched from now on */
        scan_write(s, "tree/sub/b.pdf", "x");
        scan_expect_file(s, "tree/sub", "b.pdf", SETTLED);
        /* what moved out is gone, and silent */
        assert_int_equal(rename(scan_path(s, "tree"), scan_path(&outside, "tree")), 0);
        json_decref(scan_expect(s, "event", "gone", "tree"));
        scan_write(&outside, "tree/sub/c.pdf", "x");
        scan_expect_silence(s, 2 * SETTLE);
        scan_done(&outside);
}

/* A renamed folder goes on under its new name, also for what happens in it later. */
static void test_folder_renamed(void **state) {
        struct scan *s = *state;

        scan_mkdir(s, "a");
        scan_mkdir(s, "a/b");
        scan_write(s, "a/b/x.pdf", "x");
        start(s);
        scan_expect_file(s, "a/b", "x.pdf", SETTLED);
        scan_rename(s, "a", "z");
        json_decref(scan_expect(s, "event", "gone", "a"));
        scan_expect_file(s, "z/b", "x.pdf", SETTLED);
        scan_write(s, "z/b/y.pdf", "y");
        scan_expect_file(s, "z/b", "y.pdf", SETTLED);
        /* two folders change names with each other */
        scan_mkdir(s, "p");
        scan_write(s, "p/1.pdf", "1");
        scan_mkdir(s, "q");
        scan_write(s, "q/2.pdf", "2");
        scan_expect_file(s, "q", "2.pdf", SETTLED);
        assert_int_equal(renameat2(AT_FDCWD, scan_path(s, "p"), AT_FDCWD, scan_path(s, "q"),
                                   RENAME_EXCHANGE),
                         0);
        scan_expect_file(s, "q", "1.pdf", SETTLED);
        scan_write(s, "p/3.pdf", "3");
        scan_expect_file(s, "p", "3.pdf", SETTLED);
}

static void test_folder_recreated(void **state) {
        struct scan *s = *state;

        scan_mkdir(s, "a");
        scan_write(s, "a/x.pdf", "x");
        start(s);
        scan_expect_file(s, "a", "x.pdf", SETTLED);
        for (unsigned i = 0; i < 8; i++) {
                scan_unlink(s, "a/x.pdf");
                assert_int_equal(rmdir(scan_path(s, "a")), 0);
                scan_mkdir(s, "a");
                scan_write(s, "a/x.pdf", "again");
                scan_expect_file(s, "a", "x.pdf", SETTLED);
        }
}

static void test_links(void **state) {
        struct scan *s = *state;
        json_t *m;

        scan_mkdir(s, "d");
        scan_write(s, "d/real.pdf", "four");
        poll(NULL, 0, 250);
        assert_int_equal(symlink("/etc/passwd", scan_path(s, "out")), 0);
        assert_int_equal(symlink("nowhere", scan_path(s, "broken")), 0);
        assert_int_equal(symlink("d/real.pdf", scan_path(s, "inside")), 0);
        assert_int_equal(symlink(scan_path(s, "d/real.pdf"), scan_path(s, "absolute")), 0);
        assert_int_equal(symlink("/etc", scan_path(s, "folder-out")), 0);
        assert_int_equal(symlink("d", scan_path(s, "folder-in")), 0);
        assert_int_equal(symlink(".", scan_path(s, "d/loop")), 0);
        assert_int_equal(mkfifo(scan_path(s, "fifo"), 0644), 0);
        start(s);
        m = scan_expect(s, "event", "folder", "");
        assert_int_equal(scan_flags(m, "out") & ~2, LINK_OUT);
        assert_int_equal(scan_flags(m, "broken") & ~2, LINK_OUT);
        assert_int_equal(scan_flags(m, "inside"), SETTLED | LINK_INSIDE);
        assert_int_equal(scan_flags(m, "absolute"), SETTLED | LINK_INSIDE);
        assert_int_equal(scan_flags(m, "folder-out") & ~2, LINK_OUT);
        assert_int_equal(scan_flags(m, "folder-in") & ~2, LINK_INSIDE);
        assert_int_equal(scan_flags(m, "fifo") & ~2, 0);
        json_decref(m);
        m = scan_expect(s, "event", "scanned", NULL);
        assert_int_equal(json_integer_value(json_object_get(m, "folders")),
                         2); /* no link is walked */
        json_decref(m);
}

static void test_names(void **state) {
        static const char *const names[] = {"Bao\xcc\x81 c\xc3\xa1o.pdf", "bad\xff.pdf",
                                            "line\nbreak.pdf", " .pdf"};
        struct scan *s = *state;
        json_t *m;
        unsigned found = 0;

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                scan_write(s, names[i], "x");
        scan_mkdir(s, "fold\xfe");
        scan_write(s, "fold\xfe/x.pdf", "x");
        start(s);
        m = scan_expect(s, "event", "folder", "");
        for (size_t k = 0; k < 5 * ELEMENTSOF(names); k += 5) {
                _cleanup_free_ char *name =
                        frame_name_decode(json_array_get(json_object_get(m, "files"), k));

                assert_non_null(name);
                for (size_t i = 0; i < ELEMENTSOF(names); i++)
                        found |= (strcmp(name, names[i]) == 0 ? 1u : 0u) << i;
        }
        assert_int_equal(found, (1u << ELEMENTSOF(names)) - 1);
        json_decref(m);
        m = scan_expect(s, "event", "folder", NULL);
        {
                _cleanup_free_ char *path = frame_name_decode(json_object_get(m, "path"));

                assert_string_equal(path, "fold\xfe");
        }
        json_decref(m);
}

static json_t *known_of(struct scan *s) {
        json_t *known = json_object(), *m;

        for (;;) {
                m = scan_next(s, 4 * SETTLE);
                if (!m)
                        return known;
                if (json_object_get(m, "fingerprint"))
                        json_object_set(known, json_string_value(json_object_get(m, "path")),
                                        json_object_get(m, "fingerprint"));
                json_decref(m);
        }
}

/* A new scanner whose decider knows it all says only what changed meanwhile. */
static void test_known(void **state) {
        struct scan *s = *state;
        json_t *known, *m;

        scan_mkdir(s, "same");
        scan_mkdir(s, "changed");
        scan_mkdir(s, "left");
        scan_mkdir(s, "left/below");
        scan_write(s, "same/a.pdf", "x");
        scan_write(s, "changed/a.pdf", "x");
        scan_write(s, "left/below/a.pdf", "x");
        start(s);
        known = known_of(s);
        assert_int_equal(json_object_size(known), 5);
        scan_stop(s);
        scan_write(s, "changed/b.pdf", "y");
        assert_int_equal(unlink(scan_path(s, "left/below/a.pdf")), 0);
        assert_int_equal(rmdir(scan_path(s, "left/below")), 0);
        assert_int_equal(rmdir(scan_path(s, "left")), 0);
        scan_start(s, &(struct scan_options){.known = known});
        json_decref(scan_expect(s, "event", "root", NULL));
        m = scan_next(s, PATIENCE);
        assert_string_equal(json_string_value(json_object_get(m, "event")), "gone");
        assert_string_equal(json_string_value(json_object_get(m, "path")), "left");
        json_decref(m);
        m = scan_next(s, PATIENCE);
        assert_string_equal(json_string_value(json_object_get(m, "path")), "changed");
        assert_int_equal(scan_flags(m, "a.pdf"), SETTLED);
        json_decref(m);
        m = scan_next(s, PATIENCE);
        assert_string_equal(json_string_value(json_object_get(m, "event")), "scanned");
        json_decref(m);
        scan_expect_file(s, "changed", "b.pdf", SETTLED);
        scan_expect_silence(s, 2 * SETTLE);
}

static void test_list(void **state) {
        struct scan *s = *state;

        scan_mkdir(s, "a");
        scan_mkdir(s, "a/b");
        scan_write(s, "a/b/x.pdf", "x");
        start(s);
        scan_expect_file(s, "a/b", "x.pdf", SETTLED);
        scan_send(s, json_pack("{ss ss}", "verb", "list", "path", "a"));
        json_decref(scan_expect(s, "event", "folder", "a"));
        scan_expect_file(s, "a/b", "x.pdf", SETTLED);
        scan_expect_silence(s, SETTLE);
        scan_send(s, json_pack("{ss ss}", "verb", "list", "path", ""));
        json_decref(scan_expect(s, "event", "folder", ""));
        scan_expect_file(s, "a/b", "x.pdf", SETTLED);
        scan_expect_walk(s);
        scan_send(s, json_pack("{ss ss}", "verb", "list", "path",
                               "a/none/below")); /* the nearest there is */
        json_decref(scan_expect(s, "event", "folder", "a"));
}

static void ask(struct scan *s, int id, const char *path, const json_t *event, const char *name,
                json_int_t more) {
        json_t *files = json_object_get(event, "files");

        for (size_t i = 0; i < json_array_size(files); i += 5)
                if (streq_ptr(json_string_value(json_array_get(files, i)), name))
                        scan_send(s,
                                  json_pack("{ss si ss sI sO sI sI}", "verb", "inspect", "id", id,
                                            "path", path, "size",
                                            json_integer_value(json_array_get(files, i + 1)) + more,
                                            "mtime", json_array_get(files, i + 2), "max_bytes",
                                            (json_int_t)1000000, "timeout",
                                            (json_int_t)(5 * USEC_PER_SEC)));
}

static json_t *reply_to(struct scan *s, int id) {
        for (;;) {
                json_t *m = scan_next(s, PATIENCE);

                assert_non_null(m);
                if (json_object_get(m, "reply")) {
                        assert_int_equal(json_integer_value(json_object_get(m, "reply")), id);
                        return m;
                }
                json_decref(m);
        }
}

static void test_inspect(void **state) {
        struct scan *s = *state;
        json_t *event, *m;

        scan_mkdir(s, "1.2");
        scan_write(s, "1.2/a.txt", "abc");
        start(s);
        event = scan_expect(s, "event", "folder", "1.2");
        ask(s, 7, "1.2/a.txt", event, "a.txt", 0);
        m = reply_to(s, 7);
        assert_string_equal(json_string_value(json_object_get(m, "status")), "ok");
        assert_string_equal(json_string_value(json_object_get(m, "type")), "txt");
        assert_true(json_is_true(json_object_get(m, "whole")));
        assert_true(json_is_false(json_object_get(m, "signed")));
        assert_string_equal(json_string_value(json_object_get(m, "sha256")),
                            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        json_decref(m);
        scan_expect_file(s, "1.2", "a.txt", SETTLED);
        ask(s, 8, "1.2/a.txt", event, "a.txt", 1);
        m = reply_to(s, 8);
        assert_string_equal(json_string_value(json_object_get(m, "status")), "changed");
        json_decref(m);
        json_decref(
                scan_expect(s, "event", "folder", "1.2")); /* as promised, though nothing is new */
        ask(s, 9, "1.2/none.txt", event, "a.txt", 0);
        m = reply_to(s, 9);
        assert_string_equal(json_string_value(json_object_get(m, "status")), "gone");
        json_decref(m);
        ask(s, 10, "../../etc/passwd", event, "a.txt", 0);
        m = reply_to(s, 10);
        assert_string_equal(json_string_value(json_object_get(m, "status")), "unreadable");
        json_decref(m);
        json_decref(event);
}

/* The entry of a file in the next listing of the root that calls it quiet. */
static json_t *quiet_listing(struct scan *s, const char *name) {
        for (;;) {
                json_t *m = scan_expect(s, "event", "folder", "");

                if (scan_all_flags(m, name) == (REGULAR | SCAN_QUIET))
                        return m;
                json_decref(m);
        }
}

static int flags_when_settled(struct scan *s, const char *name) {
        json_t *m = scan_expect(s, "event", "settled", "");
        int flags = scan_all_flags(m, name);

        json_decref(m);
        return flags;
}

/* Looked into while it settles: that stands if nothing happens to it until it has. */
static void test_read_ahead(void **state) {
        struct scan *s = *state;
        struct timespec times[2];
        struct stat before;
        json_t *m;

        scan_start(s, &(struct scan_options){.settle = 2 * USEC_PER_SEC});
        scan_expect_walk(s);
        scan_write(s, "a.txt", "abc");
        m = quiet_listing(s, "a.txt");
        ask(s, 1, "a.txt", m, "a.txt", 0);
        json_decref(m);
        json_decref(reply_to(s, 1));
        assert_int_equal(flags_when_settled(s, "a.txt"), SETTLED | SCAN_READ);
        /* nobody looked into it */
        scan_write(s, "a.txt", "cba");
        json_decref(quiet_listing(s, "a.txt"));
        assert_int_equal(flags_when_settled(s, "a.txt"), SETTLED);
        /* written again, with the same size and date */
        scan_write(s, "b.txt", "abc");
        m = quiet_listing(s, "b.txt");
        ask(s, 2, "b.txt", m, "b.txt", 0);
        json_decref(m);
        json_decref(reply_to(s, 2));
        assert_int_equal(stat(scan_path(s, "b.txt"), &before), 0);
        scan_write(s, "b.txt", "cba");
        times[0] = before.st_atim;
        times[1] = before.st_mtim;
        assert_int_equal(utimensat(AT_FDCWD, scan_path(s, "b.txt"), times, 0), 0);
        assert_int_equal(flags_when_settled(s, "b.txt"), SETTLED);
        scan_expect_silence(s, SETTLE);
}

/* A file that is large, or that somebody goes on writing, is not called quiet. */
static void test_not_quiet(void **state) {
        struct scan *s = *state;
        json_t *m;
        int fd;

        start(s);
        scan_expect_walk(s);
        fd = open(scan_path(s, "open.txt"), O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
        assert_int_equal(write(fd, "x", 1), 1);
        scan_write(s, "large.txt", "x");
        assert_int_equal(truncate(scan_path(s, "large.txt"), 2 << 20), 0);
        close(open(scan_path(s, "large.txt"), O_WRONLY | O_APPEND | O_CLOEXEC));
        m = scan_expect(s, "event", "folder", "");
        assert_int_equal(scan_all_flags(m, "open.txt"), REGULAR);
        assert_int_equal(scan_all_flags(m, "large.txt"), REGULAR);
        json_decref(m);
        close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_first_words),    TEST(test_new_file),
                TEST(test_second_file),    TEST(test_slow_writer),
                TEST(test_at_rest),        TEST(test_rename_and_delete),
                TEST(test_mkdir_and_file), TEST(test_tree_moves_in),
                TEST(test_folder_renamed), TEST(test_folder_recreated),
                TEST(test_links),          TEST(test_names),
                TEST(test_known),          TEST(test_list),
                TEST(test_inspect),        TEST(test_read_ahead),
                TEST(test_not_quiet),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
