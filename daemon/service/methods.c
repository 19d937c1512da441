/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/methods.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/zone.h"
#include "service/json.h"
#include "service/methods-internal.h"

#define NEXT_MAX_ROWS 1000
#define LOG_MAX_ROWS 1000
#define SHOW_LOG_ROWS 20
#define LIST_PAGE 1000 /* instances of one answer: a hundred thousand do not fit into a message */
#define QUEUE_PAGE 200 /* mails: each may name hundreds of instances */

void call_fail(struct call *c, const char *error, const char *text) {
        c->error = error;
        json_decref(c->out);
        c->out = json_pack("{s:s}", "text", text);
}

/* What can not be written down is not done. */
static void fail_full(struct call *c) {
        _cleanup_free_ char *text = NULL;

        if (asprintf(
                    &text,
                    "nothing was done, since it could not be written down in %s: the disk is full; "
                    "make room there and try again",
                    c->m->options.state) < 0)
                text = NULL;
        call_fail(c, CALL_FAILED, text ? text : strerror(ENOSPC));
}

void call_fail_errno(struct call *c, int r) {
        if (r == -ENOSPC) {
                fail_full(c);
                return;
        }
        call_fail(c, r == -EBUSY || r == -EAGAIN ? CALL_TRY_AGAIN : CALL_FAILED, strerror(-r));
}

const char *call_string(const struct call *c, const char *name) {
        return json_string_value(json_object_get(c->in, name));
}

/* The instance a call names, by key or, where a task has but one, by task. */
struct track *call_track(struct call *c) {
        const char *id = call_string(c, "id");
        struct track *t = id ? tracks_find(c->m->tracks, id) : NULL;
        _cleanup_free_ const char **keys = NULL;
        const char *nearest;
        size_t n = 0;

        if (t)
                return t;
        for (size_t i = 0; id && i < c->m->tracks->n; i++)
                if (strcmp(c->m->tracks->items[i].instance->task->id, id) == 0) {
                        t = &c->m->tracks->items[i];
                        n++;
                }
        if (n == 1)
                return t;
        keys = calloc(c->m->tracks->n + 1, sizeof(*keys));
        for (size_t i = 0; keys && i < c->m->tracks->n; i++)
                keys[i] = c->m->tracks->items[i].instance->key;
        nearest = n > 1        ? t->instance->key
                  : id && keys ? text_nearest(id, keys, c->m->tracks->n)
                               : NULL;
        c->error = CALL_NO_INSTANCE;
        c->out = json_pack("{s:s, s:s?}", "id", id ? id : "", "nearest", nearest);
        return NULL;
}

/* ---- asking ---- */

static json_t *counts_json(struct manager *m, const struct manager_counts *n) {
        json_t *j = json_object();

        for (int s = 0; s < _STATE_MAX; s++)
                json_object_set_new(j, state_to_string(s),
                                    json_integer((json_int_t)n->by_state[s]));
        json_object_set_new(j, "instances", json_integer((json_int_t)m->tracks->n));
        json_object_set_new(j, "tasks", json_integer((json_int_t)n->tasks));
        return j;
}

static json_t *outbox_json(const struct manager_counts *n) {
        json_t *j = json_object();

        for (int s = 0; s < _OUTBOX_STATE_MAX; s++)
                json_object_set_new(j, outbox_state_to_string(s),
                                    json_integer((json_int_t)n->outbox.by_state[s]));
        return j;
}

static json_t *root_json(const struct evidence_root *r) {
        return json_pack("{s:o, s:s, s:o, s:o, s:I, s:I, s:o, s:I, s:o, s:I, s:o}", "path",
                         json_text(r->path), "state", r->state, "since", json_instant(r->since),
                         "text", json_text(r->text), "folders", (json_int_t)r->folders, "files",
                         (json_int_t)r->files, "limit", json_text(r->limit), "unreadable_folders",
                         (json_int_t)r->n_unreadable, "unreadable", json_text(r->unreadable),
                         "unreadable_files", (json_int_t)r->n_unreadable_files, "unreadable_file",
                         json_text(r->unreadable_file));
}

