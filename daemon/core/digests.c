/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/digests.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/zone.h"
#include "core/ahead.h"
#include "core/lookup.h"

/* What makes two mails of a kind one. */
enum merging { MERGE_TO, MERGE_UNIT, MERGE_ALL, MERGE_REPORT, MERGE_NEVER };

/* The table of section 5. Kinds of one family share a digest. */
static const struct routing {
        enum notice_kind family;
        enum merging merging;
        const char *to[2], *cc[1];
} routings[_NOTICE_KIND_MAX] = {
        [NOTICE_REMINDER] = {NOTICE_REMINDER, MERGE_TO, {}, {}},
        [NOTICE_RECEIVED] = {NOTICE_RECEIVED, MERGE_UNIT, {"unit"}, {}},
        [NOTICE_COMPLETE] = {NOTICE_RECEIVED, MERGE_UNIT, {"unit"}, {}},
        [NOTICE_REFUSED] = {NOTICE_RECEIVED, MERGE_UNIT, {"unit"}, {"coordinator"}},
        [NOTICE_REOPENED] = {NOTICE_REOPENED, MERGE_UNIT, {"unit"}, {"coordinator"}},
        [NOTICE_DEADLINE_CHANGED] = {NOTICE_DEADLINE_CHANGED, MERGE_TO, {"unit"}, {}},
        [NOTICE_CRITERIA_CHANGED] = {NOTICE_CRITERIA_CHANGED,
                                     MERGE_UNIT,
                                     {"unit", "coordinator"},
                                     {}},
        [NOTICE_LADDER_ENDED] = {NOTICE_LADDER_ENDED, MERGE_ALL, {"coordinator"}, {}},
        [NOTICE_UNASSIGNED] = {NOTICE_LADDER_ENDED, MERGE_ALL, {"coordinator"}, {}},
        [NOTICE_EXPLAINED] = {NOTICE_LADDER_ENDED, MERGE_ALL, {"coordinator"}, {}},
        [NOTICE_REPORT] = {NOTICE_REPORT, MERGE_REPORT, {}, {}},
        [NOTICE_UNDELIVERABLE] = {NOTICE_UNDELIVERABLE,
                                  MERGE_ALL,
                                  {"coordinator"},
                                  {"administrator"}},
        [NOTICE_TROUBLE] = {NOTICE_TROUBLE, MERGE_NEVER, {"administrator"}, {}},
        [NOTICE_TEST] = {NOTICE_TEST, MERGE_NEVER, {}, {}},
};

/* More working days than there are: what is settled comes after whatever is not. */
#define SETTLED (INT32_MAX / 2)

/* Who a notice goes to depends on these; NULL where they do not matter. */
struct source_key {
        enum notice_kind kind;
        const struct step *step;
        const struct unit *unit;
        const struct task *task;
        const struct report *report;
        const struct address_list *mailed;
};

/* Notices that are sure to have the same recipients: resolved once. */
struct group {
        struct source_key source;
        uint64_t serial; /* makes one that is not to be merged unique; else 0 */
        uint32_t digest;
        enum notice_class late; /* of a reminder whose deadline has passed */
};

/* Small, since a report sorts a hundred thousand of them. */
struct sort_key {
        const struct notice *notice;
        usec_t deadline;
        int32_t severity; /* working days overdue; below 0 in a report: filed and decided last */
        points_t points;
        uint32_t index;
        uint32_t digest;
};

struct address_unit {
        const char *key;
        const struct unit *unit;
};

struct building {
        const struct model *model;
        usec_t now;
        struct digest_list *list; /* of this call */
        struct groups ARRAY(struct group) groups;
        size_t last; /* of the groups: what was asked for last */
        struct lookup by_source, by_set;
        struct sort_key *keys; /* owned, one per line, as they come */
        size_t n_keys;
        struct address_units
                ARRAY(struct address_unit) mails; /* sorted by key; filled when first asked */
};

static void building_done(struct building *b) {
        array_done(&b->groups);
        lookup_done(&b->by_source);
        lookup_done(&b->by_set);
        array_done(&b->mails);
        free(b->keys);
}

