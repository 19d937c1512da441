/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A trouble (core/trouble.h) as text, to be kept: by the alarms in memory, by a notice in the store. */

#include <jansson.h>

#include "core/trouble.h"

/** trouble_dump() - Return: owned JSON; NULL when out of memory */
char *trouble_dump(const struct trouble *trouble);
/** trouble_from_json() - strings borrowed from @json. Return: 0 or -EINVAL (no object, or of a kind that we do not know). */
int trouble_from_json(const json_t *json, struct trouble *ret);
