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

static struct settle settle_at(usec_t now) {
        return (struct settle){.time = SETTLE,
                               .quiet = SEC,
                               .writer_limit = 100 * SEC,
                               .now = now,
                               .now_real = REAL + now};
}

static void list_file(struct scene *s, struct listing *l) {
        struct entry e = {.size = s->size,
                          .changed = s->changed,
                          .flags = ENTRY_REGULAR,
                          .name_hash = name_hash()};

        strbuf_add(&l->names, "a.pdf", sizeof("a.pdf"));
        e.hash = file_hash(e.name_hash, e.size, s->changed, 1);
        assert_int_equal(array_push(&l->entries, e), 0);
}

static bool look(struct scene *s, usec_t now) {
        struct settle settle = settle_at(now);
        struct listing l = {};
        bool settled;

        list_file(s, &l);
        assert_int_equal(settle_apply(s->folder, &l, &settle), 0);
        s->due = s->folder->settle_at;
        settled = l.entries.items[0].flags & ENTRY_SETTLED;
        listing_done(&l);
        return settled;
}

static bool is_over(struct scene *s, usec_t now) {
        struct settle settle = settle_at(now);

        folder_hints_by_name(s->folder);
        assert_int_equal(s->folder->n_pending, 1);
        return settle_is_over(s->folder, &s->folder->pending[0], &settle);
}

/* What the file is told as when it alone is looked at; -1: as something else than it was. */
static int confirm(struct scene *s, usec_t now) {
        struct settle settle = settle_at(now);
        struct listing l = {};
        int flags = -1;

        list_file(s, &l);
        if (settle_confirm(s->folder, &l, &settle) > 0)
                flags = (int)l.entries.items[0].flags;
        listing_done(&l);
        return flags;
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
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                struct entry e = {.size = 1,
                                  .changed = s->changed,
                                  .flags = ENTRY_REGULAR,
                                  .name_hash = hash_bytes(names[i], 5)};

                e.name = l.names.len;
                strbuf_add(&l.names, names[i], strlen(names[i]) + 1);
                e.hash = file_hash(e.name_hash, e.size, s->changed, i);
                folder_hint(s->folder, &(struct hint){.name_hash = e.name_hash,
                                                      .at = at(written[i]),
                                                      .modified = true});
                assert_int_equal(array_push(&l.entries, e), 0);
        }
        assert_int_equal(settle_apply(s->folder, &l, &settle), 0);
        listing_done(&l);
        return s->folder->settle_at;
}

static void test_gathered(void **state) {
        assert_int_equal(due_of_three(*state, (const double[]){0.02, 0, 0.08}), at(5.08));
}

static void test_not_gathered(void **state) {
        assert_int_equal(due_of_three(*state, (const double[]){1.5, 0.05, 0}), at(5.05));
}

/* Looked at alone, when its time is over and nothing is known to have happened. */
static void test_confirm(void **state) {
        struct scene *s = *state;
        struct fingerprint print = {};

        assert_false(look(s, at(0)));
        fingerprint_add(&s->folder->fingerprint, s->folder->pending[0].hash, ENTRY_REGULAR);
        fingerprint_add(&print, s->folder->pending[0].hash, ENTRY_REGULAR | ENTRY_SETTLED);
        assert_false(is_over(s, at(4.9)));
        assert_true(is_over(s, at(5)));
        s->size = 2;
        assert_int_equal(confirm(s, at(5)), -1);
        assert_int_equal(s->folder->n_pending, 1);
        s->size = 1;
        assert_int_equal(confirm(s, at(5)), ENTRY_REGULAR | ENTRY_SETTLED);
        assert_int_equal(s->folder->n_pending, 0);
        assert_int_equal(s->folder->settle_at, USEC_INFINITY);
        assert_memory_equal(&s->folder->fingerprint, &print, sizeof(print));
        assert_true(look(s, at(6)));
}

static void test_nothing_to_confirm(void **state) {
        struct scene *s = *state;

        assert_false(look(s, at(0)));
        s->folder->blurred = at(1); /* it may be about this one */
        assert_false(is_over(s, at(5)));
        s->folder->blurred = 0;
        hint(s, at(1), false, false);
        assert_false(is_over(s, at(7)));
        assert_false(look(s, at(5)));
        assert_true(is_over(s, at(6)));
        hint(s, at(6), true, true);
        assert_false(look(s, at(7)));
        assert_int_equal(s->folder->settle_at, USEC_INFINITY);
        assert_false(is_over(s, at(50)));
}

/* The file was written then, and found at once; its hash. */
static uint64_t written(struct scene *s, double second) {
        s->changed = REAL + at(second);
        assert_false(look(s, at(second)));
        return s->folder->pending[0].hash;
}

/* What was read stands when neither an event nor the times of the file speak against it. */
static void test_read(void **state) {
        struct scene *s = *state;
        const int settled = ENTRY_REGULAR | ENTRY_SETTLED;
        uint64_t hash = written(s, 0);

        settle_note_read(s->folder, hash + 1, at(1), s->changed); /* another one */
        assert_int_equal(confirm(s, at(5)), settled);
        hash = written(s, 10);
        settle_note_read(s->folder, hash, at(11), s->changed);
        assert_int_equal(confirm(s, at(15)), settled | ENTRY_READ);
        hash = written(s, 20);
        settle_note_read(s->folder, hash, at(21), s->changed - 1);
        assert_int_equal(confirm(s, at(25)), settled);
        hash = written(s, 30);
        settle_note_read(s->folder, hash, at(31), s->changed);
        hint(s, at(32), true, false);
        assert_false(look(s, at(33)));
        assert_int_equal(confirm(s, at(37)), settled);
        hash = written(s, 40);
        settle_note_read(s->folder, hash, at(41), s->changed);
        folder_forget_writers(s->folder); /* events were lost */
        assert_int_equal(confirm(s, at(45)), settled);
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
        struct fingerprint x = {}, y = {}, none = {}, z;
        char text[FINGERPRINT_TEXT];

        (void)state;
        fingerprint_add(&x, 1, 3);
        fingerprint_add(&x, 2, 3);
        fingerprint_add(&y, 2, 3);
        assert_memory_not_equal(&x, &y, sizeof(x));
        assert_memory_not_equal(&y, &none, sizeof(y));
        fingerprint_add(&y, 1, 1);
        assert_memory_not_equal(&x, &y, sizeof(x)); /* settled is a difference */
        fingerprint_remove(&y, 1, 1);
        fingerprint_add(&y, 1, 3);
        assert_memory_equal(&x, &y, sizeof(x)); /* whatever the order */
        assert_int_equal(fingerprint_from_string(fingerprint_to_string(&x, text), &z), 0);
        assert_memory_equal(&x, &z, sizeof(x));
        assert_true(fingerprint_from_string("12", &z) < 0);
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
                TEST(test_confirm),
                TEST(test_nothing_to_confirm),
                TEST(test_read),
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
