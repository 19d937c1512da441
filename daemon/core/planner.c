/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/planner.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "core/ahead.h"
#include "core/lookup.h"

/* Firings kept for ladders already resolved: 6 MB at most. */
#define KNOWN_FIRINGS_MAX (256 * 1024)
/* Days that are sure to hold a working day, for the worst calendar there is: one a week, and a long feast. */
#define DAYS_PER_WORKDAY 7
#define DAYS_OF_FEAST 60

/*
 * Instances with the same policy and dates have the same ladder, and most have: it is resolved once. When the room
 * is used up everything known is forgotten.
 */
struct known {
        struct climb climb;
        struct firing *firings; /* owned */
};

struct item {
        const struct history *history; /* borrowed; NULL: nothing known, nowhere */
        usec_t key;                    /* when to look again */
        uint32_t place;                /* in the heap, or in the list of what is due */
        bool due;                      /* in that list: found due and not recorded since */
        /* The ladder as last found: of a deadline as configured and an episode that began then. */
        uint32_t known, generation;
        usec_t began;
};

struct heap_entry {
        usec_t key; /* of the item, which it spares a look at */
        uint32_t index;
};

struct planner {
        const struct model *model;
        const struct instance_set *instances;
        struct item *items;      /* owned, one per instance */
        struct heap_entry *heap; /* owned, the earliest key first */
        size_t n_heap;
        uint32_t *due; /* owned; looked at in every pass, whatever their key is */
        size_t n_due;
        usec_t due_since; /* the last pass that left something there */
        struct known_list ARRAY(struct known) known;
        size_t n_known_firings;
        uint32_t generation; /* of the known ladders, from 1 */
        struct lookup by_base;
        struct firing *scratch; /* owned, room for the longest policy */
};

void plan_done(struct plan *plan) {
        for (size_t i = 0; i < plan->n_reminders; i++)
                free((void *)plan->reminders[i].superseded);
        free(plan->reminders);
        free(plan->ended);
        *plan = (struct plan){.next = USEC_INFINITY};
}

static int64_t rung_lead_days(const struct rung *rung) {
        int64_t count = rung->offset.count < 0 ? -(int64_t)rung->offset.count : 0;

        switch (rung->offset.unit) {
        case OFFSET_WORKING_DAYS:
                return count * DAYS_PER_WORKDAY;
        case OFFSET_WEEKS:
                return count * 7;
        case OFFSET_HOURS:
                return count / 24 + 1;
        case OFFSET_DAYS:
        case _OFFSET_UNIT_MAX:
                break;
        }
        return count;
}

date_t planner_horizon(const struct model *model, date_t until) {
        date_t last = date_from_ymd(DATE_MAX_YEAR, 12, 31);
        int64_t lead = 0;

        for (size_t i = 0; i < model->n_policies; i++)
                for (size_t k = 0; k < model->policies[i].n_rungs; k++) {
                        int64_t days = rung_lead_days(&model->policies[i].rungs[k]);

                        if (days > lead)
                                lead = days;
                }
        lead += DAYS_OF_FEAST;
        return until > last - lead ? last : (date_t)(until + lead);
}

/* The heap. */

static void heap_put(struct planner *p, size_t place, struct heap_entry entry) {
        p->heap[place] = entry;
        p->items[entry.index].place = (uint32_t)place;
}

static void heap_up(struct planner *p, size_t place) {
        struct heap_entry entry = p->heap[place];

        while (place > 0 && p->heap[(place - 1) / 2].key > entry.key) {
                heap_put(p, place, p->heap[(place - 1) / 2]);
                place = (place - 1) / 2;
        }
        heap_put(p, place, entry);
}

static void heap_down(struct planner *p, size_t place) {
        struct heap_entry entry = p->heap[place];

        for (;;) {
                size_t child = 2 * place + 1;

                if (child >= p->n_heap)
                        break;
                if (child + 1 < p->n_heap && p->heap[child + 1].key < p->heap[child].key)
                        child++;
                if (p->heap[child].key >= entry.key)
                        break;
                heap_put(p, place, p->heap[child]);
                place = child;
        }
        heap_put(p, place, entry);
}

