/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/instance-set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/strbuf.h"

struct builder {
        const struct model *model;
        struct arena *arena; /* of the set */
        date_t horizon;
        instance_problem_fn on_problem;
        void *userdata;
        bool failed;
        struct instances ARRAY(struct instance) items;
        struct patterns ARRAY(const struct pattern *) patterns; /* each text compiled once */
        struct texts ARRAY(const char *) texts;                 /* of the patterns */
        struct lookup by_text;
        date_t dates[RECURRENCE_MAX_DATES];
};

static struct builder *builder_free(struct builder *b) {
        if (!b)
                return NULL;
        array_done(&b->items);
        array_done(&b->patterns);
        array_done(&b->texts);
        lookup_done(&b->by_text);
        free(b);
        return NULL;
}

DEFINE_CLEANUP(struct builder *, builder_free)
DEFINE_CLEANUP(struct instance_set *, instance_set_free)

static int problem(struct builder *b, const struct task *task, const char *text) {
        b->failed = true;
        if (b->on_problem)
                b->on_problem(b->userdata, task, text);
        return 0;
}

static int compile(struct builder *b, const struct need *need, const char *text,
                   const struct pattern **ret, const char **ret_error) {
        uint64_t hash = hash_number(hash_string(HASH_SEED, text), need->fold);
        const struct pattern *pattern;
        size_t cursor = 0;
        uint32_t i;
        int r;

        while ((i = lookup_next(&b->by_text, hash, &cursor)) != LOOKUP_NONE)
                if (strcmp(b->texts.items[i], text) == 0 &&
                    pattern_is_fold(b->patterns.items[i]) == need->fold) {
                        *ret = b->patterns.items[i];
                        return 0;
                }
        r = pattern_compile(b->arena, text, need->fold, &pattern, ret_error);
        if (r < 0)
                return r;
        if (array_push(&b->patterns, pattern) < 0 || array_push(&b->texts, text) < 0 ||
            lookup_add(&b->by_text, hash, (uint32_t)b->patterns.n - 1) < 0)
                return -ENOMEM;
        *ret = pattern;
        return 0;
}

static const char *join(struct arena *arena, const char *const *items, size_t n) {
        _cleanup_(strbuf_done) struct strbuf text = STRBUF_INIT;

        for (size_t i = 0; i < n; i++)
                strbuf_addf(&text, "%s%s", i ? ", " : "", items[i]);
        return arena_strdup(arena, strbuf_str(&text));
}

static int make_requirement(struct builder *b, const struct instance *instance,
                            const struct need *need, struct requirement *ret) {
        const struct pattern **patterns =
                arena_new_array(b->arena, const struct pattern *, need->match.n);
        const char **texts = arena_new_array(b->arena, const char *, need->match.n);
        const struct task *task = instance->task;
        const char *error = NULL;

        for (size_t i = 0; i < need->match.n; i++) {
                const char *text = need->match.items[i];
                int r;

                texts[i] =
                        placeholders_expand_pattern(b->arena, text, task, instance->unit,
                                                    instance->has_deadline ? &instance->due : NULL);
                if (!texts[i])
                        return problem(b, task,
                                       arena_printf(b->arena,
                                                    "%s: pattern \"%s\" has a placeholder that is "
                                                    "unknown or has no value",
                                                    instance->key, text));
                r = compile(b, need, texts[i], &patterns[i], &error);
                if (r == -ENOMEM)
                        return r;
                if (r < 0)
                        return problem(b, task,
                                       arena_printf(b->arena, "%s: pattern \"%s\": %s",
                                                    instance->key, texts[i], error));
        }
        ret->need = need;
        ret->patterns = patterns;
        ret->n_patterns = need->match.n;
        ret->asked = join(b->arena, texts, need->match.n);
        ret->name = need->name && *need->name ? need->name : ret->asked;
        return 0;
}

static bool need_applies(const struct need *need, const char *label) {
        for (size_t i = 0; i < need->only.n; i++)
                if (label && strcmp(need->only.items[i], label) == 0)
                        return true;
        return need->only.n == 0;
}

static int make_requirements(struct builder *b, struct instance *instance) {
        const struct task *task = instance->task;
        struct requirement *list = arena_new_array(b->arena, struct requirement, task->n_needs);
        int r;

        for (size_t i = 0; i < task->n_needs; i++) {
                const struct need *need = &task->needs[i];

                if (!need_applies(need, instance->due.label))
                        continue;
                r = make_requirement(b, instance, need, &list[instance->n_requirements++]);
                if (r < 0)
                        return r;
                instance->n_slots += need->count;
        }
        instance->requirements = list;
        return 0;
}

