/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mail/dialogue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"

/* A conversation as lines: "> " sent, "< " received, "." the body is done. */
static bool play(struct dialogue *d, const char *script) {
        bool go_on = true;

        while (*script) {
                size_t len = strcspn(script, "\n");

                if (script[0] == '>')
                        dialogue_command(d, script + 2, len - 2);
                else if (script[0] == '<')
                        go_on = dialogue_reply(d, script + 2, len - 2) && go_on;
                else
                        dialogue_body_done(d);
                script += len + (script[len] == '\n');
        }
        return go_on;
}

#define HELLO "< 220 hi\n> EHLO me\n< 250-t\n< 250 SIZE\n"
#define HELLO_AUTH "< 220 hi\n> EHLO me\n< 250-t\n< 250-AUTH PLAIN\n< 250 SIZE\n"
#define LOGIN HELLO_AUTH "> AUTH PLAIN\n< 334 \n> c2VjcmV0\n< 235 ok\n"
#define MAIL "> MAIL FROM:<a@b>\n< 250 2.1.0 OK\n"
#define RCPT "> RCPT TO:<c@d>\n< 250 2.1.5 OK\n"
#define DATA "> DATA\n< 354 go\n"
#define ALL HELLO MAIL RCPT DATA ".\n"

struct expected {
        const char *script;
        enum dialogue_end end;
        enum mail_result result;
        enum mail_stage stage;
        bool connection;
        int code;
        const char *enhanced, *text;
};

