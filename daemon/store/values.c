/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/store.h"

#include <errno.h>
#include <string.h>

#include "store/query.h"

static struct query value_query(struct store *store, const char *name) {
        struct query q = query_read(store, "SELECT value FROM value WHERE name = ?");

        query_text(&q, name);
        return q;
}

/* 0: it stands there and is of the @type asked for. */
static int value_step(struct query *q, int type) {
        int r = query_step(q);

        if (r == 0)
                return -ENOENT;
        if (r > 0 && sqlite3_column_type(q->stmt, 0) != type)
                return query_odd(q, "kind of value", (const char *)sqlite3_column_text(q->stmt, 0));
        return r < 0 ? r : 0;
}

int store_get_i64(struct store *store, const char *name, int64_t *ret) {
        _cleanup_(query_done) struct query q = value_query(store, name);
        int r = value_step(&q, SQLITE_INTEGER);

        if (r == 0)
                *ret = query_take_i64(&q);
        return r;
}

int store_get_text(struct store *store, const char *name, char **ret) {
        _cleanup_(query_done) struct query q = value_query(store, name);
        int r = value_step(&q, SQLITE_TEXT);
        char *text;

        if (r < 0)
                return r;
        text = strdup(query_take_text(&q));
        if (!text)
                return -ENOMEM;
        *ret = text;
        return 0;
}

static struct query value_set(struct store *store, const char *name) {
        struct query q =
                query_change(store, "INSERT INTO value (name, value) VALUES (?, ?)"
                                    " ON CONFLICT (name) DO UPDATE SET value = excluded.value");

        query_text(&q, name);
        return q;
}

int store_set_i64(struct store *store, const char *name, int64_t value) {
        _cleanup_(query_done) struct query q = value_set(store, name);

        query_i64(&q, value);
        return query_run(&q);
}

int store_set_text(struct store *store, const char *name, const char *value) {
        _cleanup_(query_done) struct query q = value_set(store, name);

        query_text(&q, value);
        return query_run(&q);
}
