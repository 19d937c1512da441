/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/outbox.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "ipc/peer.h"
#include "service/events.h"
#include "service/mail-ledger.h"
#include "service/mail-servers.h"

#define RETRY_FIRST_USEC USEC_PER_MINUTE
#define RETRY_MAX_USEC USEC_PER_HOUR
#define HAND_OUT_GRACE_USEC (10 * USEC_PER_SEC)
#define STOP_USEC (2 * USEC_PER_SEC + 500 * USEC_PER_MSEC)
#define SENDER_IDLE_USEC (30 * USEC_PER_SEC)

struct sender {
        struct outbox *outbox;
        struct peer *peer; /* owned; NULL: nothing to do, not started */
        int64_t entry;     /* what it has; 0: idle */
        size_t server;
        uint32_t tries;
        usec_t created;
        usec_t idle_since;
};

/* What a sender said of an entry, until it is written down. */
struct answer {
        int64_t entry;
        struct outbox_result result;
        char *reply; /* owned */
        size_t server;
};

struct outbox {
        struct outbox_config config;
        struct outbox_callbacks callbacks;
        void *userdata;
        struct sender *senders; /* model.mail.connections */
        size_t n_senders;
        struct mail_servers servers;
        struct answers ARRAY(struct answer) answers;
        sd_event_source *turn;          /* owned: writes answers, hands out more */
        sd_event_source *wake;          /* owned: the next try */
        sd_event_source *idle;          /* owned: ends senders that have nothing to do */
        bool held, stopping, exhausted; /* exhausted: the last look found nothing ready */
        usec_t failing_since;
};

static usec_t now_of(const struct outbox *o) { return clock_now(o->config.clock); }

static void schedule_turn(struct outbox *o) {
        if (o->turn)
                sd_event_source_set_enabled(o->turn, SD_EVENT_ONESHOT);
}

/* ---- handing out ---- */

static json_t *server_json(const struct mail_server *s) {
        return json_pack("{s:s, s:s*, s:s*, s:s*, s:s*, s:s*, s:s*, s:s*, s:s}", "url", s->url,
                         "user", s->user, "credential", s->credential, "password_file",
                         s->password_file, "ca_file", s->ca_file, "client_cert", s->client_cert,
                         "client_key", s->client_key, "auth", s->auth, "security",
                         s->security == MAIL_SECURITY_NONE ? "none" : "tls");
}

/* A frame that goes out once the transaction that marks it is committed. */
struct outgoing {
        struct sender *sender;
        json_t *json;
        char *body;
        size_t size;
};
struct outgoing_list ARRAY(struct outgoing);

struct hand_out {
        struct outbox *o;
        struct outgoing_list list;
        size_t server;
        usec_t now;
};

static void outgoing_done(struct outgoing_list *list) {
        for (size_t i = 0; i < list->n; i++) {
                json_decref(list->items[i].json);
                free(list->items[i].body);
        }
        array_done(list);
}

static struct sender *free_sender(struct outbox *o, const struct outgoing_list *list) {
        for (size_t i = 0; i < o->n_senders; i++) {
                struct sender *s = &o->senders[i];
                bool taken = s->entry != 0 || !s->peer || peer_state(s->peer) != PEER_UP;

                for (size_t k = 0; k < list->n && !taken; k++)
                        taken = list->items[k].sender == s;
                if (!taken)
                        return s;
        }
        return NULL;
}

static int on_ready(void *userdata, const struct outbox_entry *entry) {
        struct hand_out *h = userdata;
        const struct mail_server *server = &h->o->config.model->mail.servers[h->server];
        struct outgoing out = {.sender = free_sender(h->o, &h->list), .size = entry->message.size};

        if (!out.sender)
                return 0;
        out.body = malloc(out.size + 1);
        out.json = json_pack("{s:s, s:I, s:s, s:s, s:I, s:o}", "verb", "send", "id",
                             (json_int_t)entry->id, "from", entry->message.from, "to",
                             entry->recipient, "timeout", (json_int_t)server->timeout, "server",
                             server_json(server));
        if (!out.body || !out.json || array_push(&h->list, out) < 0) {
                free(out.body);
                json_decref(out.json);
                return -ENOMEM;
        }
        memcpy(out.body, entry->message.bytes, out.size);
        out.sender->tries = entry->tries;
        out.sender->created = entry->message.created;
        return 0;
}

static size_t entry_of(const struct outgoing *out) {
        return (size_t)json_integer_value(json_object_get(out->json, "id"));
}