static json_t *roots_json(struct manager *m) {
        struct evidence_root roots[64];
        size_t n = evidence_roots(m->evidence, roots, ELEMENTSOF(roots));
        json_t *j = json_array();

        for (size_t i = 0; i < n; i++)
                json_array_append_new(j, root_json(&roots[i]));
        return j;
}

static json_t *servers_json(struct manager *m) {
        struct outbox_server servers[16];
        size_t n = outbox_servers(m->outbox, servers, ELEMENTSOF(servers));
        json_t *j = json_array();

        for (size_t i = 0; i < n; i++)
                json_array_append_new(j, json_pack("{s:s, s:s, s:o}", "url", servers[i].url,
                                                   "state", servers[i].state, "text",
                                                   json_text(servers[i].text)));
        return j;
}

static void method_status(struct call *c) {
        struct manager *m = c->m;
        json_t *reasons = json_array(), *roots = roots_json(m), *servers = servers_json(m);
        struct manager_counts n;

        manager_count(m, &n);
        care_reasons(m, reasons);
        c->out = json_pack("{s:s, s:o, s:s, s:s, s:o, s:i, s:o, s:b, s:o, s:o, s:o, s:o}", "state",
                           json_array_size(reasons) > 0 ? "degraded"
                           : manager_is_held(m)         ? "held"
                                                        : "running",
                           "reasons", reasons, "text", m->status ? m->status : "", "version",
                           EVIDENCED_VERSION, "now", json_instant(manager_now(m)), "pid",
                           (int)getpid(), "next", json_instant(m->next), "held", manager_is_held(m),
                           "counts", counts_json(m, &n), "outbox", outbox_json(&n), "roots", roots,
                           "servers", servers);
}

/* A page that goes on behind an instance, which may have gone with a reload between two pages. */
static void method_list(struct call *c) {
        const char *after = call_string(c, "after");
        const struct track *last = after ? tracks_find(c->m->tracks, after) : NULL;
        size_t first = last ? last->instance->index + 1 : 0, end = first + LIST_PAGE;
        json_t *list;

        if (after && !last) {
                call_fail(c, CALL_TRY_AGAIN, "the configuration changed in the middle of the list");
                return;
        }
        if (end > c->m->tracks->n)
                end = c->m->tracks->n;
        list = json_array();
        for (size_t i = first; i < end; i++)
                json_array_append_new(list, json_instance(c->m, &c->m->tracks->items[i]));
        c->out = json_pack("{s:o, s:s?}", "instances", list, "next",
                           end < c->m->tracks->n ? c->m->tracks->items[end - 1].instance->key
                                                 : NULL);
}

static int on_row(void *userdata, const struct ledger_row *row) {
        return json_array_append_new(userdata, json_row(row)) < 0 ? -ENOMEM : 0;
}

/* A decision in force, in the words of its row in the ledger. @ends: 0, not by itself */
static int add_decision(struct manager *m, const struct track *t, const char *event, usec_t ends,
                        json_t *list) {
        _cleanup_(json_decrefp) json_t *rows = json_array();
        json_t *row, *detail;
        int r = store_ledger_query(m->store,
                                   &(struct ledger_filter){.instance = t->instance->key,
                                                           .event = event,
                                                           .until = USEC_INFINITY,
                                                           .limit = 1},
                                   on_row, rows);

        if (r < 0)
                return r;
        row = json_array_get(rows, 0);
        detail = json_object_get(row, "detail");
        json_array_append_new(
                list, json_pack("{s:s, s:O?, s:O?, s:O?, s:O?, s:o}", "kind", event, "at",
                                json_object_get(row, "at"), "by", json_object_get(detail, "by"),
                                "reason", json_object_get(detail, "reason"), "until",
                                json_object_get(detail, "until"), "ends", json_instant(ends)));
        return 0;
}