static void heap_insert(struct planner *p, uint32_t index) {
        p->heap[p->n_heap++] = (struct heap_entry){p->items[index].key, index};
        heap_up(p, p->n_heap - 1);
}

static void heap_remove(struct planner *p, uint32_t index) {
        size_t place = p->items[index].place;
        struct heap_entry last = p->heap[--p->n_heap];

        if (last.index == index)
                return;
        p->heap[place] = last;
        heap_up(p, place);
        heap_down(p, p->items[last.index].place);
}

/* What is due keeps out of the heap, which it would leave as soon as it is recorded. */
static void due_insert(struct planner *p, uint32_t index) {
        p->items[index].due = true;
        p->items[index].place = (uint32_t)p->n_due;
        p->due[p->n_due++] = index;
}

static void due_remove(struct planner *p, uint32_t index) {
        uint32_t last = p->due[--p->n_due];

        p->items[index].due = false;
        p->due[p->items[index].place] = last;
        p->items[last].place = p->items[index].place;
}

static void item_insert(struct planner *p, uint32_t index, usec_t now) {
        if (p->items[index].key > now) {
                heap_insert(p, index);
                return;
        }
        p->due_since = now;
        due_insert(p, index);
}

static void item_remove(struct planner *p, uint32_t index) {
        if (p->items[index].due)
                due_remove(p, index);
        else
                heap_remove(p, index);
}

/* Ladders already resolved. */

static void forget_known(struct planner *p) {
        for (size_t i = 0; i < p->known.n; i++)
                free(p->known.items[i].firings);
        p->known.n = 0;
        p->n_known_firings = 0;
        p->generation++;
        lookup_clear(&p->by_base);
}

static uint64_t base_hash(const struct policy *policy, const struct ladder_base *base) {
        uint64_t hash = hash_number(HASH_SEED, (uintptr_t)policy);

        hash = hash_number(hash, (uint64_t)(uint32_t)base->effective << 32 | (uint32_t)base->base);
        hash = hash_number(hash, (uint64_t)(uint32_t)base->opens << 32 | (uint32_t)base->closes);
        return hash_number(hash, (uint64_t)base->deadline);
}

static bool base_equal(const struct ladder_base *a, const struct ladder_base *b) {
        return a->effective == b->effective && a->deadline == b->deadline && a->base == b->base &&
               a->opens == b->opens && a->closes == b->closes;
}

static int resolve_known(struct planner *p, const struct policy *policy,
                         const struct ladder_base *base, struct known *ret) {
        struct known known = {.climb = {.policy = policy, .base = *base}};

        known.climb.n = ladder_resolve(p->model->calendar, policy, base, p->scratch);
        known.firings = calloc(known.climb.n + 1, sizeof(*known.firings));
        if (!known.firings)
                return -ENOMEM;
        for (size_t i = 0; i < known.climb.n; i++)
                known.firings[i] = p->scratch[i];
        known.climb.firings = known.firings;
        *ret = known;
        return 0;
}

/* Return: the position of a ladder, LOOKUP_NONE when out of memory. */
static uint32_t find_known(struct planner *p, const struct instance *instance,
                           const struct history *history) {
        const struct policy *policy = instance->task->policy;
        struct ladder_base base = climb_base(p->model, instance, history);
        uint64_t hash = base_hash(policy, &base);
        struct known known;
        size_t cursor = 0;
        uint32_t i;

        while ((i = lookup_next(&p->by_base, hash, &cursor)) != LOOKUP_NONE) {
                const struct climb *climb = &p->known.items[i].climb;

                if (climb->policy == policy && base_equal(&climb->base, &base))
                        return i;
        }
        if (p->n_known_firings + policy->n_rungs > KNOWN_FIRINGS_MAX)
                forget_known(p);
        if (array_reserve(&p->known, 1) < 0 || resolve_known(p, policy, &base, &known) < 0)
                return LOOKUP_NONE;
        if (lookup_add(&p->by_base, hash, (uint32_t)p->known.n) < 0) {
                free(known.firings);
                return LOOKUP_NONE;
        }
        p->n_known_firings += known.climb.n;
        p->known.items[p->known.n++] = known;
        return (uint32_t)p->known.n - 1;
}

