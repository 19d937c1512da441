/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/store.h"

#include <errno.h>

#include "store/query.h"

/* Who was mailed, from the outbox's point of view. */

int store_mailed_about(struct store *store, const char *key, store_recipient_fn fn,
                       void *userdata) {
        _cleanup_(query_done) struct query q = query_read(
                store,
                "SELECT DISTINCT e.recipient FROM record r JOIN entry e ON e.message = r.message"
                " WHERE r.instance = ? AND r.kind = 'sent' ORDER BY 1");
        int r;

        query_text(&q, key);
        while ((r = query_step(&q)) > 0) {
                r = fn(userdata, query_take_text(&q));
                if (r != 0)
                        return r;
        }
        return r;
}

int store_add_recipient(struct store *store, int64_t message, const char *recipient, usec_t now) {
        _cleanup_(query_done) struct query q = query_change(
                store,
                "INSERT INTO entry (message, recipient, urgency, state, tries, next_try, handed_at,"
                " finished_at, code) SELECT ?1, ?2, max(urgency), 'queued', 0, ?3, 0, 0, 0"
                " FROM entry WHERE message = ?1"
                " ON CONFLICT (message, recipient) DO NOTHING");
        int r;

        query_i64(&q, message);
        query_text(&q, recipient);
        query_i64(&q, now);
        r = query_run(&q);
        return r < 0 ? r : sqlite3_changes(store->db) > 0;
}

int store_count_mails(struct store *store, usec_t since, store_count_fn fn, void *userdata) {
        _cleanup_(query_done) struct query q =
                query_read(store, "SELECT e.recipient, count(*)"
                                  " FROM message AS m CROSS JOIN entry AS e ON e.message = m.id"
                                  " WHERE m.created >= ? AND e.state <> 'withdrawn' GROUP BY 1");
        int r;

        query_i64(&q, since);
        while ((r = query_step(&q)) > 0) {
                const char *recipient = query_take_text(&q);

                r = fn(userdata, recipient, (uint64_t)query_take_i64(&q));
                if (r != 0)
                        return r;
        }
        return r;
}
