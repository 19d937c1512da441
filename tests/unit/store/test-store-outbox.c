/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store-fixture.h"

#include <errno.h>

#include "base/text.h"
#include "store/store-internal.h" /* the connection, to count what a question costs */

#define N_MANY 20000

struct seen {
        size_t n;
        int64_t ids[16], messages[16];
        bool bytes;
        struct outbox_entry last; /* strings not to be used */
        char recipient[64], enhanced[16], server[64], reply[64], body[64], text[256];
};

static int on_entry(void *userdata, const struct outbox_entry *e) {
        struct seen *s = userdata;

        if (s->n < ELEMENTSOF(s->ids)) {
                s->ids[s->n] = e->id;
                s->messages[s->n] = e->message.id;
        }
        s->n++;
        s->last = *e;
        s->bytes = e->message.bytes;
        snprintf(s->recipient, sizeof(s->recipient), "%s", e->recipient);
        snprintf(s->enhanced, sizeof(s->enhanced), "%s", e->enhanced ? e->enhanced : "-");
        snprintf(s->server, sizeof(s->server), "%s", e->server ? e->server : "-");
        snprintf(s->reply, sizeof(s->reply), "%s", e->reply ? e->reply : "-");
        snprintf(s->text, sizeof(s->text), "%s|%s|%s|%s|%s|%s", e->message.message_id,
                 e->message.subject, e->message.from, e->message.to,
                 e->message.cc ? e->message.cc : "-", e->message.items ? e->message.items : "-");
        if (e->message.bytes)
                memcpy(s->body, e->message.bytes, e->message.size < 64 ? e->message.size : 64);
        return 0;
}

static struct seen ready(struct fixture *f, usec_t now, size_t max) {
        struct seen s = {};

        assert_ok(store_outbox_ready(f->store, now, OUTBOX_ALL, max, on_entry, &s));
        return s;
}

static struct seen list(struct fixture *f, bool finished) {
        struct seen s = {};

        assert_ok(store_outbox_list(f->store, &(struct outbox_filter){.finished = finished},
                                    on_entry, &s));
        return s;
}

static struct seen get(struct fixture *f, int64_t id) {
        struct seen s = {};

        assert_ok(store_outbox_get(f->store, id, on_entry, &s));
        return s;
}

static int add_in(struct fixture *f, enum notice_class class, usec_t created, size_t n_recipients) {
        static const char *const recipients[] = {"a@x.example", "b@x.example", "c@x.example"};
        static int serial;
        char message_id[32];

        snprintf(message_id, sizeof(message_id), "<%d@x>", ++serial);
        return store_add_message(f->store,
                                 &(struct outbox_message){.message_id = message_id,
                                                          .subject = "s",
                                                          .kind = NOTICE_REMINDER,
                                                          .class = class,
                                                          .from = "f",
                                                          .to = "t",
                                                          .created = created,
                                                          .bytes = "body",
                                                          .size = 4},
                                 recipients, n_recipients, NULL);
}

static void add_test(struct fixture *f, usec_t created) {
        static const char *const recipient = "test@x.example";

        assert_ok(store_begin(f->store));
        assert_ok(store_add_message(f->store,
                                    &(struct outbox_message){.message_id = "<test@x>",
                                                             .subject = "s",
                                                             .kind = NOTICE_TEST,
                                                             .from = "f",
                                                             .to = "t",
                                                             .created = created,
                                                             .bytes = "body",
                                                             .size = 4},
                                    &recipient, 1, NULL));
        assert_ok(store_commit(f->store));
}

static void add(struct fixture *f, enum notice_class class, usec_t created, size_t n_recipients) {
        assert_ok(store_begin(f->store));
        assert_ok(add_in(f, class, created, n_recipients));
        assert_ok(store_commit(f->store));
}

static void update(struct fixture *f, int64_t id, struct outbox_result result) {
        assert_ok(store_begin(f->store));
        assert_ok(store_outbox_update(f->store, id, &result));
        assert_ok(store_commit(f->store));
}

