/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mail/dialogue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"

static const struct dialogue_message message = {.from = "a@b", .to = "c@d"};

/*
 * A conversation as lines. "> ": what libcurl sends; "!": the dialogue begins; "= TEXT": it has TEXT to say next, "|" for a line end;
 * "=.": message and dot; "=": nothing more. "< ": what the server says; "<~ ": something that is no reply.
 */
static void play_line(struct dialogue *d, const struct dialogue_message *m, const char *line) {
        char commands[DIALOGUE_COMMANDS];

        if (line[0] == '>')
                dialogue_command(d, line + 2, strlen(line + 2));
        else if (line[0] == '!')
                dialogue_begin(d, m);
        else if (line[0] == '<')
                assert_int_equal(dialogue_reply(d, line + 2 + (line[1] == '~'), strlen(line + 2)),
                                 line[1] != '~');
        else if (line[1] == '.' && !line[2]) {
                assert_int_equal(dialogue_next(d, m, commands), DIALOGUE_SAY_BODY);
                dialogue_body_sent(d);
        } else if (!line[1])
                assert_int_equal(dialogue_next(d, m, commands), DIALOGUE_OVER);
        else {
                assert_int_equal(dialogue_next(d, m, commands), DIALOGUE_SAY);
                for (char *p = commands; (p = strstr(p, "\r\n"));) {
                        *p++ = '|';
                        memmove(p, p + 1, strlen(p));
                }
                assert_string_equal(commands, line + 2);
        }
}

static void play_with(struct dialogue *d, const struct dialogue_message *m, const char *script) {
        _cleanup_free_ char *copy = strdup(script);

        for (char *rest = copy, *line; (line = strsep(&rest, "\n"));)
                if (*line)
                        play_line(d, m, line);
}

static void play(struct dialogue *d, const char *script) { play_with(d, &message, script); }

#define HELLO "< 220 hi\n> EHLO me\n< 250-t\n< 250 SIZE\n"
#define HELLO_AUTH "< 220 hi\n> EHLO me\n< 250-t\n< 250-AUTH PLAIN\n< 250 SIZE\n"
#define LOGIN HELLO_AUTH "> AUTH PLAIN\n< 334 \n> c2VjcmV0\n< 235 ok\n"
#define SAY_MAIL "= MAIL FROM:<a@b>|\n"
#define SAY_RCPT "= RCPT TO:<c@d>|\n"
#define SAY_DATA "= DATA|\n"
#define MAIL SAY_MAIL "< 250 2.1.0 OK\n"
#define RCPT SAY_RCPT "< 250 2.1.5 OK\n"
#define DATA SAY_DATA "< 354 go\n"
#define STEP HELLO "!\n" MAIL RCPT
#define ALL STEP DATA "=.\n"

/* The same with PIPELINING. */
#define PIPE                                                                                       \
        "< 220 hi\n> EHLO me\n< 250-t\n< 250 PIPELINING\n!\n= MAIL FROM:<a@b>|RCPT "               \
        "TO:<c@d>|DATA|\n"
#define PIPE_ALL PIPE "< 250 ok\n< 250 ok\n< 354 go\n=.\n"

#define OK DIALOGUE_END_OK
#define LOST DIALOGUE_END_LOST
#define ABORTED DIALOGUE_END_ABORTED

struct expected {
        const char *script;
        enum dialogue_end end;
        enum mail_result result;
        enum mail_stage stage;
        bool connection, reusable;
        int code;
        const char *enhanced, *text;
};