static int add_decisions(struct manager *m, const struct track *t, json_t *list) {
        const struct history *h = &t->history;
        usec_t now = manager_now(m);
        const struct {
                enum decision decision;
                bool in_force;
                usec_t ends;
        } decisions[] = {
                {DECISION_EXTEND, h->extended_to != DATE_NONE, 0},
                {DECISION_WAIVE, h->waived_until > now, h->waived_until},
                {DECISION_SNOOZE, h->snoozed_until > now, h->snoozed_until},
        };
        int r = 0;

        for (size_t i = 0; i < ELEMENTSOF(decisions) && r == 0; i++)
                if (decisions[i].in_force)
                        r = add_decision(m, t, decision_to_string(decisions[i].decision),
                                         decisions[i].ends, list);
        return r;
}

static void method_show(struct call *c) {
        _cleanup_(json_decrefp) json_t *rows = json_array(), *decisions = json_array();
        struct track *t = call_track(c);
        int r;

        if (!t)
                return;
        r = store_ledger_query(c->m->store,
                               &(struct ledger_filter){.instance = t->instance->key,
                                                       .until = USEC_INFINITY,
                                                       .limit = SHOW_LOG_ROWS},
                               on_row, rows);
        if (r == 0)
                r = add_decisions(c->m, t, decisions);
        if (r < 0) {
                call_fail_errno(c, r);
                return;
        }
        c->out = json_pack(
                "{s:o, s:O, s:o, s:o, s:o, s:O, s:s, s:i}", "instance", json_instance(c->m, t),
                "decisions", decisions, "requirements", json_requirements(t), "files",
                json_files(c->m, t), "steps", json_steps(c->m, t), "log", rows, "cause",
                episode_cause_to_string(t->history.cause), "episode", (int)t->history.episode);
}

struct coming {
        const struct track *track;
        usec_t at;
        const struct rung *rung;
};
struct coming_list ARRAY(struct coming);

static int compare_coming(const void *a, const void *b) {
        const struct coming *x = a, *y = b;

        if (x->at != y->at)
                return x->at < y->at ? -1 : 1;
        return (x->track > y->track) -
               (x->track < y->track); /* tracks stand in the order of instances */
}

static json_t *coming_json(const struct coming *c) {
        char offset[OFFSET_BUFFER];

        return json_pack("{s:o, s:s, s:s, s:s}", "time", json_instant(c->at), "instance",
                         c->track->instance->key, "unit", c->track->instance->unit->id, "step",
                         offset_format(c->rung->offset, offset));
}

/* The reminders to come if nothing is filed, each instance's next one. */
static void method_next(struct call *c) {
        usec_t now = manager_now(c->m);
        size_t limit = (size_t)json_integer_value(json_object_get(c->in, "limit"));
        struct coming_list list = {};
        json_t *rows = json_array();
        int r = 0;

        if (limit == 0 || limit > NEXT_MAX_ROWS)
                limit = NEXT_MAX_ROWS;
        for (size_t i = 0; i < c->m->tracks->n && r == 0; i++) {
                const struct track *t = &c->m->tracks->items[i];
                struct outlook o;

                outlook_of(c->m->model, t->instance, &t->history, now, &o);
                if (o.rung)
                        r = array_push(&list, (struct coming){t, o.due ? now : o.next, o.rung});
        }
        if (list.n > 0)
                qsort(list.items, list.n, sizeof(*list.items), compare_coming);
        for (size_t i = 0; i < list.n && i < limit; i++)
                json_array_append_new(rows, coming_json(&list.items[i]));
        array_done(&list);
        c->out = json_pack("{s:o}", "mails", rows);
}