static usec_t next_of(struct fixture *f) {
        usec_t next = 0;

        assert_ok(store_outbox_next(f->store, OUTBOX_ALL, &next));
        return next;
}

/* ---- what is kept ---- */

static void test_message(void **state) {
        static const char bytes[] = "Subject: \0 \r\nbody";
        static const char *const recipients[] = {"a@x", "b@x", "a@x"};
        const struct outbox_message m = {.message_id = "<1@x>",
                                         .subject = "Nhắc việc",
                                         .kind = NOTICE_REMINDER,
                                         .class = NOTICE_CLASS_ESCALATION,
                                         .from = "f@x",
                                         .to = "a@x,b@x",
                                         .cc = "c@x",
                                         .created = 77,
                                         .bytes = bytes,
                                         .size = sizeof(bytes),
                                         .items = "[1]"};
        struct fixture *f = *state;
        int64_t id = 0;
        struct seen s;

        assert_ok(store_begin(f->store));
        assert_ok(store_add_message(f->store, &m, recipients, 3, &id));
        assert_ok(store_commit(f->store));
        assert_true(id > 0);
        fixture_close(f);
        fixture_open(f);

        s = list(f, false);
        assert_int_equal(s.n, 2); /* nobody gets two */
        assert_false(s.bytes);
        assert_int_equal(s.last.message.size, sizeof(bytes));
        s = get(f, s.ids[0]);
        assert_string_equal(s.text, "<1@x>|Nhắc việc|f@x|a@x,b@x|c@x|[1]");
        assert_string_equal(s.recipient, "a@x");
        assert_int_equal(s.last.message.id, id);
        assert_int_equal(s.last.message.kind, NOTICE_REMINDER);
        assert_int_equal(s.last.message.class, NOTICE_CLASS_ESCALATION);
        assert_int_equal(s.last.message.created, 77);
        assert_int_equal(s.last.message.size, sizeof(bytes));
        assert_memory_equal(ready(f, 77, 9).body, bytes, sizeof(bytes));
        assert_int_equal(s.last.state, OUTBOX_QUEUED);
        assert_int_equal(s.last.next_try, 77);
        assert_int_equal(s.last.tries, 0);
        assert_int_equal(s.last.code, 0);
        assert_string_equal(s.server, "-");

        /* The same Message-ID a second time is a defect: it must not become a second mail. */
        assert_ok(store_begin(f->store));
        assert_int_equal(store_add_message(f->store, &m, recipients, 3, &id), -EIO);
        store_rollback(f->store);
        assert_int_equal(list(f, true).n, 2);
        assert_int_equal(store_outbox_get(f->store, 999, on_entry, &s), -ENOENT);
}

static void test_states(void **state) {
        struct fixture *f = *state;

        for (enum outbox_state i = 0; i < _OUTBOX_STATE_MAX; i++) {
                enum outbox_state back = _OUTBOX_STATE_MAX;

                assert_ok(outbox_state_from_string(outbox_state_to_string(i), &back));
                assert_int_equal(back, i);
        }
        assert_int_equal(outbox_state_from_string("lost", &(enum outbox_state){0}), -EINVAL);
        for (enum notice_class c = 0; c < _NOTICE_CLASS_MAX; c++) {
                add(f, c, 0, 1);
                assert_int_equal(list(f, false).last.message.class, c);
        }
}

/* ---- what leaves, and in which order ---- */