static const struct expected cases[] = {
        {ALL "< 250 2.0.0 queued\n=", OK, MAIL_SENT, MAIL_STAGE_DOT, false, true, 250, "2.0.0",
         "queued"},
        {ALL "< 250-2.0.0 queued\n< 250 2.0.0 as 17\n=", OK, MAIL_SENT, MAIL_STAGE_DOT, false, true,
         250, "2.0.0", "queued as 17"},
        {PIPE_ALL "< 250 2.0.0 queued\n=", OK, MAIL_SENT, MAIL_STAGE_DOT, false, true, 250, "2.0.0",
         "queued"},
        /* Half a reply, another one, none: in doubt. */
        {ALL "< 250-2.0.0 queued", LOST, MAIL_DOUBT, MAIL_STAGE_DOT, false, false, 0, "",
         "lost after the message: E"},
        {ALL "< 251 what\n=", OK, MAIL_DOUBT, MAIL_STAGE_DOT, false, false, 0, "",
         "lost after the message: not the reply that was due: 251 what"},
        {ALL, LOST, MAIL_DOUBT, MAIL_STAGE_DOT, false, false, 0, "", "lost after the message: E"},
        {ALL, ABORTED, MAIL_DOUBT, MAIL_STAGE_DOT, false, false, 0, "",
         "lost after the message: E"},
        {ALL "<~ 55", LOST, MAIL_DOUBT, MAIL_STAGE_DOT, false, false, 0, "",
         "lost after the message: E"},
        {ALL "< 554 5.7.1 spam\n=", OK, MAIL_PERMFAIL, MAIL_STAGE_DOT, false, true, 554, "5.7.1",
         "spam"},
        {ALL "< 451 try\n=", OK, MAIL_TEMPFAIL, MAIL_STAGE_DOT, false, true, 451, "", "try"},
        {ALL "< 421 4.3.2 off\n=", OK, MAIL_TEMPFAIL, MAIL_STAGE_DOT, true, false, 421, "4.3.2",
         "off"},
        /* The dot was not sent: no doubt. */
        {STEP DATA, LOST, MAIL_TEMPFAIL, MAIL_STAGE_DATA, true, false, 0, "", "E"},
        {STEP DATA, ABORTED, MAIL_TEMPFAIL, MAIL_STAGE_DATA, false, false, 0, "", "E"},
        {STEP, ABORTED, MAIL_TEMPFAIL, MAIL_STAGE_RCPT, false, true, 0, "", "E"},
        {STEP SAY_DATA "< 554 5.0.0 no\n=", OK, MAIL_PERMFAIL, MAIL_STAGE_DATA, false, true, 554,
         "5.0.0", "no"},
        {STEP SAY_DATA "< 250 odd\n=", OK, MAIL_TEMPFAIL, MAIL_STAGE_DATA, true, false, 0, "",
         "not the reply that was due: 250 odd"},
        {HELLO "!\n" MAIL SAY_RCPT "< 550 5.1.1 no\n=", OK, MAIL_PERMFAIL, MAIL_STAGE_RCPT, false,
         true, 550, "5.1.1", "no"},
        {HELLO "!\n" MAIL SAY_RCPT "< 450 4.2.0 no\n=", OK, MAIL_TEMPFAIL, MAIL_STAGE_RCPT, false,
         true, 450, "4.2.0", "no"},
        {HELLO "!\n" MAIL SAY_RCPT "< 251 elsewhere\n" DATA "=.\n< 250 ok\n=", OK, MAIL_SENT,
         MAIL_STAGE_DOT, false, true, 250, "", "ok"},
        {HELLO "!\n" MAIL SAY_RCPT, LOST, MAIL_TEMPFAIL, MAIL_STAGE_RCPT, true, false, 0, "", "E"},
        {HELLO "!\n" SAY_MAIL "< 553 5.1.8 no\n=", OK, MAIL_PERMFAIL, MAIL_STAGE_MAIL, false, true,
         553, "5.1.8", "no"},
        {HELLO "!\n" SAY_MAIL "< 530 5.7.0 log in\n=", OK, MAIL_TEMPFAIL, MAIL_STAGE_MAIL, true,
         true, 530, "5.7.0", "log in"},
        {HELLO "!\n" MAIL SAY_RCPT "< 530 5.7.0 no\n=", OK, MAIL_PERMFAIL, MAIL_STAGE_RCPT, false,
         true, 530, "5.7.0", "no"},
        /* What libcurl leads. */
        {"< 554 no", LOST, MAIL_TEMPFAIL, MAIL_STAGE_CONNECT, true, false, 554, "", "no"},
        {"", LOST, MAIL_TEMPFAIL, MAIL_STAGE_CONNECT, true, false, 0, "", "E"},
        {"", DIALOGUE_END_TLS, MAIL_TEMPFAIL, MAIL_STAGE_TLS, true, false, 0, "", "E"},
        {"<~ SSH-2.0", LOST, MAIL_TEMPFAIL, MAIL_STAGE_CONNECT, true, false, 0, "", "E"},
        {HELLO, DIALOGUE_END_TLS, MAIL_TEMPFAIL, MAIL_STAGE_TLS, true, false, 0, "", "E"},
        {HELLO, ABORTED, MAIL_TEMPFAIL, MAIL_STAGE_CONNECT, false, false, 0, "", "E"},
        {HELLO "> STARTTLS\n< 454 4.7.0 no", DIALOGUE_END_TLS, MAIL_TEMPFAIL, MAIL_STAGE_TLS, true,
         false, 454, "4.7.0", "no"},
        {HELLO_AUTH, DIALOGUE_END_AUTH, MAIL_TEMPFAIL, MAIL_STAGE_AUTH, true, false, 0, "",
         "no way to authenticate in common with the server: E"},
        {HELLO_AUTH "> AUTH PLAIN\n< 334 \n> eA==\n< 535 5.7.8 no", DIALOGUE_END_AUTH,
         MAIL_TEMPFAIL, MAIL_STAGE_AUTH, true, false, 535, "5.7.8", "no"},
        {HELLO_AUTH "> AUTH PLAIN\n< 334 \n> eA==\n", LOST, MAIL_TEMPFAIL, MAIL_STAGE_AUTH, true,
         false, 0, "", "E"},
        /* A group in which something is refused: the first refusal rules, and nobody's message is only a dot. */
        {PIPE "< 550 5.7.1 no\n< 503 5.5.1 a\n< 503 5.5.1 b\n=", OK, MAIL_PERMFAIL, MAIL_STAGE_MAIL,
         false, true, 550, "5.7.1", "no"},
        {PIPE "< 250 ok\n< 550 5.1.1 no\n< 554 5.5.1 nobody\n=", OK, MAIL_PERMFAIL, MAIL_STAGE_RCPT,
         false, true, 550, "5.1.1", "no"},
        {PIPE "< 250 ok\n< 450 4.2.0 no\n< 354 go\n= .|\n< 554 5.5.1 nobody\n=", OK, MAIL_TEMPFAIL,
         MAIL_STAGE_RCPT, false, true, 450, "4.2.0", "no"},
        {PIPE "< 250 ok\n< 450 4.2.0 no\n< 354 go\n= .|\n< 250 2.0.0 queued\n=", OK, MAIL_TEMPFAIL,
         MAIL_STAGE_RCPT, false, true, 450, "4.2.0", "no"},
        {PIPE "< 250 ok\n< 450 4.2.0 no\n< 354 go\n= .|\n", LOST, MAIL_TEMPFAIL, MAIL_STAGE_RCPT,
         false, false, 450, "4.2.0", "no"},
        {PIPE "< 250 ok\n< 250 ok\n< 452 4.3.1 full\n=", OK, MAIL_TEMPFAIL, MAIL_STAGE_DATA, false,
         true, 452, "4.3.1", "full"},
        {PIPE "< 250 ok\n< 550 5.1.1 no\n", LOST, MAIL_PERMFAIL, MAIL_STAGE_RCPT, false, false, 550,
         "5.1.1", "no"},
        {PIPE "< 250 ok\n< 421 4.7.0 too many\n=", OK, MAIL_TEMPFAIL, MAIL_STAGE_RCPT, true, false,
         421, "4.7.0", "too many"},
        {PIPE "< 250 ok\n", LOST, MAIL_TEMPFAIL, MAIL_STAGE_RCPT, true, false, 0, "", "E"},
        {PIPE "< 250 ok\n< 250 ok\n", LOST, MAIL_TEMPFAIL, MAIL_STAGE_DATA, true, false, 0, "",
         "E"},
        {PIPE "< 250 ok\n< 354 go\n=", OK, MAIL_TEMPFAIL, MAIL_STAGE_RCPT, true, false, 0, "",
         "not the reply that was due: 354 go"},
        /* Out of turn: a refusal is one, anything else breaks off; what was sent stays sent. */
        {STEP DATA "< 552 5.3.4 too big\n=", OK, MAIL_PERMFAIL, MAIL_STAGE_DATA, false, false, 552,
         "5.3.4", "too big"},
        {STEP DATA "< 421-4.3.2 I\n< 421 4.3.2 go\n=", OK, MAIL_TEMPFAIL, MAIL_STAGE_DATA, true,
         false, 421, "4.3.2", "I go"},
        {STEP DATA "< 250-2.0.0 queued\n< 250 2.0.0 queued\n=", OK, MAIL_TEMPFAIL, MAIL_STAGE_DATA,
         true, false, 0, "", "not the reply that was due: 250 queued queued"},
        {STEP "< 250 again\n=", OK, MAIL_TEMPFAIL, MAIL_STAGE_RCPT, true, false, 0, "",
         "not the reply that was due: 250 again"},
        {STEP "<~ hello\n=", LOST, MAIL_TEMPFAIL, MAIL_STAGE_RCPT, true, false, 0, "", "E"},
        /* Enhanced codes that are none, or of another class. */
        {ALL "< 554 4.7.1 odd\n=", OK, MAIL_PERMFAIL, MAIL_STAGE_DOT, false, true, 554, "",
         "4.7.1 odd"},
        {ALL "< 554 5.7.1x odd\n=", OK, MAIL_PERMFAIL, MAIL_STAGE_DOT, false, true, 554, "",
         "5.7.1x odd"},
        {ALL "< 554 5.7 odd\n=", OK, MAIL_PERMFAIL, MAIL_STAGE_DOT, false, true, 554, "",
         "5.7 odd"},
        {ALL "< 554 5.7.1111 odd\n=", OK, MAIL_PERMFAIL, MAIL_STAGE_DOT, false, true, 554, "",
         "5.7.1111 odd"},
        {ALL "< 554 5.7.1\n=", OK, MAIL_PERMFAIL, MAIL_STAGE_DOT, false, true, 554, "5.7.1", ""},
        {ALL "< 554\n=", OK, MAIL_PERMFAIL, MAIL_STAGE_DOT, false, true, 554, "", ""},
        /* No replies: of no class, too short, run together. */
        {ALL "<~ 654 odd", LOST, MAIL_DOUBT, MAIL_STAGE_DOT, false, false, 0, "",
         "lost after the message: E"},
        {ALL "< 550-no\n<~ 250 or yes", LOST, MAIL_DOUBT, MAIL_STAGE_DOT, false, false, 0, "",
         "lost after the message: E"},
        {ALL "<~ 2500 ok", LOST, MAIL_DOUBT, MAIL_STAGE_DOT, false, false, 0, "",
         "lost after the message: E"},
};

