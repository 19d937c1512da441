/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy-text.h"

#include <errno.h>

#include "base/strbuf.h"

static void test_offsets(void **state) {
        static const struct {
                const char *text;
                struct offset offset;
        } cases[] = {
                {"-15wd", {-15, OFFSET_WORKING_DAYS}},
                {"+1wd", {1, OFFSET_WORKING_DAYS}},
                {"0", {0, OFFSET_WORKING_DAYS}},
                {"-7d", {-7, OFFSET_DAYS}},
                {"+2w", {2, OFFSET_WEEKS}},
                {"-48h", {-48, OFFSET_HOURS}},
                {"-5000wd", {-5000, OFFSET_WORKING_DAYS}},
        };
        static const char *const bad[] = {
                "",      "-",     "+",     "wd",      "5wd",           "-0wd",  "+0wd",  "0d",
                "0h",    "-0",    "00",    "-5",      "-5x",           "-5 wd", "-5wds", "--5wd",
                "+-5wd", " -5wd", "-5wd ", "-5001wd", "+99999999999d", "-5WD",  "-1.5d",
        };
        char buf[OFFSET_BUFFER];

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct offset found;

                assert_int_equal(offset_parse(cases[i].text, &found), 0);
                assert_int_equal(found.count, cases[i].offset.count);
                assert_int_equal(found.unit, cases[i].offset.unit);
                assert_true(offset_equal(found, cases[i].offset));
                assert_string_equal(offset_format(found, buf), cases[i].text);
        }
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                struct offset untouched = {7, OFFSET_HOURS};

                if (offset_parse(bad[i], &untouched) != -EINVAL)
                        fail_msg("'%s' was taken", bad[i]);
                assert_int_equal(untouched.count, 7);
                assert_int_equal(untouched.unit, OFFSET_HOURS);
        }
        assert_false(offset_equal((struct offset){-5, OFFSET_DAYS},
                                  (struct offset){-5, OFFSET_WORKING_DAYS}));
        assert_false(
                offset_equal((struct offset){-5, OFFSET_DAYS}, (struct offset){5, OFFSET_DAYS}));
        assert_true(
                offset_equal((struct offset){0, OFFSET_DAYS}, (struct offset){0, OFFSET_HOURS}));
}

static void test_distances(void **state) {
        static const char *const bad[] = {"", "0", "0wd", "-1wd", "++1wd", "1", "wd", "5001wd"};
        struct offset offset;

        (void)state;
        assert_int_equal(offset_parse_distance("1wd", &offset), 0);
        assert_true(offset_equal(offset, (struct offset){1, OFFSET_WORKING_DAYS}));
        assert_int_equal(offset_parse_distance("+12h", &offset), 0);
        assert_true(offset_equal(offset, (struct offset){12, OFFSET_HOURS}));
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_int_equal(offset_parse_distance(bad[i], &offset), -EINVAL);
}

static void test_expansion(void **state) {
        static const struct {
                struct step_text steps[MAX_STEPS];
                const char *rungs;
        } cases[] = {
                {{}, ""},
                {{{"-3wd,-1wd"}, {"0"}}, "-3wd/0 -1wd/0 0/1"},
                {{{"+1wd", "+1wd", "+4wd"}}, "+1wd/0 +2wd/0 +3wd/0 +4wd/0"},
                {{{"+10wd", "+5wd", "+24wd"}}, "+10wd/0 +15wd/0 +20wd/0"},
                {{{"+5wd", "+1wd", "+5wd"}}, "+5wd/0"},
                {{{"+1wd", "+1wd", "+2wd"}, {"+2h", "+24h", "+50h"}},
                 "+1wd/0 +2wd/0 +2h/1 +26h/1 +50h/1"},
        };
        char buf[OFFSET_BUFFER];

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(strbuf_done) struct strbuf found = STRBUF_INIT;
                _cleanup_arena_ struct arena *arena = arena_new();
                const struct policy *policy = expanded(arena, cases[i].steps);

                for (size_t k = 0; k < policy->n_rungs; k++) {
                        const struct rung *rung = &policy->rungs[k];

                        assert_int_equal(rung->order, k);
                        strbuf_addf(&found, "%s%s/%td", k > 0 ? " " : "",
                                    offset_format(rung->offset, buf), rung->step - policy->steps);
                }
                assert_string_equal(strbuf_str(&found), cases[i].rungs);
        }
}

