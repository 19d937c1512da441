/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "base/zone.h"
#include "service/events.h"
#include "service/evidence-internal.h"

/*
 * A pass: for each task that something happened to, judge its files, assign them, and compare with what stood. First all is
 * worked out, then, when that is safe, all is applied in one transaction.
 */

static void ruling_done(struct ruling *r) {
        free(r->instances);
        free(r->deadlines);
        array_done(&r->files);
        free(r->copies);
        free(r->slots);
        array_done(&r->kept);
        free(r->base);
        free(r->have);
        free(r->complete_at);
        free(r->explained);
        free(r->leaning);
}

static void ruling_list_done(struct ruling_list *list) {
        for (size_t i = 0; i < list->n; i++)
                ruling_done(&list->items[i]);
        array_done(list);
}

/* ---- working it out ---- */

static int ruling_init(struct evidence *e, const struct task *task, struct ruling *ret) {
        const struct instance *items = e->config.tracks->instances->items;
        size_t first = e->task_first[task->index], n = e->task_first[task->index + 1] - first,
               total = 0;

        *ret = (struct ruling){.task = task, .first = first, .n_instances = n};
        ret->instances = calloc(n + 1, sizeof(*ret->instances));
        ret->deadlines = calloc(n + 1, sizeof(*ret->deadlines));
        ret->base = calloc(n + 1, sizeof(*ret->base));
        ret->complete_at = calloc(n + 1, sizeof(*ret->complete_at));
        ret->explained = calloc(n + 1, sizeof(*ret->explained));
        ret->leaning = calloc(n + 1, sizeof(*ret->leaning));
        if (!ret->leaning || !ret->instances || !ret->deadlines || !ret->base ||
            !ret->complete_at || !ret->explained)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                ret->instances[i] = &items[first + i];
                ret->deadlines[i] =
                        instance_deadline(e->config.model->calendar, ret->instances[i],
                                          &evidence_track(e, ret->instances[i])->history);
                ret->base[i] = total;
                total += items[first + i].n_requirements;
        }
        ret->have = calloc(total + 1, sizeof(*ret->have));
        return ret->have ? 0 : -ENOMEM;
}

/* The same content under another name or date is the same document: it was received when its predecessor was. */
static void inherit_received(struct evidence *e, const struct ruling *r, struct evfile *f) {
        const struct evfile *before;
        char hex[SHA256_HEX];

        if (e->task_absent[r->task->index].n == 0 || !f->file.inspected || f->instance != SIZE_MAX)
                return;
        before = strmap_get(e->contents, hex_encode(f->file.sha256, SHA256_SIZE, hex));
        if (!before || before == f || before->presence != EVFILE_MISSING ||
            before->instance == SIZE_MAX || before->instance < r->first ||
            before->instance >= r->first + r->n_instances)
                return;
        f->file.received_at = before->file.received_at;
        f->file.as_dated = before->file.as_dated;
        f->fresh_seen = false;
}

static int collect_files(struct evidence *e, struct ruling *r) {
        const struct folder_list *folders = &e->task_folders[r->task->index];

        for (size_t i = 0; i < folders->n; i++)
                for (size_t k = 0; k < folders->items[i]->files.n; k++) {
                        struct evfile *f = folders->items[i]->files.items[k];
                        int q;

                        inherit_received(e, r, f);
                        f->scratch = r->files.n;
                        q = array_push(&r->files, f);
                        if (q < 0)
                                return q;
                }
        r->copies = calloc(r->files.n + 1, sizeof(*r->copies));
        if (!r->copies)
                return -ENOMEM;
        for (size_t i = 0; i < r->files.n; i++)
                r->copies[i] = r->files.items[i]->file;
        return 0;
}

struct candidate_list ARRAY(struct candidate);

static void candidate_list_done(struct candidate_list *list) { array_done(list); }

/* The first of the instances from @first on: they stand in ascending order. */
static size_t covering_begin(const struct index_list *covering, size_t first) {
        size_t low = 0, high = covering->n;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (covering->items[middle] < first)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

/* One file against one instance: candidates are added, and the furthest reason of refusal is kept for people. */
static int judge_pair(struct evidence *e, struct ruling *r, size_t file, size_t instance,
                      struct candidate_list *ret) {
        const struct instance *in = r->instances[instance];
        struct evfile *f = r->files.items[file];

        for (size_t q = 0; q < in->n_requirements; q++) {
                enum verdict v =
                        judge_file(e->config.model, e->rules, &f->name, &in->requirements[q],
                                   &r->deadlines[instance], &f->file);

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
                if (array_push(ret, (struct candidate){file, instance, q}) < 0)
                        return -ENOMEM;
        }
        return 0;
}

/* One file against the instances of the task that look into its folder. */
static int judge_one(struct evidence *e, struct ruling *r, size_t file,
                     struct candidate_list *ret) {
        struct evfile *f = r->files.items[file];
        const struct index_list *covering = &f->folder->covering;
        size_t before = ret->n;

        f->verdict = VERDICT_SURPLUS; /* nothing said yet */
        for (size_t i = covering_begin(covering, r->first);
             i < covering->n && covering->items[i] < r->first + r->n_instances; i++) {
                size_t k = covering->items[i] - r->first;
                int q;

                if (f->explanation &&
                    judge_explanation(e->rules, &f->name, &f->file) == VERDICT_COUNTED)
                        r->explained[k] = true;
                q = judge_pair(e, r, file, k, ret);
                if (q < 0 || r->wait)
                        return q;
        }
        if (ret->n > before)
                f->verdict = VERDICT_SURPLUS; /* unless it gets a slot */
        return 0;
}

static int judge_files(struct evidence *e, struct ruling *r, struct candidate_list *ret) {
        int q = 0;

        for (size_t i = 0; i < r->files.n && q == 0 && !r->wait; i++)
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

                if (f->instance != SIZE_MAX && f->instance >= r->first &&
                    f->instance < r->first + r->n_instances)
                        standing[n++] =
                                (struct assignment){i, f->instance - r->first, f->requirement};
        }
        return assign_files(r->instances, r->n_instances, r->copies, r->files.n, candidates->items,
                            candidates->n, standing, n, &r->slots, &r->n_slots);
}

