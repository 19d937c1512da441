/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What must outlive the process: instances and their histories, evidence and its assignment, notices that wait, the outbox, and the
 * append-only ledger. One SQLite database (WAL, synchronous=FULL), one writer, one lock. Decides nothing: callers say
 * what is true, the store keeps it. All functions return 0 or -errno (-EIO for SQLite's own trouble, whose words are in
 * store_error()); every change happens inside a transaction that the caller opens.
 *
 * Rows handed to callbacks are borrowed until the callback returns. A callback returns 0 to go on, anything else ends the
 * loading and is returned.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/notice.h"
#include "core/requirement.h"

struct store;

/* How the database was found. */
enum store_condition {
        STORE_FRESH, /* made now: nothing is known, mail is held until release */
        STORE_SOUND,
        /* Was corrupt, or gone with copies left: moved aside as evidenced.db.corrupt-TIME, the newest sound copy restored (or
         * none: empty). Mail must be held: the copy's "released_at" is taken away, so that it is held after a restart, too. */
        STORE_RESTORED,
        _STORE_CONDITION_MAX
};

/**
 * store_open() - open or make DIR/evidenced.db, take the lock DIR/lock, migrate
 * @ret_holder: on -EBUSY the pid that holds the lock; may be NULL
 *
 * Makes DIR (0700) where it is missing. Reads the whole database once (quick_check).
 * Return: 0; -EBUSY when another evidenced has it; -EPROTO when the database is from a newer version or another program;
 * -EOPNOTSUPP when the file system does not bear WAL; -EIO when what was restored is corrupt as well; -errno.
 */
int store_open(const char *dir, struct store **ret, enum store_condition *ret_condition,
               pid_t *ret_holder);
struct store *store_free(struct store *store);
const char *store_error(const struct store *store); /* words of the last trouble; "" when none */
/** The disk had no room for the last change (-ENOSPC), and none was kept since. */
bool store_is_full(const struct store *store);

/** After a failed commit the transaction stays open until store_rollback(). Beginning twice, or changing something outside a
 *  transaction, is a defect of the caller: assert. */
int store_begin(struct store *store);
int store_commit(struct store *store);
void store_rollback(struct store *store); /* no effect outside a transaction */

/* Single values: "clock_offset", "released_at", "time_zone", … -ENOENT when not set; -EIO when set as the other kind. */
int store_get_i64(struct store *store, const char *name, int64_t *ret);
int store_set_i64(struct store *store, const char *name, int64_t value);
int store_get_text(struct store *store, const char *name, char **ret); /* owned */
int store_set_text(struct store *store, const char *name, const char *value);

/* ---- instances ---- */

struct stored_instance {
        const char *key, *task, *unit, *label; /* label NULL: none */
        date_t stated;                         /* DATE_NONE: no deadline */
        int time_of_day;
        enum due_word
                due_word; /* with the shift: of the task when this was stored; _…_MAX: not known */
        enum shift shift;
        usec_t deadline; /* the deadline instant last known, to notice that it changed */
        bool retired;    /* no longer configured */
        struct history
                history; /* have and records borrowed; have as stored (n_have may differ from today's requirements) */
};

typedef int (*store_instance_fn)(void *userdata, const struct stored_instance *row);
int store_load_instances(struct store *store, store_instance_fn fn,
                         void *userdata); /* with their records */
/** Inserts or replaces the row; records are not touched (store_add_record). */
int store_put_instance(struct store *store, const struct stored_instance *row);
/** Renames an instance (a stated date that was edited, docs/semantics.md section 2): its records, the files assigned to it and its
 *  notices follow; the ledger stays as it is. Return: 0, -ENOENT, -EEXIST (there is one of the new key), -errno. */
int store_rename_instance(struct store *store, const char *old_key, const char *new_key);
/** The instance must be stored. A record of the same episode, deadline and offset is replaced.
 *  @message: rowid of the message that carried it; 0: none (covered, superseded) */
int store_add_record(struct store *store, const char *key, const struct record *record,
                     int64_t message);

/* ---- evidence ---- */

struct stored_file {
        int64_t id; /* 0: new */
        const char *root, *path;
        uint64_t size, inode;
        usec_t mtime, received_at;
        bool as_dated;
        bool inspected, whole, signed_pdf;
        enum file_type type;
        uint8_t sha256[SHA256_SIZE];
        usec_t gone_since; /* 0: there */
        /* the slot it fills; instance NULL: none */
        const char *instance;
        uint32_t requirement; /* index of the requirement in the instance */
        usec_t assigned_at;
        enum verdict verdict; /* last told reason for not counting, so that it is told once */
};

