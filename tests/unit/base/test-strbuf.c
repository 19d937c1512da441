/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/strbuf.h"

static void test_additions(void **state) {
        _cleanup_(strbuf_done) struct strbuf b = STRBUF_INIT;

        (void)state;
        assert_string_equal(strbuf_str(&b), "");
        strbuf_adds(&b, "Sở");
        strbuf_addc(&b, ' ');
        strbuf_add(&b, "KH\0x", 3);
        strbuf_addf(&b, "%d/%s", 42, "CN");
        strbuf_add(&b, NULL, 0);
        assert_int_equal(b.len, 4 + 1 + 3 + 5);
        assert_memory_equal(strbuf_str(&b),
                            "Sở KH\0"
                            "42/CN",
                            b.len + 1);
        assert_int_equal(strbuf_error(&b), 0);
        strbuf_reset(&b);
        assert_string_equal(strbuf_str(&b), "");
        strbuf_adds(&b, "again");
        assert_string_equal(strbuf_str(&b), "again");
}

/* Each length across the growth of the buffer, printed and added: every byte and the NUL in place. */
static void test_growth(void **state) {
        static char expected[5000];

        (void)state;
        memset(expected, 'x', sizeof(expected) - 1);
        for (size_t n = 0; n < 600; n++) {
                _cleanup_(strbuf_done) struct strbuf b = STRBUF_INIT;

                strbuf_addf(&b, "%.*s", (int)n, expected);
                assert_int_equal(b.len, n);
                assert_int_equal(strlen(strbuf_str(&b)), n);
                strbuf_addf(&b, "%s", expected);
                strbuf_addc(&b, '.');
                assert_int_equal(strlen(strbuf_str(&b)), n + sizeof(expected));
                assert_int_equal(strspn(strbuf_str(&b), "x"), n + sizeof(expected) - 1);
        }
}

static void test_json(void **state) {
        static const struct {
                const char *text, *json;
        } cases[] = {
                {NULL, "null"},
                {"", "\"\""},
                {"Sở/KHCN", "\"Sở/KHCN\""},
                {"a\"b\\c", "\"a\\\"b\\\\c\""},
                {"\n\x7f\x1f.", "\"\\u000a\\u007f\\u001f.\""},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(strbuf_done) struct strbuf b = STRBUF_INIT;

                strbuf_add_json(&b, cases[i].text);
                assert_string_equal(strbuf_str(&b), cases[i].json);
        }
}

static void test_failure_is_remembered(void **state) {
        _cleanup_(strbuf_done) struct strbuf b = STRBUF_INIT;
        volatile size_t endless = SIZE_MAX; /* or the compiler refuses it before we do */

        (void)state;
        strbuf_adds(&b, "begin");
        strbuf_add(&b, "x", endless); /* fails before it reads */
        assert_int_equal(strbuf_error(&b), -ENOMEM);
        strbuf_adds(&b, "more");
        strbuf_addf(&b, "%d", 1);
        assert_string_equal(strbuf_str(&b), "begin");
        assert_null(strbuf_steal(&b));
        assert_int_equal(strbuf_error(&b), 0);
        strbuf_add(&b, "x", endless / 2);
        assert_int_equal(strbuf_error(&b), -ENOMEM);
        strbuf_reset(&b);
        strbuf_adds(&b, "anew");
        assert_int_equal(strbuf_error(&b), 0);
        assert_string_equal(strbuf_str(&b), "anew");
}

static void test_steal(void **state) {
        struct strbuf b = STRBUF_INIT;
        _cleanup_free_ char *empty = strbuf_steal(&b), *full = NULL;

        (void)state;
        assert_string_equal(empty, "");
        strbuf_adds(&b, "mine");
        full = strbuf_steal(&b);
        assert_string_equal(full, "mine");
        assert_null(b.data);
        assert_int_equal(b.len, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_additions), cmocka_unit_test(test_growth),
                cmocka_unit_test(test_json),      cmocka_unit_test(test_failure_is_remembered),
                cmocka_unit_test(test_steal),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
