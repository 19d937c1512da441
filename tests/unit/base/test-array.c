/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/array.h"

struct pair {
        int a;
        int64_t b;
};

static void test_push(void **state) {
        struct ARRAY(int) numbers = {};
        size_t n_grown = 0, cap = 0;

        (void)state;
        for (int i = 0; i < 10000; i++) {
                assert_int_equal(array_push(&numbers, i), 0);
                n_grown += numbers.cap != cap;
                cap = numbers.cap;
                assert_true(numbers.n <= numbers.cap);
        }
        assert_int_equal(numbers.n, 10000);
        assert_in_range(n_grown, 1, 20); /* doubled, not by one */
        for (int i = 0; i < 10000; i++)
                assert_int_equal(numbers.items[i], i);
        array_done(&numbers);
        assert_null(numbers.items);
        assert_int_equal(numbers.n, 0);
        assert_int_equal(numbers.cap, 0);
}

static void test_push_of_a_struct(void **state) {
        struct ARRAY(struct pair) pairs = {};

        (void)state;
        assert_int_equal(array_push(&pairs, (struct pair){1, 2}), 0);
        assert_int_equal(array_push(&pairs, (struct pair){.a = 3, .b = INT64_MAX}), 0);
        assert_int_equal(pairs.items[0].b, 2);
        assert_int_equal(pairs.items[1].a, 3);
        assert_true(pairs.items[1].b == INT64_MAX);
        array_done(&pairs);
}

static void test_reserve(void **state) {
        struct ARRAY(struct pair) pairs = {};
        struct pair *items;

        (void)state;
        assert_int_equal(array_reserve(&pairs, 100), 0);
        assert_true(pairs.cap >= 100);
        assert_int_equal(pairs.n, 0);
        items = pairs.items;
        for (int i = 0; i < 100; i++)
                assert_int_equal(array_push(&pairs, (struct pair){i, i}), 0);
        assert_ptr_equal(pairs.items, items); /* no move within what was reserved */
        array_done(&pairs);
}

/* What cannot be had leaves the array as it was. */
static void test_too_large(void **state) {
        static const size_t more[] = {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX / sizeof(struct pair),
                                      SIZE_MAX / 16 + 1};
        struct ARRAY(struct pair) pairs = {};

        (void)state;
        assert_int_equal(array_push(&pairs, (struct pair){7, 8}), 0);
        for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
                size_t cap = pairs.cap;

                assert_int_equal(array_reserve(&pairs, more[i]), -ENOMEM);
                assert_int_equal(pairs.cap, cap);
                assert_int_equal(pairs.n, 1);
                assert_int_equal(pairs.items[0].a, 7);
        }
        array_done(&pairs);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_push),
                cmocka_unit_test(test_push_of_a_struct),
                cmocka_unit_test(test_reserve),
                cmocka_unit_test(test_too_large),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
