/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/address.h"
#include "message/record.h"
#include "service/json.h"
#include "service/mail-ledger.h"
#include "service/methods-internal.h"

static json_t *findings_json(const struct findings *findings) {
        json_t *list = json_array();

        for (size_t i = 0; i < findings->n; i++)
                json_array_append_new(
                        list, json_sprintf("%s:%u: %s: %s", findings->items[i].file,
                                           findings->items[i].line,
                                           finding_severity_to_string(findings->items[i].severity),
                                           findings->items[i].text));
        return list;
}

void method_reload(struct call *c) {
        _cleanup_(findings_done) struct findings findings = {};
        _cleanup_(track_changes_done) struct track_changes changes = {};
        int r = manager_reload(c->m, &findings, &changes);
        json_t *list;

        if (r < 0) {
                if (findings.n > 0) {
                        c->error = CALL_CONFIG;
                        c->out = json_pack("{s:o}", "findings", findings_json(&findings));
                } else {
                        call_fail_errno(c, r);
                }
                return;
        }
        list = json_array();
        for (size_t i = 0; i < changes.n; i++)
                json_array_append_new(
                        list, json_sprintf("%s %s",
                                           changes.items[i].kind == TRACK_ADDED     ? "added"
                                           : changes.items[i].kind == TRACK_DROPPED ? "dropped"
                                                                                    : "moved",
                                           changes.items[i].key));
        c->out = json_pack("{s:o, s:o}", "changes", list, "warnings", findings_json(&findings));
}

void method_release(struct call *c) {
        _cleanup_(digest_list_done) struct digest_list digests = {};
        int r = tell_digests(&c->m->tell, &digests);

        if (r == 0 && !json_is_true(json_object_get(c->in, "show"))) {
                if (!c->caller->may_change) {
                        call_fail(c, CALL_NOT_PERMITTED,
                                  "only root and the service's own group may do this");
                        return;
                }
                r = manager_release(c->m, c->caller->name);
        }
        if (r == -EALREADY)
                call_fail(c, CALL_ARGUMENT, "mail is not held (mail.hold apart)");
        else if (r < 0)
                call_fail_errno(c, r);
        else
                c->out = json_pack("{s:o}", "mails", json_digests(c->m, &digests));
}

void method_confirm(struct call *c) {
        int r = manager_confirm(c->m, c->caller->name);

        if (r < 0)
                call_fail_errno(c, r);
        else
                c->out = json_pack("{s:i}", "instances", r);
}

void method_decide(struct call *c) {
        const char *kind = call_string(c, "kind"), *reason = call_string(c, "reason"),
                   *until = call_string(c, "until");
        const char *why = NULL;
        struct track *t = call_track(c);
        enum decision decision;
        date_t day = DATE_NONE;
        int r;

        if (!t)
                return;
        if (!kind || decision_from_string(kind, &decision) < 0 || !reason || !*reason ||
            strlen(reason) > 1000 || (until && date_parse(until, &day) < 0)) {
                call_fail(c, CALL_ARGUMENT,
                          "it needs waive, snooze, extend or reopen, a reason, and a date like "
                          "2018-11-30");
                return;
        }
        r = manager_decide(c->m, decision, t, reason, day, c->caller->name, &why);
        if (r < 0 && why)
                call_fail(c, CALL_ARGUMENT, why);
        else if (r < 0)
                call_fail_errno(c, r);
        else
                c->out = json_pack("{s:o}", "instance", json_instance(c->m, t));
}

struct queue_action {
        struct call *call;
        struct outbox_result result;
        const char *refused; /* why it can not be done; static */
};

static int on_acted_upon(void *userdata, const struct outbox_entry *entry) {
        struct queue_action *a = userdata;

        /* What a sender has can not be taken back, and a copy beside it would be a second mail. */
        if (entry->state == OUTBOX_HANDED)
                a->refused = "that mail is with the mail server just now";
        else if (entry->state == OUTBOX_SENT)
                a->refused = "that mail was sent already";
        else if (entry->state == OUTBOX_WITHDRAWN)
                a->refused = "that mail was withdrawn already";
        return 0;
}

static int on_dropped(void *userdata, const struct outbox_entry *entry) {
        struct queue_action *a = userdata;
        _cleanup_free_ char *why = NULL;

        if (asprintf(&why, WHY_DROPPED "%s", a->call->caller->name) < 0)
                return -ENOMEM;
        return mail_ledger(a->call->m->store, entry, a->result.at, why);
}

static int act_on_mail(struct queue_action *a, const char *action, int64_t id) {
        struct store *store = a->call->m->store;
        _cleanup_free_ char *detail = NULL;
        json_t *row;
        int r = store_outbox_get(store, id, on_acted_upon, a);

        if (r < 0 || a->refused)
                return r;
        r = store_outbox_update(store, id, &a->result);
        if (r == 0 && a->result.state == OUTBOX_WITHDRAWN)
                r = store_outbox_get(store, id, on_dropped, a);
        if (r < 0)
                return r;
        row = json_pack("{s:s, s:I, s:s}", "action", action, "mail", (json_int_t)id, "by",
                        a->call->caller->name);
        detail = row ? json_dumps(row, JSON_COMPACT) : NULL;
        json_decref(row);
        if (!detail)
                return -ENOMEM;
        return store_ledger_add(
                store,
                &(struct ledger_row){.at = a->result.at, .event = "queue", .detail = detail});
}

void method_queue_action(struct call *c) {
        const char *action = call_string(c, "action");
        int64_t id = json_integer_value(json_object_get(c->in, "id"));
        usec_t now = manager_now(c->m);
        struct queue_action a = {.call = c,
                                 .result = {.at = now, .next_try = now, .state = OUTBOX_QUEUED}};
        int r;

        if (action && strcmp(action, "drop") == 0)
                a.result.state = OUTBOX_WITHDRAWN;
        else if (action && strcmp(action, "hold") == 0)
                a.result.next_try = USEC_INFINITY;
        else if (!action || strcmp(action, "retry") != 0) {
                call_fail(c, CALL_ARGUMENT, "the action is retry, drop or hold");
                return;
        }
        r = store_begin(c->m->store);
        if (r == 0)
                r = act_on_mail(&a, action, id);
        if (r == 0 && !a.refused)
                r = store_commit(c->m->store);
        if (r < 0 || a.refused)
                store_rollback(c->m->store);
        if (r == -ENOENT || a.refused)
                call_fail(c, CALL_ARGUMENT,
                          a.refused ? a.refused : "no mail of that number is in the queue");
        else if (r < 0)
                call_fail_errno(c, r);
        else {
                if (strcmp(action, "retry") == 0)
                        outbox_retry(c->m->outbox);
                else
                        outbox_kick(c->m->outbox);
                c->out = json_object();
        }
}

void method_send_test(struct call *c) {
        const char *why = NULL;
        const char *text = call_string(c, "address");
        _cleanup_free_ char *id = NULL;
        struct address address;
        struct arena *arena = arena_new();
        int r = arena && text ? address_parse(arena, text, &address, &why) : -EINVAL;

        if (r < 0 || !model_address_allowed(c->m->model, &address))
                call_fail(c, CALL_ARGUMENT,
                          r < 0 ? (why ? why : "out of memory")
                                : "that address is beyond mail.allowed_domains");
        else
                r = tell_test(&c->m->tell, &address, &id);
        if (!c->error && r < 0)
                call_fail_errno(c, r);
        if (!c->error) {
                outbox_kick(c->m->outbox);
                c->out = json_pack("{s:s}", "message_id", id);
        }
        arena_free(arena);
}