static void test_order(void **state) {
        struct fixture *f = *state;
        struct seen s;

        add(f, NOTICE_CLASS_INFO, 10, 1);       /* 1 */
        add(f, NOTICE_CLASS_OVERDUE, 30, 2);    /* 2 3 */
        add(f, NOTICE_CLASS_ESCALATION, 20, 1); /* 4 */
        add(f, NOTICE_CLASS_OVERDUE, 10, 1);    /* 5 */
        add(f, NOTICE_CLASS_ESCALATION, 99, 1); /* 6: not yet */

        s = ready(f, 30, 16);
        assert_int_equal(s.n, 5);
        assert_memory_equal(s.ids, ((int64_t[]){4, 2, 3, 5, 1}), 5 * sizeof(int64_t));
        assert_true(s.bytes);
        s = ready(f, 30, 2);
        assert_int_equal(s.n, 2);
        assert_memory_equal(s.ids, ((int64_t[]){4, 2}), 2 * sizeof(int64_t));
        assert_int_equal(ready(f, 9, 16).n, 0);
        assert_int_equal(ready(f, 99, 0).n, 0);
        assert_int_equal(ready(f, 99, SIZE_MAX).n, 6);
        assert_int_equal(next_of(f), 10);
}

static void test_which_are_ready(void **state) {
        static const struct {
                enum outbox_state state;
                bool waits, listed;
        } cases[] = {
                {OUTBOX_QUEUED, true, true},  {OUTBOX_HANDED, true, true},
                {OUTBOX_DOUBT, true, true},   {OUTBOX_SENT, false, false},
                {OUTBOX_PARKED, false, true}, {OUTBOX_WITHDRAWN, false, false},
        };
        struct fixture *f = *state;

        add(f, NOTICE_CLASS_LEAD, 10, 1);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct outbox_counts counts;

                update(f, 1,
                       (struct outbox_result){.state = cases[i].state, .at = 20, .next_try = 50});
                assert_int_equal(ready(f, 49, 9).n, 0); /* handed: not before the sender gave up */
                assert_int_equal(ready(f, 50, 9).n, cases[i].waits);
                assert_true(next_of(f) == (cases[i].waits ? 50 : USEC_INFINITY));
                assert_int_equal(list(f, false).n, cases[i].listed);
                assert_int_equal(list(f, true).n, 1);
                assert_ok(store_outbox_count(f->store, &counts));
                for (enum outbox_state k = 0; k < _OUTBOX_STATE_MAX; k++)
                        assert_int_equal(counts.by_state[k], k == cases[i].state);
        }
}

static void test_pages(void **state) {
        struct fixture *f = *state;
        struct seen s = {};

        for (int i = 1; i <= 5; i++)
                add(f, NOTICE_CLASS_LEAD, i, 1);
        assert_ok(store_outbox_list(f->store, &(struct outbox_filter){.after = 1, .limit = 3},
                                    on_entry, &s));
        assert_int_equal(s.n, 3);
        assert_int_equal(s.last.id, 4);
        s = (struct seen){};
        assert_ok(store_outbox_list(f->store, &(struct outbox_filter){.finished = true, .after = 4},
                                    on_entry, &s));
        assert_int_equal(s.n, 1);
        assert_int_equal(s.last.id, 5);
}

