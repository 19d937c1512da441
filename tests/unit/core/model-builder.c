/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/zone.h"
#include "core/model-builder.h"

#define DEFAULT_POLICY                                                                             \
        "-15wd,-10wd,-5wd,-3wd,-1wd > unit | 0 > unit ; head"                                      \
        "| +1wd every 1wd until +4wd > head ; unit,coordinator"                                    \
        "| +5wd every 1wd until +9wd > deputy ; head,coordinator"                                  \
        "| +10wd every 5wd until +40wd > director ; deputy,head,coordinator"
#define WEEK (1u << MONDAY | 1u << TUESDAY | 1u << WEDNESDAY | 1u << THURSDAY | 1u << FRIDAY)

/* Cuts @s at the first @c. Return: what is behind it, NULL when there is none. */
static char *cut(char *s, char c) {
        char *p = strchr(s, c);

        if (!p)
                return NULL;
        *p = '\0';
        return p + 1;
}

static char *trim(char *s) {
        size_t n;

        while (*s == ' ')
                s++;
        for (n = strlen(s); n > 0 && s[n - 1] == ' '; n--)
                s[n - 1] = '\0';
        return s;
}

usec_t at(const char *text) {
        usec_t t;

        assert_int_equal(zone_parse(text, &t), 0);
        return t;
}

static date_t day(const char *text) {
        date_t d;

        assert_int_equal(date_parse(text, &d), 0);
        return d;
}

struct string_list builder_strings(struct builder *b, const char *list) {
        char *copy = arena_strdup(b->arena, list ? list : ""), *next;
        const char **items = arena_new_array(b->arena, const char *, BUILDER_MAX);
        struct string_list ret = {.items = items};

        for (char *s = copy; s; s = next) {
                next = cut(s, ',');
                s = trim(s);
                if (*s)
                        items[ret.n++] = s;
        }
        return ret;
}

struct address_list builder_addresses(struct builder *b, const char *list) {
        struct string_list specs = builder_strings(b, list);
        struct address *items = arena_new_array(b->arena, struct address, specs.n);

        for (size_t i = 0; i < specs.n; i++) {
                char *key = arena_strdup(b->arena, specs.items[i]);

                for (char *c = key; *c; c++)
                        if (*c >= 'A' && *c <= 'Z')
                                *c = (char)(*c - 'A' + 'a');
                items[i] = (struct address){.spec = specs.items[i], .key = key};
        }
        return (struct address_list){.items = items, .n = specs.n};
}

const struct recurrence *builder_rule(struct builder *b, const char *text) {
        const struct recurrence *rule;
        const char *error;

        assert_int_equal(recurrence_parse(b->arena, text, &rule, &error), 0);
        return rule;
}

static void add_unit(struct builder *b, const char *id) {
        struct role *head = arena_new_array(b->arena, struct role, BUILDER_MAX);
        struct unit *unit = &b->units[b->model->n_units];
        char text[64];

        snprintf(text, sizeof(text), "%s.head@d.example", id);
        head->name = "head";
        head->who = builder_addresses(b, text);
        snprintf(text, sizeof(text), "%s@d.example", id);
        *unit = (struct unit){
                .id = id,
                .name = id,
                .mail = builder_addresses(b, text),
                .roles = {.items = head, .n = 1},
                .index = b->model->n_units++,
        };
}

static void add_roles(struct builder *b) {
        static const char *const names[] = {"coordinator", "deputy", "director", "administrator"};
        struct role *roles = arena_new_array(b->arena, struct role, ELEMENTSOF(names));
        char text[64];

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                snprintf(text, sizeof(text), "%s@d.example", names[i]);
                roles[i] = (struct role){.name = names[i], .who = builder_addresses(b, text)};
        }
        b->model->roles = (struct role_list){.items = roles, .n = ELEMENTSOF(names)};
}

void builder_init(struct builder *b) {
        *b = (struct builder){.arena = arena_new()};
        assert_non_null(b->arena);
        assert_int_equal(zone_init("Asia/Ho_Chi_Minh"), 0);
        b->model = arena_new_array(b->arena, struct model, 1);
        b->model->arena = b->arena;
        b->model->organization.closes = DATE_NONE;
        b->units = arena_new_array(b->arena, struct unit, BUILDER_MAX);
        b->tasks = arena_new_array(b->arena, struct task, BUILDER_MAX);
        b->policies = arena_new_array(b->arena, struct policy, BUILDER_MAX);
        b->reports = arena_new_array(b->arena, struct report, BUILDER_MAX);
        b->model->units = b->units;
        b->model->tasks = b->tasks;
        b->model->policies = b->policies;
        b->model->reports = b->reports;
        b->calendar = (struct calendar_settings){
                .workdays = WEEK,
                .send_at = 7 * 3600 + 1800,
                .window_start = 7 * 3600,
                .window_end = 18 * 3600,
                .close_of_day = 86400,
                .off = b->off,
                .work = b->work,
        };
        add_unit(b, "VP");
        add_unit(b, "KHTC");
        add_unit(b, "TTTK");
        add_roles(b);
        builder_policy(b, "default", DEFAULT_POLICY);
}

void builder_done(struct builder *b) { b->model = model_free(b->model); }

void builder_off(struct builder *b, const char *first, const char *last) {
        assert_true(b->calendar.n_off < BUILDER_MAX);
        b->off[b->calendar.n_off++] = (struct day_range){.first = day(first), .last = day(last)};
}

void builder_work(struct builder *b, const char *date) {
        assert_true(b->calendar.n_work < BUILDER_MAX);
        b->work[b->calendar.n_work++] = (struct day_range){.first = day(date), .last = day(date)};
}

