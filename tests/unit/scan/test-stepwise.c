/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* open_stepwise() on a tree full of links; where this machine has openat2(), that is asked for a second opinion. */

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "scan/stepwise.h"

static char folder[] = "/tmp/test-stepwise-XXXXXX";
static int root_fd = -1;

static void put(const char *path) {
        int fd = openat(root_fd, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        close(fd);
}

/* folder/outside is what must not be reached, folder/root the root. */
static int set_up(void **state) {
        static const char *const folders[] = {"a", "a/b", "a/b/c"};
        static const struct {
                const char *target, *path;
        } links[] = {
                {"a/b/file", "inside"},
                {"../outside", "out"},
                {"/etc/passwd", "absolute"},
                {"loop2", "loop1"},
                {"loop1", "loop2"},
                {"../../file", "a/b/up"},
                {"../../../outside", "a/b/far-up"},
                {"a/b", "folder"},
                {"../a/./b/../b/c", "a/winding"},
                {"missing", "dangling"},
        };
        char path[300];

        (void)state;
        assert_non_null(mkdtemp(folder));
        snprintf(path, sizeof(path), "%s/root", folder);
        assert_int_equal(mkdir(path, 0700), 0);
        root_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        assert_true(root_fd >= 0);
        for (size_t i = 0; i < ELEMENTSOF(folders); i++)
                assert_int_equal(mkdirat(root_fd, folders[i], 0700), 0);
        put("file");
        put("a/b/file");
        put("../outside");
        for (size_t i = 0; i < ELEMENTSOF(links); i++)
                assert_int_equal(symlinkat(links[i].target, root_fd, links[i].path), 0);
        return 0;
}

static int tear_down(void **state) {
        char command[400];

        (void)state;
        close(root_fd);
        snprintf(command, sizeof(command), "rm -rf '%s'", folder);
        return system(command);
}

static ino_t inode_of(int fd) {
        struct stat st;

        assert_int_equal(fstat(fd, &st), 0);
        return st.st_ino;
}

/* Return: as open_stepwise(); -ENOSYS where it can not be asked. */
static int second_opinion(const char *path, int flags, bool follow) {
        struct open_how how = {
                .flags = (uint64_t)(flags | O_CLOEXEC),
                .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS |
                           (follow ? 0 : RESOLVE_NO_SYMLINKS),
        };
        long fd = syscall(SYS_openat2, root_fd, path[0] ? path : ".", &how, sizeof(how));

        return fd < 0 ? -errno : (int)fd;
}

static void test_agrees(void **state) {
        const int held = O_PATH, itself = O_PATH | O_NOFOLLOW, read_it = O_RDONLY | O_NOFOLLOW,
                  list_it = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
        const struct {
                const char *path;
                int flags;
                bool follow;
                int expected;     /* 0 or -errno */
                const char *same; /* what it must be, from the root and without links */
        } table[] = {
                {"", list_it, false, 0, "."},
                {"", held, true, 0, "."},
                {"a/b", list_it, false, 0, "a/b"},
                {"a/b/file", read_it, false, 0, "a/b/file"},
                {"a//b/", itself, false, 0, "a/b"},
                {"a/b/file", list_it, false, -ENOTDIR, NULL},
                {"a/none", read_it, false, -ENOENT, NULL},
                {"file/none", read_it, false, -ENOTDIR, NULL},
                {"inside", read_it, false, -ELOOP, NULL},
                {"folder/file", read_it, false, -ELOOP, NULL},
                {"inside", itself, false, 0, "inside"},
                {"..", itself, false, -EXDEV, NULL},
                {"a/../..", list_it, false, -EXDEV, NULL},
                {"a/b/..", list_it, false, 0, "a"},
                {"inside", held, true, 0, "a/b/file"},
                {"folder/file", held, true, 0, "a/b/file"},
                {"a/b/up", held, true, 0, "file"},
                {"a/winding", held, true, 0, "a/b/c"},
                {"a/b/far-up", held, true, -EXDEV, NULL},
                {"out", held, true, -EXDEV, NULL},
                {"out", itself, true, 0, "out"},
                {"absolute", held, true, -EXDEV, NULL},
                {"loop1", held, true, -ELOOP, NULL},
                {"dangling", held, true, -ENOENT, NULL},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                int fd = open_stepwise(root_fd, table[i].path, table[i].flags, table[i].follow);
                int other = second_opinion(table[i].path, table[i].flags, table[i].follow);
                struct stat st;

                print_message("'%s' (%d): %d\n", table[i].path, table[i].follow, fd);
                assert_int_equal(fd < 0 ? fd : 0, table[i].expected);
                if (other != -ENOSYS && other != -EPERM)
                        assert_int_equal(other < 0 ? other : 0, table[i].expected);
                if (fd < 0)
                        continue;
                assert_int_equal(fstatat(root_fd, table[i].same, &st, AT_SYMLINK_NOFOLLOW), 0);
                assert_int_equal(inode_of(fd), st.st_ino);
                assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
                close(fd);
                if (other >= 0)
                        close(other);
        }
}

static void test_caps(void **state) {
        char path[5000];
        int before = dup(root_fd), after;

        (void)state;
        memset(path, 'x', sizeof(path));
        path[300] = '\0'; /* longer than a name can be */
        assert_int_equal(open_stepwise(root_fd, path, O_PATH, true), -ENAMETOOLONG);
        memset(path, 'x', 300);
        path[sizeof(path) - 1] = '\0';
        assert_int_equal(open_stepwise(root_fd, path, O_PATH, true), -ENAMETOOLONG);
        /* No descriptor was left behind by any of it. */
        after = dup(root_fd);
        assert_int_equal(after, before + 1);
        close(after);
        close(before);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_agrees),
                cmocka_unit_test(test_caps),
        };

        return cmocka_run_group_tests(tests, set_up, tear_down);
}
