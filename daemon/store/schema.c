/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/store-internal.h"

#include <errno.h>
#include <stdio.h>

#include "store/query.h"

#define APPLICATION_ID 0x45764964 /* "EvId" */

/*
 * How the tables came to be: one text for each version (PRAGMA user_version), run once, in a transaction of its own. A text
 * that was released is never edited again; what changes is added as the next.
 * Instants are microseconds since 1970 (9223372036854775807: never), dates ISO 8601, what our code knows as an enum is its word.
 * Nothing newer than SQLite 3.34.
 */
static const char *const migrations[] = {
        "CREATE TABLE value (name TEXT PRIMARY KEY NOT NULL, value NOT NULL) WITHOUT ROWID;"

        /* have: counted files per requirement, "1,0,2" */
        "CREATE TABLE instance ("
        " key TEXT PRIMARY KEY NOT NULL, task TEXT NOT NULL, unit TEXT NOT NULL, label TEXT,"
        " stated TEXT, time_of_day INTEGER NOT NULL, deadline INTEGER NOT NULL,"
        " retired INTEGER NOT NULL, first_known INTEGER NOT NULL, episode INTEGER NOT NULL,"
        " episode_began INTEGER NOT NULL, cause TEXT NOT NULL, scanned INTEGER NOT NULL,"
        " unverified INTEGER NOT NULL, explained INTEGER NOT NULL, extended_to TEXT,"
        " passed_last TEXT, passed_effective TEXT, passed_instant INTEGER NOT NULL,"
        " waived_until INTEGER NOT NULL, snoozed_until INTEGER NOT NULL, have TEXT NOT NULL,"
        " complete_at INTEGER NOT NULL, ladder_end_told INTEGER NOT NULL) WITHOUT ROWID;"

        "CREATE TABLE record ("
        " id INTEGER PRIMARY KEY,"
        " instance TEXT NOT NULL REFERENCES instance (key) ON UPDATE CASCADE ON DELETE CASCADE,"
        " episode INTEGER NOT NULL, deadline INTEGER NOT NULL, count INTEGER NOT NULL,"
        " unit TEXT NOT NULL, fired INTEGER NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL,"
        " message INTEGER,"
        " UNIQUE (instance, episode, deadline, count, unit));"

        /* No UNIQUE (root, path): a file that was replaced stays beside its successor until it is gone for good. */
        "CREATE TABLE file ("
        " id INTEGER PRIMARY KEY, root TEXT NOT NULL, path TEXT NOT NULL, size INTEGER NOT NULL,"
        " inode INTEGER NOT NULL, mtime INTEGER NOT NULL, received_at INTEGER NOT NULL,"
        " as_dated INTEGER NOT NULL, inspected INTEGER NOT NULL, whole INTEGER NOT NULL,"
        " signed_pdf INTEGER NOT NULL, type TEXT NOT NULL, sha256 BLOB,"
        " gone_since INTEGER NOT NULL, instance TEXT, requirement INTEGER NOT NULL,"
        " assigned_at INTEGER NOT NULL, verdict TEXT NOT NULL);"
        "CREATE INDEX file_instance ON file (instance) WHERE instance IS NOT NULL;"

        "CREATE TABLE root (path TEXT PRIMARY KEY NOT NULL, identity TEXT,"
        " scanned INTEGER NOT NULL) WITHOUT ROWID;"

        "CREATE TABLE notice ("
        " id INTEGER PRIMARY KEY, kind TEXT NOT NULL, instance TEXT, unit TEXT,"
        " created INTEGER NOT NULL, leave INTEGER NOT NULL, detail TEXT);"
        "CREATE INDEX notice_leave ON notice (leave);"

        /* bytes stand last, so that listing does not read them; NULL: forgotten */
        "CREATE TABLE message ("
        " id INTEGER PRIMARY KEY, message_id TEXT NOT NULL UNIQUE, subject TEXT NOT NULL,"
        " kind TEXT NOT NULL, class TEXT NOT NULL, envelope_from TEXT NOT NULL,"
        " to_addresses TEXT, cc_addresses TEXT, created INTEGER NOT NULL, items TEXT,"
        " bytes BLOB);"

        /* urgency: the number of the message's class, for the order in which mail leaves */
        "CREATE TABLE entry ("
        " id INTEGER PRIMARY KEY, message INTEGER NOT NULL REFERENCES message (id),"
        " recipient TEXT NOT NULL, urgency INTEGER NOT NULL, state TEXT NOT NULL,"
        " tries INTEGER NOT NULL, next_try INTEGER NOT NULL, handed_at INTEGER NOT NULL,"
        " finished_at INTEGER NOT NULL, code INTEGER NOT NULL, server TEXT, reply TEXT,"
        " UNIQUE (message, recipient));"
        /* Only what is unfinished: a year of sent mail costs nothing. */
        "CREATE INDEX entry_order ON entry (urgency DESC, id, next_try)"
        " WHERE state IN ('queued', 'handed', 'doubt');"
        "CREATE INDEX entry_next ON entry (next_try) WHERE state IN ('queued', 'handed', 'doubt');"
        "CREATE INDEX entry_list ON entry (id)"
        " WHERE state IN ('queued', 'handed', 'doubt', 'parked');"

        "CREATE INDEX message_created ON message (created);"

        "CREATE TABLE entry_count (state TEXT PRIMARY KEY NOT NULL, n INTEGER NOT NULL) WITHOUT "
        "ROWID;"
        "INSERT INTO entry_count VALUES ('queued', 0), ('handed', 0), ('doubt', 0), ('sent', 0),"
        " ('parked', 0), ('withdrawn', 0);"
        "CREATE TRIGGER entry_added AFTER INSERT ON entry BEGIN"
        " UPDATE entry_count SET n = n + 1 WHERE state = NEW.state; END;"
        "CREATE TRIGGER entry_moved AFTER UPDATE OF state ON entry"
        " WHEN OLD.state IS NOT NEW.state BEGIN"
        " UPDATE entry_count SET n = n - 1 WHERE state = OLD.state;"
        " UPDATE entry_count SET n = n + 1 WHERE state = NEW.state; END;"
        "CREATE TRIGGER entry_removed AFTER DELETE ON entry BEGIN"
        " UPDATE entry_count SET n = n - 1 WHERE state = OLD.state; END;"

        /* How hash is made: ledger.c */
        "CREATE TABLE ledger ("
        " seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, event TEXT NOT NULL, instance TEXT,"
        " task TEXT, unit TEXT, address TEXT, detail TEXT NOT NULL, hash BLOB NOT NULL);"
        "CREATE INDEX ledger_instance ON ledger (instance) WHERE instance IS NOT NULL;"
        "CREATE TRIGGER ledger_gapless BEFORE INSERT ON ledger"
        " WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM ledger) BEGIN"
        " SELECT RAISE(ABORT, 'the ledger goes on with its next number'); END;"
        "CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger BEGIN"
        " SELECT RAISE(ABORT, 'the ledger is append-only'); END;"
        "CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger BEGIN"
        " SELECT RAISE(ABORT, 'the ledger is append-only'); END;",

        /* What a deadline was made of beside its date; NULL: not known yet. */
        "ALTER TABLE instance ADD COLUMN due_word TEXT;"
        "ALTER TABLE instance ADD COLUMN shift TEXT;",

        /* The enhanced status code of an answer (RFC 3463); NULL: it had none */
        "ALTER TABLE entry ADD COLUMN enhanced TEXT;",

        /* The same indices, with OR: for an IN of three words or more SQLite fills a table of its own, six times at each
         * change of a row, which was most of what writing down an answer cost. */
        "DROP INDEX entry_order; DROP INDEX entry_next; DROP INDEX entry_list;"
        "CREATE INDEX entry_order ON entry (urgency DESC, id, next_try)"
        " WHERE state = 'queued' OR state = 'handed' OR state = 'doubt';"
        "CREATE INDEX entry_next ON entry (next_try)"
        " WHERE state = 'queued' OR state = 'handed' OR state = 'doubt';"
        "CREATE INDEX entry_list ON entry (id)"
        " WHERE state = 'queued' OR state = 'handed' OR state = 'doubt' OR state = 'parked';",

        /* Explanations received until then explain nothing: a person said so. */
        "ALTER TABLE instance ADD COLUMN overruled_at INTEGER NOT NULL DEFAULT 0;",

        /* The same trigger, with FAIL: for an ABORT SQLite copies every page before a row changes it; as the trigger comes before
         * the row, there is nothing to take back. */
        "DROP TRIGGER ledger_gapless;"
        "CREATE TRIGGER ledger_gapless BEFORE INSERT ON ledger"
        " WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM ledger) BEGIN"
        " SELECT RAISE(FAIL, 'the ledger goes on with its next number'); END;",
};

