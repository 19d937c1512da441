/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store-fixture.h"

#include <errno.h>

/* What the last loading gave, copied. */
struct loaded {
        size_t n;
        struct {
                char key[64], task[32], unit[32], label[32];
                bool has_label;
                struct stored_instance row; /* strings and arrays not to be used */
                uint32_t have[8];
                struct record records[8];
        } items[8];
};

static int on_instance(void *userdata, const struct stored_instance *row) {
        struct loaded *l = userdata;

        assert_true(l->n < ELEMENTSOF(l->items));
        assert_true(row->history.n_have <= 8 && row->history.n_records <= 8);
        snprintf(l->items[l->n].key, sizeof(l->items[0].key), "%s", row->key);
        snprintf(l->items[l->n].task, sizeof(l->items[0].task), "%s", row->task);
        snprintf(l->items[l->n].unit, sizeof(l->items[0].unit), "%s", row->unit);
        snprintf(l->items[l->n].label, sizeof(l->items[0].label), "%s",
                 row->label ? row->label : "");
        l->items[l->n].has_label = row->label;
        l->items[l->n].row = *row;
        for (size_t i = 0; i < row->history.n_have; i++)
                l->items[l->n].have[i] = row->history.have[i];
        for (size_t i = 0; i < row->history.n_records; i++)
                l->items[l->n].records[i] = row->history.records[i];
        l->n++;
        return 0;
}

static void load(struct fixture *f, struct loaded *l) {
        memset(l, 0, sizeof(*l));
        assert_ok(store_load_instances(f->store, on_instance, l));
}

static struct stored_instance plain(const char *key) {
        return (struct stored_instance){.key = key,
                                        .task = "1.2",
                                        .unit = "VP",
                                        .stated = DATE_NONE,
                                        .time_of_day = -1,
                                        .deadline = USEC_INFINITY,
                                        .history = HISTORY_INIT};
}

static void put(struct fixture *f, const struct stored_instance *row) {
        assert_ok(store_begin(f->store));
        assert_ok(store_put_instance(f->store, row));
        assert_ok(store_commit(f->store));
}

static const uint32_t all_have[] = {2, 0, UINT32_MAX};

/* A value in every column, and not the one that stands there by itself. */
static struct stored_instance full(void) {
        return (struct stored_instance){
                .key = "1.2@2018-03-05/VP",
                .task = "1.2",
                .unit = "VP",
                .label = "quý I",
                .stated = date_from_ymd(2018, 3, 5),
                .time_of_day = 59400,
                .due_word = DUE_WORD_BEFORE,
                .shift = SHIFT_NONE,
                .deadline = 1520240400000000,
                .retired = true,
                .history = {.first_known = 1,
                            .episode = 3,
                            .episode_began = 2,
                            .cause = EPISODE_WAIVER_ENDED,
                            .scanned = true,
                            .unverified = true,
                            .explained = true,
                            .overruled_at = 77,
                            .extended_to = date_from_ymd(2018, 4, 1),
                            .passed = {.last = date_from_ymd(2018, 3, 4),
                                       .effective = date_from_ymd(2018, 3, 2),
                                       .instant = 9},
                            .waived_until = USEC_INFINITY,
                            .snoozed_until = 4,
                            .have = all_have,
                            .n_have = 3,
                            .complete_at = 5,
                            .ladder_end_told = true},
        };
}

static void assert_same_history(const struct history *found, const struct history *put) {
        assert_int_equal(found->first_known, put->first_known);
        assert_int_equal(found->episode, put->episode);
        assert_int_equal(found->episode_began, put->episode_began);
        assert_int_equal(found->cause, put->cause);
        assert_int_equal(found->scanned, put->scanned);
        assert_int_equal(found->unverified, put->unverified);
        assert_int_equal(found->explained, put->explained);
        assert_int_equal(found->ladder_end_told, put->ladder_end_told);
        assert_int_equal(found->overruled_at, put->overruled_at);
        assert_int_equal(found->extended_to, put->extended_to);
        assert_int_equal(found->passed.last, put->passed.last);
        assert_int_equal(found->passed.effective, put->passed.effective);
        assert_int_equal(found->passed.instant, put->passed.instant);
        assert_true(found->waived_until == put->waived_until);
        assert_int_equal(found->snoozed_until, put->snoozed_until);
        assert_int_equal(found->complete_at, put->complete_at);
        assert_int_equal(found->n_have, put->n_have);
        assert_int_equal(found->n_records, put->n_records);
}