/* Marks what will be handed out, inside the transaction of the turn. Should we die, it is not handed out again before the
 * sender, who may have it still, must have given up. */
static int mark_handed(struct hand_out *h) {
        usec_t timeout = h->o->config.model->mail.servers[h->server].timeout + HAND_OUT_GRACE_USEC;

        for (size_t i = 0; i < h->list.n; i++) {
                int r = store_outbox_update(
                        h->o->config.store, (int64_t)entry_of(&h->list.items[i]),
                        &(struct outbox_result){.state = OUTBOX_HANDED,
                                                .at = h->now,
                                                .next_try = usec_add(h->now, timeout)});

                if (r < 0)
                        return r;
        }
        return 0;
}

static void send_out(struct hand_out *h) {
        for (size_t i = 0; i < h->list.n; i++) {
                struct outgoing *out = &h->list.items[i];

                out->sender->entry = (int64_t)entry_of(out);
                out->sender->server = h->server;
                if (peer_send(out->sender->peer, out->json, out->body, out->size) < 0)
                        peer_restart(out->sender->peer,
                                     "it takes no more work"); /* on_down queues the entry again */
                else
                        peer_expect(out->sender->peer, 1);
        }
}

/* ---- writing down ---- */

static int on_parked_entry(void *userdata, const struct outbox_entry *entry) {
        struct outbox *o = userdata;

        return o->callbacks.on_parked(o->userdata, entry);
}

static int on_ledger_entry(void *userdata, const struct outbox_entry *entry) {
        struct outbox *o = userdata;

        return mail_ledger(o->config.store, entry, now_of(o), NULL);
}

static int write_answer(struct outbox *o, const struct answer *a) {
        int r;

        r = store_outbox_update(o->config.store, a->entry, &a->result);
        if (r < 0 || (a->result.state == OUTBOX_QUEUED))
                return r;
        r = store_outbox_get(o->config.store, a->entry, on_ledger_entry, o);
        if (r == 0 && a->result.state == OUTBOX_PARKED)
                r = store_outbox_get(o->config.store, a->entry, on_parked_entry, o);
        return r;
}

static int write_answers(struct outbox *o) {
        for (size_t i = 0; i < o->answers.n; i++) {
                int r = write_answer(o, &o->answers.items[i]);

                if (r < 0)
                        return r;
        }
        return 0;
}

static void log_answers(struct outbox *o) {
        for (size_t i = 0; i < o->answers.n; i++) {
                struct answer *a = &o->answers.items[i];

                if (a->result.state != OUTBOX_SENT)
                        log_event(LOG_WARNING, EVENT_MAIL_REFUSED, NULL, "Mail %jd: %s (%d %s)",
                                  (intmax_t)a->entry, outbox_state_to_string(a->result.state),
                                  a->result.code, a->reply ? a->reply : "");
                free(a->reply);
        }
        o->answers.n = 0;
}

/* ---- the turn ---- */

static void start_senders(struct outbox *o, size_t n);

static void arm_wake(struct outbox *o, usec_t at) {
        usec_t next = USEC_INFINITY;

        if (store_outbox_next(o->config.store, &next) < 0)
                return;
        if (next == USEC_INFINITY)
                o->failing_since = 0; /* what failed was withdrawn, dropped or given up */
        if (next < at)
                next = at;
        if (next == USEC_INFINITY || o->held) {
                sd_event_source_set_enabled(o->wake, SD_EVENT_OFF);
                return;
        }
        sd_event_source_set_time(o->wake, (uint64_t)(next - o->config.clock->offset));
        sd_event_source_set_enabled(o->wake, SD_EVENT_ONESHOT);
}

static int count_ready(void *userdata, const struct outbox_entry *entry) {
        (void)entry;
        ++*(size_t *)userdata;
        return 0;
}

static int hand_out(struct outbox *o, struct hand_out *h) {
        size_t idle = 0, ready = 0;
        int r;

        for (size_t i = 0; i < o->n_senders; i++)
                idle += o->senders[i].entry == 0;
        if (o->held || o->stopping || idle == 0 || h->server == SIZE_MAX) {
                o->exhausted = idle > 0;
                return 0;
        }
        r = store_outbox_ready(o->config.store, h->now, idle, count_ready, &ready);
        if (r < 0)
                return r;
        o->exhausted = ready == 0;
        if (ready == 0)
                return 0;
        start_senders(o, ready);
        r = store_outbox_ready(o->config.store, h->now, idle, on_ready, h);
        return r < 0 ? r : mark_handed(h);
}

