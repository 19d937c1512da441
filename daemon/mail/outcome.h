/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What became of one message to one recipient, and its form in the protocol (ipc/PROTOCOL.md). A value. */

#include <stdbool.h>
#include <stdint.h>

enum mail_result {
        MAIL_SENT,
        MAIL_TEMPFAIL,
        MAIL_PERMFAIL,
        MAIL_DOUBT, /* lost after DATA, before its answer: the server may have it */
        _MAIL_RESULT_MAX,
};

/* How far it got. */
enum mail_stage {
        MAIL_STAGE_CONFIG, /* not even tried */
        MAIL_STAGE_CONNECT,
        MAIL_STAGE_TLS,
        MAIL_STAGE_AUTH,
        MAIL_STAGE_MAIL,
        MAIL_STAGE_RCPT,
        MAIL_STAGE_DATA,
        MAIL_STAGE_DOT,
        _MAIL_STAGE_MAX,
};

#define OUTCOME_TEXT 512    /* bytes of text, NUL included */
#define OUTCOME_ENHANCED 12 /* "5.123.123" and NUL, with room */

struct mail_outcome {
        enum mail_result result;
        enum mail_stage stage;
        int code;                        /* of the server's last reply; 0: none */
        char enhanced[OUTCOME_ENHANCED]; /* RFC 3463, or "" */
        char text[OUTCOME_TEXT];         /* the server's words, or ours; sanitised UTF-8 */
        bool connection; /* the server could not be talked to at all: try the next one */
};

const char *mail_result_to_string(enum mail_result result);
const char *mail_stage_to_string(enum mail_stage stage);

/** outcome_set() - an outcome in our own words; code and enhanced are none */
void outcome_set(struct mail_outcome *o, enum mail_result result, enum mail_stage stage,
                 bool connection, const char *format, ...) __attribute__((format(printf, 5, 6)));
/** outcome_set_text() - @text, made fit to be shown, cut at a character's end when it is too long */
void outcome_set_text(struct mail_outcome *o, const char *text);
/** outcome_to_json() - the reply to message @id. Return: an object, owned by the caller, NULL when out of memory. */
char *outcome_to_json(const struct mail_outcome *o, int64_t id, const char *server);
