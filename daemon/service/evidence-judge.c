/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "base/zone.h"
#include "service/evidence-internal.h"

/*
 * A pass: for each task that something happened to, judge its files, assign them, and compare with what stood. First all is
 * worked out, then, when that is safe, all is applied in one transaction.
 */

struct ruling {
        const struct task *task;
        const struct instance **instances; /* owned array */
        size_t n_instances;
        struct evfile_list files; /* present files in its folders, each once */
        struct file *copies;      /* owned; as assign_files() wants them */
        struct assignment *slots; /* owned */
        size_t n_slots;
        struct evfile_list kept; /* absent files that go on holding their slot */
        size_t *base;            /* owned; where an instance's requirements begin in have */
        uint32_t *have;          /* owned */
        usec_t *complete_at;     /* owned; per instance */
        bool *explained;         /* owned; per instance */
        size_t n_reopen;
        bool wait; /* an inspection is out: judged when it is back */
};
struct ruling_list ARRAY(struct ruling);

static void ruling_done(struct ruling *r) {
        free(r->instances);
        array_done(&r->files);
        free(r->copies);
        free(r->slots);
        array_done(&r->kept);
        free(r->base);
        free(r->have);
        free(r->complete_at);
        free(r->explained);
}

static void ruling_list_done(struct ruling_list *list) {
        for (size_t i = 0; i < list->n; i++)
                ruling_done(&list->items[i]);
        array_done(list);
}

static struct track *track_of(const struct evidence *e, const struct instance *i) {
        return &e->config.tracks->items[i->index];
}

/* ---- working it out ---- */

static int ruling_init(struct evidence *e, const struct task *task, struct ruling *ret) {
        const struct instance_set *set = e->config.tracks->instances;
        size_t n = 0, total = 0;

        /* Instances of one task stand together, in order of deadline. */
        for (size_t i = 0; i < set->n; i++)
                n += set->items[i].task == task;
        *ret = (struct ruling){ .task = task };
        ret->instances = calloc(n + 1, sizeof(*ret->instances));
        ret->base = calloc(n + 1, sizeof(*ret->base));
        ret->complete_at = calloc(n + 1, sizeof(*ret->complete_at));
        ret->explained = calloc(n + 1, sizeof(*ret->explained));
        if (!ret->instances || !ret->base || !ret->complete_at || !ret->explained)
                return -ENOMEM;
        for (size_t i = 0; i < set->n; i++) {
                if (set->items[i].task != task)
                        continue;
                ret->base[ret->n_instances] = total;
                ret->instances[ret->n_instances++] = &set->items[i];
                total += set->items[i].n_requirements;
        }
        ret->have = calloc(total + 1, sizeof(*ret->have));
        return ret->have ? 0 : -ENOMEM;
}

static int collect_files(struct evidence *e, struct ruling *r) {
        const struct folder_list *folders = &e->task_folders[r->task->index];

        for (size_t i = 0; i < folders->n; i++)
                for (size_t k = 0; k < folders->items[i]->files.n; k++) {
                        struct evfile *f = folders->items[i]->files.items[k];
                        int q;

                        f->scratch = r->files.n;
                        q = array_push(&r->files, f);
                        if (q < 0)
                                return q;
                        r->wait = r->wait || f->queued;
                }
        r->copies = calloc(r->files.n + 1, sizeof(*r->copies));
        if (!r->copies)
                return -ENOMEM;
        for (size_t i = 0; i < r->files.n; i++)
                r->copies[i] = r->files.items[i]->file;
        return 0;
}

struct candidate_list ARRAY(struct candidate);

