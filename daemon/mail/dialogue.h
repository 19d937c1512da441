/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A conversation in SMTP. Up to the login libcurl leads it, and here it is only followed; from there on it is led from here: what is
 * said next about a message, what the server's replies mean, and what became of the message. Pure: lines in, commands and a
 * verdict out. With PIPELINING MAIL, RCPT and DATA are said in one go, else each after the reply to the one before.
 * Sources: RFC 5321 (4.2, 4.3.2), RFC 2920, RFC 3463, RFC 4954, RFC 6531.
 */

#include <stdbool.h>
#include <stddef.h>

#include "mail/outcome.h"

enum dialogue_command {
        DIALOGUE_GREETING, /* none yet: the greeting is waited for */
        DIALOGUE_EHLO,     /* or HELO */
        DIALOGUE_STARTTLS,
        DIALOGUE_AUTH,  /* and the lines of its exchange */
        DIALOGUE_READY, /* for the next message; nothing was said of it */
        DIALOGUE_RSET,  /* where the transaction before was not ended */
        DIALOGUE_MAIL,
        DIALOGUE_RCPT,
        DIALOGUE_DATA,
        DIALOGUE_DOT,
};

/* Why nothing is said of a message at all. */
enum dialogue_lack {
        DIALOGUE_LACKS_NOTHING,
        DIALOGUE_LACKS_AUTH, /* a user is set, and the server was not authenticated to */
        DIALOGUE_LACKS_UTF8, /* an address needs SMTPUTF8 */
};

#define DIALOGUE_REPLY_MAX (64u << 10) /* bytes of all lines of one reply */

struct dialogue_reply {
        enum dialogue_command to;
        bool complete;
        int code; /* the same in all its lines */
        size_t size;
        char enhanced[OUTCOME_ENHANCED];
        char text[OUTCOME_TEXT];
};

struct dialogue {
        /* what is known of the connection; survives a message */
        bool authenticated, utf8_offered, pipelining_offered;
        bool open;   /* the server has a transaction that was not ended */
        bool broken; /* it is out of step, or going: nothing more can be said */

        /* the conversation about one message */
        enum dialogue_lack lack;
        enum dialogue_command asked;   /* the last that was said */
        struct dialogue_reply reply;   /* the one that is awaited, or came last */
        struct dialogue_reply refusal; /* the first that was not what it takes; code 0: none */
};

/** dialogue_connected() - a new connection */
void dialogue_connected(struct dialogue *d);
/** dialogue_command() - libcurl sent a line. Only its first word is looked at (it may be a secret). */
void dialogue_command(struct dialogue *d, const char *line, size_t len);
/**
 * dialogue_reply() - a line was received
 *
 * One that nobody asked for breaks the dialogue; so does 421.
 * Return: false when it is no reply, or too much of one: then the dialogue is broken, too, unless libcurl leads it.
 */
bool dialogue_reply(struct dialogue *d, const char *line, size_t len);

/* What the dialogue needs to know of a message. Strings are borrowed; they hold no line end. */
struct dialogue_message {
        const char *from, *to;
        bool needs_auth, needs_utf8;
};
#define DIALOGUE_COMMANDS 1024 /* holds any group of commands; addresses have 254 bytes at most */

/** dialogue_begin() - the next message, on a connection that libcurl has made ready or that had one before */
void dialogue_begin(struct dialogue *d, const struct dialogue_message *m);

enum dialogue_step {
        DIALOGUE_SAY,      /* what was written, then hear the replies to it */
        DIALOGUE_SAY_BODY, /* message and dot, dialogue_body_sent(), then hear the reply */
        DIALOGUE_OVER,
};
/** dialogue_next() - what to do, once all that was asked is answered. @commands: written for DIALOGUE_SAY, ends in NUL. */
enum dialogue_step dialogue_next(struct dialogue *d, const struct dialogue_message *m,
                                 char commands[static DIALOGUE_COMMANDS]);
/** dialogue_body_sent() - all of it, with the dot, is on its way: from here on a message whose reply is lost is in doubt */
void dialogue_body_sent(struct dialogue *d);
bool dialogue_awaits(const struct dialogue *d);
/** dialogue_is_decided() - can what comes now no longer change what became of the message? */
bool dialogue_is_decided(const struct dialogue *d);

/* How it ended, as far as the server's replies do not say so. */
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
 * The first reply that was not what its command takes rules; a 4yz or 5yz that is about the session, not about the message (greeting,
 * EHLO, AUTH, 421, 530 …), is temporary, and the next server's turn. sent: the dot was answered by 250. Not answered: in doubt.
 */
void dialogue_outcome(const struct dialogue *d, enum dialogue_end end, const char *error,
                      struct mail_outcome *ret);
/** dialogue_is_untouched() - did the connection end (END_LOST) or refuse to go on before anything was said to this message? */
bool dialogue_is_untouched(const struct dialogue *d);
/** dialogue_is_reusable() - is everything answered, so that the next message, or QUIT, can follow on the same connection? */
bool dialogue_is_reusable(const struct dialogue *d);
