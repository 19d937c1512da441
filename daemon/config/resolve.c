/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/resolve.h"

#include <stdlib.h>
#include <string.h>

#include "base/strmap.h"
#include "base/text.h"
#include "config/builtin-policy.h"

struct names {
        struct strmap *areas, *units, *policies; /* id → struct area, unit, policy of the model */
        const struct unit *stand_in_unit;
        const struct area *stand_in_area;
};

static void names_done(struct names *names) {
        strmap_free(names->areas);
        strmap_free(names->units);
        strmap_free(names->policies);
}

/* Remembers that @id stands for @object; says so when it already stands for something else. */
static bool claim_id(struct reader *rd, struct strmap *map, const char *kind, const char *id,
                     struct source at, void *object, struct source (*place)(const void *object)) {
        const void *before = strmap_get(map, id);

        if (before) {
                struct source first = place(before);

                rd_error_at(rd, at,
                            "%s '%s' is given twice, first at %s:%u: remove one of the two or "
                            "choose another id",
                            kind, id, first.file, first.line);
                return false;
        }
        rd_check_oom(rd, strmap_put(map, id, object));
        return true;
}

#define NEAREST_ERRORS 200 /* after that many, nobody reads suggestions */
#define NEAREST_NAMES 1000 /* among more names, none is looked for */

/* Says that @id, which the task names, is no @kind; the nearest known one is offered. */
static void unknown_id(struct reader *rd, const struct task *task, const char *kind, const char *id,
                       const struct strmap *map) {
        const char **all, *name, *nearest = NULL;
        size_t cursor = 0, n = 0;

        if (rd->names_incomplete) /* it may be in a file that could not be read; that is reported already */
                return;
        all = calloc(strmap_size(map) + 1, sizeof(*all));
        if (all && strmap_size(map) <= NEAREST_NAMES && rd->findings->n_errors < NEAREST_ERRORS)
                while (strmap_next(map, &cursor, &name))
                        all[n++] = name;
        if (all)
                nearest = text_nearest(id, all, n);
        if (nearest)
                rd_error_at(rd, task->source, "task '%s': there is no %s '%s': did you mean '%s'?",
                            task->id, kind, id, nearest);
        else
                rd_error_at(rd, task->source,
                            "task '%s': there is no %s '%s': define it, or correct the id",
                            task->id, kind, id);
        free(all);
}

static struct source place_of_area(const void *object) {
        return ((const struct area *)object)->source;
}

static struct source place_of_unit(const void *object) {
        return ((const struct unit *)object)->source;
}

static struct source place_of_policy(const void *object) {
        return ((const struct policy_draft *)object)->source;
}

static struct source place_of_report(const void *object) {
        return ((const struct report_draft *)object)->report.source;
}

static void resolve_areas(struct reader *rd, struct names *names) {
        struct area *items = arena_new_array(rd->arena, struct area, rd->areas.n + 1);
        size_t n = 0;

        for (size_t i = 0; i < rd->areas.n; i++) {
                items[n] = rd->areas.items[i].area;
                n += claim_id(rd, names->areas, "area", items[n].id, items[n].source, &items[n],
                              place_of_area);
        }
        rd->m.areas = items;
        rd->m.n_areas = n;
}

static void resolve_units(struct reader *rd, struct names *names) {
        struct unit *items = arena_new_array(rd->arena, struct unit, rd->units.n + 1);
        size_t n = 0;

        for (size_t i = 0; i < rd->units.n; i++) {
                const struct unit_draft *draft = rd->units.items[i];
                struct unit *unit = &items[n];

                *unit = draft->unit;
                unit->index = n;
                unit->language = draft->language >= 0 ? (enum language)draft->language
                                                      : rd->m.organization.language;
                n += claim_id(rd, names->units, "unit", unit->id, unit->source, unit,
                              place_of_unit);
        }
        rd->m.units = items;
        rd->m.n_units = n;
}

static void resolve_roles(struct reader *rd) {
        struct role *items = arena_new_array(rd->arena, struct role, rd->roles.n);

        if (rd->roles.n > 0)
                memcpy(items, rd->roles.items, rd->roles.n * sizeof(*items));
        rd->m.roles = (struct role_list){.items = items, .n = rd->roles.n};
}

