/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of the store share among themselves. Nobody else includes this. */

#include <sqlite3.h>

#include "base/cleanup.h"
#include "store/store.h"

#define STORE_FILE "evidenced.db"

struct statement;

struct store {
        sqlite3 *db;               /* owned */
        char *dir;                 /* owned */
        char *path;                /* of the database; owned */
        int lock_fd;               /* owned; -1 */
        bool in_transaction;       /* between store_begin() and its end */
        char *error;               /* owned; NULL: none */
        bool full;                 /* the disk had no room for the last change */
        int changes;               /* SQLite's count of them when the transaction began */
        bool head_known;           /* of the ledger: in this transaction */
        uint8_t head[SHA256_SIZE]; /* the hash of its last row, */
        int64_t head_seq;          /* and its number */
        struct statement *cache;   /* owned, n_cached of them */
        size_t n_cached;
};

/** Keeps SQLite's words for store_error(). Return: -errno for the result code @rc. */
int store_fail(struct store *store, int rc);
/** Keeps words of our own. Return: -EIO. */
int store_fail_text(struct store *store, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/* lock.c */
/** store_lock() - DIR/lock, held as long as the descriptor is open, with our pid in it. Return: fd, -EBUSY, -errno. */
int store_lock(const char *dir, pid_t *ret_holder);

/* schema.c */
/** Return: 0; -EPROTO when the database is another program's or a newer version's; -errno. @ret_fresh: it was empty. */
int store_migrate(struct store *store, bool *ret_fresh);
bool schema_is_ours(sqlite3 *db); /* made by some version of evidenced */

/* recover.c */
/** The whole of @db is readable and fits together. Return: 1, 0 (corrupt), -errno (something else is wrong). */
int database_sound(sqlite3 *db);
/** Is there a database with something in it? Return: 1, 0, -errno. */
int database_exists(const char *dir);
/**
 * Moves what is there aside and puts the newest sound backup in its place, without its release.
 * Return: 1 when there was something to move aside or to restore, 0 when nothing was there at all, -errno.
 */
int database_replace(const char *dir);

/* backup.c */
struct backup_list {
        char (*names)[32]; /* owned; newest first */
        size_t n;
};
int backup_list_load(const char *dir, struct backup_list *ret);
void backup_list_done(struct backup_list *list);
int sync_path(const char *path); /* fsync of a file or folder */
