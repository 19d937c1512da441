/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/strmap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

/* A map of small integers against an array, through many random insertions and removals. */
static void test_against_array(void **state) {
        enum { N = 500 };
        static char values[N];
        void *model[N] = {};
        struct strmap *map = strmap_new();
        uint32_t x = 12345;
        size_t n = 0;

        (void)state;
        for (int round = 0; round < 20000; round++) {
                char key[16];
                size_t i;

                x = x * 1664525 + 1013904223;
                i = (x >> 8) % N;
                snprintf(key, sizeof(key), "k%zu", i);
                if (x >> 31) {
                        n += !model[i];
                        model[i] = &values[i];
                        assert_int_equal(strmap_put(map, key, &values[i]), 0);
                } else {
                        n -= !!model[i];
                        assert_ptr_equal(strmap_remove(map, key), model[i]);
                        model[i] = NULL;
                }
                assert_int_equal(strmap_size(map), n);
                assert_ptr_equal(strmap_get(map, key), model[i]);
        }
        for (size_t cursor = 0, seen = 0;; seen++) {
                const char *key;
                char *value = strmap_next(map, &cursor, &key);
                char expected[16];

                if (!value) {
                        assert_int_equal(seen, n);
                        break;
                }
                snprintf(expected, sizeof(expected), "k%td", value - values);
                assert_string_equal(key, expected);
        }
        strmap_free(map);
}

int main(void) {
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_array)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
