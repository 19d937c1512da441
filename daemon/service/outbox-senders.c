/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/outbox-internal.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "service/events.h"
#include "service/outbox-group.h"

#define SENDER_IDLE_USEC (30 * USEC_PER_SEC)

/* ---- what they said ---- */

static void schedule_writing(struct outbox *o) {
        struct outbox_group group = {
                .n_senders = o->n_senders, .n_answers = o->answers.n, .stopping = o->stopping};
        uint64_t armed_for = 0;
        int armed = SD_EVENT_OFF;
        usec_t wait;

        for (size_t i = 0; i < o->n_senders; i++)
                group.n_busy += o->senders[i].n_work > 0;
        wait = outbox_group_wait(&group);
        if (wait == 0) {
                outbox_schedule_turn(o);
                return;
        }
        if (sd_event_source_get_enabled(o->group, &armed) > 0 &&
            sd_event_source_get_time(o->group, &armed_for) >= 0 &&
            (usec_t)armed_for <= usec_add(clock_monotonic(), wait))
                return;
        sd_event_source_set_time_relative(o->group, (uint64_t)wait);
        sd_event_source_set_enabled(o->group, SD_EVENT_ONESHOT);
}

static void answer_add(struct outbox *o, struct answer a, const char *reply, const char *enhanced) {
        a.result.at = outbox_now(o);
        a.reply = reply ? strdup(reply) : NULL;
        a.enhanced = enhanced && *enhanced ? strdup(enhanced) : NULL;
        a.result.reply = a.reply;
        a.result.enhanced = a.enhanced;
        if (array_push(&o->answers, a) < 0) {
                log_oom(); /* stays handed, and is tried again after the timeout */
                free(a.reply);
                free(a.enhanced);
        }
        schedule_writing(o);
}

static void on_reply(struct sender *s, json_t *m) {
        struct outbox *o = s->outbox;
        struct mail_reply reply = {.result = "", .stage = "", .text = ""};
        const struct mail_work w = s->work[0];
        struct answer a = {.entry = w.entry, .server = w.server};
        _cleanup_free_ char *trouble = NULL;

        json_unpack(m, "{s?s, s?s, s?s, s?i, s?s, s?b}", "result", &reply.result, "stage",
                    &reply.stage, "text", &reply.text, "code", &reply.code, "enhanced",
                    &reply.enhanced, "connection", &reply.connection);
        a.result = mail_result(o->config.model, &w, &reply, outbox_now(o), o->stopping);
        trouble = reply.connection ? mail_reply_words(&reply) : NULL;
        mail_servers_heard(&o->servers, w.server,
                           reply.connection && !trouble ? reply.text : trouble, outbox_now(o));
        if (a.result.state == OUTBOX_SENT)
                o->failing_since = 0;
        else if (o->failing_since == 0 && strcmp(reply.result, "permanent") != 0)
                o->failing_since = outbox_now(o);
        a.result.code = reply.code;
        a.result.server = o->config.model->mail.servers[w.server].url;
        s->n_work--;
        memmove(s->work, s->work + 1, s->n_work * sizeof(s->work[0]));
        s->idle_since = clock_monotonic();
        peer_expect(s->peer, -1);
        answer_add(o, a, reply.text, reply.enhanced);
}

static void on_sender_message(struct peer *p, struct message *m, void *userdata) {
        struct sender *s = userdata;
        const json_t *reply = json_object_get(m->json, "reply");

        (void)p;
        if (!json_is_integer(reply))
                return; /* alive */
        if (s->n_work > 0 && json_integer_value(reply) == s->work[0].entry)
                on_reply(s, m->json);
}

static void on_sender_up(struct peer *p, void *userdata) {
        struct sender *s = userdata;

        (void)p;
        s->idle_since = clock_monotonic();
        outbox_schedule_turn(s->outbox);
}

