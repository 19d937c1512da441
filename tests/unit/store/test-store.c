/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store-fixture.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

static void test_values(void **state) {
        struct fixture *f = *state;
        _cleanup_free_ char *text = NULL;
        int64_t value = 7;

        assert_int_equal(store_get_i64(f->store, "clock_offset", &value), -ENOENT);
        assert_int_equal(store_get_text(f->store, "time_zone", &text), -ENOENT);
        assert_int_equal(value, 7);
        assert_null(text);

        assert_ok(store_begin(f->store));
        assert_ok(store_set_i64(f->store, "clock_offset", -5));
        assert_ok(store_set_i64(f->store, "clock_offset", INT64_MIN));
        assert_ok(store_set_text(f->store, "time_zone", "Asia/Ho_Chi_Minh"));
        assert_ok(store_commit(f->store));
        fixture_close(f);
        fixture_open(f);

        assert_int_equal(f->condition, STORE_SOUND);
        assert_ok(store_get_i64(f->store, "clock_offset", &value));
        assert_true(value == INT64_MIN);
        assert_ok(store_get_text(f->store, "time_zone", &text));
        assert_string_equal(text, "Asia/Ho_Chi_Minh");
        assert_int_equal(store_get_i64(f->store, "time_zone", &value), -EIO);
        assert_string_not_equal(store_error(f->store), "");
}

static void test_rollback(void **state) {
        struct fixture *f = *state;
        int64_t value;

        store_rollback(f->store); /* no effect */
        assert_ok(store_begin(f->store));
        assert_ok(store_set_i64(f->store, "a", 1));
        assert_ok(store_ledger_add(f->store, &(struct ledger_row){.at = 1, .event = "x"}));
        store_rollback(f->store);
        assert_int_equal(store_get_i64(f->store, "a", &value), -ENOENT);

        /* What is open at the end is no more than begun. */
        assert_ok(store_begin(f->store));
        assert_ok(store_set_i64(f->store, "a", 1));
        fixture_close(f);
        fixture_open(f);
        assert_int_equal(store_get_i64(f->store, "a", &value), -ENOENT);
        assert_ok(store_begin(f->store));
        assert_ok(store_ledger_add(f->store, &(struct ledger_row){.at = 1, .event = "y"}));
        assert_ok(store_commit(f->store));
        assert_ok(store_ledger_verify(f->store, &value));
}

static void test_conditions(void **state) {
        struct fixture *f = *state;
        char buf[64];

        assert_int_equal(f->condition, STORE_FRESH);
        fixture_close(f);
        fixture_open(f);
        assert_int_equal(f->condition, STORE_SOUND);
        fixture_close(f);
        assert_string_equal(fixture_ask(f->path, "PRAGMA journal_mode", buf, sizeof(buf)), "wal");
        assert_string_equal(fixture_ask(f->path, "PRAGMA integrity_check", buf, sizeof(buf)), "ok");
}

static void test_private(void **state) {
        struct fixture *f = *state;
        static const char *const names[] = {"evidenced.db", "evidenced.db-wal", "evidenced.db-shm",
                                            "lock"};
        char path[PATH_MAX];
        struct stat st;

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                snprintf(path, sizeof(path), "%s/%s", f->dir, names[i]);
                assert_ok(stat(path, &st));
                assert_int_equal(st.st_mode & 077, 0);
        }
}

static void test_makes_folder(void **state) {
        struct fixture *f = *state;
        char dir[PATH_MAX];
        struct store *store = NULL;
        enum store_condition condition;
        struct stat st;

        snprintf(dir, sizeof(dir), "%s/deep/er", f->dir);
        assert_ok(store_open(dir, &store, &condition, NULL));
        store_free(store);
        assert_ok(stat(dir, &st));
        assert_int_equal(st.st_mode & 0777, 0700);
        assert_int_equal(condition, STORE_FRESH);
        snprintf(dir, sizeof(dir), "%s/lock/under-a-file", f->dir);
        assert_int_equal(store_open(dir, &store, &condition, NULL), -ENOTDIR);
}

static void test_lock(void **state) {
        struct fixture *f = *state;
        struct store *other = NULL;
        enum store_condition condition = _STORE_CONDITION_MAX;
        pid_t holder = 0, child;
        int status;

        /* A lock of the process would let the same process in; that of the open file does not. */
        assert_int_equal(store_open(f->dir, &other, &condition, &holder), -EBUSY);
        assert_int_equal(holder, getpid());
        assert_null(other);
        assert_int_equal(condition, _STORE_CONDITION_MAX);

        child = fork();
        if (child == 0) {
                holder = 0;
                if (store_open(f->dir, &other, &condition, &holder) != -EBUSY)
                        _exit(1);
                _exit(holder == getppid() ? 0 : 2);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);

        fixture_close(f);
        fixture_open(f); /* free again */
}

