/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/zone.h"
#include "core/model-builder.h"

static int setup(void **state) {
        struct builder *b = calloc(1, sizeof(*b));

        assert_non_null(b);
        builder_init(b);
        *state = b;
        return 0;
}

static int teardown(void **state) {
        builder_done(*state);
        free(*state);
        return 0;
}

/* ---- the set ---- */

static void assert_keys(const struct instance_set *set, const char *expected) {
        char keys[4096] = "";

        for (size_t i = 0; i < set->n; i++) {
                assert_int_equal(set->items[i].index, i);
                assert_ptr_equal(instance_set_find(set, set->items[i].key), &set->items[i]);
                snprintf(keys + strlen(keys), sizeof(keys) - strlen(keys), "%s%s", i ? " " : "",
                         set->items[i].key);
        }
        assert_string_equal(keys, expected);
        assert_null(instance_set_find(set, "9.9@2018-01-01"));
        assert_null(instance_set_find(set, ""));
}

static void test_keys_and_order(void **state) {
        struct builder *b = *state;
        struct instance_set *set;
        struct task *task;

        builder_task(b, "1.10", "VP", "2018-03-01");
        builder_task(b, "1.9", "VP", "2018-06-05, 2018-03-05");
        builder_task(b, "1.2", "VP", NULL);
        builder_task(b, "2", "VP", "2018-01-01")->tracked = false;
        task = builder_task(b, "1.6", "VP", "2018-04-27");
        task->each_unit = builder_units(b, "KHTC,VP", &task->n_each_unit);
        task->unit = NULL;
        task = builder_task(b, "1.7", "VP", NULL);
        task->each_unit = builder_units(b, "TTTK", &task->n_each_unit);
        set = builder_instances(builder_finish(b));
        assert_keys(set, "1.2 1.6@2018-04-27/VP 1.6@2018-04-27/KHTC 1.7/TTTK 1.9@2018-03-05 "
                         "1.9@2018-06-05 1.10@2018-03-01");
        assert_string_equal(instance_set_find(set, "1.6@2018-04-27/KHTC")->unit->id, "KHTC");
        assert_false(set->items[0].has_deadline);
        assert_true(set->items[1].has_deadline);
        instance_set_free(set);
}

static void test_repeat(void **state) {
        static const struct {
                const char *rule, *keys;
        } rows[] = {
                {"FREQ=MONTHLY;COUNT=3", "1@2018-01-15 1@2018-02-15 1@2018-03-15"},
                {"FREQ=YEARLY", "1@2018-01-15 1@2019-01-15"}, /* up to the horizon */
        };
        struct builder *b = *state;
        struct task *task = builder_task(b, "1", "VP", "2018-01-15 09:00");
        const struct model *model = builder_finish(b);

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                struct instance_set *set = NULL;

                task->repeat = builder_rule(b, rows[i].rule);
                assert_int_equal(
                        instance_set_new(model, date_from_ymd(2019, 12, 31), NULL, NULL, &set), 0);
                assert_keys(set, rows[i].keys);
                assert_int_equal(set->items[1].deadline.instant,
                                 zone_instant(set->items[1].due.date, 9 * 3600));
                instance_set_free(set);
        }
}