static void expand_policy(struct reader *rd, struct policy_draft *draft) {
        const struct step *step = NULL;
        const char *error = NULL;

        if (draft->bad || policy_expand(rd->arena, &draft->policy, &step, &error) >= 0)
                return;
        draft->bad = true;
        rd_error_at(rd, step ? (struct source){step->file, step->line} : draft->source,
                    "policy '%s': %s", draft->policy.id, error);
}

static void resolve_policies(struct reader *rd, struct names *names) {
        struct policy *items = arena_new_array(rd->arena, struct policy, rd->policies.n + 1);
        struct strmap *drafts = strmap_new();
        size_t n = 0;

        for (size_t i = 0; drafts && i < rd->policies.n; i++) {
                struct policy_draft *draft = rd->policies.items[i];

                if (!claim_id(rd, drafts, "policy", draft->policy.id, draft->source, draft,
                              place_of_policy))
                        continue;
                expand_policy(rd, draft);
                items[n] = draft->policy;
                rd_check_oom(rd, strmap_put(names->policies, items[n].id, &items[n]));
                n++;
        }
        if (!strmap_get(names->policies, BUILTIN_POLICY_ID)) {
                builtin_policy(rd->arena, &items[n]);
                rd_check_oom(rd, strmap_put(names->policies, BUILTIN_POLICY_ID, &items[n]));
                n++;
        }
        strmap_free(drafts);
        rd->m.policies = items;
        rd->m.n_policies = n;
}

static void resolve_reports(struct reader *rd) {
        struct report *items = arena_new_array(rd->arena, struct report, rd->reports.n);
        struct strmap *map = strmap_new();
        size_t n = 0;

        for (size_t i = 0; map && i < rd->reports.n; i++) {
                struct report_draft *draft = rd->reports.items[i];

                if (!claim_id(rd, map, "report", draft->report.id, draft->report.source, draft,
                              place_of_report) ||
                    !draft->report.repeat)
                        continue;
                items[n] = draft->report;
                if (items[n].at < 0)
                        items[n].at = rd->calendar.send_at;
                n++;
        }
        strmap_free(map);
        rd->m.reports = items;
        rd->m.n_reports = n;
}

/* Who stands in for tasks without a unit: those who keep the list of tasks. */
static const struct unit *stand_in_unit(struct reader *rd, struct names *names) {
        if (names->stand_in_unit)
                return names->stand_in_unit;

        struct unit *unit = (struct unit *)&rd->m.units[rd->m.n_units];
        bool vi = rd->m.organization.language == LANGUAGE_VI;
        const struct role *role = role_find(&rd->m.roles, "coordinator");

        if (!role || role->who.n == 0)
                role = role_find(&rd->m.roles, "administrator");
        *unit = (struct unit){
                .id = STAND_IN_ID,
                .name = vi ? "Chưa phân công" : "Not assigned",
                .mail = role ? role->who : (struct address_list){},
                .language = rd->m.organization.language,
                .source = role ? role->source : (struct source){},
                .index = rd->m.n_units++,
        };
        names->stand_in_unit = unit;
        return unit;
}

static const struct area *stand_in_area(struct reader *rd, struct names *names) {
        if (names->stand_in_area)
                return names->stand_in_area;

        struct area *area = (struct area *)&rd->m.areas[rd->m.n_areas++];
        bool vi = rd->m.organization.language == LANGUAGE_VI;

        *area = (struct area){.id = STAND_IN_ID, .title = vi ? "Khác" : "Other", .points = -1};
        names->stand_in_area = area;
        return area;
}

static const struct unit *const *find_units(struct reader *rd, const struct names *names,
                                            struct task_draft *draft, const struct string_list *ids,
                                            size_t *ret_n) {
        const struct unit **units = arena_new_array(rd->arena, const struct unit *, ids->n);
        size_t n = 0;

        for (size_t i = 0; i < ids->n; i++) {
                const struct unit *unit = strmap_get(names->units, ids->items[i]);

                if (!unit) {
                        unknown_id(rd, &draft->task, "unit", ids->items[i], names->units);
                        draft->bad = true;
                        continue;
                }
                for (size_t k = 0; k < n; k++)
                        if (units[k] == unit) {
                                rd_error_at(rd, draft->task.source,
                                            "task '%s': unit '%s' is listed twice: remove one of "
                                            "the two",
                                            draft->task.id, unit->id);
                                draft->bad = true;
                        }
                units[n++] = unit;
        }
        *ret_n = n;
        return units;
}

