/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mail/smtp.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "mail/dialogue.h"
#include "mail/lines.h"
#include "mail/link.h"

/* RFC 5321, 4.5.3.2: what a client has to wait for at least. */
#define REPLY_USEC (300 * USEC_PER_SEC)
#define BLOCK_USEC (180 * USEC_PER_SEC)
#define DOT_USEC (600 * USEC_PER_SEC)
/* For the other replies of a group in which one was a refusal, which stands: keeping the session is worth no more. */
#define REFUSED_USEC (1 * USEC_PER_SEC)
/* For the answer to a dot that is sent, when nobody wants it any more. */
#define ABORT_DOT_USEC (1500 * USEC_PER_MSEC)
#define LINE_MAX_BYTES 8192

struct smtp_session {
        const char *missing;  /* static: why this libcurl will not do; NULL: it will */
        struct inbox *inbox;  /* borrowed */
        struct link link;     /* closed: no session */
        char *key;            /* owned: of the server it is with */
        struct secret secret; /* owned: that it was opened with */
        struct dialogue dialogue;
        char heard[LINE_MAX_BYTES]; /* and not yet told the dialogue */
        size_t n_heard;

        /* the message under way */
        usec_t until, unwanted_at;
        const char *why; /* borrowed: why it went no further */
};

/* ---- time ---- */

/* What nobody wants any more ends at once, but for a dot that is on its way: its answer is worth a moment. */
static bool unwanted(struct smtp_session *s, usec_t now) {
        if (!inbox_unwanted(s->inbox))
                return false;
        if (s->unwanted_at == 0)
                s->unwanted_at = now;
        return s->dialogue.asked != DIALOGUE_DOT || now - s->unwanted_at >= ABORT_DOT_USEC;
}

static int given_up(struct smtp_session *s) {
        s->why = "given up, as evidenced asked";
        return -ECANCELED;
}

/* Return: 0 when the server can be read from (POLLIN) or written to (POLLOUT), -ECANCELED, -ETIMEDOUT, -errno. */
static int await(struct smtp_session *s, short events, usec_t until) {
        int r = 0;

        while (r == 0) {
                usec_t now = clock_monotonic(), wake = until;

                if (unwanted(s, now))
                        return given_up(s);
                if (now >= until) {
                        s->why = events & POLLOUT ? "the server takes no more of the message"
                                                  : "no answer in time";
                        return -ETIMEDOUT;
                }
                if (s->unwanted_at > 0 && s->unwanted_at + ABORT_DOT_USEC < wake)
                        wake = s->unwanted_at + ABORT_DOT_USEC;
                r = inbox_await(s->inbox, s->link.fd, events, wake);
        }
        if (r < 0)
                s->why = strerror(-r);
        return r < 0 ? r : 0;
}

static usec_t deadline(const struct smtp_session *s, usec_t wait) {
        usec_t until = usec_add(clock_monotonic(), wait);

        return until < s->until ? until : s->until;
}

/* ---- hearing ---- */

/* Tells the dialogue what was heard, as far as it asked for it; @all: whether it did or not. */
static int tell(struct smtp_session *s, bool all) {
        size_t used = 0;
        int r = 0;

        while (r == 0 && (all || dialogue_awaits(&s->dialogue))) {
                const char *line = s->heard + used, *end = memchr(line, '\n', s->n_heard - used);

                if (!end)
                        break;
                if (!dialogue_reply(&s->dialogue, line, (size_t)(end - line)))
                        r = -EPROTO;
                used += (size_t)(end + 1 - line);
        }
        s->n_heard -= used;
        memmove(s->heard, s->heard + used, s->n_heard);
        if (r == 0 && s->n_heard == sizeof(s->heard))
                r = -EPROTO;
        if (r < 0)
                s->why = "what the server says is no SMTP";
        return r;
}

/* Return: 0 when there is more in s->heard, -EAGAIN, -errno. */
static int hear(struct smtp_session *s) {
        ssize_t n = link_receive(&s->link, s->heard + s->n_heard, sizeof(s->heard) - s->n_heard);

        if (n > 0)
                s->n_heard += (size_t)n;
        else if (n != -EAGAIN)
                s->why = s->link.error;
        return n > 0 ? 0 : n == 0 ? -ECONNRESET : (int)n;
}