void digest_done(struct digest *digest) {
        recipients_done(&digest->to);
        recipients_done(&digest->cc);
        array_done(&digest->items);
}

void digest_list_done(struct digest_list *list) {
        for (size_t i = 0; i < list->n; i++)
                digest_done(&list->items[i]);
        array_done(list);
}

static struct source_key key_of(const struct notice *notice) {
        struct source_key key = {
                .kind = notice->kind,
                .step = notice->rung ? notice->rung->step : NULL,
                .unit = notice->unit,
                .report = notice->report,
                .mailed = notice->mailed,
        };

        if (notice->rung && notice->rung->per_task && notice->instance)
                key.task = notice->instance->task;
        if (routings[notice->kind].merging == MERGE_ALL)
                key.unit = NULL;
        return key;
}

static uint64_t key_hash(const struct source_key *key, uint64_t serial) {
        uint64_t hash = hash_number(HASH_SEED, (uint64_t)key->kind ^ serial << 8);

        hash = hash_number(hash, (uintptr_t)key->step);
        hash = hash_number(hash, (uintptr_t)key->unit);
        hash = hash_number(hash, (uintptr_t)key->task);
        hash = hash_number(hash, (uintptr_t)key->report);
        return hash_number(hash, (uintptr_t)key->mailed);
}

static bool key_equal(const struct source_key *a, const struct source_key *b) {
        return a->kind == b->kind && a->step == b->step && a->unit == b->unit &&
               a->task == b->task && a->report == b->report && a->mailed == b->mailed;
}

static int resolve_list(const struct model *model, const struct string_list *roles,
                        const struct source_key *key, struct recipients *ret) {
        return recipients_resolve(model, roles->items, roles->n, key->unit, key->task, ret);
}

static int resolve_fixed(const struct model *model, const char *const *roles, size_t n,
                         const struct source_key *key, struct recipients *ret) {
        while (n > 0 && !roles[n - 1])
                n--;
        return recipients_resolve(model, roles, n, key->unit, key->task, ret);
}

static int resolve_roles(const struct model *model, const struct source_key *key,
                         struct recipients *to, struct recipients *cc) {
        const struct routing *routing = &routings[key->kind];
        struct string_list roles[2] = {};
        int r;

        if (key->step) {
                roles[0] = (struct string_list){key->step->to, key->step->n_to};
                roles[1] = (struct string_list){key->step->cc, key->step->n_cc};
        } else if (key->report) {
                roles[0] = key->report->to;
                roles[1] = key->report->cc;
        } else {
                r = resolve_fixed(model, routing->to, ELEMENTSOF(routing->to), key, to);
                return r < 0 ? r
                             : resolve_fixed(model, routing->cc, ELEMENTSOF(routing->cc), key, cc);
        }
        r = resolve_list(model, &roles[0], key, to);
        return r < 0 ? r : resolve_list(model, &roles[1], key, cc);
}

static int resolve_mailed(const struct model *model, const struct source_key *key,
                          struct recipients *to) {
        int r = 0;

        for (size_t i = 0; key->mailed && i < key->mailed->n && r >= 0; i++)
                if (model_address_allowed(model, &key->mailed->items[i]))
                        r = recipients_add(to, &key->mailed->items[i]);
        return r;
}

static void move(struct recipients *to, struct recipients *from) {
        *to = *from;
        *from = RECIPIENTS_INIT;
}

/* A mail to these recipients, whom it takes over. */
static int add_digest(struct building *b, const struct notice *notice, const struct unit *unit,
                      struct recipients *to, struct recipients *cc) {
        struct digest *digest;
        int r;

        r = array_push(b->list, (struct digest){
                                        .kind = notice->kind,
                                        .language = _LANGUAGE_MAX,
                                        .at = b->now,
                                        .report = notice->report,
                                        .unit = unit,
                                });
        if (r < 0)
                return r;
        digest = &b->list->items[b->list->n - 1];
        move(&digest->to, to);
        move(&digest->cc, cc);
        return 0;
}