/* "./a//b/" is "a/b". Return: NULL when the path leaves its root. */
static const char *normalise_dir(struct arena *arena, const char *dir) {
        char *out = arena_alloc(arena, strlen(dir) + 1), *end = out;

        if (*dir == '/')
                return NULL;
        while (*dir) {
                size_t n = strcspn(dir, "/");

                if (n == 2 && memcmp(dir, "..", n) == 0)
                        return NULL;
                if (n > 0 && !(n == 1 && *dir == '.')) {
                        if (end > out)
                                *end++ = '/';
                        memcpy(end, dir, n);
                        end += n;
                }
                dir += n + (dir[n] == '/');
        }
        *end = '\0';
        return out;
}

static int make_dir(struct builder *b, struct instance *instance) {
        const struct task *task = instance->task;
        const char *dir;

        if (!task->dir)
                return 0;
        dir = placeholders_expand(b->arena, task->dir, task, instance->unit,
                                  instance->has_deadline ? &instance->due : NULL);
        if (!dir)
                return problem(b, task,
                               arena_printf(b->arena,
                                            "%s: dir \"%s\" has a placeholder that is unknown or "
                                            "has no value",
                                            instance->key, task->dir));
        instance->dir = normalise_dir(b->arena, dir);
        if (!instance->dir)
                return problem(b, task,
                               arena_printf(b->arena, "%s: dir \"%s\" is not below a root",
                                            instance->key, dir));
        return 0;
}

static int make_title(struct builder *b, struct instance *instance) {
        const struct task *task = instance->task;
        const char *label = instance->due.label;

        instance->title = placeholders_expand(b->arena, task->title, task, instance->unit,
                                              instance->has_deadline ? &instance->due : NULL);
        if (!instance->title)
                return problem(b, task,
                               arena_printf(b->arena,
                                            "%s: title \"%s\" has a placeholder that is unknown or "
                                            "has no value",
                                            instance->key, task->title));
        if (label && !strstr(task->title, "{label}"))
                instance->title = arena_printf(b->arena, "%s (%s)", instance->title, label);
        return 0;
}

static const char *make_key(struct arena *arena, const struct instance *instance) {
        const char *id = instance->task->id;
        const char *unit = instance->task->n_each_unit > 0 ? instance->unit->id : "";
        const char *slash = *unit ? "/" : "";
        char date[DATE_BUFFER];

        if (!instance->has_deadline)
                return arena_printf(arena, "%s%s%s", id, slash, unit);
        return arena_printf(arena, "%s@%s%s%s", id, date_format(instance->due.date, date), slash,
                            unit);
}

static int add_instance(struct builder *b, const struct task *task, const struct unit *unit,
                        const struct due *due) {
        struct instance instance = {
                .task = task,
                .unit = unit,
                .has_deadline = due != NULL,
                .due = due ? *due : (struct due){.date = DATE_NONE, .time_of_day = -1},
        };
        int r;

        instance.key = make_key(b->arena, &instance);
        if (due && deadline_resolve(b->model->calendar, due, task->due_word, task->shift,
                                    &instance.deadline) < 0)
                return problem(b, task,
                               arena_printf(b->arena, "%s: no working day near this deadline",
                                            instance.key));
        r = make_title(b, &instance);
        if (r >= 0)
                r = make_dir(b, &instance);
        if (r >= 0)
                r = make_requirements(b, &instance);
        return r < 0 ? r : array_push(&b->items, instance);
}

static int add_occurrence(struct builder *b, const struct task *task, const struct due *due) {
        int r = 0;

        if (task->n_each_unit == 0)
                return add_instance(b, task, task->unit, due);
        for (size_t i = 0; i < task->n_each_unit && r >= 0; i++)
                r = add_instance(b, task, task->each_unit[i], due);
        return r;
}

/* An endless rule that starts beyond the horizon yields nothing yet, which is no mistake. */
static bool yields_later(const struct task *task, date_t until) {
        date_t date;

        return until < date_from_ymd(DATE_MAX_YEAR, 12, 31) &&
               recurrence_expand(task->repeat, task->dues[0].date,
                                 date_from_ymd(DATE_MAX_YEAR, 12, 31), &date, 1) != 0;
}