/* One file against one instance: candidates are added, and the furthest reason of refusal is kept for people. */
static int judge_pair(struct evidence *e, struct ruling *r, size_t file, size_t instance, struct candidate_list *ret) {
        const struct instance *in = r->instances[instance];
        struct evfile *f = r->files.items[file];
        struct deadline deadline =
                instance_deadline(e->config.model->calendar, in, &track_of(e, in)->history);

        for (size_t q = 0; q < in->n_requirements; q++) {
                enum verdict v = requirement_judge(e->config.model, &in->requirements[q], &deadline, &f->file);

                if (v != VERDICT_COUNTED) {
                        if (f->verdict == VERDICT_SURPLUS || v > f->verdict)
                                f->verdict = v;
                        continue;
                }
                if (!f->file.inspected) { /* can only be a file whose name matches nothing elsewhere */
                        evfile_queue_inspection(&e->roots[f->file.root], f);
                        r->wait = true;
                        return 0;
                }
                f->verdict = VERDICT_COUNTED;
                if (array_push(ret, (struct candidate){ file, instance, q }) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int judge_files(struct evidence *e, struct ruling *r, struct candidate_list *ret) {
        for (size_t i = 0; i < r->files.n; i++) {
                struct evfile *f = r->files.items[i];
                bool is_candidate = false;

                f->verdict = VERDICT_SURPLUS; /* nothing said yet */
                for (size_t k = 0; k < r->n_instances; k++) {
                        size_t before = ret->n;
                        int q;

                        if (!instance_covers(r->instances[k], f->path))
                                continue;
                        if (f->explanation && f->file.regular && f->file.settled && f->file.size > 0)
                                r->explained[k] = true;
                        q = judge_pair(e, r, i, k, ret);
                        if (q < 0 || r->wait)
                                return q;
                        is_candidate = is_candidate || ret->n > before;
                }
                if (is_candidate)
                        f->verdict = VERDICT_SURPLUS; /* unless it gets a slot */
        }
        return 0;
}

static int assign(struct evidence *e, struct ruling *r, const struct candidate_list *candidates) {
        _cleanup_free_ struct assignment *standing = calloc(r->files.n + 1, sizeof(*standing));
        size_t n = 0;

        if (!standing)
                return -ENOMEM;
        for (size_t i = 0; i < r->files.n; i++) {
                struct evfile *f = r->files.items[i];

                for (size_t k = 0; f->instance != SIZE_MAX && k < r->n_instances; k++)
                        if (r->instances[k]->index == f->instance)
                                standing[n++] = (struct assignment){ i, k, f->requirement };
        }
        (void)e;
        return assign_files(r->instances, r->n_instances, r->copies, r->files.n, candidates->items, candidates->n,
                            standing, n, &r->slots, &r->n_slots);
}

static uint32_t *have_of(struct ruling *r, size_t instance, size_t requirement) {
        return &r->have[r->base[instance] + requirement];
}

/* Absent files hold their slot while their time runs, where no present file fills it. */
static int keep_absent(struct evidence *e, struct ruling *r, usec_t now) {
        for (size_t i = 0; i < e->absent.n; i++) {
                struct evfile *f = e->absent.items[i];

                if (f->instance == SIZE_MAX)
                        continue;
                if (f->presence == EVFILE_MISSING &&
                    now >= f->gone_since + e->config.model->evidence.gone_after)
                        continue;
                for (size_t k = 0; k < r->n_instances; k++) {
                        const struct instance *in = r->instances[k];
                        uint32_t *have;

                        if (in->index != f->instance)
                                continue;
                        have = have_of(r, k, f->requirement);
                        if (*have >= in->requirements[f->requirement].need->count)
                                continue;
                        ++*have;
                        if (f->file.received_at > r->complete_at[k])
                                r->complete_at[k] = f->file.received_at;
                        if (array_push(&r->kept, f) < 0)
                                return -ENOMEM;
                }
        }
        return 0;
}

static bool is_full(struct ruling *r, size_t k) {
        for (size_t q = 0; q < r->instances[k]->n_requirements; q++)
                if (*have_of(r, k, q) < r->instances[k]->requirements[q].need->count)
                        return false;
        return r->instances[k]->n_requirements > 0;
}

static int rule(struct evidence *e, const struct task *task, usec_t now, struct ruling *r) {
        _cleanup_(free_p) struct candidate *owned = NULL;
        struct candidate_list candidates = {};
        int q = ruling_init(e, task, r);

        if (q == 0)
                q = collect_files(e, r);
        if (q == 0 && !r->wait)
                q = judge_files(e, r, &candidates);
        owned = candidates.items;
        if (q < 0 || r->wait)
                return q;
        q = assign(e, r, &candidates);
        if (q < 0)
                return q;
        for (size_t i = 0; i < r->n_slots; i++) {
                const struct assignment *a = &r->slots[i];
                usec_t received = r->files.items[a->file]->file.received_at;

                ++*have_of(r, a->instance, a->requirement);
                if (received > r->complete_at[a->instance])
                        r->complete_at[a->instance] = received;
        }
        q = keep_absent(e, r, now);
        for (size_t k = 0; k < r->n_instances; k++) {
                bool full = is_full(r, k);

                if (!full)
                        r->complete_at[k] = 0;
                r->n_reopen += !full && track_of(e, r->instances[k])->history.complete_at != 0;
        }
        return q;
}

/* ---- applying it ---- */

static struct file_note note_of(const struct evidence *e, const struct evfile *f, char hex[SHA256_HEX]) {
        const struct instance_set *set = e->config.tracks->instances;

        return (struct file_note){
                .path = f->path,
                .size = f->file.size,
                .at = f->file.received_at ? f->file.received_at : evidence_now(e),
                .verdict = f->verdict,
                .sha256 = f->file.inspected ? hex_encode(f->file.sha256, SHA256_SIZE, hex) : NULL,
                .requirement = f->instance == SIZE_MAX ? NULL
                                                       : set->items[f->instance].requirements[f->requirement].name,
        };
}

static int ledger(struct evidence *e, const char *event, const struct instance *in, const struct evfile *f,
                  const char *more_key, const char *more) {
        char hex[SHA256_HEX] = "", when[INSTANT_BUFFER] = "";
        _cleanup_free_ char *clean = text_sanitize(f->path, strlen(f->path)), *text = NULL;
        json_t *detail;
        int r;

        if (f->file.inspected)
                hex_encode(f->file.sha256, SHA256_SIZE, hex);
        if (f->file.received_at)
                zone_format(f->file.received_at, when);
        detail = json_pack("{s:s, s:s?, s:I, s:s, s:s, s:b, s:s}", "root", e->roots[f->file.root].path, "path", clean,
                           "size", (json_int_t)f->file.size, "sha256", hex, "received", when, "as_dated",
                           f->file.as_dated, "verdict", verdict_to_string(f->verdict));
        if (detail && more_key)
                json_object_set_new(detail, more_key, json_string(more));
        text = detail ? json_dumps(detail, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
        json_decref(detail);
        if (!text)
                return -ENOMEM;
        r = store_ledger_add(e->config.store, &(struct ledger_row){ .at = evidence_now(e),
                                                                    .event = event,
                                                                    .instance = in->key,
                                                                    .task = in->task->id,
                                                                    .unit = in->unit->id,
                                                                    .detail = text });
        return r;
}

static int tell(struct evidence *e, enum notice_kind kind, const struct instance *in, const struct evfile *f) {
        char hex[SHA256_HEX];
        struct evidence_event event = { .kind = kind, .track = track_of(e, in) };

        if (f)
                event.file = note_of(e, f, hex);
        return e->callbacks.on_event(e->userdata, &event);
}

static int save_file(struct evidence *e, struct evfile *f) {
        struct stored_file row = evfile_row(e, f);

        return store_put_file(e->config.store, &row, &f->id);
}

/* The file another instance counts with the same content: how points were lost (rule 8). */
static const struct instance *reused_by(struct evidence *e, const struct evfile *f, const struct instance *in) {
        for (size_t t = 0; t < e->config.model->n_tasks; t++)
                for (size_t d = 0; d < e->task_folders[t].n; d++)
                        for (size_t k = 0; k < e->task_folders[t].items[d]->files.n; k++) {
                                const struct evfile *o = e->task_folders[t].items[d]->files.items[k];

                                if (o != f && o->instance != SIZE_MAX && o->instance != in->index &&
                                    o->file.size == f->file.size && o->file.inspected &&
                                    memcmp(o->file.sha256, f->file.sha256, SHA256_SIZE) == 0)
                                        return &e->config.tracks->instances->items[o->instance];
                        }
        return NULL;
}

static int file_counted(struct evidence *e, struct ruling *r, const struct assignment *a) {
        struct evfile *f = r->files.items[a->file];
        const struct instance *in = r->instances[a->instance], *other;
        int q;

        f->verdict = f->told = VERDICT_COUNTED;
        if (f->instance == in->index && f->requirement == a->requirement && f->id)
                return 0;
        f->instance = in->index;
        f->requirement = a->requirement;
        f->assigned_at = evidence_now(e);
        q = save_file(e, f);
        if (q < 0)
                return q;
        other = reused_by(e, f, in);
        q = ledger(e, "evidence-counted", in, f, other ? "reused" : NULL, other ? other->key : NULL);
        if (q < 0 || !f->fresh_seen)
                return q;
        return tell(e, NOTICE_RECEIVED, in, f);
}

/* The first instance of the task that looks where the file lies. */
static const struct instance *where_of(const struct ruling *r, const struct evfile *f) {
        for (size_t k = 0; k < r->n_instances; k++)
                if (instance_covers(r->instances[k], f->path))
                        return r->instances[k];
        return r->instances[0];
}

static int file_not_counted(struct evidence *e, struct ruling *r, struct evfile *f, bool had_slot) {
        const struct instance *in = had_slot ? &e->config.tracks->instances->items[f->instance] : where_of(r, f);
        int q;

        f->instance = SIZE_MAX;
        if (!f->matched || f->verdict == VERDICT_UNSETTLED || f->verdict == f->told)
                return had_slot ? save_file(e, f) : 0;
        f->told = f->verdict;
        q = save_file(e, f);
        if (q < 0 || f->verdict == VERDICT_SURPLUS || f->verdict == VERDICT_NAME)
                return q;
        q = ledger(e, "evidence-refused", in, f, NULL, NULL);
        return q < 0 ? q : tell(e, NOTICE_REFUSED, in, f);
}

static bool of_task(const struct evidence *e, const struct evfile *f, const struct task *task) {
        return f->instance != SIZE_MAX && e->config.tracks->instances->items[f->instance].task == task;
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

                if (r->instances[a->instance]->index == gone->instance && a->requirement == gone->requirement &&
                    f->assigned_at >= gone->gone_since)
                        return f;
        }
        return NULL;
}

static int apply_absent(struct evidence *e, struct ruling *r) {
        unsigned mark = ++e->mark;

        for (size_t i = 0; i < r->kept.n; i++) {
                r->kept.items[i]->mark = mark;
                if (r->kept.items[i]->presence == EVFILE_MISSING && save_file(e, r->kept.items[i]) < 0)
                        return -EIO;
        }
        for (size_t i = 0; i < e->absent.n; i++) {
                struct evfile *f = e->absent.items[i], *next;
                const struct instance *in;
                int q;

                if (f->mark == mark || !of_task(e, f, r->task) || f->presence != EVFILE_MISSING)
                        continue;
                in = &e->config.tracks->instances->items[f->instance];
                next = successor_of(r, f);
                q = ledger(e, next ? "evidence-replaced" : "evidence-gone", in, f, next ? "by" : NULL,
                           next ? next->path : NULL);
                if (q < 0)
                        return q;
                f->instance = SIZE_MAX; /* swept at the end of the pass */
        }
        return 0;
}

static int apply_explained(struct evidence *e, struct track *t, bool explained, usec_t now) {
        bool all_ok = true;

        for (size_t i = 0; i < e->n_roots; i++)
                all_ok = all_ok && e->roots[i].ok;
        if (t->history.explained == explained || (!explained && !all_ok))
                return 0;
        t->history.explained = explained;
        if (explained) {
                track_changed(e->config.tracks, t, now);
                return tell(e, NOTICE_EXPLAINED, t->instance, NULL);
        }
        return track_begin_episode(e->config.tracks, t, EPISODE_EXPLANATION_ENDED, now, now);
}

static int apply_instance(struct evidence *e, struct ruling *r, size_t k, usec_t now) {
        const struct instance *in = r->instances[k];
        struct track *t = track_of(e, in);
        usec_t was = t->history.complete_at, is = r->complete_at[k];
        bool changed = was != is || !t->history.scanned ||
                       memcmp(t->have, have_of(r, k, 0), in->n_requirements * sizeof(*t->have)) != 0;
        int q = apply_explained(e, t, r->explained[k], now);

        if (q < 0 || !changed)
                return q;
        memcpy(t->have, have_of(r, k, 0), in->n_requirements * sizeof(*t->have));
        t->history.complete_at = is;
        t->history.scanned = true;
        track_changed(e->config.tracks, t, now);
        if (was == 0 && is != 0)
                return tell(e, NOTICE_COMPLETE, in, NULL);
        if (was == 0 || is != 0)
                return 0;
        q = track_begin_episode(e->config.tracks, t, EPISODE_REOPENED, now,
                                send_instant_in_window(e->config.model->calendar, now));
        return q < 0 ? q : tell(e, NOTICE_REOPENED, in, NULL);
}

static int apply(struct evidence *e, struct ruling *r, usec_t now) {
        int q = apply_files(e, r);

        if (q == 0)
                q = apply_absent(e, r);
        for (size_t k = 0; k < r->n_instances && q == 0; k++)
                q = apply_instance(e, r, k, now);
        return q;
}

/* ---- the pass ---- */

static int sweep_absent(struct evidence *e, usec_t now, usec_t *ret_next) {
        for (size_t i = 0; i < e->absent.n;) {
                struct evfile *f = e->absent.items[i];
                usec_t ends = f->gone_since + e->config.model->evidence.gone_after;

                if (f->presence != EVFILE_MISSING || f->instance != SIZE_MAX) {
                        if (f->presence == EVFILE_MISSING && ends > now && ends < *ret_next)
                                *ret_next = ends;
                        i++;
                        continue;
                }
                if (f->id) {
                        int q = store_delete_file(e->config.store, f->id);

                        if (q < 0)
                                return q;
                }
                e->absent.items[i] = e->absent.items[--e->absent.n];
                evfile_free(e, f);
        }
        return 0;
}

static int work_out(struct evidence *e, usec_t now, struct ruling_list *ret, size_t *ret_reopen) {
        for (size_t t = 0; t < e->config.model->n_tasks; t++) {
                const struct task *task = &e->config.model->tasks[t];
                struct ruling r = {};
                int q;

                if (!e->task_dirty[t] || !task->tracked)
                        continue;
                q = rule(e, task, now, &r);
                if (q == 0 && !r.wait)
                        q = array_push(ret, r);
                else
                        ruling_done(&r);
                if (q < 0)
                        return q;
                if (!r.wait)
                        *ret_reopen += r.n_reopen;
        }
        return 0;
}

static int apply_all(struct evidence *e, struct ruling_list *list, usec_t now, usec_t *ret_next) {
        int q = store_begin(e->config.store);

        for (size_t i = 0; i < list->n && q == 0; i++)
                q = apply(e, &list->items[i], now);
        if (q == 0)
                q = sweep_absent(e, now, ret_next);
        if (q == 0)
                q = tracks_save(e->config.tracks);
        if (q == 0)
                q = store_commit(e->config.store);
        if (q < 0)
                store_rollback(e->config.store);
        return q;
}

int evidence_pass(struct evidence *e) {
        _cleanup_(ruling_list_done) struct ruling_list list = {};
        usec_t now = evidence_now(e), next = USEC_INFINITY;
        size_t n_reopen = 0;
        int q = work_out(e, now, &list, &n_reopen);

        if (q < 0)
                return q;
        if (e->config.confirm_reopen && n_reopen > EVIDENCE_REOPEN_MAX && !e->confirmed) {
                if (e->n_held != n_reopen)
                        log_warning("%zu instances would reopen at once; nothing is reopened until "
                                    "'evidencectl confirm'",
                                    n_reopen);
                e->n_held = n_reopen;
                return 0;
        }
        e->n_held = 0;
        e->confirmed = false;
        q = apply_all(e, &list, now, &next);
        if (q < 0)
                return q;
        for (size_t i = 0; i < list.n; i++)
                e->task_dirty[list.items[i].task->index] = false;
        if (next != USEC_INFINITY && e->expiry) {
                q = sd_event_source_set_time(e->expiry, (uint64_t)(next - e->config.clock->offset));
                if (q >= 0)
                        q = sd_event_source_set_enabled(e->expiry, SD_EVENT_ONESHOT);
        }
        return q < 0 ? q : 0;
}
