/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/store.h"

#include <errno.h>
#include <string.h>

#include "store/query.h"

static const char *const class_words[_NOTICE_CLASS_MAX] = {
        [NOTICE_CLASS_INFO] = "info",
        [NOTICE_CLASS_LEAD] = "lead",
        [NOTICE_CLASS_DUE_TODAY] = "due-today",
        [NOTICE_CLASS_OVERDUE] = "overdue",
        [NOTICE_CLASS_ESCALATION] = "escalation",
};

/* The same words as in the partial indices of schema.c, which serve these conditions only. */
#define WAITING "(state = 'queued' OR state = 'handed' OR state = 'doubt')"
#define LISTED "(state = 'queued' OR state = 'handed' OR state = 'doubt' OR state = 'parked')"

/* Before all classes: what leaves at any hour, and what somebody asked for and waits for. */
#define URGENCY_ANY_HOUR _NOTICE_CLASS_MAX
#define URGENCY_ASKED (_NOTICE_CLASS_MAX + 1)

#define ENTRY_COLUMNS                                                                              \
        "e.id, e.recipient, e.state, e.tries, e.next_try, e.handed_at, e.finished_at, e.code,"     \
        " e.enhanced, e.server, e.reply, m.id, m.message_id, m.subject, m.kind, m.class, "         \
        "m.envelope_from,"                                                                         \
        " m.to_addresses, m.cc_addresses, m.created, m.items, length(m.bytes)"

const char *outbox_state_to_string(enum outbox_state state) {
        switch (state) {
        case OUTBOX_QUEUED:
                return "queued";
        case OUTBOX_HANDED:
                return "handed";
        case OUTBOX_DOUBT:
                return "doubt";
        case OUTBOX_SENT:
                return "sent";
        case OUTBOX_PARKED:
                return "parked";
        case OUTBOX_WITHDRAWN:
                return "withdrawn";
        case _OUTBOX_STATE_MAX:
                break;
        }
        return NULL;
}

int outbox_state_from_string(const char *s, enum outbox_state *ret) {
        for (enum outbox_state i = 0; i < _OUTBOX_STATE_MAX; i++)
                if (strcmp(s, outbox_state_to_string(i)) == 0) {
                        *ret = i;
                        return 0;
                }
        return -EINVAL;
}

static int64_t urgency_of(enum notice_kind kind, enum notice_class class) {
        return kind == NOTICE_TEST      ? URGENCY_ASKED
               : kind == NOTICE_TROUBLE ? URGENCY_ANY_HOUR
                                        : (int64_t) class;
}

/* The least urgency that is within reach. */
static int64_t urgency_from(enum outbox_reach reach) {
        return reach == OUTBOX_ASKED      ? URGENCY_ASKED
               : reach == OUTBOX_ANY_HOUR ? URGENCY_ANY_HOUR
                                          : 0;
}

bool outbox_reaches(enum outbox_reach reach, enum notice_kind kind) {
        return urgency_of(kind, NOTICE_CLASS_INFO) >= urgency_from(reach);
}

static bool is_finished(enum outbox_state state) {
        return state == OUTBOX_SENT || state == OUTBOX_PARKED || state == OUTBOX_WITHDRAWN;
}

/* ---- adding ---- */

