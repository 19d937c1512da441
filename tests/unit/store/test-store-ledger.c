/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store-fixture.h"

#include <errno.h>
#include <sys/wait.h>

static const struct ledger_row sample[] = {
        {.at = 10,
         .event = "notice-decided",
         .instance = "1.2@2018-03-05",
         .task = "1.2",
         .unit = "VP"},
        {.at = 20, .event = "mail-accepted", .address = "a@x.example", .detail = "{\"code\":250}"},
        {.at = 30,
         .event = "evidence-counted",
         .instance = "1.2@2018-03-05",
         .task = "1.2",
         .unit = "VP",
         .detail = "{\"path\":\"quý I/báo cáo.pdf\"}"},
        {.at = 40, .event = "mail-accepted", .instance = "", .address = "b@x.example"},
        {.at = -50, .event = "release"},
};

static void fill(struct fixture *f) {
        assert_ok(store_begin(f->store));
        for (size_t i = 0; i < ELEMENTSOF(sample); i++)
                assert_ok(store_ledger_add(f->store, &sample[i]));
        assert_ok(store_commit(f->store));
}

struct seen {
        size_t n;
        int64_t seqs[64];
        char text[256]; /* of the last */
        uint8_t hash[SHA256_SIZE];
};

static int on_row(void *userdata, const struct ledger_row *row) {
        struct seen *s = userdata;

        assert_true(s->n < ELEMENTSOF(s->seqs));
        s->seqs[s->n++] = row->seq;
        memcpy(s->hash, row->hash, SHA256_SIZE);
        snprintf(s->text, sizeof(s->text), "%jd|%s|%s|%s|%s|%s|%s", (intmax_t)row->at, row->event,
                 row->instance ? row->instance : "-", row->task ? row->task : "-",
                 row->unit ? row->unit : "-", row->address ? row->address : "-", row->detail);
        return 0;
}

/* Row by row: the first that does not fit, 0 when sound. */
static int64_t check_in_parts(struct store *store) {
        struct ledger_check check = {};
        int r;

        while ((r = store_ledger_check(store, &check, 1)) > 0)
                ;
        assert_true(r == 0 || r == -EUCLEAN);
        return r == 0 ? 0 : check.seq;
}

static void test_head(void **state) {
        static const uint8_t zero[SHA256_SIZE];
        struct fixture *f = *state;
        uint8_t head[SHA256_SIZE] = {1};
        int64_t seq = 9;
        struct seen s = {};

        assert_ok(store_ledger_head(f->store, head, &seq));
        assert_int_equal(seq, 0);
        assert_memory_equal(head, zero, SHA256_SIZE);
        assert_ok(store_ledger_verify(f->store, &seq));
        assert_int_equal(check_in_parts(f->store), 0);
        fill(f);
        assert_ok(store_ledger_head(f->store, head, &seq));
        assert_int_equal(seq, ELEMENTSOF(sample));
        assert_ok(store_ledger_query(f->store, &(struct ledger_filter){.until = USEC_INFINITY},
                                     on_row, &s));
        assert_memory_equal(head, s.hash, SHA256_SIZE);
        assert_string_equal(s.text, "-50|release|-|-|-|-|{}");
}

static void test_goes_on(void **state) {
        struct fixture *f = *state;
        int64_t seq = 0;
        uint8_t head[SHA256_SIZE];

        fill(f);
        assert_ok(store_begin(f->store));
        assert_ok(store_ledger_add(f->store, &sample[0]));
        store_rollback(f->store); /* leaves no gap */
        fixture_close(f);
        fixture_open(f);
        fill(f);
        assert_ok(store_ledger_verify(f->store, &seq));
        assert_ok(store_ledger_head(f->store, head, &seq));
        assert_int_equal(seq, 2 * ELEMENTSOF(sample));
}

