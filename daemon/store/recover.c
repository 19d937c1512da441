/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/store-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"

#define RESTORING "evidenced.db.restoring"
#define MAX_ASIDE 1000 /* names tried for one second */

/* ---- is it sound? ---- */

static bool is_corrupt(int rc) {
        return (rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB;
}

int database_sound(sqlite3 *db) {
        sqlite3_stmt *stmt = NULL;
        int rc = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &stmt, NULL);
        bool ok = false;

        if (rc == SQLITE_OK)
                rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW) {
                const char *word = (const char *)sqlite3_column_text(stmt, 0);

                ok = word && strcmp(word, "ok") == 0;
        }
        sqlite3_finalize(stmt);
        if (rc == SQLITE_ROW || is_corrupt(rc))
                return ok;
        return (rc & 0xff) == SQLITE_NOMEM ? -ENOMEM : -EIO;
}

static int join(const char *dir, const char *name, char **ret) {
        if (asprintf(ret, "%s/%s", dir, name) < 0) {
                *ret = NULL;
                return -ENOMEM;
        }
        return 0;
}

int database_exists(const char *dir) {
        _cleanup_free_ char *path = NULL;
        struct stat st;
        int r = join(dir, STORE_FILE, &path);

        if (r < 0)
                return r;
        if (lstat(path, &st) < 0)
                return errno == ENOENT ? 0 : -errno;
        return S_ISREG(st.st_mode) ? st.st_size > 0 : -EINVAL;
}

/* ---- aside ---- */

/* evidenced.db-wal becomes evidenced.db.corrupt-TIME-wal, so that the three still belong together. An empty file is the rest of
 * a start that was cut short; nothing is lost with it. Return: 1, 0 (there was nothing). */
static int move_one(const char *dir, const char *suffix, const char *mark) {
        _cleanup_free_ char *from = NULL, *to = NULL;
        struct stat st;

        if (asprintf(&from, "%s/" STORE_FILE "%s", dir, suffix) < 0) {
                from = NULL;
                return -ENOMEM;
        }
        if (asprintf(&to, "%s/" STORE_FILE ".corrupt-%s%s", dir, mark, suffix) < 0) {
                to = NULL;
                return -ENOMEM;
        }
        if (lstat(from, &st) < 0)
                return errno == ENOENT ? 0 : -errno;
        if (S_ISREG(st.st_mode) && st.st_size == 0)
                return unlink(from) < 0 ? -errno : 0;
        if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) < 0)
                return -errno;
        return 1;
}

/* The database first: should we die in between, the next start finds none and comes here again, and no log of the old one
 * is ever played into the new one. Return: 1, 0 (nothing was there), -EEXIST when the mark is taken. */
static int move_aside(const char *dir, const char *mark) {
        static const char *const suffixes[] = {"", "-wal", "-shm"};
        int moved = 0;

        for (size_t i = 0; i < ELEMENTSOF(suffixes); i++) {
                int r = move_one(dir, suffixes[i], mark);

                if (r < 0)
                        return r;
                moved |= r;
        }
        return moved;
}

static int move_aside_now(const char *dir) {
        time_t now = (time_t)(clock_realtime() / USEC_PER_SEC);
        char time_text[32], mark[48];
        struct tm tm;
        int r = -EEXIST;

        if (!gmtime_r(&now, &tm))
                return -EOVERFLOW;
        strftime(time_text, sizeof(time_text), "%Y%m%dT%H%M%SZ", &tm);
        for (unsigned i = 0; r == -EEXIST && i < MAX_ASIDE; i++) {
                snprintf(mark, sizeof(mark), i ? "%s.%u" : "%s", time_text, i);
                r = move_aside(dir, mark);
        }
        return r;
}

/* ---- the copy ---- */

/* Of a copy that was cut short: SQLite would play them into the next one. */
static int remove_logs(const char *path) {
        static const char *const suffixes[] = {"-journal", "-wal", "-shm"};

        for (size_t i = 0; i < ELEMENTSOF(suffixes); i++) {
                _cleanup_free_ char *log = NULL;

                if (asprintf(&log, "%s%s", path, suffixes[i]) < 0) {
                        log = NULL;
                        return -ENOMEM;
                }
                if (unlink(log) < 0 && errno != ENOENT)
                        return -errno;
        }
        return 0;
}

static int copy_file(const char *from, const char *to) {
        _cleanup_close_ int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        _cleanup_close_ int out = -1;
        ssize_t n;

        if (in < 0)
                return -errno;
        out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (out < 0)
                return -errno;
        do
                n = sendfile(out, in, NULL, (size_t)1 << 20);
        while (n > 0);
        if (n < 0 || fsync(out) < 0)
                return -errno;
        return 0;
}

/* Mail waits for a person again, however often we are started before that: the copy does not know what was sent since. */
static int withdraw_release(sqlite3 *db) {
        static const char sql[] = "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = FULL;"
                                  "DELETE FROM value WHERE name = 'released_at'";

        return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 1 : 0;
}

/* Return: 1 when it is a sound database of ours, made ready; 0 when it is not. */
static int make_ready(const char *path) {
        sqlite3 *db = NULL;
        int r = -EIO;

        if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) ==
            SQLITE_OK)
                r = database_sound(db);
        if (r > 0)
                r = schema_is_ours(db) ? withdraw_release(db) : 0;
        sqlite3_close(db);
        return r;
}

/* Copies the newest sound backup to RESTORING. Return: 1, 0 (there is none), -errno. */
static int prepare_copy(const char *dir, const char *restoring) {
        _cleanup_(backup_list_done) struct backup_list list = {};
        int r = backup_list_load(dir, &list);

        for (size_t i = 0; r == 0 && i < list.n; i++) {
                _cleanup_free_ char *path = NULL;

                r = join(dir, list.names[i], &path);
                if (r == 0)
                        r = remove_logs(restoring);
                if (r == 0)
                        r = copy_file(path, restoring);
                if (r == 0)
                        r = make_ready(restoring);
                if (r == -EIO)
                        r = 0; /* this one can not be read: an older one may do */
        }
        return r;
}

int database_replace(const char *dir) {
        _cleanup_free_ char *restoring = NULL, *path = NULL;
        int copied, moved, r;

        r = join(dir, RESTORING, &restoring);
        if (r == 0)
                r = join(dir, STORE_FILE, &path);
        if (r < 0)
                return r;
        copied = prepare_copy(dir, restoring);
        if (copied < 0)
                return copied;
        moved = move_aside_now(dir);
        if (moved < 0)
                return moved;
        if (copied && rename(restoring, path) < 0)
                return -errno;
        if (!copied && unlink(restoring) < 0 && errno != ENOENT)
                return -errno;
        r = sync_path(dir);
        return r < 0 ? r : copied || moved;
}