static const struct expected cases[] = {
        {ALL "< 250 2.0.0 queued", DIALOGUE_END_OK, MAIL_SENT, MAIL_STAGE_DOT, false, 250, "2.0.0",
         "queued"},
        {ALL "< 250-2.0.0 queued\n< 250 2.0.0 as 17", DIALOGUE_END_OK, MAIL_SENT, MAIL_STAGE_DOT,
         false, 250, "2.0.0", "queued as 17"},
        {ALL "< 250 2.0.0 queued\n> QUIT\n< 421 4.0.0 bye", DIALOGUE_END_OK, MAIL_SENT,
         MAIL_STAGE_DOT, false, 250, "2.0.0", "queued"},
        /* A 250 alone is not enough, and libcurl alone is not either. */
        {ALL "< 250 2.0.0 queued", DIALOGUE_END_LOST, MAIL_DOUBT, MAIL_STAGE_DOT, false, 0, "",
         "lost after the message: E"},
        {ALL "< 250-2.0.0 queued", DIALOGUE_END_OK, MAIL_DOUBT, MAIL_STAGE_DOT, false, 0, "",
         "lost after the message: E"},
        {ALL "< 251 what", DIALOGUE_END_OK, MAIL_DOUBT, MAIL_STAGE_DOT, false, 0, "",
         "lost after the message: E"},
        {ALL, DIALOGUE_END_OK, MAIL_DOUBT, MAIL_STAGE_DOT, false, 0, "",
         "lost after the message: E"},
        {ALL, DIALOGUE_END_ABORTED, MAIL_DOUBT, MAIL_STAGE_DOT, false, 0, "",
         "lost after the message: E"},
        {ALL "> QUIT\n< 221 bye", DIALOGUE_END_LOST, MAIL_DOUBT, MAIL_STAGE_DOT, false, 0, "",
         "lost after the message: E"},
        {ALL "< 554 5.7.1 spam", DIALOGUE_END_LOST, MAIL_PERMFAIL, MAIL_STAGE_DOT, false, 554,
         "5.7.1", "spam"},
        {ALL "< 451 try", DIALOGUE_END_LOST, MAIL_TEMPFAIL, MAIL_STAGE_DOT, false, 451, "", "try"},
        /* The dot was not sent: no doubt. */
        {HELLO MAIL RCPT DATA, DIALOGUE_END_LOST, MAIL_TEMPFAIL, MAIL_STAGE_DATA, true, 0, "", "E"},
        {HELLO MAIL RCPT DATA, DIALOGUE_END_ABORTED, MAIL_TEMPFAIL, MAIL_STAGE_DATA, false, 0, "",
         "E"},
        {HELLO MAIL RCPT "> DATA\n< 554 5.0.0 no", DIALOGUE_END_LOST, MAIL_PERMFAIL,
         MAIL_STAGE_DATA, false, 554, "5.0.0", "no"},
        {HELLO MAIL "> RCPT TO:<c@d>\n< 550 5.1.1 no", DIALOGUE_END_LOST, MAIL_PERMFAIL,
         MAIL_STAGE_RCPT, false, 550, "5.1.1", "no"},
        {HELLO MAIL "> RCPT TO:<c@d>\n< 550 5.1.1 no\n> QUIT\n< 221 bye", DIALOGUE_END_LOST,
         MAIL_PERMFAIL, MAIL_STAGE_RCPT, false, 550, "5.1.1", "no"},
        {HELLO MAIL "> RCPT TO:<c@d>\n< 450 4.2.0 no", DIALOGUE_END_LOST, MAIL_TEMPFAIL,
         MAIL_STAGE_RCPT, false, 450, "4.2.0", "no"},
        {HELLO MAIL "> RCPT TO:<c@d>\n", DIALOGUE_END_LOST, MAIL_TEMPFAIL, MAIL_STAGE_RCPT, true, 0,
         "", "E"},
        {HELLO "> MAIL FROM:<a@b>\n< 553 5.1.8 no", DIALOGUE_END_LOST, MAIL_PERMFAIL,
         MAIL_STAGE_MAIL, false, 553, "5.1.8", "no"},
        {HELLO "> MAIL FROM:<a@b>\n< 530 5.7.0 log in", DIALOGUE_END_LOST, MAIL_TEMPFAIL,
         MAIL_STAGE_MAIL, true, 530, "5.7.0", "log in"},
        {HELLO MAIL "> RCPT TO:<c@d>\n< 530 5.7.0 no", DIALOGUE_END_LOST, MAIL_PERMFAIL,
         MAIL_STAGE_RCPT, false, 530, "5.7.0", "no"},
        {"< 554 no", DIALOGUE_END_LOST, MAIL_TEMPFAIL, MAIL_STAGE_CONNECT, true, 554, "", "no"},
        {"", DIALOGUE_END_LOST, MAIL_TEMPFAIL, MAIL_STAGE_CONNECT, true, 0, "", "E"},
        {"", DIALOGUE_END_TLS, MAIL_TEMPFAIL, MAIL_STAGE_TLS, true, 0, "", "E"},
        {HELLO, DIALOGUE_END_TLS, MAIL_TEMPFAIL, MAIL_STAGE_TLS, true, 0, "", "E"},
        {HELLO "> STARTTLS\n< 454 4.7.0 no", DIALOGUE_END_TLS, MAIL_TEMPFAIL, MAIL_STAGE_TLS, true,
         454, "4.7.0", "no"},
        {HELLO_AUTH, DIALOGUE_END_AUTH, MAIL_TEMPFAIL, MAIL_STAGE_AUTH, true, 0, "",
         "no way to authenticate in common with the server: E"},
        {HELLO_AUTH "> AUTH PLAIN\n< 334 \n> eA==\n< 535 5.7.8 no", DIALOGUE_END_AUTH,
         MAIL_TEMPFAIL, MAIL_STAGE_AUTH, true, 535, "5.7.8", "no"},
        /* Enhanced codes that are none, or of another class. */
        {ALL "< 554 4.7.1 odd", DIALOGUE_END_LOST, MAIL_PERMFAIL, MAIL_STAGE_DOT, false, 554, "",
         "4.7.1 odd"},
        {ALL "< 554 5.7.1x odd", DIALOGUE_END_LOST, MAIL_PERMFAIL, MAIL_STAGE_DOT, false, 554, "",
         "5.7.1x odd"},
        {ALL "< 554 5.7 odd", DIALOGUE_END_LOST, MAIL_PERMFAIL, MAIL_STAGE_DOT, false, 554, "",
         "5.7 odd"},
        {ALL "< 554 5.7.1111 odd", DIALOGUE_END_LOST, MAIL_PERMFAIL, MAIL_STAGE_DOT, false, 554, "",
         "5.7.1111 odd"},
        {ALL "< 554 5.7.1", DIALOGUE_END_LOST, MAIL_PERMFAIL, MAIL_STAGE_DOT, false, 554, "5.7.1",
         ""},
        {ALL "< 554", DIALOGUE_END_LOST, MAIL_PERMFAIL, MAIL_STAGE_DOT, false, 554, "", ""},
        {ALL "< 55", DIALOGUE_END_LOST, MAIL_DOUBT, MAIL_STAGE_DOT, false, 0, "",
         "lost after the message: E"},
};

