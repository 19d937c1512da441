/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What follows for a mail from what a sender said of it: sent, given up, or when to try again. Pure, but for the jitter. */

#include <stdbool.h>

#include "core/model.h"
#include "store/store.h"

/* A mail that a sender has. */
struct mail_work {
        int64_t entry;
        size_t server;
        uint32_t tries;
        usec_t created;
};

/* What a sender's reply says: ipc/PROTOCOL.md. */
struct mail_reply {
        const char *result, *stage, *text, *enhanced; /* borrowed; enhanced NULL: none */
        int code, connection;
};

/** mail_reply_words() - "535 5.7.8 wrong password"; "no answer". Owned; NULL when out of memory. */
char *mail_reply_words(const struct mail_reply *reply);

/** mail_result() - @stopping: senders were asked to give up what they have. at, code, enhanced, server and reply are the caller's. */
struct outbox_result mail_result(const struct model *model, const struct mail_work *work,
                                 const struct mail_reply *reply, usec_t now, bool stopping);
/** mail_result_lost() - the sender is gone, and whether the mail left is not known */
struct outbox_result mail_result_lost(const struct model *model, const struct mail_work *work,
                                      usec_t now);