static void test_expansion_without_end(void **state) {
        _cleanup_arena_ struct arena *arena = arena_new();
        const struct policy *policy =
                expanded(arena, (struct step_text[]){{"+2w", "+1w", NULL}, {NULL}});

        (void)state;
        assert_int_equal(policy->n_rungs, STEP_DEFAULT_FIRINGS);
        assert_true(offset_equal(policy->rungs[59].offset, offset_of("+61w")));
}

static void test_refused_policies(void **state) {
        static const struct {
                struct step_text steps[MAX_STEPS];
                ptrdiff_t step;
                const char *words;
        } cases[] = {
                {{{"-1wd"}, {""}}, 1, "a step needs 'at'"},
                {{{"0"}, {"+1wd,+2wd", "+1wd", "+4wd"}}, 1, "has exactly one 'at', here it has 2"},
                {{{"-5wd", "+1wd", NULL}},
                 0,
                 "'every' repeats a step after the deadline, but 'at' is \"-5wd\""},
                {{{"0", "+1wd", NULL}}, 0, "but 'at' is \"0\""},
                {{{"+1wd", "-1wd", "+4wd"}}, 0, "at least one, such as \"1wd\""},
                {{{"+1wd", "0", "+4wd"}}, 0, "at least one, such as \"1wd\""},
                {{{"+1wd", "+1d", "+4wd"}},
                 0,
                 "'at' (\"+1wd\") and 'every' (\"+1d\") are not in the same unit"},
                {{{"+1wd", "+1wd", "+4d"}},
                 0,
                 "'at' (\"+1wd\") and 'until' (\"+4d\") are not in the same unit"},
                {{{"+1wd", "+1wd", "0"}}, 0, "'until' (\"0\") are not in the same unit"},
                {{{"+5wd", "+1wd", "+4wd"}}, 0, "'until' (\"+4wd\") is before 'at' (\"+5wd\")"},
                {{{"+5wd", "+1wd", "-6wd"}}, 0, "'until' (\"-6wd\") is before 'at' (\"+5wd\")"},
                {{{"+1wd", NULL, "+4wd"}}, 0, "'until' is the end of an 'every', which is missing"},
                {{{"+1wd", "+100wd", NULL}}, 0, "'every' goes on beyond +5000wd"},
                {{{"+1wd", "+1wd", "+999wd"}, {"0,+1h"}}, 1, "more than 1000 reminders"},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_arena_ struct arena *arena = arena_new();
                struct policy *policy = policy_of(arena, cases[i].steps);
                const struct step *step = NULL;
                const char *error = NULL;

                assert_int_equal(policy_expand(arena, policy, &step, &error), -EINVAL);
                assert_int_equal(step - policy->steps, cases[i].step);
                if (!error || !strstr(error, cases[i].words))
                        fail_msg("case %zu: %s", i, error);
                assert_null(policy->rungs);
        }
}

/* Steps that no text can say, but a caller can. */
static void test_refused_offsets(void **state) {
        const struct offset bad[] = {{0, OFFSET_HOURS},
                                     {0, OFFSET_DAYS},
                                     {INT32_MIN, OFFSET_DAYS},
                                     {OFFSET_MAX + 1, OFFSET_WEEKS}};

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                _cleanup_arena_ struct arena *arena = arena_new();
                struct step step = {.at = &bad[i], .n_at = 1};
                struct policy policy = {.steps = &step, .n_steps = 1};
                const struct step *ret_step;
                const char *error;

                assert_int_equal(policy_expand(arena, &policy, &ret_step, &error), -EINVAL);
                assert_ptr_equal(ret_step, &step);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_offsets),
                cmocka_unit_test(test_distances),
                cmocka_unit_test(test_expansion),
                cmocka_unit_test(test_expansion_without_end),
                cmocka_unit_test(test_refused_policies),
                cmocka_unit_test(test_refused_offsets),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
