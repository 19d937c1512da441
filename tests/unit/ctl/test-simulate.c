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
#include "base/strbuf.h"
#include "base/zone.h"
#include "core/model-builder.h"
#include "ctl/simulate.h"

/* "11-12 07:30 reminder VP: 1@2018-11-15 -3wd", one line a mail; what stands before the @ of the first address. */
static int describe(void *userdata, const struct digest *digest, const struct scoreboard *scores) {
        struct strbuf *out = userdata;
        char when[INSTANT_BUFFER], offset[OFFSET_BUFFER];

        (void)scores;
        zone_format(digest->at, when);
        when[10] = ' ';
        strbuf_addf(out, "%.11s %s %.*s:", when + 5, notice_kind_to_string(digest->kind),
                    (int)strcspn(digest->to.items[0]->spec, "@"), digest->to.items[0]->spec);
        for (size_t i = 0; i < digest->items.n; i++) {
                const struct notice *n = &digest->items.items[i];

                strbuf_addf(out, " %s%s%s", n->instance->key, n->rung ? " " : "",
                            n->rung ? offset_format(n->rung->offset, offset) : "");
                if (n->n_reminded > 0)
                        strbuf_addf(out, " (%u)", n->n_reminded);
        }
        strbuf_addc(out, '\n');
        return 0;
}

static void assert_mails(const struct model *model, const char *from, const char *to,
                         struct simulate_completion *completions, size_t n, const char *expected) {
        _cleanup_(strbuf_done) struct strbuf got = STRBUF_INIT;

        assert_int_equal(simulate_run(model, at(from), at(to), completions, n, describe, &got), 0);
        assert_string_equal(strbuf_str(&got), expected);
}

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

static void test_reminders(void **state) {
        struct builder *b = *state;

        builder_policy(b, "p", "-5wd,-3wd,-1wd > unit | 0 > unit | +1wd > head");
        builder_task(b, "1", "VP", "2018-11-15")->policy = &b->policies[1];
        builder_task(b, "2", "VP", "2018-11-20")->policy = &b->policies[1];
        builder_finish(b);
        /* The beginning catches up, the end is not included. */
        assert_mails(b->model, "2018-11-13 10:00", "2018-11-19 07:30", NULL, 0,
                     "11-13 10:00 reminder VP: 1@2018-11-15 -3wd 2@2018-11-20 -5wd\n"
                     "11-14 07:30 reminder VP: 1@2018-11-15 -1wd (1)\n"
                     "11-15 07:30 reminder VP: 1@2018-11-15 0 (2) 2@2018-11-20 -3wd (1)\n"
                     "11-16 07:30 reminder VP.head: 1@2018-11-15 +1wd (3)\n");
        assert_mails(b->model, "2018-11-15 07:30", "2018-11-15 07:31", NULL, 0,
                     "11-15 07:30 reminder VP: 1@2018-11-15 0 2@2018-11-20 -3wd\n");
        assert_mails(b->model, "2018-11-15 07:30", "2018-11-15 07:30", NULL, 0, "");
}

static void test_completions_and_ends(void **state) {
        struct builder *b = *state;
        struct simulate_completion completions[] = {
                {.instance = "1@2018-11-15", .at = at("2018-11-15 07:30")},
                {.instance = "3@2018-11-15", .at = at("2018-11-01 07:30")},
                {.instance = "1@2018-11-15", .at = at("2018-11-14 09:00")},
        };

        builder_policy(b, "p", "-1wd > unit | 0 > unit");
        for (int i = 1; i <= 3; i++)
                builder_task(b,
                             i == 1   ? "1"
                             : i == 2 ? "2"
                                      : "3",
                             "VP", "2018-11-15")
                        ->policy = &b->policies[1];
        builder_finish(b);
        /* The earlier of two counts; what was there before gets no thanks; an open ladder's end is told once. */
        assert_mails(b->model, "2018-11-12 07:00", "2018-12-31 00:00", completions,
                     ELEMENTSOF(completions),
                     "11-14 07:30 reminder VP: 1@2018-11-15 -1wd 2@2018-11-15 -1wd\n"
                     "11-15 07:30 reminder VP: 2@2018-11-15 0 (1)\n"
                     "11-15 07:30 complete VP: 1@2018-11-15 (1)\n"
                     "11-16 07:30 ladder-ended coordinator: 2@2018-11-15 (2)\n");
        completions[1].instance = "4@2018-11-15";
        assert_int_equal(simulate_run(b->model, at("2018-11-12 07:00"), at("2018-12-31 00:00"),
                                      completions, ELEMENTSOF(completions), describe, NULL),
                         -ENOENT);
        assert_false(completions[0].unknown);
        assert_true(completions[1].unknown);
}