static void check(size_t i, const struct dialogue *d, const struct mail_outcome *o) {
        const struct expected *x = &cases[i];

        if (o->result != x->result || o->stage != x->stage || o->connection != x->connection ||
            o->code != x->code || strcmp(o->enhanced, x->enhanced) != 0 ||
            strcmp(o->text, x->text) != 0 || dialogue_is_reusable(d) != x->reusable)
                fail_msg("case %zu: %s at %s, %d, %d '%s' '%s' %d", i,
                         mail_result_to_string(o->result), mail_stage_to_string(o->stage),
                         o->connection, o->code, o->enhanced, o->text, dialogue_is_reusable(d));
}

static void test_outcomes(void **state) {
        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct dialogue d;
                struct mail_outcome o;

                dialogue_connected(&d);
                play(&d, cases[i].script);
                dialogue_outcome(&d, cases[i].end, "E", &o);
                check(i, &d, &o);
        }
}

/* What libcurl would let pass, and what was said before TLS. */
static void test_lacks(void **state) {
        static const struct {
                const char *script;
                bool auth, utf8;
                enum dialogue_lack lack;
        } table[] = {
                {HELLO, false, false, DIALOGUE_LACKS_NOTHING},
                {HELLO, true, false, DIALOGUE_LACKS_AUTH},
                {HELLO_AUTH, true, false, DIALOGUE_LACKS_AUTH},
                {LOGIN, true, false, DIALOGUE_LACKS_NOTHING},
                {HELLO_AUTH "> AUTH PLAIN\n< 535 no\n", true, false, DIALOGUE_LACKS_AUTH},
                {HELLO, false, true, DIALOGUE_LACKS_UTF8},
                {"< 220 hi\n> EHLO me\n< 250-t\n< 250 SMTPUTF8\n", false, true,
                 DIALOGUE_LACKS_NOTHING},
                {"< 220 hi\n> EHLO me\n< 250-t\n< 250 smtputf8 x\n", false, true,
                 DIALOGUE_LACKS_NOTHING},
                {"< 220 hi\n> EHLO me\n< 250-t\n< 250 SMTPUTF8X\n", false, true,
                 DIALOGUE_LACKS_UTF8},
                {"< 220 hi\n> EHLO me\n< 250 SMTPUTF8\n", false, true, DIALOGUE_LACKS_UTF8},
                {"< 220 hi\n> EHLO me\n< 250-t\n< 250 SMTPUTF8\n> STARTTLS\n< 220 go\n> EHLO me\n"
                 "< 250 t\n",
                 false, true, DIALOGUE_LACKS_UTF8},
                {"< 220 hi\n> EHLO me\n< 502-t\n< 502 SMTPUTF8\n> HELO me\n< 250 t\n", false, true,
                 DIALOGUE_LACKS_UTF8},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                const struct dialogue_message m = {.from = "a@b",
                                                   .to = "c@d",
                                                   .needs_auth = table[i].auth,
                                                   .needs_utf8 = table[i].utf8};
                struct dialogue d;
                struct mail_outcome o;

                dialogue_connected(&d);
                play_with(&d, &m, table[i].script);
                dialogue_begin(&d, &m);
                if (d.lack != table[i].lack)
                        fail_msg("case %zu: lacks %d", i, (int)d.lack);
                if (d.lack == DIALOGUE_LACKS_NOTHING) {
                        play_with(&d, &m,
                                  m.needs_utf8 ? "= MAIL FROM:<a@b> SMTPUTF8|"
                                               : "= MAIL FROM:<a@b>|");
                        continue;
                }
                play_with(&d, &m, "=");
                dialogue_outcome(&d, OK, "E", &o);
                assert_int_equal(o.result,
                                 d.lack == DIALOGUE_LACKS_UTF8 ? MAIL_PERMFAIL : MAIL_TEMPFAIL);
                assert_int_equal(o.connection, d.lack != DIALOGUE_LACKS_UTF8);
                assert_true(dialogue_is_reusable(&d));
        }
}

