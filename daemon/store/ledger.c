/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/store.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "base/strbuf.h"
#include "store/query.h"

/*
 * hash = SHA-256 of
 *
 *         32 bytes   hash of the row before, all zero for the first
 *          8 bytes   seq, big endian
 *          8 bytes   at, microseconds since 1970, big endian, two's complement
 *         then event, instance, task, unit, address, detail, in this order, each as
 *          8 bytes   length in bytes, big endian; ff ff ff ff ff ff ff ff for NULL
 *          n bytes   UTF-8, no NUL behind
 *
 * No two rows have the same encoding, since every part has its length before it. tests/unit/store/check-ledger.py computes the
 * chain from the file without our code.
 */

static int add_number(struct sha256 *d, uint64_t value) {
        uint64_t big = htobe64(value);

        return sha256_update(d, &big, sizeof(big));
}

static int add_text(struct sha256 *d, const char *text) {
        size_t n = text ? strlen(text) : 0;
        int r = add_number(d, text ? n : UINT64_MAX);

        return r == 0 && n > 0 ? sha256_update(d, text, n) : r;
}

static int hash_row(const uint8_t before[SHA256_SIZE], const struct ledger_row *row,
                    uint8_t ret[SHA256_SIZE]) {
        const char *const texts[] = {row->event, row->instance, row->task,
                                     row->unit,  row->address,  row->detail};
        _cleanup_(sha256_free_p) struct sha256 *d = sha256_new();
        int r;

        if (!d)
                return -ENOMEM;
        r = sha256_update(d, before, SHA256_SIZE);
        if (r == 0)
                r = add_number(d, (uint64_t)row->seq);
        if (r == 0)
                r = add_number(d, (uint64_t)row->at);
        for (size_t i = 0; r == 0 && i < ELEMENTSOF(texts); i++)
                r = add_text(d, texts[i]);
        return r < 0 ? r : sha256_final(d, ret);
}

/* Return: 0; -EUCLEAN when the hash is none (left zero). */
static int take_row(struct query *q, struct ledger_row *row) {
        const void *hash;
        size_t size;

        row->seq = query_take_i64(q);
        row->at = query_take_i64(q);
        row->event = query_take_text(q);
        row->instance = query_take_text(q);
        row->task = query_take_text(q);
        row->unit = query_take_text(q);
        row->address = query_take_text(q);
        row->detail = query_take_text(q);
        hash = query_take_blob(q, &size);
        if (size != SHA256_SIZE)
                return -EUCLEAN;
        memcpy(row->hash, hash, size);
        return 0;
}

int store_ledger_head(struct store *store, uint8_t ret[SHA256_SIZE], int64_t *ret_seq) {
        _cleanup_(query_done) struct query q =
                query_read(store, "SELECT seq, hash FROM ledger ORDER BY seq DESC LIMIT 1");
        const void *hash = NULL;
        size_t size = 0;
        int64_t seq = 0;
        int r = query_step(&q);

        if (r < 0)
                return r;
        if (r > 0) {
                seq = query_take_i64(&q);
                hash = query_take_blob(&q, &size);
                if (size != SHA256_SIZE)
                        return query_odd(&q, "form of digest", "the ledger's head");
        }
        if (hash)
                memcpy(ret, hash, SHA256_SIZE);
        else
                memset(ret, 0, SHA256_SIZE);
        *ret_seq = seq;
        return 0;
}