static int on_turn(sd_event_source *s, void *userdata) {
        struct outbox *o = userdata;
        struct hand_out h = {.o = o, .now = now_of(o)};
        bool answered = o->answers.n > 0;
        usec_t until;
        int r;

        (void)s;
        h.server = mail_servers_choose(&o->servers, h.now, &until);
        r = store_begin(o->config.store);
        if (r == 0)
                r = write_answers(o);
        if (r == 0)
                r = hand_out(o, &h);
        if (r == 0)
                r = store_commit(o->config.store);
        if (r < 0) {
                store_rollback(o->config.store);
                outgoing_done(&h.list);
                log_error_errno(
                        r, "Failed to write down the outbox (%s): %m, trying again in a second",
                        store_error(o->config.store));
                sd_event_source_set_time(
                        o->wake, (uint64_t)(h.now + USEC_PER_SEC - o->config.clock->offset));
                return sd_event_source_set_enabled(o->wake, SD_EVENT_ONESHOT);
        }
        log_answers(o);
        send_out(&h);
        outgoing_done(&h.list);
        arm_wake(o, h.server == SIZE_MAX ? until : 0);
        if (answered || o->exhausted)
                o->callbacks.on_changed(o->userdata);
        return 0;
}

static int on_wake(sd_event_source *s, uint64_t usec, void *userdata) {
        (void)s;
        (void)usec;
        schedule_turn(userdata);
        return 0;
}

/* ---- senders ---- */

static void answer_add(struct outbox *o, struct answer a, const char *reply) {
        a.result.at = now_of(o);
        a.reply = reply ? strdup(reply) : NULL;
        a.result.reply = a.reply;
        if (array_push(&o->answers, a) < 0) {
                log_oom(); /* stays handed, and is tried again after the timeout */
                free(a.reply);
        }
        schedule_turn(o);
}

enum pause {
        PAUSE_NONE, /* the same try goes on: with the next server, or in the next run */
        PAUSE_SERVER, /* the server's own: mail after mail, the most urgent first, once it is up again */
        PAUSE_MAIL,
};

/* What follows from a result that is not final. */
static struct outbox_result retry_later(struct outbox *o, const struct sender *s,
                                        enum outbox_state state, enum pause pause) {
        usec_t now = now_of(o), next = now;
        bool count = pause != PAUSE_NONE;

        if (pause == PAUSE_MAIL)
                next = usec_add(now, jitter(back_off(RETRY_FIRST_USEC, RETRY_MAX_USEC, s->tries)));
        if (next > usec_add(s->created, o->config.model->mail.retry_for))
                return (struct outbox_result){.state = OUTBOX_PARKED, .count_try = count};
        return (struct outbox_result){.state = state, .next_try = next, .count_try = count};
}

/* What a sender's reply says. */
struct reply {
        const char *result, *stage, *text; /* borrowed */
        int code, connection;
};

static enum pause pause_after(const struct outbox *o, const struct sender *s,
                              const struct reply *reply) {
        static const char *const before_mail[] = {"config", "connect", "tls", "auth"};

        if (o->stopping && reply->code == 0)
                return PAUSE_NONE; /* it was us who gave up */
        if (!reply->connection)
                return PAUSE_MAIL;
        if (s->server + 1 < o->config.model->mail.n_servers)
                return PAUSE_NONE;
        /* A mail that makes a server break off must not stand before all others for ever. */
        for (size_t i = 0; i < ELEMENTSOF(before_mail); i++)
                if (strcmp(reply->stage, before_mail[i]) == 0)
                        return PAUSE_SERVER;
        return PAUSE_MAIL;
}

static struct outbox_result result_of(struct outbox *o, const struct sender *s,
                                      const struct reply *reply) {
        if (strcmp(reply->result, "sent") == 0)
                return (struct outbox_result){.state = OUTBOX_SENT, .count_try = true};
        if (strcmp(reply->result, "permanent") == 0)
                return (struct outbox_result){.state = OUTBOX_PARKED, .count_try = true};
        if (strcmp(reply->result, "doubt") == 0)
                return retry_later(o, s, OUTBOX_DOUBT, PAUSE_MAIL);
        return retry_later(o, s, OUTBOX_QUEUED, pause_after(o, s, reply));
}