static void test_not_ours(void **state) {
        static const struct {
                const char *sql;
                int r;
        } cases[] = {
                {"PRAGMA user_version = 9999", -EPROTO}, /* of a later version */
                {"PRAGMA application_id = 1", -EPROTO},  /* another program's */
                {"PRAGMA user_version = 0; PRAGMA application_id = 0", -EPROTO},
        };
        struct fixture *f = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char sql[128], version[32], id[32], before[32], after[32];

                fixture_close(f);
                fixture_ask(f->path, "PRAGMA user_version", version, sizeof(version));
                fixture_ask(f->path, "PRAGMA application_id", id, sizeof(id));
                assert_int_equal(fixture_sql(f->path, cases[i].sql), SQLITE_OK);
                fixture_ask(f->path, "PRAGMA user_version", before, sizeof(before));
                assert_int_equal(store_open(f->dir, &f->store, &f->condition, NULL), cases[i].r);
                fixture_ask(f->path, "PRAGMA user_version", after, sizeof(after));
                assert_string_equal(before, after); /* left alone */
                snprintf(sql, sizeof(sql), "PRAGMA user_version = %s; PRAGMA application_id = %s",
                         version, id);
                assert_int_equal(fixture_sql(f->path, sql), SQLITE_OK);
                fixture_open(f);
                assert_int_equal(f->condition, STORE_SOUND);
        }
}

static void set_outside(struct store *store) { store_set_i64(store, "a", 1); }

static void begin_twice(struct store *store) {
        if (store_begin(store) == 0)
                store_begin(store);
}

static void commit_nothing(struct store *store) { store_commit(store); }

static void test_defects(void **state) {
#ifdef NDEBUG
        (void)state;
        skip(); /* built without assertions */
#else
        void (*const defects[])(struct store *) = {set_outside, begin_twice, commit_nothing};
        struct fixture *f = *state;

        for (size_t i = 0; i < ELEMENTSOF(defects); i++) {
                pid_t child = fork();
                int status;

                if (child == 0) {
                        signal(SIGABRT, SIG_DFL);
                        (void)!freopen("/dev/null", "w", stderr);
                        defects[i](f->store);
                        _exit(0);
                }
                assert_int_equal(waitpid(child, &status, 0), child);
                assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
        }
#endif
}

/* A person's sqlite3 that reads must not keep us from writing. */
static void test_reader_beside(void **state) {
        struct fixture *f = *state;
        sqlite3 *db = NULL;

        assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, "BEGIN; SELECT count(*) FROM ledger", NULL, NULL, NULL),
                         SQLITE_OK);
        assert_ok(store_begin(f->store));
        assert_ok(store_set_i64(f->store, "a", 1));
        assert_ok(store_commit(f->store));
        sqlite3_close(db);
}

/* Writes messages until the disk is full. Return: what failed. */
static int fill_disk(struct store *store) {
        static const char *const recipients[] = {"a@x.example"};
        static char body[64 * 1024];
        int r = store_begin(store);

        for (int i = 0; r == 0 && i < 1000; i++) {
                char message_id[32];

                snprintf(message_id, sizeof(message_id), "<%d@full>", i);
                r = store_ledger_add(store, &(struct ledger_row){.at = i, .event = "x"});
                if (r == 0)
                        r = store_add_message(store,
                                              &(struct outbox_message){.message_id = message_id,
                                                                       .subject = "s",
                                                                       .from = "f",
                                                                       .bytes = body,
                                                                       .size = sizeof(body)},
                                              recipients, 1, NULL);
        }
        return r == 0 ? store_commit(store) : r;
}

static void test_full_disk(void **state) {
        struct fixture *f = *state;
        struct outbox_counts counts;
        struct rlimit old, tight;
        int64_t seq = 0;
        uint8_t head[SHA256_SIZE];
        int r;

        assert_ok(store_begin(f->store));
        assert_ok(store_ledger_add(f->store, &(struct ledger_row){.at = 1, .event = "before"}));
        assert_ok(store_commit(f->store));

        signal(SIGXFSZ, SIG_IGN);
        assert_ok(getrlimit(RLIMIT_FSIZE, &old));
        tight = (struct rlimit){.rlim_cur = 1 << 20, .rlim_max = old.rlim_max};
        assert_ok(setrlimit(RLIMIT_FSIZE, &tight));
        r = fill_disk(f->store);
        store_rollback(f->store);
        assert_ok(setrlimit(RLIMIT_FSIZE, &old));
        assert_true(r == -EIO || r == -ENOSPC);
        assert_string_not_equal(store_error(f->store), "");

        /* Nothing of it is there, and it goes on as soon as there is room. */
        assert_ok(store_outbox_count(f->store, &counts));
        assert_int_equal(counts.by_state[OUTBOX_QUEUED], 0);
        assert_ok(store_begin(f->store));
        assert_ok(store_ledger_add(f->store, &(struct ledger_row){.at = 2, .event = "after"}));
        assert_ok(store_commit(f->store));
        assert_ok(store_ledger_verify(f->store, &seq));
        assert_ok(store_ledger_head(f->store, head, &seq));
        assert_int_equal(seq, 2);
        fixture_close(f);
        fixture_open(f);
        assert_int_equal(f->condition, STORE_SOUND);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                store_test(test_values),        store_test(test_rollback),
                store_test(test_conditions),    store_test(test_private),
                store_test(test_makes_folder),  store_test(test_lock),
                store_test(test_not_ours),      store_test(test_defects),
                store_test(test_reader_beside), store_test(test_full_disk),
        };

        (void)set_outside;
        (void)begin_twice;
        (void)commit_nothing;
        return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
