/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The verb "send" (ipc/PROTOCOL.md), checked: nothing in here can inject a command or a path. */

#include <stdbool.h>
#include <stdint.h>

#include "ipc/frame.h"
#include "mail/outcome.h"

#define REQUEST_TIMEOUT_MIN (INT64_C(1000000))
#define REQUEST_TIMEOUT_MAX (INT64_C(3600) * 1000000)

enum mail_transport { MAIL_TRANSPORT_SMTP, MAIL_TRANSPORT_SMTPS, MAIL_TRANSPORT_MAILDIR };

struct mail_server { /* strings borrowed from the message; NULL: not set */
        enum mail_transport transport;
        const char *url;
        const char *folder; /* maildir: the name behind the scheme */
        const char *user, *credential, *password_file, *auth;
        const char *ca_file, *client_cert, *client_key;
        bool plaintext; /* security = "none" */
        char *key;      /* owned: two servers with the same key are the same session */
};

struct mail_request {
        json_int_t id;
        char *from, *to; /* owned; domains in ASCII */
        bool needs_utf8;
        int64_t timeout_usec;
        struct mail_server server;
        const char *body; /* borrowed from the message */
        size_t body_size;
};

/**
 * request_parse() - check a message
 * @m:           borrowed, and has to outlive @ret
 * @ret:         request_done() by the caller, also on failure
 * @ret_problem: set on -EINVAL: what to answer
 *
 * Return: 0, -EPROTO when there is no id to answer to, -EINVAL, -ENOMEM.
 */
int request_parse(const struct message *m, struct mail_request *ret,
                  struct mail_outcome *ret_problem);
void request_done(struct mail_request *r);
