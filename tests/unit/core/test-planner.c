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

/* One task, one instance, one history, and what it needs at some instants. */
struct single {
        struct builder b;
        struct task *task;
        const struct model *model;
        struct instance_set *set;
        const struct instance *instance;
        struct history history;
        struct record records[64];
};

static void single_init(struct single *s, const char *policy, const char *due, const char *known) {
        memset(s, 0, sizeof(*s));
        builder_init(&s->b);
        s->task = builder_task(&s->b, "1", "VP", due);
        if (policy)
                s->task->policy = builder_policy(&s->b, "p", policy);
        s->model = builder_finish(&s->b);
        s->set = builder_instances(s->model);
        s->instance = &s->set->items[0];
        s->history = history_at(at(known));
        s->history.records = s->records;
}

static void single_done(struct single *s) {
        instance_set_free(s->set);
        builder_done(&s->b);
}

static void record(struct single *s, const char *offset, const char *fired, enum record_kind kind) {
        struct record *r = &s->records[s->history.n_records++];

        *r = (struct record){
                .episode = s->history.episode,
                .deadline = instance_deadline(s->model->calendar, s->instance, &s->history).instant,
                .fired = at(fired),
                .at = at(fired),
                .kind = kind,
        };
        assert_int_equal(offset_parse(offset, &r->offset), 0);
}

/* "due -3wd", "due -3wd late", "next -1wd 2018-11-22 07:30", "ended", "nothing" */
static void describe(const struct single *s, const char *now, char *buf, size_t size) {
        char offset[OFFSET_BUFFER], when[INSTANT_BUFFER];
        struct outlook o;

        outlook_of(s->model, s->instance, &s->history, at(now), &o);
        if (o.rung)
                offset_format(o.rung->offset, offset);
        if (o.next != USEC_INFINITY) {
                zone_format(o.next, when);
                when[10] = ' ';
                when[16] = '\0';
        }
        if (o.ladder_ended)
                snprintf(buf, size, "ended");
        else if (o.due)
                snprintf(buf, size, "due %s%s", offset, o.caught_up ? " late" : "");
        else if (o.next != USEC_INFINITY)
                snprintf(buf, size, "next %s %s", o.rung ? offset : "-", when);
        else
                snprintf(buf, size, "nothing");
}

static void assert_outlook(const struct single *s, const char *now, const char *expected) {
        char got[128];

        describe(s, now, got, sizeof(got));
        if (strcmp(got, expected) != 0)
                fail_msg("at %s: '%s', not '%s'", now, got, expected);
}

/* ---- first looks ---- */

static void test_first_look(void **state) {
        static const struct {
                const char *policy, *due, *known, *expected;
        } rows[] = {
                /* Thursday 2018-11-15 is due; steps on 10-25, 11-01, 11-08, 11-12, 11-14, 11-15, 11-16 … */
                {NULL, "2018-11-15", "2018-10-01 10:00", "next -15wd 2018-10-25 07:30"},
                {NULL, "2018-11-15", "2018-10-25 07:30", "due -15wd"},
                {NULL, "2018-11-15", "2018-10-25 07:29", "next -15wd 2018-10-25 07:30"},
                {NULL, "2018-11-15", "2018-10-25 07:45", "due -15wd"},
                {NULL, "2018-11-15", "2018-10-25 07:46", "due -15wd late"},
                {NULL, "2018-11-15", "2018-11-09 10:00", "due -5wd late"},
                {NULL, "2018-11-15", "2018-11-09 18:00", "due -5wd late"},
                /* too late today; the next step fires when it would leave, and takes its place */
                {NULL, "2018-11-15", "2018-11-09 18:01", "next -3wd 2018-11-12 07:30"},
                {NULL, "2018-11-15", "2018-11-09 07:10", "next -5wd 2018-11-09 07:30"},
                {NULL, "2018-11-15", "2018-11-10 10:00", "next -3wd 2018-11-12 07:30"},
                /* Already late: from the foot of the ladder. */
                {NULL, "2018-11-15", "2018-11-15 23:00", "next +1wd 2018-11-16 07:30"},
                {NULL, "2018-11-15", "2018-12-20 06:00", "next +1wd 2018-12-20 07:30"},
                {NULL, "2018-11-15", "2018-12-20 10:00", "due +1wd late"},
                {NULL, "2018-11-15", "2018-12-22 10:00", "next +1wd 2018-12-24 07:30"},
                /* Hours: in the window at their instant, else before or after it. */
                {"-2h > unit", "2018-11-15 16:30", "2018-11-15 14:29", "next -2h 2018-11-15 14:30"},
                {"-2h > unit", "2018-11-15 16:30", "2018-11-15 14:30", "due -2h"},
                {"+2h > head", "2018-11-15 17:00", "2018-11-15 10:00", "next +2h 2018-11-16 07:30"},
                {"+1h > head", "2018-11-15 17:00", "2018-11-15 10:00", "next +1h 2018-11-15 18:00"},
                /* Ten minutes late is prompt, but not outside the window. */
                {"+1h > head", "2018-11-15 17:00", "2018-11-15 18:10", "next +1h 2018-11-16 07:30"},
                {"-40h > unit", "2018-11-16 00:00", "2018-11-14 08:05", "due -40h"},
                /* Nothing to climb. */
                {NULL, NULL, "2018-11-15 10:00", "nothing"},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                struct single s;

                single_init(&s, rows[i].policy, rows[i].due, rows[i].known);
                assert_outlook(&s, rows[i].known, rows[i].expected);
                single_done(&s);
        }
}

