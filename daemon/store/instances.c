/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "base/text.h"
#include "store/query.h"

static const char *const unit_words[_OFFSET_UNIT_MAX] = {
        [OFFSET_WORKING_DAYS] = "wd",
        [OFFSET_DAYS] = "d",
        [OFFSET_WEEKS] = "w",
        [OFFSET_HOURS] = "h",
};
static const char *const record_words[_RECORD_KIND_MAX] = {
        [RECORD_SENT] = "sent",
        [RECORD_COVERED] = "covered",
        [RECORD_SUPERSEDED] = "superseded",
};

struct have_list ARRAY(uint32_t);
struct record_list ARRAY(struct record);

/* What one loading uses again for each row. */
struct loading {
        struct have_list have;
        struct record_list records;
};

static void loading_done(struct loading *l) {
        array_done(&l->have);
        array_done(&l->records);
}

static int word_find(const char *const *words, size_t n, const char *word) {
        for (size_t i = 0; word && i < n; i++)
                if (strcmp(words[i], word) == 0)
                        return (int)i;
        return -ENOENT;
}

/* ---- loading ---- */

/* "1,0,2"; "" is none. */
static int parse_have(struct query *q, struct have_list *list) {
        const char *text = query_take_text(q), *p = text;

        list->n = 0;
        while (p && *p) {
                char *end;
                unsigned long value = strtoul(p, &end, 10);

                if (end == p || value > UINT32_MAX || (*end != ',' && *end != '\0'))
                        return query_odd(q, "count of files", text);
                if (array_push(list, (uint32_t)value) < 0)
                        return -ENOMEM;
                p = *end ? end + 1 : end;
        }
        return 0;
}

static int take_record(struct query *q, struct record *ret) {
        const char *unit, *kind;
        int i;

        ret->episode = (uint32_t)query_take_i64(q);
        ret->deadline = query_take_i64(q);
        ret->offset.count = (int32_t)query_take_i64(q);
        unit = query_take_text(q);
        ret->fired = query_take_i64(q);
        ret->at = query_take_i64(q);
        kind = query_take_text(q);
        i = word_find(unit_words, _OFFSET_UNIT_MAX, unit);
        if (i < 0)
                return query_odd(q, "unit of an offset", unit);
        ret->offset.unit = (enum offset_unit)i;
        i = word_find(record_words, _RECORD_KIND_MAX, kind);
        if (i < 0)
                return query_odd(q, "kind of record", kind);
        ret->kind = (enum record_kind)i;
        return 0;
}

static int load_records(struct store *store, const char *key, struct record_list *list) {
        _cleanup_(query_done) struct query q =
                query_read(store, "SELECT episode, deadline, count, unit, fired, at, kind"
                                  " FROM record WHERE instance = ? ORDER BY id");
        int r;

        list->n = 0;
        query_text(&q, key);
        while ((r = query_step(&q)) > 0) {
                struct record record = {};

                r = take_record(&q, &record);
                if (r == 0)
                        r = array_push(list, record);
                if (r < 0)
                        return r;
        }
        return r;
}

static int take_history(struct query *q, struct have_list *have, struct history *h) {
        const char *cause;
        int r;

        h->first_known = query_take_i64(q);
        h->episode = (uint32_t)query_take_i64(q);
        h->episode_began = query_take_i64(q);
        cause = query_take_text(q);
        if (!cause || episode_cause_from_string(cause, &h->cause) < 0)
                return query_odd(q, "cause of an episode", cause);
        h->scanned = query_take_bool(q);
        h->unverified = query_take_bool(q);
        h->explained = query_take_bool(q);
        h->overruled_at = query_take_i64(q);
        h->extended_to = query_take_date(q);
        h->passed.last = query_take_date(q);
        h->passed.effective = query_take_date(q);
        h->passed.instant = query_take_i64(q);
        if (h->passed.last == DATE_NONE && h->passed.effective == DATE_NONE &&
            h->passed.instant == 0)
                h->passed = (struct deadline){}; /* not passed yet, as HISTORY_INIT has it */
        h->waived_until = query_take_i64(q);
        h->snoozed_until = query_take_i64(q);
        r = parse_have(q, have);
        if (r < 0)
                return r;
        h->complete_at = query_take_i64(q);
        h->ladder_end_told = query_take_bool(q);
        return q->r;
}

