/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/fileio.h"
#include "store/query.h"

#define BUSY_MSEC 2000 /* a person's sqlite3 beside us may hold the file for a moment */

DEFINE_CLEANUP(struct store *, store_free)

/* ---- opening ---- */

/* 0600 from birth; SQLite gives its -wal and -shm the same mode. */
static int create_file(const char *dir, const char *path) {
        _cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

        if (fd < 0)
                return -errno;
        return sync_path(dir);
}

static int set_up(struct store *store) {
        static const char pragmas[] = "PRAGMA synchronous = FULL;"
                                      "PRAGMA foreign_keys = ON;"
                                      "PRAGMA recursive_triggers = ON;" /* REPLACE deletes, too */
                                      "PRAGMA trusted_schema = OFF;"
                                      "PRAGMA temp_store = MEMORY;"
                                      "PRAGMA journal_size_limit = 4194304;";
        int rc = sqlite3_exec(store->db, pragmas, NULL, NULL, NULL);
        struct query q;
        const char *mode;
        int r;

        if (rc != SQLITE_OK)
                return store_fail(store, rc);
        q = query_once(store, "PRAGMA journal_mode = WAL");
        r = query_step(&q);
        mode = r > 0 ? query_take_text(&q) : NULL;
        if (r >= 0 && (!mode || strcmp(mode, "wal") != 0))
                r = -EOPNOTSUPP; /* a file system without shared memory */
        query_done(&q);
        return r < 0 ? r : 0;
}

static void close_database(struct store *store) {
        query_cache_free(store);
        sqlite3_close(store->db);
        store->db = NULL;
}

/* Return: 0; -EUCLEAN when it is corrupt; -errno. */
static int open_database(struct store *store) {
        int r = create_file(store->dir, store->path), rc;

        if (r < 0)
                return r;
        rc = sqlite3_open_v2(store->path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                             NULL);
        if (rc != SQLITE_OK)
                return store_fail(store, rc);
        sqlite3_busy_timeout(store->db, BUSY_MSEC);
        r = database_sound(store->db);
        if (r <= 0)
                return r == 0 ? -EUCLEAN : r;
        sqlite3_db_release_memory(store->db); /* the check read everything */
        return set_up(store);
}

static int open_or_replace(struct store *store, bool *ret_replaced) {
        int r = database_exists(store->dir);
        bool replaced = false;

        if (r == 0) {
                r = database_replace(
                        store->dir); /* lost, or a replacement that a crash cut short */
                replaced = r > 0;
        }
        if (r < 0)
                return r;
        r = open_database(store);
        if (r == -EUCLEAN && !replaced) {
                close_database(store);
                r = database_replace(store->dir);
                replaced = true;
                if (r >= 0)
                        r = open_database(store);
        }
        if (r == 0)
                *ret_replaced = replaced;
        return r == -EUCLEAN ? -EIO : r;
}

int store_open(const char *dir, struct store **ret, enum store_condition *ret_condition,
               pid_t *ret_holder) {
        _cleanup_(store_free_p) struct store *store = calloc(1, sizeof(*store));
        bool replaced = false, fresh = false;
        int r;

        if (!store)
                return -ENOMEM;
        store->lock_fd = -1;
        store->dir = strdup(dir);
        if (!store->dir || asprintf(&store->path, "%s/" STORE_FILE, dir) < 0) {
                store->path = NULL;
                return -ENOMEM;
        }
        r = mkdir_p(dir, 0700);
        if (r < 0)
                return r;
        store->lock_fd = store_lock(dir, ret_holder);
        if (store->lock_fd < 0)
                return store->lock_fd;
        r = open_or_replace(store, &replaced);
        if (r == 0)
                r = store_migrate(store, &fresh);
        if (r < 0)
                return r;
        *ret_condition = replaced ? STORE_RESTORED : fresh ? STORE_FRESH : STORE_SOUND;
        *ret = steal_ptr(store);
        return 0;
}

struct store *store_free(struct store *store) {
        if (!store)
                return NULL;
        store_rollback(store);
        close_database(store);
        if (store->lock_fd >= 0)
                close(store->lock_fd);
        free(store->error);
        free(store->path);
        free(store->dir);
        free(store);
        return NULL;
}

const char *store_error(const struct store *store) { return store->error ? store->error : ""; }

/* ---- transactions ---- */

static int run(struct store *store, const char *sql) {
        _cleanup_(query_done) struct query q = query_read(store, sql);

        return query_run(&q);
}

int store_begin(struct store *store) {
        int r;

        assert(!store->in_transaction);
        r = run(store, "BEGIN IMMEDIATE");
        if (r == 0) {
                store->in_transaction = true;
                store->head_known = false;
                store->changes = sqlite3_total_changes(store->db);
        }
        return r;
}

int store_commit(struct store *store) {
        int r;

        assert(store->in_transaction);
        /* A full disk or an I/O error may have rolled it back already: what was said to be kept is not. */
        if (sqlite3_get_autocommit(store->db))
                return store_fail_text(store, "the transaction was rolled back before its end");
        r = run(store, "COMMIT");
        if (r < 0)
                return r;
        store->in_transaction = false;
        if (sqlite3_total_changes(store->db) != store->changes)
                store->full = false; /* one that changed nothing needed no room */
        return 0;
}

bool store_is_full(const struct store *store) { return store->full; }

void store_rollback(struct store *store) {
        if (!store->in_transaction)
                return;
        store->in_transaction = false;
        if (!sqlite3_get_autocommit(store->db))
                sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
}