/* The reply that is awaited; one that comes drop by drop has no more time than another. */
static int hear_reply(struct smtp_session *s) {
        const struct dialogue_reply *reply = &s->dialogue.reply;
        enum dialogue_command to = reply->to;
        usec_t until = deadline(s, s->dialogue.refusal.code != 0 ? REFUSED_USEC
                                   : to == DIALOGUE_DOT          ? DOT_USEC
                                                                 : REPLY_USEC);
        int r = tell(s, false);

        while (r == 0 && dialogue_awaits(&s->dialogue) && reply->to == to) {
                r = hear(s);
                if (r == -EAGAIN)
                        r = await(s, POLLIN, until);
                else if (r == 0)
                        r = tell(s, false);
        }
        return r;
}

static int hear_replies(struct smtp_session *s) {
        int r = 0;

        while (r == 0 && dialogue_awaits(&s->dialogue))
                r = hear_reply(s);
        return r;
}

/* Something was heard while it was our turn: the dialogue judges it, and it is over. */
static int out_of_turn(struct smtp_session *s) {
        int r = tell(s, true);

        if (r == 0)
                s->why = "the server speaks out of turn";
        return -EPROTO;
}

/* ---- saying ---- */

static int wait_to_say(struct smtp_session *s, usec_t until) {
        /* Within commands the first replies may come; within a message none should. */
        bool listen = !dialogue_awaits(&s->dialogue);
        int r = await(s, listen ? POLLIN | POLLOUT : POLLOUT, until);

        if (r < 0 || !listen)
                return r;
        r = hear(s);
        return r == 0 ? out_of_turn(s) : r == -EAGAIN ? 0 : r;
}

static int say(struct smtp_session *s, const char *data, size_t size) {
        usec_t until = deadline(s, BLOCK_USEC);
        int r = 0;

        while (r == 0 && size > 0) {
                ssize_t n = link_send(&s->link, data, size);

                if (n > 0) {
                        data += n;
                        size -= (size_t)n;
                        until = deadline(s, BLOCK_USEC);
                } else if (n == -EAGAIN)
                        r = wait_to_say(s, until);
                else { /* it may have said why */
                        s->why = s->link.error;
                        r = hear(s) == 0 ? out_of_turn(s) : -ECONNRESET;
                }
        }
        return r;
}

static int say_body(struct smtp_session *s, const char *body, size_t size) {
        int r = say(s, body, size);

        if (r == 0)
                dialogue_body_sent(&s->dialogue);
        return r;
}

/* Leads the dialogue to its end. Return: 0, -ECANCELED, -ETIMEDOUT, -errno; s->why in words. */
static int converse(struct smtp_session *s, const struct dialogue_message *m, const char *body,
                    size_t size) {
        char commands[DIALOGUE_COMMANDS];
        int r = 0;

        while (r == 0) {
                enum dialogue_step step;

                if (!dialogue_is_decided(&s->dialogue)) {
                        if (s->n_heard > 0)
                                return out_of_turn(s);
                        if (unwanted(s, clock_monotonic()))
                                return given_up(s);
                }
                step = dialogue_next(&s->dialogue, m, commands);
                if (step == DIALOGUE_OVER)
                        return 0;
                r = step == DIALOGUE_SAY ? say(s, commands, strlen(commands))
                                         : say_body(s, body, size);
                if (r == 0)
                        r = hear_replies(s);
        }
        return dialogue_is_decided(&s->dialogue) ? 0 : r;
}

/* ---- a session ---- */

static int open_session(struct smtp_session *s, const struct mail_request *request,
                        struct secret *secret, enum dialogue_end *ret_end) {
        const struct link_config config = {.server = &request->server,
                                           .secret = secret,
                                           .dialogue = &s->dialogue,
                                           .inbox = s->inbox,
                                           .until = s->until};
        int r;

        smtp_session_close(s);
        s->key = strdup(request->server.key);
        if (!s->key)
                return -ENOMEM;
        r = link_open(&s->link, &config, ret_end);
        s->why = s->link.error;
        s->secret = *secret;
        *secret = (struct secret){};
        return r;
}

