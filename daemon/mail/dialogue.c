/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mail/dialogue.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"

static void forget_reply(struct dialogue *d) {
        d->replied = false;
        d->code = 0;
        d->enhanced[0] = 0;
        d->text[0] = 0;
}

void dialogue_begin(struct dialogue *d) {
        d->last = DIALOGUE_GREETING;
        d->refusal = DIALOGUE_NOT_REFUSED;
        d->quitting = d->go_ahead = d->body_done = false;
        forget_reply(d);
}

void dialogue_connected(struct dialogue *d, bool encrypted) {
        d->encrypted = encrypted;
        d->auth_offered = d->utf8_offered = d->authenticated = false;
        d->last = DIALOGUE_GREETING;
        d->quitting = false;
        forget_reply(d);
}

void dialogue_command(struct dialogue *d, const char *line, size_t len) {
        static const struct {
                const char *word;
                enum dialogue_command command;
        } words[] = {
                {"EHLO", DIALOGUE_EHLO}, {"HELO", DIALOGUE_EHLO}, {"STARTTLS", DIALOGUE_STARTTLS},
                {"AUTH", DIALOGUE_AUTH}, {"MAIL", DIALOGUE_MAIL}, {"RCPT", DIALOGUE_RCPT},
                {"DATA", DIALOGUE_DATA},
        };
        size_t n = 0;

        while (n < len && isalpha((unsigned char)line[n]))
                n++;
        if (n == 4 && strncasecmp(line, "QUIT", n) == 0)
                d->quitting = true;
        if (d->quitting) /* what was said before it is the last word */
                return;
        for (size_t i = 0; i < ELEMENTSOF(words); i++) {
                if (n != strlen(words[i].word) || strncasecmp(line, words[i].word, n) != 0)
                        continue;
                d->last = words[i].command;
                if (d->last == DIALOGUE_EHLO)
                        d->auth_offered = d->utf8_offered = false;
                break;
        }
        /* Everything else is a line of the AUTH exchange. */
        forget_reply(d);
}

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

static void keep_text(struct dialogue *d, int code, const char *s, size_t len) {
        char enhanced[OUTCOME_ENHANCED] = "";
        size_t used = strlen(d->text), skip = parse_enhanced(s, len, code, enhanced);

        if (enhanced[0])
                memcpy(d->enhanced, enhanced, sizeof(enhanced));
        s += skip;
        len -= skip;
        if (len == 0 || used + 2 >= sizeof(d->text))
                return;
        if (used > 0)
                d->text[used++] = ' ';
        if (len > sizeof(d->text) - used - 1)
                len = sizeof(d->text) - used - 1;
        memcpy(d->text + used, s, len);
        d->text[used + len] = 0;
}

/* As strict as libcurl about letters: what it would not take for an offer is none. */
static void keep_offer(struct dialogue *d, const char *s, size_t len) {
        if (len >= 5 && memcmp(s, "AUTH ", 5) == 0)
                d->auth_offered = true;
        if (len >= 8 && memcmp(s, "SMTPUTF8", 8) == 0)
                d->utf8_offered = true;
}

static enum dialogue_refusal refuse(const struct dialogue *d) {
        if (d->code / 100 != 2)
                return DIALOGUE_NOT_REFUSED;
        if (d->last == DIALOGUE_EHLO && (d->encrypted || d->plaintext)) {
                if (d->wants_auth && !d->auth_offered)
                        return DIALOGUE_NO_AUTH;
                if (d->wants_utf8 && !d->utf8_offered)
                        return DIALOGUE_NO_UTF8;
        }
        if (d->last == DIALOGUE_MAIL) {
                if (d->wants_auth && !d->authenticated)
                        return DIALOGUE_UNAUTHENTICATED;
                if (d->wants_utf8 && !d->utf8_offered)
                        return DIALOGUE_NO_UTF8;
        }
        return DIALOGUE_NOT_REFUSED;
}

bool dialogue_reply(struct dialogue *d, const char *line, size_t len) {
        int code;

        if (d->quitting)
                return true;
        while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == '\n'))
                len--;
        if (len < 3 || !isdigit((unsigned char)line[0]) || !isdigit((unsigned char)line[1]) ||
            !isdigit((unsigned char)line[2]))
                return true; /* no reply: libcurl deals with it */
        if (d->replied)
                forget_reply(d);
        code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
        if (len > 4) {
                keep_text(d, code, line + 4, len - 4);
                if (d->last == DIALOGUE_EHLO && code / 100 == 2)
                        keep_offer(d, line + 4, len - 4);
        }
        if (len > 3 && line[3] == '-')
                return true;
        d->code = code;
        d->replied = true;
        if (d->last == DIALOGUE_STARTTLS && code == 220)
                d->encrypted = true;
        if (d->last == DIALOGUE_AUTH && code == 235)
                d->authenticated = true;
        if (d->last == DIALOGUE_DATA && code == 354)
                d->go_ahead = true;
        d->refusal = refuse(d);
        return d->refusal == DIALOGUE_NOT_REFUSED;
}

