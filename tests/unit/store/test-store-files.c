/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store-fixture.h"

#include <errno.h>

/* ---- files and roots ---- */

struct last_file {
        size_t n;
        struct stored_file row;
        char root[64], path[64], instance[64];
};

static int on_file(void *userdata, const struct stored_file *row) {
        struct last_file *l = userdata;

        l->n++;
        l->row = *row;
        snprintf(l->root, sizeof(l->root), "%s", row->root);
        snprintf(l->path, sizeof(l->path), "%s", row->path);
        snprintf(l->instance, sizeof(l->instance), "%s", row->instance ? row->instance : "(null)");
        return 0;
}

static struct last_file load(struct fixture *f) {
        struct last_file l = {};

        assert_ok(store_load_files(f->store, on_file, &l));
        return l;
}

static const struct stored_file full = {
        .root = "/srv/evidence",
        .path = "1.2/quý I/b\xff.pdf", /* a name that is no UTF-8 */
        .size = UINT64_MAX,
        .inode = UINT64_MAX - 1,
        .mtime = -1, /* before 1970 */
        .received_at = 2,
        .as_dated = true,
        .inspected = true,
        .whole = true,
        .signed_pdf = true,
        .type = FILE_TYPE_7Z,
        .sha256 = {1, 0, 3, [31] = 0xff},
        .gone_since = 4,
        .instance = "1.2@2018-03-05",
        .requirement = 6,
        .assigned_at = 7,
        .verdict = VERDICT_SURPLUS,
};

static void assert_full(const struct last_file *l) {
        assert_string_equal(l->root, full.root);
        assert_string_equal(l->path, full.path);
        assert_string_equal(l->instance, full.instance);
        assert_true(l->row.size == full.size && l->row.inode == full.inode);
        assert_int_equal(l->row.mtime, -1);
        assert_int_equal(l->row.received_at, 2);
        assert_true(l->row.as_dated && l->row.inspected && l->row.whole && l->row.signed_pdf);
        assert_int_equal(l->row.type, FILE_TYPE_7Z);
        assert_memory_equal(l->row.sha256, full.sha256, SHA256_SIZE);
        assert_int_equal(l->row.gone_since, 4);
        assert_int_equal(l->row.requirement, 6);
        assert_int_equal(l->row.assigned_at, 7);
        assert_int_equal(l->row.verdict, VERDICT_SURPLUS);
}

static void test_file(void **state) {
        struct fixture *f = *state;
        struct stored_file row = {.root = "/a", .path = "b"};
        struct last_file l;
        int64_t id = 0;

        assert_ok(store_begin(f->store));
        assert_ok(store_put_file(f->store, &row, &id));
        assert_true(id > 0);
        l = load(f);
        assert_int_equal(l.n, 1);
        assert_int_equal(l.row.id, id);
        assert_string_equal(l.instance, "(null)");
        assert_memory_equal(l.row.sha256, row.sha256, SHA256_SIZE);

        row = full;
        row.id = id;
        assert_ok(store_put_file(f->store, &row, NULL));
        assert_ok(store_commit(f->store));
        fixture_close(f);
        fixture_open(f);
        l = load(f);
        assert_int_equal(l.n, 1);
        assert_full(&l);

        assert_ok(store_begin(f->store));
        row.id = id + 1;
        assert_int_equal(store_put_file(f->store, &row, NULL), -ENOENT);
        assert_ok(store_delete_file(f->store, id));
        assert_ok(store_delete_file(f->store, id));
        assert_ok(store_commit(f->store));
        assert_int_equal(load(f).n, 0);
}

static void test_two_of_one_path(void **state) {
        struct fixture *f = *state;
        int64_t a = 0, b = 0;

        assert_ok(store_begin(f->store));
        assert_ok(store_put_file(f->store, &full, &a));
        assert_ok(store_put_file(f->store, &full, &b));
        assert_ok(store_commit(f->store));
        assert_int_not_equal(a, b);
        assert_int_equal(load(f).n, 2);
}

static void test_file_words(void **state) {
        struct fixture *f = *state;
        struct stored_file row = full;
        char buf[32];

        for (int i = 0; i < _FILE_TYPE_MAX || i < _VERDICT_MAX; i++) {
                struct last_file l;

                row.type = (enum file_type)(i < _FILE_TYPE_MAX ? i : 0);
                row.verdict = (enum verdict)(i < _VERDICT_MAX ? i : 0);
                assert_ok(store_begin(f->store));
                assert_ok(store_put_file(f->store, &row, &row.id));
                assert_ok(store_commit(f->store));
                l = load(f);
                assert_int_equal(l.row.type, row.type);
                assert_int_equal(l.row.verdict, row.verdict);
                assert_string_equal(
                        fixture_ask(f->path, "SELECT verdict FROM file", buf, sizeof(buf)),
                        verdict_to_string(row.verdict));
        }
}

/* What a root's files were is forgotten while they are being loaded. */
static int delete_it(void *userdata, const struct stored_file *row) {
        struct fixture *f = userdata;

        return row->id % 2 ? store_delete_file(f->store, row->id) : 0;
}

