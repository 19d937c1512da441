/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Sets of addresses, and who stands behind the names of roles. Pure. Rules: docs/semantics.md, section 5.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/array.h"
#include "core/model.h"

/* Sorted by key, each address once. Items borrowed from the model. */
struct recipients ARRAY(const struct address *);

#define RECIPIENTS_INIT                                                                            \
        (struct recipients) {}

void recipients_done(struct recipients *set);
int recipients_add(struct recipients *set, const struct address *address); /* 0 or -ENOMEM */
int recipients_merge(struct recipients *set, const struct recipients *more);
void recipients_remove(struct recipients *set, const struct recipients *those);
bool recipients_contain(const struct recipients *set, const struct address *address);
/** recipients_compare() - the order of their sorted keys; 0: the same addresses */
int recipients_compare(const struct recipients *a, const struct recipients *b);

/**
 * recipients_resolve() - roles of one instance to addresses
 * @roles:    role names of a step, a report or the table of notices
 * @unit, @task: whose roles; either may be NULL
 * @ret:      added to, sorted, unique
 *
 * Each role: unit, owner, co_units, else looked up in the unit's roles, then the organisation's; the fence applied;
 * an empty one falls back to coordinator, then administrator. Return: 0 or -ENOMEM; never leaves @ret empty when the model
 * has any administrator (the check makes sure that it has) and a role was asked for.
 */
int recipients_resolve(const struct model *model, const char *const *roles, size_t n_roles,
                       const struct unit *unit, const struct task *task, struct recipients *ret);
/** role_depends_on_task() - owner, co_units: the others are the same for all tasks of a unit */
bool role_depends_on_task(const char *role);