/* The mail that these recipients belong to: the one with the same set, or a new one. */
static int digest_for(struct building *b, const struct notice *notice, uint64_t serial,
                      struct recipients *to, struct recipients *cc, uint32_t *ret) {
        const struct routing *routing = &routings[notice->kind];
        bool per_unit = routing->merging == MERGE_UNIT || routing->merging == MERGE_REPORT;
        bool by_to = routing->merging == MERGE_TO;
        const struct unit *unit = per_unit ? notice->unit : NULL;
        uint64_t hash = hash_number(HASH_SEED, (uint64_t)routing->family ^ serial << 8);
        size_t cursor = 0;
        uint32_t i;
        int r;

        hash = hash_number(hash, (uintptr_t)unit);
        hash = hash_number(hash, (uintptr_t)notice->report);
        for (size_t k = 0; by_to && k < to->n; k++)
                hash = hash_string(hash, to->items[k]->key);
        while ((i = lookup_next(&b->by_set, hash, &cursor)) != LOOKUP_NONE) {
                const struct digest *d = &b->list->items[i];

                if (routings[d->kind].family == routing->family && d->unit == unit &&
                    d->report == notice->report && serial == 0 &&
                    (!by_to || recipients_compare(&d->to, to) == 0))
                        break;
        }
        if (i == LOOKUP_NONE) {
                *ret = (uint32_t)b->list->n;
                r = add_digest(b, notice, unit, to, cc);
                return r < 0 ? r : lookup_add(&b->by_set, hash, *ret);
        }
        *ret = i;
        r = recipients_merge(&b->list->items[i].to, to);
        return r < 0 ? r : recipients_merge(&b->list->items[i].cc, cc);
}

static int add_group(struct building *b, const struct notice *notice, const struct source_key *key,
                     uint64_t serial) {
        _cleanup_(recipients_done) struct recipients to = RECIPIENTS_INIT, cc = RECIPIENTS_INIT;
        struct group group = {
                .source = *key,
                .serial = serial,
                .late = notice_class_late(b->model, notice),
        };
        int r;

        r = resolve_roles(b->model, key, &to, &cc);
        if (r >= 0)
                r = resolve_mailed(b->model, key, &to);
        if (r >= 0)
                r = digest_for(b, notice, serial, &to, &cc, &group.digest);
        return r < 0 ? r : array_push(&b->groups, group);
}

static bool is_group(const struct group *group, const struct source_key *key, uint64_t serial) {
        return group->serial == serial && key_equal(&group->source, key);
}

/* Return: borrowed until the next call; NULL when out of memory. */
static const struct group *group_for(struct building *b, const struct notice *notice,
                                     uint64_t serial) {
        struct source_key key = key_of(notice);
        size_t cursor = 0;
        uint64_t hash;
        uint32_t i;

        /* A report's lines all have the same. */
        if (b->groups.n > 0 && is_group(&b->groups.items[b->last], &key, serial))
                return &b->groups.items[b->last];
        hash = key_hash(&key, serial);
        while ((i = lookup_next(&b->by_source, hash, &cursor)) != LOOKUP_NONE) {
                if (is_group(&b->groups.items[i], &key, serial)) {
                        b->last = i;
                        return &b->groups.items[i];
                }
        }
        if (add_group(b, notice, &key, serial) < 0 ||
            lookup_add(&b->by_source, hash, (uint32_t)b->groups.n - 1) < 0)
                return NULL;
        b->last = b->groups.n - 1;
        return &b->groups.items[b->last];
}

static struct sort_key sort_key_of(const struct notice *notice, size_t digest) {
        const struct instance *instance = notice->instance;
        struct sort_key key = {
                .notice = notice,
                .deadline = USEC_INFINITY,
                .index = UINT32_MAX,
                .digest = (uint32_t)digest,
        };

        if (!instance)
                return key;
        key.index = (uint32_t)instance->index;
        key.points = instance->task->points;
        if (instance->has_deadline) {
                key.deadline = notice->deadline.instant;
                key.severity = notice->days_left < 0 ? -notice->days_left : 0;
        }
        if (notice->kind == NOTICE_REPORT && !state_is_open(notice->state))
                key.severity -= SETTLED;
        return key;
}

