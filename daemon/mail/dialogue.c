/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mail/dialogue.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"

static void await(struct dialogue *d, enum dialogue_command command) {
        d->reply = (struct dialogue_reply){.to = command};
}

void dialogue_connected(struct dialogue *d) {
        *d = (struct dialogue){.asked = DIALOGUE_GREETING};
        await(d, DIALOGUE_GREETING);
}

void dialogue_command(struct dialogue *d, const char *line, size_t len) {
        static const struct {
                const char *word;
                enum dialogue_command command;
        } words[] = {
                {"EHLO", DIALOGUE_EHLO},
                {"HELO", DIALOGUE_EHLO},
                {"STARTTLS", DIALOGUE_STARTTLS},
                {"AUTH", DIALOGUE_AUTH},
        };
        size_t n = 0;

        while (n < len && isalpha((unsigned char)line[n]))
                n++;
        /* Everything else is a line of the AUTH exchange. */
        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (n == strlen(words[i].word) && strncasecmp(line, words[i].word, n) == 0)
                        d->asked = words[i].command;
        /* What was offered before TLS counts no more. */
        if (d->asked == DIALOGUE_EHLO)
                d->utf8_offered = d->pipelining_offered = false;
        await(d, d->asked);
}

/* ---- replies ---- */

/* ".123" */
static bool skip_number(const char **p, const char *end) {
        const char *digits = *p + 1, *stop = digits;

        if (*p == end || **p != '.')
                return false;
        while (stop < end && stop < digits + 3 && isdigit((unsigned char)*stop))
                stop++;
        *p = stop;
        return stop > digits;
}

/* "5.7.1 " at the start of a reply's text, of the class of its code. Return: bytes to skip. */
static size_t parse_enhanced(const char *s, size_t len, int code, char ret[OUTCOME_ENHANCED]) {
        const char *p = s + 1, *end = s + len;

        if (len == 0 || *s != '0' + code / 100 || !skip_number(&p, end) || !skip_number(&p, end) ||
            (p < end && *p != ' '))
                return 0;
        memcpy(ret, s, (size_t)(p - s));
        ret[p - s] = 0;
        return (size_t)(p - s) + (p < end);
}

static void keep_text(struct dialogue_reply *reply, int code, const char *s, size_t len) {
        char enhanced[OUTCOME_ENHANCED] = "";
        size_t used = strlen(reply->text), skip = parse_enhanced(s, len, code, enhanced);

        if (enhanced[0])
                memcpy(reply->enhanced, enhanced, sizeof(enhanced));
        s += skip;
        len -= skip;
        if (len == 0 || used + 2 >= sizeof(reply->text))
                return;
        if (used > 0)
                reply->text[used++] = ' ';
        if (len > sizeof(reply->text) - used - 1)
                len = sizeof(reply->text) - used - 1;
        memcpy(reply->text + used, s, len);
        reply->text[used + len] = 0;
}

static bool is_keyword(const char *s, size_t len, const char *keyword) {
        size_t n = strlen(keyword);

        return len >= n && strncasecmp(s, keyword, n) == 0 && (len == n || s[n] == ' ');
}

static void keep_offer(struct dialogue *d, const char *s, size_t len) {
        if (is_keyword(s, len, "SMTPUTF8"))
                d->utf8_offered = true;
        if (is_keyword(s, len, "PIPELINING"))
                d->pipelining_offered = true;
}

static bool is_refusal(int code) { return code / 100 == 4 || code / 100 == 5; }

/* Is it the reply that this command takes? */
static bool is_taken(const struct dialogue_reply *reply) {
        switch (reply->to) {
        case DIALOGUE_DATA:
                return reply->code == 354;
        case DIALOGUE_DOT:
                return reply->code == 250;
        default:
                return reply->code / 100 == 2;
        }
}

/* A reply to something about a message is complete; on to the next one that is awaited. */
static void judge(struct dialogue *d, bool asked) {
        bool taken = asked && is_taken(&d->reply);

        if (taken && d->reply.to == DIALOGUE_MAIL)
                d->open = true;
        if (d->reply.to == DIALOGUE_DOT || (taken && d->reply.to == DIALOGUE_RSET))
                d->open = false;
        if (!taken && d->refusal.code == 0)
                d->refusal = d->reply;
        if (d->reply.code == 421 || (!taken && !is_refusal(d->reply.code)))
                d->broken = true;
        else if (d->reply.to < d->asked)
                await(d, d->reply.to + 1);
}

/* One that libcurl asked for. */
static void note(struct dialogue *d) {
        if (d->reply.to == DIALOGUE_AUTH && d->reply.code == 235)
                d->authenticated = true;
}

static bool parse_code(const char *line, size_t len, int *ret) {
        int code = 0;

        if (len < 3 || (len > 3 && line[3] != ' ' && line[3] != '-'))
                return false;
        for (size_t i = 0; i < 3; i++) {
                if (!isdigit((unsigned char)line[i]))
                        return false;
                code = 10 * code + (line[i] - '0');
        }
        *ret = code;
        return code >= 200 && code < 600;
}

