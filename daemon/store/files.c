/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/store.h"

#include <errno.h>
#include <string.h>

#include "store/query.h"

/* ---- files ---- */

static int take_sha256(struct query *q, uint8_t ret[SHA256_SIZE]) {
        size_t size;
        const void *data = query_take_blob(q, &size);

        if (size != 0 && size != SHA256_SIZE)
                return query_odd(q, "form of digest", "a file's");
        if (size)
                memcpy(ret, data, size);
        return 0;
}

static int take_file(struct query *q, struct stored_file *row) {
        const char *word;

        row->id = query_take_i64(q);
        row->root = query_take_text(q);
        row->path = query_take_text(q);
        row->size = (uint64_t)query_take_i64(q);
        row->inode = (uint64_t)query_take_i64(q);
        row->mtime = query_take_i64(q);
        row->received_at = query_take_i64(q);
        row->as_dated = query_take_bool(q);
        row->inspected = query_take_bool(q);
        row->whole = query_take_bool(q);
        row->signed_pdf = query_take_bool(q);
        word = query_take_text(q);
        if (!word || file_type_from_string(word, &row->type) < 0)
                return query_odd(q, "type of file", word);
        if (take_sha256(q, row->sha256) < 0)
                return q->r;
        row->gone_since = query_take_i64(q);
        row->instance = query_take_text(q);
        row->requirement = (uint32_t)query_take_i64(q);
        row->assigned_at = query_take_i64(q);
        word = query_take_text(q);
        if (!word || verdict_from_string(word, &row->verdict) < 0)
                return query_odd(q, "verdict", word);
        return 0;
}

int store_load_files(struct store *store, store_file_fn fn, void *userdata) {
        _cleanup_(query_done) struct query q = query_read(
                store,
                "SELECT id, root, path, size, inode, mtime, received_at, as_dated, inspected,"
                " whole, signed_pdf, type, sha256, gone_since, instance, requirement,"
                " assigned_at, verdict FROM file ORDER BY id");
        int r;

        while ((r = query_step(&q)) > 0) {
                struct stored_file row = {};

                r = take_file(&q, &row);
                if (r == 0)
                        r = fn(userdata, &row);
                if (r != 0)
                        return r;
        }
        return r;
}

static void put_file(struct query *q, const struct stored_file *row) {
        static const uint8_t none[SHA256_SIZE];

        query_text(q, row->root);
        query_text(q, row->path);
        query_i64(q, (int64_t)row->size);
        query_i64(q, (int64_t)row->inode);
        query_i64(q, row->mtime);
        query_i64(q, row->received_at);
        query_i64(q, row->as_dated);
        query_i64(q, row->inspected);
        query_i64(q, row->whole);
        query_i64(q, row->signed_pdf);
        query_text(q, file_type_to_string(row->type));
        if (memcmp(row->sha256, none, SHA256_SIZE) == 0)
                query_null(q);
        else
                query_blob(q, row->sha256, SHA256_SIZE);
        query_i64(q, row->gone_since);
        query_text(q, row->instance);
        query_i64(q, row->requirement);
        query_i64(q, row->assigned_at);
        query_text(q, verdict_to_string(row->verdict));
}

static int insert_file(struct store *store, const struct stored_file *row, int64_t *ret_id) {
        _cleanup_(query_done) struct query q = query_change(
                store, "INSERT INTO file (root, path, size, inode, mtime, received_at, as_dated,"
                       " inspected, whole, signed_pdf, type, sha256, gone_since, instance,"
                       " requirement, assigned_at, verdict)"
                       " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
        int r;

        put_file(&q, row);
        r = query_run(&q);
        if (r == 0)
                *ret_id = sqlite3_last_insert_rowid(store->db);
        return r;
}

static int update_file(struct store *store, const struct stored_file *row) {
        _cleanup_(query_done) struct query q = query_change(
                store, "UPDATE file SET root = ?, path = ?, size = ?, inode = ?, mtime = ?,"
                       " received_at = ?, as_dated = ?, inspected = ?, whole = ?, signed_pdf = ?,"
                       " type = ?, sha256 = ?, gone_since = ?, instance = ?, requirement = ?,"
                       " assigned_at = ?, verdict = ? WHERE id = ?");
        int r;

        put_file(&q, row);
        query_i64(&q, row->id);
        r = query_run(&q);
        if (r == 0 && sqlite3_changes(store->db) == 0)
                return -ENOENT;
        return r;
}

int store_put_file(struct store *store, const struct stored_file *row, int64_t *ret_id) {
        int64_t id = row->id;
        int r = id ? update_file(store, row) : insert_file(store, row, &id);

        if (r == 0 && ret_id)
                *ret_id = id;
        return r;
}

int store_delete_file(struct store *store, int64_t id) {
        _cleanup_(query_done) struct query q = query_change(store, "DELETE FROM file WHERE id = ?");

        query_i64(&q, id);
        return query_run(&q);
}

/* ---- roots ---- */

int store_get_root(struct store *store, const char *root, char **ret_identity, bool *ret_scanned) {
        _cleanup_(query_done) struct query q =
                query_read(store, "SELECT identity, scanned FROM root WHERE path = ?");
        const char *identity;
        char *copy = NULL;
        int r;

        query_text(&q, root);
        r = query_step(&q);
        if (r <= 0)
                return r < 0 ? r : -ENOENT;
        identity = query_take_text(&q);
        if (identity) {
                copy = strdup(identity);
                if (!copy)
                        return -ENOMEM;
        }
        *ret_identity = copy;
        *ret_scanned = query_take_bool(&q);
        return 0;
}

int store_put_root(struct store *store, const char *root, const char *identity, bool scanned) {
        _cleanup_(query_done) struct query q = query_change(
                store, "INSERT INTO root (path, identity, scanned) VALUES (?, ?, ?)"
                       " ON CONFLICT (path) DO UPDATE SET identity = excluded.identity,"
                       " scanned = excluded.scanned");

        query_text(&q, root);
        query_text(&q, identity);
        query_i64(&q, scanned);
        return query_run(&q);
}
