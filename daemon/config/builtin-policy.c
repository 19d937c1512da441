/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/builtin-policy.h"

#include <assert.h>

#define WD(n)                                                                                      \
        { .count = (n), .unit = OFFSET_WORKING_DAYS }
#define LIST(field, n_field, ...)                                                                  \
        .field = (const char *const[]){__VA_ARGS__},                                               \
        .n_field = sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *)

/* The unit beforehand, its head when it is late, then the deputy director, then the director. */
static const struct step steps[] = {
        {.at = (const struct offset[]){WD(-15), WD(-10), WD(-5), WD(-3), WD(-1)},
         .n_at = 5,
         LIST(to, n_to, "unit")},
        {.at = (const struct offset[]){WD(0)},
         .n_at = 1,
         LIST(to, n_to, "unit"),
         LIST(cc, n_cc, "head")},
        {.at = (const struct offset[]){WD(1)},
         .n_at = 1,
         .has_every = true,
         .every = WD(1),
         .has_until = true,
         .until = WD(4),
         LIST(to, n_to, "head"),
         LIST(cc, n_cc, "unit", "coordinator")},
        {.at = (const struct offset[]){WD(5)},
         .n_at = 1,
         .has_every = true,
         .every = WD(1),
         .has_until = true,
         .until = WD(9),
         LIST(to, n_to, "deputy"),
         LIST(cc, n_cc, "head", "coordinator")},
        {.at = (const struct offset[]){WD(10)},
         .n_at = 1,
         .has_every = true,
         .every = WD(5),
         .has_until = true,
         .until = WD(40),
         LIST(to, n_to, "director"),
         LIST(cc, n_cc, "deputy", "head", "coordinator")},
};

void builtin_policy(struct arena *arena, struct policy *ret) {
        const struct step *step = NULL;
        const char *error = NULL;

        *ret = (struct policy){
                .id = BUILTIN_POLICY_ID, .steps = steps, .n_steps = sizeof(steps) / sizeof(*steps)};
        int r = policy_expand(arena, ret, &step, &error);
        assert(r >= 0);
        (void)r;
}