/* Outside the window troubles and tests leave, while held tests only: each reach within the one before it. */
static void test_reach(void **state) {
        static const struct {
                enum notice_kind kind;
                enum outbox_reach reach; /* the narrowest */
        } cases[] = {
                {NOTICE_REMINDER, OUTBOX_ALL},      {NOTICE_REPORT, OUTBOX_ALL},
                {NOTICE_UNDELIVERABLE, OUTBOX_ALL}, {NOTICE_TROUBLE, OUTBOX_ANY_HOUR},
                {NOTICE_TEST, OUTBOX_ASKED},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                for (enum outbox_reach r = OUTBOX_ALL; r <= OUTBOX_ASKED; r++)
                        assert_int_equal(outbox_reaches(r, cases[i].kind), r <= cases[i].reach);
}

/* Somebody sits there and waits for a test: it stands before all others, and leaves while they are held. */
static void test_asked_for(void **state) {
        struct fixture *f = *state;
        struct seen s = {};
        usec_t next = 0;

        add(f, NOTICE_CLASS_ESCALATION, 10, 1);
        assert_ok(store_outbox_next(f->store, OUTBOX_ASKED, &next));
        assert_true(next == USEC_INFINITY);
        add_test(f, 30);
        assert_string_equal(ready(f, 30, 1).recipient, "test@x.example");
        assert_int_equal(ready(f, 30, 9).n, 2);
        assert_ok(store_outbox_ready(f->store, 30, OUTBOX_ASKED, 9, on_entry, &s));
        assert_int_equal(s.n, 1);
        assert_string_equal(s.recipient, "test@x.example");
        assert_ok(store_outbox_next(f->store, OUTBOX_ASKED, &next));
        assert_int_equal(next, 30);
        assert_int_equal(next_of(f), 10);
}

static void test_update(void **state) {
        struct fixture *f = *state;
        struct seen s;

        add(f, NOTICE_CLASS_LEAD, 10, 1);
        update(f, 1, (struct outbox_result){.state = OUTBOX_HANDED, .at = 20, .next_try = 50});
        s = get(f, 1);
        assert_int_equal(s.last.handed_at, 20);
        assert_int_equal(s.last.tries, 0);
        assert_int_equal(s.last.finished_at, 0);

        update(f, 1,
               (struct outbox_result){.state = OUTBOX_QUEUED,
                                      .at = 21,
                                      .next_try = 60,
                                      .code = 451,
                                      .enhanced = "4.7.1",
                                      .server = "smtp://x",
                                      .reply = "later",
                                      .count_try = true});
        update(f, 1, (struct outbox_result){.state = OUTBOX_HANDED, .at = 60, .next_try = 90});
        s = get(f, 1); /* handing out does not unsay the last answer */
        assert_int_equal(s.last.tries, 1);
        assert_int_equal(s.last.code, 451);
        assert_string_equal(s.enhanced, "4.7.1");
        assert_string_equal(s.server, "smtp://x");
        assert_string_equal(s.reply, "later");
        assert_int_equal(s.last.handed_at, 60);
        assert_int_equal(s.last.next_try, 90);

        update(f, 1,
               (struct outbox_result){
                       .state = OUTBOX_DOUBT, .at = 61, .next_try = 99, .reply = "gone"});
        s = get(f, 1); /* an answer of its own, without a number */
        assert_int_equal(s.last.code, 0);
        assert_string_equal(s.enhanced, "-");
        assert_string_equal(s.server, "smtp://x");
        assert_string_equal(s.reply, "gone");

        update(f, 1,
               (struct outbox_result){
                       .state = OUTBOX_PARKED, .at = 70, .code = 550, .count_try = true});
        s = get(f, 1);
        assert_int_equal(s.last.state, OUTBOX_PARKED);
        assert_int_equal(s.last.finished_at, 70);
        assert_int_equal(s.last.tries, 2);
        assert_int_equal(s.last.code, 550);

        update(f, 1, (struct outbox_result){.state = OUTBOX_QUEUED, .at = 80, .next_try = 80});
        assert_int_equal(get(f, 1).last.finished_at, 0); /* tried again by a person's wish */

        assert_ok(store_begin(f->store));
        assert_int_equal(
                store_outbox_update(f->store, 2, &(struct outbox_result){.state = OUTBOX_SENT}),
                -ENOENT);
        assert_ok(store_commit(f->store));
}

/* A database of the second version has no column for the enhanced code, nor what came after it. */
static void test_migration(void **state) {
        struct fixture *f = *state;

        add(f, NOTICE_CLASS_LEAD, 10, 1);
        update(f, 1, (struct outbox_result){.state = OUTBOX_PARKED, .at = 20, .code = 550});
        fixture_close(f);
        assert_int_equal(fixture_sql(f->path,
                                     "PRAGMA writable_schema = ON; UPDATE sqlite_master"
                                     " SET sql = replace(replace(sql, ', enhanced TEXT', ''),"
                                     " ', overruled_at INTEGER NOT NULL DEFAULT 0', '')"
                                     " WHERE type = 'table'; PRAGMA user_version = 2"),
                         SQLITE_OK);
        assert_int_equal(fixture_sql(f->path, "SELECT enhanced FROM entry"), SQLITE_ERROR);
        fixture_open(f);
        assert_int_equal(f->condition, STORE_SOUND);
        assert_int_equal(get(f, 1).last.code, 550);
        update(f, 1,
               (struct outbox_result){
                       .state = OUTBOX_PARKED, .at = 30, .code = 550, .enhanced = "5.1.1"});
        assert_string_equal(get(f, 1).enhanced, "5.1.1");
}

static void test_count_follows_rollback(void **state) {
        struct fixture *f = *state;
        struct outbox_counts counts;

        add(f, NOTICE_CLASS_LEAD, 10, 3);
        assert_ok(store_begin(f->store));
        assert_ok(store_outbox_update(f->store, 1, &(struct outbox_result){.state = OUTBOX_SENT}));
        assert_ok(add_in(f, NOTICE_CLASS_LEAD, 10, 2));
        store_rollback(f->store);
        assert_ok(store_outbox_count(f->store, &counts));
        assert_int_equal(counts.by_state[OUTBOX_QUEUED], 3);
        assert_int_equal(counts.by_state[OUTBOX_SENT], 0);
}

/* ---- forgetting ---- */

static uint64_t forget(struct fixture *f, usec_t before) {
        uint64_t n = 99;

        assert_ok(store_begin(f->store));
        assert_ok(store_outbox_forget(f->store, before, &n));
        assert_ok(store_commit(f->store));
        return n;
}

static void test_forget(void **state) {
        static const struct {
                enum outbox_state first, second;
                uint64_t n;
        } cases[] = {
                {OUTBOX_SENT, OUTBOX_QUEUED, 0}, {OUTBOX_SENT, OUTBOX_HANDED, 0},
                {OUTBOX_DOUBT, OUTBOX_SENT, 0},  {OUTBOX_SENT, OUTBOX_PARKED, 0},
                {OUTBOX_SENT, OUTBOX_SENT, 1},   {OUTBOX_WITHDRAWN, OUTBOX_SENT, 1},
        };
        struct fixture *f = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                int64_t first = 2 * (int64_t)i + 1;

                add(f, NOTICE_CLASS_LEAD, 10, 2);
                update(f, first, (struct outbox_result){.state = cases[i].first, .at = 11});
                update(f, first + 1, (struct outbox_result){.state = cases[i].second, .at = 11});
                assert_int_equal(forget(f, 10), 0); /* not old enough */
                assert_int_equal(forget(f, 11), cases[i].n);
                assert_int_equal(forget(f, 11), 0);
                assert_int_equal(get(f, first).last.message.size > 0, !cases[i].n);
                assert_string_equal(get(f, first).recipient, "a@x.example");
        }
}

