/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/zone.h"
#include "message/mime.h"

/* What other programs read out of these: tests/message. Here the bytes, where they are ours to choose. */

static void expect(const struct strbuf *b, const char *text) {
        if (strcmp(strbuf_str(b), text) != 0)
                fail_msg("got '%s', not '%s'", strbuf_str(b), text);
}

/* Each line of 78 at most, 7-bit, and a header's continuation begins with a blank. */
static void check_header(const struct strbuf *b) {
        const char *s = strbuf_str(b);

        assert_true(b->len > 2 && strcmp(s + b->len - 2, "\r\n") == 0);
        for (bool first = true; *s; first = false) {
                size_t len = strcspn(s, "\r\n");

                if (len > 78 || memcmp(s + len, "\r\n", 2) != 0 || (!first && *s != ' ') || len < 2)
                        fail_msg("a bad line in '%s'", strbuf_str(b));
                for (size_t i = 0; i < len; i++)
                        if (s[i] < ' ' || s[i] > '~')
                                fail_msg("a bad character in '%s'", strbuf_str(b));
                s += len + 2;
        }
}

static void test_free_words(void **state) {
        static const struct {
                const char *value, *header;
        } cases[] = {
                {"plain words", "X: plain words\r\n"},
                {"", "X:\r\n"},
                {"[CCHC 2018] Báo", "X: [CCHC 2018] =?utf-8?Q?B=C3=A1o?=\r\n"},
                {"ệệ", "X: =?utf-8?B?4buH4buH?=\r\n"},
                {"two  blanks", "X: two =?utf-8?Q?_blanks?=\r\n"},
                {" before", "X: =?utf-8?Q?_before?=\r\n"},
                {"behind ", "X: =?utf-8?Q?behind_?=\r\n"},
                {"a =?utf-8?Q?b?=", "X: a =?utf-8?B?PT91dGYtOD9RP2I/PQ==?=\r\n"},
                {"a\r\nBcc: x@y", "X: a =?utf-8?B?IEJjYzogeEB5?=\r\n"},
                {"a\nb", "X: a b\r\n"},
                {"\xff", "X: =?utf-8?B?77+9?=\r\n"},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(strbuf_done) struct strbuf b = STRBUF_INIT;

                mime_header(&b, "X", cases[i].value);
                expect(&b, cases[i].header);
        }
}

static void test_folding(void **state) {
        _cleanup_(strbuf_done) struct strbuf value = STRBUF_INIT, b = STRBUF_INIT;

        (void)state;
        for (int i = 0; i < 400; i++) {
                static const char *const parts[] = {"a",  "ệ",    " ", "😀", "word",
                                                    "=?", "\\\"", ",", "\t"};

                strbuf_adds(&value, parts[(i * 7 + i / 9) % ELEMENTSOF(parts)]);
                strbuf_reset(&b);
                mime_header(&b, "Subject", strbuf_str(&value));
                if (*strbuf_str(&value))
                        check_header(&b);
        }
        strbuf_reset(&b);
        mime_header(&b, "X",
                    "a line of many plain words that is so long that it has to be folded, and is "
                    "folded at a blank");
        expect(&b, "X: a line of many plain words that is so long that it has to be folded, and\r\n"
                   " is folded at a blank\r\n");
}

