/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * All occurrences of all tracked tasks, with keys, folders and patterns filled in. Comes with core/instance.h.
 * Rules: docs/semantics.md, sections 2 and 6.
 */

#include "core/instance.h"
#include "core/lookup.h"
#include "core/placeholder.h"

struct instance_set {
        struct arena *arena;    /* owned; the model must outlive it */
        struct instance *items; /* order: task in natural order, then date, then unit */
        size_t n;
        struct lookup by_key; /* owned */
};

/**
 * instance_set_new() - every occurrence of every tracked task
 * @horizon: endless rules are expanded up to this date (planner_horizon())
 * @on_problem: called for two equal keys, a rule that yields nothing or too much, a deadline that can not be resolved, a bad
 *              placeholder; may be NULL
 *
 * Return: 0, -EINVAL after problems were reported (the set is then not built), -ENOMEM.
 */
typedef void (*instance_problem_fn)(void *userdata, const struct task *task, const char *text);
int instance_set_new(const struct model *model, date_t horizon, instance_problem_fn on_problem,
                     void *userdata, struct instance_set **ret);
struct instance_set *instance_set_free(struct instance_set *set);
/**
 * instance_set_rename() - give an instance another key than that of its date
 *
 * For whoever has the set before anybody reads keys. Return: 0 or -ENOMEM.
 */
int instance_set_rename(struct instance_set *set, size_t index, const char *key);
const struct instance *instance_set_find(const struct instance_set *set, const char *key);