static int compare_sort_keys(const void *a, const void *b) {
        const struct sort_key *x = a, *y = b;

        if (x->severity != y->severity)
                return x->severity > y->severity ? -1 : 1;
        if (x->deadline != y->deadline)
                return x->deadline < y->deadline ? -1 : 1;
        if (x->points != y->points)
                return x->points > y->points ? -1 : 1;
        if (x->index != y->index)
                return x->index < y->index ? -1 : 1;
        /* Two on one instance, or on none: as they were given. */
        return (x->notice > y->notice) - (x->notice < y->notice);
}

static bool makes_line(const struct notice *notice) {
        return notice->kind != NOTICE_REPORT || notice->instance;
}

static void take_tone(struct building *b, const struct group *group, const struct notice *notice) {
        struct digest *digest = &b->list->items[group->digest];
        enum notice_class class = notice_class_on(notice, group->late, b->now);

        if (class > digest->class)
                digest->class = class;
        if (notice->kind != digest->kind)
                digest->kind = routings[notice->kind].merging == MERGE_ALL
                                       ? (notice->kind < digest->kind ? notice->kind : digest->kind)
                                       : routings[notice->kind].family;
}

/* Puts the keys of each digest together, in the order in which they came. Return: owned; where each digest's begin, and the end. */
static size_t *gather(const struct building *b, struct sort_key *ret) {
        size_t n = b->list->n, *start = calloc(n + 2, sizeof(*start));

        if (!start)
                return NULL;
        /* Counted one further on, and filled in one before: in the end start[i] is where i begins. */
        for (size_t i = 0; i < b->n_keys; i++)
                start[b->keys[i].digest + 2]++;
        for (size_t i = 2; i <= n; i++)
                start[i] += start[i - 1];
        for (size_t i = 0; i < b->n_keys; i++)
                ret[start[b->keys[i].digest + 1]++] = b->keys[i];
        return start;
}

static int fill(struct building *b) {
        _cleanup_free_ struct sort_key *keys = calloc(b->n_keys + 1, sizeof(*keys));
        _cleanup_free_ size_t *start = keys ? gather(b, keys) : NULL;
        int r;

        if (!start)
                return -ENOMEM;
        for (size_t i = 0; i < b->list->n; i++) {
                struct digest *digest = &b->list->items[i];
                size_t n = start[i + 1] - start[i];

                if (n == 0)
                        continue;
                qsort(&keys[start[i]], n, sizeof(*keys), compare_sort_keys);
                r = array_reserve(&digest->items, n);
                if (r < 0)
                        return r;
                for (size_t k = start[i]; k < start[i + 1]; k++)
                        digest->items.items[digest->items.n++] = *keys[k].notice;
        }
        return 0;
}

static int compare_address_units(const void *a, const void *b) {
        const struct address_unit *x = a, *y = b;
        int order = strcmp(x->key, y->key);

        return order != 0 ? order : (x->unit > y->unit) - (x->unit < y->unit);
}

static int index_mails(struct building *b) {
        for (size_t i = 0; i < b->model->n_units; i++)
                for (size_t k = 0; k < b->model->units[i].mail.n; k++) {
                        struct address_unit mail = {
                                .key = b->model->units[i].mail.items[k].key,
                                .unit = &b->model->units[i],
                        };

                        if (array_push(&b->mails, mail) < 0)
                                return -ENOMEM;
                }
        if (b->mails.n > 0)
                qsort(b->mails.items, b->mails.n, sizeof(*b->mails.items), compare_address_units);
        return 0;
}

static bool unit_is_in(const struct unit *unit, const struct recipients *to) {
        for (size_t i = 0; unit && i < unit->mail.n; i++)
                if (recipients_contain(to, &unit->mail.items[i]))
                        return true;
        return false;
}