static void test_placeholders(void **state) {
        static const struct {
                const char *text, *due,
                        *expected; /* due NULL: no deadline; expected NULL: refused */
                bool pattern;
        } rows[] = {
                {"1.2/{label}", "2018-03-05 quý I", "1.2/quý I"},
                {"{year}-{month}-q{quarter}", "2018-03-31", "2018-03-q1"},
                {"{year}-{month}-q{quarter}", "2018-04-01", "2018-04-q2"},
                {"{year}-{month}-q{quarter}", "2018-12-31", "2018-12-q4"},
                {"{task} {unit}", NULL, "7 VP"},
                {"plain", NULL, "plain"},
                {"*.{pdf,docx}", "2018-03-31", "*.{pdf,docx}"},
                {"{a,{year}}", "2018-03-31", "{a,2018}"},
                {"a } b {", NULL, "a } b {"},
                {"{label}", "2018-03-05", NULL},
                {"{year}", NULL, NULL},
                {"{Year}", "2018-03-05", NULL},
                {"{ky}", "2018-03-05 quý I", NULL},
                {"{label}", "2018-03-05 a*[b]?", "a*[b]?"},
                {"{label}*", "2018-03-05 a*[b]?", "a\\*\\[b\\]\\?*", .pattern = true},
                {"{label}*", "2018-03-05 {x\\}", "\\{x\\\\\\}*", .pattern = true},
        };
        struct builder *b = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                struct task *task = builder_task(b, "7", "VP", rows[i].due);
                const struct due *due = task->n_dues ? &task->dues[0] : NULL;
                const char *text =
                        (rows[i].pattern ? placeholders_expand_pattern : placeholders_expand)(
                                b->arena, rows[i].text, task, task->unit, due);

                if (!rows[i].expected)
                        assert_null(text);
                else if (!text)
                        fail_msg("row %zu: refused", i);
                else
                        assert_string_equal(text, rows[i].expected);
        }
}

static void test_titles_and_folders(void **state) {
        static const struct {
                const char *title, *dir, *due, *expect_title, *expect_dir;
        } rows[] = {
                {"Báo cáo", "1.2/{label}", "2018-03-05 quý I", "Báo cáo (quý I)", "1.2/quý I"},
                {"Báo cáo {label}", "x", "2018-03-05 quý I", "Báo cáo quý I", "x"},
                {"Báo cáo", "./a//b/./c/", "2018-03-05", "Báo cáo", "a/b/c"},
                {"Năm {year}", ".", "2018-03-05", "Năm 2018", ""},
                {"T", NULL, "2018-03-05", "T", NULL},
                {"T", "..a/...", "2018-03-05", "T", "..a/..."},
        };
        struct builder *b = *state;
        struct task *task = builder_task(b, "1", "VP", "2018-01-01");
        const struct model *model = builder_finish(b);

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                struct builder *again = b;
                struct task *other = builder_task(again, "x", "VP", rows[i].due);
                struct instance_set *set;

                task->title = rows[i].title;
                task->dir = rows[i].dir;
                task->dues = other->dues;
                b->model->n_tasks--;
                set = builder_instances(model);
                assert_string_equal(set->items[0].title, rows[i].expect_title);
                if (rows[i].expect_dir)
                        assert_string_equal(set->items[0].dir, rows[i].expect_dir);
                else
                        assert_null(set->items[0].dir);
                instance_set_free(set);
        }
}

static void test_requirements(void **state) {
        struct builder *b = *state;
        struct task *task =
                builder_task(b, "1", "VP", "2018-03-05 quý I, 2018-06-05 quý II, 2018-09-05");
        struct need needs[] = {
                {.name = "", .count = 2, .fold = true, .since = DATE_NONE},
                {.name = "Kế hoạch", .count = 1, .fold = true, .since = DATE_NONE},
                {.name = "Quý", .count = 3, .since = DATE_NONE},
        };
        struct instance_set *set;
        struct match_name name;

        needs[0].match = builder_strings(b, "*BC-{year}.pdf, *TB*.pdf");
        needs[1].match = builder_strings(b, "KH*.pdf");
        needs[2].match = builder_strings(b, "q{quarter}*");
        needs[1].only = builder_strings(b, "quý I, quý III");
        needs[2].only = builder_strings(b, "quý II");
        task->needs = needs;
        task->n_needs = ELEMENTSOF(needs);
        set = builder_instances(builder_finish(b));

        assert_int_equal(set->items[0].n_requirements, 2);
        assert_int_equal(set->items[0].n_slots, 3);
        assert_string_equal(set->items[0].requirements[0].name, "*BC-2018.pdf, *TB*.pdf");
        assert_string_equal(set->items[0].requirements[1].name, "Kế hoạch");
        assert_int_equal(set->items[1].n_requirements, 2);
        assert_int_equal(set->items[1].n_slots, 5);
        assert_ptr_equal(set->items[1].requirements[1].need, &needs[2]);
        assert_int_equal(set->items[2].n_requirements, 1);
        /* One text, one pattern; another text, another. */
        assert_ptr_equal(set->items[0].requirements[0].patterns[0],
                         set->items[2].requirements[0].patterns[0]);
        assert_ptr_not_equal(set->items[0].requirements[0].patterns[0],
                             set->items[0].requirements[0].patterns[1]);
        assert_int_equal(match_name_init(&name, "12 bc-2018.PDF"), 0);
        assert_true(pattern_match(set->items[0].requirements[0].patterns[0], &name));
        match_name_done(&name);
        instance_set_free(set);
}