/* "+1wd every 1wd until +4wd" */
static void parse_firings(struct builder *b, char *text, struct step *step) {
        char *every = strstr(text, " every "), *until = strstr(text, " until ");
        struct string_list ats;
        struct offset *offsets;

        if (until) {
                step->has_until = true;
                assert_int_equal(offset_parse(trim(until + 7), &step->until), 0);
                *until = '\0';
        }
        if (every) {
                char with_sign[OFFSET_BUFFER];

                step->has_every = true;
                snprintf(with_sign, sizeof(with_sign), "+%s", trim(every + 7));
                assert_int_equal(offset_parse(with_sign, &step->every), 0);
                *every = '\0';
        }
        ats = builder_strings(b, text);
        offsets = arena_new_array(b->arena, struct offset, ats.n);
        for (size_t i = 0; i < ats.n; i++)
                assert_int_equal(offset_parse(ats.items[i], &offsets[i]), 0);
        step->at = offsets;
        step->n_at = ats.n;
}

static void parse_step(struct builder *b, char *text, struct step *step) {
        char *to = cut(text, '>'), *cc;
        struct string_list roles;

        assert_non_null(to);
        cc = cut(to, ';');
        roles = builder_strings(b, to);
        step->to = roles.items;
        step->n_to = roles.n;
        roles = builder_strings(b, cc);
        step->cc = roles.items;
        step->n_cc = roles.n;
        parse_firings(b, trim(text), step);
}

struct policy *builder_policy(struct builder *b, const char *id, const char *text) {
        struct step *steps = arena_new_array(b->arena, struct step, BUILDER_MAX);
        struct policy *policy = &b->policies[b->model->n_policies++];
        const struct step *bad;
        const char *error;
        char *next;

        assert_true(b->model->n_policies <= BUILDER_MAX);
        policy->id = id;
        policy->steps = steps;
        for (char *s = arena_strdup(b->arena, text); s; s = next) {
                next = cut(s, '|');
                parse_step(b, s, &steps[policy->n_steps++]);
        }
        assert_int_equal(policy_expand(b->arena, policy, &bad, &error), 0);
        return policy;
}

/* "2018-03-05 16:30 quý I" */
static struct due parse_due(struct builder *b, const char *text) {
        char *copy = arena_strdup(b->arena, text), *rest = cut(copy, ' ');
        struct due due = {.date = day(copy), .time_of_day = -1};
        int hour, minute, n = 0;

        if (rest && sscanf(rest, "%d:%d%n", &hour, &minute, &n) == 2) {
                due.time_of_day = hour * 3600 + minute * 60;
                rest = trim(rest + n);
        }
        if (rest && *rest)
                due.label = rest;
        return due;
}

struct task *builder_task(struct builder *b, const char *id, const char *unit, const char *dues) {
        struct string_list texts = builder_strings(b, dues);
        struct due *list = arena_new_array(b->arena, struct due, texts.n);
        struct need *need = arena_new_array(b->arena, struct need, 1);
        struct task *task = &b->tasks[b->model->n_tasks++];

        assert_true(b->model->n_tasks <= BUILDER_MAX);
        for (size_t i = 0; i < texts.n; i++)
                list[i] = parse_due(b, texts.items[i]);
        *need = (struct need){
                .name = "",
                .match = builder_strings(b, "*.pdf"),
                .count = 1,
                .since = DATE_NONE,
                .fold = true,
        };
        *task = (struct task){
                .id = id,
                .title = "Task",
                .points = 100,
                .unit = model_find_unit(b->model, unit),
                .tracked = true,
                .dues = list,
                .n_dues = texts.n,
                .opens = DATE_NONE,
                .closes = DATE_NONE,
                .policy = &b->policies[0],
                .dir = id,
                .recursive = true,
                .needs = need,
                .n_needs = 1,
        };
        assert_non_null(task->unit);
        return task;
}

const struct unit **builder_units(struct builder *b, const char *ids, size_t *ret_n) {
        struct string_list list = builder_strings(b, ids);
        const struct unit **units = arena_new_array(b->arena, const struct unit *, list.n);

        for (size_t i = 0; i < list.n; i++) {
                units[i] = model_find_unit(b->model, list.items[i]);
                assert_non_null(units[i]);
        }
        *ret_n = list.n;
        return units;
}

struct report *builder_report(struct builder *b, const char *id, const char *rule, int second,
                              const char *to, const char *cc) {
        struct report *report = &b->reports[b->model->n_reports++];

        assert_true(b->model->n_reports <= BUILDER_MAX);
        *report = (struct report){
                .id = id,
                .repeat = builder_rule(b, rule),
                .from = DATE_NONE,
                .at = second,
                .to = builder_strings(b, to),
                .cc = builder_strings(b, cc),
        };
        return report;
}

static int compare_tasks(const void *x, const void *y) {
        return text_natural_compare(((const struct task *)x)->id, ((const struct task *)y)->id);
}

const struct model *builder_finish(struct builder *b) {
        qsort(b->tasks, b->model->n_tasks, sizeof(*b->tasks), compare_tasks);
        for (size_t i = 0; i < b->model->n_tasks; i++)
                b->tasks[i].index = i;
        b->model->calendar = calendar_new(b->arena, &b->calendar);
        return b->model;
}

static void fail_on_problem(void *userdata, const struct task *task, const char *text) {
        (void)userdata;
        fail_msg("%s: %s", task->id, text);
}

struct instance_set *builder_instances(const struct model *model) {
        struct instance_set *set = NULL;

        assert_int_equal(
                instance_set_new(model, date_from_ymd(2030, 1, 1), fail_on_problem, NULL, &set), 0);
        return set;
}

struct history history_at(usec_t now) {
        struct history history = HISTORY_INIT;

        history.first_known = now;
        history.episode_began = now;
        history.scanned = true;
        return history;
}
