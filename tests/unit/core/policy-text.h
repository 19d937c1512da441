/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Policies written as tables of text. */

#include "vietnam.h"

#include <string.h>

#include "core/policy.h"

#define MAX_STEPS 8

struct step_text {
        const char *at, *every, *until; /* at: separated by commas; NULL: none */
};

static inline struct offset offset_of(const char *s) {
        struct offset offset;

        if (offset_parse(s, &offset) < 0)
                fail_msg("'%s' is no offset", s);
        return offset;
}

/* A policy from its text, up to the first step without at; not yet expanded. */
static inline struct policy *policy_of(struct arena *arena, const struct step_text *texts) {
        struct policy *policy = arena_alloc(arena, sizeof(*policy));
        struct step *steps = arena_new_array(arena, struct step, MAX_STEPS);

        for (; policy->n_steps < MAX_STEPS && texts->at; texts++) {
                struct step *step = &steps[policy->n_steps++];
                struct offset *at = arena_new_array(arena, struct offset, strlen(texts->at) + 1);
                char *next, *list = arena_strdup(arena, texts->at);

                for (char *s = strtok_r(list, ",", &next); s; s = strtok_r(NULL, ",", &next))
                        at[step->n_at++] = offset_of(s);
                step->at = at;
                step->has_every = texts->every;
                step->has_until = texts->until;
                if (texts->every)
                        step->every = offset_of(texts->every);
                if (texts->until)
                        step->until = offset_of(texts->until);
        }
        policy->id = "tested";
        policy->steps = steps;
        return policy;
}

static inline const struct policy *expanded(struct arena *arena, const struct step_text *texts) {
        struct policy *policy = policy_of(arena, texts);
        const struct step *step;
        const char *error;

        if (policy_expand(arena, policy, &step, &error) < 0)
                fail_msg("step %td: %s", step - policy->steps + 1, error);
        return policy;
}