static void test_addresses(void **state) {
        static const struct {
                const char *display, *spec, *header;
        } cases[] = {
                {NULL, "a@b.example", "To: a@b.example\r\n"},
                {"Ann Bee", "a@b.example", "To: Ann Bee <a@b.example>\r\n"},
                {"Bee, Ann", "a@b.example", "To: \"Bee, Ann\" <a@b.example>\r\n"},
                {"\"A\" \\ B", "a@b.example", "To: \"\\\"A\\\" \\\\ B\" <a@b.example>\r\n"},
                {"a@b", "a@b.example", "To: \"a@b\" <a@b.example>\r\n"},
                {"Bộ", "a@b.example", "To: =?utf-8?B?QuG7mQ==?= <a@b.example>\r\n"},
                {"", "a@b.example", "To: a@b.example\r\n"},
                {"x\r\nBcc: y", "a@b.example", "To: =?utf-8?Q?x__Bcc=3A_y?= <a@b.example>\r\n"},
                {"evil", "a@b.example>\r\nBcc: <c@d.example", "To: undisclosed-recipients:;\r\n"},
                {NULL, "a b@c.example", "To: undisclosed-recipients:;\r\n"},
                {NULL, "ệ@c.example", "To: =?utf-8?B?4buHQGMuZXhhbXBsZQ==?= :;\r\n"},
                {"Nguyễn", "ệ@c.example",
                 "To: =?utf-8?B?Tmd1eeG7hW4gPOG7h0BjLmV4YW1wbGU+?= :;\r\n"},
                {NULL, "ệ>\r\nBcc: <x@c.example", "To: undisclosed-recipients:;\r\n"},
                {NULL, "\xff@c.example", "To: undisclosed-recipients:;\r\n"},
                {NULL, "a@ệ.example", "To: undisclosed-recipients:;\r\n"},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(strbuf_done) struct strbuf b = STRBUF_INIT;
                struct address a = {.display = cases[i].display, .spec = cases[i].spec};
                const struct address *list[] = {&a};

                mime_header_addresses(&b, "To", list, 1);
                expect(&b, cases[i].header);
        }
}

static void test_many_addresses(void **state) {
        _cleanup_(strbuf_done) struct strbuf b = STRBUF_INIT;
        struct address a = {.display = "Ann", .spec = "ann.with.a.long.name@department.example"},
                       bad = {.spec = "bad"};
        const struct address *list[] = {&a, &bad, &a, &a, &bad};

        (void)state;
        mime_header_addresses(&b, "Cc", list, 5);
        expect(&b, "Cc: Ann <ann.with.a.long.name@department.example>, Ann\r\n"
                   " <ann.with.a.long.name@department.example>, Ann\r\n"
                   " <ann.with.a.long.name@department.example>\r\n");
        strbuf_reset(&b);
        mime_header_addresses(&b, "To", list, 0);
        expect(&b, "To: undisclosed-recipients:;\r\n");
}

static void test_ids(void **state) {
        _cleanup_(strbuf_done) struct strbuf b = STRBUF_INIT;
        const char *ids[] = {"<a@b>", NULL, "<c@d>\r\nX: y", "", "<e@f>"};

        (void)state;
        mime_header_ids(&b, "References", ids, ELEMENTSOF(ids));
        expect(&b, "References: <a@b> <e@f>\r\n");
        strbuf_reset(&b);
        mime_header_ids(&b, "References", ids + 1, 3);
        expect(&b, "");
        assert_true(mime_id_is_safe("<1.2.x@y.example>"));
        assert_false(mime_id_is_safe("1@2"));
        assert_false(mime_id_is_safe("<12>"));
        assert_false(mime_id_is_safe("<1@2 3>"));
        assert_false(mime_id_is_safe("<1@2><3@4>"));
}

static void test_dates(void **state) {
        static const struct {
                const char *zone, *at, *header;
        } cases[] = {
                {"Asia/Ho_Chi_Minh", "2018-11-12T07:30:00+07:00",
                 "Date: Mon, 12 Nov 2018 07:30:00 +0700\r\n"},
                {"Asia/Kolkata", "2018-11-12T00:30:05Z",
                 "Date: Mon, 12 Nov 2018 06:00:05 +0530\r\n"},
                {"America/St_Johns", "2018-07-01T00:00:00Z",
                 "Date: Sat, 30 Jun 2018 21:30:00 -0230\r\n"},
                {"UTC", "2018-01-01T00:00:00Z", "Date: Mon, 01 Jan 2018 00:00:00 +0000\r\n"},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(strbuf_done) struct strbuf b = STRBUF_INIT;
                usec_t t;

                assert_int_equal(zone_init(cases[i].zone), 0);
                assert_int_equal(zone_parse(cases[i].at, &t), 0);
                mime_header_date(&b, t);
                expect(&b, cases[i].header);
        }
}

