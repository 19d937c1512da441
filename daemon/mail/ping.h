/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The verb "ping" (ipc/PROTOCOL.md): one GET of a page that a dead-man's switch watches for. Follows no redirect, keeps
 * nothing of the answer but its code, and has a libcurl handle of its own: what is allowed here is not allowed to mail.
 */

#include "mail/inbox.h"
#include "mail/outcome.h"

#define PING_TIMEOUT_MAX (60 * USEC_PER_SEC)
#define PING_ANSWER_MAX (64 << 10) /* bytes; who sends more is not read to the end */

/**
 * ping_answer() - do it; blocks until it is answered, its timeout has passed, or it is no longer wanted
 * @json: the message; borrowed
 * @ret: the reply, owned by the caller
 *
 * Return: 0, -EPROTO when there is no id to answer to, -ENOMEM.
 */
int ping_answer(struct inbox *in, const json_t *json, char **ret);
