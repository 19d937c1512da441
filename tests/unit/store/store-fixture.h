/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A folder for each test, a store in it, and the file beside our code with SQLite's own functions. */

#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/cleanup.h"
#include "store/store.h"

#define assert_ok(expr) assert_int_equal((expr), 0)

struct fixture {
        char dir[PATH_MAX - 64], path[PATH_MAX]; /* of the state, of the database */
        struct store *store;
        enum store_condition condition;
};

static inline int fixture_remove(const char *path, const struct stat *st, int flag,
                                 struct FTW *ftw) {
        (void)st;
        (void)flag;
        (void)ftw;
        return remove(path);
}

static inline void fixture_open(struct fixture *f) {
        assert_null(f->store);
        assert_ok(store_open(f->dir, &f->store, &f->condition, NULL));
}

static inline void fixture_close(struct fixture *f) { f->store = store_free(f->store); }

static inline int fixture_setup(void **state) {
        const char *tmp = getenv("TMPDIR");
        struct fixture *f = calloc(1, sizeof(*f));

        if (!f)
                return -1;
        snprintf(f->dir, sizeof(f->dir), "%s/test-store.XXXXXX", tmp ? tmp : "/tmp");
        if (!mkdtemp(f->dir))
                return -1;
        snprintf(f->path, sizeof(f->path), "%s/evidenced.db", f->dir);
        fixture_open(f);
        *state = f;
        return 0;
}

static inline int fixture_teardown(void **state) {
        struct fixture *f = *state;
        int r;

        fixture_close(f);
        r = nftw(f->dir, fixture_remove, 16, FTW_DEPTH | FTW_PHYS);
        free(f);
        return r;
}

/** Runs @sql on the file at @path, not through our code. Return: SQLite's result code. */
static inline int fixture_sql(const char *path, const char *sql) {
        sqlite3 *db = NULL;
        int rc = sqlite3_open(path, &db);

        if (rc == SQLITE_OK)
                rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
        sqlite3_close(db);
        return rc;
}

/** The first column of the first row, as text into @buf; "" when there is none. */
static inline const char *fixture_ask(const char *path, const char *sql, char *buf, size_t size) {
        sqlite3 *db = NULL;
        sqlite3_stmt *stmt = NULL;

        buf[0] = '\0';
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
        if (sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_text(stmt, 0))
                snprintf(buf, size, "%s", (const char *)sqlite3_column_text(stmt, 0));
        sqlite3_finalize(stmt);
        sqlite3_close(db);
        return buf;
}

#define store_test(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