/* Counts problems and keeps the last. */
struct problems {
        unsigned n;
        char text[256];
};

static void on_problem(void *userdata, const struct task *task, const char *text) {
        struct problems *p = userdata;

        assert_non_null(task);
        p->n++;
        snprintf(p->text, sizeof(p->text), "%s", text);
}

static void assert_problem(struct builder *b, const char *expected) {
        struct instance_set *set = NULL;
        struct problems problems = {};

        assert_int_equal(instance_set_new(builder_finish(b), date_from_ymd(2030, 1, 1), on_problem,
                                          &problems, &set),
                         -EINVAL);
        assert_null(set);
        assert_int_equal(problems.n, 1);
        if (!strstr(problems.text, expected))
                fail_msg("'%s' is not in '%s'", expected, problems.text);
        /* Nobody listening changes nothing but the words. */
        assert_int_equal(instance_set_new(b->model, date_from_ymd(2030, 1, 1), NULL, NULL, &set),
                         -EINVAL);
        b->model->n_tasks = 0;
}

static void test_problems(void **state) {
        struct builder *b = *state;
        struct task *task;
        struct need *need;

        builder_task(b, "1", "VP", "2018-03-05, 2018-03-05");
        assert_problem(b, "two deadlines with the key 1@2018-03-05");
        builder_task(b, "1", "VP", "2018-03-05")->dir = "a/{label}";
        assert_problem(b, "placeholder");
        builder_task(b, "1", "VP", NULL)->title = "{month}";
        assert_problem(b, "placeholder");
        builder_task(b, "1", "VP", "2018-03-05")->dir = "a/../b";
        assert_problem(b, "not below a root");
        builder_task(b, "1", "VP", "2018-03-05")->dir = "/srv";
        assert_problem(b, "not below a root");
        builder_task(b, "1", "VP", "2018-03-05 ../..")->dir = "a/{label}";
        assert_problem(b, "not below a root");
        task = builder_task(b, "1", "VP", "2018-03-05");
        need = (struct need *)task->needs;
        need->match = builder_strings(b, "[a");
        assert_problem(b, "pattern \"[a\"");
        task = builder_task(b, "1", "VP", "2018-03-05");
        need = (struct need *)task->needs;
        need->match = builder_strings(b, "{label}.pdf");
        assert_problem(b, "pattern \"{label}.pdf\"");
        builder_task(b, "1", "VP", "2018-02-28")->repeat =
                builder_rule(b, "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30");
        assert_problem(b, "no date at all");
        builder_task(b, "1", "VP", "2018-02-28")->repeat =
                builder_rule(b, "FREQ=DAILY;UNTIL=20600101");
        assert_problem(b, "more than 10000");
        builder_off(b, "2018-01-01", "2024-12-31");
        builder_task(b, "1", "VP", "2021-02-28");
        assert_problem(b, "no working day");
}

static void test_rule_beyond_the_horizon(void **state) {
        struct builder *b = *state;
        struct instance_set *set;

        builder_task(b, "1", "VP", "2035-02-28")->repeat = builder_rule(b, "FREQ=YEARLY");
        set = builder_instances(builder_finish(b));
        assert_int_equal(set->n, 0);
        instance_set_free(set);
}

/* ---- deadlines ---- */