#define SCHEMA_VERSION ((int)ELEMENTSOF(migrations))

static int pragma_value(sqlite3 *db, const char *sql, int *ret) {
        sqlite3_stmt *stmt = NULL;
        int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

        if (rc == SQLITE_OK)
                rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW)
                *ret = sqlite3_column_int(stmt, 0);
        sqlite3_finalize(stmt);
        return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static int migrate_to(struct store *store, int version) {
        char end[96];
        int rc = sqlite3_exec(store->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

        snprintf(end, sizeof(end), "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
                 APPLICATION_ID, version);
        if (rc == SQLITE_OK)
                rc = sqlite3_exec(store->db, migrations[version - 1], NULL, NULL, NULL);
        if (rc == SQLITE_OK)
                rc = sqlite3_exec(store->db, end, NULL, NULL, NULL);
        if (rc != SQLITE_OK) {
                int r = store_fail(store, rc);

                sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
                return r;
        }
        return 0;
}

bool schema_is_ours(sqlite3 *db) {
        int id = 0;

        return pragma_value(db, "PRAGMA application_id", &id) == SQLITE_OK && id == APPLICATION_ID;
}

int store_migrate(struct store *store, bool *ret_fresh) {
        int version = 0, tables = 0, rc, r;

        rc = pragma_value(store->db, "PRAGMA user_version", &version);
        if (rc == SQLITE_OK)
                rc = pragma_value(store->db, "SELECT count(*) FROM sqlite_master", &tables);
        if (rc != SQLITE_OK)
                return store_fail(store, rc);
        if (version > SCHEMA_VERSION || version < 0 ||
            ((version > 0 || tables > 0) && !schema_is_ours(store->db)))
                return -EPROTO;
        *ret_fresh = version == 0;
        while (version < SCHEMA_VERSION) {
                r = migrate_to(store, ++version);
                if (r < 0)
                        return r;
        }
        return 0;
}