/* ---- records ---- */

static void test_level_not_edge(void **state) {
        struct single s;

        (void)state;
        single_init(&s, NULL, "2018-11-15", "2018-10-01 10:00");
        record(&s, "-15wd", "2018-10-25 07:30", RECORD_SENT);
        assert_outlook(&s, "2018-10-25 07:30", "next -10wd 2018-11-01 07:30");
        /* A week without the service: the most severe step only. */
        assert_outlook(&s, "2018-11-13 10:00", "due -3wd late");
        record(&s, "-10wd", "2018-11-13 10:00", RECORD_SUPERSEDED);
        assert_outlook(&s, "2018-11-13 10:00", "due -3wd late");
        record(&s, "-3wd", "2018-11-13 10:00", RECORD_SUPERSEDED);
        assert_outlook(&s, "2018-11-13 10:00", "due -3wd late");
        record(&s, "-3wd", "2018-11-12 07:30", RECORD_SENT);
        assert_outlook(&s, "2018-11-13 10:00", "next -1wd 2018-11-14 07:30");
        /* A record that fires later covers what is before it. */
        record(&s, "+1wd", "2018-11-16 07:30", RECORD_COVERED);
        assert_outlook(&s, "2018-11-15 10:00", "next +1wd 2018-11-16 07:30");
        assert_outlook(&s, "2018-11-16 10:00", "next +2wd 2018-11-19 07:30");
        /* Another episode, another ladder; records of the old one say nothing about it. */
        s.history.episode = 2;
        s.history.episode_began = at("2018-11-16 10:00");
        assert_outlook(&s, "2018-11-16 10:00", "due +1wd late");
        record(&s, "+1wd", "2018-11-16 07:30", RECORD_COVERED);
        assert_outlook(&s, "2018-11-16 10:00", "next +2wd 2018-11-19 07:30");
        single_done(&s);
}

static void test_deadline_changes(void **state) {
        struct single s;

        (void)state;
        single_init(&s, NULL, "2018-11-15", "2018-10-01 10:00");
        record(&s, "-1wd", "2018-11-14 07:30", RECORD_SENT);
        s.history.extended_to = date_from_ymd(2018, 11, 22);
        assert_outlook(&s, "2018-11-15 10:00", "due -5wd late");
        s.history.extended_to = DATE_NONE;
        assert_outlook(&s, "2018-11-15 10:00", "due 0 late");
        s.history.passed = s.instance->deadline;
        s.history.passed.effective = date_from_ymd(2018, 11, 14);
        s.history.passed.instant = at("2018-11-15 00:00");
        assert_outlook(&s, "2018-11-15 07:00", "next +1wd 2018-11-15 07:30");
        single_done(&s);
}

