/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/store.h"

#include "store/query.h"

int store_add_notice(struct store *store, const struct stored_notice *row) {
        _cleanup_(query_done) struct query q = query_change(
                store, "INSERT INTO notice (kind, instance, unit, created, leave, detail)"
                       " VALUES (?, ?, ?, ?, ?, ?)");

        query_text(&q, notice_kind_to_string(row->kind));
        query_text(&q, row->instance);
        query_text(&q, row->unit);
        query_i64(&q, row->created);
        query_i64(&q, row->leave);
        query_text(&q, row->detail);
        return query_run(&q);
}

static int take_notice(struct query *q, struct stored_notice *row) {
        const char *kind;

        row->id = query_take_i64(q);
        kind = query_take_text(q);
        if (!kind || notice_kind_from_string(kind, &row->kind) < 0)
                return query_odd(q, "kind of notice", kind);
        row->instance = query_take_text(q);
        row->unit = query_take_text(q);
        row->created = query_take_i64(q);
        row->leave = query_take_i64(q);
        row->detail = query_take_text(q);
        return 0;
}

int store_load_notices(struct store *store, usec_t leave_until, store_notice_fn fn,
                       void *userdata) {
        _cleanup_(query_done) struct query q =
                query_read(store, "SELECT id, kind, instance, unit, created, leave, detail"
                                  " FROM notice WHERE leave <= ? ORDER BY id");
        int r;

        query_i64(&q, leave_until);
        while ((r = query_step(&q)) > 0) {
                struct stored_notice row = {};

                r = take_notice(&q, &row);
                if (r == 0)
                        r = fn(userdata, &row);
                if (r != 0)
                        return r;
        }
        return r;
}

int store_delete_notice(struct store *store, int64_t id) {
        _cleanup_(query_done) struct query q =
                query_change(store, "DELETE FROM notice WHERE id = ?");

        query_i64(&q, id);
        return query_run(&q);
}

int store_postpone_notice(struct store *store, int64_t id, usec_t leave) {
        _cleanup_(query_done) struct query q =
                query_change(store, "UPDATE notice SET leave = ? WHERE id = ?");

        query_i64(&q, leave);
        query_i64(&q, id);
        return query_run(&q);
}

int store_next_notice(struct store *store, usec_t *ret) {
        _cleanup_(query_done) struct query q =
                query_read(store, "SELECT leave FROM notice ORDER BY leave LIMIT 1");
        int r = query_step(&q);

        if (r < 0)
                return r;
        *ret = r > 0 ? query_take_i64(&q) : USEC_INFINITY;
        return 0;
}