/* Return: the ladder, borrowed until the next call; NULL when there is none, or out of memory. */
static const struct climb *climb_known(struct planner *p, uint32_t index) {
        struct item *item = &p->items[index];
        const struct history *history = item->history;
        bool as_configured = history->extended_to == DATE_NONE && history->passed.instant == 0;

        /* The instance itself is not touched here: with many of them, that is what takes the time. */
        if (as_configured && item->generation == p->generation &&
            item->began == history->episode_began)
                return &p->known.items[item->known].climb;
        item->generation = 0;
        if (!instance_climbs(&p->instances->items[index]))
                return NULL;
        item->known = find_known(p, &p->instances->items[index], history);
        if (item->known == LOOKUP_NONE)
                return NULL;
        if (as_configured) {
                item->generation = p->generation;
                item->began = history->episode_began;
        }
        return &p->known.items[item->known].climb;
}

/* Looks at one instance and sets its key: now while something is due. Return: its ladder, or NULL. */
static const struct climb *look(struct planner *p, uint32_t index, usec_t now,
                                struct outlook *ret) {
        const struct instance *instance = &p->instances->items[index];
        struct item *item = &p->items[index];
        const struct climb *climb = climb_known(p, index);

        *ret = (struct outlook){.next = USEC_INFINITY};
        if (!climb) {
                /* Out of memory: planner_run() comes by again. */
                item->key = instance_climbs(instance) ? now : USEC_INFINITY;
                return NULL;
        }
        outlook_on(p->model, climb, instance, item->history, now, ret);
        item->key = ret->due || ret->ladder_ended ? now : ret->next;
        return climb;
}

static size_t longest_policy(const struct model *model) {
        size_t n = 1;

        for (size_t i = 0; i < model->n_tasks; i++) {
                const struct policy *policy = model->tasks[i].policy;

                if (policy && policy->n_rungs > n)
                        n = policy->n_rungs;
        }
        return n;
}

DEFINE_CLEANUP(struct planner *, planner_free)

struct planner *planner_new(const struct model *model, const struct instance_set *instances) {
        _cleanup_(planner_free_p) struct planner *p = calloc(1, sizeof(*p));

        if (!p || instances->n >= LOOKUP_NONE)
                return NULL;
        p->model = model;
        p->instances = instances;
        p->items = calloc(instances->n + 1, sizeof(*p->items));
        p->heap = calloc(instances->n + 1, sizeof(*p->heap));
        p->due = calloc(instances->n + 1, sizeof(*p->due));
        p->generation = 1;
        p->scratch = calloc(longest_policy(model), sizeof(*p->scratch));
        if (!p->items || !p->heap || !p->due || !p->scratch)
                return NULL;
        return steal_ptr(p);
}

struct planner *planner_free(struct planner *planner) {
        if (!planner)
                return NULL;
        forget_known(planner);
        array_done(&planner->known);
        lookup_done(&planner->by_base);
        free(planner->items);
        free(planner->heap);
        free(planner->due);
        free(planner->scratch);
        free(planner);
        return NULL;
}

void planner_update(struct planner *planner, size_t index, const struct history *history,
                    usec_t now) {
        struct item *item = &planner->items[index];
        bool known = item->history, waits = known && !item->due;
        usec_t before = item->key;
        struct outlook outlook;

        assert(index < planner->instances->n);
        item->history = history;
        if (history)
                (void)look(planner, (uint32_t)index, now, &outlook);
        /* As a rule nothing changed for it, and its place is right. */
        if (waits && history && item->key == before && before > now)
                return;
        if (known)
                item_remove(planner, (uint32_t)index);
        if (history)
                item_insert(planner, (uint32_t)index, now);
}

