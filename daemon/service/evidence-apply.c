/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "base/zone.h"
#include "service/evidence-internal.h"

/* What a pass worked out becomes histories, rows and events. */

#define MAX_LOSSES 20 /* files that a mail names */

struct track *evidence_track(const struct evidence *e, const struct instance *i) {
        return &e->config.tracks->items[i->index];
}

static struct file_note note_of(const struct evidence *e, const struct evfile *f,
                                char hex[SHA256_HEX]) {
        const struct instance_set *set = e->config.tracks->instances;

        return (struct file_note){
                .path = f->file.path,
                .size = f->file.size,
                .at = f->gone_since         ? f->gone_since
                      : f->file.received_at ? f->file.received_at
                                            : evidence_now(e),
                .verdict = f->verdict,
                .sha256 = f->file.inspected ? hex_encode(f->file.sha256, SHA256_SIZE, hex) : NULL,
                .requirement = f->instance == NOWHERE
                                       ? NULL
                                       : set->items[f->instance].requirements[f->requirement].name,
        };
}

/* What else a row says, and under which name. */
struct more {
        const char *by, *meant_for, *reused;
        const char *was; /* its path when it counted; then where it lies is `now` */
};

/* A path may be no UTF-8. */
static int add_path(struct strbuf *b, const char *name, const char *path) {
        _cleanup_free_ char *clean = path ? text_sanitize(path, strlen(path)) : NULL;

        if (path && !clean)
                return -ENOMEM;
        strbuf_add_member(b, name, clean);
        return 0;
}

/* Written by hand, names sorted: it is made for every file. */
static int write_detail(struct strbuf *b, const struct evidence *e, const struct evfile *f,
                        const struct more *more) {
        char hex[SHA256_HEX] = "", when[INSTANT_BUFFER] = "";
        int r;

        if (f->file.inspected)
                hex_encode(f->file.sha256, SHA256_SIZE, hex);
        if (f->file.received_at)
                zone_format(f->file.received_at, when);
        strbuf_adds(b, f->file.as_dated ? "{\"as_dated\":true" : "{\"as_dated\":false");
        r = add_path(b, ",\"by\":", more->by);
        if (r < 0)
                return r;
        strbuf_add_member(b, ",\"meant_for\":", more->meant_for);
        if (more->was)
                r = add_path(b, ",\"now\":", f->file.path);
        if (r == 0)
                r = add_path(b, ",\"path\":", more->was ? more->was : f->file.path);
        if (r < 0)
                return r;
        strbuf_add_member(b, ",\"received\":", when);
        strbuf_add_member(b, ",\"reused\":", more->reused);
        strbuf_add_member(b, ",\"root\":", e->roots[f->file.root].path);
        strbuf_add_member(b, ",\"sha256\":", hex);
        strbuf_addf(b, ",\"size\":%ju", (uintmax_t)f->file.size);
        strbuf_add_member(
                b, ",\"verdict\":", verdict_to_string(more->was ? VERDICT_COUNTED : f->verdict));
        strbuf_addc(b, '}');
        return strbuf_error(b);
}

static int ledger(struct evidence *e, const char *event, const struct instance *in,
                  const struct evfile *f, const struct more *more) {
        _cleanup_(strbuf_done) struct strbuf detail = STRBUF_INIT;
        int r = write_detail(&detail, e, f, more);

        if (r < 0)
                return r;
        return store_ledger_add(e->config.store,
                                &(struct ledger_row){.at = evidence_now(e),
                                                     .event = event,
                                                     .instance = in->key,
                                                     .task = in->task->id,
                                                     .unit = in->unit->id,
                                                     .detail = strbuf_str(&detail)});
}

static int tell(struct evidence *e, enum notice_kind kind, const struct instance *in,
                const struct evfile *f, const struct instance *other) {
        char hex[SHA256_HEX];
        struct evidence_event event = {.kind = kind, .track = evidence_track(e, in)};
        _cleanup_free_ char *clean = f ? text_sanitize(f->file.path, strlen(f->file.path)) : NULL,
                            *why = f ? evfile_why(e, f, f->verdict, in->task) : NULL;

        if (f && !clean)
                return -ENOMEM;
        if (f) {
                event.file = note_of(e, f, hex);
                event.file.path = clean;
                if (kind == NOTICE_EXPLAINED)
                        event.file.verdict = VERDICT_EXPLANATION;
                event.file.detail = other ? other->key : why;
                event.file.folder = other && f->verdict == VERDICT_NAME ? other->dir : NULL;
        }
        return e->callbacks.on_event(e->userdata, &event);
}

