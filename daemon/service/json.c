/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/json.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/zone.h"

json_t *json_instant(usec_t instant) {
        char buf[INSTANT_BUFFER];

        if (instant == 0 || instant == USEC_INFINITY)
                return json_null();
        return json_string(zone_format(instant, buf));
}

json_t *json_date(date_t date) {
        char buf[DATE_BUFFER];

        return date == DATE_NONE ? json_null() : json_string(date_format(date, buf));
}

json_t *json_points(points_t points) { return json_real(points / 100.0); }

json_t *json_text(const char *s) {
        _cleanup_free_ char *clean = s ? text_sanitize(s, strlen(s)) : NULL;

        return clean ? json_string(clean) : json_null();
}

static json_t *missing(const struct track *t) {
        json_t *list = json_array();

        for (size_t i = 0; i < t->instance->n_requirements; i++)
                if (t->have[i] < t->instance->requirements[i].need->count)
                        json_array_append_new(list, json_text(t->instance->requirements[i].name));
        return list;
}

json_t *json_instance(struct manager *m, const struct track *t) {
        const struct instance *i = t->instance;
        struct deadline d = instance_deadline(m->model->calendar, i, &t->history);

        return json_pack(
                "{s:s, s:s, s:o, s:s, s:s, s:o, s:s, s:i, s:i, s:o, s:o, s:o, s:b, s:b, s:o, s:o}",
                "instance", i->key, "task", i->task->id, "title", json_text(i->title), "area",
                i->task->area->id, "unit", i->unit->id, "points", json_points(i->task->points),
                "state", state_to_string(track_state(m->tracks, t, manager_now(m))), "have",
                (int)history_have(&t->history), "need", (int)i->n_slots, "stated",
                json_date(i->has_deadline ? i->due.date : DATE_NONE), "due",
                json_date(i->has_deadline ? d.effective : DATE_NONE), "deadline",
                json_instant(i->has_deadline ? d.instant : 0), "extended",
                t->history.extended_to != DATE_NONE, "unverified", t->history.unverified, "dir",
                json_text(i->dir), "missing", missing(t));
}

json_t *json_requirements(const struct track *t) {
        json_t *list = json_array();

        for (size_t i = 0; i < t->instance->n_requirements; i++) {
                const struct requirement *r = &t->instance->requirements[i];
                json_t *match = json_array();

                for (size_t k = 0; k < r->need->match.n; k++)
                        json_array_append_new(match, json_string(r->need->match.items[k]));
                json_array_append_new(list,
                                      json_pack("{s:o, s:o, s:i, s:i}", "name", json_text(r->name),
                                                "match", match, "have", (int)t->have[i], "need",
                                                (int)r->need->count));
        }
        return list;
}

json_t *json_files(struct manager *m, const struct track *t) {
        _cleanup_(evidence_notes_done) struct evidence_notes notes = {};
        json_t *list = json_array();

        if (evidence_files(m->evidence, t, true, &notes) < 0)
                return list;
        for (size_t i = 0; i < notes.n; i++) {
                const struct file_note *f = &notes.items[i];

                json_array_append_new(list,
                                      json_pack("{s:s, s:I, s:o, s:s, s:o, s:s?, s:s?, s:b, s:s?}",
                                                "path", f->path, "size", (json_int_t)f->size,
                                                "received", json_instant(f->at), "verdict",
                                                verdict_to_string(f->verdict), "requirement",
                                                json_text(f->requirement), "sha256", f->sha256,
                                                "detail", f->detail, "unreadable", f->unreadable,
                                                "folder", f->folder));
        }
        return list;
}

static json_t *addresses(struct manager *m, const char *const *roles, size_t n,
                         const struct instance *i) {
        struct recipients list = {};
        json_t *j = json_array();

        if (recipients_resolve(m->model, roles, n, i->unit, i->task, &list) == 0)
                for (size_t k = 0; k < list.n; k++)
                        json_array_append_new(j, json_string(list.items[k]->spec));
        array_done(&list);
        return j;
}

