/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mail/credential.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"

static char folder[] = "/tmp/test-credential-XXXXXX";

static const char *path_of(const char *name) {
        static char path[256];

        snprintf(path, sizeof(path), "%s/%s", folder, name);
        return path;
}

static void put(const char *name, const void *data, size_t size, mode_t mode) {
        int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, data, size), size);
        assert_int_equal(fchmod(fd, mode), 0);
        close(fd);
}

static int set_up(void **state) {
        (void)state;
        return mkdtemp(folder) && setenv("CREDENTIALS_DIRECTORY", folder, 1) == 0 ? 0 : -1;
}

static int tear_down(void **state) {
        static const char *const names[] = {"smtp_a", "a", "b", "c", "file", "fifo"};

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                unlink(path_of(names[i]));
        return rmdir(folder);
}

static void expect(const char *name, const char *file, int r, const char *text) {
        _cleanup_(secret_done) struct secret s = {};
        _cleanup_free_ char *why = NULL;

        assert_int_equal(credential_read(name, file, &s, &why), r);
        if (r == 0) {
                assert_string_equal(s.text, text);
                return;
        }
        assert_null(s.text);
        assert_non_null(why);
        if (text)
                assert_non_null(strstr(why, text));
}

static void test_named(void **state) {
        (void)state;
        expect("a", NULL, -ENOENT, EVIDENCED_SYSCONFDIR "/credentials/a (0600)");
        put("a", "plain", 5, 0440);
        expect("a", NULL, 0, "plain");
        put("smtp_a", "preferred\n", 10, 0440);
        expect("a", NULL, 0, "preferred");
        expect("a", "/nonexistent", 0, "preferred"); /* the credential goes first */
}

/* The folder that systemd made says which unit is to be restarted, and where its passwords are. */
static void test_what_to_do(void **state) {
        static const struct {
                const char *folder, *words;
        } rows[] = {
                {"/run/credentials/evidenced-mail.service",
                 "there is no password 'smtp-password': put it into " EVIDENCED_SYSCONFDIR
                 "/credentials/smtp-password (0600), then systemctl restart evidenced-mail"},
                {"/run/credentials/evidenced-mail@a.b.service",
                 EVIDENCED_SYSCONFDIR "@a.b/credentials/smtp-password (0600), then systemctl "
                                      "restart evidenced-mail@a.b"},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                assert_int_equal(setenv("CREDENTIALS_DIRECTORY", rows[i].folder, 1), 0);
                expect("smtp-password", NULL, -ENOENT, rows[i].words);
        }
        assert_int_equal(setenv("CREDENTIALS_DIRECTORY", folder, 1), 0);
}

static void test_names(void **state) {
        static const char *const bad[] = {"", ".", "..", "../a", "a/b", ".a", "a b", "a\n", "đ"};

        (void)state;
        put("a", "plain", 5, 0440);
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                expect(bad[i], NULL, -EINVAL, NULL);
        unsetenv("CREDENTIALS_DIRECTORY");
        expect("a", NULL, -ENOENT, "CREDENTIALS_DIRECTORY");
        setenv("CREDENTIALS_DIRECTORY", folder, 1);
}

static void test_contents(void **state) {
        static const struct {
                const char *data;
                size_t size;
                int r;
                const char *text;
        } cases[] = {
                {"x\n", 2, 0, "x"},          {"x\r\n", 3, 0, "x"},       {" x ", 3, 0, " x "},
                {"", 0, -EINVAL, NULL},      {"\n", 1, -EINVAL, NULL},   {"x\ny", 3, -EINVAL, NULL},
                {"x\n\n", 3, -EINVAL, NULL}, {"x\0y", 3, -EINVAL, NULL},
        };
        char *long_one = malloc(SECRET_MAX + 1);

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                put("b", cases[i].data, cases[i].size, 0400);
                expect("b", NULL, cases[i].r, cases[i].text);
                unlink(path_of("b"));
        }
        memset(long_one, 'x', SECRET_MAX + 1);
        put("b", long_one, SECRET_MAX + 1, 0600);
        expect("b", NULL, -EFBIG, "too long");
        put("b", long_one, SECRET_MAX, 0600);
        long_one[SECRET_MAX] = 0;
        expect("b", NULL, 0, long_one);
        free(long_one);
}

static void test_file(void **state) {
        static const struct {
                mode_t mode;
                int r;
        } cases[] = {{0600, 0},      {0400, 0},      {0640, -EPERM},
                     {0604, -EPERM}, {0620, -EPERM}, {0601, -EPERM}};
        char path[256];

        (void)state;
        snprintf(path, sizeof(path), "%s", path_of("file"));
        expect(NULL, path, -ENOENT, path);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                put("file", "secret\n", 7, cases[i].mode);
                expect(NULL, path, cases[i].r, cases[i].r == 0 ? "secret" : "chmod 600");
                unlink(path);
        }
}

/* No waiting for a writer that never comes. */
static void test_not_regular(void **state) {
        char path[256];

        (void)state;
        snprintf(path, sizeof(path), "%s", path_of("fifo"));
        assert_int_equal(mkfifo(path, 0600), 0);
        expect(NULL, path, -EINVAL, "regular");
        expect(NULL, folder, -EINVAL, NULL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_what_to_do), cmocka_unit_test(test_named),
                cmocka_unit_test(test_names),      cmocka_unit_test(test_contents),
                cmocka_unit_test(test_file),       cmocka_unit_test(test_not_regular),
        };

        return cmocka_run_group_tests(tests, set_up, tear_down);
}