static int insert_message(struct store *store, const struct outbox_message *m, int64_t *ret_id) {
        _cleanup_(query_done) struct query q = query_change(
                store, "INSERT INTO message (message_id, subject, kind, class, envelope_from,"
                       " to_addresses, cc_addresses, created, items, bytes)"
                       " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
        int r;

        query_text(&q, m->message_id);
        query_text(&q, m->subject);
        query_text(&q, notice_kind_to_string(m->kind));
        query_text(&q, class_words[m->class]);
        query_text(&q, m->from);
        query_text(&q, m->to);
        query_text(&q, m->cc);
        query_i64(&q, m->created);
        query_text(&q, m->items);
        query_blob(&q, m->bytes, m->size);
        r = query_run(&q);
        if (r == 0)
                *ret_id = sqlite3_last_insert_rowid(store->db);
        return r;
}

static int insert_entry(struct store *store, int64_t id, const struct outbox_message *m,
                        const char *recipient) {
        /* An address that stands twice among the recipients gets one copy. */
        _cleanup_(query_done) struct query q = query_change(
                store, "INSERT INTO entry (message, recipient, urgency, state, tries, next_try,"
                       " handed_at, finished_at, code) VALUES (?, ?, ?, 'queued', 0, ?, 0, 0, 0)"
                       " ON CONFLICT (message, recipient) DO NOTHING");

        query_i64(&q, id);
        query_text(&q, recipient);
        query_i64(&q, urgency_of(m->kind, m->class));
        query_i64(&q, m->created);
        return query_run(&q);
}

int store_add_message(struct store *store, const struct outbox_message *message,
                      const char *const *recipients, size_t n_recipients, int64_t *ret_id) {
        int64_t id = 0;
        int r = insert_message(store, message, &id);

        for (size_t i = 0; r == 0 && i < n_recipients; i++)
                r = insert_entry(store, id, message, recipients[i]);
        if (r == 0 && ret_id)
                *ret_id = id;
        return r;
}

/* ---- loading ---- */

static int take_message(struct query *q, bool bytes, struct outbox_message *m) {
        const char *word;
        int i;

        m->id = query_take_i64(q);
        m->message_id = query_take_text(q);
        m->subject = query_take_text(q);
        word = query_take_text(q);
        if (!word || notice_kind_from_string(word, &m->kind) < 0)
                return query_odd(q, "kind of message", word);
        word = query_take_text(q);
        for (i = 0; i < _NOTICE_CLASS_MAX; i++)
                if (word && strcmp(class_words[i], word) == 0)
                        break;
        if (i == _NOTICE_CLASS_MAX)
                return query_odd(q, "class of message", word);
        m->class = (enum notice_class)i;
        m->from = query_take_text(q);
        m->to = query_take_text(q);
        m->cc = query_take_text(q);
        m->created = query_take_i64(q);
        m->items = query_take_text(q);
        m->size = (size_t)query_take_i64(q);
        if (bytes)
                m->bytes = query_take_blob(q, &m->size);
        return 0;
}

static int take_entry(struct query *q, bool bytes, struct outbox_entry *e) {
        const char *state;

        e->id = query_take_i64(q);
        e->recipient = query_take_text(q);
        state = query_take_text(q);
        if (!state || outbox_state_from_string(state, &e->state) < 0)
                return query_odd(q, "state of mail", state);
        e->tries = (uint32_t)query_take_i64(q);
        e->next_try = query_take_i64(q);
        e->handed_at = query_take_i64(q);
        e->finished_at = query_take_i64(q);
        e->code = (int)query_take_i64(q);
        e->enhanced = query_take_text(q);
        e->server = query_take_text(q);
        e->reply = query_take_text(q);
        return take_message(q, bytes, &e->message);
}

/* Return: what ended it, else how many rows there were. */
static int load_entries(struct query *q, bool bytes, store_outbox_fn fn, void *userdata,
                        size_t *ret_n) {
        int r;

        *ret_n = 0;
        while ((r = query_step(q)) > 0) {
                struct outbox_entry entry = {};

                r = take_entry(q, bytes, &entry);
                if (r == 0)
                        r = fn(userdata, &entry);
                if (r != 0)
                        return r;
                ++*ret_n;
        }
        return r;
}

int store_outbox_ready(struct store *store, usec_t now, enum outbox_reach reach, size_t max,
                       store_outbox_fn fn, void *userdata) {
        _cleanup_(query_done) struct query q =
                query_read(store, "SELECT " ENTRY_COLUMNS ", m.bytes"
                                  " FROM entry AS e INDEXED BY entry_order CROSS JOIN message AS m "
                                  "ON m.id = e.message"
                                  " WHERE " WAITING " AND e.urgency >= ? AND e.next_try <= ?"
                                  " ORDER BY e.urgency DESC, e.id LIMIT ?");
        size_t n;

        query_i64(&q, urgency_from(reach));
        query_i64(&q, now);
        query_i64(&q, max > INT64_MAX ? INT64_MAX : (int64_t)max);
        return load_entries(&q, true, fn, userdata, &n);
}

int store_outbox_list(struct store *store, const struct outbox_filter *filter, store_outbox_fn fn,
                      void *userdata) {
        static const char all[] = "SELECT " ENTRY_COLUMNS
                                  " FROM entry AS e CROSS JOIN message AS m ON m.id = e.message"
                                  " WHERE e.id > ? ORDER BY e.id LIMIT ?";
        static const char listed[] =
                "SELECT " ENTRY_COLUMNS
                " FROM entry AS e INDEXED BY entry_list CROSS JOIN message AS m ON m.id = e.message"
                " WHERE " LISTED " AND e.id > ? ORDER BY e.id LIMIT ?";
        _cleanup_(query_done) struct query q = query_read(store, filter->finished ? all : listed);
        size_t n;

        query_i64(&q, filter->after);
        query_i64(&q, filter->limit > 0 ? (int64_t)filter->limit : -1);
        return load_entries(&q, false, fn, userdata, &n);
}

int store_outbox_get(struct store *store, int64_t id, store_outbox_fn fn, void *userdata) {
        _cleanup_(query_done) struct query q = query_read(
                store,
                "SELECT " ENTRY_COLUMNS
                " FROM entry AS e CROSS JOIN message AS m ON m.id = e.message WHERE e.id = ?");
        size_t n;
        int r;

        query_i64(&q, id);
        r = load_entries(&q, false, fn, userdata, &n);
        return r == 0 && n == 0 ? -ENOENT : r;
}

/* ---- what became of it ---- */

int store_outbox_update(struct store *store, int64_t id, const struct outbox_result *result) {
        /*
         * An answer without words and number leaves what the last one said. OR FAIL: for what a trigger may break SQLite would
         * first copy every page that it is about to change; whoever calls takes the whole transaction back instead.
         */
        _cleanup_(query_done) struct query q = query_change(
                store,
                "UPDATE OR FAIL entry SET state = ?1, tries = tries + ?2, next_try = coalesce(?3, "
                "next_try),"
                " handed_at = coalesce(?4, handed_at), finished_at = ?5,"
                " code = CASE WHEN ?6 = 0 AND ?8 IS NULL THEN code ELSE ?6 END,"
                " enhanced = CASE WHEN ?6 = 0 AND ?8 IS NULL THEN enhanced ELSE ?11 END,"
                " server = coalesce(?7, server), reply = coalesce(?8, reply) WHERE id = ?9"
                " AND (?10 OR EXISTS (SELECT 1 FROM message AS m WHERE m.id = entry.message"
                " AND m.bytes IS NOT NULL))");
        bool finished = is_finished(result->state);
        int r;

        query_text(&q, outbox_state_to_string(result->state));
        query_i64(&q, result->count_try);
        if (finished)
                query_null(&q);
        else
                query_i64(&q, result->next_try);
        if (result->state == OUTBOX_HANDED)
                query_i64(&q, result->at);
        else
                query_null(&q);
        query_i64(&q, finished ? result->at : 0);
        query_i64(&q, result->code);
        query_text(&q, result->server);
        query_text(&q, result->reply);
        query_i64(&q, id);
        query_i64(&q, finished); /* what is finished needs no bytes any more */
        query_text(&q, result->enhanced);
        r = query_run(&q);
        if (r == 0 && sqlite3_changes(store->db) == 0)
                return -ENOENT;
        return r;
}

int store_outbox_next(struct store *store, enum outbox_reach reach, usec_t *ret) {
        _cleanup_(query_done) struct query q =
                query_read(store, "SELECT next_try FROM entry INDEXED BY entry_next"
                                  " WHERE " WAITING " AND urgency >= ?"
                                  " ORDER BY next_try LIMIT 1");
        int r;

        query_i64(&q, urgency_from(reach));
        r = query_step(&q);
        if (r < 0)
                return r;
        *ret = r > 0 ? query_take_i64(&q) : USEC_INFINITY;
        return 0;
}

int store_outbox_count(struct store *store, struct outbox_counts *ret) {
        _cleanup_(query_done) struct query q =
                query_read(store, "SELECT state, n FROM entry_count");
        struct outbox_counts counts = {};
        int r;

        while ((r = query_step(&q)) > 0) {
                const char *word = query_take_text(&q);
                enum outbox_state state;

                if (!word || outbox_state_from_string(word, &state) < 0)
                        return query_odd(&q, "state of mail", word);
                counts.by_state[state] = (uint64_t)query_take_i64(&q);
        }
        if (r == 0)
                *ret = counts;
        return r;
}

int store_outbox_forget(struct store *store, usec_t created_before, uint64_t *ret_n) {
        _cleanup_(query_done) struct query q = query_change(
                store, "UPDATE message SET bytes = NULL WHERE created < ? AND bytes IS NOT NULL"
                       " AND NOT EXISTS (SELECT 1 FROM entry AS e WHERE e.message = message.id"
                       " AND " LISTED ")");
        int r;

        query_i64(&q, created_before);
        r = query_run(&q);
        if (r == 0 && ret_n)
                *ret_n = (uint64_t)sqlite3_changes(store->db);
        return r;
}