static void on_reply(struct sender *s, json_t *m) {
        struct outbox *o = s->outbox;
        struct reply reply = {.result = "", .stage = "", .text = ""};
        struct answer a = {.entry = s->entry, .server = s->server};

        json_unpack(m, "{s?s, s?s, s?s, s?i, s?b}", "result", &reply.result, "stage", &reply.stage,
                    "text", &reply.text, "code", &reply.code, "connection", &reply.connection);
        a.result = result_of(o, s, &reply);
        mail_servers_heard(&o->servers, s->server,
                           reply.connection ? (*reply.text ? reply.text : "no answer") : NULL,
                           now_of(o));
        if (a.result.state == OUTBOX_SENT)
                o->failing_since = 0;
        else if (o->failing_since == 0 && strcmp(reply.result, "permanent") != 0)
                o->failing_since = now_of(o);
        a.result.code = reply.code;
        a.result.server = o->config.model->mail.servers[s->server].url;
        s->entry = 0;
        s->idle_since = clock_monotonic();
        peer_expect(s->peer, -1);
        answer_add(o, a, reply.text);
}

static void on_sender_message(struct peer *p, struct message *m, void *userdata) {
        struct sender *s = userdata;
        const json_t *reply = json_object_get(m->json, "reply");

        (void)p;
        if (!json_is_integer(reply))
                return; /* alive */
        if (s->entry && json_integer_value(reply) == s->entry)
                on_reply(s, m->json);
}

static void on_sender_up(struct peer *p, void *userdata) {
        struct sender *s = userdata;

        (void)p;
        s->idle_since = clock_monotonic();
        schedule_turn(s->outbox);
}

static void on_sender_down(struct peer *p, const char *why, void *userdata) {
        struct sender *s = userdata;
        struct answer a = {.entry = s->entry, .server = s->server};

        (void)p;
        if (!s->entry) {
                log_event(LOG_WARNING, EVENT_SENDER_GONE, NULL,
                          "A sender can not be used (%s); trying again", why);
                return;
        }
        /* It aborts before the final dot when we are gone; whether it came so far is not known. */
        log_event(LOG_WARNING, EVENT_SENDER_GONE, NULL,
                  "A sender is gone (%s) with mail %jd: in doubt, it is sent again with the same "
                  "Message-ID",
                  why, (intmax_t)s->entry);
        a.result = retry_later(s->outbox, s, OUTBOX_DOUBT, PAUSE_MAIL);
        s->entry = 0;
        answer_add(s->outbox, a, "the sender died");
}

static void start_senders(struct outbox *o, size_t n) {
        const struct peer_callbacks callbacks = {
                .on_up = on_sender_up, .on_message = on_sender_message, .on_down = on_sender_down};

        for (size_t i = 0; i < o->n_senders && n > 0; i++) {
                struct sender *s = &o->senders[i];
                int r;

                if (s->entry)
                        continue;
                n--;
                if (s->peer)
                        continue;
                r = peer_new(o->config.event,
                             &(struct peer_config){.name = "sender",
                                                   .program = "evidenced-mail",
                                                   .socket = o->config.socket,
                                                   .executable = o->config.executable,
                                                   .environment = o->config.environment},
                             &callbacks, s, &s->peer);
                if (r < 0)
                        log_error_errno(
                                r, "Failed to start a sender: %m, trying again with the next mail");
        }
        sd_event_source_set_time_relative(o->idle, SENDER_IDLE_USEC);
        sd_event_source_set_enabled(o->idle, SD_EVENT_ONESHOT);
}

static int on_idle(sd_event_source *src, uint64_t usec, void *userdata) {
        struct outbox *o = userdata;
        bool any = false;

        (void)usec;
        for (size_t i = 0; i < o->n_senders; i++) {
                struct sender *s = &o->senders[i];

                if (s->peer && !s->entry &&
                    clock_monotonic() - s->idle_since >= SENDER_IDLE_USEC / 2)
                        s->peer = peer_free(s->peer);
                any = any || s->peer;
        }
        if (!any)
                return 0;
        sd_event_source_set_time_relative(src, SENDER_IDLE_USEC);
        return sd_event_source_set_enabled(src, SD_EVENT_ONESHOT);
}

/* ---- public ---- */

DEFINE_CLEANUP(struct outbox *, outbox_free)

