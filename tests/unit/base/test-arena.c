/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"

static void test_alloc_is_zeroed_aligned_and_distinct(void **state) {
        /* around the alignment, the size of a chunk, and its quarter (from where a request has its own) */
        static const size_t sizes[] = {0,      1,      15,      16,      17,      4096, 262143,
                                       262144, 262145, 1048576, 1048577, 5000000, 3,    0};
        _cleanup_(arena_free_p) struct arena *a = arena_new();
        unsigned char *blocks[3 * ELEMENTSOF(sizes)];

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(blocks); i++) {
                size_t n = sizes[i % ELEMENTSOF(sizes)];

                blocks[i] = arena_alloc(a, n);
                assert_non_null(blocks[i]);
                assert_int_equal((uintptr_t)blocks[i] % _Alignof(max_align_t), 0);
                for (size_t k = 0; k < n; k++)
                        if (blocks[i][k] != 0)
                                fail_msg("byte %zu of block %zu is not zero", k, i);
                memset(blocks[i], (int)i + 1, n);
                for (size_t k = 0; k < i; k++)
                        assert_ptr_not_equal(blocks[i], blocks[k]);
        }
        for (size_t i = 0; i < ELEMENTSOF(blocks); i++)
                for (size_t k = 0; k < sizes[i % ELEMENTSOF(sizes)]; k++)
                        if (blocks[i][k] != i + 1)
                                fail_msg("block %zu was overwritten at %zu", i, k);
}

static void test_many_small(void **state) {
        _cleanup_(arena_free_p) struct arena *a = arena_new();
        uint32_t *numbers[100000];

        (void)state;
        for (uint32_t i = 0; i < ELEMENTSOF(numbers); i++) {
                numbers[i] = arena_alloc(a, 40);
                *numbers[i] = i;
        }
        for (uint32_t i = 0; i < ELEMENTSOF(numbers); i++)
                assert_int_equal(*numbers[i], i);
}

/* Pages of the process. */
static long mapped(void) {
        _cleanup_(fclose_p) FILE *f = fopen("/proc/self/statm", "re");
        long n = 0;

        assert_non_null(f);
        assert_int_equal(fscanf(f, "%ld", &n), 1);
        return n;
}

/* Written to the last byte, so that a block beyond its chunk breaks the bookkeeping of its neighbour. */
static void test_memory_goes_back(void **state) {
        long before, full;

        (void)state;
#ifdef __SANITIZE_ADDRESS__
        skip(); /* the sanitizer keeps what is freed */
#endif
        before = mapped();
        for (int round = 0; round < 3; round++) {
                _cleanup_(arena_free_p) struct arena *a = arena_new();

                for (size_t i = 0; i < 20000; i++) {
                        size_t n = i % 100 == 0 ? 270000 : i % 977;

                        memset(arena_alloc(a, n), 0xff, n);
                }
                full = mapped();
                assert_true((full - before) * sysconf(_SC_PAGESIZE) > 50L * 1000 * 1000);
        }
        assert_true((mapped() - before) * sysconf(_SC_PAGESIZE) < 1L * 1000 * 1000);
}

static void test_strings(void **state) {
        _cleanup_(arena_free_p) struct arena *a = arena_new();
        int *numbers = arena_new_array(a, int, 3);

        (void)state;
        assert_null(arena_strdup(a, NULL));
        assert_null(arena_strndup(a, NULL, 3));
        assert_string_equal(arena_strdup(a, ""), "");
        assert_string_equal(arena_strdup(a, "Sở"), "Sở");
        assert_string_equal(arena_strndup(a, "abc", 2), "ab");
        assert_string_equal(arena_strndup(a, "abc", 9), "abc");
        assert_string_equal(arena_printf(a, "%s@%04d", "1.2", 2018), "1.2@2018");
        assert_int_equal(numbers[2], 0);
}

static void test_free_nothing(void **state) {
        (void)state;
        assert_null(arena_free(NULL));
        assert_null(arena_free(arena_new()));
}

/* The overflowing product must not come out as a small, valid block. */
static void overflow_product(struct arena *a) { arena_alloc_array(a, SIZE_MAX / 8 + 2, 8); }

static void too_large(struct arena *a) { arena_alloc(a, SIZE_MAX - 8); }

static void test_ends_when_out_of_memory(void **state) {
        static void (*const cases[])(struct arena *) = {overflow_product, too_large};

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                int fds[2], status;
                char text[64] = "";
                pid_t pid;

                assert_int_equal(pipe(fds), 0);
                pid = fork();
                if (pid == 0) {
                        struct rlimit none = {0, 0};

                        setrlimit(RLIMIT_CORE, &none);
                        signal(SIGABRT, SIG_DFL);
                        dup2(fds[1], STDERR_FILENO);
                        cases[i](arena_new());
                        _exit(0);
                }
                close(fds[1]);
                assert_true(read(fds[0], text, sizeof(text) - 1) > 0);
                close(fds[0]);
                assert_int_equal(waitpid(pid, &status, 0), pid);
                assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
                assert_non_null(strstr(text, "out of memory"));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_alloc_is_zeroed_aligned_and_distinct),
                cmocka_unit_test(test_many_small),
                cmocka_unit_test(test_memory_goes_back),
                cmocka_unit_test(test_strings),
                cmocka_unit_test(test_free_nothing),
                cmocka_unit_test(test_ends_when_out_of_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
