/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Shared by tell.c (flushes) and tell-preview.c. */

#include "service/tell.h"

struct flush;

#define TELL_MAX_NOTES 20 /* files a reminder speaks of */

char *tell_message_id(const struct model *model,
                      usec_t now); /* owned; NULL: out of memory or of randomness */
/** One mail into the outbox, inside the caller's transaction. @flush: NULL for a mail without reminders. */
int tell_write_digest(struct tell *t, struct flush *flush, const struct digest *d,
                      char **ret_message_id);
