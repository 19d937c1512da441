/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "service/evidence-internal.h"

/* Counted files by their content: found again when a copy comes under another name, or for another instance. */

#define FIRST_BUCKETS 64

static struct evfile **bucket_of(const struct evidence *e, struct evfile **buckets, size_t n,
                                 const struct evfile *f) {
        uint64_t hash;

        memcpy(&hash, f->file.sha256, sizeof(hash)); /* a digest is a hash already */
        return &buckets[(hash ^ e->seed) & (n - 1)];
}

static int grow(struct evidence *e) {
        size_t n = e->n_buckets ? e->n_buckets * 2 : FIRST_BUCKETS;
        struct evfile **buckets = calloc(n, sizeof(struct evfile *));

        if (!buckets)
                return -ENOMEM;
        for (size_t i = 0; i < e->n_buckets; i++)
                for (struct evfile *f = e->contents[i], *next; f; f = next) {
                        struct evfile **bucket = bucket_of(e, buckets, n, f);

                        next = f->same;
                        f->same = *bucket;
                        *bucket = f;
                }
        free(e->contents);
        e->contents = buckets;
        e->n_buckets = n;
        return 0;
}

int content_put(struct evidence *e, struct evfile *f) {
        struct evfile **bucket;
        int r;

        if (f->counted || !f->file.inspected)
                return 0;
        r = e->n_contents < e->n_buckets ? 0 : grow(e);
        if (r < 0)
                return r;
        bucket = bucket_of(e, e->contents, e->n_buckets, f);
        f->same = *bucket;
        *bucket = f;
        f->counted = true;
        e->n_contents++;
        return 0;
}

void content_drop(struct evidence *e, struct evfile *f) {
        struct evfile **at;

        if (!f->counted)
                return;
        for (at = bucket_of(e, e->contents, e->n_buckets, f); *at != f;)
                at = &(*at)->same;
        *at = f->same;
        f->counted = false;
        e->n_contents--;
}

struct evfile *content_next(const struct evidence *e, const struct evfile *f,
                            const struct evfile *after) {
        struct evfile *o;

        if (!f->file.inspected || e->n_buckets == 0)
                return NULL;
        o = after ? after->same : *bucket_of(e, e->contents, e->n_buckets, f);
        while (o && (o == f || memcmp(o->file.sha256, f->file.sha256, SHA256_SIZE) != 0))
                o = o->same;
        return o;
}
