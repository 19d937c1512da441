/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A connection to a mail server, made by libcurl: the server found, TLS as it was asked for, EHLO, login. From there on it carries
 * bytes, and does not know what they mean; what is said until then it tells the dialogue.
 * Never less safe than asked for: TLS is required unless security is none.
 */

#include <curl/curl.h>

#include "mail/credential.h"
#include "mail/dialogue.h"
#include "mail/inbox.h"
#include "mail/request.h"

struct link {
        CURL *curl;                  /* owned; NULL: closed */
        int fd;                      /* borrowed: what to wait for when there is nothing now */
        char error[CURL_ERROR_SIZE]; /* in words, after a failure */
};

struct link_config {
        const struct mail_server *server; /* all are borrowed */
        const struct secret *secret;
        struct dialogue *dialogue;
        struct inbox *inbox;
        usec_t until; /* CLOCK_MONOTONIC */
};

/** link_missing() - why this libcurl will not do (static), or NULL */
const char *link_missing(void);
/**
 * link_open() - blocks until the dialogue can begin, the time is over, or nobody wants it any more
 * @ret_end: how it ended; other than DIALOGUE_END_OK it is closed
 *
 * Return: 0, -EINVAL when libcurl does not take a setting, -ENOMEM.
 */
int link_open(struct link *l, const struct link_config *config, enum dialogue_end *ret_end);
static inline bool link_is_open(const struct link *l) { return l->curl; }
/** link_send() - Return: bytes that were taken, -EAGAIN (wait for POLLOUT), -ECONNRESET. Their last one was taken, or it will not be sent. */
ssize_t link_send(struct link *l, const char *data, size_t size);
/** link_receive() - Return: bytes, 0 when the server hung up, -EAGAIN (wait for POLLIN; not before, since TLS holds some back), -ECONNRESET. */
ssize_t link_receive(struct link *l, char *buffer, size_t size);
void link_close(struct link *l);
