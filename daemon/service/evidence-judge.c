/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "service/events.h"
#include "service/evidence-internal.h"

/*
 * A pass: for each task that something happened to, judge its files, assign them, and compare with what stood. First all is
 * worked out, then, when that is safe, all is applied in one transaction.
 *
 * An assignment stands while its file does, so files that come can only fill slots that are free: where nothing was lost, it
 * is enough to judge what changed, and a pass costs as much as there is news. When a counted file went, a deadline moved or
 * something failed, all files of the task are weighed anew.
 */

/* What is received within this is judged together, however long looking into it takes: the earlier does not depend on the faster. */
#define TOGETHER_USEC (100 * USEC_PER_MSEC)

static void ruling_done(struct ruling *r) {
        free(r->instances);
        free(r->deadlines);
        array_done(&r->files);
        free(r->copies);
        free(r->slots);
        array_done(&r->kept);
        free(r->filled);
        free(r->have);
        free(r->filled_at);
        free(r->complete_at);
        free(r->explained_at);
        free(r->explanations);
        for (size_t i = 0; i < r->lost.n; i++)
                free(r->lost.items[i].was);
        array_done(&r->lost);
        free(r->leaning);
}

static void ruling_list_done(struct ruling_list *list) {
        for (size_t i = 0; i < list->n; i++)
                ruling_done(&list->items[i]);
        array_done(list);
}

/* ---- working it out ---- */

static int ruling_allocate(struct ruling *r) {
        size_t n = r->n_instances;

        r->instances = calloc(n + 1, sizeof(*r->instances));
        r->deadlines = calloc(n + 1, sizeof(*r->deadlines));
        r->filled = calloc(r->n_needs + 1, sizeof(*r->filled));
        r->have = calloc(r->n_needs + 1, sizeof(*r->have));
        r->filled_at = calloc(n + 1, sizeof(*r->filled_at));
        r->complete_at = calloc(n + 1, sizeof(*r->complete_at));
        r->explained_at = calloc(n + 1, sizeof(*r->explained_at));
        r->explanations = calloc(n + 1, sizeof(*r->explanations));
        r->leaning = calloc(n + 1, sizeof(*r->leaning));
        return r->instances && r->deadlines && r->filled && r->have && r->filled_at &&
                               r->complete_at && r->explained_at && r->explanations && r->leaning
                       ? 0
                       : -ENOMEM;
}

static int ruling_init(struct evidence *e, const struct task *task, struct ruling *ret) {
        const struct instance *items = e->config.tracks->instances->items;
        size_t first = e->task_first[task->index], n = e->task_first[task->index + 1] - first,
               need = e->first_need[first];
        int r;

        *ret = (struct ruling){.task = task,
                               .first = first,
                               .n_instances = n,
                               .n_needs = e->first_need[first + n] - need,
                               .all = e->task_all[task->index]};
        r = ruling_allocate(ret);
        if (r < 0)
                return r;
        for (size_t i = 0; i < n; i++) {
                ret->instances[i] = &items[first + i];
                ret->deadlines[i] =
                        instance_deadline(e->config.model->calendar, ret->instances[i],
                                          &evidence_track(e, ret->instances[i])->history);
                ret->all = ret->all || ret->deadlines[i].instant != e->deadlines[first + i];
        }
        if (ret->all)
                return 0;
        memcpy(ret->filled, e->filled + need, ret->n_needs * sizeof(*ret->filled));
        memcpy(ret->filled_at, e->filled_at + first, n * sizeof(*ret->filled_at));
        memcpy(ret->explained_at, e->explained_at + first, n * sizeof(*ret->explained_at));
        return 0;
}

/* Where a requirement stands in filled and have. */
static size_t need_at(const struct evidence *e, const struct ruling *r, size_t instance,
                      size_t requirement) {
        return e->first_need[r->first + instance] - e->first_need[r->first] + requirement;
}