static void method_log(struct call *c) {
        struct ledger_filter f = {
                .instance = call_string(c, "instance"),
                .task = call_string(c, "task"),
                .unit = call_string(c, "unit"),
                .address = call_string(c, "address"),
                .event = call_string(c, "event"),
                .until = USEC_INFINITY,
                .after_seq = json_integer_value(json_object_get(c->in, "after")),
                .limit = (size_t)json_integer_value(json_object_get(c->in, "limit"))};
        const char *since = call_string(c, "since"), *until = call_string(c, "until");
        json_t *rows = json_array(), *last;
        int r;

        if ((since && zone_parse(since, &f.from) < 0) ||
            (until && zone_parse(until, &f.until) < 0)) {
                json_decref(rows);
                call_fail(c, CALL_ARGUMENT, "since and until are dates or RFC 3339 times");
                return;
        }
        if (f.limit == 0 || f.limit > LOG_MAX_ROWS)
                f.limit = LOG_MAX_ROWS;
        r = store_ledger_query(c->m->store, &f, on_row, rows);
        if (r < 0) {
                json_decref(rows);
                call_fail_errno(c, r);
                return;
        }
        last = json_object_get(json_array_get(rows, json_array_size(rows) - 1), "seq");
        c->out = json_pack("{s:o, s:I}", "rows", rows, "last", json_integer_value(last));
}

static void method_verify(struct call *c) {
        uint8_t head[SHA256_SIZE];
        char hex[SHA256_HEX];
        int64_t seq = 0, broken = 0;
        int r = store_ledger_verify(c->m->store, &broken), q = 0;

        if (r == 0 || r == -EUCLEAN)
                q = store_ledger_head(c->m->store, head, &seq);
        else
                q = r;
        if (q < 0) {
                call_fail_errno(c, q);
                return;
        }
        c->out = json_pack("{s:b, s:o, s:s, s:I}", "sound", r == 0, "broken",
                           r == 0 ? json_null() : json_integer(broken), "head",
                           hex_encode(head, SHA256_SIZE, hex), "rows", (json_int_t)seq);
}

struct mail_page {
        const struct outbox *outbox;
        json_t *mails; /* borrowed */
        int64_t last;
};

static int on_mail(void *userdata, const struct outbox_entry *entry) {
        struct mail_page *page = userdata;
        struct outbox_entry shown = *entry;

        shown.next_try = outbox_leaves_at(page->outbox, entry);
        page->last = entry->id;
        return json_array_append_new(page->mails, json_mail(&shown)) < 0 ? -ENOMEM : 0;
}

static void method_queue(struct call *c) {
        struct mail_page page = {.outbox = c->m->outbox, .mails = json_array()};
        int r = store_outbox_list(
                c->m->store,
                &(struct outbox_filter){
                        .finished = json_is_true(json_object_get(c->in, "finished")),
                        .after = json_integer_value(json_object_get(c->in, "after")),
                        .limit = QUEUE_PAGE},
                on_mail, &page);

        if (r < 0) {
                json_decref(page.mails);
                call_fail_errno(c, r);
                return;
        }
        c->out = json_pack("{s:o, s:o}", "mails", page.mails, "next",
                           json_array_size(page.mails) == QUEUE_PAGE ? json_integer(page.last)
                                                                     : json_null());
}

static void method_report(struct call *c) {
        struct manager *m = c->m;
        _cleanup_free_ const struct history **histories =
                calloc(m->tracks->n + 1, sizeof(*histories));
        _cleanup_(scoreboard_done) struct scoreboard board = {};
        json_t *areas = json_array(), *units = json_array();
        int r;

        for (size_t i = 0; histories && i < m->tracks->n; i++)
                histories[i] = &m->tracks->items[i].history;
        r = histories
                    ? scoreboard_compute(m->model, m->instances, histories, manager_now(m), &board)
                    : -ENOMEM;
        for (size_t i = 0; r == 0 && i < m->model->n_areas; i++)
                json_array_append_new(areas, json_score(m->model->areas[i].id,
                                                        m->model->areas[i].title, &board.areas[i]));
        for (size_t i = 0; r == 0 && i < m->model->n_units; i++)
                json_array_append_new(units, json_score(m->model->units[i].id,
                                                        m->model->units[i].name, &board.units[i]));
        if (r < 0) {
                json_decref(areas);
                json_decref(units);
                call_fail_errno(c, r);
                return;
        }
        c->out = json_pack("{s:o, s:o, s:o}", "total",
                           json_score("", m->model->organization.name, &board.total), "areas",
                           areas, "units", units);
}