/* An empty mail must not leave: what is forgotten is not tried again. */
static void test_forgotten_does_not_leave(void **state) {
        static const enum outbox_state again[] = {OUTBOX_QUEUED, OUTBOX_HANDED, OUTBOX_DOUBT};
        struct fixture *f = *state;

        add(f, NOTICE_CLASS_LEAD, 10, 1);
        update(f, 1, (struct outbox_result){.state = OUTBOX_SENT, .at = 11});
        assert_int_equal(forget(f, 11), 1);
        for (size_t i = 0; i < ELEMENTSOF(again); i++) {
                assert_ok(store_begin(f->store));
                assert_int_equal(store_outbox_update(f->store, 1,
                                                     &(struct outbox_result){.state = again[i]}),
                                 -ENOENT);
                assert_ok(store_commit(f->store));
                assert_int_equal(get(f, 1).last.state, OUTBOX_SENT);
        }
        update(f, 1, (struct outbox_result){.state = OUTBOX_PARKED, .at = 12});
        assert_int_equal(ready(f, 99, 9).n, 0);
}

/* ---- what it costs ---- */

/* Steps of SQLite's machine in all statements since the last call. */
static int64_t steps(struct fixture *f) {
        int64_t n = 0;

        for (sqlite3_stmt *s = sqlite3_next_stmt(f->store->db, NULL); s;
             s = sqlite3_next_stmt(f->store->db, s))
                n += sqlite3_stmt_status(s, SQLITE_STMTSTATUS_VM_STEP, 1);
        return n;
}

