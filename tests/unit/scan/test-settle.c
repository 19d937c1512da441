/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "scan/settle.h"

#define SEC USEC_PER_SEC
#define SETTLE (5 * SEC)
#define REAL (1500000000 * SEC) /* the wall clock at monotonic 0 */

/* A folder with one file, looked at again and again. */
struct scene {
        struct folder *folder;
        uint64_t size;
        usec_t changed; /* wall clock */
        usec_t due;     /* of the latest look */
};

static uint64_t name_hash(void) { return hash_bytes("a.pdf", 5); }

static int setup(void **state) {
        static struct scene s;

        s = (struct scene){.size = 1, .changed = REAL + 1000 * SEC};
        assert_int_equal(folder_new(NULL, "", &s.folder), 0);
        *state = &s;
        return 0;
}

static int teardown(void **state) {
        folder_free(((struct scene *)*state)->folder);
        return 0;
}

static bool look(struct scene *s, usec_t now) {
        struct settle settle = {
                .time = SETTLE, .writer_limit = 100 * SEC, .now = now, .now_real = REAL + now};
        struct listing l = {};
        struct entry e = {.size = s->size,
                          .changed = s->changed,
                          .flags = ENTRY_REGULAR,
                          .name_hash = name_hash()};
        bool settled;

        e.hash = file_hash(e.name_hash, e.size, s->changed, 1);
        assert_int_equal(array_push(&l.entries, e), 0);
        assert_int_equal(settle_apply(s->folder, &l, &settle, &s->due), 0);
        settled = l.entries.items[0].flags & ENTRY_SETTLED;
        listing_done(&l);
        return settled;
}

static void hint(struct scene *s, usec_t at, bool modified, bool writing) {
        folder_hint(s->folder, &(struct hint){.name_hash = name_hash(),
                                              .at = at,
                                              .modified = modified,
                                              .writing = writing});
}

/* Times in seconds from 1000 on. */
static usec_t at(double second) { return 1000 * SEC + (usec_t)(second * SEC); }

static void test_two_looks(void **state) {
        struct scene *s = *state;

        assert_false(look(s, at(0)));
        assert_int_equal(s->due, at(5));
        assert_false(look(s, at(4.9)));
        assert_int_equal(s->due, at(5)); /* counted from the first look */
        assert_true(look(s, at(5)));
        assert_int_equal(s->due, USEC_INFINITY);
        assert_true(look(s, at(5000)));
}

static void test_change_begins_again(void **state) {
        struct scene *s = *state;

        assert_false(look(s, at(0)));
        s->size = 2;
        assert_false(look(s, at(4)));
        assert_int_equal(s->due, at(9));
        assert_false(look(s, at(8)));
        assert_true(look(s, at(9)));
        s->size = 3; /* settled, and written again */
        s->changed += 20 * SEC;
        assert_false(look(s, at(20)));
        assert_true(look(s, at(25)));
}

static void test_event_begins_again(void **state) {
        struct scene *s = *state;

        assert_false(look(s, at(0)));
        hint(s, at(3), true, false);
        assert_false(look(s, at(5)));
        assert_int_equal(s->due, at(8));
        assert_true(look(s, at(8)));
        hint(s, at(10), true, false); /* the same size and time, but touched */
        assert_false(look(s, at(10.1)));
        assert_true(look(s, at(15)));
        hint(s, at(20), false, false); /* only opened and closed */
        assert_true(look(s, at(20.1)));
}

/* The event counts, not the look that it led to. */
static void test_since_event(void **state) {
        struct scene *s = *state;

        hint(s, at(0), true, false);
        assert_false(look(s, at(0.1)));
        assert_int_equal(s->due, at(5));
        assert_true(look(s, at(5)));
}

/* When the next look at three files is due that were written then, in seconds. */
static usec_t due_of_three(struct scene *s, const double written[3]) {
        static const char *const names[] = {"a.pdf", "b.pdf", "c.pdf"};
        struct settle settle = {
                .time = SETTLE, .writer_limit = 100 * SEC, .now = at(2), .now_real = REAL + at(2)};
        struct listing l = {};
        usec_t due = 0;

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                struct entry e = {.size = 1,
                                  .changed = s->changed,
                                  .flags = ENTRY_REGULAR,
                                  .name_hash = hash_bytes(names[i], 5)};

                e.hash = file_hash(e.name_hash, e.size, s->changed, i);
                folder_hint(s->folder, &(struct hint){.name_hash = e.name_hash,
                                                      .at = at(written[i]),
                                                      .modified = true});
                assert_int_equal(array_push(&l.entries, e), 0);
        }
        assert_int_equal(settle_apply(s->folder, &l, &settle, &due), 0);
        listing_done(&l);
        return due;
}

static void test_gathered(void **state) {
        assert_int_equal(due_of_three(*state, (const double[]){0.2, 0, 0.4}), at(5.4));
}