static void test_moved_clocks_send_nothing_again(void **state) {
        static const int send_at[] = {8 * 3600, 7 * 3600 + 1800, 9 * 3600 + 60};
        struct single s;

        (void)state;
        single_init(&s, NULL, "2018-11-15", "2018-10-01 10:00");
        record(&s, "-3wd", "2018-11-12 07:30", RECORD_SENT);
        for (size_t i = 0; i < ELEMENTSOF(send_at); i++) {
                s.b.calendar.send_at = send_at[i];
                builder_finish(&s.b);
                for (int minute = 0; minute < 60 * 14; minute++) {
                        struct outlook o;

                        outlook_of(s.model, s.instance, &s.history,
                                   at("2018-11-12 06:00") + minute * USEC_PER_MINUTE, &o);
                        assert_false(o.due);
                }
        }
        single_done(&s);
}

static void test_offset_that_is_gone(void **state) {
        struct single s;

        (void)state;
        /* The policy has been edited: -2wd stood on 11-13. */
        single_init(&s, "-5wd,-3wd,-1wd > unit | +1wd > head", "2018-11-15", "2018-10-01 10:00");
        record(&s, "-2wd", "2018-11-13 07:30", RECORD_SENT);
        assert_outlook(&s, "2018-11-13 10:00", "next -1wd 2018-11-14 07:30");
        assert_outlook(&s, "2018-11-14 10:00", "due -1wd late");
        single_done(&s);
        /* It counts where it would fire today (on 11-09), not where it fired before a change of the calendar. */
        single_init(&s, "-5wd,-3wd,-1wd > unit", "2018-11-15", "2018-10-01 10:00");
        record(&s, "-4wd", "2018-11-12 07:30", RECORD_SENT);
        assert_outlook(&s, "2018-11-12 10:00", "due -3wd late");
        single_done(&s);
}

static void test_decisions(void **state) {
        struct single s;

        (void)state;
        single_init(&s, NULL, "2018-11-15", "2018-10-01 10:00");
        s.history.snoozed_until = at("2018-11-19 07:30");
        assert_outlook(&s, "2018-11-13 10:00", "next - 2018-11-19 07:30");
        s.history.waived_until = at("2018-11-16 07:30");
        assert_outlook(&s, "2018-11-13 10:00", "next - 2018-11-16 07:30");
        s.history.waived_until = USEC_INFINITY;
        s.history.snoozed_until = 0;
        assert_outlook(&s, "2018-11-13 10:00", "nothing");
        s.history.waived_until = 0;
        s.history.explained = true;
        assert_outlook(&s, "2018-11-13 10:00", "nothing");
        s.history.explained = false;
        assert_outlook(&s, "2018-11-13 10:00", "due -3wd late");
        s.history.unverified = true; /* the last state stands */
        assert_outlook(&s, "2018-11-13 10:00", "due -3wd late");
        s.history.complete_at = at("2018-11-13 09:59");
        assert_outlook(&s, "2018-11-13 10:00", "nothing");
        s.history.complete_at = 0;
        s.history.scanned = false;
        assert_outlook(&s, "2018-11-13 10:00", "nothing");
        single_done(&s);
}

static void test_ladder_end(void **state) {
        struct single s;

        (void)state;
        single_init(&s, "0 > unit | +1wd > head", "2018-11-15", "2018-10-01 10:00");
        assert_outlook(&s, "2018-11-16 10:00", "due +1wd late");
        record(&s, "+1wd", "2018-11-16 07:30", RECORD_SENT);
        /* Friday's send_at is when it was sent; the next is Monday's. */
        assert_outlook(&s, "2018-11-16 07:30", "next - 2018-11-19 07:30");
        assert_outlook(&s, "2018-11-18 07:30", "next - 2018-11-19 07:30");
        assert_outlook(&s, "2018-11-19 07:30", "ended");
        assert_outlook(&s, "2018-11-19 18:00", "ended");
        assert_outlook(&s, "2018-11-19 18:01", "next - 2018-11-20 07:30");
        s.history.ladder_end_told = true;
        assert_outlook(&s, "2018-11-20 10:00", "nothing");
        single_done(&s);
}

static void test_opens_and_closes(void **state) {
        struct single s;

        (void)state;
        single_init(&s, NULL, "2018-11-15", "2018-10-01 10:00");
        s.task->opens = date_from_ymd(2018, 11, 10);
        assert_outlook(&s, "2018-11-09 10:00", "next -3wd 2018-11-12 07:30");
        s.b.model->organization.closes = date_from_ymd(2018, 11, 16);
        record(&s, "+1wd", "2018-11-16 07:30", RECORD_SENT);
        assert_outlook(&s, "2018-11-16 10:00", "next - 2018-11-19 07:30");
        s.task->closes = date_from_ymd(2018, 11, 19); /* the task's own wins */
        assert_outlook(&s, "2018-11-16 10:00", "next +2wd 2018-11-19 07:30");
        single_done(&s);
}