/* A file that counted went elsewhere: which, and where it lies. */
static int tell_moved(struct evidence *e, const struct instance *in, const struct loss *lost) {
        const char *path = lost->file->file.path;
        _cleanup_free_ char *was = text_sanitize(lost->was, strlen(lost->was)),
                            *lies = text_sanitize(path, strlen(path));
        struct evidence_event event = {.kind = NOTICE_REOPENED,
                                       .track = evidence_track(e, in),
                                       .file = {.path = was,
                                                .size = lost->file->file.size,
                                                .at = evidence_now(e),
                                                .verdict = VERDICT_COUNTED,
                                                .detail = lies}};

        return was && lies ? e->callbacks.on_event(e->userdata, &event) : -ENOMEM;
}

static int save_file(struct evidence *e, struct evfile *f) {
        struct stored_file row = evfile_row(e, f);

        f->moved = false;
        f->gone_saved = f->gone_since != 0;
        return store_put_file(e->config.store, &row, &f->id);
}

/* The other instance that counts a file with the same content: how points were lost (rule 8). */
static const struct instance *reused_by(const struct evidence *e, const struct evfile *f,
                                        const struct instance *in) {
        const struct evfile *o = NULL;

        while ((o = content_next(e, f, o)))
                if (o->instance != NOWHERE && o->instance != in->index)
                        return &e->config.tracks->instances->items[o->instance];
        return NULL;
}

static int file_counted(struct evidence *e, struct ruling *r, const struct assignment *a) {
        struct evfile *f = r->files.items[a->file];
        const struct instance *in = r->instances[a->instance], *other;
        int q;

        f->verdict = f->told = VERDICT_COUNTED;
        if (content_put(e, f) < 0)
                log_oom(); /* a reuse of it is not noticed */
        if (f->instance == in->index && f->requirement == a->requirement && f->id)
                return f->moved ? save_file(e, f) : 0;
        f->instance = (uint32_t)in->index;
        f->requirement = (uint32_t)a->requirement;
        evfile_note_unreadable(e, f);
        f->assigned_at = evidence_now(e);
        q = save_file(e, f);
        if (q < 0)
                return q;
        other = reused_by(e, f, in);
        q = ledger(e, "evidence-counted", in, f,
                   &(struct more){.reused = other ? other->key : NULL});
        if (q < 0 || !f->fresh_seen)
                return q;
        return tell(e, NOTICE_RECEIVED, in, f, other);
}

/* The first instance of the task that looks where the file lies. */
static const struct instance *where_of(const struct ruling *r, const struct evfile *f) {
        size_t at = folder_covering(f->folder, r->first);

        return r->instances[f->folder->covering.items[at].instance - r->first];
}

int file_refused(struct evidence *e, struct evfile *f, const struct instance *in,
                 const struct instance *meant) {
        int q;

        f->told = f->verdict;
        q = save_file(e, f);
        if (q == 0)
                q = ledger(e, "evidence-refused", in, f,
                           &(struct more){.meant_for = meant ? meant->key : NULL});
        return q < 0 ? q : tell(e, NOTICE_REFUSED, in, f, meant);
}

/* Its name is asked for, or can not be read: people wonder why it does not count. */
static bool is_of_interest(const struct evfile *f) {
        return f->matched || (f->verdict == VERDICT_BAD_NAME && f->file.settled && !f->ignored);
}

/* A counted file of this task has the same content (rule 8). */
static bool is_copy(const struct evidence *e, const struct ruling *r, const struct evfile *f) {
        const struct evfile *o = NULL;

        while ((o = content_next(e, f, o)))
                if (o->presence == EVFILE_PRESENT && o->instance != NOWHERE &&
                    o->instance >= r->first && o->instance < r->first + r->n_instances)
                        return true;
        return false;
}

/* Its row is old, or it is an explanation, of which the store keeps when it was received. */
static bool wants_row(const struct evfile *f) {
        return (f->id && f->moved) || (f->explanation && f->file.settled && !f->id);
}

static bool folder_has_many_tasks(const struct evidence *e, const struct folder *folder) {
        size_t cursor = 0, n = 0;

        while (n < 2 && folder_next_task(e, folder, &cursor))
                n++;
        return n == 2;
}

static int lose_slot(struct evidence *e, struct ruling *r, struct evfile *f) {
        int q = array_push(&r->lost, (struct loss){.file = f, .instance = f->instance});

        content_drop(e, f);
        f->instance = NOWHERE;
        evfile_note_unreadable(e, f);
        /* Another task that looks there left it alone while it was this one's. */
        if (f->folder && folder_has_many_tasks(e, f->folder))
                evfile_changed(e, f);
        return q;
}

