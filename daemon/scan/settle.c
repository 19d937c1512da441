/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scan/settle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define GATHER_MOST (USEC_PER_SEC / 10)

static int compare_u64(const void *a, const void *b) {
        uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

        return x < y ? -1 : x > y;
}

/* Works on anything that begins with a 64-bit key. */
static void *find(const void *items, size_t n, size_t size, uint64_t key) {
        return n > 0 ? bsearch(&key, items, n, size, compare_u64) : NULL;
}

static bool was_at_rest(const struct folder *folder, const struct entry *e,
                        const struct settle *s) {
        usec_t quiet = s->time + (folder->remote ? REMOTE_CLOCK_ERROR : 0);

        return e->changed <= s->now_real - quiet;
}

#define ALREADY (-USEC_INFINITY / 2) /* earlier than any time to settle */

static struct pending *find_pending(const struct folder *folder, uint64_t hash) {
        return find(folder->pending, folder->n_pending, sizeof(struct pending), hash);
}

static const struct hint *find_hint(const struct folder *folder, uint64_t name_hash) {
        return find(folder->hints, folder->n_hints, sizeof(struct hint), name_hash);
}

/* Since when the file is unchanged; ALREADY: it is settled; USEC_INFINITY: it is being written. */
static usec_t unchanged_since(const struct folder *folder, const struct entry *e,
                              const struct settle *s) {
        const struct hint *hint = find_hint(folder, e->name_hash);
        const struct pending *pending;
        bool settled = find(folder->settled, folder->n_settled, sizeof(uint64_t), e->hash);
        usec_t since;

        if (hint && hint->writing && s->now - hint->at < s->writer_limit)
                return USEC_INFINITY;
        if (hint && !hint->modified && settled)
                return ALREADY; /* only opened, and closed as it was */
        pending = find_pending(folder, e->hash);
        if (hint && (!pending || pending->since == USEC_INFINITY || hint->at > pending->since))
                return hint->at;
        if (settled)
                return ALREADY;
        since = pending ? pending->since : s->now;
        if (since == USEC_INFINITY) /* its hint is gone or too old */
                since = s->now;
        if (folder->blurred > 0 && (!pending || folder->blurred > since))
                since = folder->blurred;
        else if (!pending && was_at_rest(folder, e, s))
                return ALREADY;
        return since;
}

/* What was read is what it holds: it was unchanged before, and has been since. */
static uint32_t settled_flags(const struct pending *p, const struct entry *e, usec_t since) {
        bool read = p && p->read_at > since && p->read_state == e->changed;

        return ENTRY_SETTLED | (read ? ENTRY_READ : 0);
}

/* Reading it now is hardly in vain, and tells the same later. Where no events come from nothing is certain. */
static bool is_quiet(const struct folder *folder, const struct entry *e, usec_t since,
                     const struct settle *s) {
        return e->flags == ENTRY_REGULAR && e->size <= READ_AHEAD_MOST && !folder->remote &&
               folder->wd >= 0 && since != USEC_INFINITY && since + s->quiet <= s->now;
}

/* Only writers are remembered beyond a look; what else was hinted at is in `pending` now. */
static void keep_writers(struct folder *folder, const struct settle *s) {
        size_t n = 0;

        for (size_t i = 0; i < folder->n_hints; i++)
                if (folder->hints[i].writing && s->now - folder->hints[i].at < s->writer_limit)
                        folder->hints[n++] = folder->hints[i];
        folder->n_hints = n;
        folder->blurred = 0;
        if (n == 0) {
                free(folder->hints);
                folder->hints = NULL;
                folder->cap_hints = 0;
        }
}

static void *shrink(void *items, size_t n, size_t size) {
        void *smaller;

        if (n == 0) {
                free(items);
                return NULL;
        }
        smaller = reallocarray(items, n, size);
        return smaller ? smaller : items;
}

/* A name that was deleted while it was written takes its hint along. */
static void mark_present(struct folder *folder, const struct listing *listing, uint64_t *names) {
        size_t n = 0;

        if (folder->n_hints == 0)
                return;
        for (size_t i = 0; i < listing->entries.n; i++)
                names[i] = listing->entries.items[i].name_hash;
        qsort(names, listing->entries.n, sizeof(*names), compare_u64);
        for (size_t i = 0; i < folder->n_hints; i++)
                if (find(names, listing->entries.n, sizeof(*names), folder->hints[i].name_hash))
                        folder->hints[n++] = folder->hints[i];
        folder->n_hints = n;
}

static void renew_settled(struct folder *folder, uint64_t *settled, size_t n) {
        free(folder->settled);
        folder->settled = shrink(settled, n, sizeof(*settled));
        folder->n_settled = n;
        if (n > 1)
                qsort(folder->settled, n, sizeof(*settled), compare_u64);
}

static void renew_pending(struct folder *folder, struct pending *pending, size_t n, char *names) {
        free(folder->pending);
        free(folder->pending_names);
        folder->pending = shrink(pending, n, sizeof(*pending));
        folder->n_pending = n;
        folder->pending_names = names;
        if (n > 1)
                qsort(folder->pending, n, sizeof(*pending), compare_u64);
}

/* For its time to be over: no event about it came since the last look. */
static bool waits(const struct folder *folder, const struct pending *p) {
        return p->since != USEC_INFINITY && folder->blurred == 0 &&
               (folder->n_hints == 0 ||
                !find_hint(folder, hash_bytes(folder->pending_names + p->name,
                                              strlen(folder->pending_names + p->name))));
}

