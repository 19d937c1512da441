/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Models made by hand, for tests of what works on them: a department with three units, and whatever tasks and policies a
 * test adds. Everything is changeable until builder_finish(). A mistake in a test's text fails the test.
 */

#include "core/instance.h"
#include "core/model.h"
#include "core/planner.h"

#define BUILDER_MAX 64 /* tasks, policies, reports, days off */

struct builder {
        struct arena *arena;
        struct model *model; /* units and roles may be changed in place */
        struct calendar_settings calendar;
        struct day_range off[BUILDER_MAX], work[BUILDER_MAX];
        struct unit *units; /* VP, KHTC, TTTK: <id>@d.example, head <id>.head@d.example */
        struct task *tasks; /* BUILDER_MAX */
        struct policy *policies;
        struct report *reports;
};

/** Zone Asia/Ho_Chi_Minh, Mon-Fri, send_at 07:30, window 07:00-18:00; coordinator, deputy, director, administrator;
 *  policy "default" of the design. */
void builder_init(struct builder *b);
void builder_done(struct builder *b); /* frees the model too */

void builder_off(struct builder *b, const char *first, const char *last);
void builder_work(struct builder *b, const char *date);
/**
 * builder_policy() - "-5wd,-1wd > unit | 0 > unit ; head | +1wd every 1wd until +4wd > head ; unit,coordinator"
 * Steps between '|', To behind '>', Cc behind ';'.
 */
struct policy *builder_policy(struct builder *b, const char *id, const char *text);
/**
 * builder_task() - a tracked task with one need of one file ("*.pdf") in the folder of its id
 * @dues: "2018-03-05 quý I, 2018-06-05 16:30, …": dates with a time, or a label, or both; NULL: no deadline
 */
struct task *builder_task(struct builder *b, const char *id, const char *unit, const char *dues);
const struct unit **builder_units(struct builder *b, const char *ids,
                                  size_t *ret_n);                           /* "VP,KHTC" */
struct address_list builder_addresses(struct builder *b, const char *list); /* "a@x, b@x" */
struct string_list builder_strings(struct builder *b, const char *list);
const struct recurrence *builder_rule(struct builder *b, const char *text);
struct report *builder_report(struct builder *b, const char *id, const char *rule, int at,
                              const char *to, const char *cc);

/** builder_finish() - sorts the tasks, makes the calendar. Return: the model, owned by the builder. */
const struct model *builder_finish(struct builder *b);
/** The set of all instances up to 2030. */
struct instance_set *builder_instances(const struct model *model);

usec_t at(const char *text); /* "2018-11-12 07:30" in the zone */
/** A history as of a first look at @now: scanned, nothing filed. */
struct history history_at(usec_t now);