/* What was offered before TLS does not hold after it. */
static void test_pipelining_before_tls(void **state) {
        struct dialogue d;

        (void)state;
        dialogue_connected(&d);
        play(&d, "< 220 hi\n> EHLO me\n< 250-t\n< 250 PIPELINING\n> STARTTLS\n< 220 go\n" HELLO
                 "!\n" MAIL);
}

/* What is known of a session lasts for the next message on it; a transaction that was not ended is. */
static void test_session(void **state) {
        const struct dialogue_message m = {.from = "a@b", .to = "c@d", .needs_auth = true};
        struct dialogue d;

        (void)state;
        dialogue_connected(&d);
        play_with(&d, &m, LOGIN "!\n" MAIL RCPT DATA "=.\n< 250 ok\n=\n");
        play_with(&d, &m, "!\n" MAIL SAY_RCPT "< 550 no\n=\n");
        play_with(&d, &m, "!\n= RSET|\n< 250 ok\n" MAIL RCPT DATA "=.\n< 550 no\n=\n");
        play_with(&d, &m, "!\n" SAY_MAIL "< 550 no\n=\n");
        play_with(&d, &m, "!\n" MAIL);
        dialogue_connected(&d);
        play_with(&d, &m, HELLO_AUTH "!\n=\n");

        dialogue_connected(&d);
        play(&d, PIPE "< 250 ok\n< 550 no\n< 503 no\n=\n!\n"
                      "= RSET|MAIL FROM:<a@b>|RCPT TO:<c@d>|DATA|\n"
                      "< 250 ok\n< 250 ok\n< 550 no\n< 354 go\n= .|\n< 554 nobody\n=\n!\n"
                      "= MAIL FROM:<a@b>|RCPT TO:<c@d>|DATA|\n");
}