static void test_query(void **state) {
        static const struct {
                struct ledger_filter filter;
                const char *seqs; /* two rounds of the sample: 1-5 and 6-10 */
        } cases[] = {
                {{.until = USEC_INFINITY}, "1 2 3 4 5 6 7 8 9 10"},
                {{.instance = "1.2@2018-03-05", .until = USEC_INFINITY}, "1 3 6 8"},
                {{.instance = "", .until = USEC_INFINITY}, "4 9"},
                {{.instance = "1.2", .until = USEC_INFINITY}, ""},
                {{.task = "1.2", .event = "evidence-counted", .until = USEC_INFINITY}, "3 8"},
                {{.unit = "VP", .until = USEC_INFINITY}, "1 3 6 8"},
                {{.address = "a@x.example", .until = USEC_INFINITY}, "2 7"},
                {{.event = "mail-accepted", .until = USEC_INFINITY}, "2 4 7 9"},
                {{.from = 20, .until = 40}, "2 3 7 8"},
                {{.from = 40, .until = USEC_INFINITY}, "4 9"},
                {{.until = 11}, "1 5 6 10"},
                {{.limit = 3, .until = USEC_INFINITY}, "8 9 10"},
                {{.limit = 99, .until = USEC_INFINITY}, "1 2 3 4 5 6 7 8 9 10"},
                {{.limit = SIZE_MAX, .until = USEC_INFINITY}, "1 2 3 4 5 6 7 8 9 10"},
                {{.limit = 1, .event = "mail-accepted", .until = USEC_INFINITY}, "9"},
                {{.limit = 1, .instance = "1.2@2018-03-05", .until = USEC_INFINITY}, "8"},
                {{.after_seq = 8, .until = USEC_INFINITY}, "9 10"},
                {{.after_seq = 2, .limit = 3, .until = USEC_INFINITY}, "3 4 5"},
                {{.after_seq = 10, .limit = 3, .until = USEC_INFINITY}, ""},
                {{.event = "x' OR '1'='1", .until = USEC_INFINITY}, ""},
        };
        struct fixture *f = *state;

        fill(f);
        fill(f);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct seen s = {};
                char text[128] = "";

                assert_ok(store_ledger_query(f->store, &cases[i].filter, on_row, &s));
                for (size_t k = 0; k < s.n; k++)
                        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%d",
                                 k ? " " : "", (int)s.seqs[k]);
                assert_string_equal(text, cases[i].seqs);
        }
}

static int stop(void *userdata, const struct ledger_row *row) {
        (void)row;
        return ++*(int *)userdata == 2 ? -ECANCELED : 0;
}

static void test_callback_ends_it(void **state) {
        struct fixture *f = *state;
        int n = 0;

        fill(f);
        assert_int_equal(store_ledger_query(f->store,
                                            &(struct ledger_filter){.until = USEC_INFINITY}, stop,
                                            &n),
                         -ECANCELED);
        assert_int_equal(n, 2);
}

static void test_append_only(void **state) {
        static const char *const attempts[] = {
                "UPDATE ledger SET event = 'x' WHERE seq = 2",
                "DELETE FROM ledger WHERE seq = 5",
                "DELETE FROM ledger",
                "REPLACE INTO ledger SELECT * FROM ledger WHERE seq = 2",
                "INSERT INTO ledger SELECT 7, at, event, NULL, NULL, NULL, NULL, '{}', hash FROM "
                "ledger WHERE seq = 5",
                "INSERT INTO ledger (at, event, detail, hash) VALUES (1, 'x', '{}', x'00')",
        };
        struct fixture *f = *state;
        int64_t seq;

        fill(f);
        for (size_t i = 0; i < ELEMENTSOF(attempts); i++)
                assert_int_equal(fixture_sql(f->path, attempts[i]), SQLITE_CONSTRAINT);
        assert_ok(store_ledger_verify(f->store, &seq));
}

/* Somebody who takes the triggers away first. */
static void test_verify(void **state) {
        static const struct {
                const char *sql;
                int64_t seq;
        } cases[] = {
                {"UPDATE ledger SET at = at + 1 WHERE seq = 2", 2},
                {"UPDATE ledger SET event = 'mail-parked' WHERE seq = 2", 2},
                {"UPDATE ledger SET instance = NULL WHERE seq = 4", 4}, /* '' is not NULL */
                {"UPDATE ledger SET task = '1.3' WHERE seq = 1", 1},
                {"UPDATE ledger SET task = '1.2V', unit = 'P' WHERE seq = 3",
                 3}, /* the same letters */
                {"UPDATE ledger SET unit = 'KHTC' WHERE seq = 3", 3},
                {"UPDATE ledger SET address = 'c@x.example' WHERE seq = 4", 4},
                {"UPDATE ledger SET detail = '{ }' WHERE seq = 5", 5},
                {"UPDATE ledger SET hash = zeroblob(32) WHERE seq = 5", 5},
                {"UPDATE ledger SET hash = x'00' WHERE seq = 3", 3},
                {"DELETE FROM ledger WHERE seq = 1", 2},
                {"DELETE FROM ledger WHERE seq = 3", 4},
                {"UPDATE ledger SET seq = 6 WHERE seq = 5", 6},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                void *own = NULL;
                struct fixture *f;
                int64_t seq = 0;

                assert_ok(fixture_setup(&own));
                f = own;
                fill(f);
                assert_int_equal(fixture_sql(f->path, "DROP TRIGGER ledger_no_update;"
                                                      "DROP TRIGGER ledger_no_delete"),
                                 SQLITE_OK);
                assert_int_equal(fixture_sql(f->path, cases[i].sql), SQLITE_OK);
                assert_int_equal(store_ledger_verify(f->store, &seq), -EUCLEAN);
                assert_int_equal(check_in_parts(f->store), seq);
                assert_int_equal(seq, cases[i].seq);
                assert_ok(fixture_teardown(&own));
        }
}