bool dialogue_reply(struct dialogue *d, const char *line, size_t len) {
        bool ours = d->asked >= DIALOGUE_READY, asked = dialogue_awaits(d), first;
        int code;

        while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == '\n'))
                len--;
        if (d->reply.complete) {
                d->broken = d->broken || ours;
                await(d, d->asked);
        }
        first = d->reply.code == 0;
        d->reply.size += len + 1;
        if (!parse_code(line, len, &code) || (!first && code != d->reply.code) ||
            d->reply.size > DIALOGUE_REPLY_MAX) {
                d->broken = d->broken || ours;
                return false;
        }
        d->reply.code = code;
        if (len > 4) {
                keep_text(&d->reply, code, line + 4, len - 4);
                if (d->reply.to == DIALOGUE_EHLO && code / 100 == 2 &&
                    !first) /* that is its name */
                        keep_offer(d, line + 4, len - 4);
        }
        if (len > 3 && line[3] == '-')
                return true;
        d->reply.complete = true;
        if (ours)
                judge(d, asked);
        else
                note(d);
        return true;
}

/* ---- what to say ---- */

void dialogue_begin(struct dialogue *d, const struct dialogue_message *m) {
        d->asked = DIALOGUE_READY;
        d->reply = (struct dialogue_reply){.to = DIALOGUE_READY, .complete = true};
        d->refusal = (struct dialogue_reply){};
        d->lack = m->needs_auth && !d->authenticated  ? DIALOGUE_LACKS_AUTH
                  : m->needs_utf8 && !d->utf8_offered ? DIALOGUE_LACKS_UTF8
                                                      : DIALOGUE_LACKS_NOTHING;
}

static size_t write_command(const struct dialogue_message *m, enum dialogue_command command,
                            char *buffer, size_t size) {
        int n = 0;

        if (command == DIALOGUE_RSET)
                n = snprintf(buffer, size, "RSET\r\n");
        else if (command == DIALOGUE_MAIL)
                n = snprintf(buffer, size, "MAIL FROM:<%s>%s\r\n", m->from,
                             m->needs_utf8 ? " SMTPUTF8" : "");
        else if (command == DIALOGUE_RCPT)
                n = snprintf(buffer, size, "RCPT TO:<%s>\r\n", m->to);
        else if (command == DIALOGUE_DATA)
                n = snprintf(buffer, size, "DATA\r\n");
        assert(n > 0 && (size_t)n < size);
        return (size_t)n;
}

enum dialogue_step dialogue_next(struct dialogue *d, const struct dialogue_message *m,
                                 char commands[static DIALOGUE_COMMANDS]) {
        enum dialogue_command first = d->asked + 1, last;
        size_t used = 0;

        assert(!dialogue_awaits(d));
        if (d->lack != DIALOGUE_LACKS_NOTHING || d->broken || d->asked == DIALOGUE_DOT)
                return DIALOGUE_OVER;
        if (d->asked == DIALOGUE_DATA && d->reply.code == 354) {
                if (d->refusal.code == 0)
                        return DIALOGUE_SAY_BODY;
                /* RFC 2920, 3.1: nobody is there to get it, and the server wants a message all the same. */
                memcpy(commands, ".\r\n", sizeof(".\r\n"));
                dialogue_body_sent(d);
                return DIALOGUE_SAY;
        }
        if (d->refusal.code != 0)
                return DIALOGUE_OVER;
        if (first == DIALOGUE_RSET && !d->open)
                first = DIALOGUE_MAIL;
        last = d->pipelining_offered ? DIALOGUE_DATA : first;
        for (enum dialogue_command c = first; c <= last; c++)
                used += write_command(m, c, commands + used, DIALOGUE_COMMANDS - used);
        d->asked = last;
        await(d, first);
        return DIALOGUE_SAY;
}

void dialogue_body_sent(struct dialogue *d) {
        d->asked = DIALOGUE_DOT;
        await(d, DIALOGUE_DOT);
}

bool dialogue_awaits(const struct dialogue *d) { return !d->broken && !d->reply.complete; }

bool dialogue_is_decided(const struct dialogue *d) {
        return d->refusal.code != 0 || (d->asked == DIALOGUE_DOT && d->reply.complete);
}

/* ---- the verdict ---- */

static enum mail_stage stage_of(enum dialogue_command command) {
        switch (command) {
        case DIALOGUE_GREETING:
        case DIALOGUE_EHLO:
                return MAIL_STAGE_CONNECT;
        case DIALOGUE_STARTTLS:
                return MAIL_STAGE_TLS;
        case DIALOGUE_AUTH:
                return MAIL_STAGE_AUTH;
        case DIALOGUE_READY:
        case DIALOGUE_RSET:
        case DIALOGUE_MAIL:
                return MAIL_STAGE_MAIL;
        case DIALOGUE_RCPT:
                return MAIL_STAGE_RCPT;
        case DIALOGUE_DATA:
                return MAIL_STAGE_DATA;
        case DIALOGUE_DOT:
                return MAIL_STAGE_DOT;
        }
        return MAIL_STAGE_CONNECT;
}

