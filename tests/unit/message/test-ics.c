/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "base/zone.h"
#include "message/ics.h"

static const struct ics_calendar calendar = {.domain = "d.example",
                                             .stamp = 1541982600 * USEC_PER_SEC};

static struct ics_item item_of(const char *summary, const char *description) {
        struct ics_item item = {.key = "1.2@2018-11-25",
                                .summary = summary,
                                .description = description,
                                .due = 1542992400 * USEC_PER_SEC,
                                .sequence = 2};

        assert_int_equal(date_parse("2018-11-23", &item.day), 0);
        return item;
}

static void test_one_deadline(void **state) {
        struct strbuf b = STRBUF_INIT;
        struct ics_item item = item_of("Tiêu chí 1.2", "a, b; c\\d\ne\rf");

        (void)state;
        ics_begin(&b, &calendar);
        assert_int_equal(ics_add(&b, &calendar, &item), 0);
        ics_end(&b);
        assert_string_equal(
                strbuf_str(&b),
                "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//evidenced//" EVIDENCED_VERSION
                "//EN\r\n"
                "CALSCALE:GREGORIAN\r\n"
                "BEGIN:VTODO\r\nUID:35d167b75c30f4bba7e0be3fa1ab59cd-todo@d.example\r\n"
                "DTSTAMP:20181112T003000Z\r\nSEQUENCE:2\r\nSUMMARY:Tiêu chí 1.2\r\n"
                "DESCRIPTION:a\\, b\\; c\\\\d\\ne "
                "f\r\nDUE:20181123T170000Z\r\nSTATUS:NEEDS-ACTION\r\n"
                "END:VTODO\r\n"
                "BEGIN:VEVENT\r\nUID:35d167b75c30f4bba7e0be3fa1ab59cd@d.example\r\n"
                "DTSTAMP:20181112T003000Z\r\nSEQUENCE:2\r\nSUMMARY:Tiêu chí 1.2\r\n"
                "DESCRIPTION:a\\, b\\; c\\\\d\\ne f\r\n"
                "DTSTART;VALUE=DATE:20181123\r\nDTEND;VALUE=DATE:20181124\r\nTRANSP:TRANSPARENT\r\n"
                "END:VEVENT\r\nEND:VCALENDAR\r\n");
        strbuf_done(&b);
}

static void test_done_and_named(void **state) {
        struct strbuf b = STRBUF_INIT;
        struct ics_item item = item_of("x", NULL);
        struct ics_calendar named = calendar;

        (void)state;
        named.name = "Hạn, của đơn vị";
        item.done = true;
        ics_begin(&b, &named);
        assert_int_equal(ics_add(&b, &named, &item), 0);
        ics_end(&b);
        assert_non_null(strstr(strbuf_str(&b), "X-WR-CALNAME:Hạn\\, của đơn vị\r\n"));
        assert_non_null(strstr(strbuf_str(&b), "STATUS:COMPLETED\r\n"));
        assert_null(strstr(strbuf_str(&b), "NEEDS-ACTION"));
        assert_null(strstr(strbuf_str(&b), "DESCRIPTION"));
        strbuf_done(&b);
}

/* 75 octets a line, characters whole, and what was folded comes back. */
static void test_folding(void **state) {
        char summary[400];

        (void)state;
        for (size_t n = 1; n < 300; n += 7) {
                struct strbuf b = STRBUF_INIT, unfolded = STRBUF_INIT;
                struct ics_item item;
                size_t len = 0;

                while (len < n)
                        len += (size_t)snprintf(summary + len, sizeof(summary) - len, "%s",
                                                len % 3 == 0 ? "ế" : "x");
                item = item_of(summary, NULL);
                assert_int_equal(ics_add(&b, &calendar, &item), 0);
                for (const char *s = strbuf_str(&b); *s;) {
                        size_t line = strcspn(s, "\r");

                        assert_true(line <= 75);
                        assert_true(utf8_valid(s, line));
                        if (*s == ' ')
                                strbuf_add(&unfolded, s + 1, line - 1);
                        else
                                strbuf_add(&unfolded, s, line);
                        s += line + 2;
                }
                assert_non_null(strstr(strbuf_str(&unfolded), summary));
                strbuf_done(&b);
                strbuf_done(&unfolded);
        }
}

static void test_no_way_out_of_a_line(void **state) {
        struct strbuf b = STRBUF_INIT;
        struct ics_item item = item_of("a\r\nATTENDEE:mailto:x@y", "b\nEND:VTODO\nc\r\nX:1");

        (void)state;
        assert_int_equal(ics_add(&b, &calendar, &item), 0);
        assert_null(strstr(strbuf_str(&b), "\nATTENDEE"));
        assert_null(strstr(strbuf_str(&b), "\nX:1"));
        assert_non_null(strstr(strbuf_str(&b), "SUMMARY:a \\nATTENDEE:mailto:x@y\r\n"));
        strbuf_done(&b);
}

static void test_key_hash(void **state) {
        char a[ICS_KEY_HASH], b[ICS_KEY_HASH];

        (void)state;
        assert_int_equal(ics_key_hash("1.2@2018-11-25", a), 0);
        assert_int_equal(ics_key_hash("1.2@2018-11-26", b), 0);
        assert_string_equal(a, "35d167b75c30f4bba7e0be3fa1ab59cd");
        assert_string_not_equal(a, b);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_one_deadline), cmocka_unit_test(test_done_and_named),
                cmocka_unit_test(test_folding),      cmocka_unit_test(test_no_way_out_of_a_line),
                cmocka_unit_test(test_key_hash),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