static void check(size_t i, const struct expected *x, const struct mail_outcome *o) {
        if (o->result != x->result || o->stage != x->stage || o->connection != x->connection ||
            o->code != x->code || strcmp(o->enhanced, x->enhanced) != 0 ||
            strcmp(o->text, x->text) != 0)
                fail_msg("case %zu: %s at %s, %d, %d '%s' '%s'", i,
                         mail_result_to_string(o->result), mail_stage_to_string(o->stage),
                         o->connection, o->code, o->enhanced, o->text);
}

static void test_outcomes(void **state) {
        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct dialogue d = {.plaintext = true};
                struct mail_outcome o;

                dialogue_begin(&d);
                dialogue_connected(&d, false);
                assert_true(play(&d, cases[i].script));
                dialogue_outcome(&d, cases[i].end, "E", &o);
                check(i, &cases[i], &o);
        }
}

/* What libcurl would let pass. */
static void test_refusals(void **state) {
        static const struct {
                const char *script;
                bool auth, utf8, plaintext, encrypted;
                enum dialogue_refusal refusal;
        } table[] = {
                {HELLO, false, false, true, false, DIALOGUE_NOT_REFUSED},
                {HELLO, true, false, true, false, DIALOGUE_NO_AUTH},
                {HELLO, true, false, false, true, DIALOGUE_NO_AUTH},
                {HELLO_AUTH, true, false, true, false, DIALOGUE_NOT_REFUSED},
                {"< 220 hi\n> EHLO me\n< 250-t\n< 250 auth PLAIN", true, false, true, false,
                 DIALOGUE_NO_AUTH},
                {"< 220 hi\n> EHLO me\n< 250-t\n< 250 AUTH=PLAIN", true, false, true, false,
                 DIALOGUE_NO_AUTH},
                /* Before STARTTLS nothing needs to be offered; after it, it has to be offered again. */
                {HELLO, true, false, false, false, DIALOGUE_NOT_REFUSED},
                {HELLO_AUTH "> STARTTLS\n< 220 go\n> EHLO me\n< 250 t", true, false, false, false,
                 DIALOGUE_NO_AUTH},
                {HELLO "> STARTTLS\n< 220 go\n> EHLO me\n< 250-t\n< 250 AUTH PLAIN", true, false,
                 false, false, DIALOGUE_NOT_REFUSED},
                {"< 220 hi\n> EHLO me\n< 502 no\n> HELO me\n< 250 t", true, false, true, false,
                 DIALOGUE_NO_AUTH},
                {HELLO_AUTH MAIL, true, false, true, false, DIALOGUE_UNAUTHENTICATED},
                {LOGIN MAIL, true, false, true, false, DIALOGUE_NOT_REFUSED},
                {HELLO_AUTH "> AUTH PLAIN\n< 535 no\n" MAIL, true, false, true, false,
                 DIALOGUE_UNAUTHENTICATED},
                {HELLO, false, true, true, false, DIALOGUE_NO_UTF8},
                {"< 220 hi\n> EHLO me\n< 250-t\n< 250 SMTPUTF8\n" MAIL, false, true, true, false,
                 DIALOGUE_NOT_REFUSED},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                struct dialogue d = {
                        .wants_auth = table[i].auth,
                        .wants_utf8 = table[i].utf8,
                        .plaintext = table[i].plaintext,
                };
                struct mail_outcome o;

                dialogue_begin(&d);
                dialogue_connected(&d, table[i].encrypted);
                if (play(&d, table[i].script) != (table[i].refusal == DIALOGUE_NOT_REFUSED) ||
                    d.refusal != table[i].refusal)
                        fail_msg("case %zu: refusal %d", i, (int)d.refusal);
                if (d.refusal == DIALOGUE_NOT_REFUSED)
                        continue;
                dialogue_outcome(&d, DIALOGUE_END_LOST, "E", &o);
                assert_int_equal(o.result,
                                 d.refusal == DIALOGUE_NO_UTF8 ? MAIL_PERMFAIL : MAIL_TEMPFAIL);
                assert_int_equal(o.connection, d.refusal != DIALOGUE_NO_UTF8);
        }
}