/* The last of those that settle within @s->time / 4, at most GATHER_MOST, of the first. */
static usec_t gathered(const struct folder *folder, const struct settle *s) {
        usec_t within = s->time / 4 < GATHER_MOST ? s->time / 4 : GATHER_MOST;
        usec_t first = USEC_INFINITY, last;

        for (size_t i = 0; i < folder->n_pending; i++)
                if (folder->pending[i].since < first && waits(folder, &folder->pending[i]))
                        first = folder->pending[i].since;
        if (first == USEC_INFINITY)
                return USEC_INFINITY;
        last = first;
        for (size_t i = 0; i < folder->n_pending; i++)
                if (folder->pending[i].since > last && folder->pending[i].since <= first + within &&
                    waits(folder, &folder->pending[i]))
                        last = folder->pending[i].since;
        return last + s->time;
}

struct waiting { /* what becomes `pending` and `pending_names` */
        struct ARRAY(struct pending) files;
        struct strbuf names;
};

static void waiting_done(struct waiting *w) {
        array_done(&w->files);
        strbuf_done(&w->names);
}

static int wait_on(struct waiting *w, const char *name, const struct pending *p) {
        struct pending added = *p;

        added.name = (uint32_t)w->names.len;
        strbuf_add(&w->names, name, strlen(name) + 1);
        return strbuf_error(&w->names) < 0 ? -ENOMEM : array_push(&w->files, added);
}

static int settle_one(const struct folder *folder, const struct listing *l, struct entry *e,
                      const struct settle *s, struct waiting *w) {
        const struct pending *before = find_pending(folder, e->hash);
        usec_t since = unchanged_since(folder, e, s);
        struct pending p;

        if (since != USEC_INFINITY && since + s->time <= s->now) {
                e->flags |= settled_flags(before, e, since);
                return 0;
        }
        if (is_quiet(folder, e, since, s))
                e->flags |= ENTRY_QUIET;
        p = before ? *before : (struct pending){.hash = e->hash};
        p.since = since;
        p.flags = e->flags;
        return wait_on(w, l->names.data + e->name, &p);
}

int settle_apply(struct folder *folder, struct listing *listing, const struct settle *s) {
        _cleanup_(waiting_done) struct waiting w = {};
        size_t n = listing->entries.n, n_settled = 0;
        _cleanup_free_ uint64_t *settled = calloc(n + 1, sizeof(*settled));

        if (!settled)
                return -ENOMEM;
        folder_hints_by_name(folder);
        mark_present(folder, listing, settled);
        for (size_t i = 0; i < n; i++) {
                struct entry *e = &listing->entries.items[i];
                int r = settle_one(folder, listing, e, s, &w);

                if (r < 0)
                        return r;
                if (e->flags & ENTRY_SETTLED)
                        settled[n_settled++] = e->hash;
        }
        renew_settled(folder, steal_ptr(settled), n_settled);
        renew_pending(folder, steal_ptr(w.files.items), w.files.n, steal_ptr(w.names.data));
        keep_writers(folder, s);
        folder->settle_at = gathered(folder, s);
        return 0;
}

int settle_all(struct folder *folder, struct listing *listing) {
        size_t n = listing->entries.n;
        uint64_t *settled = calloc(n + 1, sizeof(*settled));

        if (!settled)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                settled[i] = listing->entries.items[i].hash;
                listing->entries.items[i].flags |= ENTRY_SETTLED;
        }
        renew_settled(folder, settled, n);
        renew_pending(folder, NULL, 0, NULL);
        return 0;
}

bool settle_is_over(const struct folder *folder, const struct pending *p, const struct settle *s) {
        return waits(folder, p) && p->since + s->time <= s->now;
}

static bool is_as_listed(const struct pending *p, const struct entry *e) {
        return p && e->flags == (p->flags & ~(uint32_t)ENTRY_QUIET);
}

/* Those of @now leave the pending ones, whose names stay until none is left. */
static void part_pending(struct folder *folder, const struct listing *now) {
        size_t n = 0;

        for (size_t i = 0; i < now->entries.n; i++)
                find_pending(folder, now->entries.items[i].hash)->flags |= ENTRY_SETTLED;
        for (size_t i = 0; i < folder->n_pending; i++)
                if (!(folder->pending[i].flags & ENTRY_SETTLED))
                        folder->pending[n++] = folder->pending[i];
        folder->n_pending = n;
        if (n == 0)
                renew_pending(folder, NULL, 0, NULL);
}

int settle_confirm(struct folder *folder, struct listing *now, const struct settle *s) {
        size_t n = folder->n_settled;
        uint64_t *settled;

        for (size_t i = 0; i < now->entries.n; i++)
                if (!is_as_listed(find_pending(folder, now->entries.items[i].hash),
                                  &now->entries.items[i]))
                        return 0;
        settled = reallocarray(folder->settled, n + now->entries.n + 1, sizeof(*settled));
        if (!settled)
                return -ENOMEM;
        folder->settled = NULL; /* it has moved */
        for (size_t i = 0; i < now->entries.n; i++) {
                struct entry *e = &now->entries.items[i];
                const struct pending *p = find_pending(folder, e->hash);

                e->flags |= settled_flags(p, e, p->since);
                fingerprint_remove(&folder->fingerprint, e->hash, p->flags);
                fingerprint_add(&folder->fingerprint, e->hash, e->flags & ~(uint32_t)ENTRY_READ);
                settled[n++] = e->hash;
        }
        renew_settled(folder, settled, n);
        part_pending(folder, now);
        folder->settle_at = gathered(folder, s);
        return 1;
}

void settle_note_read(struct folder *folder, uint64_t hash, usec_t at, usec_t changed) {
        struct pending *p = find_pending(folder, hash);

        if (!p)
                return;
        p->read_at = at;
        p->read_state = changed;
}
