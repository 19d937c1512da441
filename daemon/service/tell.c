/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/tell.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "base/zone.h"
#include "config/address.h"
#include "service/events.h"
#include "service/last-day.h"
#include "service/limit.h"
#include "service/mail-record.h"
#include "service/report.h"
#include "service/tell-internal.h"
#include "service/trouble.h"

/* A notice that waited. */
struct stored_row {
        int64_t id;
        enum notice_kind kind;
        const struct unit *unit;
        usec_t again; /* held back until then; 0: told, and done with */
};

/* What one flush works on. Everything that notices borrow lives here. */
struct flush {
        struct tell *tell;
        usec_t now;
        struct plan plan;
        struct notice_list notices;
        struct tell_files *files;                           /* owned; parallel to plan.reminders */
        struct stored_rows ARRAY(struct stored_row) stored; /* that these notices come from */
        struct limit limit;
        struct details ARRAY(json_t *) details; /* owned references; strings of file notes */
        struct owned_notes ARRAY(void *) owned; /* what notices point to */
        struct arena *arena; /* owned; addresses of people who were mailed; NULL: none needed yet */
        struct report_files report_files;
        struct report_marks marks;
        struct scoreboard board; /* computed when a report is among the mails */
        bool has_board;
        struct last_day day; /* gathered when one of a unit is */
};

static void flush_done(struct flush *f) {
        for (size_t i = 0; f->files && i < f->plan.n_reminders; i++)
                tell_files_done(&f->files[i]);
        free(f->files);
        plan_done(&f->plan);
        array_done(&f->notices);
        array_done(&f->stored);
        limit_done(&f->limit);
        for (size_t i = 0; i < f->details.n; i++)
                json_decref(f->details.items[i]);
        array_done(&f->details);
        for (size_t i = 0; i < f->owned.n; i++)
                free(f->owned.items[i]);
        array_done(&f->owned);
        arena_free(f->arena);
        report_files_done(&f->report_files);
        report_marks_done(&f->marks);
        if (f->has_board)
                scoreboard_done(&f->board);
        last_day_done(&f->day);
}

static usec_t now_of(const struct tell *t) { return clock_now(t->clock); }

/* ---- gathering ---- */