typedef int (*store_file_fn)(void *userdata, const struct stored_file *row);
int store_load_files(struct store *store, store_file_fn fn, void *userdata);
/** Inserts (id 0) or updates by id (-ENOENT). @ret_id: may be NULL. */
int store_put_file(struct store *store, const struct stored_file *row, int64_t *ret_id);
/** No error when there is none. */
int store_delete_file(struct store *store, int64_t id);

/* Identity of a root, recorded when first seen. @ret_identity: owned; NULL when it was stored so. */
int store_get_root(struct store *store, const char *root, char **ret_identity,
                   bool *ret_scanned); /* -ENOENT */
int store_put_root(struct store *store, const char *root, const char *identity, bool scanned);

/* ---- notices that wait for their flush (everything but reminders) ---- */

struct stored_notice {
        int64_t id;
        enum notice_kind kind;
        const char *instance, *unit; /* NULL: none */
        usec_t created, leave;       /* not before */
        const char *detail;          /* JSON of what it says; NULL */
};

typedef int (*store_notice_fn)(void *userdata, const struct stored_notice *row);
int store_add_notice(struct store *store, const struct stored_notice *row);
int store_load_notices(struct store *store, usec_t leave_until, store_notice_fn fn,
                       void *userdata); /* in order of id */
int store_delete_notice(struct store *store, int64_t id);
int store_postpone_notice(struct store *store, int64_t id, usec_t leave);
/** Earliest leave instant of all; USEC_INFINITY when none waits. */
int store_next_notice(struct store *store, usec_t *ret);

/* ---- outbox ---- */

enum outbox_state {
        OUTBOX_QUEUED, /* waits for next_try */
        OUTBOX_HANDED, /* given to a sender; after a crash: not again before handed_at + the sender's timeout */
        OUTBOX_DOUBT, /* lost after DATA: tried again, same Message-ID */
        OUTBOX_SENT,
        OUTBOX_PARKED,    /* refused for good, or retry_for is over */
        OUTBOX_WITHDRAWN, /* superseded before it left */
        _OUTBOX_STATE_MAX
};
const char *outbox_state_to_string(enum outbox_state state);
int outbox_state_from_string(const char *s, enum outbox_state *ret);

/* A composed message: fixed bytes, fixed Date and Message-ID. */
struct outbox_message {
        int64_t id;
        const char *message_id; /* with angle brackets */
        const char *subject;    /* decoded, UTF-8 */
        enum notice_kind kind;
        enum notice_class class;
        const char *from;    /* envelope sender */
        const char *to, *cc; /* comma-separated addresses, sorted, as in list outputs */
        usec_t created;
        const void *bytes;
        size_t size;
        const char *items; /* JSON array as `simulate --json` prints it; NULL: [] */
};

/* One recipient of it. */
struct outbox_entry {
        int64_t id;
        struct outbox_message message; /* bytes NULL where the function says so */
        const char *recipient;
        enum outbox_state state;
        uint32_t tries;
        usec_t next_try, handed_at, finished_at;
        int code;
        const char *enhanced;       /* "5.1.1" (RFC 3463); NULL: none */
        const char *server, *reply; /* NULL: none yet */
};

typedef int (*store_outbox_fn)(void *userdata, const struct outbox_entry *entry);
/** Message and one queued entry for each recipient, next_try = message->created; a recipient that stands twice gets one.
 *  @ret_id: rowid of the message; may be NULL. */
int store_add_message(struct store *store, const struct outbox_message *message,
                      const char *const *recipients, size_t n_recipients, int64_t *ret_id);
/* Which mail may leave at all: docs/semantics.md, section 5. */
enum outbox_reach {
        OUTBOX_ALL,
        OUTBOX_ANY_HOUR, /* outside the window: troubles and tests */
        OUTBOX_ASKED,    /* while mail is held: tests */
};
bool outbox_reaches(enum outbox_reach reach, enum notice_kind kind);
/** Entries that may be handed out at @now (queued, in doubt, or handed by a process that died; next_try reached), tests first,
 *  then troubles, the most urgent class, the oldest; with bytes. */
int store_outbox_ready(struct store *store, usec_t now, enum outbox_reach reach, size_t max,
                       store_outbox_fn fn, void *userdata);
struct outbox_filter {
        bool finished; /* sent and withdrawn too, not only what is queued, handed, in doubt or parked */
        int64_t after;  /* entries behind this one; 0: all */
        uint32_t limit; /* 0: no limit */
};
/** Newest last; without bytes. */
int store_outbox_list(struct store *store, const struct outbox_filter *filter, store_outbox_fn fn,
                      void *userdata);
