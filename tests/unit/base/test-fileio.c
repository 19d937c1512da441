/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/fileio.h"

/* All tests run inside a folder of their own, which the last one leaves empty. */
static char folder[PATH_MAX];

static int setup(void **state) {
        const char *tmp = getenv("TMPDIR");

        (void)state;
        snprintf(folder, sizeof(folder), "%s/test-fileio.XXXXXX", tmp ? tmp : "/tmp");
        return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int teardown(void **state) {
        (void)state;
        return chdir("/") == 0 && rmdir(folder) == 0
                       ? 0
                       : -1; /* fails when something was left behind */
}

static size_t count_entries(void) {
        _cleanup_(closedir_p) DIR *dir = opendir(".");
        size_t n = 0;

        while (readdir(dir))
                n++;
        return n - 2;
}

static void test_read_back(void **state) {
        static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 65536, 300001};
        static char data[300001];

        (void)state;
        for (size_t i = 0; i < sizeof(data); i++)
                data[i] = (char)(i * 7 + i / 251);
        for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
                _cleanup_free_ char *text = NULL;
                size_t n = 4711;

                assert_int_equal(write_file_atomic("f", data, sizes[i], 0600), 0);
                assert_int_equal(read_file("f", sizes[i], &text, &n), 0);
                assert_int_equal(n, sizes[i]);
                assert_memory_equal(text, data, n);
                assert_int_equal(text[n], '\0');
        }
        assert_int_equal(unlink("f"), 0);
}

static void test_cap(void **state) {
        char *text = (char *)"untouched";
        size_t n = 4711;

        (void)state;
        assert_int_equal(write_file_atomic("f", "12345", 5, 0600), 0);
        assert_int_equal(read_file("f", 4, &text, &n), -EFBIG);
        assert_int_equal(read_file("/proc/self/mountinfo", 4, &text, &n),
                         -EFBIG); /* says that it has 0 bytes */
        assert_string_equal(text, "untouched");
        assert_int_equal(n, 4711);
        assert_int_equal(read_file("f", 5, &text, NULL), 0);
        assert_string_equal(text, "12345");
        free(text);
        assert_int_equal(unlink("f"), 0);
}

static void test_without_a_size(void **state) {
        _cleanup_free_ char *text = NULL;
        size_t n;

        (void)state;
        assert_int_equal(read_file("/proc/self/status", 1 << 20, &text, &n), 0);
        assert_true(n > 100);
        assert_non_null(strstr(text, "Name:"));
}

static void make_socket(const char *path) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        strcpy(address.sun_path, path);
        assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        close(fd);
}

static void test_what_is_no_file(void **state) {
        static const struct {
                const char *path;
                int result;
        } cases[] = {
                {"folder", -EISDIR},    {"fifo", -EINVAL},    {"socket", -EINVAL},
                {"/dev/zero", -EINVAL}, {"none", -ENOENT},    {"loop", -ELOOP},
                {"folder/x", -ENOENT},  {"fifo/x", -ENOTDIR},
        };
        char *text = NULL;
        size_t n;

        (void)state;
        assert_int_equal(mkdir("folder", 0700), 0);
        assert_int_equal(mkfifo("fifo", 0600), 0);
        assert_int_equal(symlink("loop", "loop"), 0);
        make_socket("socket");
        alarm(10); /* an open() that waits for the FIFO's writer ends the test */
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_int_equal(read_file(cases[i].path, 100, &text, &n), cases[i].result);
        alarm(0);
        assert_null(text);
        rmdir("folder");
        unlink("fifo");
        unlink("socket");
        unlink("loop");
}

static void test_replace(void **state) {
        _cleanup_free_ char *text = NULL;
        struct stat before, after;

        (void)state;
        umask(077); /* the mode is the one asked for, whatever the umask */
        assert_int_equal(write_file_atomic("board.html", "old", 3, 0644), 0);
        assert_int_equal(stat("board.html", &before), 0);
        assert_int_equal(before.st_mode & 07777, 0644);
        assert_int_equal(write_file_atomic("board.html", "newer", 5, 0640), 0);
        assert_int_equal(stat("board.html", &after), 0);
        assert_int_equal(after.st_mode & 07777, 0640);
        assert_true(before.st_ino != after.st_ino); /* renamed over, not written into */
        assert_int_equal(read_file("board.html", 100, &text, NULL), 0);
        assert_string_equal(text, "newer");
        assert_int_equal(count_entries(), 1);
        assert_int_equal(unlink("board.html"), 0);
}

static void test_replace_fails(void **state) {
        (void)state;
        assert_int_equal(write_file_atomic("none/f", "x", 1, 0600), -ENOENT);
        assert_int_equal(mkdir("folder", 0700), 0);
        assert_int_equal(write_file_atomic("folder", "x", 1, 0600), -EISDIR);
        assert_int_equal(count_entries(), 1); /* no temporary file is left */
        assert_int_equal(rmdir("folder"), 0);
}

static void test_mkdir_p(void **state) {
        struct stat st;

        (void)state;
        umask(022);
        assert_int_equal(mkdir_p("a/b//c/", 0750), 0);
        assert_int_equal(stat("a/b/c", &st), 0);
        assert_true(S_ISDIR(st.st_mode));
        assert_int_equal(st.st_mode & 07777, 0750);
        assert_int_equal(mkdir_p("a/b/c", 0750), 0);
        assert_int_equal(mkdir_p("/", 0750), 0);
        assert_int_equal(mkdir_p("/proc/self", 0750), 0); /* where nothing can be made */
        assert_int_equal(mkdir_p("/proc/none/x", 0750), -ENOENT);
        assert_int_equal(mkdir_p("", 0750), -ENOENT);
        assert_int_equal(write_file_atomic("a/f", "", 0, 0600), 0);
        assert_int_equal(symlink("none", "a/dangling"), 0);
        assert_int_equal(symlink("b", "a/link"), 0);
        assert_int_equal(mkdir_p("a/dangling/x", 0750), -ENOENT);
        assert_int_equal(mkdir_p("a/link/c", 0750), 0);
        assert_int_equal(mkdir_p("a/f", 0750), -ENOTDIR);
        assert_int_equal(mkdir_p("a/f/g", 0750), -ENOTDIR);
        unlink("a/f");
        unlink("a/dangling");
        unlink("a/link");
        rmdir("a/b/c");
        rmdir("a/b");
        assert_int_equal(rmdir("a"), 0);
}

static void test_mkdir_p_long(void **state) {
        char path[PATH_MAX + 2];

        (void)state;
        memset(path, 'x', sizeof(path) - 1);
        path[sizeof(path) - 1] = '\0';
        assert_int_equal(mkdir_p(path, 0750), -ENAMETOOLONG);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_read_back),      cmocka_unit_test(test_cap),
                cmocka_unit_test(test_without_a_size), cmocka_unit_test(test_what_is_no_file),
                cmocka_unit_test(test_replace),        cmocka_unit_test(test_replace_fails),
                cmocka_unit_test(test_mkdir_p),        cmocka_unit_test(test_mkdir_p_long),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
