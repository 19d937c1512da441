/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define SD_JOURNAL_SUPPRESS_LOCATION

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/log.h"

/*
 * The journal of these tests: the program's own definitions come before those of the libraries, so what log.c sends
 * to the journal ends here, as "NAME=value|…".
 */
static char sent[1024];
static int journal_result;
static bool socket_is_there;

int sd_journal_sendv(const struct iovec *iov, int n) {
        for (int i = 0; i < n && journal_result >= 0; i++) {
                strncat(sent, iov[i].iov_base, iov[i].iov_len);
                strcat(sent, "|");
        }
        return journal_result;
}

int access(const char *path, int mode) {
        (void)mode;
        assert_string_equal(path, "/run/systemd/journal/socket");
        return socket_is_there ? 0 : -1;
}

/* What @log writes to stderr, which is a file meanwhile; with @journal, JOURNAL_STREAM says that it is the journal. */
static char *capture(void (*log)(void), bool journal) {
        _cleanup_(fclose_p) FILE *f = tmpfile();
        static char text[10000];
        struct stat st;
        char stream[64];
        int saved = dup(STDERR_FILENO);
        size_t n;

        fflush(stderr);
        dup2(fileno(f), STDERR_FILENO);
        assert_int_equal(fstat(STDERR_FILENO, &st), 0);
        snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev,
                 (uintmax_t)st.st_ino + !journal);
        setenv("JOURNAL_STREAM", stream, 1);
        sent[0] = '\0';
        log_set_max_level(LOG_INFO);
        log_init("tested");
        log();
        dup2(saved, STDERR_FILENO);
        close(saved);
        rewind(f);
        n = fread(text, 1, sizeof(text) - 1, f);
        text[n] = '\0';
        return text;
}

static void one_line(void) { log_warning("%s is late", "1.2"); }

static void hostile_line(void) { log_info("file 'a\n<0>tested: forged\x1b[2J\xff'"); }

static void long_line(void) {
        static char text[9000];

        memset(text, 'x', sizeof(text) - 1);
        log_info("%s", text);
}

static void with_errors(void) {
        errno = ENOSPC;
        assert_int_equal(log_error_errno(ENOENT, "Failed to open '%s': %m", "f"), -ENOENT);
        assert_int_equal(log_error_errno(-ENOENT, "again: %m"), -ENOENT);
        assert_int_equal(log_debug_errno(-EIO, "not printed"), -EIO);
        assert_int_equal(log_oom(), -ENOMEM);
        assert_int_equal(log_info("plain: %m"), 0);
        assert_int_equal(errno, ENOSPC); /* what the caller had */
}

static void all_levels(void) {
        log_debug("d");
        log_info("i");
        log_notice("n");
        log_warning("w");
        log_error("e");
}

static void with_fields(void) {
        static const char *const fields[] = {"TASK=1.2", "MESSAGE_ID=abc", NULL};

        log_fields(LOG_NOTICE, fields, "%s done", "1.2");
        log_fields(LOG_DEBUG, fields, "not printed");
        log_fields(LOG_INFO, NULL, "bare");
}

static void test_stderr(void **state) {
        const char *text;

        (void)state;
        assert_string_equal(capture(one_line, false), "tested: 1.2 is late\n");
        assert_string_equal(capture(hostile_line, false),
                            "tested: file 'a <0>tested: forged [2J\xef\xbf\xbd'\n");
        assert_string_equal(capture(with_errors, false),
                            "tested: Failed to open 'f': No such file or directory\n"
                            "tested: again: No such file or directory\n"
                            "tested: Out of memory\n"
                            "tested: plain: No space left on device\n");
        assert_string_equal(capture(with_fields, false), "tested: 1.2 done\ntested: bare\n");
        text = capture(long_line, false);
        assert_in_range(strlen(text), 2000, 4200);
        assert_int_equal(text[strlen(text) - 1], '\n');
        assert_string_equal(sent, "");
}

static void test_levels(void **state) {
        static const struct {
                const char *name;
                int level;
                const char *text;
        } cases[] = {
                {"debug", LOG_DEBUG, "tested: d\ntested: i\ntested: n\ntested: w\ntested: e\n"},
                {"info", LOG_INFO, "tested: i\ntested: n\ntested: w\ntested: e\n"},
                {"notice", LOG_NOTICE, "tested: n\ntested: w\ntested: e\n"},
                {"warning", LOG_WARNING, "tested: w\ntested: e\n"},
                {"err", LOG_ERR, "tested: e\n"},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                setenv("EVIDENCED_LOG_LEVEL", cases[i].name, 1);
                assert_string_equal(capture(all_levels, false), cases[i].text);
                assert_int_equal(log_get_max_level(), cases[i].level);
        }
        setenv("EVIDENCED_LOG_LEVEL", "loud", 1);
        assert_non_null(strstr(capture(all_levels, false), "EVIDENCED_LOG_LEVEL is 'loud'"));
        assert_int_equal(log_get_max_level(), LOG_INFO);
        unsetenv("EVIDENCED_LOG_LEVEL");
}

static void test_journal(void **state) {
        (void)state;
        socket_is_there = true;
        assert_string_equal(capture(one_line, true), "");
        assert_string_equal(sent, "MESSAGE=1.2 is late|PRIORITY=4|SYSLOG_IDENTIFIER=tested|");
        assert_string_equal(capture(with_fields, true), "");
        assert_string_equal(
                sent,
                "MESSAGE=1.2 done|PRIORITY=5|SYSLOG_IDENTIFIER=tested|TASK=1.2|MESSAGE_ID=abc|"
                "MESSAGE=bare|PRIORITY=6|SYSLOG_IDENTIFIER=tested|");
}

/* No line is lost: without the socket, or when it refuses, it goes down the stream, with its level. */
static void test_journal_out_of_reach(void **state) {
        (void)state;
        socket_is_there = false;
        assert_string_equal(capture(one_line, true), "<4>1.2 is late\n");
        assert_string_equal(sent, "");
        socket_is_there = true;
        journal_result = -EACCES;
        assert_string_equal(capture(one_line, true), "<4>1.2 is late\n");
        journal_result = 0;
}

static void test_not_the_journal(void **state) {
        (void)state;
        socket_is_there = true; /* inherited JOURNAL_STREAM, but stderr was redirected */
        assert_string_equal(capture(one_line, false), "tested: 1.2 is late\n");
        assert_string_equal(sent, "");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_stderr),          cmocka_unit_test(test_levels),
                cmocka_unit_test(test_journal),         cmocka_unit_test(test_journal_out_of_reach),
                cmocka_unit_test(test_not_the_journal),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