int store_outbox_get(struct store *store, int64_t id, store_outbox_fn fn,
                     void *userdata); /* without bytes; -ENOENT */

struct outbox_result {
        enum outbox_state state;
        usec_t at;
        usec_t next_try; /* for QUEUED, DOUBT and HANDED (when it may be handed out again should we die) */
        int code;        /* 0: none */
        const char *enhanced, *server, *reply;
        bool count_try; /* tries + 1 */
};
/**
 * store_outbox_update() - sets the state; finished_at is @at for SENT, PARKED and WITHDRAWN, else 0; handed_at for HANDED
 * server and reply stay as they were where NULL, and so do code and enhanced when code is 0 and reply NULL.
 * Return: 0, -ENOENT (no such entry, or it is to leave again and its bytes are forgotten), -errno.
 */
int store_outbox_update(struct store *store, int64_t id, const struct outbox_result *result);
/** Earliest next_try of what is queued, in doubt or handed and within @reach; USEC_INFINITY when nothing waits. */
int store_outbox_next(struct store *store, enum outbox_reach reach, usec_t *ret);
struct outbox_counts {
        uint64_t by_state[_OUTBOX_STATE_MAX];
};
int store_outbox_count(struct store *store, struct outbox_counts *ret);
/**
 * store_outbox_forget() - gives back the bytes of old mail; all else of it stays
 * @created_before: messages made before it, of which every copy was sent or withdrawn (parked ones may be tried again)
 * @ret_n:          how many; may be NULL
 *
 * Reads the list of all messages: once a night, before store_backup().
 */
int store_outbox_forget(struct store *store, usec_t created_before, uint64_t *ret_n);

/* ---- who was mailed ---- */

typedef int (*store_recipient_fn)(void *userdata, const char *recipient);
/** Everybody to whom a reminder about the instance was addressed so far. */
int store_mailed_about(struct store *store, const char *key, store_recipient_fn fn, void *userdata);
/** One more recipient of a message that is there, queued at once. Return: 1; 0 when it is one already; -errno. */
int store_add_recipient(struct store *store, int64_t message, const char *recipient, usec_t now);
/** How many mails composed since @since each recipient has, as it was written. Withdrawn ones do not count. */
typedef int (*store_count_fn)(void *userdata, const char *recipient, uint64_t n);
int store_count_mails(struct store *store, usec_t since, store_count_fn fn, void *userdata);

/* ---- ledger: append-only, chained by SHA-256 ---- */

struct ledger_row {
        int64_t seq; /* from 1, without gaps; given by the store */
        usec_t at;
        const char *event; /* "evidence-counted", "mail-sent", … docs/architecture.md lists them */
        const char *instance, *task, *unit, *address; /* NULL: none */
        const char *detail;                           /* JSON object; NULL: {} */
        uint8_t hash[SHA256_SIZE];                    /* of the row and the hash before it */
};

struct ledger_filter {
        const char *instance, *task, *unit, *address, *event; /* NULL: any */
        usec_t from, until; /* [from, until); 0 and USEC_INFINITY: open */
        int64_t after_seq;
        size_t limit; /* 0: none; without after_seq the newest so many */
};

typedef int (*store_ledger_fn)(void *userdata, const struct ledger_row *row);
int store_ledger_add(struct store *store,
                     const struct ledger_row *row); /* seq and hash are ignored */
/** Newest last. */
int store_ledger_query(struct store *store, const struct ledger_filter *filter, store_ledger_fn fn,
                       void *userdata);
/** The whole of it, newest first: for what lies back a little. */
int store_ledger_back(struct store *store, store_ledger_fn fn, void *userdata);
/** Return: 0 sound, -EUCLEAN broken: @ret_seq is the first row that does not fit. */
int store_ledger_verify(struct store *store, int64_t *ret_seq);
/* How far a check in parts has come; all zero: not begun. */
struct ledger_check {
        int64_t seq; /* of the last row that was looked at; on -EUCLEAN that is the first that does not fit */
        uint8_t head[SHA256_SIZE];
};
/** The same in parts, at most @max_rows (> 0) at once, so that nobody waits for it. Return: 1 there may be more, 0 sound to its end,
 *  -EUCLEAN, -errno. */
int store_ledger_check(struct store *store, struct ledger_check *check, size_t max_rows);
/** Hash of the newest row (all zero when empty) and its seq (0). */
int store_ledger_head(struct store *store, uint8_t ret[SHA256_SIZE], int64_t *ret_seq);

/* ---- care ---- */

/** VACUUM INTO DIR/backup-YYYY-MM-DD.db, keeping the 7 newest. Outside a transaction. */
int store_backup(struct store *store, date_t today);