static void test_evidence_at_the_firing_instant(void **state) {
        struct builder *b = *state;
        struct simulate_completion completion = {.instance = "1@2018-11-15",
                                                 .at = at("2018-11-15 07:30")};

        builder_policy(b, "p", "0 > unit");
        builder_task(b, "1", "VP", "2018-11-15")->policy = &b->policies[1];
        builder_finish(b);
        assert_mails(b->model, "2018-11-12 07:00", "2018-12-31 00:00", &completion, 1,
                     "11-15 07:30 complete VP: 1@2018-11-15\n");
}

static void test_reports(void **state) {
        struct builder *b = *state;
        struct report *daily;

        builder_policy(b, "p", "-1wd > unit");
        builder_task(b, "1", "VP", "2018-11-15")->policy = &b->policies[1];
        builder_task(b, "2", "KHTC", "2018-11-12")->policy = &b->policies[1];
        daily = builder_report(b, "d", "FREQ=DAILY", 7 * 3600 + 1800, "unit", "head");
        daily->per_unit = daily->only_when_changed = true;
        builder_report(b, "w", "FREQ=WEEKLY;BYDAY=MO", 8 * 3600, "director", "coordinator");
        builder_finish(b);
        /* What is overdue is said every day; a unit has a page from its first step on, but none beside a reminder. */
        assert_mails(b->model, "2018-11-09 07:00", "2018-11-20 00:00", NULL, 0,
                     "11-09 07:30 reminder KHTC: 2@2018-11-12 -1wd\n"
                     "11-12 07:30 ladder-ended coordinator: 2@2018-11-12 (1)\n"
                     "11-12 07:30 report KHTC: 2@2018-11-12 (1)\n"
                     "11-12 08:00 report director:\n"
                     "11-13 07:30 report KHTC: 2@2018-11-12 (1)\n"
                     "11-14 07:30 reminder VP: 1@2018-11-15 -1wd\n"
                     "11-14 07:30 report KHTC: 2@2018-11-12 (1)\n"
                     "11-15 07:30 ladder-ended coordinator: 1@2018-11-15 (1)\n"
                     "11-15 07:30 report KHTC: 2@2018-11-12 (1)\n"
                     "11-15 07:30 report VP: 1@2018-11-15 (1)\n"
                     "11-16 07:30 report KHTC: 2@2018-11-12 (1)\n"
                     "11-16 07:30 report VP: 1@2018-11-15 (1)\n"
                     "11-19 07:30 report KHTC: 2@2018-11-12 (1)\n"
                     "11-19 07:30 report VP: 1@2018-11-15 (1)\n"
                     "11-19 08:00 report director: 2@2018-11-12 (1) 1@2018-11-15 (1)\n");
}

static int stop(void *userdata, const struct digest *digest, const struct scoreboard *scores) {
        unsigned *left = userdata;

        (void)digest;
        (void)scores;
        return --*left == 0 ? -EIO : 0;
}

static void test_stopping(void **state) {
        struct builder *b = *state;
        unsigned left = 2;

        builder_task(b, "1", "VP", "2018-11-15");
        builder_finish(b);
        assert_int_equal(
                simulate_run(b->model, at("2018-01-01"), at("2019-01-01"), NULL, 0, stop, &left),
                -EIO);
        assert_int_equal(left, 0);
        /* A model that its check would refuse. */
        builder_task(b, "2", "VP", "2018-11-15")->title = "{label}";
        builder_finish(b);
        assert_int_equal(
                simulate_run(b->model, at("2018-01-01"), at("2019-01-01"), NULL, 0, stop, &left),
                -EINVAL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_reminders, setup, teardown),
                cmocka_unit_test_setup_teardown(test_completions_and_ends, setup, teardown),
                cmocka_unit_test_setup_teardown(test_evidence_at_the_firing_instant, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(test_reports, setup, teardown),
                cmocka_unit_test_setup_teardown(test_stopping, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