/* A ledger that was forged with fitting hashes, but does not begin at 1. */
static void test_verify_numbers(void **state) {
        /* clang-format off */
        static const uint8_t row[] = {
                [32 + 7] = 2,        /* seq, behind the hash before it */
                [40 + 7] = 9,        /* at */
                [48 + 7] = 1, 'e',   /* event */
                0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, /* instance */
                0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, /* task */
                0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, /* unit */
                0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, /* address */
                0, 0, 0, 0, 0, 0, 0, 2, '{', '}',               /* detail */
        };
        /* clang-format on */
        struct fixture *f = *state;
        uint8_t first[sizeof(row)], hash[SHA256_SIZE];
        char sql[512], hex[SHA256_HEX];
        int64_t seq = 0;

        assert_ok(sha256_of(row, sizeof(row), hash));
        snprintf(
                sql, sizeof(sql),
                "DROP TRIGGER ledger_gapless;"
                "INSERT INTO ledger (seq, at, event, detail, hash) VALUES (2, 9, 'e', '{}', x'%s')",
                hex_encode(hash, SHA256_SIZE, hex));
        assert_int_equal(fixture_sql(f->path, sql), SQLITE_OK);
        assert_int_equal(store_ledger_verify(f->store, &seq), -EUCLEAN);
        assert_int_equal(seq, 2);

        /* The same row as number 1 is sound: it was the number that did not fit. */
        memcpy(first, row, sizeof(row));
        first[32 + 7] = 1;
        assert_ok(sha256_of(first, sizeof(first), hash));
        snprintf(
                sql, sizeof(sql),
                "DROP TRIGGER ledger_no_delete; DELETE FROM ledger;"
                "INSERT INTO ledger (seq, at, event, detail, hash) VALUES (1, 9, 'e', '{}', x'%s')",
                hex_encode(hash, SHA256_SIZE, hex));
        assert_int_equal(fixture_sql(f->path, sql), SQLITE_OK);
        assert_ok(store_ledger_verify(f->store, &seq));
}

/* What the Python program says of the file. Return: its exit status. */
static int check(const struct fixture *f, char *buf, size_t size) {
        _cleanup_free_ char *command = NULL;
        FILE *out;
        size_t n;
        int status;

        assert_true(asprintf(&command, "%s %s/tests/unit/store/check-ledger.py %s", PYTHON,
                             SOURCE_DIR, f->path) > 0);
        out = popen(command, "re");
        assert_non_null(out);
        n = fread(buf, 1, size - 1, out);
        buf[n] = '\0';
        buf[strcspn(buf, "\n")] = '\0';
        status = pclose(out);
        assert_true(WIFEXITED(status));
        return WEXITSTATUS(status);
}

static void test_against_python(void **state) {
        struct fixture *f = *state;
        uint8_t head[SHA256_SIZE];
        char said[256], expected[256], hex[SHA256_HEX];
        int64_t seq;

        if (access(PYTHON, X_OK) < 0)
                skip(); /* no Python here */
        fill(f);
        fill(f);
        assert_ok(store_ledger_head(f->store, head, &seq));
        snprintf(expected, sizeof(expected), "%d %s", (int)seq, hex_encode(head, SHA256_SIZE, hex));
        assert_int_equal(check(f, said, sizeof(said)), 0);
        assert_string_equal(said, expected);

        assert_int_equal(fixture_sql(f->path, "DROP TRIGGER ledger_no_update;"
                                              "UPDATE ledger SET unit = 'x' WHERE seq = 7"),
                         SQLITE_OK);
        assert_int_equal(check(f, said, sizeof(said)), 1);
        assert_string_equal(said, "broken at 7");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                store_test(test_head),           store_test(test_goes_on),
                store_test(test_query),          store_test(test_callback_ends_it),
                store_test(test_append_only),    cmocka_unit_test(test_verify),
                store_test(test_verify_numbers), store_test(test_against_python),
        };

        return cmocka_run_group_tests_name("store-ledger", tests, NULL, NULL);
}
