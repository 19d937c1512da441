/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/mail-result.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "service/mail-servers.h"

#define RETRY_FIRST_USEC USEC_PER_MINUTE
#define RETRY_MAX_USEC USEC_PER_HOUR

enum pause {
        PAUSE_NONE, /* the same try goes on: with the next server, or in the next run */
        PAUSE_SERVER, /* the server's own: mail after mail, the most urgent first, once it is up again */
        PAUSE_MAIL,
};

/* What follows from a result that is not final. */
static struct outbox_result retry_later(const struct model *model, const struct mail_work *w,
                                        usec_t now, enum outbox_state state, enum pause pause) {
        usec_t next = now;
        bool count = pause != PAUSE_NONE;

        if (pause == PAUSE_MAIL)
                next = usec_add(now, jitter(back_off(RETRY_FIRST_USEC, RETRY_MAX_USEC, w->tries)));
        if (next > usec_add(w->created, model->mail.retry_for))
                return (struct outbox_result){.state = OUTBOX_PARKED, .count_try = count};
        return (struct outbox_result){.state = state, .next_try = next, .count_try = count};
}

static enum pause pause_after(const struct model *model, const struct mail_work *w,
                              const struct mail_reply *reply, bool stopping) {
        static const char *const before_mail[] = {"config", "connect", "tls", "auth"};

        if (stopping && reply->code == 0)
                return PAUSE_NONE; /* it was us who gave up */
        if (!reply->connection)
                return PAUSE_MAIL;
        if (w->server + 1 < model->mail.n_servers)
                return PAUSE_NONE;
        /* A mail that makes a server break off must not stand before all others for ever. */
        for (size_t i = 0; i < ELEMENTSOF(before_mail); i++)
                if (strcmp(reply->stage, before_mail[i]) == 0)
                        return PAUSE_SERVER;
        return PAUSE_MAIL;
}

struct outbox_result mail_result_lost(const struct model *model, const struct mail_work *w,
                                      usec_t now) {
        return retry_later(model, w, now, OUTBOX_DOUBT, PAUSE_MAIL);
}

char *mail_reply_words(const struct mail_reply *reply) {
        const char *enhanced = reply->enhanced ? reply->enhanced : "";
        char *words = NULL, code[16] = "";

        if (!*reply->text)
                return strdup("no answer");
        if (reply->code > 0)
                snprintf(code, sizeof(code), "%d ", reply->code);
        return asprintf(&words, "%s%s%s%s", code, enhanced, *enhanced ? " " : "", reply->text) < 0
                       ? NULL
                       : words;
}

struct outbox_result mail_result(const struct model *model, const struct mail_work *w,
                                 const struct mail_reply *reply, usec_t now, bool stopping) {
        if (strcmp(reply->result, "sent") == 0)
                return (struct outbox_result){.state = OUTBOX_SENT, .count_try = true};
        if (strcmp(reply->result, "permanent") == 0)
                return (struct outbox_result){.state = OUTBOX_PARKED, .count_try = true};
        if (strcmp(reply->result, "doubt") == 0)
                return mail_result_lost(model, w, now);
        return retry_later(model, w, now, OUTBOX_QUEUED, pause_after(model, w, reply, stopping));
}