bool dialogue_body_allowed(struct dialogue *d) {
        if (d->wants_auth && !d->authenticated)
                d->refusal = DIALOGUE_UNAUTHENTICATED;
        return d->refusal == DIALOGUE_NOT_REFUSED;
}

void dialogue_body_done(struct dialogue *d) {
        if (d->body_done)
                return;
        d->body_done = true;
        d->last = DIALOGUE_DOT;
        forget_reply(d);
}

static enum mail_stage stage_of(const struct dialogue *d, enum dialogue_end end) {
        if (d->body_done)
                return MAIL_STAGE_DOT;
        if (end == DIALOGUE_END_TLS)
                return MAIL_STAGE_TLS;
        if (end == DIALOGUE_END_AUTH)
                return MAIL_STAGE_AUTH;
        switch (d->last) {
        case DIALOGUE_GREETING:
        case DIALOGUE_EHLO:
                return MAIL_STAGE_CONNECT;
        case DIALOGUE_STARTTLS:
                return MAIL_STAGE_TLS;
        case DIALOGUE_AUTH:
                return MAIL_STAGE_AUTH;
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

static void refused_by_server(const struct dialogue *d, enum mail_stage stage,
                              struct mail_outcome *ret) {
        bool session = about_session(stage, d->code);

        ret->connection = session;
        ret->result = session || d->code < 500 ? MAIL_TEMPFAIL : MAIL_PERMFAIL;
}

/* The words are the server's. */
static void quote_server(const struct dialogue *d, struct mail_outcome *ret) {
        ret->code = d->code;
        memcpy(ret->enhanced, d->enhanced, sizeof(ret->enhanced));
        outcome_set_text(ret, d->text);
}

static void refused_by_us(const struct dialogue *d, struct mail_outcome *ret) {
        if (d->refusal == DIALOGUE_NO_UTF8)
                outcome_set(ret, MAIL_PERMFAIL, MAIL_STAGE_MAIL, false,
                            "the address is beyond ASCII and needs SMTPUTF8 (RFC 6531), which this "
                            "server does not offer: name another address, or a server that does");
        else if (d->refusal == DIALOGUE_NO_AUTH)
                outcome_set(ret, MAIL_TEMPFAIL, MAIL_STAGE_AUTH, true,
                            "the server offers no AUTH, and without it nothing is sent as a user");
        else
                outcome_set(ret, MAIL_TEMPFAIL, MAIL_STAGE_AUTH, true,
                            "the server was not authenticated to, so nothing was sent");
}

void dialogue_outcome(const struct dialogue *d, enum dialogue_end end, const char *error,
                      struct mail_outcome *ret) {
        enum mail_stage stage = stage_of(d, end);
        bool said = d->replied && d->code > 0;

        *ret = (struct mail_outcome){.stage = stage};
        if (d->refusal != DIALOGUE_NOT_REFUSED)
                refused_by_us(d, ret);
        else if (d->body_done && said && d->code == 250 && end == DIALOGUE_END_OK) {
                ret->result = MAIL_SENT;
                quote_server(d, ret);
        } else if (said && d->code >= 400) {
                refused_by_server(d, stage, ret);
                quote_server(d, ret);
        } else if (d->body_done)
                outcome_set(ret, MAIL_DOUBT, MAIL_STAGE_DOT, false, "lost after the message: %s",
                            error);
        else if (end == DIALOGUE_END_AUTH)
                outcome_set(ret, MAIL_TEMPFAIL, stage, true,
                            "no way to authenticate in common with the server: %s", error);
        else
                outcome_set(ret, MAIL_TEMPFAIL, stage, end != DIALOGUE_END_ABORTED, "%s", error);
}

bool dialogue_idle_close(const struct dialogue *d) {
        /* GREETING: not even MAIL could be written. */
        return d->refusal == DIALOGUE_NOT_REFUSED &&
               (d->last == DIALOGUE_MAIL || d->last == DIALOGUE_GREETING) &&
               (!d->replied || d->code == 421);
}