static int file_not_counted(struct evidence *e, struct ruling *r, struct evfile *f, bool had_slot) {
        const struct instance *in =
                had_slot ? &e->config.tracks->instances->items[f->instance] : where_of(r, f);
        int q = had_slot ? lose_slot(e, r, f) : 0;

        if (q < 0)
                return q;
        if (f->verdict == VERDICT_SURPLUS && is_copy(e, r, f))
                f->verdict = VERDICT_DUPLICATE;
        if (!is_of_interest(f) || f->verdict == VERDICT_UNSETTLED || f->verdict == f->told)
                return had_slot || wants_row(f) ? save_file(e, f) : 0;
        if (f->verdict != VERDICT_SURPLUS && f->verdict != VERDICT_NAME)
                return file_refused(e, f, in, NULL);
        f->told = f->verdict;
        return save_file(e, f);
}

static bool of_task(const struct evidence *e, const struct evfile *f, const struct task *task) {
        return f->instance != NOWHERE &&
               e->config.tracks->instances->items[f->instance].task == task;
}

static int apply_files(struct evidence *e, struct ruling *r) {
        uint32_t mark = ++e->mark;
        int q = 0;

        for (size_t i = 0; i < r->n_slots && q == 0; i++) {
                r->files.items[r->slots[i].file]->mark = mark;
                q = file_counted(e, r, &r->slots[i]);
        }
        for (size_t i = 0; i < r->files.n && q == 0; i++) {
                struct evfile *f = r->files.items[i];
                bool mine = of_task(e, f, r->task);

                /* A slot of another task is that task's business. */
                if (f->mark != mark && (mine || f->instance == NOWHERE))
                        q = file_not_counted(e, r, f, mine);
        }
        return q;
}

/* A present file that took over from an absent one in the same requirement, if any: the absent one was replaced. */
static struct evfile *successor_of(struct ruling *r, const struct evfile *gone) {
        for (size_t i = 0; i < r->n_slots; i++) {
                const struct assignment *a = &r->slots[i];
                struct evfile *f = r->files.items[a->file];

                if (r->instances[a->instance]->index == gone->instance &&
                    a->requirement == gone->requirement && f->assigned_at >= gone->gone_since)
                        return f;
        }
        return NULL;
}

static int apply_absent(struct evidence *e, struct ruling *r) {
        struct evfile_list *absent = &e->task_absent[r->task->index];
        uint32_t mark = ++e->mark;
        int q;

        for (size_t i = 0; i < r->kept.n; i++) {
                struct evfile *f = r->kept.items[i];

                f->mark = mark;
                q = f->presence == EVFILE_MISSING && !f->gone_saved ? save_file(e, f) : 0;
                if (q < 0)
                        return q;
        }
        for (size_t i = 0; i < absent->n;) {
                struct evfile *f = absent->items[i], *next;
                const struct instance *in = &e->config.tracks->instances->items[f->instance];

                if (f->mark == mark || f->presence != EVFILE_MISSING) {
                        i++;
                        continue;
                }
                next = successor_of(r, f);
                q = ledger(e, next ? "evidence-replaced" : "evidence-gone", in, f,
                           &(struct more){.by = next ? next->file.path : NULL});
                if (q == 0 && !next)
                        q = array_push(&r->lost, (struct loss){.file = f, .instance = f->instance});
                if (q < 0)
                        return q;
                content_drop(e, f);
                absent_release_slot(e, f); /* swept when its time is over */
                q = save_file(e, f);
                if (q < 0)
                        return q;
        }
        return 0;
}

/* What a person has overruled explains nothing any more: only what was received since then. */
static int apply_explained(struct evidence *e, struct ruling *r, size_t k, usec_t now) {
        struct track *t = evidence_track(e, r->instances[k]);
        usec_t *since = &e->unexplained_at[t->instance->index];
        bool explained = r->explained_at[k] > t->history.overruled_at, all_ok = true;

        for (size_t i = 0; i < e->n_roots; i++)
                all_ok = all_ok && e->roots[i].ok;
        if (t->history.explained == explained || (!explained && !all_ok)) {
                *since = 0;
                return 0;
        }
        /* Saved over by an editor, an explanation is away or unsettled for a while, as any file is. */
        if (!explained && *since == 0)
                *since = now;
        if (!explained && now < *since + e->config.model->evidence.gone_after)
                return 0;
        *since = 0;
        t->history.explained = explained;
        if (explained) {
                track_changed(e->config.tracks, t, now);
                return tell(e, NOTICE_EXPLAINED, t->instance, r->explanations[k], NULL);
        }
        /* Nobody is told, so nothing is covered: the step it stands at is due at once, and says why. */
        return track_begin_episode(e->config.tracks, t, EPISODE_EXPLANATION_ENDED, now, 0);
}

