/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The ladder of tasks that name no policy, where the configuration defines none of this id. */

#include "core/policy.h"

#define BUILTIN_POLICY_ID "default"

/** builtin_policy() - with its rungs; in the arena */
void builtin_policy(struct arena *arena, struct policy *ret);
