/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mail/lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"

typedef int convert_fn(const char *text, size_t size, char **ret, size_t *ret_size);

static void check(convert_fn *convert, const char *text, const char *expect) {
        _cleanup_free_ char *out = NULL;
        size_t size = SIZE_MAX;

        assert_int_equal(convert(text, strlen(text), &out, &size), 0);
        assert_int_equal(size, strlen(expect));
        assert_string_equal(out, expect);
}

static void test_convert(void **state) {
        static const struct {
                const char *text, *smtp, *lf;
        } cases[] = {
                {"", ".\r\n", ""},
                {"a", "a\r\n.\r\n", "a\n"},
                {"a\n", "a\r\n.\r\n", "a\n"},
                {"a\r\n", "a\r\n.\r\n", "a\n"},
                {"a\r", "a\r\n.\r\n", "a\n"},
                {"\n", "\r\n.\r\n", "\n"},
                {"a\n\nb", "a\r\n\r\nb\r\n.\r\n", "a\n\nb\n"},
                {"a\r\rb", "a\r\n\r\nb\r\n.\r\n", "a\n\nb\n"},
                {"a\n\rb", "a\r\n\r\nb\r\n.\r\n", "a\n\nb\n"},
                {"a\r\n\r\nb", "a\r\n\r\nb\r\n.\r\n", "a\n\nb\n"},
                {"\r\r\n\n\r", "\r\n\r\n\r\n\r\n.\r\n", "\n\n\n\n"},
                /* Dots, after whatever a server might take for a line end. */
                {".", "..\r\n.\r\n", ".\n"},
                {".\r\n", "..\r\n.\r\n", ".\n"},
                {"..a.\n.b", "...a.\r\n..b\r\n.\r\n", "..a.\n.b\n"},
                {"a\n.\nb", "a\r\n..\r\nb\r\n.\r\n", "a\n.\nb\n"},
                {"a\r.\rb", "a\r\n..\r\nb\r\n.\r\n", "a\n.\nb\n"},
                {"a\r.\rb\nc\r\nd\r", "a\r\n..\r\nb\r\nc\r\nd\r\n.\r\n", "a\n.\nb\nc\nd\n"},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                check(lines_to_smtp, cases[i].text, cases[i].smtp);
                check(lines_to_file, cases[i].text, cases[i].lf);
        }
}

static void test_nul(void **state) {
        _cleanup_free_ char *out = NULL;
        size_t size;

        (void)state;
        assert_int_equal(lines_to_smtp("a\0\nb", 4, &out, &size), 0);
        assert_int_equal(size, 10);
        assert_memory_equal(out, "a\0\r\nb\r\n.\r\n", 10);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_convert),
                cmocka_unit_test(test_nul),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