usec_t explanations_expire(const struct evidence *e) {
        usec_t next = USEC_INFINITY;

        for (size_t i = 0; i < e->config.tracks->n; i++) {
                usec_t since = e->unexplained_at[i];

                if (since > 0 && since + e->config.model->evidence.gone_after < next)
                        next = since + e->config.model->evidence.gone_after;
        }
        return next;
}

static bool all_walked(const struct evidence *e) {
        for (size_t i = 0; i < e->n_roots; i++)
                if (!e->roots[i].ever_walked)
                        return false;
        return true;
}

/* Who is told that it is open again wants to know which files went, and why. */
static int tell_reopened(struct evidence *e, const struct ruling *r, const struct instance *in) {
        size_t n = 0;
        int q = 0;

        for (size_t i = 0; i < r->lost.n && n < MAX_LOSSES && q == 0; i++) {
                const struct loss *lost = &r->lost.items[i];

                if (lost->instance != in->index)
                        continue;
                q = lost->was ? tell_moved(e, in, lost)
                              : tell(e, NOTICE_REOPENED, in, lost->file, NULL);
                n++;
        }
        return n > 0 ? q : tell(e, NOTICE_REOPENED, in, NULL, NULL);
}

static int apply_instance(struct evidence *e, struct ruling *r, size_t k, usec_t now) {
        const struct instance *in = r->instances[k];
        struct track *t = evidence_track(e, in);
        const uint32_t *have = r->have + e->first_need[in->index] - e->first_need[r->first];
        usec_t was = t->history.complete_at, is = r->complete_at[k];
        bool changed = was != is || !t->history.scanned ||
                       memcmp(t->have, have, in->n_requirements * sizeof(*t->have)) != 0;
        int q = apply_explained(e, r, k, now);

        if (q < 0 || !changed)
                return q;
        memcpy(t->have, have, in->n_requirements * sizeof(*t->have));
        t->history.complete_at = is;
        t->history.scanned = true;
        track_changed(e->config.tracks, t, now);
        if (was == 0 && is != 0) /* what a first walk finds complete is no news to anybody */
                return all_walked(e) ? tell(e, NOTICE_COMPLETE, in, NULL, NULL) : 0;
        if (was == 0 || is != 0)
                return 0;
        q = track_begin_episode(e->config.tracks, t, EPISODE_REOPENED, now,
                                send_instant_in_window(e->config.model->calendar, now));
        return q < 0 ? q : tell_reopened(e, r, in);
}

static int apply_stray(struct evidence *e, struct ruling *r, const struct loss *lost) {
        struct evfile *f = lost->file;
        int q = ledger(e, "evidence-gone", &e->config.tracks->instances->items[lost->instance], f,
                       &(struct more){.was = lost->was});

        if (q == 0)
                q = array_push(&r->lost, *lost);
        if (q < 0) {
                free(lost->was);
                return q;
        }
        if (f->instance != lost->instance)
                return 0; /* it counts elsewhere already */
        content_drop(e, f);
        f->instance = NOWHERE;
        evfile_note_unreadable(e, f);
        return save_file(e, f);
}

int ruling_apply_strays(struct evidence *e, struct ruling *r) {
        struct loss lost;
        int q;

        while ((q = stray_take(e, r->task, &lost)) > 0) {
                q = apply_stray(e, r, &lost);
                if (q < 0)
                        return q;
        }
        return q;
}

int ruling_apply(struct evidence *e, struct ruling *r, usec_t now) {
        int q = apply_files(e, r);

        if (q == 0)
                q = apply_absent(e, r);
        for (size_t k = 0; k < r->n_instances && q == 0; k++)
                q = apply_instance(e, r, k, now);
        return q;
}

void ruling_applied(struct evidence *e, const struct ruling *r) {
        memcpy(e->filled + e->first_need[r->first], r->filled, r->n_needs * sizeof(*e->filled));
        memcpy(e->filled_at + r->first, r->filled_at, r->n_instances * sizeof(*e->filled_at));
        memcpy(e->explained_at + r->first, r->explained_at,
               r->n_instances * sizeof(*e->explained_at));
        for (size_t k = 0; k < r->n_instances; k++)
                e->deadlines[r->first + k] = r->deadlines[k].instant;
}