/* Years of sent mail must not slow down a turn: what it asks costs what it finds. */
static void test_finished_cost_nothing(void **state) {
        struct fixture *f = *state;
        struct outbox_counts counts;
        struct seen s;

        assert_ok(store_begin(f->store));
        for (int64_t i = 1; i <= N_MANY; i++) {
                assert_ok(add_in(f, NOTICE_CLASS_ESCALATION, 1, 1));
                assert_ok(store_outbox_update(
                        f->store, i, &(struct outbox_result){.state = OUTBOX_SENT, .at = 2}));
        }
        assert_ok(add_in(f, NOTICE_CLASS_LEAD, 5, 3));
        assert_ok(store_commit(f->store));
        steps(f);

        s = ready(f, 9, 9);
        assert_int_equal(s.n, 3);
        assert_in_range(steps(f), 1, 1000);
        assert_int_equal(next_of(f), 5);
        assert_in_range(steps(f), 1, 100);
        assert_ok(store_outbox_count(f->store, &counts));
        assert_in_range(steps(f), 1, 200);
        assert_int_equal(counts.by_state[OUTBOX_SENT], N_MANY);
        assert_int_equal(counts.by_state[OUTBOX_QUEUED], 3);
        assert_int_equal(list(f, false).n, 3);
        assert_in_range(steps(f), 1, 1000);
        s = get(f, N_MANY + 1);
        assert_in_range(steps(f), 1, 200);
        update(f, N_MANY + 1, (struct outbox_result){.state = OUTBOX_SENT, .at = 10});
        assert_in_range(steps(f), 1, 500);
        assert_int_equal(list(f, true).n, N_MANY + 3);
        assert_true(steps(f) > N_MANY); /* the measure measures */
}

static bool fills_a_table(sqlite3 *db, const char *sql) {
        _cleanup_free_ char *explain = NULL;
        sqlite3_stmt *stmt = NULL;
        bool found = false;

        assert_true(asprintf(&explain, "EXPLAIN %s", sql) > 0);
        assert_int_equal(sqlite3_prepare_v2(db, explain, -1, &stmt, NULL), SQLITE_OK);
        while (sqlite3_step(stmt) == SQLITE_ROW)
                found = found ||
                        strcmp((const char *)sqlite3_column_text(stmt, 1), "OpenEphemeral") == 0;
        sqlite3_finalize(stmt);
        return found;
}

/* An IN of three words, in a condition of an index, fills a table of its own at each change of a row: most of what it costs. */
static void test_changes_fill_no_tables(void **state) {
        struct fixture *f = *state;
        sqlite3 *db = f->store->db;
        size_t n = 0;

        add(f, NOTICE_CLASS_LEAD, 10, 1);
        update(f, 1, (struct outbox_result){.state = OUTBOX_HANDED, .at = 11});
        for (sqlite3_stmt *s = sqlite3_next_stmt(db, NULL); s; s = sqlite3_next_stmt(db, s)) {
                const char *sql = sqlite3_sql(s);

                if (startswith(sql, "UPDATE OR FAIL entry ") ||
                    startswith(sql, "INSERT INTO entry ")) {
                        assert_false(fills_a_table(db, sql));
                        n++;
                }
        }
        assert_int_equal(n, 2);
        assert_true(fills_a_table(db, "SELECT state IN ('a', 'b', 'c') FROM entry"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                store_test(test_message),
                store_test(test_states),
                store_test(test_order),
                store_test(test_which_are_ready),
                store_test(test_pages),
                store_test(test_reach),
                store_test(test_asked_for),
                store_test(test_update),
                store_test(test_migration),
                store_test(test_count_follows_rollback),
                store_test(test_forget),
                store_test(test_forgotten_does_not_leave),
                store_test(test_finished_cost_nothing),
                store_test(test_changes_fill_no_tables),
        };

        return cmocka_run_group_tests_name("store-outbox", tests, NULL, NULL);
}