/* Is there a session for this message? What the server said since the last one, it said to nobody. */
static bool has_session(struct smtp_session *s, const struct mail_request *request,
                        const struct secret *secret) {
        return link_is_open(&s->link) && streq_ptr(s->key, request->server.key) &&
               streq_ptr(s->secret.text, secret->text) && hear(s) == -EAGAIN;
}

/* Return: 1 when a session that had been idle ended before this message was touched: again, on a new one; 0; -errno. */
static int attempt(struct smtp_session *s, const struct mail_request *request,
                   struct secret *secret, const char *body, size_t size, struct mail_outcome *ret) {
        const struct dialogue_message m = {.from = request->from,
                                           .to = request->to,
                                           .needs_auth = request->server.user != NULL,
                                           .needs_utf8 = request->needs_utf8};
        bool reused = has_session(s, request, secret);
        enum dialogue_end end = DIALOGUE_END_OK;
        int r = reused ? 0 : open_session(s, request, secret, &end);
        bool again;

        if (r < 0)
                return r;
        if (end == DIALOGUE_END_OK) {
                dialogue_begin(&s->dialogue, &m);
                r = converse(s, &m, body, size);
                if (r < 0)
                        end = r == -ECANCELED ? DIALOGUE_END_ABORTED : DIALOGUE_END_LOST;
        }
        again = reused && r != -ECANCELED && r != -ETIMEDOUT && dialogue_is_untouched(&s->dialogue);
        dialogue_outcome(&s->dialogue, end, s->why, ret);
        if (r < 0 || s->n_heard > 0 || !dialogue_is_reusable(&s->dialogue))
                smtp_session_close(s);
        return again;
}

static int transmit(struct smtp_session *s, const struct mail_request *request,
                    struct secret *secret, struct mail_outcome *ret) {
        _cleanup_free_ char *body = NULL;
        size_t size;
        int r = lines_to_smtp(request->body, request->body_size, &body, &size);

        s->until = usec_add(clock_monotonic(), request->timeout_usec);
        s->unwanted_at = 0;
        s->why = "";
        if (r == 0)
                r = attempt(s, request, secret, body, size, ret);
        if (r > 0) {
                log_debug("%s closed an idle session, connecting again", request->server.url);
                r = attempt(s, request, secret, body, size, ret);
        }
        return r;
}

static void not_tried(struct mail_outcome *o, bool connection, const char *why) {
        outcome_set(o, MAIL_TEMPFAIL, MAIL_STAGE_CONFIG, connection, "%s", why);
}

void smtp_send(struct smtp_session *s, const struct mail_request *request,
               struct mail_outcome *ret) {
        const struct mail_server *server = &request->server;
        _cleanup_(secret_done) struct secret secret = {};
        _cleanup_free_ char *why = NULL;
        int r = 0;

        assert(server->transport != MAIL_TRANSPORT_MAILDIR);
        if (s->missing) {
                not_tried(ret, true, s->missing);
                return;
        }
        if (server->user)
                r = credential_read(server->credential, server->password_file, &secret, &why);
        if (r < 0) {
                not_tried(ret, true, why ? why : strerror(-r));
                return;
        }
        r = transmit(s, request, &secret, ret);
        if (r == -EINVAL)
                not_tried(ret, true, s->why);
        else if (r < 0)
                not_tried(ret, false, strerror(-r));
}

struct smtp_session *smtp_session_new(struct inbox *inbox) {
        struct smtp_session *s = calloc(1, sizeof(*s));

        if (!s)
                return NULL;
        s->inbox = inbox;
        s->missing = link_missing();
        if (s->missing)
                log_error("%s: only maildir: can be delivered to", s->missing);
        return s;
}

void smtp_session_close(struct smtp_session *s) {
        static const char quit[] = "QUIT\r\n";

        if (link_is_open(&s->link) && dialogue_is_reusable(&s->dialogue))
                (void)link_send(&s->link, quit, strlen(quit));
        link_close(&s->link);
        secret_done(&s->secret);
        free(s->key);
        s->key = NULL;
        s->n_heard = 0;
}

bool smtp_session_is_open(const struct smtp_session *s) { return link_is_open(&s->link); }

struct smtp_session *smtp_session_free(struct smtp_session *s) {
        if (!s)
                return NULL;
        smtp_session_close(s);
        free(s);
        return NULL;
}