/* Is this refusal about the session rather than about sender, recipient or message? */
static bool about_session(enum mail_stage stage, int code) {
        if (stage <= MAIL_STAGE_AUTH || code == 421)
                return true;
        /* RFC 4954, section 6: authentication required, too weak, expired, or wanting encryption. */
        return stage == MAIL_STAGE_MAIL && (code == 530 || code == 534 || code == 535 ||
                                            code == 538 || code == 432 || code == 454);
}

/* The words are the server's. */
static void quote_server(const struct dialogue_reply *reply, struct mail_outcome *ret) {
        ret->code = reply->code;
        memcpy(ret->enhanced, reply->enhanced, sizeof(ret->enhanced));
        outcome_set_text(ret, reply->text);
}

static void refused_by_server(const struct dialogue_reply *reply, enum mail_stage stage,
                              struct mail_outcome *ret) {
        bool session = about_session(stage, reply->code);

        *ret = (struct mail_outcome){.stage = stage,
                                     .connection = session,
                                     .result = session || reply->code < 500 ? MAIL_TEMPFAIL
                                                                            : MAIL_PERMFAIL};
        quote_server(reply, ret);
}

static void lost(enum mail_stage stage, bool connection, const char *error,
                 struct mail_outcome *ret) {
        if (stage == MAIL_STAGE_DOT)
                outcome_set(ret, MAIL_DOUBT, stage, false, "lost after the message: %s", error);
        else
                outcome_set(ret, MAIL_TEMPFAIL, stage, connection, "%s", error);
}

static void not_understood(const struct dialogue_reply *reply, struct mail_outcome *ret) {
        char error[OUTCOME_TEXT + 64];

        snprintf(error, sizeof(error), "not the reply that was due: %d %s", reply->code,
                 reply->text);
        lost(stage_of(reply->to), true, error, ret);
}

static void refused_by_us(enum dialogue_lack lack, struct mail_outcome *ret) {
        if (lack == DIALOGUE_LACKS_UTF8)
                outcome_set(ret, MAIL_PERMFAIL, MAIL_STAGE_MAIL, false,
                            "the address is beyond ASCII and needs SMTPUTF8 (RFC 6531), which this "
                            "server does not offer: name another address, or a server that does");
        else
                outcome_set(ret, MAIL_TEMPFAIL, MAIL_STAGE_AUTH, true,
                            "the server offers no AUTH, and without it nothing is sent as a user");
}

/* What libcurl led ended before there was anything to say about the message. */
static void not_connected(const struct dialogue *d, enum dialogue_end end, const char *error,
                          struct mail_outcome *ret) {
        enum mail_stage stage = end == DIALOGUE_END_TLS    ? MAIL_STAGE_TLS
                                : end == DIALOGUE_END_AUTH ? MAIL_STAGE_AUTH
                                                           : stage_of(d->asked);

        if (d->reply.complete && is_refusal(d->reply.code))
                refused_by_server(&d->reply, stage, ret);
        else if (end == DIALOGUE_END_AUTH)
                outcome_set(ret, MAIL_TEMPFAIL, stage, true,
                            "no way to authenticate in common with the server: %s", error);
        else
                lost(stage, end != DIALOGUE_END_ABORTED, error, ret);
}

void dialogue_outcome(const struct dialogue *d, enum dialogue_end end, const char *error,
                      struct mail_outcome *ret) {
        if (d->asked < DIALOGUE_READY)
                not_connected(d, end, error, ret);
        else if (d->lack != DIALOGUE_LACKS_NOTHING)
                refused_by_us(d->lack, ret);
        else if (is_refusal(d->refusal.code))
                refused_by_server(&d->refusal, stage_of(d->refusal.to), ret);
        else if (d->refusal.code != 0)
                not_understood(&d->refusal, ret);
        else if (d->asked == DIALOGUE_DOT && d->reply.complete) {
                *ret = (struct mail_outcome){.result = MAIL_SENT, .stage = MAIL_STAGE_DOT};
                quote_server(&d->reply, ret);
        } else
                lost(stage_of(d->reply.to), end != DIALOGUE_END_ABORTED, error, ret);
}

bool dialogue_is_untouched(const struct dialogue *d) {
        if (d->refusal.code != 0)
                return d->refusal.to == DIALOGUE_RSET ||
                       (d->refusal.to == DIALOGUE_MAIL && d->refusal.code == 421);
        return d->lack == DIALOGUE_LACKS_NOTHING &&
               (d->reply.to < DIALOGUE_MAIL ||
                (d->reply.to == DIALOGUE_MAIL && !d->reply.complete));
}

bool dialogue_is_reusable(const struct dialogue *d) {
        bool in_message = d->reply.to == DIALOGUE_DATA && d->reply.code == 354;

        return d->asked >= DIALOGUE_READY && !d->broken && d->reply.complete && !in_message;
}