/* The first unit, in the model's order, with a mail in To; NULL when there is none. */
static const struct unit *unit_behind(const struct building *b, const struct recipients *to) {
        const struct unit *found = NULL;

        for (size_t i = 0; i < to->n; i++) {
                size_t low = 0, high = b->mails.n;

                while (low < high) {
                        size_t middle = low + (high - low) / 2;

                        if (strcmp(b->mails.items[middle].key, to->items[i]->key) < 0)
                                low = middle + 1;
                        else
                                high = middle;
                }
                if (low < b->mails.n && strcmp(b->mails.items[low].key, to->items[i]->key) == 0 &&
                    (!found || b->mails.items[low].unit < found))
                        found = b->mails.items[low].unit;
        }
        return found;
}

/* The unit that a line is about comes before others whose mail is in To as well. */
static int choose_language(struct building *b, struct digest *digest) {
        const struct unit *unit = digest->unit;
        int r;

        for (size_t i = 0; i < digest->items.n && !unit_is_in(unit, &digest->to); i++)
                unit = digest->items.items[i].unit;
        if (!unit_is_in(unit, &digest->to)) {
                if (b->mails.n == 0) {
                        r = index_mails(b);
                        if (r < 0)
                                return r;
                }
                unit = unit_behind(b, &digest->to);
        }
        digest->language = unit ? unit->language : b->model->organization.language;
        return 0;
}

static int compare_digests(const void *a, const void *b, void *userdata) {
        const struct digest_list *list = userdata;
        size_t i = *(const size_t *)a, k = *(const size_t *)b;
        const struct digest *x = &list->items[i], *y = &list->items[k];
        int order;

        if (x->kind != y->kind)
                return x->kind < y->kind ? -1 : 1;
        order = recipients_compare(&x->to, &y->to);
        return order != 0 ? order : (i > k) - (i < k);
}

/* Hands the mails over in order of kind and To; equal ones as they came. */
static int hand_over(struct digest_list *list, struct digest_list *ret) {
        _cleanup_free_ size_t *order = calloc(list->n, sizeof(*order));
        int r;

        if (!order)
                return -ENOMEM;
        r = array_reserve(ret, list->n);
        if (r < 0)
                return r;
        for (size_t i = 0; i < list->n; i++)
                order[i] = i;
        qsort_r(order, list->n, sizeof(*order), compare_digests, list);
        for (size_t i = 0; i < list->n; i++)
                ret->items[ret->n++] = list->items[order[i]];
        list->n = 0; /* their contents are not ours any more */
        return 0;
}

static void foresee(const struct notice *notices, size_t i, size_t n) {
        if (i + 2 * LOOK_AHEAD < n && notices[i + 2 * LOOK_AHEAD].instance)
                look_ahead(notices[i + 2 * LOOK_AHEAD].instance, sizeof(struct instance));
        if (i + LOOK_AHEAD < n && notices[i + LOOK_AHEAD].instance)
                look_ahead(&notices[i + LOOK_AHEAD].instance->task->points, 1);
}

static int build(struct building *b, const struct notice *notices, size_t n) {
        int r;

        for (size_t i = 0; i < n; i++) {
                bool alone = routings[notices[i].kind].merging == MERGE_NEVER;
                const struct group *group = group_for(b, &notices[i], alone ? i + 1 : 0);

                if (!group)
                        return -ENOMEM;
                foresee(notices, i, n);
                if (!makes_line(&notices[i]))
                        continue;
                take_tone(b, group, &notices[i]);
                b->keys[b->n_keys++] = sort_key_of(&notices[i], group->digest);
        }
        r = fill(b);
        for (size_t i = 0; i < b->list->n && r >= 0; i++) {
                recipients_remove(&b->list->items[i].cc, &b->list->items[i].to);
                r = choose_language(b, &b->list->items[i]);
        }
        return r;
}

int digests_build(const struct model *model, const struct notice *notices, size_t n, usec_t now,
                  struct digest_list *ret) {
        _cleanup_(digest_list_done) struct digest_list list = {};
        _cleanup_(building_done) struct building b = {
                .model = model,
                .now = now,
                .list = &list,
        };
        int r;

        if (n == 0)
                return 0;
        b.keys = calloc(n, sizeof(*b.keys));
        if (!b.keys)
                return -ENOMEM;
        r = build(&b, notices, n);
        if (r < 0)
                return r;
        return hand_over(&list, ret);
}