static usec_t heap_next(const struct planner *planner) {
        return planner->n_heap > 0 ? planner->heap[0].key : USEC_INFINITY;
}

usec_t planner_next(const struct planner *planner) {
        return planner->n_due > 0 ? planner->due_since : heap_next(planner);
}

/* A pass of planner_run(). */
struct pass {
        struct planner *planner;
        usec_t now;
        struct indices ARRAY(uint32_t) indices; /* taken out of the heap */
        struct reminders ARRAY(struct reminder) reminders;
        struct ended ARRAY(const struct instance *) ended;
};

static void pass_done(struct pass *pass) {
        /* Whatever happened, nobody falls out of the heap. */
        for (size_t i = 0; i < pass->indices.n; i++)
                item_insert(pass->planner, pass->indices.items[i], pass->now);
        for (size_t i = 0; i < pass->reminders.n; i++)
                free((void *)pass->reminders.items[i].superseded);
        array_done(&pass->indices);
        array_done(&pass->reminders);
        array_done(&pass->ended);
}

static int take_due(struct pass *pass) {
        struct planner *p = pass->planner;
        int r;

        while (p->n_due > 0 || heap_next(p) <= pass->now) {
                uint32_t index = p->n_due > 0 ? p->due[p->n_due - 1] : p->heap[0].index;

                r = array_push(&pass->indices, index);
                if (r < 0)
                        return r;
                item_remove(p, index);
        }
        return 0;
}

static void foresee(const struct pass *pass, size_t i) {
        const struct planner *p = pass->planner;

        if (i + 2 * LOOK_AHEAD < pass->indices.n)
                look_ahead(&p->items[pass->indices.items[i + 2 * LOOK_AHEAD]], sizeof(struct item));
        if (i + LOOK_AHEAD < pass->indices.n) {
                uint32_t index = pass->indices.items[i + LOOK_AHEAD];

                look_ahead(p->items[index].history, sizeof(struct history));
                look_ahead(&p->instances->items[index], sizeof(struct instance));
        }
}

static int compare_indices(const void *a, const void *b) {
        uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

        return (x > y) - (x < y);
}

static int run_one(struct pass *pass, uint32_t index, usec_t *next) {
        struct planner *p = pass->planner;
        const struct instance *instance = &p->instances->items[index];
        const struct history *history = p->items[index].history;
        const struct climb *climb;
        struct outlook outlook;
        int r = 0;

        climb = look(p, index, pass->now, &outlook);
        if (!climb && instance_climbs(instance))
                return -ENOMEM;
        if (outlook.next < *next)
                *next = outlook.next;
        if (outlook.due) {
                r = array_reserve(&pass->reminders, 1);
                if (r >= 0)
                        r = reminder_on(p->model, climb, instance, history, &outlook,
                                        &pass->reminders.items[pass->reminders.n]);
                if (r >= 0)
                        pass->reminders.n++;
        } else if (outlook.ladder_ended) {
                r = array_push(&pass->ended, instance);
        }
        return r;
}

int planner_run(struct planner *planner, usec_t now, struct plan *ret) {
        _cleanup_(pass_done) struct pass pass = {.planner = planner, .now = now};
        usec_t next;
        int r;

        r = take_due(&pass);
        if (r < 0)
                return r;
        if (pass.indices.n > 0)
                qsort(pass.indices.items, pass.indices.n, sizeof(*pass.indices.items),
                      compare_indices);
        next = heap_next(planner);
        for (size_t i = 0; i < pass.indices.n; i++) {
                foresee(&pass, i);
                r = run_one(&pass, pass.indices.items[i], &next);
                if (r < 0)
                        return r;
        }
        *ret = (struct plan){
                .reminders = steal_ptr(pass.reminders.items),
                .n_reminders = pass.reminders.n,
                .ended = steal_ptr(pass.ended.items),
                .n_ended = pass.ended.n,
                .next = next,
        };
        pass.reminders.n = 0;
        return 0;
}