/* The net below the nets: whatever was seen or missed of the commands. */
static void test_body_allowed(void **state) {
        struct dialogue d = {.plaintext = true};

        (void)state;
        dialogue_begin(&d);
        assert_true(dialogue_body_allowed(&d));
        d.wants_auth = true;
        assert_false(dialogue_body_allowed(&d));
        assert_int_equal(d.refusal, DIALOGUE_UNAUTHENTICATED);
        dialogue_begin(&d);
        dialogue_connected(&d, false);
        assert_true(play(&d, LOGIN MAIL RCPT DATA));
        assert_true(dialogue_body_allowed(&d));
}

/* What is known of a session lasts for the next message on it, and no longer. */
static void test_session(void **state) {
        struct dialogue d = {.plaintext = true, .wants_auth = true};

        (void)state;
        dialogue_begin(&d);
        dialogue_connected(&d, false);
        assert_true(play(&d, LOGIN MAIL RCPT DATA ".\n< 250 ok"));
        dialogue_begin(&d);
        assert_true(play(&d, MAIL RCPT));
        d.wants_utf8 = true;
        dialogue_begin(&d);
        assert_false(play(&d, MAIL));
        d.wants_utf8 = false;
        dialogue_begin(&d);
        dialogue_connected(&d, false);
        assert_false(play(&d, HELLO_AUTH MAIL));
}

static void test_idle_close(void **state) {
        static const struct {
                const char *script;
                bool idle;
        } table[] = {
                {"", true},
                {"> MAIL FROM:<a@b>\n", true},
                {"> MAIL FROM:<a@b>\n< 421 4.4.2 idle\n", true},
                {"> MAIL FROM:<a@b>\n< 421 4.4.2 idle\n> QUIT\n", true},
                {"> MAIL FROM:<a@b>\n< 451 later\n", false},
                {MAIL, false},
                {MAIL "> RCPT TO:<c@d>\n", false},
                {MAIL RCPT DATA ".\n", false},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                struct dialogue d = {.plaintext = true};

                dialogue_begin(&d);
                assert_true(play(&d, table[i].script));
                assert_int_equal(dialogue_idle_close(&d), table[i].idle);
        }
}

/* However much a server says, it stays within bounds. */
static void test_flood(void **state) {
        struct dialogue d = {.plaintext = true};
        struct mail_outcome o;
        char line[4096];

        (void)state;
        memset(line, 'x', sizeof(line));
        memcpy(line, "550-", 4);
        dialogue_begin(&d);
        dialogue_connected(&d, false);
        assert_true(play(&d, HELLO MAIL "> RCPT TO:<c@d>"));
        for (int i = 0; i < 100; i++)
                assert_true(dialogue_reply(&d, line, sizeof(line)));
        assert_true(dialogue_reply(&d, "550 end\r\n", 9));
        dialogue_outcome(&d, DIALOGUE_END_LOST, "E", &o);
        assert_int_equal(o.result, MAIL_PERMFAIL);
        assert_int_equal(strlen(o.text), OUTCOME_TEXT - 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_outcomes), cmocka_unit_test(test_refusals),
                cmocka_unit_test(test_session),  cmocka_unit_test(test_idle_close),
                cmocka_unit_test(test_flood),    cmocka_unit_test(test_body_allowed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
