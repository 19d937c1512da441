/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/policy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/recipients.h"

static const char *const unit_names[_OFFSET_UNIT_MAX] = {
        [OFFSET_WORKING_DAYS] = "wd",
        [OFFSET_DAYS] = "d",
        [OFFSET_WEEKS] = "w",
        [OFFSET_HOURS] = "h",
};

/* "15wd": digits and a unit. */
static int parse_count(const char *s, struct offset *ret) {
        int32_t count = 0;

        if (*s < '0' || *s > '9')
                return -EINVAL;
        for (; *s >= '0' && *s <= '9'; s++) {
                count = count * 10 + (*s - '0');
                if (count > OFFSET_MAX)
                        return -EINVAL;
        }
        if (count == 0)
                return -EINVAL;
        for (int i = 0; i < _OFFSET_UNIT_MAX; i++)
                if (strcmp(s, unit_names[i]) == 0) {
                        *ret = (struct offset){.count = count, .unit = (enum offset_unit)i};
                        return 0;
                }
        return -EINVAL;
}

int offset_parse(const char *s, struct offset *ret) {
        struct offset offset;

        if (strcmp(s, "0") == 0) {
                *ret = (struct offset){.count = 0, .unit = OFFSET_WORKING_DAYS};
                return 0;
        }
        if ((*s != '-' && *s != '+') || parse_count(s + 1, &offset) < 0)
                return -EINVAL;
        if (*s == '-')
                offset.count = -offset.count;
        *ret = offset;
        return 0;
}

int offset_parse_distance(const char *s, struct offset *ret) {
        return parse_count(*s == '+' ? s + 1 : s, ret);
}

const char *offset_format(struct offset offset, char buf[OFFSET_BUFFER]) {
        uint32_t count = offset.count < 0 ? -(uint32_t)offset.count : (uint32_t)offset.count;
        char digits[OFFSET_BUFFER], *s = digits + sizeof(digits);

        if (count == 0)
                return strcpy(buf, "0");
        /* No printf here either; see date_format(). */
        for (*--s = '\0'; count > 0; count /= 10)
                *--s = (char)('0' + count % 10);
        *--s = offset.count < 0 ? '-' : '+';
        strcpy(stpcpy(buf, s), unit_names[offset.unit]);
        return buf;
}

bool offset_equal(struct offset a, struct offset b) {
        return a.count == b.count && (a.unit == b.unit || a.count == 0);
}

/* What is wrong with the `every` of a step. Return: words, NULL when it is fine. */
static const char *check_every(struct arena *arena, const struct step *step) {
        struct offset at = step->at[0];
        char a[OFFSET_BUFFER], b[OFFSET_BUFFER];

        if (step->n_at != 1)
                return arena_printf(arena,
                                    "a step with 'every' has exactly one 'at', here it has %zu",
                                    step->n_at);
        if (at.count <= 0)
                return arena_printf(arena,
                                    "'every' repeats a step after the deadline, but 'at' is \"%s\"",
                                    offset_format(at, a));
        if (step->every.count <= 0)
                return "'every' is a distance of at least one, such as \"1wd\"";
        if (step->every.unit != at.unit)
                return arena_printf(arena,
                                    "'at' (\"%s\") and 'every' (\"%s\") are not in the same unit",
                                    offset_format(at, a), offset_format(step->every, b));
        if (!step->has_until)
                return NULL;
        if (step->until.count == 0 || step->until.unit != at.unit)
                return arena_printf(arena,
                                    "'at' (\"%s\") and 'until' (\"%s\") are not in the same unit",
                                    offset_format(at, a), offset_format(step->until, b));
        if (step->until.count < at.count)
                return arena_printf(arena, "'until' (\"%s\") is before 'at' (\"%s\")",
                                    offset_format(step->until, b), offset_format(at, a));
        return NULL;
}

static size_t count_firings(const struct step *step) {
        if (!step->has_every)
                return step->n_at;
        if (!step->has_until)
                return STEP_DEFAULT_FIRINGS;
        return (size_t)((step->until.count - step->at[0].count) / step->every.count) + 1;
}

static const char *check_step(struct arena *arena, const struct step *step) {
        const char *error;

        if (step->n_at == 0)
                return "a step needs 'at'";
        for (size_t i = 0; i < step->n_at; i++) {
                struct offset at = step->at[i];

                if (at.count < -OFFSET_MAX || at.count > OFFSET_MAX)
                        return arena_printf(arena, "'at' counts to %d at most", OFFSET_MAX);
                if (at.count == 0 && at.unit != OFFSET_WORKING_DAYS)
                        return "the day of the deadline is \"0\", without a unit";
        }
        if (!step->has_every)
                return step->has_until ? "'until' is the end of an 'every', which is missing"
                                       : NULL;
        error = check_every(arena, step);
        if (error)
                return error;
        /* Offsets are kept as text in the history and have to be readable again. */
        if (step->at[0].count + (int64_t)(count_firings(step) - 1) * step->every.count > OFFSET_MAX)
                return arena_printf(arena, "'every' goes on beyond +%d%s, set an earlier 'until'",
                                    OFFSET_MAX, unit_names[step->every.unit]);
        return NULL;
}

static bool step_depends_on_task(const struct step *step) {
        for (size_t i = 0; i < step->n_to; i++)
                if (role_depends_on_task(step->to[i]))
                        return true;
        for (size_t i = 0; i < step->n_cc; i++)
                if (role_depends_on_task(step->cc[i]))
                        return true;
        return false;
}

static struct rung *expand_step(const struct step *step, struct rung *rungs, unsigned *order) {
        bool per_task = step_depends_on_task(step);
        size_t n = count_firings(step);

        for (size_t i = 0; i < n; i++) {
                struct offset offset = step->at[step->has_every ? 0 : i];

                if (step->has_every)
                        offset.count += (int32_t)i * step->every.count;
                *rungs++ = (struct rung){
                        .offset = offset,
                        .step = step,
                        .order = (*order)++,
                        .per_task = per_task,
                };
        }
        return rungs;
}

int policy_expand(struct arena *arena, struct policy *policy, const struct step **ret_step,
                  const char **ret_error) {
        struct rung *rungs, *end;
        unsigned order = 0;
        size_t n = 0;

        for (size_t i = 0; i < policy->n_steps; i++) {
                const struct step *step = &policy->steps[i];
                const char *error = check_step(arena, step);

                if (!error) {
                        n += count_firings(step);
                        if (n > POLICY_MAX_RUNGS)
                                error = arena_printf(arena, "the policy has more than %d reminders",
                                                     POLICY_MAX_RUNGS);
                }
                if (error) {
                        *ret_step = step;
                        *ret_error = error;
                        return -EINVAL;
                }
        }

        rungs = end = arena_new_array(arena, struct rung, n);
        for (size_t i = 0; i < policy->n_steps; i++)
                end = expand_step(&policy->steps[i], end, &order);
        policy->rungs = rungs;
        policy->n_rungs = n;
        return 0;
}