int store_ledger_add(struct store *store, const struct ledger_row *row) {
        _cleanup_(query_done) struct query q = query_change(
                store,
                "INSERT OR FAIL INTO ledger (seq, at, event, instance, task, unit, address, detail,"
                " hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
        struct ledger_row next = *row;
        int r = store->head_known ? 0 : store_ledger_head(store, store->head, &store->head_seq);

        if (r < 0)
                return r;
        store->head_known = false; /* until this row stands */
        next.seq = store->head_seq + 1;
        if (!next.detail)
                next.detail = "{}";
        r = hash_row(store->head, &next, next.hash);
        if (r < 0)
                return r;
        query_i64(&q, next.seq);
        query_i64(&q, next.at);
        query_text(&q, next.event);
        query_text(&q, next.instance);
        query_text(&q, next.task);
        query_text(&q, next.unit);
        query_text(&q, next.address);
        query_text(&q, next.detail);
        query_blob(&q, next.hash, SHA256_SIZE);
        r = query_run(&q);
        if (r < 0)
                return r;
        memcpy(store->head, next.hash, SHA256_SIZE);
        store->head_seq = next.seq;
        store->head_known = true;
        return 0;
}

/* ---- asking ---- */

#define LEDGER_COLUMNS "seq, at, event, instance, task, unit, address, detail, hash"

struct filter_text {
        const char *column, *value;
};

/* One text for each set of conditions, so that the one on instance finds its index. */
static int filter_sql(const struct ledger_filter *f, const struct filter_text *texts, size_t n,
                      struct strbuf *sql) {
        bool newest = f->limit > 0 && f->after_seq == 0;

        strbuf_adds(sql, newest ? "SELECT * FROM (SELECT " : "SELECT ");
        strbuf_adds(sql, LEDGER_COLUMNS " FROM ledger WHERE seq > ? AND at >= ? AND at < ?");
        for (size_t i = 0; i < n; i++)
                if (texts[i].value)
                        strbuf_addf(sql, " AND %s = ?%s", texts[i].column,
                                    strcmp(texts[i].column, "address") == 0 ? " COLLATE NOCASE"
                                                                            : "");
        strbuf_adds(sql, newest ? " ORDER BY seq DESC" : " ORDER BY seq");
        if (f->limit > 0)
                strbuf_adds(sql, " LIMIT ?");
        if (newest)
                strbuf_adds(sql, ") ORDER BY seq");
        return strbuf_error(sql);
}

static void filter_bind(const struct ledger_filter *f, const struct filter_text *texts, size_t n,
                        struct query *q) {
        query_i64(q, f->after_seq);
        query_i64(q, f->from ? f->from : INT64_MIN);
        query_i64(q, f->until ? f->until : USEC_INFINITY);
        for (size_t i = 0; i < n; i++)
                if (texts[i].value)
                        query_text(q, texts[i].value);
        if (f->limit > 0)
                query_i64(q, f->limit > INT64_MAX ? INT64_MAX : (int64_t)f->limit);
}

int store_ledger_query(struct store *store, const struct ledger_filter *filter, store_ledger_fn fn,
                       void *userdata) {
        const struct filter_text texts[] = {
                {"instance", filter->instance}, {"task", filter->task},   {"unit", filter->unit},
                {"address", filter->address},   {"event", filter->event},
        };
        _cleanup_(strbuf_done) struct strbuf sql = STRBUF_INIT;
        int r = filter_sql(filter, texts, ELEMENTSOF(texts), &sql);

        if (r < 0)
                return r;
        _cleanup_(query_done) struct query q = query_once(store, strbuf_str(&sql));
        filter_bind(filter, texts, ELEMENTSOF(texts), &q);
        while ((r = query_step(&q)) > 0) {
                struct ledger_row row = {};

                (void)take_row(&q,
                               &row); /* a hash that is none is for store_ledger_verify() to tell */
                r = fn(userdata, &row);
                if (r != 0)
                        return r;
        }
        return r;
}

int store_ledger_back(struct store *store, store_ledger_fn fn, void *userdata) {
        _cleanup_(query_done) struct query q =
                query_read(store, "SELECT " LEDGER_COLUMNS " FROM ledger ORDER BY seq DESC");
        int r;

        while ((r = query_step(&q)) > 0) {
                struct ledger_row row = {};

                (void)take_row(&q, &row); /* as above */
                r = fn(userdata, &row);
                if (r != 0)
                        return r;
        }
        return r;
}

int store_ledger_check(struct store *store, struct ledger_check *check, size_t max_rows) {
        _cleanup_(query_done) struct query q = query_read(
                store, "SELECT " LEDGER_COLUMNS " FROM ledger WHERE seq > ? ORDER BY seq LIMIT ?");
        uint8_t hash[SHA256_SIZE];
        size_t n = 0;
        int r;

        query_i64(&q, check->seq);
        query_i64(&q, max_rows > INT64_MAX ? INT64_MAX : (int64_t)max_rows);
        for (; (r = query_step(&q)) > 0; n++) {
                struct ledger_row row = {};
                int64_t expected = check->seq + 1;
                int bad = take_row(&q, &row);

                r = hash_row(check->head, &row, hash);
                if (r < 0)
                        return r;
                check->seq = row.seq;
                if (bad < 0 || row.seq != expected || memcmp(hash, row.hash, SHA256_SIZE) != 0)
                        return -EUCLEAN;
                memcpy(check->head, hash, SHA256_SIZE);
        }
        return r < 0 ? r : n == max_rows;
}

int store_ledger_verify(struct store *store, int64_t *ret_seq) {
        struct ledger_check check = {};
        int r = store_ledger_check(store, &check, SIZE_MAX);

        if (r == -EUCLEAN)
                *ret_seq = check.seq;
        return r;
}
