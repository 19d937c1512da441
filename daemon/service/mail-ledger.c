/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/mail-ledger.h"

#include <errno.h>
#include <jansson.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "service/events.h"

static const char *event_of(enum outbox_state state) {
        switch (state) {
        case OUTBOX_SENT:
                return "mail-accepted";
        case OUTBOX_DOUBT:
                return "mail-in-doubt";
        case OUTBOX_PARKED:
                return "mail-parked";
        case OUTBOX_WITHDRAWN:
                return "mail-withdrawn";
        case OUTBOX_QUEUED:
        case OUTBOX_HANDED:
        case _OUTBOX_STATE_MAX:
                break;
        }
        return NULL;
}

static int add(struct store *store, const struct ledger_row *common, const json_t *item) {
        struct ledger_row row = *common;

        if (item) {
                row.instance = json_string_value(json_object_get(item, "instance"));
                row.task = json_string_value(json_object_get(item, "task"));
                row.unit = json_string_value(json_object_get(item, "unit"));
        }
        return store_ledger_add(store, &row);
}

/* Written by hand, names sorted: it is made for every mail. */
static void write_detail(struct strbuf *b, const struct outbox_entry *e, const char *why) {
        strbuf_addf(b, "{\"code\":%d", e->code);
        strbuf_add_member(b, ",\"enhanced\":", e->enhanced);
        strbuf_add_member(b, ",\"kind\":", notice_kind_to_string(e->message.kind));
        strbuf_add_member(b, ",\"message_id\":", e->message.message_id);
        strbuf_add_member(b, ",\"reply\":", e->reply);
        strbuf_add_member(b, ",\"server\":", e->server);
        strbuf_add_member(b, ",\"subject\":", e->message.subject);
        strbuf_addf(b, ",\"tries\":%u", (unsigned)e->tries);
        strbuf_add_member(b, ",\"why\":", why);
        strbuf_addc(b, '}');
}

int mail_ledger(struct store *store, const struct outbox_entry *e, usec_t now, const char *why) {
        _cleanup_(strbuf_done) struct strbuf detail = STRBUF_INIT;
        struct ledger_row row = {.at = e->finished_at ? e->finished_at : now,
                                 .event = event_of(e->state),
                                 .address = e->recipient};
        json_t *items, *item;
        size_t i;
        int r;

        if (!row.event)
                return 0;
        write_detail(&detail, e, why);
        r = strbuf_error(&detail);
        if (r < 0)
                return r;
        row.detail = strbuf_str(&detail);
        items = e->message.items ? json_loads(e->message.items, 0, NULL) : NULL;
        if (json_array_size(items) == 0)
                r = add(store, &row, NULL);
        json_array_foreach(items, i, item) {
                if (r == 0)
                        r = add(store, &row, item);
        }
        json_decref(items);
        return r;
}

char *mail_answer(const struct outbox_entry *e) {
        _cleanup_(strbuf_done) struct strbuf b = STRBUF_INIT;
        const char *const words[] = {e->enhanced, e->reply};

        strbuf_adds(&b, "");
        if (e->code > 0)
                strbuf_addf(&b, "%d", e->code);
        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (words[i] && *words[i])
                        strbuf_addf(&b, "%s%s", b.len > 0 ? " " : "", words[i]);
        return strbuf_steal(&b);
}

int mail_log_refused(void *userdata, const struct outbox_entry *e) {
        _cleanup_free_ char *answer = mail_answer(e);
        const struct event_fields fields = {.recipient = e->recipient,
                                            .message_id = e->message.message_id,
                                            .server = e->server};

        (void)userdata;
        log_event(LOG_WARNING, EVENT_MAIL_REFUSED, &fields, "Mail %jd to %s is %s (%s)",
                  (intmax_t)e->id, e->recipient, outbox_state_to_string(e->state),
                  answer && *answer ? answer : "no words");
        return 0;
}