static void test_deadline(void **state) {
        struct builder *b = *state;
        struct history history = HISTORY_INIT;
        const struct instance *instance;
        struct instance_set *set;
        struct deadline d;

        /* "before" for what is stated, "by" for an extension; both shifted. */
        builder_task(b, "1", "VP", "2018-11-25 16:00")->due_word = DUE_WORD_BEFORE;
        set = builder_instances(builder_finish(b));
        instance = &set->items[0];
        d = instance_deadline(b->model->calendar, instance, &history);
        assert_int_equal(d.instant, at("2018-11-23 16:00"));
        history.extended_to = date_from_ymd(2018, 12, 9);
        d = instance_deadline(b->model->calendar, instance, &history);
        assert_int_equal(d.last, date_from_ymd(2018, 12, 9));
        assert_int_equal(d.effective, date_from_ymd(2018, 12, 7));
        assert_int_equal(d.instant, at("2018-12-08 00:00"));
        /* One that has passed stays where it was. */
        history.passed = (struct deadline){
                .last = date_from_ymd(2018, 11, 25),
                .effective = date_from_ymd(2018, 11, 22),
                .instant = at("2018-11-23 00:00"),
        };
        d = instance_deadline(b->model->calendar, instance, &history);
        assert_int_equal(d.instant, at("2018-11-23 00:00"));
        instance_set_free(set);
}

/* ---- states ---- */

static const char *const now_text = "2018-11-12 10:00";

struct state_row {
        const char *name;
        const char *due, *opens; /* NULL: none */
        bool unscanned, explained, no_dir;
        const char *complete, *waived, *snoozed; /* instants; "": without end */
        uint32_t have;
        enum state expected;
};

static usec_t instant_or(const char *text) { return !text ? 0 : *text ? at(text) : USEC_INFINITY; }

static const struct state_row state_rows[] = {
        {"far away", "2018-12-31", .expected = STATE_PLANNED},
        {"first step is tomorrow", "2018-12-04", .expected = STATE_PLANNED},
        {"first step is today", "2018-12-03", .expected = STATE_OPEN},
        {"near", "2018-11-12", .expected = STATE_OPEN},
        {"opens later", "2018-11-20", "2018-11-13", .expected = STATE_PLANNED},
        {"opens today", "2018-12-31", "2018-11-12", .expected = STATE_OPEN},
        {"no deadline", .expected = STATE_OPEN},
        {"no deadline, opens later", NULL, "2018-12-01", .expected = STATE_PLANNED},
        {"early bird", "2018-12-31", .have = 1, .expected = STATE_PARTIAL},
        {"partial", "2018-11-20", .have = 1, .expected = STATE_PARTIAL},
        {"overdue", "2018-11-09", .expected = STATE_OVERDUE},
        {"overdue and partial", "2018-11-09", .have = 1, .expected = STATE_OVERDUE},
        {"the very instant", "2018-11-12 10:00", .expected = STATE_OVERDUE},
        {"one minute before", "2018-11-12 10:01", .expected = STATE_OPEN},
        {"complete", "2018-11-12", .complete = "2018-11-12 09:00", .have = 2,
         .expected = STATE_COMPLETE},
        {"complete at the deadline is late", "2018-11-12 09:00", .have = 2,
         .complete = "2018-11-12 09:00", .expected = STATE_LATE},
        {"complete without deadline", .complete = "2018-11-12 09:00", .expected = STATE_COMPLETE},
        {"complete and waived", "2018-11-20", .complete = "2018-11-12 09:00", .waived = "",
         .expected = STATE_COMPLETE},
        {"unknown before all", "2018-11-09", .unscanned = true, .complete = "2018-11-12 09:00",
         .waived = "", .expected = STATE_UNKNOWN},
        {"nowhere to look", "2018-11-09", .unscanned = true, .no_dir = true,
         .expected = STATE_OVERDUE},
        {"waived", "2018-11-09", .waived = "2018-11-12 10:01", .explained = true, .snoozed = "",
         .expected = STATE_WAIVED},
        {"waiver over", "2018-11-09", .waived = "2018-11-12 10:00", .expected = STATE_OVERDUE},
        {"explained", "2018-11-09", .explained = true, .snoozed = "", .expected = STATE_EXPLAINED},
        {"snoozed", "2018-11-09", .snoozed = "2018-11-13 07:30", .have = 1,
         .expected = STATE_SNOOZED},
        {"snooze over", "2018-11-20", .snoozed = "2018-11-12 10:00", .expected = STATE_OPEN},
};