static void test_untouched(void **state) {
        static const struct {
                const char *script;
                bool untouched;
        } table[] = {
                {"!\n" SAY_MAIL, true},
                {"!\n" SAY_MAIL "< 421 4.4.2 idle\n=\n", true},
                {"!\n" SAY_MAIL "< 451 later\n=\n", false},
                {"!\n" MAIL, false},
                {"!\n" MAIL SAY_RCPT "< 421 4.4.2 idle\n=\n", false},
                {"!\n" MAIL RCPT DATA "=.\n", false},
                {"!\n" MAIL SAY_RCPT "< 550 no\n=\n!\n= RSET|\n", true},
                {"!\n" MAIL SAY_RCPT "< 550 no\n=\n!\n= RSET|\n< 502 what\n=\n", true},
                {"!\n" MAIL SAY_RCPT "< 550 no\n=\n!\n= RSET|\n< 250 ok\n" MAIL, false},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                struct dialogue d;

                dialogue_connected(&d);
                play(&d, HELLO);
                play(&d, table[i].script);
                if (dialogue_is_untouched(&d) != table[i].untouched)
                        fail_msg("case %zu", i);
        }
}

/* However much a server says, it stays within bounds. */
static void test_flood(void **state) {
        struct dialogue d;
        struct mail_outcome o;
        char line[4096];
        int n = 0;

        (void)state;
        memset(line, 'x', sizeof(line));
        memcpy(line, "550-", 4);
        dialogue_connected(&d);
        play(&d, HELLO "!\n" MAIL SAY_RCPT);
        for (int i = 0; i < 10; i++)
                assert_true(dialogue_reply(&d, line, sizeof(line)));
        assert_true(dialogue_reply(&d, "550 end\r\n", 9));
        dialogue_outcome(&d, OK, "E", &o);
        assert_int_equal(o.result, MAIL_PERMFAIL);
        assert_int_equal(strlen(o.text), OUTCOME_TEXT - 1);

        dialogue_connected(&d);
        play(&d, HELLO "!\n" MAIL SAY_RCPT);
        while (dialogue_reply(&d, "550-\r\n", 6))
                n++;
        assert_in_range(n, 10000, 20000);
        assert_false(dialogue_is_reusable(&d));
        dialogue_outcome(&d, LOST, "E", &o);
        assert_int_equal(o.result, MAIL_TEMPFAIL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_outcomes),  cmocka_unit_test(test_lacks),
                cmocka_unit_test(test_session),   cmocka_unit_test(test_pipelining_before_tls),
                cmocka_unit_test(test_untouched), cmocka_unit_test(test_flood),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
