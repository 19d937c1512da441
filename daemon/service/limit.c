/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/limit.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/strmap.h"
#include "base/zone.h"
#include "config/address.h"

void limit_done(struct limit *limit) {
        size_t cursor = 0;
        uint64_t *count;

        while (limit->counts && (count = strmap_next(limit->counts, &cursor, NULL)))
                free(count);
        limit->counts = strmap_free(limit->counts);
}

bool limit_concerns(enum notice_kind kind) {
        return kind == NOTICE_RECEIVED || kind == NOTICE_COMPLETE || kind == NOTICE_REFUSED ||
               kind == NOTICE_REPORT;
}

static uint64_t count_of(const struct limit *limit, const char *key) {
        const uint64_t *count = strmap_get(limit->counts, key);

        return count ? *count : 0;
}

static int add(struct limit *limit, const char *key, uint64_t n) {
        uint64_t *count = strmap_get(limit->counts, key);
        int r;

        if (count) {
                *count += n;
                return 0;
        }
        count = malloc(sizeof(*count));
        if (!count)
                return -ENOMEM;
        *count = n;
        r = strmap_put(limit->counts, key, count);
        if (r < 0)
                free(count);
        return r;
}

static int add_all(struct limit *limit, const struct recipients *list) {
        int r = 0;

        for (size_t i = 0; i < list->n && r == 0; i++)
                r = add(limit, list->items[i]->key, 1);
        return r;
}

static int on_mailed(void *userdata, const char *recipient, uint64_t n) {
        _cleanup_free_ char *key = address_key(recipient);

        return key ? add(userdata, key, n) : -ENOMEM;
}

int limit_begin(struct limit *limit, struct tell *tell, usec_t now,
                const struct digest_list *digests) {
        int r;

        if (limit->counts || tell->model->mail.daily_limit == 0)
                return 0;
        limit->counts = strmap_new();
        if (!limit->counts)
                return -ENOMEM;
        r = store_count_mails(tell->store, zone_instant(zone_civil(now).date, 0), on_mailed, limit);
        for (size_t i = 0; i < digests->n && r == 0; i++) {
                const struct digest *d = &digests->items[i];

                if (limit_concerns(d->kind))
                        continue;
                r = add_all(limit, &d->to);
                if (r == 0)
                        r = add_all(limit, &d->cc);
        }
        return r;
}

int limit_take(struct limit *limit, const struct model *model, const struct recipients *to) {
        int r;

        for (size_t i = 0; limit->counts && i < to->n; i++)
                if (count_of(limit, to->items[i]->key) >= model->mail.daily_limit)
                        return 0;
        r = limit->counts ? add_all(limit, to) : 0;
        return r < 0 ? r : 1;
}
