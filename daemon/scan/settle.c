/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scan/settle.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"

#define GATHER_MOST (USEC_PER_SEC / 2)

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

/* Since when the file is unchanged; ALREADY: it is settled; USEC_INFINITY: it is being written. */
static usec_t unchanged_since(const struct folder *folder, const struct entry *e,
                              const struct settle *s) {
        const struct hint *hint = find(folder->hints, folder->n_hints, sizeof(*hint), e->name_hash);
        const struct pending *pending;
        bool settled = find(folder->settled, folder->n_settled, sizeof(uint64_t), e->hash);
        usec_t since;

        if (hint && hint->writing && s->now - hint->at < s->writer_limit)
                return USEC_INFINITY;
        if (hint && !hint->modified && settled)
                return ALREADY; /* only opened, and closed as it was */
        pending = find(folder->pending, folder->n_pending, sizeof(*pending), e->hash);
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

static void renew(struct folder *folder, uint64_t *settled, size_t n_settled,
                  struct pending *pending, size_t n_pending) {
        free(folder->settled);
        free(folder->pending);
        folder->settled = shrink(settled, n_settled, sizeof(*settled));
        folder->n_settled = n_settled;
        folder->pending = shrink(pending, n_pending, sizeof(*pending));
        folder->n_pending = n_pending;
        if (n_settled > 1)
                qsort(folder->settled, n_settled, sizeof(*settled), compare_u64);
        if (n_pending > 1)
                qsort(folder->pending, n_pending, sizeof(*pending), compare_u64);
}

/* The last of those that settle within @s->time / 4, at most GATHER_MOST, of the first. */
static usec_t gathered(const struct pending *pending, size_t n, const struct settle *s) {
        usec_t within = s->time / 4 < GATHER_MOST ? s->time / 4 : GATHER_MOST;
        usec_t first = USEC_INFINITY, last;

        for (size_t i = 0; i < n; i++)
                if (pending[i].since < first)
                        first = pending[i].since;
        if (first == USEC_INFINITY)
                return USEC_INFINITY;
        last = first;
        for (size_t i = 0; i < n; i++)
                if (pending[i].since > last && pending[i].since <= first + within)
                        last = pending[i].since;
        return last + s->time;
}

int settle_apply(struct folder *folder, struct listing *listing, const struct settle *s,
                 usec_t *ret_due) {
        size_t n = listing->entries.n, n_settled = 0, n_pending = 0;
        _cleanup_free_ uint64_t *settled = calloc(n + 1, sizeof(*settled));
        _cleanup_free_ struct pending *pending = NULL;
        struct ARRAY(struct pending) waiting = {};

        if (!settled)
                return -ENOMEM;
        folder_hints_by_name(folder);
        mark_present(folder, listing, settled);
        for (size_t i = 0; i < n; i++) {
                struct entry *e = &listing->entries.items[i];
                usec_t since = unchanged_since(folder, e, s);

                if (since != USEC_INFINITY && since + s->time <= s->now) {
                        settled[n_settled++] = e->hash;
                        e->flags |= ENTRY_SETTLED;
                        continue;
                }
                if (array_push(&waiting, (struct pending){.hash = e->hash, .since = since}) < 0) {
                        array_done(&waiting);
                        return -ENOMEM;
                }
        }
        pending = waiting.items;
        n_pending = waiting.n;
        renew(folder, steal_ptr(settled), n_settled, steal_ptr(pending), n_pending);
        keep_writers(folder, s);
        *ret_due = gathered(folder->pending, folder->n_pending, s);
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
        renew(folder, settled, n, NULL, 0);
        return 0;
}