static int gather_reminders(struct flush *f) {
        int r = planner_run(f->tell->tracks->planner, f->now, &f->plan);

        if (r < 0)
                return r;
        f->files = calloc(f->plan.n_reminders + 1, sizeof(*f->files));
        if (!f->files)
                return -ENOMEM;
        for (size_t i = 0; i < f->plan.n_reminders; i++) {
                const struct reminder *reminder = &f->plan.reminders[i];
                struct notice n = notice_from_reminder(f->tell->model, reminder, f->now);

                r = tell_files(f->tell, &f->tell->tracks->items[reminder->instance->index], true,
                               &f->files[i]);
                if (r < 0)
                        return r;
                tell_files_name(&f->files[i], &n);
                r = array_push(&f->notices, n);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* The note of a file in a stored notice; strings borrowed from its JSON, which the flush keeps. */
static int file_of_detail(struct flush *f, json_t *detail, struct notice *n) {
        struct file_note *note;
        const char *verdict = NULL;
        json_int_t size = 0, at = 0;

        if (!json_object_get(detail, "path"))
                return 0;
        note = calloc(1, sizeof(*note));
        if (!note)
                return -ENOMEM;
        if (array_push(&f->owned, note) < 0) {
                free(note);
                return -ENOMEM;
        }
        json_unpack(detail, "{s:s, s?I, s?I, s?s, s?s, s?s, s?s, s?s}", "path", &note->path, "size",
                    &size, "at", &at, "verdict", &verdict, "sha256", &note->sha256, "requirement",
                    &note->requirement, "detail", &note->detail, "folder", &note->folder);
        note->size = (uint64_t)size;
        note->at = at;
        if (verdict)
                verdict_from_string(verdict, &note->verdict);
        n->files = note;
        n->n_files = 1;
        return 0;
}

static int trouble_of_detail(struct flush *f, const json_t *detail, struct notice *n) {
        struct trouble t, *trouble;

        if (trouble_from_json(json_object_get(detail, "trouble"), &t) < 0)
                return 0; /* none, or of another version: there is text */
        trouble = malloc(sizeof(*trouble));
        if (!trouble)
                return -ENOMEM;
        *trouble = t;
        if (array_push(&f->owned, trouble) < 0) {
                free(trouble);
                return -ENOMEM;
        }
        n->trouble = trouble;
        return 0;
}

/* Is it still worth saying? */
static bool still_true(const struct stored_notice *row, const struct notice *n) {
        bool done = n->state == STATE_COMPLETE || n->state == STATE_LATE;

        if (row->kind == NOTICE_REOPENED || row->kind == NOTICE_EXPLAINED ||
            row->kind == NOTICE_LADDER_ENDED || row->kind == NOTICE_DEADLINE_CHANGED)
                return !done;
        return row->kind != NOTICE_COMPLETE || done;
}

/* What was received is told as it is when the mail leaves: where it lies, and nothing of a version that was replaced. */
static int still_counts(struct flush *f, const struct track *track, struct notice *n) {
        struct file_note *note = (struct file_note *)n->files;
        char *path;
        int r;

        if (!track || !note || !note->sha256)
                return 1;
        path = evidence_counted(f->tell->evidence, track, note->sha256, note->path);
        if (!path)
                return -errno;
        r = array_push(&f->owned, path);
        if (r < 0) {
                free(path);
                return r;
        }
        note->path = path;
        return 1;
}

struct mailed {
        struct flush *flush;
        struct mailed_list ARRAY(struct address) list;
};

static int on_mailed(void *userdata, const char *recipient) {
        struct mailed *m = userdata;
        struct address address;
        const char *why = NULL;
        int r = address_parse(m->flush->arena, recipient, &address, &why);

        return r < 0 ? r : array_push(&m->list, address);
}

/* A deadline that changed is told to everybody who was mailed about it so far. */
static int find_mailed(struct flush *f, const char *key, const struct address_list **ret) {
        struct mailed m = {.flush = f};
        struct address_list *list;
        int r;

        if (!f->arena)
                f->arena = arena_new();
        if (!f->arena)
                return -ENOMEM;
        r = store_mailed_about(f->tell->store, key, on_mailed, &m);
        if (r == 0 && m.list.n > 0) {
                struct address *copy = arena_new_array(f->arena, struct address, m.list.n);

                memcpy(copy, m.list.items, m.list.n * sizeof(*copy));
                list = arena_alloc(f->arena, sizeof(*list));
                *list = (struct address_list){.items = copy, .n = m.list.n};
                *ret = list;
        }
        array_done(&m.list);
        return r;
}

static int on_waiting(void *userdata, const struct stored_notice *row) {
        struct flush *f = userdata;
        const struct track *track =
                row->instance ? tracks_find(f->tell->tracks, row->instance) : NULL;
        usec_t leaves = tell_notice_leaves(f->tell, row->kind, row->leave, f->now);
        struct notice n = {.kind = row->kind};
        json_t *detail;
        int r;

        if (track)
                n = notice_about(f->tell->model, row->kind, track->instance, &track->history,
                                 f->now);
        else if (row->unit)
                n.unit = model_find_unit(f->tell->model, row->unit);
        r = array_push(&f->stored, (struct stored_row){row->id, row->kind, n.unit,
                                                       leaves > f->now ? leaves : 0});
        if (r < 0 || leaves > f->now)
                return r;
        if ((row->instance && !track && row->kind != NOTICE_CRITERIA_CHANGED) ||
            (track && !still_true(row, &n)))
                return 0; /* dropped with its row: it is about something that is over */
        detail = row->detail ? json_loads(row->detail, 0, NULL) : json_object();
        if (!detail)
                return -EBADMSG;
        if (array_push(&f->details, detail) < 0) {
                json_decref(detail);
                return -ENOMEM;
        }
        n.text = json_string_value(json_object_get(detail, "text"));
        if (row->kind == NOTICE_DEADLINE_CHANGED)
                n.old_deadline = json_integer_value(json_object_get(detail, "old_deadline"));
        r = file_of_detail(f, detail, &n);
        if (r == 0)
                r = trouble_of_detail(f, detail, &n);
        if (r == 0 && row->kind == NOTICE_DEADLINE_CHANGED && track)
                r = find_mailed(f, row->instance, &n.mailed);
        if (r == 0 && row->kind == NOTICE_RECEIVED) {
                r = still_counts(f, track, &n);
                if (r == 0)
                        return 0; /* dropped as well */
        }
        return r < 0 ? r : array_push(&f->notices, n);
}

/* Ladders at whose end the instance is still open: the plan says when the coordinator is told. */
static int gather_ended(struct flush *f) {
        int r = 0;

        for (size_t i = 0; i < f->plan.n_ended && r == 0; i++) {
                const struct instance *in = f->plan.ended[i];

                r = array_push(&f->notices,
                               notice_about(f->tell->model, NOTICE_LADDER_ENDED, in,
                                            &f->tell->tracks->items[in->index].history, f->now));
        }
        return r;
}

static int gather(struct flush *f) {
        int r = gather_reminders(f);

        if (r == 0)
                r = gather_ended(f);

        return r < 0 ? r : store_load_notices(f->tell->store, f->now, on_waiting, f);
}

/* ---- writing ---- */

char *tell_message_id(const struct model *model, usec_t now) {
        const char *at = strrchr(model->mail.from.spec, '@');
        uint64_t x = 0;
        char *id = NULL;

        if (getrandom(&x, sizeof(x), 0) != sizeof(x))
                return NULL;
        return asprintf(&id, "<%jx.%jx.evidenced%s>", (uintmax_t)now, (uintmax_t)x,
                        at ? at : "@localhost") < 0
                       ? NULL
                       : id;
}

static char *join_addresses(const struct recipients *list) {
        struct strbuf b = STRBUF_INIT;

        for (size_t i = 0; i < list->n; i++) {
                strbuf_adds(&b, i ? "," : "");
                strbuf_adds(&b, list->items[i]->spec);
        }
        strbuf_adds(&b, "");
        return strbuf_steal(&b);
}

static int add_ledger(struct tell *t, const struct digest *d, const struct notice *n,
                      const char *message_id, const char *to, const char *cc) {
        char step[OFFSET_BUFFER] = "";
        _cleanup_free_ char *text = NULL;
        json_t *detail;

        if (n->rung)
                offset_format(n->rung->offset, step);
        detail = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s*}", "message_id", message_id, "to", to,
                           "cc", cc, "step", step, "kind", notice_kind_to_string(n->kind), "text",
                           n->text);
        text = detail ? json_dumps(detail, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
        json_decref(detail);
        if (!text)
                return -ENOMEM;
        return store_ledger_add(
                t->store, &(struct ledger_row){.at = d->at,
                                               .event = "notice-decided",
                                               .instance = n->instance ? n->instance->key : NULL,
                                               .task = n->instance ? n->instance->task->id : NULL,
                                               .unit = n->unit ? n->unit->id : NULL,
                                               .detail = text});
}

/* The steps that a reminder passes over are on record, with the reason. */
static int record_superseded(struct flush *f, struct track *t, const struct reminder *reminder) {
        for (size_t i = 0; i < reminder->n_superseded; i++) {
                const struct superseded *s = &reminder->superseded[i];
                char passed[OFFSET_BUFFER], by[OFFSET_BUFFER];
                _cleanup_free_ char *detail = NULL;
                int r = track_record(f->tell->tracks, t,
                                     &(struct record){.episode = t->history.episode,
                                                      .deadline = reminder->deadline.instant,
                                                      .offset = s->rung->offset,
                                                      .fired = s->fired,
                                                      .at = f->now,
                                                      .kind = RECORD_SUPERSEDED},
                                     0);

                if (r < 0)
                        return r;
                if (asprintf(&detail,
                             "{\"step\":\"%s\",\"by\":\"%s\",\"reason\":\"a later step was "
                             "reached\"}",
                             offset_format(s->rung->offset, passed),
                             offset_format(reminder->rung->offset, by)) < 0)
                        return -ENOMEM;
                r = store_ledger_add(f->tell->store,
                                     &(struct ledger_row){.at = f->now,
                                                          .event = "notice-superseded",
                                                          .instance = t->instance->key,
                                                          .task = t->instance->task->id,
                                                          .unit = t->instance->unit->id,
                                                          .detail = detail});
                if (r < 0)
                        return r;
        }
        return 0;
}

/* The plan's reminders stand in order of instance. */
static int compare_reminder(const void *key, const void *member) {
        const struct instance *instance = key;
        const struct reminder *reminder = member;

        return (instance->index > reminder->instance->index) -
               (instance->index < reminder->instance->index);
}

static int record_reminder(struct flush *f, const struct notice *n, int64_t message) {
        struct track *t = &f->tell->tracks->items[n->instance->index];
        const struct reminder *reminder =
                bsearch(n->instance, f->plan.reminders, f->plan.n_reminders, sizeof(*reminder),
                        compare_reminder);
        int r = reminder ? record_superseded(f, t, reminder) : -ENOENT;

        if (r < 0)
                return r;
        return track_record(f->tell->tracks, t,
                            &(struct record){.episode = t->history.episode,
                                             .deadline = reminder->deadline.instant,
                                             .offset = reminder->rung->offset,
                                             .fired = reminder->fired,
                                             .at = f->now,
                                             .kind = RECORD_SENT},
                            message);
}

static int put_message(struct tell *t, const struct digest *d, const struct composed *c,
                       const char *message_id, const char *to, const char *cc, int64_t *ret_id) {
        size_t n = d->to.n + d->cc.n;
        _cleanup_free_ const char **recipients = calloc(n + 1, sizeof(*recipients));
        _cleanup_free_ char *items = compose_items_json(t->model, d);

        if (!recipients || !items)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                recipients[i] = i < d->to.n ? d->to.items[i]->spec : d->cc.items[i - d->to.n]->spec;
        return store_add_message(t->store,
                                 &(struct outbox_message){.message_id = message_id,
                                                          .subject = c->subject,
                                                          .kind = d->kind,
                                                          .class = d->class,
                                                          .from = t->model->mail.from.spec,
                                                          .to = to,
                                                          .cc = cc,
                                                          .created = d->at,
                                                          .bytes = c->bytes,
                                                          .size = c->size,
                                                          .items = items},
                                 recipients, n, ret_id);
}

int tell_write_digest(struct tell *t, struct flush *f, const struct digest *d,
                      char **ret_message_id) {
        _cleanup_free_ char *message_id = tell_message_id(t->model, d->at),
                            *to = join_addresses(&d->to), *cc = join_addresses(&d->cc);
        _cleanup_(composed_done) struct composed composed = {};
        struct compose_context context = {.model = t->model,
                                          .templates = t->templates,
                                          .message_id = message_id,
                                          .scores = f && f->has_board ? &f->board : NULL,
                                          .days = f ? f->day.units : NULL};
        _cleanup_(mail_record_done) struct mail_record record = {};
        int64_t message = 0, seq = 0;
        uint8_t head[SHA256_SIZE];
        char hex[SHA256_HEX];
        int r;

        if (!message_id || !to || !cc)
                return -ENOMEM;
        if (d->report && !d->unit) { /* so that a copy outside the machine vouches for the ledger */
                r = store_ledger_head(t->store, head, &seq);
                if (r < 0)
                        return r;
                context.ledger_head = hex_encode(head, SHA256_SIZE, hex);
        }
        if (d->report && d->report->of_reminders) {
                r = mail_record_gather(t, d->report, d->at, &record);
                if (r < 0)
                        return r;
                context.record = &record.page;
        }
        r = compose_message(&context, d, &composed);
        if (r == 0)
                r = put_message(t, d, &composed, message_id, to, cc, &message);
        for (size_t i = 0; i < d->items.n && r == 0; i++) {
                r = add_ledger(t, d, &d->items.items[i], message_id, to, cc);
                if (r == 0 && d->items.items[i].kind == NOTICE_REMINDER)
                        r = record_reminder(f, &d->items.items[i], message);
        }
        if (r == 0)
                log_event(LOG_INFO, EVENT_MAIL_DECIDED,
                          &(struct event_fields){.recipient = to, .message_id = message_id},
                          "Mail to %s: %s", to, composed.subject);
        if (r == 0 && ret_message_id)
                *ret_message_id = steal_ptr(message_id);
        return r;
}

static int mark_ended(struct flush *f) {
        for (size_t i = 0; i < f->plan.n_ended; i++) {
                struct track *t = &f->tell->tracks->items[f->plan.ended[i]->index];

                t->history.ladder_end_told = true;
                track_changed(f->tell->tracks, t, f->now);
        }
        return tracks_save(f->tell->tracks);
}

static int write_all(struct flush *f, const struct digest_list *digests) {
        struct tell *t = f->tell;
        int r = store_begin(t->store);

        for (size_t i = 0; i < digests->n && r == 0; i++)
                r = tell_write_digest(t, f, &digests->items[i], NULL);
        for (size_t i = 0; i < f->stored.n && r == 0; i++)
                r = f->stored.items[i].again
                            ? store_postpone_notice(t->store, f->stored.items[i].id,
                                                    f->stored.items[i].again)
                            : store_delete_notice(t->store, f->stored.items[i].id);
        if (r == 0)
                r = report_marks_write(t->store, &f->marks);
        if (r == 0)
                r = mark_ended(f);
        if (r == 0)
                r = store_commit(t->store);
        if (r < 0)
                store_rollback(t->store);
        return r;
}

/* What a mail is made of waits for the next morning. */
static void postpone(struct flush *f, const struct digest *d) {
        for (size_t i = 0; i < f->stored.n; i++)
                if (f->stored.items[i].unit == d->unit && limit_concerns(f->stored.items[i].kind))
                        f->stored.items[i].again =
                                send_instant_next(f->tell->model->calendar, f->now + 1);
}

/* Receipts and refusals of those who had their share today, the other mails of this flush counted, are taken out. */
static int apply_limit(struct flush *f, struct digest_list *digests) {
        size_t kept = 0;
        int r = 0;

        for (size_t i = 0; i < digests->n; i++) {
                struct digest *d = &digests->items[i];
                int may = 1;

                if (limit_concerns(d->kind) && r == 0) {
                        r = limit_begin(&f->limit, f->tell, f->now, digests);
                        may = r < 0 ? r : limit_take(&f->limit, f->tell->model, &d->to);
                        r = may < 0 ? may : 0;
                }
                if (may == 0) {
                        postpone(f, d);
                        digest_done(d);
                } else {
                        digests->items[kept++] = *d;
                }
        }
        digests->n = kept;
        return r;
}

/* Reports join the mails of this flush; a unit that gets a reminder gets no daily page. */
static int add_reports(struct flush *f, struct digest_list *digests) {
        struct tell *t = f->tell;
        size_t before = f->notices.n;
        _cleanup_free_ const struct history **histories =
                calloc(t->tracks->n + 1, sizeof(*histories));
        int r = histories ? reports_gather(t, f->now, digests, &f->limit, &f->notices,
                                           &f->report_files, &f->marks)
                          : -ENOMEM;

        if (r < 0 || f->notices.n == before)
                return r;
        for (size_t i = 0; i < t->tracks->n; i++)
                histories[i] = &t->tracks->items[i].history;
        r = scoreboard_compute(t->model, t->tracks->instances, histories, f->now, &f->board);
        if (r < 0)
                return r;
        f->has_board = true;
        for (size_t i = before; i < f->notices.n && !f->day.units; i++)
                if (f->notices.items[i].unit) {
                        r = last_day_gather(t->store, t->model, f->now, &f->day);
                        if (r < 0)
                                return r;
                }
        return digests_build(t->model, f->notices.items + before, f->notices.n - before, f->now,
                             digests);
}

int tell_flush(struct tell *t, size_t *ret_n) {
        _cleanup_(flush_done) struct flush f = {.tell = t, .now = now_of(t)};
        _cleanup_(digest_list_done) struct digest_list digests = {};
        int r = gather(&f);

        if (r == 0)
                r = digests_build(t->model, f.notices.items, f.notices.n, f.now, &digests);
        if (r == 0)
                r = apply_limit(&f, &digests);
        if (r == 0)
                r = add_reports(&f, &digests);
        if (r == 0 && (digests.n > 0 || f.stored.n > 0 || f.plan.n_ended > 0 || f.marks.n > 0))
                r = write_all(&f, &digests);
        if (r == 0)
                *ret_n = digests.n;
        return r;
}

int tell_digests(struct tell *t, struct digest_list *ret) {
        _cleanup_(flush_done) struct flush f = {.tell = t, .now = now_of(t)};
        int r = gather_reminders(&f);

        /* The digests borrow notes of the flush: files are left out, nobody shows them here. */
        for (size_t i = 0; i < f.notices.n; i++)
                tell_files_name(&(struct tell_files){}, &f.notices.items[i]);
        return r < 0 ? r : digests_build(t->model, f.notices.items, f.notices.n, f.now, ret);
}

usec_t tell_next(struct tell *t) {
        usec_t a = planner_next(t->tracks->planner), b = USEC_INFINITY,
               c = reports_next(t, now_of(t));

        if (store_next_notice(t->store, &b) < 0)
                b = usec_add(now_of(t), USEC_PER_MINUTE); /* nobody knows: look again */
        a = a < b ? a : b;
        return a < c ? a : c;
}