static enum state state_of(const struct state_row *row) {
        struct builder b;
        struct instance_set *set;
        struct history history = history_at(at("2018-01-02 08:00"));
        struct task *task;
        enum state got;

        builder_init(&b);
        task = builder_task(&b, "1", "VP", row->due);
        if (row->opens)
                assert_int_equal(date_parse(row->opens, &task->opens), 0);
        if (row->no_dir)
                task->dir = NULL;
        set = builder_instances(builder_finish(&b));
        history.scanned = !row->unscanned;
        history.explained = row->explained;
        history.complete_at = instant_or(row->complete);
        history.waived_until = instant_or(row->waived);
        history.snoozed_until = instant_or(row->snoozed);
        history.have = &row->have;
        history.n_have = 1;
        got = instance_state(b.model->calendar, &set->items[0], &history, at(now_text));
        instance_set_free(set);
        builder_done(&b);
        return got;
}

static void test_states(void **state) {
        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(state_rows); i++) {
                const struct state_row *row = &state_rows[i];
                enum state got = state_of(row);

                if (got != row->expected)
                        fail_msg("%s: %s, not %s", row->name, state_to_string(got),
                                 state_to_string(row->expected));
                assert_true(state_is_open(got) ==
                            (got == STATE_OVERDUE || got == STATE_PARTIAL || got == STATE_OPEN));
        }
}

/* The shortcut to the first step against the whole ladder. */
static void test_opens_is_the_first_step(void **state) {
        static const char *const policies[] = {
                "-15wd,-1w,-10d > unit",      "-2d,-1w,-30h > unit",
                "-400h > unit | -16d > unit", "0 > unit | +1wd > head",
                "+3d,+2wd,+30h > head",       "+1w every 1w until +3w > head | +8d > unit",
        };
        struct builder *b = *state;
        struct task *task = builder_task(b, "1", "VP", "2018-11-15");
        const struct model *model = builder_finish(b);
        struct instance_set *set;

        for (size_t i = 0; i < ELEMENTSOF(policies); i++) {
                struct history history = history_at(at("2018-11-21 10:00"));
                struct climb_buffer buffer;
                usec_t first;

                task->policy = builder_policy(b, "p", policies[i]);
                set = builder_instances(model);
                assert_int_equal(climb_init(&buffer, model, &set->items[0], &history), 0);
                first = zone_instant(zone_civil(buffer.climb.firings[0].instant).date, 0);
                assert_int_equal(instance_opens(model->calendar, &set->items[0], &history), first);
                climb_done(&buffer);
                instance_set_free(set);
        }
}

static void test_names(void **state) {
        enum episode_cause cause;

        (void)state;
        for (int i = 0; i < _EPISODE_CAUSE_MAX; i++) {
                assert_int_equal(episode_cause_from_string(episode_cause_to_string(i), &cause), 0);
                assert_int_equal(cause, i);
        }
        assert_int_equal(episode_cause_from_string("never", &cause), -EINVAL);
        for (int i = 0; i < _STATE_MAX; i++)
                assert_non_null(state_to_string(i));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_keys_and_order, setup, teardown),
                cmocka_unit_test_setup_teardown(test_repeat, setup, teardown),
                cmocka_unit_test_setup_teardown(test_placeholders, setup, teardown),
                cmocka_unit_test_setup_teardown(test_titles_and_folders, setup, teardown),
                cmocka_unit_test_setup_teardown(test_requirements, setup, teardown),
                cmocka_unit_test_setup_teardown(test_problems, setup, teardown),
                cmocka_unit_test_setup_teardown(test_rule_beyond_the_horizon, setup, teardown),
                cmocka_unit_test_setup_teardown(test_deadline, setup, teardown),
                cmocka_unit_test(test_states),
                cmocka_unit_test_setup_teardown(test_opens_is_the_first_step, setup, teardown),
                cmocka_unit_test(test_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
