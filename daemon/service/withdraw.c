/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/withdraw.h"

#include <errno.h>
#include <jansson.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "message/record.h"
#include "service/mail-ledger.h"

struct outdated {
        int64_t entry;
        const char *why; /* static */
};

struct look {
        struct tell *tell;
        usec_t now;
        struct outdated_list ARRAY(struct outdated) list;
};

static void look_done(struct look *l) { array_done(&l->list); }

/* Why the item need not be said any more; NULL: it must. */
static const char *reason_of(struct look *l, const json_t *item, usec_t created) {
        const char *key = json_string_value(json_object_get(item, "instance"));
        const struct track *t = key ? tracks_find(l->tell->tracks, key) : NULL;

        if (!t)
                return WHY_UNASKED;
        if (!state_is_open(track_state(l->tell->tracks, t, l->now)))
                return WHY_SETTLED;
        for (size_t i = 0; i < t->records.n; i++)
                if (t->records.items[i].kind == RECORD_SENT && t->records.items[i].at > created)
                        return WHY_LATER;
        return NULL;
}

static int on_entry(void *userdata, const struct outbox_entry *e) {
        struct look *l = userdata;
        const char *why = NULL;
        json_t *items, *item;
        size_t i;

        if ((e->state != OUTBOX_QUEUED && e->state != OUTBOX_DOUBT) ||
            e->message.kind != NOTICE_REMINDER || !e->message.items)
                return 0;
        items = json_loads(e->message.items, 0, NULL);
        json_array_foreach(items, i, item) {
                why = reason_of(l, item, e->message.created);
                if (!why)
                        break;
        }
        json_decref(items);
        return why ? array_push(&l->list, (struct outdated){e->id, why}) : 0;
}

struct withdrawal {
        struct look *look;
        const char *why;
};

static int on_withdrawn(void *userdata, const struct outbox_entry *e) {
        struct withdrawal *w = userdata;

        log_notice("Mail %jd to %s is withdrawn: %s", (intmax_t)e->id, e->recipient, w->why);
        return mail_ledger(w->look->tell->store, e, w->look->now, w->why);
}

static int withdraw(struct look *l, const struct outdated *o) {
        struct withdrawal w = {l, o->why};
        int r = store_outbox_update(
                l->tell->store, o->entry,
                &(struct outbox_result){.state = OUTBOX_WITHDRAWN, .at = l->now});

        return r < 0 ? r : store_outbox_get(l->tell->store, o->entry, on_withdrawn, &w);
}

int withdraw_outdated(struct tell *tell, size_t *ret_n) {
        _cleanup_(look_done) struct look l = {.tell = tell, .now = clock_now(tell->clock)};
        struct outbox_counts counts;
        int r = store_outbox_count(tell->store, &counts);

        *ret_n = 0;
        if (r < 0 || counts.by_state[OUTBOX_QUEUED] + counts.by_state[OUTBOX_DOUBT] == 0)
                return r;
        r = store_outbox_list(tell->store, &(struct outbox_filter){}, on_entry, &l);
        if (r < 0 || l.list.n == 0)
                return r;
        r = store_begin(tell->store);
        for (size_t i = 0; i < l.list.n && r == 0; i++)
                r = withdraw(&l, &l.list.items[i]);
        if (r == 0)
                r = store_commit(tell->store);
        if (r < 0)
                store_rollback(tell->store);
        else
                *ret_n = l.list.n;
        return r;
}