static void test_long_ladder(void **state) {
        struct single s;

        (void)state;
        single_init(&s, "+1wd every 1wd until +300wd > head | -1wd > unit", "2018-11-15",
                    "2018-10-01 10:00");
        assert_true(s.task->policy->n_rungs > CLIMB_ON_STACK);
        assert_outlook(&s, "2018-11-14 10:00", "due -1wd late");
        assert_outlook(&s, "2019-11-15 10:00", "due +261wd late");
        single_done(&s);
}

/* ---- reminder_of, explain ---- */

static void test_reminder(void **state) {
        struct single s;
        struct reminder r;
        struct notice notice;
        uint32_t have = 1;

        (void)state;
        single_init(&s, NULL, "2018-11-15", "2018-10-01 10:00");
        record(&s, "-15wd", "2018-10-25 07:30", RECORD_SENT);
        assert_int_equal(reminder_of(s.model, s.instance, &s.history, at("2018-11-14 10:00"), &r),
                         0);
        assert_int_equal(r.rung->offset.count, -1);
        assert_int_equal(r.fired, at("2018-11-14 07:30"));
        assert_true(r.caught_up);
        assert_int_equal(r.n_superseded, 3);
        assert_int_equal(r.superseded[0].rung->offset.count, -10);
        assert_int_equal(r.superseded[0].fired, at("2018-11-01 07:30"));
        assert_int_equal(r.superseded[2].rung->offset.count, -3);
        assert_true(r.next.exists);
        assert_int_equal(r.next.offset.count, 0);
        assert_int_equal(r.next.at, at("2018-11-15 07:30"));
        assert_ptr_equal(r.next.step, &s.task->policy->steps[1]);
        free((void *)r.superseded);

        s.history.have = &have;
        s.history.n_have = 1;
        notice = notice_from_reminder(s.model, &r, at("2018-11-14 10:00"));
        assert_int_equal(notice.kind, NOTICE_REMINDER);
        assert_int_equal(notice.state, STATE_PARTIAL);
        assert_int_equal(notice.days_left, 1);
        assert_int_equal(notice.n_reminded, 1);
        assert_int_equal(notice.last_reminded, at("2018-10-25 07:30"));
        assert_int_equal(notice.fired, r.fired);
        assert_string_equal(notice.unit->id, "VP");

        /* What is written down as superseded is no news. */
        record(&s, "-10wd", "2018-11-14 10:00", RECORD_SUPERSEDED);
        assert_int_equal(reminder_of(s.model, s.instance, &s.history, at("2018-11-14 10:00"), &r),
                         0);
        assert_int_equal(r.n_superseded, 2);
        free((void *)r.superseded);

        assert_int_equal(reminder_of(s.model, s.instance, &s.history, at("2018-10-26 10:00"), &r),
                         0);
        assert_null(r.rung);
        single_done(&s);
}

static void test_explain(void **state) {
        static const struct {
                const char *now, *statuses;
                bool complete;
        } rows[] = {
                {"2018-11-14 10:00", "sent superseded missed covered due coming coming"},
                {"2018-11-13 10:00", "sent superseded missed covered coming coming coming"},
                {"2018-11-15 10:00", "sent superseded missed covered missed due coming"},
                {"2018-11-15 10:00", "sent superseded missed covered missed missed coming", true},
        };
        struct ladder_row ladder[64];
        struct single s;

        (void)state;
        single_init(&s, "-15wd,-10wd,-5wd,-3wd,-1wd > unit | 0 > unit | +1wd > head", "2018-11-15",
                    "2018-10-01 10:00");
        record(&s, "-15wd", "2018-10-25 07:30", RECORD_SENT);
        record(&s, "-10wd", "2018-11-12 07:30", RECORD_SUPERSEDED);
        record(&s, "-3wd", "2018-11-12 07:30", RECORD_COVERED);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char got[256] = "";
                size_t n;

                s.history.complete_at = rows[i].complete ? at("2018-11-14 09:00") : 0;
                n = ladder_explain(s.model, s.instance, &s.history, at(rows[i].now), ladder);
                for (size_t k = 0; k < n; k++)
                        snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s", k ? " " : "",
                                 ladder_status_to_string(ladder[k].status));
                assert_string_equal(got, rows[i].statuses);
                assert_int_equal(ladder[0].at, at("2018-10-25 07:30"));
                assert_int_equal(ladder[5].at, 0);
        }
        single_done(&s);
}