static int add_repeated(struct builder *b, const struct task *task) {
        date_t until = recurrence_is_endless(task->repeat) ? b->horizon
                                                           : date_from_ymd(DATE_MAX_YEAR, 12, 31);
        int n, r = 0;

        n = recurrence_expand(task->repeat, task->dues[0].date, until, b->dates,
                              RECURRENCE_MAX_DATES);
        if (n == -E2BIG)
                return problem(b, task,
                               arena_printf(b->arena, "repeat \"%s\" gives more than %d dates",
                                            recurrence_text(task->repeat), RECURRENCE_MAX_DATES));
        if (n == 0 && !yields_later(task, until))
                return problem(b, task,
                               arena_printf(b->arena, "repeat \"%s\" gives no date at all",
                                            recurrence_text(task->repeat)));
        for (int i = 0; i < n && r >= 0; i++) {
                struct due due = task->dues[0];

                due.date = b->dates[i];
                r = add_occurrence(b, task, &due);
        }
        return n < 0 ? n : r;
}

static int add_task(struct builder *b, const struct task *task) {
        int r = 0;

        if (task->n_dues == 0)
                return add_occurrence(b, task, NULL);
        if (task->repeat)
                return add_repeated(b, task);
        for (size_t i = 0; i < task->n_dues && r >= 0; i++)
                r = add_occurrence(b, task, &task->dues[i]);
        return r;
}

static int compare_instances(const void *a, const void *b) {
        const struct instance *x = a, *y = b;

        if (x->task->index != y->task->index)
                return x->task->index < y->task->index ? -1 : 1;
        if (x->due.date != y->due.date)
                return x->due.date < y->due.date ? -1 : 1;
        if (x->unit->index != y->unit->index)
                return x->unit->index < y->unit->index ? -1 : 1;
        return strcmp(x->key, y->key);
}

static int index_by_key(struct builder *b, struct instance_set *set) {
        for (size_t i = 0; i < set->n; i++) {
                const struct instance *instance = &set->items[i];

                if (instance_set_find(set, instance->key))
                        problem(b, instance->task,
                                arena_printf(b->arena, "there are two deadlines with the key %s",
                                             instance->key));
                else if (lookup_add(&set->by_key, hash_string(HASH_SEED, instance->key),
                                    (uint32_t)i) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int finish(struct builder *b, struct instance_set *set) {
        struct instance *items = arena_new_array(b->arena, struct instance, b->items.n);

        if (b->items.n > 0) {
                qsort(b->items.items, b->items.n, sizeof(*b->items.items), compare_instances);
                memcpy(items, b->items.items, sizeof(*items) * b->items.n);
        }
        for (size_t i = 0; i < b->items.n; i++)
                items[i].index = i;
        set->items = items;
        set->n = b->items.n;
        return index_by_key(b, set);
}

int instance_set_new(const struct model *model, date_t horizon, instance_problem_fn on_problem,
                     void *userdata, struct instance_set **ret) {
        _cleanup_(instance_set_free_p) struct instance_set *set = calloc(1, sizeof(*set));
        _cleanup_(builder_free_p) struct builder *b = calloc(1, sizeof(*b));
        int r;

        if (!set || !b)
                return -ENOMEM;
        set->arena = arena_new();
        if (!set->arena)
                return -ENOMEM;
        b->model = model;
        b->arena = set->arena;
        b->horizon = horizon;
        b->on_problem = on_problem;
        b->userdata = userdata;
        for (size_t i = 0; i < model->n_tasks; i++) {
                if (!model->tasks[i].tracked)
                        continue;
                r = add_task(b, &model->tasks[i]);
                if (r < 0)
                        return r;
        }
        r = finish(b, set);
        if (r < 0)
                return r;
        if (b->failed)
                return -EINVAL;
        *ret = steal_ptr(set);
        return 0;
}

struct instance_set *instance_set_free(struct instance_set *set) {
        if (!set)
                return NULL;
        lookup_done(&set->by_key);
        arena_free(set->arena);
        free(set);
        return NULL;
}

int instance_set_rename(struct instance_set *set, size_t index, const char *key) {
        /* The index keeps the old key too, which then compares unequal. */
        set->items[index].key = arena_strdup(set->arena, key);
        return lookup_add(&set->by_key, hash_string(HASH_SEED, key), (uint32_t)index);
}

const struct instance *instance_set_find(const struct instance_set *set, const char *key) {
        uint64_t hash = hash_string(HASH_SEED, key);
        size_t cursor = 0;
        uint32_t i;

        while ((i = lookup_next(&set->by_key, hash, &cursor)) != LOOKUP_NONE)
                if (strcmp(set->items[i].key, key) == 0)
                        return &set->items[i];
        return NULL;
}
