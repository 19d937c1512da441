/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One message to one recipient over SMTP; the session is kept for the next message to the same server as the same user.
 * libcurl makes the connection (mail/link.h), the dialogue (mail/dialogue.h) knows what is said on it; here is the time it takes.
 */

#include "mail/inbox.h"
#include "mail/request.h"

#define SMTP_KEEP_USEC (15 * USEC_PER_SEC) /* how long an idle session is worth a server's slot */

struct smtp_session;

/**
 * smtp_session_new() - says so in the log when this libcurl has no SMTP
 * @inbox: borrowed
 *
 * Return: owned, NULL when out of memory.
 */
struct smtp_session *smtp_session_new(struct inbox *inbox);
struct smtp_session *smtp_session_free(struct smtp_session *s);
/** smtp_session_close() - QUIT, without waiting for its answer */
void smtp_session_close(struct smtp_session *s);
bool smtp_session_is_open(const struct smtp_session *s);
/** smtp_send() - blocks until the message's fate is known, its timeout has passed, or it is no longer wanted */
void smtp_send(struct smtp_session *s, const struct mail_request *request,
               struct mail_outcome *ret);
