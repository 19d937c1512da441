/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "base/zone.h"
#include "service/evidence-internal.h"

/* What a pass worked out becomes histories, rows and events. */

struct track *evidence_track(const struct evidence *e, const struct instance *i) {
        return &e->config.tracks->items[i->index];
}

static struct file_note note_of(const struct evidence *e, const struct evfile *f,
                                char hex[SHA256_HEX]) {
        const struct instance_set *set = e->config.tracks->instances;

        return (struct file_note){
                .path = f->path,
                .size = f->file.size,
                .at = f->file.received_at ? f->file.received_at : evidence_now(e),
                .verdict = f->verdict,
                .sha256 = f->file.inspected ? hex_encode(f->file.sha256, SHA256_SIZE, hex) : NULL,
                .requirement = f->instance == SIZE_MAX
                                       ? NULL
                                       : set->items[f->instance].requirements[f->requirement].name,
        };
}

static int ledger(struct evidence *e, const char *event, const struct instance *in,
                  const struct evfile *f, const char *more_key, const char *more) {
        char hex[SHA256_HEX] = "", when[INSTANT_BUFFER] = "";
        _cleanup_free_ char *clean = text_sanitize(f->path, strlen(f->path)), *text = NULL;
        _cleanup_free_ char *clean_more = more ? text_sanitize(more, strlen(more)) : NULL;
        json_t *detail;
        int r;

        if (f->file.inspected)
                hex_encode(f->file.sha256, SHA256_SIZE, hex);
        if (f->file.received_at)
                zone_format(f->file.received_at, when);
        detail = json_pack("{s:s, s:s?, s:I, s:s, s:s, s:b, s:s}", "root",
                           e->roots[f->file.root].path, "path", clean, "size",
                           (json_int_t)f->file.size, "sha256", hex, "received", when, "as_dated",
                           f->file.as_dated, "verdict", verdict_to_string(f->verdict));
        if (detail && clean_more)
                json_object_set_new(detail, more_key, json_string(clean_more));
        text = detail ? json_dumps(detail, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
        json_decref(detail);
        if (!text)
                return -ENOMEM;
        r = store_ledger_add(e->config.store, &(struct ledger_row){.at = evidence_now(e),
                                                                   .event = event,
                                                                   .instance = in->key,
                                                                   .task = in->task->id,
                                                                   .unit = in->unit->id,
                                                                   .detail = text});
        return r;
}

static int tell(struct evidence *e, enum notice_kind kind, const struct instance *in,
                const struct evfile *f, const struct instance *other) {
        char hex[SHA256_HEX];
        struct evidence_event event = {.kind = kind, .track = evidence_track(e, in)};
        _cleanup_free_ char *clean = f ? text_sanitize(f->path, strlen(f->path)) : NULL;

        if (f && !clean)
                return -ENOMEM;
        if (f) {
                event.file = note_of(e, f, hex);
                event.file.path = clean;
                event.file.detail = other ? other->key : NULL;
        }
        return e->callbacks.on_event(e->userdata, &event);
}

static int save_file(struct evidence *e, struct evfile *f) {
        struct stored_file row = evfile_row(e, f);

        f->moved = false;
        return store_put_file(e->config.store, &row, &f->id);
}

/* ---- what counts, by content ---- */

static void content_put(struct evidence *e, struct evfile *f) {
        char hex[SHA256_HEX];

        hex_encode(f->file.sha256, SHA256_SIZE, hex);
        if (!strmap_get(e->contents, hex) && strmap_put(e->contents, hex, f) < 0)
                log_oom(); /* a reuse of it is not noticed */
}

void content_drop(struct evidence *e, const struct evfile *f) {
        char hex[SHA256_HEX];

        if (!f->file.inspected)
                return;
        hex_encode(f->file.sha256, SHA256_SIZE, hex);
        if (strmap_get(e->contents, hex) == f)
                strmap_remove(e->contents, hex);
}

/* The other instance that counts a file with the same content: how points were lost (rule 8). */
static const struct instance *reused_by(const struct evidence *e, const struct evfile *f,
                                        const struct instance *in) {
        char hex[SHA256_HEX];
        const struct evfile *o =
                strmap_get(e->contents, hex_encode(f->file.sha256, SHA256_SIZE, hex));

        if (!o || o == f || o->instance == SIZE_MAX || o->instance == in->index)
                return NULL;
        return &e->config.tracks->instances->items[o->instance];
}

static int file_counted(struct evidence *e, struct ruling *r, const struct assignment *a) {
        struct evfile *f = r->files.items[a->file];
        const struct instance *in = r->instances[a->instance], *other;
        int q;

        f->verdict = f->told = VERDICT_COUNTED;
        content_put(e, f);
        if (f->instance == in->index && f->requirement == a->requirement && f->id)
                return f->moved ? save_file(e, f) : 0;
        f->instance = in->index;
        f->requirement = a->requirement;
        f->assigned_at = evidence_now(e);
        q = save_file(e, f);
        if (q < 0)
                return q;
        other = reused_by(e, f, in);
        q = ledger(e, "evidence-counted", in, f, other ? "reused" : NULL,
                   other ? other->key : NULL);
        if (q < 0 || !f->fresh_seen)
                return q;
        return tell(e, NOTICE_RECEIVED, in, f, other);
}

/* The first instance of the task that looks where the file lies. */
static const struct instance *where_of(const struct ruling *r, const struct evfile *f) {
        for (size_t k = 0; k < r->n_instances; k++)
                if (instance_covers(r->instances[k], f->path))
                        return r->instances[k];
        return r->instances[0];
}

int file_refused(struct evidence *e, struct evfile *f, const struct instance *in,
                 const struct instance *meant) {
        int q;

        f->told = f->verdict;
        q = save_file(e, f);
        if (q == 0)
                q = ledger(e, "evidence-refused", in, f, meant ? "meant_for" : NULL,
                           meant ? meant->key : NULL);
        return q < 0 ? q : tell(e, NOTICE_REFUSED, in, f, meant);
}

/* Its name is asked for, or can not be read: people wonder why it does not count. */
static bool is_of_interest(const struct evfile *f) {
        return f->matched || (f->verdict == VERDICT_BAD_NAME && f->file.settled && !f->ignored);
}

static bool is_same_content(const struct evfile *a, const struct evfile *b) {
        return a != b && a->file.inspected && b->file.inspected &&
               memcmp(a->file.sha256, b->file.sha256, SHA256_SIZE) == 0;
}

/* A counted file of this task has the same content (rule 8). */
static bool is_copy(const struct evidence *e, const struct ruling *r, const struct evfile *f) {
        char hex[SHA256_HEX];
        const struct evfile *o = NULL;

        if (f->file.inspected)
                o = strmap_get(e->contents, hex_encode(f->file.sha256, SHA256_SIZE, hex));
        if (!o || o == f)
                return false;
        if (o->instance >= r->first && o->instance < r->first + r->n_instances)
                return o->presence == EVFILE_PRESENT;
        /* One of another task was first to have it; a slot of this one may hold the same. */
        for (size_t i = 0; i < r->n_slots; i++)
                if (is_same_content(r->files.items[r->slots[i].file], f))
                        return true;
        return false;
}

static int file_not_counted(struct evidence *e, struct ruling *r, struct evfile *f, bool had_slot) {
        const struct instance *in =
                had_slot ? &e->config.tracks->instances->items[f->instance] : where_of(r, f);

        if (had_slot)
                content_drop(e, f);
        f->instance = SIZE_MAX;
        if (f->verdict == VERDICT_SURPLUS && is_copy(e, r, f))
                f->verdict = VERDICT_DUPLICATE;
        if (!is_of_interest(f) || f->verdict == VERDICT_UNSETTLED || f->verdict == f->told)
                return had_slot || (f->id && f->moved) ? save_file(e, f) : 0;
        if (f->verdict != VERDICT_SURPLUS && f->verdict != VERDICT_NAME)
                return file_refused(e, f, in, NULL);
        f->told = f->verdict;
        return save_file(e, f);
}

static bool of_task(const struct evidence *e, const struct evfile *f, const struct task *task) {
        return f->instance != SIZE_MAX &&
               e->config.tracks->instances->items[f->instance].task == task;
}

static int apply_files(struct evidence *e, struct ruling *r) {
        unsigned mark = ++e->mark;
        int q = 0;

        for (size_t i = 0; i < r->n_slots && q == 0; i++) {
                r->files.items[r->slots[i].file]->mark = mark;
                q = file_counted(e, r, &r->slots[i]);
        }
        for (size_t i = 0; i < r->files.n && q == 0; i++) {
                struct evfile *f = r->files.items[i];
                bool mine = of_task(e, f, r->task);

                /* A slot of another task is that task's business. */
                if (f->mark != mark && (mine || f->instance == SIZE_MAX))
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
        unsigned mark = ++e->mark;

        for (size_t i = 0; i < r->kept.n; i++) {
                r->kept.items[i]->mark = mark;
                if (r->kept.items[i]->presence == EVFILE_MISSING &&
                    save_file(e, r->kept.items[i]) < 0)
                        return -EIO;
        }
        for (size_t i = 0; i < absent->n;) {
                struct evfile *f = absent->items[i], *next;
                const struct instance *in = &e->config.tracks->instances->items[f->instance];
                int q;

                if (f->mark == mark || f->presence != EVFILE_MISSING) {
                        i++;
                        continue;
                }
                next = successor_of(r, f);
                q = ledger(e, next ? "evidence-replaced" : "evidence-gone", in, f,
                           next ? "by" : NULL, next ? next->path : NULL);
                if (q < 0)
                        return q;
                content_drop(e, f);
                absent_release_slot(e, f); /* swept at the end of the pass */
        }
        return 0;
}

static int apply_explained(struct evidence *e, struct track *t, bool explained, usec_t now) {
        usec_t *since = &e->unexplained_at[t->instance->index];
        bool all_ok = true;

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
                return tell(e, NOTICE_EXPLAINED, t->instance, NULL, NULL);
        }
        return track_begin_episode(e->config.tracks, t, EPISODE_EXPLANATION_ENDED, now, now);
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

static int apply_instance(struct evidence *e, struct ruling *r, size_t k, usec_t now) {
        const struct instance *in = r->instances[k];
        struct track *t = evidence_track(e, in);
        usec_t was = t->history.complete_at, is = r->complete_at[k];
        bool changed =
                was != is || !t->history.scanned ||
                memcmp(t->have, ruling_have(r, k, 0), in->n_requirements * sizeof(*t->have)) != 0;
        int q = apply_explained(e, t, r->explained[k], now);

        if (q < 0 || !changed)
                return q;
        memcpy(t->have, ruling_have(r, k, 0), in->n_requirements * sizeof(*t->have));
        t->history.complete_at = is;
        t->history.scanned = true;
        track_changed(e->config.tracks, t, now);
        if (was == 0 && is != 0) /* what a first walk finds complete is no news to anybody */
                return all_walked(e) ? tell(e, NOTICE_COMPLETE, in, NULL, NULL) : 0;
        if (was == 0 || is != 0)
                return 0;
        q = track_begin_episode(e->config.tracks, t, EPISODE_REOPENED, now,
                                send_instant_in_window(e->config.model->calendar, now));
        return q < 0 ? q : tell(e, NOTICE_REOPENED, in, NULL, NULL);
}

int ruling_apply(struct evidence *e, struct ruling *r, usec_t now) {
        int q = apply_files(e, r);

        if (q == 0)
                q = apply_absent(e, r);
        for (size_t k = 0; k < r->n_instances && q == 0; k++)
                q = apply_instance(e, r, k, now);
        return q;
}
