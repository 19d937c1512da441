/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/undeliverable.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "config/address.h"
#include "core/recipients.h"
#include "service/mail-ledger.h"

#define GAPS_MAX 4 /* at most 16 days between two words about the same address */

static bool is_recipient(const struct address *a, const struct outbox_entry *e) {
        _cleanup_free_ char *key = address_key(e->recipient);

        return key && strcmp(a->key, key) == 0;
}

/* The role as everywhere: the unit's, else the organisation's; the fence; an empty one is the coordinator's, then the administrator's. */
static int add_heads(struct tell *t, const struct outbox_entry *e, const struct unit *unit) {
        static const char *const head[] = {"head"};
        _cleanup_(recipients_done) struct recipients heads = RECIPIENTS_INIT;
        int r = recipients_resolve(t->model, head, ELEMENTSOF(head), unit, NULL, &heads);

        for (size_t i = 0; i < heads.n && r >= 0; i++) {
                const struct address *a = heads.items[i];

                if (is_recipient(a, e))
                        continue;
                /* Not now but then: the turn that parks it hands this one out as well. */
                r = store_add_recipient(t->store, e->message.id, a->spec, e->finished_at);
                if (r > 0)
                        log_notice("Mail to %s goes to %s instead: %s", e->recipient, a->spec,
                                   e->message.subject);
        }
        return r < 0 ? r : 0;
}

static bool is_mail_of(const struct unit *unit, const struct outbox_entry *e) {
        for (size_t i = 0; i < unit->mail.n; i++)
                if (is_recipient(&unit->mail.items[i], e))
                        return true;
        return false;
}

/* One trouble an address, repeated after 1, 2, 4 … days like any other: not one for each mail. */
static int is_news(struct tell *t, const char *recipient) {
        _cleanup_free_ char *told_name = NULL, *times_name = NULL;
        usec_t now = clock_now(t->clock);
        int64_t told = 0, times = 0;
        int r;

        if (asprintf(&told_name, "undeliverable-told:%s", recipient) < 0 ||
            asprintf(&times_name, "undeliverable-times:%s", recipient) < 0)
                return -ENOMEM;
        r = store_get_i64(t->store, told_name, &told);
        if (r == 0)
                r = store_get_i64(t->store, times_name, &times);
        if (r < 0 && r != -ENOENT)
                return r;
        if (r == 0) {
                usec_t gap = USEC_PER_DAY << (times < GAPS_MAX ? times : GAPS_MAX);

                if (now < usec_add(told, gap))
                        return 0;
                times = now < usec_add(told, 3 * gap) ? times + 1 : 0; /* it was well for long */
        }
        r = store_set_i64(t->store, told_name, now);
        if (r == 0)
                r = store_set_i64(t->store, times_name, times);
        return r < 0 ? r : 1;
}

int undeliverable(struct tell *t, const struct outbox_entry *e) {
        _cleanup_free_ char *text = NULL, *answer = mail_answer(e);
        const struct trouble trouble = {.kind = TROUBLE_MAILBOX,
                                        .path = e->recipient,
                                        .detail = answer,
                                        .about = e->message.subject};
        int r = answer ? 0 : -ENOMEM;

        if (e->message.kind == NOTICE_TROUBLE || e->message.kind == NOTICE_UNDELIVERABLE)
                return 0; /* a trouble about a trouble helps nobody; it is in the queue for all to see */
        for (size_t i = 0; i < t->model->n_units && r == 0; i++)
                if (is_mail_of(&t->model->units[i], e))
                        r = add_heads(t, e, &t->model->units[i]);
        if (r == 0)
                r = is_news(t, e->recipient);
        if (r <= 0)
                return r;
        if (asprintf(&text, "%s: %s – %s", e->recipient, answer, e->message.subject) < 0)
                return -ENOMEM;
        return tell_notice(t, NOTICE_UNDELIVERABLE, NULL, NULL,
                           &(struct tell_words){.text = text, .trouble = &trouble});
}