static bool is_ours(const struct ruling *r, const struct evfile *f) {
        return f->instance != NOWHERE && f->instance >= r->first &&
               f->instance < r->first + r->n_instances;
}

/* The same content under another name or date is the same document: it was received when its predecessor was. */
static void inherit_received(struct evidence *e, const struct ruling *r, struct evfile *f) {
        struct evfile *before = NULL;

        if (e->task_absent[r->task->index].n == 0 || f->instance != NOWHERE || !f->file.settled)
                return;
        while ((before = content_next(e, f, before)))
                if (before->presence == EVFILE_MISSING && is_ours(r, before)) {
                        f->file.received_at = before->file.received_at;
                        f->file.as_dated = before->file.as_dated;
                        f->fresh_seen = false;
                        return;
                }
}

static int collect_one(struct evidence *e, struct ruling *r, struct evfile *f) {
        inherit_received(e, r, f);
        return array_push(&r->files, f);
}

/* All that lie in its folders but those that a later pass judges. */
static int collect_all(struct evidence *e, struct ruling *r) {
        const struct folder_list *folders = &e->task_folders[r->task->index];

        for (size_t i = 0; i < folders->n; i++)
                for (size_t k = 0; k < folders->items[i]->files.n; k++) {
                        struct evfile *f = folders->items[i]->files.items[k];

                        if (f->queued || f->changed_at != NOWHERE || evfile_is_nobodys(f))
                                continue;
                        if (collect_one(e, r, f) < 0)
                                return -ENOMEM;
                }
        return 0;
}

static int collect_files(struct evidence *e, struct ruling *r) {
        const struct evfile_list *changed = &e->task_changed[r->task->index];
        int q = r->all ? collect_all(e, r) : 0;

        for (size_t i = 0; !r->all && i < changed->n && q == 0; i++)
                q = collect_one(e, r, changed->items[i]);
        r->copies = calloc(r->files.n + 1, sizeof(*r->copies));
        if (!r->copies)
                return -ENOMEM;
        for (size_t i = 0; i < r->files.n; i++)
                r->copies[i] = r->files.items[i]->file;
        return q;
}

struct candidate_list ARRAY(struct candidate);

static void candidate_list_done(struct candidate_list *list) { array_done(list); }

/* No slot of the requirement is free for it: all are filled, or one by a file with its content (rule 8). */
static bool is_taken(const struct evidence *e, const struct ruling *r, const struct evfile *f,
                     size_t instance, size_t requirement) {
        const struct instance *in = r->instances[instance];
        const struct evfile *o = NULL;

        if (r->all)
                return false; /* then all are given out anew */
        if (r->filled[need_at(e, r, instance, requirement)] >=
            in->requirements[requirement].need->count)
                return true;
        while ((o = content_next(e, f, o)))
                if (o->presence == EVFILE_PRESENT && o->instance == in->index &&
                    o->requirement == requirement)
                        return true;
        return false;
}

static enum verdict name_verdict(const struct evfile *f, size_t need) {
        if (f->ignored)
                return VERDICT_IGNORED;
        if (f->bad_name)
                return VERDICT_BAD_NAME;
        return evfile_asked(f, need) ? VERDICT_COUNTED : VERDICT_NAME;
}

/* Nobody has looked into it: the question was lost with the root, say. */
static void ask_again(struct evidence *e, struct evfile *f) {
        f->verdict = VERDICT_UNSETTLED;
        if (e->roots[f->file.root].ok)
                evfile_queue_inspection(&e->roots[f->file.root], f);
}

/*
 * One file against one instance: candidates are added, and the furthest reason of refusal is kept for people.
 * Return: 1 it fits, 0 it does not, -errno.
 */