static void test_not_gathered(void **state) {
        assert_int_equal(due_of_three(*state, (const double[]){1.5, 0.2, 0}), at(5.2));
}

static void test_writer(void **state) {
        struct scene *s = *state;

        hint(s, at(0), true, true);
        assert_false(look(s, at(0.1)));
        assert_int_equal(s->due, USEC_INFINITY); /* only his event will tell */
        assert_false(look(s, at(50)));
        s->size = 7;
        assert_false(look(s, at(60)));
        hint(s, at(70), false, false); /* closed */
        assert_false(look(s, at(70.1)));
        assert_int_equal(s->due, at(75));
        assert_true(look(s, at(75)));
}

static void test_writer_forgotten(void **state) {
        struct scene *s = *state;

        hint(s, at(0), true, true);
        assert_false(look(s, at(99)));
        assert_true(look(s, at(101))); /* beyond the limit: nothing happened since his last word */
}

static void test_at_rest(void **state) {
        struct scene *s = *state;

        s->changed = REAL + at(-5);
        assert_true(look(s, at(0)));
        /* but not against what an event says, */
        s->size = 2;
        hint(s, at(1), true, false);
        assert_false(look(s, at(1.1)));
        assert_true(look(s, at(6)));
        /* nor with a time in the future */
        s->size = 3;
        s->changed = REAL + at(3600);
        assert_false(look(s, at(10)));
        assert_true(look(s, at(15)));
}

/* The clock of a file server is another one. */
static void test_at_rest_remote(void **state) {
        struct scene *s = *state;

        s->folder->remote = true;
        s->changed = REAL + at(-60);
        assert_false(look(s, at(0)));
        assert_true(look(s, at(5)));
        s->size = 2;
        s->changed = REAL + at(-3606);
        assert_true(look(s, at(6)));
}

static void test_at_boot(void **state) {
        struct scene *s = *state;

        s->changed = REAL - 1000 * SEC;
        assert_true(look(s, SEC)); /* the machine runs for less than the time to settle */
        assert_true(look(s, 2 * SEC));
}

static void test_many_hints(void **state) {
        struct scene *s = *state;

        hint(s, at(0), true, true);
        for (uint64_t i = 0; i < 300000; i++)
                folder_hint(s->folder,
                            &(struct hint){.name_hash = i, .at = at(1), .modified = true});
        assert_true(s->folder->cap_hints <= 65536);
        assert_int_equal(s->folder->blurred, at(1));
        /* what could not be kept is taken to be touched */
        s->changed = REAL + at(-100);
        s->folder->n_hints = 0;
        assert_false(look(s, at(2)));
        assert_int_equal(s->due, at(6));
        assert_int_equal(s->folder->blurred, 0);
}

static void test_hints_by_name(void **state) {
        struct scene *s = *state;

        for (uint64_t round = 0; round < 3; round++)
                for (uint64_t i = 0; i < 100; i++)
                        folder_hint(s->folder, &(struct hint){.name_hash = i * 7919 % 100,
                                                              .at = (usec_t)(1 + round * 100 + i),
                                                              .modified = round == 0,
                                                              .writing = round == 1});
        folder_hints_by_name(s->folder);
        assert_int_equal(s->folder->n_hints, 100);
        for (uint64_t i = 0; i < 100; i++) {
                assert_int_equal(s->folder->hints[i].name_hash, i);
                assert_true(s->folder->hints[i].at > 200);
                assert_true(s->folder->hints[i].modified);
                assert_false(s->folder->hints[i].writing);
        }
}

static void test_fingerprint(void **state) {
        struct mark a[] = {{1, 3}, {2, 3}}, b[] = {{2, 3}, {1, 3}}, c[] = {{1, 1}, {2, 3}};
        uint8_t x[FINGERPRINT_SIZE], y[FINGERPRINT_SIZE];

        (void)state;
        folder_fingerprint(a, 2, x);
        folder_fingerprint(b, 2, y);
        assert_memory_equal(x, y, sizeof(x)); /* whatever the order */
        folder_fingerprint(c, 2, y);
        assert_memory_not_equal(x, y, sizeof(x)); /* settled is a difference */
        folder_fingerprint(a, 1, y);
        assert_memory_not_equal(x, y, sizeof(x));
        folder_fingerprint(NULL, 0, y);
        assert_memory_not_equal(x, y, sizeof(x));
        assert_true(file_hash(1, 2, 3, 4) != file_hash(1, 2, 3, 5));
        assert_true(file_hash(1, 2, 3, 4) != file_hash(1, 3, 2, 4));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_two_looks),
                TEST(test_change_begins_again),
                TEST(test_event_begins_again),
                TEST(test_since_event),
                TEST(test_gathered),
                TEST(test_not_gathered),
                TEST(test_writer),
                TEST(test_writer_forgotten),
                TEST(test_at_rest),
                TEST(test_at_rest_remote),
                TEST(test_at_boot),
                TEST(test_many_hints),
                TEST(test_hints_by_name),
                TEST(test_fingerprint),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