static void resolve_task_units(struct reader *rd, struct names *names, struct task_draft *draft) {
        struct task *task = &draft->task;

        if (draft->unit) {
                task->unit = strmap_get(names->units, draft->unit);
                if (!task->unit) {
                        unknown_id(rd, task, "unit", draft->unit, names->units);
                        draft->bad = true;
                }
        }
        task->each_unit = find_units(rd, names, draft, &draft->each_unit, &task->n_each_unit);
        task->co_units = find_units(rd, names, draft, &draft->co_units, &task->n_co_units);
        if (draft->unit && draft->each_unit.n > 0) {
                rd_error_at(rd, task->source,
                            "task '%s' has both 'unit' and 'each_unit': give the one that owes it, "
                            "or the "
                            "list of all that "
                            "owe a copy",
                            task->id);
                draft->bad = true;
        }
        if (task->n_each_unit > 0)
                task->unit = NULL;
        else if (!task->unit && task->tracked && !draft->bad)
                task->unit = stand_in_unit(rd, names);
}

static void resolve_task_area(struct reader *rd, struct names *names, struct task_draft *draft) {
        struct task *task = &draft->task;

        if (draft->area) {
                task->area = strmap_get(names->areas, draft->area);
                if (!task->area) {
                        unknown_id(rd, task, "area", draft->area, names->areas);
                        draft->bad = true;
                }
        }
        if (!task->area)
                task->area = stand_in_area(rd, names);
        if (task->area->unassigned)
                task->unassigned = true;
}

static void resolve_task_policy(struct reader *rd, const struct names *names,
                                struct task_draft *draft) {
        struct task *task = &draft->task;
        const char *id = draft->policy ? draft->policy : BUILTIN_POLICY_ID;

        task->policy = strmap_get(names->policies, id);
        if (!task->policy) {
                unknown_id(rd, task, "policy", id, names->policies);
                draft->bad = true;
        }
        if (!task->tracked || task->n_dues == 0)
                task->policy = NULL;
}

/* Labels that a need is limited to must be labels of the task: else nobody would ever owe it. */
static void check_only(struct reader *rd, struct task_draft *draft, const struct need *need) {
        for (size_t i = 0; i < need->only.n; i++) {
                size_t k = 0;

                while (k < draft->n_dues &&
                       !streq_ptr(draft->dues[k].due.label, need->only.items[i]))
                        k++;
                if (k < draft->n_dues)
                        continue;
                rd_error_at(rd, need->source,
                            "task '%s': no deadline has the label \"%s\" that 'only' names: "
                            "correct one "
                            "of the two",
                            draft->task.id, need->only.items[i]);
                draft->bad = true;
        }
}

static void resolve_task(struct reader *rd, struct names *names, struct task_draft *draft) {
        resolve_task_area(rd, names, draft);
        resolve_task_units(rd, names, draft);
        resolve_task_policy(rd, names, draft);
        for (size_t i = 0; i < draft->task.n_needs; i++)
                check_only(rd, draft, &draft->task.needs[i]);
}

/* Natural order of ids; equal ones in the order of the files. */
static int compare_tasks(const void *pa, const void *pb) {
        const struct task_draft *a = *(struct task_draft *const *)pa,
                                *b = *(struct task_draft *const *)pb;
        int r = text_natural_compare(a->task.id, b->task.id);

        return r != 0 ? r : (a->task.index > b->task.index) - (a->task.index < b->task.index);
}

static void sort_tasks(struct task_draft **tasks, size_t n) {
        for (size_t i = 0; i < n; i++)
                tasks[i]->task.index = i;
        for (size_t i = 1; i < n; i++) /* mostly they are written in order */
                if (compare_tasks(&tasks[i - 1], &tasks[i]) > 0) {
                        qsort(tasks, n, sizeof(*tasks), compare_tasks);
                        return;
                }
}

