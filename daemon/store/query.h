/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Prepared statements of the store: prepared once, kept for the life of the connection, values bound and columns taken in their
 * order. The first error sticks (query_run, query_step return it), so that a row is bound without a check at every value.
 *
 *         _cleanup_(query_done) struct query q = query_change(store, "INSERT INTO t VALUES (?, ?)");
 *
 *         query_text(&q, name);
 *         query_i64(&q, n);
 *         return query_run(&q);
 */

#include <sqlite3.h>

#include "store/store-internal.h"

struct statement; /* of the cache */

struct query {
        struct store *store;    /* borrowed */
        struct statement *slot; /* borrowed; NULL: prepared for this one use */
        sqlite3_stmt *stmt;     /* of the slot, else owned */
        int bound, column;      /* how many values were bound, columns taken */
        int r;                  /* first error */
};

/* @sql: a literal, or text that lives as long as the store; the cache knows it by its address. */
struct query query_read(struct store *store, const char *sql);
/** As query_read(), for a statement that changes something: a transaction must be open. */
struct query query_change(struct store *store, const char *sql);
/** As query_read(), for text put together for this one use. */
struct query query_once(struct store *store, const char *sql);
void query_done(struct query *q);

/* Values are borrowed until query_done(). */
void query_i64(struct query *q, int64_t value);
void query_text(struct query *q, const char *text); /* NULL: NULL */
void query_blob(struct query *q, const void *data, size_t size);
void query_null(struct query *q);
void query_date(struct query *q, date_t date); /* as ISO 8601 text; DATE_NONE: NULL */

int query_step(struct query *q); /* 1: a row; 0: no more; -errno */
int query_run(struct query *q);  /* steps to the end; 0 or -errno */

/* Text and blobs are borrowed until the next step. */
int64_t query_take_i64(struct query *q);
bool query_take_bool(struct query *q);
const char *query_take_text(struct query *q); /* NULL: NULL */
const void *query_take_blob(struct query *q, size_t *ret_size);
date_t query_take_date(struct query *q);
/** A column holds what we never wrote: the words for store_error(). Return: -EIO, which also sticks. */
int query_odd(struct query *q, const char *what, const char *value);

/* Finalises all that was prepared. */
void query_cache_free(struct store *store);
