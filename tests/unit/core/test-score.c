/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "core/model-builder.h"
#include "core/score.h"

#define NOW "2018-11-12 10:00"

static void test_bucket(void **state) {
        static const struct {
                const char *due; /* NULL: none */
                bool complete, late, waived, explained, snoozed, unscanned;
                enum bucket expected;
        } rows[] = {
                {"2018-11-20", .expected = BUCKET_PENDING},
                {"2018-11-19", .expected = BUCKET_DUE_SOON}, /* five working days */
                {"2018-11-12", .expected = BUCKET_DUE_SOON},
                {"2018-11-09", .expected = BUCKET_OVERDUE},
                {NULL, .expected = BUCKET_PENDING},
                {"2018-11-09", .complete = true, .expected = BUCKET_COMPLETE},
                {"2018-11-09", .late = true, .expected = BUCKET_COMPLETE},
                {"2018-11-09", .waived = true, .expected = BUCKET_WAIVED},
                {"2018-11-09", .explained = true, .expected = BUCKET_OVERDUE},
                {"2018-11-14", .explained = true, .expected = BUCKET_DUE_SOON},
                {"2018-11-30", .snoozed = true, .expected = BUCKET_PENDING},
                {"2018-11-09", .snoozed = true, .expected = BUCKET_OVERDUE},
                {"2018-11-14", .unscanned = true, .expected = BUCKET_DUE_SOON},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                struct history history = history_at(at("2018-01-01 08:00"));
                struct builder b;
                struct instance_set *set;

                builder_init(&b);
                builder_task(&b, "1", "VP", rows[i].due);
                set = builder_instances(builder_finish(&b));
                history.complete_at = rows[i].complete ? at("2018-11-05 08:00")
                                      : rows[i].late   ? at("2018-11-12 08:00")
                                                       : 0;
                history.waived_until = rows[i].waived ? USEC_INFINITY : 0;
                history.explained = rows[i].explained;
                history.snoozed_until = rows[i].snoozed ? USEC_INFINITY : 0;
                history.scanned = !rows[i].unscanned;
                if (score_bucket(b.model->calendar, &set->items[0], &history, at(NOW)) !=
                    rows[i].expected)
                        fail_msg("row %zu: not %s", i, bucket_to_string(rows[i].expected));
                instance_set_free(set);
                builder_done(&b);
        }
}

static void assert_adds_up(const struct score *score) {
        points_t sum = 0;

        for (int i = 0; i < _BUCKET_MAX; i++)
                sum += score->points[i];
        assert_int_equal(sum, score->max);
}

static void test_board(void **state) {
        static struct area areas[] = {{.id = "1"}, {.id = "2"}};
        struct history open = history_at(at("2018-01-01 08:00")), done = open, waived = open;
        const struct history *histories[16];
        struct scoreboard board;
        struct instance_set *set;
        struct builder b;
        struct task *task;

        (void)state;
        builder_init(&b);
        b.model->areas = areas;
        b.model->n_areas = 2;
        builder_task(&b, "1.1", "VP", "2018-11-09, 2018-12-20")->points = 250;
        builder_task(&b, "1.2", "VP", "2018-11-09, 2018-12-20")->points = 150;
        builder_task(&b, "1.3", "KHTC", "2018-11-09, 2018-11-10")->points = 100;
        builder_task(&b, "1.4", "KHTC", "2018-11-09")->points = 50;
        task = builder_task(&b, "2.1", "VP", "2018-11-09");
        task->points = 300;
        task->each_unit = builder_units(&b, "VP,TTTK", &task->n_each_unit);
        task->unit = NULL;
        task = builder_task(&b, "2.2", "VP", NULL);
        task->points = 400;
        task->tracked = false;
        task->unit = NULL;
        task = builder_task(&b, "2.3", "VP", "2050-01-01");
        task->points = 70;
        task->repeat = builder_rule(&b, "FREQ=YEARLY");
        for (size_t i = 0; i < b.model->n_tasks; i++)
                b.tasks[i].area = &areas[b.tasks[i].id[0] - '1'];
        set = builder_instances(builder_finish(&b));
        assert_int_equal(set->n, 9);
        done.complete_at = at("2018-11-05 08:00");
        waived.waived_until = USEC_INFINITY;
        for (size_t i = 0; i < set->n; i++)
                histories[i] = &open;
        histories[instance_set_find(set, "1.2@2018-11-09")->index] = &done;
        histories[instance_set_find(set, "1.3@2018-11-09")->index] = &done;
        histories[instance_set_find(set, "1.3@2018-11-10")->index] = &waived;
        histories[instance_set_find(set, "1.4@2018-11-09")->index] = &waived;
        histories[instance_set_find(set, "2.1@2018-11-09/TTTK")->index] = &done;
        assert_int_equal(scoreboard_compute(b.model, set, histories, at(NOW), &board), 0);

        static const enum bucket expected[] = {BUCKET_OVERDUE, BUCKET_PENDING, BUCKET_COMPLETE,
                                               BUCKET_WAIVED,  BUCKET_OVERDUE, BUCKET_SURVEYED,
                                               BUCKET_PENDING};
        for (size_t i = 0; i < ELEMENTSOF(expected); i++)
                assert_int_equal(board.tasks[i], expected[i]);
        assert_int_equal(board.total.max, 1320);
        assert_int_equal(board.total.points[BUCKET_OVERDUE], 550);
        assert_int_equal(board.total.points[BUCKET_PENDING], 220);
        assert_int_equal(board.total.points[BUCKET_COMPLETE], 100);
        assert_int_equal(board.total.points[BUCKET_WAIVED], 50);
        assert_int_equal(board.total.points[BUCKET_SURVEYED], 400);
        assert_int_equal(board.total.tasks[BUCKET_OVERDUE], 2);
        assert_int_equal(board.areas[0].max, 550);
        assert_int_equal(board.areas[1].max, 770);
        /* Each unit by its own copy, and none of it left over for the next task. */
        assert_int_equal(board.units[0].max, 770);
        assert_int_equal(board.units[0].points[BUCKET_OVERDUE], 550);
        assert_int_equal(board.units[1].points[BUCKET_COMPLETE], 100);
        assert_int_equal(board.units[2].points[BUCKET_COMPLETE], 300);
        assert_adds_up(&board.total);
        for (size_t i = 0; i < 2; i++)
                assert_adds_up(&board.areas[i]);
        for (size_t i = 0; i < b.model->n_units; i++)
                assert_adds_up(&board.units[i]);
        scoreboard_done(&board);
        instance_set_free(set);
        builder_done(&b);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_bucket),
                cmocka_unit_test(test_board),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