int outbox_new(const struct outbox_config *config, const struct outbox_callbacks *callbacks,
               void *userdata, struct outbox **ret) {
        _cleanup_(outbox_free_p) struct outbox *o = calloc(1, sizeof(*o));
        int r;

        if (!o)
                return -ENOMEM;
        o->config = *config;
        o->callbacks = *callbacks;
        o->userdata = userdata;
        o->n_senders = config->model->mail.connections;
        o->senders = calloc(o->n_senders + 1, sizeof(*o->senders));
        if (!o->senders || mail_servers_init(&o->servers, config->model) < 0)
                return -ENOMEM;
        for (size_t i = 0; i < o->n_senders; i++)
                o->senders[i].outbox = o;
        r = sd_event_add_defer(config->event, &o->turn, on_turn, o);
        if (r >= 0)
                r = sd_event_source_set_enabled(o->turn, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_add_time(config->event, &o->wake, CLOCK_REALTIME, UINT64_MAX, 0,
                                      on_wake, o);
        if (r >= 0)
                r = sd_event_add_time(config->event, &o->idle, CLOCK_MONOTONIC, UINT64_MAX,
                                      USEC_PER_SEC, on_idle, o);
        if (r < 0)
                return r;
        *ret = steal_ptr(o);
        return 0;
}

struct outbox *outbox_free(struct outbox *o) {
        if (!o)
                return NULL;
        sd_event_source_disable_unref(o->turn);
        sd_event_source_disable_unref(o->wake);
        sd_event_source_disable_unref(o->idle);
        for (size_t i = 0; o->senders && i < o->n_senders; i++)
                peer_free(o->senders[i].peer);
        free(o->senders);
        mail_servers_done(&o->servers);
        for (size_t i = 0; i < o->answers.n; i++)
                free(o->answers.items[i].reply);
        array_done(&o->answers);
        free(o);
        return NULL;
}

void outbox_kick(struct outbox *o) {
        o->exhausted = false;
        schedule_turn(o);
}

void outbox_retry(struct outbox *o) {
        mail_servers_try_all(&o->servers, now_of(o));
        outbox_kick(o);
}

void outbox_hold(struct outbox *o, bool hold) {
        o->held = hold;
        outbox_kick(o);
}

static bool any_busy(const struct outbox *o) {
        for (size_t i = 0; i < o->n_senders; i++)
                if (o->senders[i].entry)
                        return true;
        return false;
}

bool outbox_is_idle(const struct outbox *o) {
        return o->exhausted && o->answers.n == 0 && !any_busy(o);
}

/* Serves the senders that have something until they are done; from inside an event handler the loop can not. */
static void await_senders(struct outbox *o, usec_t end) {
        _cleanup_free_ struct peer **busy = calloc(o->n_senders + 1, sizeof(*busy));
        int r = busy ? 1 : -ENOMEM;

        while (r > 0 || r == -EINTR) {
                usec_t now = clock_monotonic();
                size_t n = 0;

                for (size_t i = 0; i < o->n_senders; i++)
                        if (o->senders[i].entry)
                                busy[n++] = o->senders[i].peer;
                if (n == 0 || now >= end)
                        return;
                r = peer_wait(busy, n, end - now);
        }
        if (r < 0 && r != -ENOTCONN)
                log_error_errno(r, "Failed to wait for the senders: %m");
}

void outbox_stop(struct outbox *o) {
        usec_t end = clock_monotonic() + STOP_USEC;
        json_t *abort_verb = json_pack("{s:s}", "verb", "abort");

        o->stopping = true;
        for (size_t i = 0; i < o->n_senders; i++)
                if (o->senders[i].entry && abort_verb)
                        peer_send(o->senders[i].peer, abort_verb, NULL, 0);
        json_decref(abort_verb);
        await_senders(o, end);
        for (size_t i = 0; i < o->n_senders; i++)
                if (o->senders[i].entry)
                        on_sender_down(o->senders[i].peer, "the service stops", &o->senders[i]);
        on_turn(o->turn, o); /* writes the last answers; hands out nothing */
}

size_t outbox_servers(const struct outbox *o, struct outbox_server *ret, size_t max) {
        size_t n = o->config.model->mail.n_servers;

        for (size_t i = 0; i < n && i < max; i++) {
                const struct mail_server_state *s = &o->servers.items[i];

                ret[i] = (struct outbox_server){.url = o->config.model->mail.servers[i].url,
                                                .text = s->text,
                                                .state = s->down_until ? "down"
                                                         : s->seen_ok  ? "ok"
                                                                       : "unknown"};
        }
        return n < max ? n : max;
}

usec_t outbox_failing_since(const struct outbox *o) { return o->failing_since; }