json_t *json_steps(struct manager *m, const struct track *t) {
        const struct instance *i = t->instance;
        _cleanup_free_ struct ladder_row *rows = NULL;
        enum state state = track_state(m->tracks, t, manager_now(m));
        bool climbs = state_is_open(state) || state == STATE_PLANNED || state == STATE_UNKNOWN ||
                      state == STATE_SNOOZED;
        json_t *list = json_array();
        size_t n;

        if (!i->has_deadline || !i->task->policy)
                return list;
        rows = calloc(i->task->policy->n_rungs + 1, sizeof(*rows));
        n = rows ? ladder_explain(m->model, i, &t->history, manager_now(m), rows) : 0;
        for (size_t k = 0; k < n; k++) {
                const struct step *step = rows[k].firing.rung->step;
                bool stopped = !climbs &&
                               (rows[k].status == LADDER_COMING || rows[k].status == LADDER_DUE);
                char offset[OFFSET_BUFFER];

                json_array_append_new(
                        list,
                        json_pack("{s:s, s:o, s:s, s:o, s:o, s:o}", "step",
                                  offset_format(rows[k].firing.rung->offset, offset), "at",
                                  json_instant(rows[k].firing.instant), "status",
                                  stopped ? "stopped" : ladder_status_to_string(rows[k].status),
                                  "recorded", json_instant(rows[k].at), "to",
                                  addresses(m, step->to, step->n_to, i), "cc",
                                  addresses(m, step->cc, step->n_cc, i)));
        }
        return list;
}

json_t *json_score(const char *id, const char *title, const struct score *s) {
        json_t *j = json_pack("{s:s, s:o, s:o}", "id", id, "title", json_text(title), "points_max",
                              json_points(s->max));

        for (int b = 0; j && b < _BUCKET_MAX; b++) {
                char name[40];

                snprintf(name, sizeof(name), "points_%s", bucket_to_string(b));
                for (char *p = name; *p; p++)
                        *p = *p == '-' ? '_' : *p;
                json_object_set_new(j, name, json_points(s->points[b]));
        }
        return j;
}

json_t *json_mail(const struct outbox_entry *e) {
        json_t *items = e->message.items ? json_loads(e->message.items, 0, NULL) : NULL;

        return json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:s, s:i, s:o, s:o, s:i, s:s?, "
                         "s:s?, s:o, s:o}",
                         "id", (json_int_t)e->id, "message_id", e->message.message_id, "kind",
                         notice_kind_to_string(e->message.kind), "subject", e->message.subject,
                         "recipient", e->recipient, "to", e->message.to, "cc", e->message.cc,
                         "created", json_instant(e->message.created), "state",
                         outbox_state_to_string(e->state), "tries", (int)e->tries, "next_try",
                         json_instant(e->next_try), "finished", json_instant(e->finished_at),
                         "code", e->code, "enhanced", e->enhanced, "server", e->server, "reply",
                         json_text(e->reply), "items", items ? items : json_array());
}

json_t *json_row(const struct ledger_row *row) {
        json_t *detail = row->detail ? json_loads(row->detail, 0, NULL) : NULL;
        char hex[SHA256_HEX];

        return json_pack("{s:I, s:o, s:s, s:s?, s:s?, s:s?, s:s?, s:o, s:s}", "seq",
                         (json_int_t)row->seq, "at", json_instant(row->at), "event", row->event,
                         "instance", row->instance, "task", row->task, "unit", row->unit, "address",
                         row->address, "detail", detail ? detail : json_object(), "hash",
                         hex_encode(row->hash, SHA256_SIZE, hex));
}

json_t *json_digests(struct manager *m, const struct digest_list *digests) {
        struct compose_context context = {.model = m->model, .templates = m->templates};
        _cleanup_(strbuf_done) struct strbuf b = STRBUF_INIT;
        json_t *list = json_array();

        for (size_t i = 0; i < digests->n; i++) {
                strbuf_reset(&b);
                if (compose_mail_json(&context, &digests->items[i], &b) >= 0)
                        json_array_append_new(list, json_loadb(b.data, b.len, 0, NULL));
        }
        return list;
}