static int take_terms(struct query *q, struct stored_instance *row) {
        const char *word = query_take_text(q), *shift;

        row->due_word = _DUE_WORD_MAX;
        row->shift = _SHIFT_MAX;
        if (word && due_word_from_string(word, &row->due_word) < 0)
                return query_odd(q, "word of a deadline", word);
        shift = query_take_text(q);
        if (shift && shift_from_string(shift, &row->shift) < 0)
                return query_odd(q, "shift of a deadline", shift);
        return 0;
}

static int take_instance(struct query *q, struct loading *l, struct stored_instance *row) {
        int r;

        row->key = query_take_text(q);
        row->task = query_take_text(q);
        row->unit = query_take_text(q);
        row->label = query_take_text(q);
        row->stated = query_take_date(q);
        row->time_of_day = (int)query_take_i64(q);
        r = take_terms(q, row);
        if (r < 0)
                return r;
        row->deadline = query_take_i64(q);
        row->retired = query_take_bool(q);
        r = take_history(q, &l->have, &row->history);
        if (r == 0)
                r = load_records(q->store, row->key, &l->records);
        if (r < 0)
                return r;
        row->history.have = l->have.items;
        row->history.n_have = l->have.n;
        row->history.records = l->records.items;
        row->history.n_records = l->records.n;
        return 0;
}

int store_load_instances(struct store *store, store_instance_fn fn, void *userdata) {
        _cleanup_(loading_done) struct loading l = {};
        _cleanup_(query_done) struct query q = query_read(
                store,
                "SELECT key, task, unit, label, stated, time_of_day, due_word, shift, deadline, "
                "retired,"
                " first_known, episode, episode_began, cause, scanned, unverified, explained,"
                " overruled_at, extended_to, passed_last, passed_effective, passed_instant,"
                " waived_until, snoozed_until, have, complete_at, ladder_end_told"
                " FROM instance ORDER BY key");
        int r;

        while ((r = query_step(&q)) > 0) {
                struct stored_instance row = {};

                r = take_instance(&q, &l, &row);
                if (r == 0)
                        r = fn(userdata, &row);
                if (r != 0)
                        return r;
        }
        return r;
}

/* ---- keeping ---- */

static void put_history(struct query *q, const struct history *h, const char *have) {
        bool passed = h->passed.instant != 0;

        query_i64(q, h->first_known);
        query_i64(q, h->episode);
        query_i64(q, h->episode_began);
        query_text(q, episode_cause_to_string(h->cause));
        query_i64(q, h->scanned);
        query_i64(q, h->unverified);
        query_i64(q, h->explained);
        query_i64(q, h->overruled_at);
        query_date(q, h->extended_to);
        query_date(q, passed ? h->passed.last : DATE_NONE);
        query_date(q, passed ? h->passed.effective : DATE_NONE);
        query_i64(q, h->passed.instant);
        query_i64(q, h->waived_until);
        query_i64(q, h->snoozed_until);
        query_text(q, have);
        query_i64(q, h->complete_at);
        query_i64(q, h->ladder_end_told);
}