static void test_boundaries(void **state) {
        char a[MIME_BOUNDARY], b[MIME_BOUNDARY], again[MIME_BOUNDARY];

        (void)state;
        assert_int_equal(mime_boundary("<x@y>", 1, a), 0);
        assert_int_equal(mime_boundary("<x@y>", 2, b), 0);
        assert_int_equal(mime_boundary("<x@y>", 1, again), 0);
        assert_string_equal(a, again);
        assert_string_not_equal(a, b);
        assert_int_equal(mime_boundary("<x@z>", 1, b), 0);
        assert_string_not_equal(a, b);
        assert_int_equal(strncmp(a, "=_", 2), 0);
}

static void test_bodies(void **state) {
        static const struct {
                const char *text, *body; /* behind the headers */
        } cases[] = {
                {"a\nb", "quoted-printable\r\n\r\na\r\nb\r\n"},
                {"a\r\nb\r\n", "quoted-printable\r\n\r\na\r\nb\r\n"},
                {"a \n.\nFrom me\n=\n",
                 "quoted-printable\r\n\r\na=20\r\n=2E\r\n=46rom me\r\n=3D\r\n"},
                {"mostly plain, one ệ", "quoted-printable\r\n\r\nmostly plain, one =E1=BB=87\r\n"},
                {"ệệệệ", "base64\r\n\r\n4buH4buH4buH4buHDQo=\r\n"},
                {"", "quoted-printable\r\n\r\n"},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(strbuf_done) struct strbuf b = STRBUF_INIT;
                char whole[300];

                mime_part(&b, "text/plain", NULL, cases[i].text);
                snprintf(whole, sizeof(whole),
                         "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: %s",
                         cases[i].body);
                expect(&b, whole);
        }
}

static void test_soft_breaks(void **state) {
        _cleanup_(strbuf_done) struct strbuf text = STRBUF_INIT, b = STRBUF_INIT;

        (void)state;
        for (int n = 0; n < 240; n++) {
                strbuf_adds(&text, n % 37 == 5 ? "é" : n % 11 == 0 ? "." : "x");
                strbuf_reset(&b);
                mime_part(&b, "text/plain", NULL, strbuf_str(&text));
                for (const char *s = strbuf_str(&b); *s;) {
                        size_t len = strcspn(s, "\r");

                        assert_true(len <= 76);
                        assert_true(*s != '.');
                        s += len + 2;
                }
        }
}

static void test_dots_at_soft_breaks(void **state) {
        _cleanup_(strbuf_done) struct strbuf b = STRBUF_INIT;
        char dots[301];

        (void)state;
        memset(dots, '.', sizeof(dots) - 1);
        dots[sizeof(dots) - 1] = '\0';
        mime_part(&b, "text/plain", NULL, dots);
        assert_null(strstr(strbuf_str(&b), "\n."));
        assert_non_null(strstr(strbuf_str(&b), "=\r\n=2E.."));
}

static void test_file_names(void **state) {
        _cleanup_(strbuf_done) struct strbuf b = STRBUF_INIT;

        (void)state;
        mime_part(&b, "text/calendar", "hạn \"1\".ics", "x");
        expect(&b, "Content-Type: text/calendar; charset=utf-8\r\n"
                   "Content-Disposition: attachment;\r\n"
                   " filename*0*=UTF-8''h%E1%BA%A1n%20%221%22.ics\r\n"
                   "Content-Transfer-Encoding: quoted-printable\r\n\r\nx\r\n");
        strbuf_reset(&b);
        mime_part(&b, "text/calendar", "a\r\nX: y.ics", "x");
        assert_null(strstr(strbuf_str(&b), "\nX:"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_free_words),  cmocka_unit_test(test_folding),
                cmocka_unit_test(test_addresses),   cmocka_unit_test(test_many_addresses),
                cmocka_unit_test(test_ids),         cmocka_unit_test(test_dates),
                cmocka_unit_test(test_boundaries),  cmocka_unit_test(test_bodies),
                cmocka_unit_test(test_soft_breaks), cmocka_unit_test(test_dots_at_soft_breaks),
                cmocka_unit_test(test_file_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
