/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Follows an SMTP conversation that libcurl leads: which command was the last, what the server said to it, and what that
 * means for the message. libcurl's own result is not enough: it sends unauthenticated when AUTH is not offered,
 * raw UTF-8 when SMTPUTF8 is not, and its response code can be that of an earlier command. Pure: lines in, verdict out.
 * Sources: RFC 5321 (4.2, 4.3.2), RFC 3463, RFC 4954, RFC 6531.
 */

#include <stddef.h>

#include "mail/outcome.h"

enum dialogue_command {
        DIALOGUE_GREETING, /* none yet: the greeting is waited for */
        DIALOGUE_EHLO,     /* or HELO */
        DIALOGUE_STARTTLS,
        DIALOGUE_AUTH, /* and the lines of its exchange */
        DIALOGUE_MAIL,
        DIALOGUE_RCPT,
        DIALOGUE_DATA,
        DIALOGUE_DOT,
};

/* Why we ended it ourselves. */
enum dialogue_refusal {
        DIALOGUE_NOT_REFUSED,
        DIALOGUE_NO_AUTH,         /* a user is set, and the server offers no AUTH */
        DIALOGUE_UNAUTHENTICATED, /* MAIL went out without a successful AUTH */
        DIALOGUE_NO_UTF8,         /* an address needs SMTPUTF8 */
};

struct dialogue {
        /* what the message and its server want */
        bool wants_auth, wants_utf8;
        bool plaintext; /* no TLS is wanted */

        /* what is known of the connection; survives a message */
        bool encrypted, auth_offered, utf8_offered, authenticated;

        /* the conversation about one message */
        enum dialogue_command last;
        enum dialogue_refusal refusal;
        bool replied;   /* the last line of the reply to @last has come */
        bool quitting;  /* QUIT was sent: what comes now changes nothing */
        bool go_ahead;  /* 354 */
        bool body_done; /* the final dot may have been sent */
        int code;
        char enhanced[OUTCOME_ENHANCED];
        char text[OUTCOME_TEXT];
};

/** dialogue_begin() - a new message; wants_* and plaintext are set by the caller */
void dialogue_begin(struct dialogue *d);
/** dialogue_connected() - a new connection; @encrypted: TLS from its first byte on */
void dialogue_connected(struct dialogue *d, bool encrypted);
/** dialogue_command() - a line was sent. Only its first word is looked at (it may be a secret). */
void dialogue_command(struct dialogue *d, const char *line, size_t len);
/** dialogue_reply() - a line was received. Return: true to go on; false: end the connection, d->refusal says why. */
bool dialogue_reply(struct dialogue *d, const char *line, size_t len);
/** dialogue_body_allowed() - may the body be sent? The last look: false, with d->refusal set, when a user is set and nothing authenticated it. */
bool dialogue_body_allowed(struct dialogue *d);
/** dialogue_body_done() - the last byte of the body was handed over: the dot follows */
void dialogue_body_done(struct dialogue *d);

/* How libcurl ended. */
enum dialogue_end {
        DIALOGUE_END_OK,
        DIALOGUE_END_TLS,     /* no TLS, or not with whom we want */
        DIALOGUE_END_AUTH,    /* no mechanism in common, or refused */
        DIALOGUE_END_ABORTED, /* by us, because we were asked to */
        DIALOGUE_END_LOST,    /* everything else: not reached, timed out, broken off */
};

/**
 * dialogue_outcome() - what became of the message
 * @error: libcurl's words, or ours, for what the server did not say
 *
 * sent: libcurl is content and the dot was answered by 250. Else the server's own 4yz or 5yz to the last command rules; one that
 * is about the session, not about the message (greeting, EHLO, AUTH, 421, 530 …), is temporary, and the next server's turn. Nothing
 * said after the dot: in doubt.
 */
void dialogue_outcome(const struct dialogue *d, enum dialogue_end end, const char *error,
                      struct mail_outcome *ret);
/** dialogue_idle_close() - was a connection that had been idle closed by the server, and nothing else happened? */
bool dialogue_idle_close(const struct dialogue *d);