static int judge_pair(struct evidence *e, struct ruling *r, size_t file, size_t instance,
                      size_t need, struct candidate_list *ret) {
        const struct instance *in = r->instances[instance];
        struct evfile *f = r->files.items[file];
        int fits = 0;

        for (size_t q = 0; q < in->n_requirements; q++) {
                enum verdict v =
                        judge_named(e->config.model, &in->requirements[q], &r->deadlines[instance],
                                    &f->file, name_verdict(f, need + q));

                if (v != VERDICT_COUNTED) {
                        if (f->verdict == VERDICT_SURPLUS || v > f->verdict)
                                f->verdict = v;
                        continue;
                }
                if (!f->file.inspected) {
                        ask_again(e, f);
                        return 0;
                }
                fits = 1;
                if (!is_taken(e, r, f, instance, q) &&
                    array_push(ret, (struct candidate){file, instance, q}) < 0)
                        return -ENOMEM;
        }
        return fits;
}

static void judge_explaining(struct ruling *r, struct evfile *f, size_t instance) {
        if (!f->explanation || judge_explanation(&f->file) != VERDICT_COUNTED ||
            f->file.received_at < r->explained_at[instance])
                return;
        r->explained_at[instance] = f->file.received_at;
        r->explanations[instance] = f;
}

/* It fills a slot of another task that looks here, or is to after this pass. */
static bool is_anothers(const struct evidence *e, const struct ruling *r, const struct evfile *f) {
        if (is_ours(r, f))
                return false;
        return f->mark == e->claims ||
               (f->instance != NOWHERE && folder_covers(f->folder, f->instance));
}

/* One file against the instances of the task that look into its folder. */
static int judge_one(struct evidence *e, struct ruling *r, size_t file,
                     struct candidate_list *ret) {
        struct evfile *f = r->files.items[file];
        const struct folder *folder = f->folder;
        bool fits = false, anothers = is_anothers(e, r, f);

        if (!anothers)
                f->verdict = VERDICT_SURPLUS; /* nothing said yet */
        for (size_t i = folder_covering(folder, r->first); i < folder->covering.n; i++) {
                const struct cover *c = &folder->covering.items[i];
                int q;

                if (c->instance >= r->first + r->n_instances)
                        break;
                judge_explaining(r, f, c->instance - r->first);
                if (anothers)
                        continue;
                q = judge_pair(e, r, file, c->instance - r->first, c->need, ret);
                if (q < 0 || f->queued)
                        return q < 0 ? q : 0;
                fits = fits || q > 0;
        }
        if (fits)
                f->verdict = VERDICT_SURPLUS; /* unless it gets a slot */
        return 0;
}

static int judge_files(struct evidence *e, struct ruling *r, struct candidate_list *ret) {
        int q = 0;

        for (size_t i = 0; i < r->files.n && q == 0; i++)
                q = judge_one(e, r, i, ret);
        return q;
}

static int assign(struct ruling *r, const struct candidate_list *candidates) {
        _cleanup_free_ struct assignment *standing = calloc(r->files.n + 1, sizeof(*standing));
        size_t n = 0;

        if (!standing)
                return -ENOMEM;
        for (size_t i = 0; i < r->files.n; i++) {
                struct evfile *f = r->files.items[i];

                if (is_ours(r, f))
                        standing[n++] =
                                (struct assignment){i, f->instance - r->first, f->requirement};
        }
        return assign_files(r->instances, r->n_instances, r->copies, r->files.n, candidates->items,
                            candidates->n, standing, n, r->all ? NULL : r->filled, &r->slots,
                            &r->n_slots);
}

static void fill_slots(const struct evidence *e, struct ruling *r) {
        for (size_t i = 0; i < r->n_slots; i++) {
                const struct assignment *a = &r->slots[i];
                usec_t received = r->copies[a->file].received_at;

                r->files.items[a->file]->mark =
                        e->claims; /* the tasks that follow leave it alone */
                r->filled[need_at(e, r, a->instance, a->requirement)]++;
                if (received > r->filled_at[a->instance])
                        r->filled_at[a->instance] = received;
        }
        memcpy(r->have, r->filled, r->n_needs * sizeof(*r->have));
        memcpy(r->complete_at, r->filled_at, r->n_instances * sizeof(*r->complete_at));
}