static bool is_repeated(struct reader *rd, const struct task *task, const struct task *before) {
        if (!before || strcmp(task->id, before->id) != 0)
                return false;
        rd_error_at(rd, task->source,
                    "task '%s' is given twice, first at %s:%u: remove one of the two or choose "
                    "another id",
                    task->id, before->source.file, before->source.line);
        return true;
}

static void resolve_tasks(struct reader *rd, struct names *names) {
        struct task *items = arena_new_array(rd->arena, struct task, rd->tasks.n);
        const struct task *before = NULL;
        size_t n = 0;

        for (size_t i = 0; i < rd->tasks.n; i++)
                resolve_task(rd, names, rd->tasks.items[i]);
        sort_tasks(rd->tasks.items, rd->tasks.n);
        for (size_t i = 0; i < rd->tasks.n; i++) {
                const struct task_draft *draft = rd->tasks.items[i];

                if (is_repeated(rd, &draft->task, before))
                        continue;
                before = &draft->task;
                if (draft->bad)
                        continue;
                items[n] = draft->task;
                items[n].index = n;
                n++;
        }
        rd->m.tasks = items;
        rd->m.n_tasks = n;
}

/* An area that states no points has those of its tasks. */
static void sum_areas(struct reader *rd) {
        int64_t *sums = calloc(rd->m.n_areas + 1, sizeof(*sums));

        if (!sums) {
                rd->findings->failed = true;
                return;
        }
        for (size_t i = 0; i < rd->m.n_tasks; i++)
                sums[rd->m.tasks[i].area - rd->m.areas] += rd->m.tasks[i].points;
        for (size_t i = 0; i < rd->m.n_areas; i++)
                if (rd->m.areas[i].points < 0)
                        ((struct area *)rd->m.areas)[i].points =
                                sums[i] > INT32_MAX ? INT32_MAX : (points_t)sums[i];
        free(sums);
}

static const struct day_range *copy_days(struct reader *rd, const struct range_array *days,
                                         size_t *ret_n) {
        struct day_range *items = arena_new_array(rd->arena, struct day_range, days->n);

        for (size_t i = 0; i < days->n; i++)
                items[i] = days->items[i].range;
        *ret_n = days->n;
        return items;
}

static void resolve_settings(struct reader *rd) {
        struct mail_server *servers = arena_new_array(rd->arena, struct mail_server, rd->servers.n);
        const char **ignore = arena_new_array(rd->arena, const char *, rd->ignore.n);

        rd->calendar.off = copy_days(rd, &rd->off, &rd->calendar.n_off);
        rd->calendar.work = copy_days(rd, &rd->work, &rd->calendar.n_work);
        rd->m.calendar = calendar_new(rd->arena, &rd->calendar);
        if (rd->servers.n > 0)
                memcpy(servers, rd->servers.items, rd->servers.n * sizeof(*servers));
        rd->m.mail.servers = servers;
        rd->m.mail.n_servers = rd->servers.n;
        for (size_t i = 0; i < rd->ignore.n; i++)
                ignore[i] = rd->ignore.items[i];
        rd->m.evidence.ignore = (struct string_list){.items = ignore, .n = rd->ignore.n};
        if (!rd->m.organization.short_name)
                rd->m.organization.short_name = rd->m.organization.name;
        if (!rd->m.organization.time_zone)
                rd->m.organization.time_zone = "UTC";
        if (rd->m.evidence.display.n == 0)
                rd->m.evidence.display = (struct string_list){
                        .items = arena_new_array(rd->arena, const char *, rd->m.evidence.roots.n),
                        .n = rd->m.evidence.roots.n,
                };
}

void resolve_model(struct reader *rd) {
        _cleanup_(names_done) struct names names = {
                .areas = strmap_new(),
                .units = strmap_new(),
                .policies = strmap_new(),
        };

        if (!names.areas || !names.units || !names.policies) {
                rd->findings->failed = true;
                return;
        }
        resolve_settings(rd);
        resolve_roles(rd);
        resolve_areas(rd, &names);
        resolve_units(rd, &names);
        resolve_policies(rd, &names);
        resolve_reports(rd);
        resolve_tasks(rd, &names);
        sum_areas(rd);
}