/* ---- the planner over many ---- */

static void test_planner_runs_what_is_due(void **state) {
        struct builder b;
        struct history histories[3];
        struct record sent = {.kind = RECORD_SENT, .episode = 1};
        const struct model *model;
        struct instance_set *set;
        struct planner *p;
        struct plan plan;

        (void)state;
        builder_init(&b);
        builder_task(&b, "1", "VP", "2018-11-15");
        builder_task(&b, "2", "VP", "2018-11-15");
        builder_task(&b, "3", "VP", "2018-12-20");
        model = builder_finish(&b);
        set = builder_instances(model);
        p = planner_new(model, set);
        assert_int_equal(planner_next(p), USEC_INFINITY);
        for (size_t i = 0; i < 3; i++) {
                histories[i] = history_at(at("2018-11-12 07:00"));
                planner_update(p, 2 - i, &histories[2 - i], at("2018-11-12 07:00"));
        }
        assert_int_equal(planner_next(p), at("2018-11-12 07:30"));
        assert_int_equal(planner_run(p, at("2018-11-12 07:29"), &plan), 0);
        assert_int_equal(plan.n_reminders, 0);
        assert_int_equal(plan.next, at("2018-11-12 07:30"));
        plan_done(&plan);

        /* Not recorded: due again, and still worth no waking before the next step. */
        for (int i = 0; i < 2; i++) {
                assert_int_equal(planner_run(p, at("2018-11-12 07:31"), &plan), 0);
                assert_int_equal(plan.n_reminders, 2);
                assert_ptr_equal(plan.reminders[0].instance, &set->items[0]);
                assert_ptr_equal(plan.reminders[1].instance, &set->items[1]);
                assert_int_equal(plan.next, at("2018-11-14 07:30"));
                assert_true(planner_next(p) <= at("2018-11-12 07:31"));
                plan_done(&plan);
        }
        sent.deadline = set->items[0].deadline.instant;
        sent.offset = (struct offset){-3, OFFSET_WORKING_DAYS};
        sent.fired = at("2018-11-12 07:30");
        histories[0].records = &sent;
        histories[0].n_records = 1;
        planner_update(p, 0, &histories[0], at("2018-11-12 07:31"));
        assert_int_equal(planner_run(p, at("2018-11-12 07:31"), &plan), 0);
        assert_int_equal(plan.n_reminders, 1);
        plan_done(&plan);
        planner_update(p, 1, NULL, at("2018-11-12 07:31"));
        assert_int_equal(planner_run(p, at("2018-11-12 07:31"), &plan), 0);
        assert_int_equal(plan.n_reminders, 0);
        assert_int_equal(plan.next, at("2018-11-14 07:30"));
        plan_done(&plan);
        planner_free(p);
        instance_set_free(set);
        builder_done(&b);
}

static void test_horizon(void **state) {
        struct builder b;

        (void)state;
        builder_init(&b);
        assert_true(planner_horizon(b.model, date_from_ymd(2018, 1, 1)) >=
                    date_from_ymd(2018, 2, 1));
        builder_policy(&b, "p", "-50w > unit");
        assert_true(planner_horizon(b.model, date_from_ymd(2018, 1, 1)) >=
                    date_from_ymd(2018, 12, 17));
        assert_int_equal(planner_horizon(b.model, date_from_ymd(2199, 12, 1)),
                         date_from_ymd(2199, 12, 31));
        builder_done(&b);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_first_look),
                cmocka_unit_test(test_level_not_edge),
                cmocka_unit_test(test_deadline_changes),
                cmocka_unit_test(test_moved_clocks_send_nothing_again),
                cmocka_unit_test(test_offset_that_is_gone),
                cmocka_unit_test(test_decisions),
                cmocka_unit_test(test_ladder_end),
                cmocka_unit_test(test_opens_and_closes),
                cmocka_unit_test(test_long_ladder),
                cmocka_unit_test(test_reminder),
                cmocka_unit_test(test_explain),
                cmocka_unit_test(test_planner_runs_what_is_due),
                cmocka_unit_test(test_horizon),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
