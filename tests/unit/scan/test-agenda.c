/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "scan/agenda.h"

#define N 50

static struct folder *make_many(struct folder **ret) {
        struct folder *top = NULL;

        assert_int_equal(folder_new(NULL, "", &top), 0);
        for (unsigned i = 0; i < N; i++) {
                char name[16];

                snprintf(name, sizeof(name), "%u", i);
                assert_int_equal(folder_new(top, name, &ret[i]), 0);
        }
        return top;
}

static usec_t earliest(struct folder *const *folders) {
        usec_t due = USEC_INFINITY;

        for (unsigned i = 0; i < N; i++)
                due = folders[i]->due < due ? folders[i]->due : due;
        return due;
}

/* Against looking at all of them. */
static void test_heap(void **state) {
        struct folder *folders[N], *top = make_many(folders);
        struct agenda a = {};
        unsigned seed = 1;

        (void)state;
        for (unsigned i = 0; i < 20000; i++) {
                struct folder *f;

                seed = seed * 1103515245u + 12345u;
                f = folders[(seed >> 16) % N];
                if (seed >> 30 == 0)
                        agenda_drop(&a, f);
                else
                        assert_int_equal(agenda_due(&a, f, 1 + (usec_t)((seed >> 8) % 1000)), 0);
                assert_int_equal(agenda_next(&a), earliest(folders));
                if (agenda_next(&a) != USEC_INFINITY) {
                        assert_ptr_equal(agenda_first(&a, 0), NULL);
                        assert_int_equal(agenda_first(&a, 1000)->due, earliest(folders));
                }
        }
        agenda_done(&a);
        folder_free(top);
}

static void test_due_is_never_put_off(void **state) {
        struct folder *folders[N], *top = make_many(folders);
        struct agenda a = {};

        (void)state;
        assert_int_equal(agenda_due(&a, folders[0], 100), 0);
        assert_int_equal(agenda_due(&a, folders[0], 200), 0);
        assert_int_equal(folders[0]->due, 100);
        assert_int_equal(agenda_due(&a, folders[0], 50), 0);
        assert_int_equal(folders[0]->due, 50);
        agenda_done(&a);
        folder_free(top);
}

static void test_queue(void **state) {
        struct folder *folders[N], *top = make_many(folders);
        struct agenda a = {};

        (void)state;
        for (unsigned i = 0; i < N; i++) {
                agenda_queue(&a, folders[i]);
                agenda_queue(&a, folders[i]); /* once is enough */
        }
        agenda_mark_walk(&a, folders[3]);
        agenda_mark_walk(&a, folders[3]);
        assert_int_equal(a.n_in_walk, 1);
        assert_int_equal(agenda_next(&a), 0);
        agenda_drop(&a, folders[10]);
        for (unsigned i = N; i-- > 0;) { /* the last one in is the first one out */
                if (i == 10)
                        continue;
                assert_ptr_equal(agenda_first(&a, 0), folders[i]);
                agenda_drop(&a, folders[i]);
        }
        assert_null(agenda_first(&a, 0));
        assert_int_equal(a.n_in_walk, 0);
        assert_int_equal(agenda_next(&a), USEC_INFINITY);
        /* what is due comes first */
        agenda_queue(&a, folders[1]);
        assert_int_equal(agenda_due(&a, folders[2], 5), 0);
        assert_ptr_equal(agenda_first(&a, 4), folders[1]);
        assert_ptr_equal(agenda_first(&a, 5), folders[2]);
        agenda_done(&a);
        folder_free(top);
}

static void test_tree(void **state) {
        static const char *const paths[] = {"b", "a/x", "a", "c/d/e", "a/y", ""};
        static const char *const refused[] = {"/a", "a//b", "a/../b", ".", ".."};
        struct folder *top = NULL, *f, *nearest;
        _cleanup_(strbuf_done) struct strbuf path = STRBUF_INIT, all = STRBUF_INIT;

        (void)state;
        assert_int_equal(folder_new(NULL, "", &top), 0);
        for (size_t i = 0; i < ELEMENTSOF(paths); i++) {
                assert_int_equal(folder_make(top, paths[i], &f), 0);
                assert_ptr_equal(folder_find(top, paths[i], NULL), f);
                assert_int_equal(folder_path(f, &path), 0);
                assert_string_equal(strbuf_str(&path), paths[i]);
        }
        for (size_t i = 0; i < ELEMENTSOF(refused); i++)
                assert_int_equal(folder_make(top, refused[i], &f), -EINVAL);
        assert_int_equal(folder_new(top, "a", &f), -EEXIST);
        assert_null(folder_find(top, "c/d/f/g", &nearest));
        assert_string_equal(nearest->name, "d");
        for (f = top; f; f = folder_next(f, top)) {
                assert_int_equal(folder_path(f, &path), 0);
                strbuf_addf(&all, "%s ", strbuf_str(&path));
        }
        assert_string_equal(strbuf_str(&all), " a a/x a/y b c c/d c/d/e ");
        f = folder_find(top, "a", NULL);
        strbuf_reset(&all);
        for (nearest = f; nearest; nearest = folder_next(nearest, f))
                strbuf_addf(&all, "%s ", nearest->name);
        assert_string_equal(strbuf_str(&all), "a x y ");
        folder_detach(f);
        folder_free(f);
        assert_null(folder_find(top, "a", NULL));
        assert_non_null(folder_find(top, "b", NULL));
        folder_free(top);
}

/* As deep as paths are long: nothing here recurses. */
static void test_deep(void **state) {
        struct folder *top = NULL, *f;
        size_t n = 1;

        (void)state;
        assert_int_equal(folder_new(NULL, "", &top), 0);
        f = top;
        for (; n < 200000; n++)
                assert_int_equal(folder_new(f, "x", &f), 0);
        for (f = top; f; f = folder_next(f, top))
                n--;
        assert_int_equal(n, 0);
        folder_free(top);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_heap),  cmocka_unit_test(test_due_is_never_put_off),
                cmocka_unit_test(test_queue), cmocka_unit_test(test_tree),
                cmocka_unit_test(test_deep),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