uint32_t *ruling_have(struct ruling *r, size_t instance, size_t requirement) {
        return &r->have[r->base[instance] + requirement];
}

/* Absence proves something only in a root that is there. */
static bool is_gone(const struct evidence *e, const struct evfile *f, usec_t now) {
        return f->presence == EVFILE_MISSING && e->roots[f->file.root].ok &&
               now >= f->gone_since + e->config.model->evidence.gone_after;
}

/* Absent files hold their slot while their time runs, where no present file fills it. */
static int keep_absent(struct evidence *e, struct ruling *r, usec_t now) {
        const struct evfile_list *absent = &e->task_absent[r->task->index];

        for (size_t i = 0; i < absent->n; i++) {
                struct evfile *f = absent->items[i];
                size_t k = f->instance - r->first;
                uint32_t *have = ruling_have(r, k, f->requirement);

                if (is_gone(e, f, now))
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

static bool is_full(struct ruling *r, size_t k) {
        for (size_t q = 0; q < r->instances[k]->n_requirements; q++)
                if (*ruling_have(r, k, q) < r->instances[k]->requirements[q].need->count)
                        return false;
        return r->instances[k]->n_requirements > 0;
}

static int rule(struct evidence *e, const struct task *task, usec_t now, struct ruling *r) {
        _cleanup_(candidate_list_done) struct candidate_list candidates = {};
        int q = ruling_init(e, task, r);

        if (q == 0)
                q = collect_files(e, r);
        if (q == 0 && !r->wait)
                q = judge_files(e, r, &candidates);
        if (q < 0 || r->wait)
                return q;
        q = assign(r, &candidates);
        if (q < 0)
                return q;
        for (size_t i = 0; i < r->n_slots; i++) {
                const struct assignment *a = &r->slots[i];
                usec_t received = r->files.items[a->file]->file.received_at;

                ++*ruling_have(r, a->instance, a->requirement);
                if (received > r->complete_at[a->instance])
                        r->complete_at[a->instance] = received;
        }
        q = keep_absent(e, r, now);
        for (size_t k = 0; k < r->n_instances; k++) {
                bool full = is_full(r, k),
                     was = evidence_track(e, r->instances[k])->history.complete_at != 0;

                if (!full)
                        r->complete_at[k] = 0;
                r->n_reopen += was && !full;
                r->n_reopen_soon += was && full && r->leaning[k];
        }
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
                absent_remove(e, f);
                evfile_free(e, f);
        }
        return 0;
}

/* What a share loses does not expire at one instant: when the first is gone for good, all that is missing is looked at. */
static void gather_missing(struct evidence *e, usec_t now) {
        bool due = false;

        for (size_t i = 0; i < e->absent.n && !due; i++)
                due = e->absent.items[i]->instance != SIZE_MAX &&
                      is_gone(e, e->absent.items[i], now);
        for (size_t t = 0; due && t < e->config.model->n_tasks; t++)
                e->task_dirty[t] = e->task_dirty[t] || e->task_absent[t].n > 0;
}

static int work_out(struct evidence *e, usec_t now, struct ruling_list *ret) {
        for (size_t t = 0; t < e->config.model->n_tasks; t++) {
                const struct task *task = &e->config.model->tasks[t];
                struct ruling r = {};
                int q;

                if (!e->task_dirty[t] || !task->tracked || e->task_waiting[t] > 0)
                        continue;
                q = rule(e, task, now, &r);
                if (q == 0 && !r.wait)
                        q = array_push(ret, r);
                else
                        ruling_done(&r);
                if (q < 0)
                        return q;
        }
        return 0;
}

static int apply_all(struct evidence *e, struct ruling_list *list, usec_t now, usec_t *ret_next) {
        int q = store_begin(e->config.store);

        for (size_t i = 0; i < list->n && q == 0; i++)
                q = ruling_apply(e, &list->items[i], now);
        if (q == 0)
                q = sweep_absent(e, now, ret_next);
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
                if (list->items[i].n_reopen > 0)
                        ruling_done(&list->items[i]);
                else
                        list->items[n++] = list->items[i];
        list->n = n;
}

int evidence_pass(struct evidence *e) {
        _cleanup_(ruling_list_done) struct ruling_list list = {};
        usec_t now = evidence_now(e), next = USEC_INFINITY;
        int q;

        gather_missing(e, now);
        q = work_out(e, now, &list);
        if (q < 0)
                return q;
        hold_reopening(e, &list);
        q = apply_all(e, &list, now, &next);
        if (q < 0)
                return q;
        for (size_t i = 0; i < list.n; i++)
                e->task_dirty[list.items[i].task->index] = false;
        if (explanations_expire(e) < next)
                next = explanations_expire(e);
        if (next != USEC_INFINITY && e->expiry) {
                q = sd_event_source_set_time(e->expiry, (uint64_t)(next - e->config.clock->offset));
                if (q >= 0)
                        q = sd_event_source_set_enabled(e->expiry, SD_EVENT_ONESHOT);
        }
        return q < 0 ? q : 0;
}