static void test_delete_while_loading(void **state) {
        struct fixture *f = *state;

        assert_ok(store_begin(f->store));
        for (int i = 0; i < 1000; i++)
                assert_ok(store_put_file(f->store, &full, NULL));
        assert_ok(store_load_files(f->store, delete_it, f));
        assert_ok(store_commit(f->store));
        assert_int_equal(load(f).n, 500);
}

static void test_root(void **state) {
        struct fixture *f = *state;
        _cleanup_free_ char *identity = NULL;
        bool scanned = true;

        assert_int_equal(store_get_root(f->store, "/srv", &identity, &scanned), -ENOENT);
        assert_true(scanned && !identity);
        assert_ok(store_begin(f->store));
        assert_ok(store_put_root(f->store, "/srv", "8:1 /dev/sda1", false));
        assert_ok(store_put_root(f->store, "/unseen", NULL, false));
        assert_ok(store_commit(f->store));
        assert_ok(store_get_root(f->store, "/srv", &identity, &scanned));
        assert_string_equal(identity, "8:1 /dev/sda1");
        assert_false(scanned);
        free(steal_ptr(identity));
        assert_ok(store_begin(f->store));
        assert_ok(store_put_root(f->store, "/srv", "8:2 /dev/sda2", true));
        assert_ok(store_commit(f->store));
        assert_ok(store_get_root(f->store, "/srv", &identity, &scanned));
        assert_string_equal(identity, "8:2 /dev/sda2");
        assert_true(scanned);
        free(steal_ptr(identity));
        assert_ok(store_get_root(f->store, "/unseen", &identity, &scanned));
        assert_null(identity);
}

/* ---- notices ---- */

struct notices {
        size_t n;
        usec_t leave[8];
        int64_t id[8];
        enum notice_kind kind[8];
        char text[256];
};

static int on_notice(void *userdata, const struct stored_notice *row) {
        struct notices *l = userdata;

        assert_true(l->n < 8);
        l->leave[l->n] = row->leave;
        l->id[l->n] = row->id;
        l->kind[l->n++] = row->kind;
        snprintf(l->text, sizeof(l->text), "%s|%s|%s|%jd", row->instance ? row->instance : "-",
                 row->unit ? row->unit : "-", row->detail ? row->detail : "-",
                 (intmax_t)row->created);
        return 0;
}

static void test_notices(void **state) {
        static const usec_t leaves[] = {50, 10, 30};
        struct fixture *f = *state;
        struct notices l = {};
        usec_t next = 0;

        assert_ok(store_next_notice(f->store, &next));
        assert_true(next == USEC_INFINITY);
        assert_ok(store_begin(f->store));
        for (size_t i = 0; i < ELEMENTSOF(leaves); i++)
                assert_ok(store_add_notice(f->store, &(struct stored_notice){.kind = NOTICE_TROUBLE,
                                                                             .leave = leaves[i]}));
        assert_ok(store_commit(f->store));
        assert_ok(store_next_notice(f->store, &next));
        assert_int_equal(next, 10);

        assert_ok(store_load_notices(f->store, 9, on_notice, &l));
        assert_int_equal(l.n, 0);
        assert_ok(store_load_notices(f->store, 30, on_notice, &l)); /* the end is included */
        assert_int_equal(l.n, 2);
        assert_int_equal(l.leave[0], 10);
        assert_int_equal(l.leave[1], 30);
        assert_string_equal(l.text, "-|-|-|0");
        assert_true(l.id[0] < l.id[1]);

        assert_ok(store_begin(f->store));
        assert_ok(store_delete_notice(f->store, l.id[0]));
        assert_ok(store_delete_notice(f->store, l.id[1]));
        assert_ok(store_commit(f->store));
        assert_ok(store_next_notice(f->store, &next));
        assert_int_equal(next, 50);
}

static void test_notice_kinds(void **state) {
        struct fixture *f = *state;

        for (enum notice_kind k = 0; k < _NOTICE_KIND_MAX; k++) {
                struct notices l = {};

                assert_ok(store_begin(f->store));
                assert_ok(
                        store_add_notice(f->store, &(struct stored_notice){.kind = k,
                                                                           .instance = "i",
                                                                           .unit = "u",
                                                                           .created = 3,
                                                                           .detail = "{\"a\":1}"}));
                assert_ok(store_load_notices(f->store, 0, on_notice, &l));
                store_rollback(f->store);
                assert_int_equal(l.n, 1);
                assert_int_equal(l.kind[0], k);
                assert_string_equal(l.text, "i|u|{\"a\":1}|3");
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                store_test(test_file),         store_test(test_two_of_one_path),
                store_test(test_file_words),   store_test(test_delete_while_loading),
                store_test(test_root),         store_test(test_notices),
                store_test(test_notice_kinds),
        };

        return cmocka_run_group_tests_name("store-files", tests, NULL, NULL);
}
