/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mail/lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"

static void check(const char *text, const char *end, const char *expect) {
        _cleanup_free_ char *out = NULL;
        size_t size = SIZE_MAX;

        assert_int_equal(lines_convert(text, strlen(text), end, &out, &size), 0);
        assert_int_equal(size, strlen(expect));
        assert_string_equal(out, expect);
}

static void test_convert(void **state) {
        static const struct {
                const char *text, *crlf, *lf;
        } cases[] = {
                {"", "", ""},
                {"a", "a\r\n", "a\n"},
                {"a\n", "a\r\n", "a\n"},
                {"a\r\n", "a\r\n", "a\n"},
                {"a\r", "a\r\n", "a\n"},
                {"\n", "\r\n", "\n"},
                {"a\n\nb", "a\r\n\r\nb\r\n", "a\n\nb\n"},
                {"a\r\rb", "a\r\n\r\nb\r\n", "a\n\nb\n"},
                {"a\n\rb", "a\r\n\r\nb\r\n", "a\n\nb\n"},
                {"a\r\n\r\nb", "a\r\n\r\nb\r\n", "a\n\nb\n"},
                {"a\n.\nb", "a\r\n.\r\nb\r\n", "a\n.\nb\n"},
                {"a\r.\rb", "a\r\n.\r\nb\r\n", "a\n.\nb\n"},
                {"a\r.\rb\nc\r\nd\r", "a\r\n.\r\nb\r\nc\r\nd\r\n", "a\n.\nb\nc\nd\n"},
                {"\r\r\n\n\r", "\r\n\r\n\r\n\r\n", "\n\n\n\n"},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                check(cases[i].text, "\r\n", cases[i].crlf);
                check(cases[i].text, "\n", cases[i].lf);
                check(cases[i].crlf, "\r\n", cases[i].crlf);
        }
}

static void test_nul(void **state) {
        _cleanup_free_ char *out = NULL;
        size_t size;

        (void)state;
        assert_int_equal(lines_convert("a\0\nb", 4, "\r\n", &out, &size), 0);
        assert_int_equal(size, 7);
        assert_memory_equal(out, "a\0\r\nb\r\n", 7);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_convert),
                cmocka_unit_test(test_nul),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