/* It aborts before the final dot when we are gone; whether it came so far is not known. */
static void give_back(struct outbox *o, const struct mail_work *w, const char *why) {
        struct answer a = {.entry = w->entry, .server = w->server};

        log_event(LOG_WARNING, EVENT_SENDER_GONE, NULL,
                  "A sender is gone (%s) with mail %jd: in doubt, it is sent again with the same "
                  "Message-ID",
                  why, (intmax_t)w->entry);
        a.result = mail_result_lost(o->config.model, w, outbox_now(o));
        answer_add(o, a, "the sender died", NULL);
}

static void on_sender_down(struct peer *p, const char *why, void *userdata) {
        struct sender *s = userdata;
        size_t n = s->n_work;

        (void)p;
        if (n == 0)
                log_event(LOG_WARNING, EVENT_SENDER_GONE, NULL,
                          "A sender can not be used (%s); trying again", why);
        s->n_work = 0;
        for (size_t i = 0; i < n; i++)
                give_back(s->outbox, &s->work[i], why);
}

int outbox_start_senders(struct outbox *o, size_t n) {
        const struct peer_callbacks callbacks = {
                .on_up = on_sender_up, .on_message = on_sender_message, .on_down = on_sender_down};

        for (size_t i = 0; i < o->n_senders && n > 0; i++) {
                struct sender *s = &o->senders[i];
                int r;

                if (s->peer) {
                        n -= peer_state(s->peer) != PEER_UP; /* it is on its way */
                        continue;
                }
                n--;
                r = peer_new(o->config.event,
                             &(struct peer_config){.name = "sender",
                                                   .program = "evidenced-mail",
                                                   .socket = o->config.socket,
                                                   .executable = o->config.executable,
                                                   .environment = o->config.environment},
                             &callbacks, s, &s->peer);
                if (r < 0)
                        return log_error_errno(
                                r, "Failed to start a sender: %m, trying again in a second");
        }
        sd_event_source_set_time_relative(o->idle, SENDER_IDLE_USEC);
        sd_event_source_set_enabled(o->idle, SD_EVENT_ONESHOT);
        return 0;
}

int outbox_on_idle(sd_event_source *source, uint64_t usec, void *userdata) {
        struct outbox *o = userdata;
        bool any = false;

        (void)usec;
        for (size_t i = 0; i < o->n_senders; i++) {
                struct sender *s = &o->senders[i];

                if (s->peer && s->n_work == 0 &&
                    clock_monotonic() - s->idle_since >= SENDER_IDLE_USEC / 2)
                        s->peer = peer_free(s->peer);
                any = any || s->peer;
        }
        if (!any)
                return 0;
        sd_event_source_set_time_relative(source, SENDER_IDLE_USEC);
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

bool outbox_senders_busy(const struct outbox *o) {
        for (size_t i = 0; i < o->n_senders; i++)
                if (o->senders[i].n_work > 0)
                        return true;
        return false;
}

/* ---- stopping ---- */

/* Serves the senders that have something until they are done; from inside an event handler the loop can not. */
static void await_senders(struct outbox *o, usec_t end) {
        _cleanup_free_ struct peer **busy = calloc(o->n_senders + 1, sizeof(*busy));
        int r = busy ? 1 : -ENOMEM;

        while (r > 0 || r == -EINTR) {
                usec_t now = clock_monotonic();
                size_t n = 0;

                for (size_t i = 0; i < o->n_senders; i++)
                        if (o->senders[i].n_work > 0)
                                busy[n++] = o->senders[i].peer;
                if (n == 0 || now >= end)
                        return;
                r = peer_wait(busy, n, end - now);
        }
        if (r < 0 && r != -ENOTCONN)
                log_error_errno(r, "Failed to wait for the senders: %m");
}

void outbox_stop_senders(struct outbox *o, usec_t end) {
        json_t *abort_verb = json_pack("{s:s}", "verb", "abort");

        for (size_t i = 0; i < o->n_senders; i++)
                if (o->senders[i].n_work > 0 && abort_verb)
                        peer_send(o->senders[i].peer, abort_verb, NULL, 0);
        json_decref(abort_verb);
        await_senders(o, end);
        for (size_t i = 0; i < o->n_senders; i++)
                if (o->senders[i].n_work > 0)
                        on_sender_down(o->senders[i].peer, "the service stops", &o->senders[i]);
}
