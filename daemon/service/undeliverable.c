/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/undeliverable.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"

static int add_heads(struct tell *t, const struct outbox_entry *e, const struct unit *unit) {
        const struct role *head = role_find(&unit->roles, "head");

        for (size_t i = 0; head && i < head->who.n; i++) {
                const struct address *a = &head->who.items[i];
                int r;

                if (!model_address_allowed(t->model, a))
                        continue;
                r = store_add_recipient(t->store, e->message.id, a->spec, clock_now(t->clock));
                if (r < 0)
                        return r;
                if (r > 0)
                        log_notice("Mail to %s goes to %s instead: %s", e->recipient, a->spec,
                                   e->message.subject);
        }
        return 0;
}

static bool is_mail_of(const struct unit *unit, const char *recipient) {
        for (size_t i = 0; i < unit->mail.n; i++)
                if (strcmp(unit->mail.items[i].spec, recipient) == 0)
                        return true;
        return false;
}

int undeliverable(struct tell *t, const struct outbox_entry *e) {
        _cleanup_free_ char *text = NULL;
        int r = 0;

        if (e->message.kind == NOTICE_TROUBLE || e->message.kind == NOTICE_UNDELIVERABLE)
                return 0; /* a trouble about a trouble helps nobody; it is in the queue for all to see */
        for (size_t i = 0; i < t->model->n_units && r == 0; i++)
                if (is_mail_of(&t->model->units[i], e->recipient))
                        r = add_heads(t, e, &t->model->units[i]);
        if (r < 0)
                return r;
        if (asprintf(&text, "%s: %d %s – %s", e->recipient, e->code, e->reply ? e->reply : "",
                     e->message.subject) < 0)
                return -ENOMEM;
        return tell_notice(t, NOTICE_UNDELIVERABLE, NULL, NULL, &(struct tell_words){.text = text});
}
