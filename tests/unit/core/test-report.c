/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* When reports leave; what stands in them: test-notice.c. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/zone.h"
#include "core/model-builder.h"
#include "core/report.h"

struct report_row {
        const char *rule, *from, *after, *expected; /* expected: in order, three */
        int at;
        const char *off; /* the last of two days off */
};

static const struct report_row report_rows[] = {
        {"FREQ=WEEKLY;BYDAY=MO", NULL, "2018-11-12 07:30",
         "2018-11-12 07:30 2018-11-19 07:30 2018-11-26 07:30", 27000},
        {"FREQ=WEEKLY", NULL, "2018-11-12 07:31",
         "2018-11-19 07:30 2018-11-26 07:30 2018-12-03 07:30", 27000},
        /* 11-19 and 11-20 are off here: Wednesday. */
        {"FREQ=WEEKLY;BYDAY=MO", NULL, "2018-11-13 07:30",
         "2018-11-21 07:30 2018-11-26 07:30 2018-12-03 07:30", 27000, "2018-11-20"},
        {"FREQ=DAILY", NULL, "2018-11-16 08:01",
         "2018-11-21 08:00 2018-11-22 08:00 2018-11-23 08:00", 28800, "2018-11-20"},
        {"FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", "2018-11-05", "2018-11-06 00:00",
         "2018-11-21 07:30 2018-12-03 07:30 2018-12-17 07:30", 27000, "2018-11-20"},
        {"FREQ=MONTHLY", NULL, "2018-11-12 07:30",
         "2018-12-03 07:30 2019-01-01 07:30 2019-02-01 07:30", 27000},
        {"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "2016-01-01", "2018-11-12 07:30",
         "2020-03-02 07:30 2024-02-29 07:30 2028-02-29 07:30", 27000},
        {"FREQ=DAILY;UNTIL=20181115", "2018-11-01", "2018-11-14 08:00",
         "2018-11-15 07:30 never never", 27000},
        {"freq=weekly", NULL, "2018-11-12 07:31",
         "2018-11-19 07:30 2018-11-26 07:30 2018-12-03 07:30", 27000},
        /* More dates ago than one rule may have. */
        {"FREQ=DAILY", "1970-01-01", "2018-11-12 08:00",
         "2018-11-13 07:30 2018-11-14 07:30 2018-11-15 07:30", 27000},
        {"FREQ=WEEKLY;COUNT=3;BYDAY=MO", "2018-11-01", "2018-11-12 08:00",
         "2018-11-19 07:30 never never", 27000},
        /* Saturday, and so Monday, and so late that it is Tuesday. */
        {"FREQ=WEEKLY;BYDAY=SA", NULL, "2018-11-13 00:00",
         "2018-11-13 07:00 2018-11-20 07:00 2018-11-27 07:00", 72000},
        /* Outside the window: into it. */
        {"FREQ=DAILY", NULL, "2018-11-12 00:00",
         "2018-11-12 07:00 2018-11-13 07:00 2018-11-14 07:00", 3600},
        {"FREQ=DAILY", NULL, "2018-11-12 00:00",
         "2018-11-12 07:00 2018-11-13 07:00 2018-11-14 07:00", 72000},
};

/* "2018-11-12 07:30 2018-11-19 07:30 never": the next three after @from */
static void next_three(const struct model *model, const struct report *report, usec_t from,
                       char ret[256]) {
        char *end = ret;

        for (int k = 0; k < 3; k++) {
                usec_t next = report_next(model, report, from);
                char when[INSTANT_BUFFER] = "never";

                if (next != USEC_INFINITY) {
                        zone_format(next, when);
                        when[10] = ' ';
                        when[16] = '\0';
                        from = next + 1;
                }
                end += sprintf(end, "%s%s", k ? " " : "", when);
        }
}

static void test_dates(void **state) {
        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(report_rows); i++) {
                const struct report_row *row = &report_rows[i];
                struct report *report;
                struct builder b;
                char got[256];

                builder_init(&b);
                if (row->off)
                        builder_off(&b, "2018-11-19", row->off);
                report = builder_report(&b, "r", row->rule, row->at, "unit", "");
                if (row->from)
                        assert_int_equal(date_parse(row->from, &report->from), 0);
                builder_finish(&b);
                next_three(b.model, report, at(row->after), got);
                assert_string_equal(got, row->expected);
                builder_done(&b);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_dates)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
