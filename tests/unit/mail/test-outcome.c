/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mail/outcome.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/text.h"

static void test_names(void **state) {
        static const char *const results[] = {"sent", "temporary", "permanent", "doubt"};
        static const char *const stages[] = {"config", "connect", "tls",  "auth",
                                             "mail",   "rcpt",    "data", "dot"};

        (void)state;
        for (int i = 0; i < _MAIL_RESULT_MAX; i++)
                assert_string_equal(mail_result_to_string((enum mail_result)i), results[i]);
        for (int i = 0; i < _MAIL_STAGE_MAX; i++)
                assert_string_equal(mail_stage_to_string((enum mail_stage)i), stages[i]);
}

static void test_text_is_cut_between_characters(void **state) {
        struct mail_outcome o = {};
        char text[2048];

        (void)state;
        for (int shift = 0; shift < 3; shift++) {
                memset(text, 'x', (size_t)shift);
                for (size_t i = (size_t)shift; i + 3 < sizeof(text); i += 3)
                        memcpy(text + i, "\xE1\xBB\x85\0", 4);
                outcome_set_text(&o, text);
                assert_true(utf8_valid(o.text, strlen(o.text)));
                assert_true(strlen(o.text) > OUTCOME_TEXT - 4 && strlen(o.text) < OUTCOME_TEXT);
        }
        outcome_set_text(&o, "a\x1b[31m\r\n\xff");
        assert_string_equal(o.text, "a [31m  \xEF\xBF\xBD");
}

static json_t *reply(const struct mail_outcome *o, int64_t id, const char *server) {
        char *text = outcome_to_json(o, id, server);
        json_t *json = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;

        assert_non_null(json);
        free(text);
        return json;
}

static void test_json(void **state) {
        struct mail_outcome o;
        json_t *json, *expect;

        (void)state;
        outcome_set(&o, MAIL_TEMPFAIL, MAIL_STAGE_TLS, true, "no \"%s\"", "TLS");
        json = reply(&o, 7, "smtps://x");
        expect = json_pack("{s:i, s:s, s:s, s:i, s:s, s:s, s:b}", "reply", 7, "result", "temporary",
                           "stage", "tls", "code", 0, "text", "no \"TLS\"", "server", "smtps://x",
                           "connection", 1);
        assert_true(json_equal(json, expect));
        json_decref(json);
        json_decref(expect);

        o.code = 454;
        strcpy(o.enhanced, "4.7.0");
        json = reply(&o, INT64_C(1) << 40, NULL);
        assert_true(json_integer_value(json_object_get(json, "reply")) == INT64_C(1) << 40);
        assert_string_equal(json_string_value(json_object_get(json, "enhanced")), "4.7.0");
        assert_true(json_is_null(json_object_get(json, "server")));
        json_decref(json);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_text_is_cut_between_characters),
                cmocka_unit_test(test_json),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