/* Absent files hold their slot while their time runs, where no present file fills it. */
static int keep_absent(struct evidence *e, struct ruling *r, usec_t now) {
        const struct evfile_list *absent = &e->task_absent[r->task->index];

        for (size_t i = 0; i < absent->n; i++) {
                struct evfile *f = absent->items[i];
                size_t k = f->instance - r->first;
                uint32_t *have = &r->have[need_at(e, r, k, f->requirement)];

                if (absent_is_gone(e, f, now))
                        continue;
                if (*have >= r->instances[k]->requirements[f->requirement].need->count)
                        continue;
                ++*have;
                if (f->file.received_at > r->complete_at[k])
                        r->complete_at[k] = f->file.received_at;
                if (f->presence == EVFILE_MISSING)
                        r->leaning[k] = true;
                if (array_push(&r->kept, f) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static bool is_full(const struct evidence *e, const struct ruling *r, size_t k) {
        const struct instance *in = r->instances[k];

        for (size_t q = 0; q < in->n_requirements; q++)
                if (r->have[need_at(e, r, k, q)] < in->requirements[q].need->count)
                        return false;
        return in->n_requirements > 0;
}

static void conclude(struct evidence *e, struct ruling *r) {
        for (size_t k = 0; k < r->n_instances; k++) {
                bool full = is_full(e, r, k),
                     was = evidence_track(e, r->instances[k])->history.complete_at != 0;

                if (!full)
                        r->complete_at[k] = 0;
                r->n_reopen += was && !full;
                r->n_reopen_soon += was && full && r->leaning[k];
        }
}

static int rule(struct evidence *e, const struct task *task, usec_t now, struct ruling *r) {
        _cleanup_(candidate_list_done) struct candidate_list candidates = {};
        int q = ruling_init(e, task, r);

        if (q == 0)
                q = collect_files(e, r);
        if (q == 0)
                q = judge_files(e, r, &candidates);
        if (q == 0)
                q = assign(r, &candidates);
        if (q < 0)
                return q;
        fill_slots(e, r);
        q = keep_absent(e, r, now);
        conclude(e, r);
        return q;
}

/* ---- the pass ---- */

/* One that was received before all that is still being looked into. */
static bool is_ready(const struct evidence *e, const struct evfile *f) {
        return !f->queued &&
               usec_add(f->file.received_at, TOGETHER_USEC) <= e->roots[f->file.root].waits_from;
}

static void hand_out_one(struct evidence *e, struct evfile *f) {
        const struct task *task;
        size_t cursor = 0;

        f->changed_at = NOWHERE;
        while ((task = folder_next_task(e, f->folder, &cursor)))
                if (array_push(&e->task_changed[task->index], f) < 0)
                        e->task_all[task->index] = true;
}

/* What changed goes to the tasks that look where it lies; what is to wait stays. */
static void hand_out(struct evidence *e) {
        size_t n = 0;

        for (size_t i = 0; i < e->n_roots; i++)
                e->roots[i].waits_from = inspections_under_way(&e->roots[i]);
        for (size_t i = 0; i < e->changed.n; i++) {
                struct evfile *f = e->changed.items[i];

                if (f && is_ready(e, f)) {
                        hand_out_one(e, f);
                } else if (f) {
                        f->changed_at = (uint32_t)n;
                        e->changed.items[n++] = f;
                }
        }
        e->changed.n = n;
        if (n == 0)
                array_done(&e->changed);
}

/* Nothing is handed out any more. What was not judged to its end is judged with all of its task the next time. */
static void take_back(struct evidence *e, bool failed) {
        for (size_t t = 0; t < e->config.model->n_tasks; t++) {
                e->task_all[t] = e->task_all[t] || (failed && e->task_changed[t].n > 0);
                array_done(&e->task_changed[t]);
        }
}

static int work_out(struct evidence *e, usec_t now, struct ruling_list *ret) {
        e->claims = ++e->mark;
        for (size_t t = 0; t < e->config.model->n_tasks; t++) {
                const struct task *task = &e->config.model->tasks[t];
                struct ruling r = {};
                int q;

                if (!task->tracked || (!e->task_all[t] && e->task_changed[t].n == 0))
                        continue;
                q = rule(e, task, now, &r);
                if (q == 0)
                        q = array_push(ret, r);
                if (q < 0) {
                        ruling_done(&r);
                        return q;
                }
        }
        return 0;
}

static int apply_all(struct evidence *e, struct ruling_list *list, usec_t now) {
        int q = store_begin(e->config.store);

        for (size_t i = 0; i < list->n && q == 0; i++)
                q = ruling_apply_strays(e, &list->items[i]);
        for (size_t i = 0; i < list->n && q == 0; i++)
                q = ruling_apply(e, &list->items[i], now);
        if (q == 0)
                q = absent_sweep(e, now);
        if (q == 0 && e->n_pending == 0) {
                q = others_look(e);
                e->any_dirty = e->any_dirty || q == 0;
                q = q < 0 ? q : 0;
        }
        if (q == 0)
                q = tracks_save(e->config.tracks);
        if (q == 0)
                q = store_commit(e->config.store);
        if (q < 0)
                store_rollback(e->config.store);
        return q;
}

/* More than a person would take away: tasks in which something reopens wait for a word, the others go on. */
static void hold_reopening(struct evidence *e, struct ruling_list *list) {
        size_t n_reopen = 0, n_soon = 0, n = 0;

        for (size_t i = 0; i < list->n; i++) {
                n_reopen += list->items[i].n_reopen;
                n_soon += list->items[i].n_reopen_soon;
        }
        if (!e->config.confirm_reopen || n_reopen == 0 || e->confirmed ||
            n_reopen + n_soon <= EVIDENCE_REOPEN_MAX) {
                e->confirmed = e->confirmed && n_soon > 0;
                e->n_held = 0;
                return;
        }
        if (e->n_held != n_reopen + n_soon)
                log_event(LOG_WARNING, EVENT_CONFIRM_NEEDED, NULL,
                          "%zu instances would reopen at once; nothing is reopened until "
                          "'evidencectl confirm'",
                          n_reopen + n_soon);
        e->n_held = n_reopen + n_soon;
        for (size_t i = 0; i < list->n; i++)
                if (list->items[i].n_reopen > 0) {
                        e->task_all[list->items[i].task->index] = true;
                        ruling_done(&list->items[i]);
                } else
                        list->items[n++] = list->items[i];
        list->n = n;
}

static int pass(struct evidence *e, usec_t now) {
        _cleanup_(ruling_list_done) struct ruling_list list = {};
        int q = work_out(e, now, &list);

        if (q < 0)
                return q;
        hold_reopening(e, &list);
        q = apply_all(e, &list, now);
        for (size_t i = 0; i < list.n; i++) {
                if (q == 0)
                        ruling_applied(e, &list.items[i]);
                e->task_all[list.items[i].task->index] = q < 0;
        }
        return q;
}

int evidence_pass(struct evidence *e) {
        usec_t now = evidence_now(e), next;
        int q;

        absent_gather(e, now);
        hand_out(e);
        q = pass(e, now);
        take_back(e, q < 0);
        if (q < 0)
                return q;
        next = explanations_expire(e);
        next = e->absent_due < next ? e->absent_due : next;
        if (next != USEC_INFINITY && e->expiry) {
                q = sd_event_source_set_time(e->expiry, (uint64_t)(next - e->config.clock->offset));
                if (q >= 0)
                        q = sd_event_source_set_enabled(e->expiry, SD_EVENT_ONESHOT);
        }
        return q < 0 ? q : 0;
}