static void test_everything_kept(void **state) {
        const struct stored_instance put_row = full();
        struct fixture *f = *state;
        struct loaded l;
        const struct stored_instance *found = &l.items[0].row;

        put(f, &put_row);
        fixture_close(f);
        fixture_open(f);
        load(f, &l);
        assert_int_equal(l.n, 1);
        assert_string_equal(l.items[0].key, put_row.key);
        assert_string_equal(l.items[0].task, put_row.task);
        assert_string_equal(l.items[0].unit, put_row.unit);
        assert_string_equal(l.items[0].label, put_row.label);
        assert_int_equal(found->stated, put_row.stated);
        assert_int_equal(found->time_of_day, put_row.time_of_day);
        assert_int_equal(found->due_word, put_row.due_word);
        assert_int_equal(found->shift, put_row.shift);
        assert_int_equal(found->deadline, put_row.deadline);
        assert_int_equal(found->retired, put_row.retired);
        assert_same_history(&found->history, &put_row.history);
        assert_memory_equal(l.items[0].have, all_have, sizeof(all_have));
}

static void test_nothing_stays_nothing(void **state) {
        struct stored_instance row = plain("1.2");
        struct fixture *f = *state;
        struct loaded l;

        put(f, &row);
        load(f, &l);
        assert_int_equal(l.n, 1);
        assert_false(l.items[0].has_label);
        assert_int_equal(l.items[0].row.stated, DATE_NONE);
        assert_int_equal(l.items[0].row.history.extended_to, DATE_NONE);
        assert_int_equal(l.items[0].row.history.passed.instant, 0);
        assert_int_equal(l.items[0].row.history.n_have, 0);
        assert_false(l.items[0].row.retired || l.items[0].row.history.scanned);
}

/* An enum that one day grows must be kept as the word that stands for it. */
static void test_words_in_the_file(void **state) {
        struct stored_instance row = plain("1.2");
        struct fixture *f = *state;
        char buf[64];

        for (enum episode_cause c = 0; c < _EPISODE_CAUSE_MAX; c++) {
                struct loaded l;

                row.history.cause = c;
                put(f, &row);
                load(f, &l);
                assert_int_equal(l.items[0].row.history.cause, c);
                assert_string_equal(
                        fixture_ask(f->path, "SELECT cause FROM instance", buf, sizeof(buf)),
                        episode_cause_to_string(c));
        }
        assert_int_equal(fixture_sql(f->path, "UPDATE instance SET cause = 'boredom'"), SQLITE_OK);
        assert_int_equal(store_load_instances(f->store, on_instance, &(struct loaded){}), -EIO);
        assert_non_null(strstr(store_error(f->store), "boredom"));
}

static void add(struct fixture *f, const char *key, struct record record, int r) {
        assert_ok(store_begin(f->store));
        assert_int_equal(store_add_record(f->store, key, &record, 0), r);
        assert_ok(store_commit(f->store));
}

static void test_records(void **state) {
        const struct record base = {.episode = 1,
                                    .deadline = 100,
                                    .offset = {-3, OFFSET_WORKING_DAYS},
                                    .fired = 10,
                                    .at = 11,
                                    .kind = RECORD_SENT};
        struct stored_instance row = plain("a"), other = plain("b");
        struct fixture *f = *state;
        struct record r = base;
        struct loaded l;

        put(f, &row);
        put(f, &other);
        add(f, "a", r, 0);
        for (enum offset_unit u = OFFSET_DAYS; u < _OFFSET_UNIT_MAX; u++) {
                r.offset.unit = u;
                add(f, "a", r, 0);
        }
        r = base;
        r.episode = 2;
        add(f, "a", r, 0);
        r = base;
        r.deadline = 200;
        r.kind = RECORD_SUPERSEDED;
        add(f, "a", r, 0);
        r = base; /* the same firing again */
        r.kind = RECORD_COVERED;
        r.at = 99;
        add(f, "a", r, 0);
        add(f, "b", base, 0);
        add(f, "nobody", base, -EIO);

        put(f, &row); /* does not take the records away */
        load(f, &l);
        assert_int_equal(l.n, 2);
        assert_int_equal(l.items[0].row.history.n_records, 6);
        assert_int_equal(l.items[1].row.history.n_records, 1);
        assert_int_equal(l.items[0].records[0].kind, RECORD_COVERED);
        assert_int_equal(l.items[0].records[0].at, 99);
        assert_int_equal(l.items[0].records[0].offset.count, -3);
        assert_int_equal(l.items[0].records[0].offset.unit, OFFSET_WORKING_DAYS);
        assert_int_equal(l.items[0].records[3].offset.unit, OFFSET_HOURS);
        assert_int_equal(l.items[0].records[4].episode, 2);
        assert_int_equal(l.items[0].records[5].kind, RECORD_SUPERSEDED);
        assert_int_equal(l.items[0].records[5].deadline, 200);
}