static const struct rung *rung_of(const struct track *t, const char *step) {
        const struct policy *p = t->instance->task->policy;
        struct offset offset;

        if (!p || offset_parse(step, &offset) < 0)
                return NULL;
        for (size_t i = 0; i < p->n_rungs; i++)
                if (offset_equal(p->rungs[i].offset, offset))
                        return &p->rungs[i];
        return NULL;
}

static void method_preview(struct call *c) {
        struct track *t = call_track(c);
        const char *step = call_string(c, "step");
        const struct rung *rung = t && step ? rung_of(t, step) : NULL;
        struct digest_list one = {};
        struct preview p = {};
        json_t *shown, *d;
        int r;

        if (!t)
                return;
        if (step && !rung) {
                call_fail(c, CALL_ARGUMENT, "its policy has no such step");
                return;
        }
        r = tell_preview(&c->m->tell, t, rung, &p);
        if (r < 0) {
                if (r == -ENOENT)
                        call_fail(c, CALL_ARGUMENT, "no reminder is to come for it");
                else
                        call_fail_errno(c, r);
                return;
        }
        one.items = &p.digest;
        one.n = 1;
        shown = json_digests(c->m, &one);
        d = json_array_get(shown, 0);
        c->out = json_pack("{s:s, s:O, s:O, s:s, s:s}", "subject", p.composed.subject, "to",
                           json_object_get(d, "to"), "cc", json_object_get(d, "cc"), "text",
                           p.composed.text, "bytes", p.composed.bytes);
        json_decref(shown);
        preview_done(&p);
}

static const struct method {
        const char *name;
        bool changes;
        void (*fn)(struct call *c);
} methods[] = {
        {"Status", false, method_status},
        {"List", false, method_list},
        {"Show", false, method_show},
        {"Next", false, method_next},
        {"Log", false, method_log},
        {"Verify", false, method_verify},
        {"Queue", false, method_queue},
        {"QueueAction", true, method_queue_action},
        {"Report", false, method_report},
        {"Preview", false, method_preview},
        {"Reload", true, method_reload},
        {"Release", false, method_release}, /* asks for permission itself: looking is free */
        {"Confirm", true, method_confirm},
        {"Decide", true, method_decide},
        {"SendTest", true, method_send_test},
};

void method_call(struct manager *manager, const struct caller *caller, const char *name,
                 json_t *parameters, json_t **ret, const char **ret_error) {
        struct call c = {.m = manager, .caller = caller, .in = parameters};
        const struct method *m = NULL;

        for (size_t i = 0; i < ELEMENTSOF(methods) && !m; i++)
                if (strcmp(methods[i].name, name) == 0)
                        m = &methods[i];
        if (!m) {
                c.error = "org.varlink.service.MethodNotFound";
                c.out = json_pack("{s:s+}", "method", "org.evidenced.", name);
        } else if (m->changes && !caller->may_change) {
                call_fail(&c, CALL_NOT_PERMITTED,
                          "only root and the service's own group may do this");
        } else if (!manager->outbox) { /* taking up a configuration failed, and so did going back */
                call_fail(&c, CALL_TRY_AGAIN, "the service is stopping");
        } else {
                m->fn(&c);
        }
        if (!c.out && !c.error)
                call_fail(&c, CALL_FAILED, "the answer could not be put together");
        *ret = c.out ? c.out : json_object();
        *ret_error = c.error;
}
