/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vietnam.h"

#include <errno.h>
#include <string.h>

#include "base/strbuf.h"
#include "core/deadline.h"
#include "core/policy.h"

#define MAX_STEPS 8

static int setup(void **state) {
        (void)state;
        return zone_init("Asia/Ho_Chi_Minh");
}

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

struct step_text {
        const char *at, *every, *until; /* at: separated by commas; NULL: none */
};

static struct offset offset_of(const char *s) {
        struct offset offset;

        if (offset_parse(s, &offset) < 0)
                fail_msg("'%s' is no offset", s);
        return offset;
}

/* A policy from its text, up to the first step without at; not yet expanded. */
static struct policy *policy_of(struct arena *arena, const struct step_text *texts) {
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

static const struct policy *expanded(struct arena *arena, const struct step_text *texts) {
        struct policy *policy = policy_of(arena, texts);
        const struct step *step;
        const char *error;

        if (policy_expand(arena, policy, &step, &error) < 0)
                fail_msg("step %td: %s", step - policy->steps + 1, error);
        return policy;
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

/* One instance and its ladder. */
struct ladder_case {
        struct step_text steps[MAX_STEPS];
        const char *due;
        int time; /* of the day; -1: none */
        enum shift shift;
        const char *began; /* episode; NULL: long before */
        const char *opens, *closes;
        const char *firings; /* "OFFSET DATE HH:MM, …" */
};

static date_t day_or_none(const char *s) { return s ? day(s) : DATE_NONE; }

static void add_firing(struct strbuf *b, const struct firing *firing) {
        struct civil c = zone_civil(firing->instant);
        char offset[OFFSET_BUFFER], date[DATE_BUFFER];

        strbuf_addf(b, "%s%s %s %02d:%02d", b->len > 0 ? ", " : "",
                    offset_format(firing->rung->offset, offset), date_format(c.date, date),
                    c.second / 3600, c.second / 60 % 60);
}

static void check_ladder(const struct ladder_case *c) {
        _cleanup_(strbuf_done) struct strbuf found = STRBUF_INIT;
        _cleanup_arena_ struct arena *arena = arena_new();
        const struct calendar *cal = vietnam_2018(arena);
        const struct policy *policy = expanded(arena, c->steps);
        struct due due = {.date = day(c->due), .time_of_day = c->time};
        struct deadline deadline;
        struct ladder_base base;
        struct firing firings[100];
        size_t n;

        assert_int_equal(deadline_resolve(cal, &due, DUE_WORD_BY, c->shift, &deadline), 0);
        base = (struct ladder_base){
                .effective = deadline.effective,
                .deadline = deadline.instant,
                .base = ladder_base_date(cal, deadline.effective,
                                         instant(c->began ? c->began : "2018-01-01")),
                .opens = day_or_none(c->opens),
                .closes = day_or_none(c->closes),
        };
        n = ladder_resolve(cal, policy, &base, firings);
        for (size_t i = 0; i < n; i++)
                add_firing(&found, &firings[i]);
        assert_string_equal(strbuf_str(&found), c->firings);
}

static void check_ladders(const struct ladder_case *cases, size_t n) {
        for (size_t i = 0; i < n; i++)
                check_ladder(&cases[i]);
}

#define DEFAULT_STEPS                                                                              \
        {                                                                                          \
                {"-15wd,-10wd,-5wd,-3wd,-1wd"}, {"0"}, {"+1wd", "+1wd", "+4wd"},                   \
                        {"+5wd", "+1wd", "+9wd"}, {                                                \
                        "+10wd", "+5wd", "+40wd"                                                   \
                }                                                                                  \
        }

static void test_default_ladder(void **state) {
        static const struct ladder_case cases[] = {
                {DEFAULT_STEPS, "2018-11-15", -1, SHIFT_EARLIER, NULL, NULL, "2018-12-06",
                 "-15wd 2018-10-25 07:30, -10wd 2018-11-01 07:30, -5wd 2018-11-08 07:30, "
                 "-3wd 2018-11-12 07:30, -1wd 2018-11-14 07:30, 0 2018-11-15 07:30, "
                 "+1wd 2018-11-16 07:30, +2wd 2018-11-19 07:30, +3wd 2018-11-20 07:30, "
                 "+4wd 2018-11-21 07:30, +5wd 2018-11-22 07:30, +6wd 2018-11-23 07:30, "
                 "+7wd 2018-11-26 07:30, +8wd 2018-11-27 07:30, +9wd 2018-11-28 07:30, "
                 "+10wd 2018-11-29 07:30, +15wd 2018-12-06 07:30"},
                /* first seen on the Tuesday after: the foot of the ladder */
                {DEFAULT_STEPS, "2018-11-15", -1, SHIFT_EARLIER, "2018-11-20 10:00", "2018-11-14",
                 "2018-11-23",
                 "-1wd 2018-11-14 07:30, 0 2018-11-15 07:30, +1wd 2018-11-20 07:30, "
                 "+2wd 2018-11-21 07:30, +3wd 2018-11-22 07:30, +4wd 2018-11-23 07:30"},
        };

        (void)state;
        check_ladders(cases, ELEMENTSOF(cases));
}

static void test_moved_days(void **state) {
        static const struct ladder_case cases[] = {
                /* calendar days and weeks around Quốc khánh (Sunday and Monday) */
                {{{"-4d,-1d"}, {"+1d,+2d"}, {"-1w,+1w"}},
                 "2018-09-05",
                 -1,
                 SHIFT_EARLIER,
                 NULL,
                 NULL,
                 NULL,
                 "-1w 2018-08-29 07:30, -4d 2018-08-31 07:30, -1d 2018-09-04 07:30, "
                 "+1d 2018-09-06 07:30, +2d 2018-09-07 07:30, +1w 2018-09-12 07:30"},
                {{{"-2d"}, {"+3d"}},
                 "2018-09-04",
                 -1,
                 SHIFT_EARLIER,
                 NULL,
                 NULL,
                 NULL,
                 "-2d 2018-08-31 07:30, +3d 2018-09-07 07:30"},
                {{{"+2d"}},
                 "2018-11-15",
                 -1,
                 SHIFT_EARLIER,
                 NULL,
                 NULL,
                 NULL,
                 "+2d 2018-11-19 07:30"},
                /* no shift: the deadline is a Sunday, `0` comes on Friday */
                {{{"-1wd"}, {"0"}, {"+1wd"}},
                 "2018-11-18",
                 -1,
                 SHIFT_NONE,
                 NULL,
                 NULL,
                 NULL,
                 "0 2018-11-16 07:30, +1wd 2018-11-19 07:30"},
                {{{"-2wd"}, {"0"}},
                 "2018-11-18",
                 -1,
                 SHIFT_NONE,
                 NULL,
                 NULL,
                 NULL,
                 "-2wd 2018-11-15 07:30, 0 2018-11-16 07:30"},
                /* due at 7:00 and at 7:30 sharp, before `0` would go: the working day before */
                {{{"-2wd"}, {"0"}},
                 "2018-11-19",
                 AT(7, 0),
                 SHIFT_EARLIER,
                 NULL,
                 NULL,
                 NULL,
                 "-2wd 2018-11-15 07:30, 0 2018-11-16 07:30"},
                {{{"0"}},
                 "2018-11-19",
                 AT(7, 30),
                 SHIFT_EARLIER,
                 NULL,
                 NULL,
                 NULL,
                 "0 2018-11-16 07:30"},
                {{{"0"}},
                 "2018-11-19",
                 AT(7, 31),
                 SHIFT_EARLIER,
                 NULL,
                 NULL,
                 NULL,
                 "0 2018-11-19 07:30"},
                /* the same on a Sunday without shift: already before it */
                {{{"0"}},
                 "2018-11-18",
                 AT(7, 0),
                 SHIFT_NONE,
                 NULL,
                 NULL,
                 NULL,
                 "0 2018-11-16 07:30"},
        };

        (void)state;
        check_ladders(cases, ELEMENTSOF(cases));
}

static void test_hours(void **state) {
        static const struct ladder_case cases[] = {
                {{{"-2h"}, {"+1h"}},
                 "2018-11-15",
                 AT(16, 30),
                 SHIFT_EARLIER,
                 NULL,
                 NULL,
                 NULL,
                 "-2h 2018-11-15 14:30, +1h 2018-11-15 17:30"},
                /* the end of the day: outside the window on both sides */
                {{{"-2h"}, {"+2h"}},
                 "2018-11-16",
                 -1,
                 SHIFT_EARLIER,
                 NULL,
                 NULL,
                 NULL,
                 "-2h 2018-11-16 18:00, +2h 2018-11-19 07:30"},
                /* both ends of the window are inside */
                {{{"-6h"}, {"-17h"}},
                 "2018-11-16",
                 -1,
                 SHIFT_EARLIER,
                 NULL,
                 NULL,
                 NULL,
                 "-17h 2018-11-16 07:00, -6h 2018-11-16 18:00"},
                /* in the night before: the end of the last window, over a weekend too */
                {{{"-1h"}, {"+1h"}},
                 "2018-11-19",
                 AT(7, 30),
                 SHIFT_EARLIER,
                 NULL,
                 NULL,
                 NULL,
                 "-1h 2018-11-16 18:00, +1h 2018-11-19 08:30"},
                {{{"-48h"}},
                 "2018-11-19",
                 AT(16, 0),
                 SHIFT_EARLIER,
                 NULL,
                 NULL,
                 NULL,
                 "-48h 2018-11-16 18:00"},
                /* between window_start and send_at it leaves at once, before it at send_at */
                {{{"+1h"}},
                 "2018-11-15",
                 AT(6, 10),
                 SHIFT_EARLIER,
                 NULL,
                 NULL,
                 NULL,
                 "+1h 2018-11-15 07:10"},
                {{{"+1h"}},
                 "2018-11-15",
                 AT(5, 10),
                 SHIFT_EARLIER,
                 NULL,
                 NULL,
                 NULL,
                 "+1h 2018-11-15 07:30"},
                /* from B's close of day when B is later than E: Monday 24:00 + 10 h */
                {{{"+10h"}},
                 "2018-11-15",
                 AT(16, 30),
                 SHIFT_EARLIER,
                 "2018-11-20 10:00",
                 NULL,
                 NULL,
                 "+10h 2018-11-20 10:00"},
                /* the day of B is E: the deadline instant stands */
                {{{"+1h"}},
                 "2018-11-15",
                 AT(16, 30),
                 SHIFT_EARLIER,
                 "2018-11-16 10:00",
                 NULL,
                 NULL,
                 "+1h 2018-11-15 17:30"},
        };

        (void)state;
        check_ladders(cases, ELEMENTSOF(cases));
}

static void test_equal_instants(void **state) {
        static const struct ladder_case cases[] = {
                /* the later before any moving: `0` (Sunday) before -1d (Saturday) and -1wd (Friday) */
                {{{"0"}, {"-1d"}, {"-1wd"}},
                 "2018-11-18",
                 -1,
                 SHIFT_NONE,
                 NULL,
                 NULL,
                 NULL,
                 "0 2018-11-16 07:30"},
                {{{"-1d"}, {"-1wd"}},
                 "2018-11-18",
                 -1,
                 SHIFT_NONE,
                 NULL,
                 NULL,
                 NULL,
                 "-1d 2018-11-16 07:30"},
                /* 0 moved before a timed deadline meets -1wd */
                {{{"0"}, {"-1wd"}},
                 "2018-11-19",
                 AT(7, 0),
                 SHIFT_EARLIER,
                 NULL,
                 NULL,
                 NULL,
                 "0 2018-11-16 07:30"},
                /* +2h would have been at 2:00, +1wd is at 7:30 by itself */
                {{{"+1wd"}, {"+2h"}},
                 "2018-11-15",
                 -1,
                 SHIFT_EARLIER,
                 NULL,
                 NULL,
                 NULL,
                 "+1wd 2018-11-16 07:30"},
                /* equal even before moving: the later in the policy */
                {{{"-1wd"}, {"-1d"}},
                 "2018-11-15",
                 -1,
                 SHIFT_EARLIER,
                 NULL,
                 NULL,
                 NULL,
                 "-1d 2018-11-14 07:30"},
                {{{"-1d"}, {"-1wd"}},
                 "2018-11-15",
                 -1,
                 SHIFT_EARLIER,
                 NULL,
                 NULL,
                 NULL,
                 "-1wd 2018-11-14 07:30"},
                {{{"+5d"}, {"+1w"}, {"+7d"}},
                 "2018-11-15",
                 -1,
                 SHIFT_EARLIER,
                 NULL,
                 NULL,
                 NULL,
                 "+5d 2018-11-20 07:30, +7d 2018-11-22 07:30"},
        };

        (void)state;
        check_ladders(cases, ELEMENTSOF(cases));
}

static void test_suppressed(void **state) {
        static const struct ladder_case cases[] = {
                {{{"-5wd,-3wd"}, {"0"}, {"+1wd,+2wd"}},
                 "2018-11-15",
                 -1,
                 SHIFT_EARLIER,
                 NULL,
                 "2018-11-12",
                 "2018-11-16",
                 "-3wd 2018-11-12 07:30, 0 2018-11-15 07:30, +1wd 2018-11-16 07:30"},
                {{{"-5wd,-3wd"}, {"0"}},
                 "2018-11-15",
                 -1,
                 SHIFT_EARLIER,
                 NULL,
                 "2018-11-13",
                 "2018-11-14",
                 ""},
                /* what counts is the day on which it fires: Saturday opens, Friday it would fire */
                {{{"0"}}, "2018-11-18", -1, SHIFT_NONE, NULL, "2018-11-17", NULL, ""},
                {{{"+2d"}}, "2018-11-15", -1, SHIFT_EARLIER, NULL, NULL, "2018-11-18", ""},
                /* beyond the last year there is nothing to fire on */
                {{{"-1wd"}, {"+1wd"}},
                 "2199-12-31",
                 -1,
                 SHIFT_EARLIER,
                 NULL,
                 NULL,
                 NULL,
                 "-1wd 2199-12-30 07:30"},
                {{{"-20w"}, {"+1wd"}},
                 "1970-03-02",
                 -1,
                 SHIFT_EARLIER,
                 "1970-01-05",
                 NULL,
                 NULL,
                 "+1wd 1970-03-03 07:30"},
        };

        (void)state;
        check_ladders(cases, ELEMENTSOF(cases));
}

static void test_base_date(void **state) {
        static const struct {
                const char *effective, *began, *base;
        } cases[] = {
                {"2018-11-15", "2018-06-01 10:00", "2018-11-15"}, /* long before */
                {"2018-11-15", "2018-11-16 12:00", "2018-11-15"}, /* the day after: E itself */
                {"2018-11-15", "2018-11-20 07:29", "2018-11-19"}, /* leaves the same day at 7:30 */
                {"2018-11-15", "2018-11-20 18:00", "2018-11-19"}, /* at once: still in the window */
                {"2018-11-15", "2018-11-20 18:01", "2018-11-20"}, /* leaves on Wednesday */
                {"2018-11-15", "2018-11-16 18:01", "2018-11-16"}, /* leaves on Monday */
                {"2018-11-15", "2018-11-24 10:00", "2018-11-23"}, /* Saturday */
                {"2018-02-09", "2018-02-13 19:00", "2018-02-13"}, /* leaves after Tết */
                {"2018-02-09", "2018-02-21 07:00", "2018-02-13"},
        };
        _cleanup_arena_ struct arena *arena = arena_new();
        const struct calendar *cal = vietnam_2018(arena);
        char buf[DATE_BUFFER];

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                date_t base =
                        ladder_base_date(cal, day(cases[i].effective), instant(cases[i].began));

                assert_string_equal(date_format(base, buf), cases[i].base);
        }
        assert_int_equal(ladder_base_date(cal, day("2018-11-15"), USEC_INFINITY),
                         day("2018-11-15"));
}

static void test_leaving(void **state) {
        static const struct {
                const char *now, *caught_up, *in_window, *next;
        } cases[] = {
                {"2018-11-16 06:59", "2018-11-16 07:30", "2018-11-16 07:00", "2018-11-16 07:30"},
                {"2018-11-16 07:00", "2018-11-16 07:30", "2018-11-16 07:00", "2018-11-16 07:30"},
                {"2018-11-16 07:30", "2018-11-16 07:30", "2018-11-16 07:30", "2018-11-16 07:30"},
                {"2018-11-16 07:31", "2018-11-16 07:31", "2018-11-16 07:31", "2018-11-19 07:30"},
                {"2018-11-16 18:00", "2018-11-16 18:00", "2018-11-16 18:00", "2018-11-19 07:30"},
                {"2018-11-16 18:00:00.000001", "2018-11-19 07:30", "2018-11-19 07:00",
                 "2018-11-19 07:30"},
                {"2018-11-17 10:00", "2018-11-19 07:30", "2018-11-19 07:00", "2018-11-19 07:30"},
                {"2018-02-14 10:00", "2018-02-21 07:30", "2018-02-21 07:00", "2018-02-21 07:30"},
                {"2019-01-05 10:00", "2019-01-05 10:00", "2019-01-05 10:00", "2019-01-07 07:30"},
        };
        _cleanup_arena_ struct arena *arena = arena_new();
        const struct calendar *cal = vietnam_2018(arena);

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                usec_t now = instant(cases[i].now);

                assert_int_equal(send_instant_caught_up(cal, now), instant(cases[i].caught_up));
                assert_int_equal(send_instant_in_window(cal, now), instant(cases[i].in_window));
                assert_int_equal(send_instant_next(cal, now), instant(cases[i].next));
        }
        assert_int_equal(send_instant_caught_up(cal, USEC_INFINITY), USEC_INFINITY);
        assert_int_equal(send_instant_in_window(cal, USEC_INFINITY), USEC_INFINITY);
        assert_int_equal(send_instant_next(cal, USEC_INFINITY), USEC_INFINITY);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_offsets),
                cmocka_unit_test(test_distances),
                cmocka_unit_test(test_expansion),
                cmocka_unit_test(test_expansion_without_end),
                cmocka_unit_test(test_refused_policies),
                cmocka_unit_test(test_refused_offsets),
                cmocka_unit_test(test_default_ladder),
                cmocka_unit_test(test_moved_days),
                cmocka_unit_test(test_hours),
                cmocka_unit_test(test_equal_instants),
                cmocka_unit_test(test_suppressed),
                cmocka_unit_test(test_base_date),
                cmocka_unit_test(test_leaving),
        };

        return cmocka_run_group_tests(tests, setup, NULL);
}