int store_put_instance(struct store *store, const struct stored_instance *row) {
        /* An upsert, since REPLACE would delete the row, and its records with it. */
        _cleanup_(query_done) struct query q = query_change(
                store,
                "INSERT INTO instance (key, task, unit, label, stated, time_of_day, due_word, "
                "shift,"
                " deadline, retired, first_known, episode, episode_began, cause, scanned, "
                "unverified,"
                " explained, overruled_at, extended_to, passed_last, passed_effective, "
                "passed_instant,"
                " waived_until, snoozed_until, have, complete_at, ladder_end_told)"
                " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
                " ON CONFLICT (key) DO UPDATE SET task = excluded.task, unit = excluded.unit,"
                " label = excluded.label, stated = excluded.stated,"
                " time_of_day = excluded.time_of_day, due_word = excluded.due_word,"
                " shift = excluded.shift, deadline = excluded.deadline,"
                " retired = excluded.retired, first_known = excluded.first_known,"
                " episode = excluded.episode, episode_began = excluded.episode_began,"
                " cause = excluded.cause, scanned = excluded.scanned,"
                " unverified = excluded.unverified, explained = excluded.explained,"
                " overruled_at = excluded.overruled_at,"
                " extended_to = excluded.extended_to, passed_last = excluded.passed_last,"
                " passed_effective = excluded.passed_effective,"
                " passed_instant = excluded.passed_instant,"
                " waived_until = excluded.waived_until, snoozed_until = excluded.snoozed_until,"
                " have = excluded.have, complete_at = excluded.complete_at,"
                " ladder_end_told = excluded.ladder_end_told");
        _cleanup_(strbuf_done) struct strbuf have = STRBUF_INIT;
        int r;

        for (size_t i = 0; i < row->history.n_have; i++)
                strbuf_addf(&have, "%s%u", i ? "," : "", row->history.have[i]);
        r = strbuf_error(&have);
        if (r < 0)
                return r;
        query_text(&q, row->key);
        query_text(&q, row->task);
        query_text(&q, row->unit);
        query_text(&q, row->label);
        query_date(&q, row->stated);
        query_i64(&q, row->time_of_day);
        query_text(&q, row->due_word == _DUE_WORD_MAX ? NULL : due_word_to_string(row->due_word));
        query_text(&q, row->shift == _SHIFT_MAX ? NULL : shift_to_string(row->shift));
        query_i64(&q, row->deadline);
        query_i64(&q, row->retired);
        put_history(&q, &row->history, strbuf_str(&have));
        return query_run(&q);
}

/* @sql: new key, old key */
static int rename_in(struct store *store, const char *sql, const char *old_key,
                     const char *new_key) {
        _cleanup_(query_done) struct query q = query_change(store, sql);
        int r;

        query_text(&q, new_key);
        query_text(&q, old_key);
        r = query_run(&q);
        return r < 0 ? r : sqlite3_changes(store->db);
}

static int instance_exists(struct store *store, const char *key) {
        _cleanup_(query_done) struct query q =
                query_read(store, "SELECT 1 FROM instance WHERE key = ?");

        query_text(&q, key);
        return query_step(&q);
}

int store_rename_instance(struct store *store, const char *old_key, const char *new_key) {
        int r = instance_exists(store, new_key);

        if (r != 0)
                return r < 0 ? r : -EEXIST;
        /* The records follow by ON UPDATE CASCADE. */
        r = rename_in(store, "UPDATE instance SET key = ? WHERE key = ?", old_key, new_key);
        if (r <= 0)
                return r < 0 ? r : -ENOENT;
        r = rename_in(store, "UPDATE file SET instance = ? WHERE instance = ?", old_key, new_key);
        if (r >= 0)
                r = rename_in(store, "UPDATE notice SET instance = ? WHERE instance = ?", old_key,
                              new_key);
        return r < 0 ? r : 0;
}

int store_add_record(struct store *store, const char *key, const struct record *record,
                     int64_t message) {
        _cleanup_(query_done) struct query q = query_change(
                store, "INSERT INTO record (instance, episode, deadline, count, unit, fired, at,"
                       " kind, message) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
                       " ON CONFLICT (instance, episode, deadline, count, unit) DO UPDATE SET"
                       " fired = excluded.fired, at = excluded.at, kind = excluded.kind,"
                       " message = excluded.message");

        query_text(&q, key);
        query_i64(&q, record->episode);
        query_i64(&q, record->deadline);
        query_i64(&q, record->offset.count);
        query_text(&q, unit_words[record->offset.unit]);
        query_i64(&q, record->fired);
        query_i64(&q, record->at);
        query_text(&q, record_words[record->kind]);
        if (message)
                query_i64(&q, message);
        else
                query_null(&q);
        return query_run(&q);
}
