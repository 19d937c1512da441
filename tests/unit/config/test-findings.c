/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/findings.h"

static char *print(const struct findings *findings) {
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        findings_print(findings, f);
        fclose(f);
        return text;
}

static void test_order(void **state) {
        struct findings findings = FINDINGS_INIT;

        (void)state;
        findings_add(&findings, FINDING_WARNING, "z.conf", 9, "w%d", 1);
        findings_add(&findings, FINDING_ERROR, "a.conf", 7, "second of the second file");
        findings_add(&findings, FINDING_ERROR, "z.conf", 10, "b");
        findings_add(&findings, FINDING_ERROR, "z.conf", 2, "a");
        findings_add(&findings, FINDING_ERROR, "a.conf", 0, "no line");
        findings_add(&findings, FINDING_ERROR, "z.conf", 10, "a later one of the same line");
        findings_sort(&findings);
        _cleanup_free_ char *text = print(&findings);
        assert_string_equal(text, "z.conf:2: error: a\n"
                                  "z.conf:10: error: b\n"
                                  "z.conf:10: error: a later one of the same line\n"
                                  "a.conf:1: error: no line\n"
                                  "a.conf:7: error: second of the second file\n"
                                  "z.conf:9: warning: w1\n");
        assert_int_equal(findings.n_errors, 5);
        assert_int_equal(findings.n_warnings, 1);
        findings_done(&findings);
        assert_int_equal(findings.n, 0);
}

static void test_one_line_each(void **state) {
        struct findings findings = FINDINGS_INIT;

        (void)state;
        findings_add(&findings, FINDING_ERROR, "x", 1, "a\nb\x1b[31m\xff");
        _cleanup_free_ char *text = print(&findings);
        assert_string_equal(text, "x:1: error: a b [31m\xef\xbf\xbd\n");
        findings_done(&findings);
}

static void test_cap(void **state) {
        struct findings findings = FINDINGS_INIT;

        (void)state;
        for (unsigned i = 0; i < FINDINGS_MAX + 5; i++)
                findings_add(&findings, FINDING_ERROR, "x", i + 1, "e");
        assert_int_equal(findings.n, FINDINGS_MAX);
        assert_int_equal(findings.n_errors, FINDINGS_MAX + 5);
        _cleanup_free_ char *text = print(&findings);
        assert_non_null(strstr(text, "x:1: warning: 5 more findings are not shown"));
        findings_done(&findings);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_order),
                cmocka_unit_test(test_one_line_each),
                cmocka_unit_test(test_cap),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
