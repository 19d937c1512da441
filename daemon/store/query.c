/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/query.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct statement {
        const char *sql; /* borrowed; its address is the key */
        sqlite3_stmt *stmt;
        bool busy; /* a callback of its own loading may need the same text again */
};

#define CACHE_MAX 64 /* more texts than the store has */

static int errno_of(int rc) {
        switch (rc & 0xff) {
        case SQLITE_NOMEM:
                return -ENOMEM;
        case SQLITE_FULL:
                return -ENOSPC;
        case SQLITE_READONLY:
                return -EROFS;
        case SQLITE_PERM:
        case SQLITE_AUTH:
                return -EACCES;
        default:
                return -EIO;
        }
}

int store_fail(struct store *store, int rc) {
        if ((rc & 0xff) == SQLITE_FULL)
                store->full = true;
        free(store->error);
        store->error = strdup(store->db ? sqlite3_errmsg(store->db) : sqlite3_errstr(rc));
        return errno_of(rc);
}

int store_fail_text(struct store *store, const char *format, ...) {
        char *text = NULL;
        va_list ap;
        int n;

        va_start(ap, format);
        n = vasprintf(&text, format, ap);
        va_end(ap);
        free(store->error);
        store->error = n < 0 ? NULL : text;
        return -EIO;
}

static struct query prepare(struct store *store, const char *sql, unsigned flags) {
        struct query q = {.store = store};
        int rc = sqlite3_prepare_v3(store->db, sql, -1, flags, &q.stmt, NULL);

        if (rc != SQLITE_OK)
                q.r = store_fail(store, rc);
        return q;
}

struct query query_once(struct store *store, const char *sql) {
        return prepare(store, sql, 0);
}

struct query query_read(struct store *store, const char *sql) {
        struct statement *s = NULL;
        struct query q;

        for (size_t i = 0; i < store->n_cached && !s; i++)
                if (store->cache[i].sql == sql)
                        s = &store->cache[i];
        if (s && s->busy)
                return query_once(store, sql);
        if (s) {
                s->busy = true;
                return (struct query){.store = store, .slot = s, .stmt = s->stmt};
        }
        if (!store->cache)
                store->cache = calloc(CACHE_MAX, sizeof(*store->cache));
        if (!store->cache)
                return (struct query){.store = store, .r = -ENOMEM};
        q = prepare(store, sql, SQLITE_PREPARE_PERSISTENT);
        assert(store->n_cached < CACHE_MAX);
        if (q.r < 0 || store->n_cached == CACHE_MAX)
                return q;
        q.slot = &store->cache[store->n_cached++];
        *q.slot = (struct statement){.sql = sql, .stmt = q.stmt, .busy = true};
        return q;
}

struct query query_change(struct store *store, const char *sql) {
        assert(store->in_transaction);
        return query_read(store, sql);
}

void query_done(struct query *q) {
        if (!q->slot) {
                sqlite3_finalize(q->stmt);
                return;
        }
        sqlite3_reset(q->stmt);
        sqlite3_clear_bindings(q->stmt); /* they are borrowed */
        q->slot->busy = false;
}

void query_cache_free(struct store *store) {
        for (size_t i = 0; i < store->n_cached; i++)
                sqlite3_finalize(store->cache[i].stmt);
        free(store->cache);
        store->cache = NULL;
        store->n_cached = 0;
}

static void bind_result(struct query *q, int rc) {
        if (rc != SQLITE_OK)
                q->r = store_fail(q->store, rc);
}

void query_i64(struct query *q, int64_t value) {
        q->bound++;
        if (q->r == 0)
                bind_result(q, sqlite3_bind_int64(q->stmt, q->bound, value));
}

void query_text(struct query *q, const char *text) {
        q->bound++;
        if (q->r == 0)
                bind_result(q, sqlite3_bind_text(q->stmt, q->bound, text, -1, SQLITE_STATIC));
}

void query_blob(struct query *q, const void *data, size_t size) {
        q->bound++;
        if (q->r == 0)
                bind_result(q, sqlite3_bind_blob64(q->stmt, q->bound, data ? data : "", size,
                                                   SQLITE_STATIC));
}

void query_null(struct query *q) {
        q->bound++;
        if (q->r == 0)
                bind_result(q, sqlite3_bind_null(q->stmt, q->bound));
}

void query_date(struct query *q, date_t date) {
        char text[DATE_BUFFER];
        struct ymd ymd;

        q->bound++;
        if (q->r < 0 || date == DATE_NONE)
                return; /* what is not bound is NULL */
        ymd = date_to_ymd(date);
        if (date_from_ymd(ymd.year, ymd.month, ymd.day) != date)
                q->r = -ERANGE; /* could not be read again */
        else
                bind_result(q, sqlite3_bind_text(q->stmt, q->bound, date_format(date, text), -1,
                                                 SQLITE_TRANSIENT));
}

int query_step(struct query *q) {
        int rc;

        if (q->r < 0)
                return q->r;
        q->column = 0;
        rc = sqlite3_step(q->stmt);
        if (rc == SQLITE_ROW)
                return 1;
        if (rc == SQLITE_DONE)
                return 0;
        q->r = store_fail(q->store, rc);
        return q->r;
}

int query_run(struct query *q) {
        int r;

        do
                r = query_step(q);
        while (r > 0);
        return r;
}

int64_t query_take_i64(struct query *q) { return sqlite3_column_int64(q->stmt, q->column++); }

bool query_take_bool(struct query *q) { return query_take_i64(q) != 0; }

const char *query_take_text(struct query *q) {
        return (const char *)sqlite3_column_text(q->stmt, q->column++);
}

const void *query_take_blob(struct query *q, size_t *ret_size) {
        int i = q->column++;
        const void *data = sqlite3_column_blob(q->stmt, i);

        *ret_size = (size_t)sqlite3_column_bytes(q->stmt, i);
        return data;
}

date_t query_take_date(struct query *q) {
        const char *text = query_take_text(q);
        date_t date = DATE_NONE;

        if (text && date_parse(text, &date) < 0)
                query_odd(q, "date", text);
        return date;
}

int query_odd(struct query *q, const char *what, const char *value) {
        if (q->r == 0)
                q->r = store_fail_text(q->store, "the database holds an unknown %s: '%s'", what,
                                       value ? value : "NULL");
        return q->r;
}