static int count_notice(void *userdata, const struct stored_notice *row) {
        *(int *)userdata += row->instance && strcmp(row->instance, "new") == 0;
        return 0;
}

static int count_file(void *userdata, const struct stored_file *row) {
        *(int *)userdata += row->instance && strcmp(row->instance, "new") == 0;
        return 0;
}

static void test_rename(void **state) {
        const struct record record = {.episode = 1, .kind = RECORD_SENT};
        struct stored_instance row = plain("old"), other = plain("other");
        struct fixture *f = *state;
        struct loaded l;
        int n_files = 0, n_notices = 0;

        put(f, &row);
        put(f, &other);
        add(f, "old", record, 0);
        add(f, "other", record, 0);
        assert_ok(store_begin(f->store));
        assert_ok(store_put_file(
                f->store, &(struct stored_file){.root = "/r", .path = "p", .instance = "old"},
                NULL));
        assert_ok(store_put_file(
                f->store, &(struct stored_file){.root = "/r", .path = "q", .instance = "other"},
                NULL));
        assert_ok(store_add_notice(
                f->store, &(struct stored_notice){.kind = NOTICE_REFUSED, .instance = "old"}));
        assert_ok(store_ledger_add(f->store,
                                   &(struct ledger_row){.at = 1, .event = "e", .instance = "old"}));

        assert_int_equal(store_rename_instance(f->store, "absent", "new"), -ENOENT);
        assert_int_equal(store_rename_instance(f->store, "old", "other"), -EEXIST);
        assert_ok(store_rename_instance(f->store, "old", "new"));
        assert_ok(store_commit(f->store));

        load(f, &l);
        assert_int_equal(l.n, 2);
        assert_string_equal(l.items[0].key, "new");
        assert_int_equal(l.items[0].row.history.n_records, 1);
        assert_int_equal(l.items[1].row.history.n_records, 1);
        assert_ok(store_load_files(f->store, count_file, &n_files));
        assert_int_equal(n_files, 1);
        assert_ok(store_load_notices(f->store, USEC_INFINITY, count_notice, &n_notices));
        assert_int_equal(n_notices, 1);
        assert_ok(store_ledger_verify(f->store, &(int64_t){0}));
}

static int stop_at_once(void *userdata, const struct stored_instance *row) {
        (void)row;
        ++*(int *)userdata;
        return -ECANCELED;
}

/* Loading inside a callback of the same loading, and a callback that ends it. */
static int load_again(void *userdata, const struct stored_instance *row) {
        struct fixture *f = userdata;
        int n = 0;

        (void)row;
        assert_int_equal(store_load_instances(f->store, stop_at_once, &n), -ECANCELED);
        assert_int_equal(n, 1);
        return 0;
}

static void test_callbacks(void **state) {
        struct stored_instance a = plain("a"), b = plain("b");
        struct fixture *f = *state;

        put(f, &a);
        put(f, &b);
        assert_ok(store_load_instances(f->store, load_again, f));
        assert_ok(store_load_instances(f->store, load_again, f));
}

static void test_date_out_of_range(void **state) {
        struct stored_instance row = plain("a");
        struct fixture *f = *state;

        row.stated = date_from_ymd(2199, 12, 31) + 1;
        assert_ok(store_begin(f->store));
        assert_int_equal(store_put_instance(f->store, &row), -ERANGE);
        store_rollback(f->store);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                store_test(test_everything_kept),
                store_test(test_nothing_stays_nothing),
                store_test(test_words_in_the_file),
                store_test(test_records),
                store_test(test_rename),
                store_test(test_callbacks),
                store_test(test_date_out_of_range),
        };

        return cmocka_run_group_tests_name("store-instances", tests, NULL, NULL);
}
