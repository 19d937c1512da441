/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mail/serve.h"

#include <errno.h>
#include <stdlib.h>
#include <sysexits.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "mail/inbox.h"
#include "mail/maildir.h"
#include "mail/ping.h"
#include "mail/request.h"
#include "mail/smtp.h"

DEFINE_CLEANUP(struct smtp_session *, smtp_session_free)

static void send_one(struct inbox *in, struct smtp_session *session,
                     const struct mail_request *request, struct mail_outcome *ret) {
        if (inbox_unwanted(in))
                outcome_set(ret, MAIL_TEMPFAIL, MAIL_STAGE_CONFIG, false,
                            "given up before it was begun, as evidenced asked");
        else if (request->server.transport == MAIL_TRANSPORT_MAILDIR)
                maildir_deliver(request, ret);
        else
                smtp_send(session, request, ret);
}

static int handle_ping(struct inbox *in, const struct message *m) {
        char *reply = NULL;
        int r = ping_answer(in, m->json, &reply);

        return r < 0 ? r : inbox_answer(in, reply);
}

/* Return: 0, or -errno when this connection can not go on. */
static int handle(struct inbox *in, struct smtp_session *session, const struct message *m) {
        _cleanup_(request_done) struct mail_request request = {};
        struct mail_outcome outcome = {};
        int r;

        if (streq_ptr(json_string_value(json_object_get(m->json, "verb")), "ping"))
                return handle_ping(in, m);
        r = request_parse(m, &request, &outcome);
        if (r == -EPROTO || r == -ENOMEM)
                return r;
        if (r == 0)
                send_one(in, session, &request, &outcome);
        log_debug("Message %lld: %s at %s, %d %s", (long long)request.id,
                  mail_result_to_string(outcome.result), mail_stage_to_string(outcome.stage),
                  outcome.code, outcome.text);
        return inbox_answer(in, outcome_to_json(&outcome, request.id, request.server.url));
}

static int serve(struct inbox *in, struct smtp_session *session) {
        for (;;) {
                _cleanup_(message_done) struct message m = {};
                bool open = smtp_session_is_open(session);
                int r = inbox_wait(in, open ? SMTP_KEEP_USEC : -1, &m);

                if (r == -EPIPE)
                        return in->broken ? WORKER_EXIT_PROTOCOL : EXIT_SUCCESS;
                if (r == 0) {
                        smtp_session_close(session);
                        continue;
                }
                r = handle(in, session, &m);
                if (r == -EPIPE || r == -ECONNRESET)
                        return EXIT_SUCCESS; /* hung up: nobody to tell */
                if (r < 0) {
                        log_error_errno(r, "Failed to handle a message: %m, ending");
                        return r == -EPROTO ? WORKER_EXIT_PROTOCOL : EX_TEMPFAIL;
                }
        }
}

int mail_serve(struct framer *peer) {
        _cleanup_(smtp_session_free_p) struct smtp_session *session = NULL;
        _cleanup_(inbox_done) struct inbox in = {.signal_fd = -1};
        int r = inbox_init(&in, peer);

        session = smtp_session_new(&in);
        if (r < 0 || !session) {
                log_error_errno(r < 0 ? r : ENOMEM, "Failed to set up: %m");
                return EX_OSERR;
        }
        return serve(&in, session);
}
